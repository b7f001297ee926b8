"""The guide tells the truth: its blocks run as they stand, and print what it says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

GUIDE = Path(__file__).parents[3] / "docs" / "guides" / "checking.md"


def test_the_guide_prints_what_it_says(tmp_path: Path) -> None:
    """Break: change one word of a message, or one line of the page."""
    blocks = re.findall(r"```(python)?\n(.*?)```", GUIDE.read_text(), flags=re.DOTALL)
    program = "\n".join(text for language, text in blocks if language)
    expected = "".join(text for language, text in blocks if not language)
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert [line for line in done.stdout.splitlines() if line] == [line for line in expected.splitlines() if line]
