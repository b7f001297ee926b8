"""The pages of docs/guides print what they say they print."""

from __future__ import annotations

import contextlib
import io
import re
import warnings
from pathlib import Path

import fsspec
import pytest

GUIDES = Path(__file__).parents[2] / "docs" / "guides"
BLOCK = re.compile(r"```python\n(.*?)```\n(?:\s*```\n(.*?)```\n)?", re.DOTALL)


@pytest.mark.parametrize(("page", "blocks"), [("reading.md", 6), ("writing.md", 9)])
def test_every_block_of_a_guide_runs_and_prints_what_stands_below_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: str, blocks: int
) -> None:
    """Break: change one output on the page."""
    monkeypatch.chdir(tmp_path)
    fsspec.get_filesystem_class("pedigree").clear_instance_cache()
    names: dict[str, object] = {"__name__": "guide"}
    found = BLOCK.findall((GUIDES / page).read_text())
    assert len(found) == blocks
    for code, output in found:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed), warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="torch")
            exec(compile(code, page, "exec"), names)  # noqa: S102  (the page of this repository)
        assert printed.getvalue() == output
    names["store"].close()  # type: ignore[attr-defined]  # the page made a Store of that name
