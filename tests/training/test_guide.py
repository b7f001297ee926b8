"""The guide on reproducible training prints what it says it prints."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import pytest
import torch

PAGE = Path(__file__).parents[2] / "docs" / "guides" / "reproducible-training.md"
BLOCK = re.compile(r"```python\n(.*?)```\n(?:\s*```\n(.*?)```\n)?", re.DOTALL)


def test_every_block_of_the_guide_runs_and_prints_what_stands_below_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Break: change one output on the page."""
    monkeypatch.delenv("PYTHONHASHSEED", raising=False)
    names: dict[str, object] = {"__name__": "guide"}
    found = BLOCK.findall(PAGE.read_text())
    assert len(found) == 8
    for code, output in found:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code, PAGE.name, "exec"), names)  # noqa: S102  (the page of this repository)
        assert printed.getvalue() == output
    assert not torch.are_deterministic_algorithms_enabled()
