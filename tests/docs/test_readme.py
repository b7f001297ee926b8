"""The README tells the truth: its tour is typed as it stands, and prints what it says."""

from __future__ import annotations

import re
from pathlib import Path

from tests.docs import typed

README = typed.ROOT / "README.md"


def test_the_tour_prints_what_the_readme_says(tmp_path: Path) -> None:
    """Break: change one word of a message, or one line of the tour."""
    typed.check("README.md", tmp_path, 21)


def test_every_page_that_the_readme_names_is_there() -> None:
    """Break: rename a page without looking here."""
    for target in re.findall(r"\]\(([^)#]+)\)", README.read_text()):
        if "://" not in target:
            assert (README.parent / target).exists(), target
