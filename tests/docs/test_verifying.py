"""docs/guides/verifying.md prints what it says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.docs.test_readme import commands, steady

PAGE = Path(__file__).parents[2] / "docs/guides/verifying.md"


def same(text: str) -> str:
    """Without what is drawn at random: the numbers, and the first byte in which they differ."""
    text = re.sub(r"'[0-9.]+' (stored|rebuilt|the first time|the second)", r"NUMBER \1", text)
    return steady(re.sub(r"other byte is \d+", "other byte is NUMBER", text))


def test_the_guide_prints_what_it_says(tmp_path: Path) -> None:
    """Break: change a word of a verdict, or a line of the page."""
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "LANG": "C.UTF-8",
        "COLUMNS": "160",
    }
    found = list(commands(PAGE.read_text()))
    assert len(found) == 9
    for command, expected in found:
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        # With -q a difference is told on stderr as soon as it is found; the page shows the verdict.
        lines = [line for line in done.stdout.splitlines() if not line.startswith("note ")]
        assert same("\n".join(lines)) == same(expected), f"$ {command}"
