"""The README tells the truth: its tour is typed as it stands, and prints what it says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from tests.docs import typed

README = typed.ROOT / "README.md"


def test_the_tour_prints_what_the_readme_says(tmp_path: Path) -> None:
    """Break: change one word of a message, or one line of the tour."""
    typed.check("README.md", tmp_path, 21)


def test_the_lines_about_labels_run() -> None:
    """Break: write another name than `labels.analyse`, or `found.best(20)`, in the README."""
    (lines,) = re.findall(r"```python\n(from pedigree import labels\n.*?)```", README.read_text(), flags=re.DOTALL)
    given = np.arange(60) % 3
    probabilities = np.full((60, 3), 0.1)
    probabilities[np.arange(60), given] = 0.8
    given[:2] = given[1:3]
    names: dict[str, Any] = {"given": given, "probabilities": probabilities}
    exec(lines, names)  # noqa: S102  # the block of the page
    assert np.flatnonzero(names["found"].issues()).tolist() == [0, 1]


def test_every_page_that_the_readme_names_is_there() -> None:
    """Break: rename a page without looking here."""
    for target in re.findall(r"\]\(([^)#]+)\)", README.read_text()):
        if "://" not in target:
            assert (README.parent / target).exists(), target
