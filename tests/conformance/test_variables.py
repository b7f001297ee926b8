"""The variables that a step is given (shared pachyderm-semantics, section 5)."""

from __future__ import annotations

from pathlib import Path

import pytest

from pedigree.pipeline import pipelines
from tests.pipeline.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    found = Project(tmp_path)
    found.put("left", {"x1": "", "x2": ""})
    found.put("right", {"x9": ""})
    return found


def variables(project: Project, source: str, more: str = "") -> dict[str, str]:
    project.apply(
        f"pipeline: {{name: p}}\ninput: {source}\ntransform: {{cmd: [sh, -c, 'env -0 > /pfs/out/$PACH_DATUM_ID']{more}}}\n"
    )
    project.run()
    (path,) = project.files("p@master")
    found = dict(line.split("=", 1) for line in project.read(f"p@master:/{path}").split("\0") if line)
    assert found["PACH_DATUM_ID"] == path
    return found


def test_an_input_is_told_by_its_path_commit_and_keys(project: Project) -> None:
    """Under the name of the input, not of its repository. Break: name the variables by repository."""
    found = variables(
        project,
        "{join: [{pfs: {name: a, repo: left, glob: '/(?)(1)', join_on: $1, group_by: $2}}, "
        "{pfs: {repo: right, glob: '/(?)*', join_on: '${1}'}}]}",
    )
    left, right = project.store.head("left"), project.store.head("right")
    assert left is not None
    assert right is not None
    assert (found["a"], found["a_COMMIT"]) == ("/pfs/a/x1", left.id)
    assert (found["right"], found["right_COMMIT"]) == ("/pfs/right/x9", right.id)
    assert (found["PACH_DATUM_a_JOIN_ON"], found["PACH_DATUM_a_GROUP_BY"]) == ("x", "1")
    assert found["PACH_DATUM_right_JOIN_ON"] == "x"
    assert not {"left", "PACH_DATUM_right_GROUP_BY"} & found.keys()


def test_of_a_group_the_last_file_of_a_name_wins(project: Project) -> None:
    """Break: let the first win."""
    found = variables(project, "{group: [{pfs: {repo: left, glob: '/(?)?', group_by: $1}}]}")
    assert (found["left"], found["PACH_DATUM_left_GROUP_BY"]) == ("/pfs/left/x2", "x")


def test_the_whole_repository_is_a_folder_with_a_slash(project: Project) -> None:
    assert variables(project, "{pfs: {repo: left, glob: /}}")["left"] == "/pfs/left/"


def test_the_job_its_commit_and_its_pipeline_are_told(project: Project) -> None:
    """The ids lead to what they name. Break: give the job a random id of its own."""
    found = variables(project, "{pfs: {repo: right, glob: /}}", ", env: {FOO: bar, PPS_POD_NAME: mine}")
    head = project.store.head("p")
    assert head is not None
    assert found["PACH_JOB_ID"] == head.run
    assert project.store.resolve(f"p@{found['PACH_OUTPUT_COMMIT_ID']}").commit == head
    assert pipelines.spec(project.store, found["PPS_SPEC_COMMIT"]).name == found["PPS_PIPELINE_NAME"] == "p"
    assert (found["PPS_PROJECT_NAME"], found["PACH_NAMESPACE"]) == ("default", "default")
    assert found["FILESET_ID"] == found["PACH_OUTPUT_COMMIT_ID"]
    # Those of the spec come last.
    assert (found["FOO"], found["PPS_POD_NAME"]) == ("bar", "mine")
