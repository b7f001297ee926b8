"""docs/guides/comparing-runs.md prints what it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs import typed
from tests.docs.typed import steady


def same(text: str) -> str:
    """Without the time of the day; ids and the rest are of `steady`."""
    return steady(re.sub(r"\d\d:\d\d:\d\d", "TIME", text))


@pytest.mark.slow
def test_the_guide_prints_what_it_says(tmp_path: Path) -> None:
    """Break: change a word of a contrast, or a line of the page."""
    typed.check("docs/guides/comparing-runs.md", tmp_path, 7, same=same)
