"""What a step keeps between its tries: there for the same datum, gone once the result is durable, and never an input."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from pedigree.pipeline import checkpoints
from pedigree.pipeline.verifying.verification import verify
from tests.pipeline.project import Project
from tests.pipeline.test_step import LEVELS

COUNTING = """
pipeline: {name: count}
input: {pfs: {repo: in, glob: /*}}
transform:
  cmd: [sh]
  stdin:
    - 'echo x >> "$PEDIGREE_CHECKPOINTS/tries"'
    - 'test $(wc -l < "$PEDIGREE_CHECKPOINTS/tries") -ge LEAST || exit 1'
    - 'cat /pfs/in/* > /pfs/out/result'
checkpoints: true
datumTries: TRIES
"""


def counting(least: int, tries: int) -> str:
    return COUNTING.replace("LEAST", str(least)).replace("TRIES", str(tries))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project(tmp_path)
    project.put("in", {"a": "alpha"})
    return project


def kept(project: Project) -> list[str]:
    folder = project.store.folder / "checkpoints"
    return sorted(os.listdir(folder)) if folder.exists() else []


@pytest.mark.parametrize("level", LEVELS)
def test_a_try_finds_what_the_last_one_kept(project: Project, level: str) -> None:
    """Break: give every try an empty folder."""
    project.apply(counting(3, 3))
    assert project.run(isolation=level).ok
    assert project.read("count@master:/result") == "alpha"
    assert kept(project) == [], "the result is durable: nobody needs them any more"


def test_the_next_run_goes_on_where_the_last_one_failed(project: Project) -> None:
    """Break: remove the folder when the datum fails."""
    project.apply(counting(2, 1))
    assert not project.run().ok
    (identity,) = kept(project)
    assert (project.store.folder / "checkpoints" / identity / "tries").read_text() == "x\n"
    assert project.run().ok
    assert kept(project) == []


def test_other_data_other_code_or_another_command_finds_nothing(project: Project) -> None:
    """Break: name the folder by the pipeline."""
    project.apply(counting(2, 1))
    assert not project.run().ok
    project.put("in", {"a": "beta"})
    assert not project.run().ok, "the checkpoints of other data were found"
    assert len(kept(project)) == 2


def test_a_verified_datum_starts_without_checkpoints(project: Project) -> None:
    """The result of this step depends on what it kept, which is the mistake that verify must find.

    Break: hand the engine's folder to the steps of a verification.
    """
    spec = counting(2, 1).replace(
        "cat /pfs/in/* > /pfs/out/result", 'wc -l < "$PEDIGREE_CHECKPOINTS/tries" > /pfs/out/n'
    )
    project.apply(spec)
    assert not project.run().ok
    assert project.run().ok
    verdict = verify(project.store, "count@master")
    assert verdict.state == "different"
    assert kept(project) == []


def test_a_link_into_the_checkpoints_is_no_result(project: Project) -> None:
    """Break: let the scan of the outputs see the mount."""
    project.apply(
        counting(1, 1).replace("cat /pfs/in/* > /pfs/out/result", 'ln -s "$PEDIGREE_CHECKPOINTS/tries" /pfs/out/result')
    )
    report = project.run()
    assert not report.ok


def test_without_the_key_there_is_no_folder(project: Project) -> None:
    """Break: mount it for every step."""
    project.apply(
        "pipeline: {name: plain}\ninput: {pfs: {repo: in, glob: /*}}\n"
        "transform: {cmd: [sh, -c, 'test -z \"$PEDIGREE_CHECKPOINTS\" && ! test -e /checkpoints && touch /pfs/out/ok']}\n"
    )
    assert project.run().ok


def test_the_digest_of_a_spec_that_does_not_use_them_is_what_it_was(project: Project) -> None:
    """So that no pipeline counts as changed after an upgrade. Break: leave the field in the digest when it is false."""
    from pedigree import canonical
    from pedigree.pipeline import pipelines

    project.apply("pipeline: {name: plain}\ninput: {pfs: {repo: in, glob: /*}}\ntransform: {cmd: [ls]}\n")
    (pipeline,) = pipelines.all_pipelines(project.store)
    value = pipeline.to_json()
    del value["checkpoints"], value["tag"]
    assert pipeline.digest == canonical.digest_of("pipeline", value)


def test_what_nobody_asks_for_is_removed_after_a_month(project: Project) -> None:
    """Break: look at the age of no folder."""
    old = checkpoints.folder_of(project.store, "0" * 64)
    old.mkdir(parents=True)
    moment = time.time() - checkpoints.KEPT_S - 60
    os.utime(old, (moment, moment))
    project.apply(counting(1, 1))
    assert project.run().ok
    assert not old.exists()
