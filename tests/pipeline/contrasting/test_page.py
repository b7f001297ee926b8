"""The page of a contrast: whole in itself, and safe whatever names the store holds."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

from pedigree.pipeline.contrasting import page
from pedigree.pipeline.contrasting.contrast import Cause, Change, Contrast, Number, Plot, Side
from tests.pipeline.project import Project

EVIL = "<script>alert(1)</script>\"'&@BODY@"


class Outline(HTMLParser):
    """The elements that are open at the end, and every address that is asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]


def test_the_page_needs_nothing_and_runs_nothing(tmp_path: Path) -> None:
    """Break: write a name without escaping it; give an image by its path; or replace marks one after the other."""
    project = Project(tmp_path)
    project.put("in", {"a.svg": "<svg xmlns='http://www.w3.org/2000/svg'/>", "b.svg": "<svg/>"})
    digests = _digests(project)
    change = Change(EVIL, EVIL, EVIL, EVIL)
    code = Change(EVIL, lines=("--- a", "+++ b", f"+{EVIL}"))
    contrast = Contrast(
        repo=EVIL,
        path=EVIL,
        old=Side("0" * 64, "1" * 32, 1.0),
        new=Side("2" * 64, "3" * 32, None),
        changed=1,
        added=0,
        removed=0,
        causes=(Cause("config", (EVIL,), (EVIL, EVIL), (change, code), 3),),
        beside=(Cause("spec", (EVIL,), (EVIL,), (change,)),),
        steps=(),
        numbers=(Number(EVIL, EVIL, EVIL, 1.0, 2.0),),
        same_numbers=0,
        curves=(),
        plots=(Plot("in", EVIL + ".svg", digests[0], digests[1], 41, 6), Plot("in", "gone.png", digests[0], "", 41, 0)),
        logs=(),
        notes=(EVIL,),
    )
    text = page.render(project.store, [contrast, contrast])
    outline = Outline()
    outline.feed(text)
    assert "script" not in outline.names
    assert outline.names.count("img") == 6
    assert all(address.startswith("data:image/") for address in outline.addresses)
    assert re.search("default-src 'none'; style-src 'unsafe-inline'; img-src data:", text)
    assert outline.names.count("main") == 2
    assert "not there" in text


def _digests(project: Project) -> list[str]:
    from pedigree.store import trees

    commit = project.store.resolve("in@master").commit
    return [entry.digest for _, entry in trees.scan(commit.tree, project.store.objects.read)]
