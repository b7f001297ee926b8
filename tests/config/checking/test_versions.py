"""Versions in a check: files that state none, that are old, and that are newer than the code."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import Field

from pedigree.config.checking import check
from pedigree.config.models import Config
from pedigree.config.versions import Family, Rename
from tests.config.checking.lab import conf, lines

loose = Family("loose", unversioned=1)
tight = Family("tight")


@loose.version()
class Loose1(Config):
    version: Literal[1] = 1
    context: int


@loose.version(Rename("context", "new_context"))
class Loose2(Config):
    version: Literal[2] = 2
    new_context: int


@tight.version()
class Tight1(Config):
    version: Literal[1]
    size: int


class Whole(Config):
    model: Loose2
    part: Tight1


FILES = {
    "config.yaml": "defaults:\n  - model: new\n  - part: a\n",
    "model/new.yaml": "version: 2\nnew_context: 3\n",
    "part/a.yaml": "version: 1\nsize: 3\n",
}


OLD = "this is version 1 of loose, and the code has 2"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, []),
        ({"model/old.yaml": "version: 1\ncontext: 3\n"}, [f"note model/old.yaml:1:10 version: {OLD}"]),
        (
            {"model/old.yaml": "context: 3\n"},
            ["warning model/old.yaml:1:1 version: model: no version is stated for Loose2", f"note model/old.yaml:1:1 version: {OLD}"],
        ),
        (
            {"part/b.yaml": "size: 3\n"},
            ["error part/b.yaml:1:1 version: part states no version of 'tight', and nobody said which one such files are"],
        ),
        (
            {"model/next.yaml": "version: 3\nnew_context: 3\n"},
            ["error model/next.yaml:1:10 version: model.version is 3, and this code knows 'loose' up to version 2: this file is newer than this code"],
        ),
        (
            {"model/old.yaml": "version: 1\ncontext: three\n"},
            ["error model/old.yaml:2:10 version: The file is loose v1, and that version refuses it:"],
        ),
        ({"model/later.yaml": "version: 1\ncontext: ???\n"}, [f"note model/later.yaml:1:10 version: {OLD}"]),
    ],
)  # fmt: skip
def test_versions(tmp_path: Path, files: dict[str, str], expected: list[str]) -> None:
    """Break: validate without migrating; look for a version in the whole alone; take `???` for a value of the old
    version."""
    assert lines(check(conf(tmp_path, files, FILES), model=Whole), tmp_path) == expected


def test_what_a_version_refuses_is_told_in_its_own_words(tmp_path: Path) -> None:
    """Break: keep the place in the message, which then is another one in each directory."""
    (found,) = check(conf(tmp_path, {"model/old.yaml": "version: 1\ncontext: three\n"}, FILES), model=Whole).findings
    assert found.message == (
        "The file is loose v1, and that version refuses it:\n  model.context: Input should be a valid integer, got 'three'"
    )


def test_a_model_without_versions_is_not_asked_for_one(tmp_path: Path) -> None:
    """Break: ask every mapping for a version."""

    class Plain(Config):
        model: dict[str, Any]
        part: dict[str, Any]

    assert lines(check(conf(tmp_path, {"part/b.yaml": "{}\n"}, FILES), model=Plain), tmp_path) == []


def test_a_file_two_versions_old_has_one_note_and_its_mistakes_have_their_lines(tmp_path: Path) -> None:
    """Break: a note for each step; read a place with the words of its migration behind it as none."""
    family = Family("three", unversioned=1)

    @family.version()
    class One(Config):
        version: Literal[1] = 1
        a: int

    @family.version(Rename("a", "b"))
    class Two(Config):
        version: Literal[2] = 2
        b: int

    @family.version(Rename("b", "c"))
    class Three(Config):
        version: Literal[3] = 3
        c: int = Field(ge=10)

    class All(Config):
        model: Three

    files = {"config.yaml": "defaults: [{model: one}]\n", "model/one.yaml": "version: 1\na: 5\n"}
    assert lines(check(conf(tmp_path, files, {}), model=All), tmp_path) == [
        "note model/one.yaml:1:10 version: this is version 1 of three, and the code has 3",
        "error model/one.yaml:2:4 model: model.a (now model.c): expected 10 or more, got 5",
    ]
