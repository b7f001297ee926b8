"""docs/guides/reading.md prints what it says it prints."""

from __future__ import annotations

import contextlib
import io
import re
import warnings
from pathlib import Path

import fsspec
import pytest

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "reading.md"
BLOCK = re.compile(r"```python\n(.*?)```\n(?:\s*```\n(.*?)```\n)?", re.DOTALL)


def test_every_block_of_the_guide_runs_and_prints_what_stands_below_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Break: change one output on the page."""
    monkeypatch.chdir(tmp_path)
    fsspec.get_filesystem_class("pedigree").clear_instance_cache()
    names: dict[str, object] = {"__name__": "guide"}
    blocks = BLOCK.findall(GUIDE.read_text())
    assert len(blocks) == 6
    for code, output in blocks:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed), warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="torch")
            exec(compile(code, str(GUIDE), "exec"), names)  # noqa: S102  (the page of this repository)
        assert printed.getvalue() == output
    names["store"].close()  # type: ignore[attr-defined]  # the page made a Store of that name
