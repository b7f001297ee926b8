"""docs/guides/verifying.md prints what it says."""

from __future__ import annotations

import re
from pathlib import Path

from tests.docs import typed
from tests.docs.typed import steady


def same(text: str) -> str:
    """Without what is drawn at random: the numbers, and the first byte in which they differ.

    With -q a difference is told on stderr as soon as it is found; the page shows the verdict.
    """
    text = "\n".join(line for line in text.splitlines() if not line.startswith("note "))
    text = re.sub(r"'[0-9.]+' (stored|rebuilt|the first time|the second)", r"NUMBER \1", text)
    return steady(re.sub(r"other byte is \d+", "other byte is NUMBER", text))


def test_the_guide_prints_what_it_says(tmp_path: Path) -> None:
    """Break: change a word of a verdict, or a line of the page."""
    typed.check("docs/guides/verifying.md", tmp_path, 9, same=same)
