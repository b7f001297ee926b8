"""The guide on wrong labels prints what it says it prints."""

from __future__ import annotations

import contextlib
import io
import re

import pytest

from tests.docs import typed

BLOCK = re.compile(r"```python\n(.*?)```\n\n```text\n(.*?)```\n", re.DOTALL)


@pytest.mark.slow
def test_every_block_of_the_guide_runs_and_prints_what_stands_below_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Break: change one output on the page."""
    monkeypatch.delenv("PYTHONHASHSEED", raising=False)  # which the page sets, and this puts back
    names: dict[str, object] = {"__name__": "guide"}
    text = (typed.ROOT / "docs/guides/noisy-labels.md").read_text()
    found = BLOCK.findall(text)
    assert len(found) == text.count("```python") == 4
    for code, output in found:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code, "noisy-labels.md", "exec"), names)  # noqa: S102  (the page of this repository)
        assert printed.getvalue() == output
