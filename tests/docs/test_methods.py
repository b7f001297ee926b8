"""The pages of docs/methods run as they stand and print what they say; the index names them all."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs import typed

METHODS = typed.ROOT / "docs/methods"
PAGES = sorted(path.name for path in METHODS.glob("*.md") if path.name != "README.md")
#: A page whose examples take more than about a second says so in this line, and runs with the slow tests.
SLOW = "<!-- slow -->"


def examples(text: str) -> Iterator[tuple[str, str]]:
    """Every ```python block with the ```text block that follows before the next one, empty where none does."""
    blocks = re.findall(r"^```(\w+)\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)
    for at, (language, code) in enumerate(blocks):
        if language == "python":
            follower, output = blocks[at + 1] if at + 1 < len(blocks) else ("", "")
            yield code, output if follower == "text" else ""


def pages() -> list[object]:
    slow = {name for name in PAGES if SLOW in (METHODS / name).read_text()}
    return [pytest.param(name, marks=pytest.mark.slow if name in slow else ()) for name in PAGES]


@pytest.mark.parametrize("name", pages())
def test_a_page_prints_what_it_says(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The blocks of a page run in order, in one namespace and an empty folder. Break: change a number on the page."""
    monkeypatch.chdir(tmp_path)
    found = list(examples((METHODS / name).read_text()))
    assert found, "a page of a method has an example"
    names: dict[str, object] = {"__name__": "__main__"}
    for number, (code, expected) in enumerate(found, 1):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code, f"{name}, example {number}", "exec"), names)  # noqa: S102 - the page is ours
        assert plain(printed.getvalue()) == plain(expected), f"{name}, example {number}"
    assert any(expected for _, expected in found), "an example prints something"


def plain(text: str) -> list[str]:
    return [line.rstrip() for line in text.strip().splitlines()]


def test_the_index_names_every_page_once() -> None:
    """Break: add a page without a line in docs/methods/README.md, or name one that is not there."""
    named = re.findall(r"^\| \[[^\]]+\]\(([\w.-]+\.md)\)", (METHODS / "README.md").read_text(), flags=re.MULTILINE)
    assert sorted(named) == PAGES
