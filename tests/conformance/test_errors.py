"""What a failing step does to its datum, its job and what lies downstream (shared pachyderm-semantics, section 5)."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from pedigree.pipeline import jobs
from tests.pipeline.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    found = Project(tmp_path)
    found.put("in", {"good": "0", "bad": "3", "worse": "4"})
    return found


def spec(more: str = "", transform: str = "", script: str = "exit $(cat $f)", glob: str = "/*") -> str:
    """A step that tells its log of every try and exits with the number in its file."""
    return (
        f"pipeline: {{name: p}}\ninput: {{pfs: {{repo: in, glob: {glob}}}}}\n{more}\n"
        f"transform:\n  cmd: [sh]\n  stdin: ['f=$(echo /pfs/in/*)', 'echo a try', 'cp $f /pfs/out/', '{script}']\n{transform}"
    )


def states(project: Project) -> dict[str, str]:
    (job, *_) = jobs.all_jobs(project.store, "p")
    return {item.label.removeprefix("in:/"): item.state for item in jobs.datums(project.store, job)}


def tries(project: Project, name: str) -> int:
    (job, *_) = jobs.all_jobs(project.store, "p")
    (item,) = [found for found in jobs.datums(project.store, job) if found.label == f"in:/{name}"]
    return jobs.log(project.store, job, item).decode().split("\n").count("a try")


def test_one_is_processed_one_recovered_one_failed(project: Project) -> None:
    """Upstream's TestPipelineErrorHandling. All run before the job fails. Break: stop at the first failed datum."""
    project.apply(
        spec("datum_tries: 2", "  err_cmd: [sh]\n  err_stdin: ['test $(cat /pfs/in/*) = 3']\n"),
    )
    (job,) = project.run(workers=1).jobs
    assert (job.state, job.processed, job.recovered, job.failed, job.total) == (jobs.FAILED, 1, 1, 1, 3)
    assert states(project) == {"good": "processed", "bad": "recovered", "worse": "failed"}
    assert project.store.head("p") is None


@pytest.mark.parametrize(("more", "number"), [("", 3), ("datum_tries: 1", 1), ("datumTries: 5", 5)])
def test_a_datum_has_so_many_tries_the_first_included(project: Project, more: str, number: int) -> None:
    """Also one that err_cmd recovers at once. Break: count retries instead of tries, or stop at the first recovery."""
    project.apply(spec(more, "  err_cmd: ['true']\n"))
    (job,) = project.run().jobs
    assert (job.state, job.recovered) == (jobs.SUCCESS, 2)
    assert [tries(project, name) for name in ("good", "bad")] == [1, number]
    assert project.files("p@master") == ["good"]


def test_a_datum_that_succeeds_after_it_was_recovered_is_processed(project: Project) -> None:
    """Break: leave the tries when err_cmd has succeeded."""
    project.apply(
        "pipeline: {name: p}\ninput: {pfs: {repo: in, glob: /good}}\ndatum_tries: 5\ncheckpoints: true\n"
        "transform: {cmd: [sh, -c, 'echo a try | tee -a /checkpoints/tries; test $(wc -l < /checkpoints/tries) -ge 3'], err_cmd: ['true']}\n"
    )
    (job,) = project.run().jobs
    assert (job.state, job.processed, job.recovered) == (jobs.SUCCESS, 1, 0)
    assert tries(project, "good") == 3


def test_exit_codes_of_the_spec_count_as_success(project: Project) -> None:
    """And what such a datum wrote is output. Break: accept them and drop the output."""
    project.apply(spec(transform="  accept_return_code: [3, 4]\n"))
    (job,) = project.run().jobs
    assert (job.state, job.processed) == (jobs.SUCCESS, 3)
    assert project.files("p@master") == ["bad", "good", "worse"]


def test_a_try_that_takes_too_long_failed_and_the_next_begins(project: Project) -> None:
    """Break: give the datum_timeout to all tries together."""
    project.apply(spec("datum_timeout: 300ms\ndatum_tries: 2", script="test $(cat $f) = 0 || sleep 60"))
    began = time.monotonic()
    (job,) = project.run().jobs
    assert time.monotonic() - began < 30
    assert states(project) == {"good": "processed", "bad": "failed", "worse": "failed"}
    assert tries(project, "bad") == 2
    assert "datum_timeout of 0.3 s" in job.error


@pytest.mark.parametrize("what", ["a step", "egress"])
def test_a_job_that_takes_too_long_is_killed_whatever_it_does(project: Project, what: str) -> None:
    """Its finished datums are kept, no commit is made. Break: stop the clock when the last datum has ended."""
    blocked = project.write("blocked", "a file where egress needs a folder")
    if what == "egress":
        project.apply(spec(f"job_timeout: 1500ms\negress: {{URL: 'file://{blocked}/x'}}", script="true"))
    else:
        project.apply(spec("job_timeout: 1500ms", script="test $(cat $f) = 0 || sleep 60"))
    began = time.monotonic()
    (job,) = project.run(workers=3).jobs
    assert time.monotonic() - began < 30
    assert job.state == jobs.KILLED
    assert "job_timeout of 1.5 s" in job.error
    assert (job.processed, job.total) == (3 if what == "egress" else 1, 3)
    assert project.store.head("p") is None


def test_what_reads_a_failed_pipeline_is_unrunnable_and_the_rest_goes_on(project: Project) -> None:
    """Down to the last one. Break: run on the old output of a failed pipeline."""
    copy = "transform: {cmd: [sh, -c, 'cp -r /pfs/*/* /pfs/out/']}\n"
    chain = "".join(
        f"---\npipeline: {{name: {name}}}\ninput: {{pfs: {{repo: {reads}, glob: /}}}}\n{copy}"
        for name, reads in (("q", "p"), ("r", "q"), ("other", "in"))
    )
    project.apply(spec() + chain)
    report = project.run()
    assert {job.pipeline: job.state for job in report.jobs} == {
        "p": jobs.FAILED,
        "q": jobs.UNRUNNABLE,
        "r": jobs.UNRUNNABLE,
        "other": jobs.SUCCESS,
    }


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("cat $f > /pfs/out/same; rm -f /pfs/out/good /pfs/out/bad /pfs/out/worse", "wrote /same"),
        (
            "rm /pfs/out/*; n=$(cat $f); case $n in 0) echo > /pfs/out/x;; *) mkdir /pfs/out/x; echo > /pfs/out/x/$n;; esac",
            "wrote /x, one as a file, the other as a folder",
        ),
    ],
)
def test_two_datums_that_write_one_path_fail_the_job_which_keeps_its_counts(
    project: Project, script: str, words: str
) -> None:
    """The error names both, and the datums can be looked at. Break: record the job as it was before its datums ran."""
    project.apply(spec(script=script))
    (job,) = project.run().jobs
    assert (job.state, job.processed, job.failed) == (jobs.FAILED, 3, 0)
    assert words in job.error
    assert sum(f"(in:/{name})" in job.error for name in ("good", "bad", "worse")) == 2
    assert set(states(project).values()) == {"processed"}
    assert project.store.head("p") is None


def test_a_datum_may_take_a_path_that_another_gives_up(project: Project) -> None:
    """Upstream's TestTemporaryDuplicatedPath. Break: check each datum against the last output."""
    project.apply(
        "pipeline: {name: p}\ninput: {pfs: {repo: in, glob: /*}}\ntransform: {cmd: [sh, -c, 'cp /pfs/in/* /pfs/out/$(cat /pfs/in/*)']}\n"
    )
    project.run()
    project.put("in", {"good": "3", "bad": "0", **{f"more{n}": f"m{n}" for n in range(40)}})
    (job,) = project.run().jobs
    assert job.state == jobs.SUCCESS, job.error
    assert (project.read("p@master:/3"), project.read("p@master:/0")) == ("3", "0")
    project.put("in", {"good": "0", "bad": "3"})
    (job,) = project.run().jobs
    assert job.state == jobs.SUCCESS, job.error
    assert project.run().run is None
