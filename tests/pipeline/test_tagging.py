"""`tag: FILE` in a spec: a job's commit gets the name that its output says."""

from __future__ import annotations

from pathlib import Path

import pytest

from pedigree.errors import InvalidSpec
from pedigree.pipeline import jobs
from pedigree.pipeline.jobs import Job
from tests.pipeline.project import Project

SPEC = """
pipeline: {name: release}
input: {pfs: {repo: in, glob: /}}
transform:
  cmd: [sh]
  stdin: ['cp /pfs/in/* /pfs/out/']
tag: /TAG
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def released(project: Project, **files: str) -> Job:
    """Put files, run, and give the newest job."""
    project.put("in", dict(files))
    project.apply(SPEC)
    project.run()
    return jobs.get(project.store, "release")


def test_the_commit_of_a_job_gets_the_tag_that_its_output_names(project: Project) -> None:
    """Break: tag the head of the branch as it is before the job's commit; or take the key for part of the identity."""
    first = released(project, TAG="v1\n", model="a")
    assert (first.state, first.error, project.read("release@v1:/model")) == (jobs.SUCCESS, "", "a")
    second = released(project, TAG="v2", model="b")
    assert (second.error, project.read("release@v1:/model"), project.read("release@v2:/model")) == ("", "a", "b")
    project.apply(SPEC.replace("tag: /TAG", ""))
    report = project.run()
    assert (report.state, project.started) == ("success", [])


def test_the_same_files_again_need_no_new_tag(project: Project) -> None:
    """Another version of the spec makes another commit of the same files; the tag stays, and nothing is wrong.

    Break: compare the ids of the commits instead of their trees.
    """
    first = released(project, TAG="v1\n", model="a")
    project.apply(SPEC + "description: reworded\nsalt: other\n")
    project.run()
    second = jobs.get(project.store, "release")
    assert second.commit != first.commit
    assert (second.error, project.store.tag("release", "v1").commit) == ("", first.commit)


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"TAG": "v1", "model": "b"}, "release@v1 is that of commit"),
        ({"TAG": "no name", "model": "b"}, "'no name' cannot be the name of a tag"),
        ({"TAG": "v2\nv3\n", "model": "b"}, "holds 6 bytes that are not one line"),
        ({"TAG": "v" * 300, "model": "b"}, "holds 300 bytes"),
        ({"TAG": "master", "model": "b"}, "release@master is a branch"),
        ({"TAG": "", "model": "b"}, "'' cannot be the name of a tag"),
    ],
    ids=["taken", "no name", "two lines", "long", "branch", "empty"],
)
def test_a_name_that_cannot_be_given_is_told_and_the_commit_stays(
    project: Project, files: dict[str, str], said: str
) -> None:
    """Break: let the error end the transaction; the commit and the job's record are gone with it."""
    first = released(project, TAG="v1", model="a")
    job = released(project, **files)
    assert (job.state, project.read("release:/model")) == (jobs.SUCCESS, "b")
    assert job.error.startswith("not tagged: ")
    assert said in job.error
    assert [(tag.name, tag.commit) for tag in project.store.tags()] == [("v1", first.commit)]


def test_a_file_that_is_not_there_is_told(project: Project) -> None:
    """Break: take a missing file for no wish, so that a misspelt one is never noticed."""
    job = released(project, model="a")
    assert (job.state, project.store.tags()) == (jobs.SUCCESS, [])
    assert "no file /TAG, which `tag` in the spec names" in job.error


@pytest.mark.parametrize("wrong", ["tag: ../TAG", "tag: TAG\nspout: {}"])
def test_a_spec_names_a_file_of_its_output(project: Project, wrong: str) -> None:
    """Break: leave the check to the job, which would read outside its tree or never end."""
    spec = SPEC.replace("tag: /TAG\n", "")
    if "spout" in wrong:
        spec = spec.replace("input: {pfs: {repo: in, glob: /}}\n", "")
    with pytest.raises(InvalidSpec, match="tag"):
        project.apply(f"{spec}{wrong}\n")
