"""`pedigree bundle` and `pedigree replay` at the command line: exit codes, streams, where the project goes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.cli.terminal import Project

SPEC = """
pipeline: {name: count}
transform: {cmd: [sh, -c, 'ls /pfs/images/* | wc -l > /pfs/out/n']}
input: {pfs: {repo: images, glob: "/"}}
"""


@pytest.mark.slow
def test_a_bundle_makes_a_project(project: Project, tmp_path: Path) -> None:
    """Default names; the verdict on stdout and the rest on stderr; --json; what is there is not overwritten."""
    project.write("specs.yaml", SPEC)
    project("apply", "specs.yaml")
    project("run")
    said = project("bundle", "count@master")
    assert said.err.startswith("Packed count@")
    (file,) = (name for name in os.listdir(tmp_path) if name.endswith(".bundle"))
    assert "already" in project("bundle", "count@master", "-o", file, code=4).err
    assert project("bundle", "count@master", "-o", file, "--overwrite", "--json").json["commits"] == 2
    said = project("replay", file)
    assert said.out.startswith("identical  count@")
    assert "Checked and unpacked" in said.err
    assert f"count@master is in {file[:-7]}" in said.err
    assert project("-C", file[:-7], "cat", "count@master:/n").out.strip() == "5"
    assert "already" in project("replay", file, code=4).err
    found = project("replay", file, "--into", ".", "--json")
    assert (found.json["known"], found.json["branches"], found.json["verdict"]["overall"]) == (2, [], "identical")
    assert found.err == ""
    piped = project("replay", "-", "--no-verify", "-o", "piped", stdin=(tmp_path / file).read_bytes())
    assert piped.out == "nothing was made again\n" or "whoever made the bundle says" in piped.out


def test_what_is_no_bundle_leaves_nothing(empty: Project, tmp_path: Path) -> None:
    """One error, and no folder of a project."""
    empty.write("x.bundle", b"PK\x03\x04" + bytes(600))
    said = empty("replay", "x.bundle", code=2)
    assert "x.bundle is no sound bundle" in said.err
    assert os.listdir(tmp_path) == ["x.bundle"]
    assert "There is no file" in empty("replay", "y.bundle", code=3).err
    assert "not both" in empty("replay", "x.bundle", "-o", "a", "--into", "b", code=2).err
    assert "no store" in empty("replay", "x.bundle", "--into", "b", code=3).err


@pytest.mark.slow
def test_a_different_result_is_exit_code_1(project: Project) -> None:
    """And the project is there to look into."""
    project.write("specs.yaml", SPEC.replace("ls /pfs/images/* | wc -l", "date +%s%N"))
    project("apply", "specs.yaml")
    project("run")
    project("bundle", "count@master", "-o", "c.bundle")
    said = project("replay", "c.bundle", "-q", code=1)
    assert said.out.startswith("different  count@")
    assert project("-C", "c", "lineage", "count@master").out.count("different") == 1
