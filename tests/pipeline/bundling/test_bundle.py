"""A bundle packed in one project and replayed in another, on real steps in the real sandbox."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

import pedigree
from pedigree.errors import AlreadyExists, CommitNotFound, Conflict
from pedigree.pipeline import lineage
from pedigree.pipeline.bundling import bundle, replay
from pedigree.pipeline.bundling.replaying import Replayed
from pedigree.pipeline.verifying import verdicts, verify
from pedigree.store import Store, fsck, gc, trees
from pedigree.store.alone import MINIMUM_BYTES
from tests.pipeline.bundling import crafted
from tests.pipeline.project import COPY, Project

SUM = """
---
pipeline: {name: sum}
input: {pfs: {repo: copy, glob: /}}
transform: {cmd: [sh], stdin: ['cat /pfs/copy/* > /pfs/out/all; head -c 1100000 /dev/zero > /pfs/out/zeros']}
"""

CLOCK = """
---
pipeline: {name: clock}
input: {pfs: {repo: copy, glob: /}}
transform: {cmd: [sh], stdin: ['date +%s%N > /pfs/out/time']}
---
pipeline: {name: after}
input: {pfs: {repo: clock, glob: /}}
transform: {cmd: [sh], stdin: ['wc -l < /pfs/clock/time > /pfs/out/lines']}
"""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two files and a large one, copied and joined."""
    made = Project(tmp_path_factory.mktemp("template") / "first")
    made.put("in", {"a": "one\n", "b": "two\n", "large": "x" * MINIMUM_BYTES})
    made.apply(COPY + SUM)
    made.run()
    made.store.close()
    return made.folder


@pytest.fixture
def project(template: Path, tmp_path: Path) -> Project:
    shutil.copytree(template, tmp_path / "first", symlinks=True)
    return Project(tmp_path / "first", store=pedigree.open(tmp_path / "first"))


def replayed(file: Path, project: Path, **options: object) -> tuple[Store, Replayed]:
    store = pedigree.open(project) if (project / ".pedigree").exists() else pedigree.init(project)
    with open(file, "rb") as stream:
        return store, replay(store, stream, file.name, **options)  # type: ignore[arg-type]  # passed through


def head(store: Store, reference: str) -> str:
    return store.resolve(reference).commit.id


def test_a_result_lives_on_where_its_store_is_gone(project: Project, tmp_path: Path) -> None:
    """Same ids, same branches, verified, sound, kept by gc; lineage and get work; packing it again gives the same bytes."""
    file = tmp_path / "sum.bundle"
    bundle(project.store, "sum@master", file)
    ids = {name: head(project.store, f"{name}@master") for name in ("in", "copy", "sum")}
    project.store.close()
    shutil.rmtree(project.folder)

    store, plain = replayed(file, tmp_path / "plain", verify=False)
    assert (plain.verdict, plain.new, plain.reference) == (None, 3, "sum@master")
    bundle(store, "sum@master", tmp_path / "again.bundle")
    assert (tmp_path / "again.bundle").read_bytes() == file.read_bytes()

    store, found = replayed(file, tmp_path / "second")
    assert found.verdict is not None
    assert found.ok
    assert [item.repo for item in found.verdict.upstream] == ["copy"]
    assert found.branches == ("copy@master", "in@master", "sum@master")
    assert {name: head(store, f"{name}@master") for name in ids} == ids
    assert gc.plan(store).empty  # all of it is needed, the trees of datums too
    gc.collect(store, wait_s=0)
    assert fsck.check(store) == []
    assert verify(store, "sum@master", upstream=True).ok
    nodes = lineage.lineage(store, "sum@master:/all").nodes.values()
    assert {node.repo for node in nodes} == {"in", "copy", "sum"}
    store.get("sum@master:/all", tmp_path / "all")
    assert (tmp_path / "all").read_text().startswith("ONE\nTWO\nXXX")


def test_without_results_they_are_made_and_compared_by_digest(project: Project, tmp_path: Path) -> None:
    """The file lacks what pipelines wrote; afterwards the project has it under the same ids, sound and kept by gc."""
    whole, recipe = tmp_path / "whole.bundle", tmp_path / "recipe.bundle"
    bundle(project.store, "sum@master", whole)
    bundle(project.store, "sum@master", recipe, results=False)
    assert recipe.stat().st_size < whole.stat().st_size / 2
    assert b"ONE\nTWO\n" in whole.read_bytes()
    assert b"ONE\nTWO\n" not in recipe.read_bytes()
    store, found = replayed(recipe, tmp_path / "second")
    assert found.ok
    assert (found.new, found.known) == (3, 0)
    assert head(store, "sum@master") == head(project.store, "sum@master")
    gc.collect(store, wait_s=0)
    assert fsck.check(store) == []
    assert verify(store, "sum@master", upstream=True).ok


@pytest.mark.slow
def test_what_comes_out_otherwise_is_told_and_stays_out(project: Project, tmp_path: Path) -> None:
    """With results: they are there as they were, with the verdict. Without: neither the commit nor what came from it."""
    project.apply(COPY + SUM + CLOCK)
    project.run()
    bundle(project.store, "after@master", tmp_path / "whole.bundle")
    bundle(project.store, "after@master", tmp_path / "recipe.bundle", results=False)
    store, found = replayed(tmp_path / "whole.bundle", tmp_path / "second")
    assert found.verdict is not None
    assert not found.ok
    assert found.verdict.cause is not None
    assert found.verdict.cause.repo == "clock"
    assert head(store, "after@master") == head(project.store, "after@master")

    store, found = replayed(tmp_path / "recipe.bundle", tmp_path / "third")
    assert found.verdict is not None
    assert [(item.repo, item.state) for item in (*found.verdict.upstream, found.verdict)] == [
        ("copy", "identical"),
        ("clock", "different"),
        ("after", "cannot be rebuilt"),
    ]
    assert found.verdict.upstream[1].findings[0].files[0].path == "time"
    assert "did not come out as stated" in found.verdict.reasons[0]
    assert {commit.repo for commit in store.commits()} == {"in", "copy"}
    gc.collect(store, wait_s=0)
    assert fsck.check(store) == []
    assert gc.plan(store).empty


@pytest.mark.slow
def test_bundles_that_share_history_come_into_one_project_once(project: Project, tmp_path: Path) -> None:
    """Twice the same adds nothing; the older one after the newer one joins the line before it, and moves no branch back."""
    bundle(project.store, "sum@master", tmp_path / "old.bundle")
    project.put("in", {"c": "three\n"})
    project.run()
    bundle(project.store, "sum@master", tmp_path / "new.bundle")
    _, new = replayed(tmp_path / "new.bundle", tmp_path / "second", verify=False)
    store, again = replayed(tmp_path / "new.bundle", tmp_path / "second", verify=False)
    assert (new.new, new.known, again.new, again.known) == (3, 0, 0, 3)
    assert [commit.id for commit in store.log("in@master")] == [head(project.store, "in@master")]
    store, old = replayed(tmp_path / "old.bundle", tmp_path / "second", verify=False)
    assert (old.new, old.branches) == (3, ())
    for name in ("in", "copy", "sum"):
        there = [commit.id for commit in project.store.log(f"{name}@master")]
        assert [commit.id for commit in store.log(f"{name}@master")] == there
    assert fsck.check(store) == []
    size = sum(file.stat().st_size for file in (tmp_path / "second/.pedigree/objects").rglob("*") if file.is_file())
    replayed(tmp_path / "old.bundle", tmp_path / "second", verify=False)
    assert size == sum(
        file.stat().st_size for file in (tmp_path / "second/.pedigree/objects").rglob("*") if file.is_file()
    )


@pytest.mark.slow
def test_into_a_project_with_its_own_history_nothing_moves(project: Project, tmp_path: Path) -> None:
    """Branches stay, the result has its id; with `branches` one that would lose commits is refused, and nothing lands."""
    bundle(project.store, "sum@master", tmp_path / "sum.bundle")
    other = Project(tmp_path / "other")
    other.put("in", {"mine": "mine\n"})
    mine = head(other.store, "in@master")
    with pytest.raises(Conflict, match="not in the history"):
        replayed(tmp_path / "sum.bundle", other.folder, branches=True)
    assert [commit.id for commit in other.store.commits()] == [mine]
    _, found = replayed(tmp_path / "sum.bundle", other.folder, branches=False)
    assert found.ok
    assert found.branches == ()
    assert found.reference == f"sum@{head(project.store, 'sum@master')[:12]}"
    assert head(other.store, "in@master") == mine
    assert fsck.check(other.store) == []
    clash = Project(tmp_path / "clash")
    clash.put("sum", {"a": "b"})
    with pytest.raises(Conflict, match="of kind input here"):
        replayed(tmp_path / "sum.bundle", clash.folder, branches=False)
    assert len(clash.store.commits()) == 1


def test_what_others_say_is_not_told_as_seen_here(project: Project, tmp_path: Path) -> None:
    """The sender's verdict is in the bundle and is handed on; beside the commit stands only what was found here.

    Results that a bundle states are not taken from the cache either."""
    verify(project.store, "sum@master")
    bundle(project.store, "sum@master", tmp_path / "sum.bundle")
    store, found = replayed(tmp_path / "sum.bundle", tmp_path / "second", verify=False)
    assert [item["overall"] for item in found.told] == ["identical"]
    assert verdicts.of(store, found.commit) == []
    assert store.records.keys("datum") == []
    assert len(store.records.keys("received")) == 4


@pytest.mark.slow
def test_a_step_computed_by_an_earlier_job_is_told_that_job_again(project: Project, tmp_path: Path) -> None:
    """The second commit reuses a result of the first run, which wrote that run's job id."""
    spec = """
pipeline: {name: job}
input: {pfs: {repo: in, glob: /*}}
transform: {cmd: [sh], stdin: ['echo $PACH_JOB_ID > /pfs/out/$(basename /pfs/in/*)']}
"""
    project.apply(spec)
    project.run()
    project.put("in", {"c": "three\n"})
    project.run()
    bundle(project.store, "job@master", tmp_path / "job.bundle")
    _, found = replayed(tmp_path / "job.bundle", tmp_path / "second")
    assert found.ok


@pytest.mark.slow
def test_no_secret_is_in_a_bundle(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the value of a step's secret, nor what the step printed of it; and nobody runs such a step unasked."""
    spec = """
pipeline: {name: secretive}
input: {pfs: {repo: in, glob: /a}}
transform:
  cmd: [sh, -c, 'echo $TOKEN | rev; echo $TOKEN > /dev/null; cp /pfs/in/a /pfs/out']
  secrets: [{name: token, key: it, env_var: TOKEN}]
---
pipeline: {name: last}
input: {pfs: {repo: secretive, glob: /a}}
transform: {cmd: [cp, /pfs/secretive/a, /pfs/out]}
"""
    monkeypatch.setenv("PEDIGREE_SECRET_TOKEN_IT", "hunter2-and-more")
    project.apply(spec)
    project.run()
    file = tmp_path / "s.bundle"
    bundle(project.store, "last@master", file, environment=True)
    assert b"hunter2-and-more" not in file.read_bytes()
    assert b"erom-dna-2retnuh" not in file.read_bytes()
    with pytest.raises(Conflict, match=r"secretive asks for secrets \(token\)"):
        replayed(file, tmp_path / "second")
    assert pedigree.open(tmp_path / "second").repositories() == []
    _, found = replayed(file, tmp_path / "second", verify=False)
    assert found.verdict is None
    _, found = replayed(file, tmp_path / "second", trust=True)
    assert found.verdict is not None
    assert found.verdict.overall == "cannot be rebuilt"  # the same bytes, and a secret that nobody can compare


def test_packing_refuses_what_it_cannot_keep(project: Project, tmp_path: Path) -> None:
    """A file that is there, an input that is gone: one error each, and no file is left."""
    file = tmp_path / "sum.bundle"
    file.write_text("mine")
    with pytest.raises(AlreadyExists, match="sum.bundle already"):
        bundle(project.store, "sum@master", file)
    assert file.read_text() == "mine"
    bundle(project.store, "sum@master", file, overwrite=True)
    project.store.delete_repository("in", force=True)
    with pytest.raises(CommitNotFound, match="nothing could rebuild it"):
        bundle(project.store, "sum@master", tmp_path / "other.bundle")
    assert sorted(os.listdir(tmp_path)) == ["first", "sum.bundle"]


def test_ordinary_tools_read_it(project: Project, tmp_path: Path) -> None:
    """tar unpacks it, and every sum is that of its file."""
    file = tmp_path / "sum.bundle"
    bundle(project.store, "sum@master", file, environment=True)
    subprocess.run(["tar", "-xf", str(file), "-C", str(tmp_path)], check=True)
    from blake3 import blake3

    lines = (tmp_path / "CHECKSUMS").read_text().splitlines()
    for line in lines:
        digest, name = line.split("  ")
        assert blake3((tmp_path / name).read_bytes()).hexdigest() == digest
    assert {name.split("  ")[1] for name in lines} == set(crafted.members(file))
    (lock,) = (tmp_path / "environments").iterdir()
    assert "\nblake3==" in lock.read_text()
    assert json.loads((tmp_path / "bundle.json").read_text())["subject"]["branch"] == "master"


def test_a_bundle_of_what_somebody_put_in_is_just_that(project: Project, tmp_path: Path) -> None:
    """Nothing to make again, and no failure."""
    bundle(project.store, "in@master", tmp_path / "in.bundle")
    store, found = replayed(tmp_path / "in.bundle", tmp_path / "second")
    assert found.verdict is None
    assert found.ok
    assert [path for path, _ in trees.scan(store.resolve("in@master").commit.tree, store.objects.read)] == [
        "a",
        "b",
        "large",
    ]
