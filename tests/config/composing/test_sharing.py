"""What composes share: files read once, and nothing else."""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

from pedigree.canonical import digest
from pedigree.config.composing import Sources, compose
from pedigree.config.composing.sources import Files, Folder
from pedigree.config.origins import copied
from tests.config.composing.oracle import exactly, write
from tests.config.composing.shapes import RECIPES, ROLES, TEMPLATE


def _spoil(value: Any) -> None:
    """Changes everything in a tree."""
    if isinstance(value, dict):
        for item in value.values():
            _spoil(item)
        value.clear()
        value["spoilt"] = True
    elif isinstance(value, list):
        for item in value:
            _spoil(item)
        value[:] = ["spoilt"]


def test_the_values_of_one_compose_are_nobody_elses(tmp_path: Path) -> None:
    """With aliases, interpolated containers and overrides too."""
    text = "a: &a {b: [1, {c: 2}]}\nd: *a\ne: ${a}\nf: {g: '${.h}', h: [3]}\n"
    sources = Sources([Files({"config.yaml": text})])
    first = compose(None, sources=sources, overrides=["+x=[1,{y:2}]"])
    expected, raw, origins = copied(first.values), copied(first.raw), copied(first.origins)
    first.values["a"]["b"][1]["c"] = 9
    assert first.values["d"] == first.values["e"] == {"b": [1, {"c": 2}]}
    _spoil(first.values)
    assert first.raw == raw
    assert first.origins == origins
    again = compose(None, sources=sources, overrides=["+x=[1,{y:2}]"])
    assert again.values == expected


def test_a_sweep_sees_the_files_as_they_were(tmp_path: Path) -> None:
    """All points that share `Sources` see what the first read; others see the edit.

    Break: read at each compose.
    """
    write(tmp_path, TEMPLATE)
    sources = Sources([Folder(str(tmp_path))])
    before = compose(str(tmp_path), "train", ["model=large"], sources=sources, missing="keep")
    write(tmp_path, {"model/small.yaml": "edited: true\n", "train.yaml": "edited: true\n"})
    (tmp_path / "data/digits.yaml").unlink()
    after = compose(str(tmp_path), "train", ["model=large"], sources=sources, missing="keep")
    assert exactly(after.raw) == exactly(before.raw)
    assert after.digests == before.digests
    assert compose(str(tmp_path), "train").values == {"edited": True}


def test_a_sweep_sees_the_files_of_a_search_path_as_they_were(tmp_path: Path) -> None:
    """Where the configuration itself names a further folder. Break: make the longer search path anew at each compose."""
    write(tmp_path / "more", {"opt/a.yaml": "v: 1\n"})
    write(tmp_path / "conf", {"config.yaml": f"hydra: {{searchpath: ['{tmp_path}/more']}}\ndefaults: [opt: a]\n"})
    sources = Sources([Folder(str(tmp_path / "conf"))])
    before = compose(sources=sources)
    write(tmp_path / "more", {"opt/a.yaml": "v: 2\n"})
    after = compose(sources=sources)
    assert (before.values, before.digests) == (after.values, after.digests) == ({"opt": {"v": 1}}, after.digests)


class _Changing:
    """A source whose file is another each time, and that is read by two at once."""

    shown = "changing"

    def __init__(self) -> None:
        self.both, self.count = Barrier(2), iter(range(100))

    def read(self, name: str) -> tuple[bytes, str] | None:
        number = next(self.count)
        self.both.wait(timeout=60)
        return f"v: {number}".encode(), name

    def entries(self, group: str) -> list[tuple[str, bool]] | None:
        return []


def test_two_threads_that_read_a_file_at_once_take_the_same_text() -> None:
    """And its own digest. Break: `load` that keeps what was read last."""
    sources = Sources([_Changing()])
    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(lambda _: compose(sources=sources), range(2))
    assert one.values == other.values
    assert one.digests == other.digests == {"config.yaml": digest(f"v: {one.values['v']}".encode())}


def test_sixteen_threads_compose_at_once(tmp_path: Path) -> None:
    """Each its own configuration, all through one `Sources`, all as they are alone."""
    work = []
    for name, files, primaries in (
        ("template", TEMPLATE, ("train", "eval")),
        ("roles", ROLES, ("ppo", "pipe")),
        ("recipes", RECIPES, ("cars",)),
    ):
        folder = str(write(tmp_path / name, files))
        for primary in primaries:
            work += [(folder, primary, [f"+point.number={number}"]) for number in range(4)]

    def composed(one: tuple[str, str, list[str]], sources: dict[str, Sources]) -> Any:
        found = compose(one[0], one[1], one[2], sources=sources[one[0]], missing="keep")
        return exactly(found.values), found.choices, found.files, found.digests

    alone = [composed(one, {one[0]: Sources([Folder(one[0])])}) for one in work]
    shared = {folder: Sources([Folder(folder)]) for folder, _, _ in work}
    barrier = Barrier(16)

    def many(start: int) -> list[Any]:
        barrier.wait(timeout=60)
        order = work[start:] + work[:start]
        found = [composed(one, shared) for one in order]
        return found[len(work) - start :] + found[: len(work) - start]

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(16) as pool:
            together = list(pool.map(many, range(16)))
    finally:
        sys.setswitchinterval(interval)
    assert all(found == alone for found in together)


def test_composing_changes_nothing_of_the_process(tmp_path: Path) -> None:
    write(tmp_path, {"config.yaml": "a: ${oc.env:NAME}\n"})
    environment, folder, modules = dict(os.environ), os.getcwd(), set(sys.modules)
    assert compose(str(tmp_path), environment={"NAME": "x"}).values == {"a": "x"}
    assert (dict(os.environ), os.getcwd()) == (environment, folder)
    assert not {name for name in set(sys.modules) - modules if name.startswith(("hydra", "omegaconf"))}


def test_what_is_merged_over_an_interpolation_reads_the_environment_that_was_given(tmp_path: Path) -> None:
    """Not that of the process. Break: follow interpolations with `os.environ`."""
    files = {
        "config.yaml": "defaults: [base, _self_]\nplace: {port: 2}\n",
        "base.yaml": "home: {host: a}\nother: {host: b}\nplace: ${${oc.env:WHICH}}\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    for which, host in (("home", "a"), ("other", "b")):
        found = compose(str(tmp_path), environment={"WHICH": which})
        assert found.values["place"] == {"host": host, "port": 2}
