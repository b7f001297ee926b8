"""docs/guides/exporting.md prints what it says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.test_readme import commands, steady

PAGE = Path(__file__).parents[2] / "docs/guides/exporting.md"


def same(text: str) -> str:
    return re.sub(r"\b[0-9a-f]{64}\b", "DIGEST", steady(text))


@pytest.mark.slow
def test_the_guide_prints_what_it_says(tmp_path: Path) -> None:
    """Break: change a word of the card, or a line of the page."""
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "LANG": "C.UTF-8",
        "COLUMNS": "160",
    }
    found = list(commands(PAGE.read_text()))
    assert len(found) == 10
    for command, expected in found:
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert same(done.stdout) == same(expected), f"$ {command}"
