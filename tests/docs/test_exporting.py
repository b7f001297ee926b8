"""docs/guides/exporting.md prints what it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs import typed
from tests.docs.typed import steady


def same(text: str) -> str:
    return re.sub(r"\b[0-9a-f]{64}\b", "DIGEST", steady(text))


@pytest.mark.slow
def test_the_guide_prints_what_it_says(tmp_path: Path) -> None:
    """Break: change a word of the card, or a line of the page."""
    typed.check("docs/guides/exporting.md", tmp_path, 10, same=same)
