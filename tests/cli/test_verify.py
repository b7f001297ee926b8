"""`pedigree verify` at the command line: exit codes, what is printed where, the environment of then and now."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.terminal import Project

SPECS = """
pipeline: {name: count}
transform: {cmd: [sh, -c, 'ls /pfs/images/* | wc -l > /pfs/out/n']}
input: {pfs: {repo: images, glob: "/*"}}
---
pipeline: {name: draw}
transform: {cmd: [python3, -c, 'import random; open("/pfs/out/n", "w").write(str(random.random()))']}
input: {pfs: {repo: images, glob: "/cats/"}}
---
pipeline: {name: version}
transform: {cmd: [python3, -c, 'import thing; open("/pfs/out/v", "w").write(thing.version)']}
input: {pfs: {repo: images, glob: "/cats/"}}
datum_tries: 1
"""


def test_exit_codes_and_streams(project: Project) -> None:
    """0 and 1; the verdict on stdout, progress on stderr; -q and --json leave the progress out. Break: exit with 0."""
    project.write("specs.yaml", SPECS.replace('glob: "/*"', "glob: /").partition("---\npipeline: {name: version}")[0])
    project("apply", "specs.yaml")
    project("run")
    said = project("verify", "count@master")
    assert said.out.startswith("identical  count@")
    assert "identical count@" in said.err
    assert "This verdict is kept" in said.err
    assert project("verify", "-q", "count@master").err == ""
    other = project("verify", "draw@master", code=1)
    assert other.out.startswith("different  draw@")
    assert "seed: 1" in other.out
    found = project("verify", "--json", "draw@master", "--upstream", code=1).json
    assert (found["overall"], found["findings"][0]["files"][0]["path"]) == ("different", "n")
    assert len(project("inspect", "--json", "draw@master").json["verdicts"]) == 2
    assert "verdicts    different 2" in project("inspect", "draw@master").out
    assert "different 2" in project("lineage", "draw@master").out
    assert project("verify", "images@master", code=1).out.startswith("cannot be rebuilt  images@")
    assert "Give a share or a number" in project("verify", "count@master", "--sample", "0%", code=2).err


def package(site: Path, version: str) -> None:
    shutil.rmtree(site, ignore_errors=True)
    info = site / f"thing-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: thing\nVersion: {version}\n")
    (site / "thing.py").write_text(f"version = {version!r}\n")
    (info / "RECORD").write_text(f"thing.py,,\nthing-{version}.dist-info/METADATA,,\n")


@pytest.mark.slow
def test_a_changed_package_is_named_with_both_versions(
    project: Project, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Identical or different, the verdict names it. Break: compare the environments only where a file differs."""
    site = tmp_path_factory.mktemp("extra") / "site-packages"
    env = {"PYTHONPATH": str(site)}
    package(site, "1.0")
    project.write("specs.yaml", SPECS.replace('glob: "/*"', "glob: /"))
    project("apply", "specs.yaml")
    project("run", env=env)
    package(site, "2.0")
    changed = "environment package thing: 1.0 when it was made, 2.0 now"
    same = project("verify", "count@master", env=env).out
    assert same.startswith("identical")
    assert changed in same
    other = project("verify", "version@master", code=1, env=env).out
    assert changed in other
    assert "line 1: '1.0' stored, '2.0' rebuilt" in other
    shutil.rmtree(site)
    gone = project("verify", "version@master", code=1).out
    assert "package thing: 1.0 when it was made, absent now" in gone
    assert "now it failed: the step ended with exit code 1" in gone
    assert "| ModuleNotFoundError: No module named 'thing'" in gone
