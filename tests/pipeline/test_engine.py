"""Runs, from the outside: what runs again after which change, what a failure leaves, what a commit names."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from pedigree.errors import Busy, PipelineNotFound
from pedigree.pipeline import engine, events, jobs, pipelines
from pedigree.store import durable
from tests.pipeline.project import COPY, Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_a_first_run_computes_every_datum_and_a_second_computes_none(project: Project) -> None:
    """Break: leave the output's `made_by` empty; the second run then computes everything again."""
    project.put("in", {"a": "one", "b": "two"})
    project.apply(COPY)
    report = project.run()
    assert (report.state, report.jobs[0].progress) == ("success", "2 + 0 / 2")
    assert project.read("copy@master:/a") == "ONE"
    again = project.run()
    assert (again.run, again.state, again.up_to_date) == (None, "up to date", ("copy",))


def test_only_the_changed_file_runs_again(project: Project) -> None:
    """Break: put the input's commit id into a datum's identity; every datum then runs again."""
    project.put("in", {"a": "one", "b": "two", "c": "three"})
    project.apply(COPY)
    project.run()
    project.put("in", {"b": "zwei"})
    report = project.run()
    assert project.started == ["in:/b"]
    assert report.jobs[0].progress == "1 + 2 / 3"
    assert project.read("copy@master:/b") == "ZWEI"
    assert project.read("copy@master:/a") == "ONE"


def test_a_deleted_input_takes_its_output_with_it(project: Project) -> None:
    """Break: merge the datums' trees into the previous output instead of an empty one."""
    project.put("in", {"a": "one", "b": "two"})
    project.apply(COPY)
    project.run()
    project.put("in", {"a": None})
    project.run()
    assert project.files("copy@master") == ["b"]


def test_going_back_to_an_earlier_state_computes_nothing(project: Project) -> None:
    """The cache is global: A -> B -> A. Break: look results up in the previous job only."""
    project.put("in", {"a": "one"})
    project.apply(COPY)
    project.run()
    project.put("in", {"a": "two"})
    project.run()
    project.put("in", {"a": "one"})
    report = project.run()
    assert project.started == []
    assert report.jobs[0].skipped == 1
    assert project.read("copy@master:/a") == "ONE"


SCRIPT = """
pipeline: {name: out}
input: {pfs: {repo: in, glob: /*}}
transform: {cmd: [python3, main.py]}
"""


def test_code_runs_again_when_it_is_edited_and_only_then(project: Project) -> None:
    """An edited import counts, so does a same-size edit with the old time; a touch and a stranger's edit do not.

    Break: trust the modification time alone; the same-size edit is then missed.
    """
    project.put("in", {"a": "x"})
    project.write("main.py", "import helper\nopen('/pfs/out/r', 'w').write(helper.value)\n")
    helper = project.write("helper.py", "value = 'one'\n")
    project.write("other.py", "unused = 1\n")
    project.apply(SCRIPT)
    project.run()
    assert project.read("out@master:/r") == "one"

    project.write("other.py", "unused = 2\n")
    assert project.run().run is None
    os.utime(helper)
    assert project.run().run is None

    before = helper.stat()
    helper.write_text("value = 'two'\n")
    os.utime(helper, ns=(before.st_atime_ns, before.st_mtime_ns))
    project.run()
    assert project.started == ["in:/a"]
    assert project.read("out@master:/r") == "two"


FLAKY = """
pipeline: {name: flaky}
input: {pfs: {repo: in, glob: /*}}
datum_tries: 1
transform:
  cmd: [sh]
  stdin:
    - 'for f in /pfs/in/*; do grep -q bad "$f" && { echo "cannot read $f" >&2; exit 3; }; cp "$f" /pfs/out/; done'
---
pipeline: {name: after}
input: {pfs: {repo: flaky, glob: /}}
transform: {cmd: [sh, -c, 'ls /pfs/flaky > /pfs/out/list']}
"""


def test_a_failed_job_keeps_its_good_datums_and_stops_what_is_downstream(project: Project) -> None:
    """Break: drop the results of a failed job; the next run then starts four datums instead of one."""
    project.put("in", {"a": "fine", "b": "bad", "c": "fine", "d": "fine"})
    project.apply(FLAKY)
    report = project.run()
    states = {job.pipeline: job.state for job in report.jobs}
    assert states == {"flaky": "failure", "after": "unrunnable"}
    failed = report.jobs[0]
    assert (failed.failed, failed.processed) == (1, 3)
    assert "in:/b" in failed.error
    assert f"pedigree logs {failed.id}" in failed.error
    assert project.store.head("flaky") is None
    record = next(item for item in jobs.datums(project.store, failed) if item.state == "failed")
    assert b"cannot read /pfs/in/b" in jobs.log(project.store, failed, record)

    project.put("in", {"b": "fine now"})
    report = project.run()
    assert project.started == ["flaky:/", "in:/b"]
    assert {job.pipeline: job.state for job in report.jobs} == {"flaky": "success", "after": "success"}
    assert project.read("after@master:/list") == "a\nb\nc\nd\n"


def test_two_datums_that_write_one_path_fail_the_job_and_the_error_names_both(project: Project) -> None:
    """Break: let the later datum win."""
    project.put("in", {"a": "1", "b": "2"})
    project.apply(
        """
pipeline: {name: clash}
input: {pfs: {repo: in, glob: /*}}
transform: {cmd: [sh, -c, 'cat /pfs/in/* > /pfs/out/same']}
"""
    )
    (job,) = project.run().jobs
    assert job.state == "failure"
    assert "/same" in job.error
    assert "in:/a" in job.error
    assert "in:/b" in job.error
    assert project.store.head("clash") is None


def test_a_recovered_datum_gives_no_output_and_is_tried_by_the_next_job(project: Project) -> None:
    """Break: keep a recovered datum in the cache."""
    project.put("in", {"a": "fine", "b": "bad"})
    project.apply(
        """
pipeline: {name: flaky}
input: {pfs: {repo: in, glob: /*}}
datum_tries: 1
transform:
  cmd: [sh, -c, 'for f in /pfs/in/*; do grep -q bad "$f" && exit 3; cp "$f" /pfs/out/; done']
  err_cmd: ['true']
"""
    )
    (job,) = project.run().jobs
    assert (job.state, job.progress) == ("success", "1 + 0 + 1 / 2")
    assert project.files("flaky@master") == ["a"]
    project.put("in", {"c": "new"})
    project.run()
    assert project.started == ["in:/b", "in:/c"]


def test_the_output_is_the_same_with_any_number_of_workers(tmp_path: Path) -> None:
    """Equal work has equal ids, whatever the parallelism and the order of completion.

    Break: merge the datums in the order in which they finished.
    """
    ids = set()
    for workers in (1, 2, 8):
        folder = tmp_path / str(workers)
        folder.mkdir()
        project = Project(folder)
        project.put("in", {f"f{number:02}": f"text {number}" for number in range(24)})
        project.apply(COPY)
        project.run(workers=workers)
        head = project.store.head("copy")
        assert head is not None
        ids.add(head.id)
    assert len(ids) == 1


def test_an_output_commit_names_everything_that_made_it(project: Project) -> None:
    """Break: leave the code tree out of `made_by`."""
    project.put("in", {"a": "x"})
    project.write("main.py", "open('/pfs/out/r', 'w').write('1')\n")
    project.apply(SCRIPT)
    project.run()
    head, source = project.store.head("out"), project.store.head("in")
    assert head is not None
    assert source is not None
    assert [item["commit"] for item in head.provenance] == [source.id]
    made_by = head.made_by
    assert pipelines.spec(project.store, made_by["spec"]).name == "out"
    from pedigree.store import trees

    assert trees.get(made_by["code_tree"], "main.py", project.store.objects.read) is not None
    facts = project.store.records.get("environment", made_by["environment"])
    assert facts is not None
    assert facts["facts"]


def test_pachyderm_mode_skips_what_pachyderm_skips(project: Project) -> None:
    """It reuses only what the last job had, and does not see changed code. Break: use the global cache in it."""
    project.put("in", {"a": "one", "b": "two"})
    project.apply(COPY)
    project.run(compat="pachyderm")
    project.put("in", {"a": "zwei"})
    project.run(compat="pachyderm")
    assert project.started == ["in:/a"]
    project.put("in", {"a": "one"})
    project.run(compat="pachyderm")
    assert project.started == ["in:/a"]
    project.apply(COPY.replace("tr a-z A-Z", "tr A-Z a-z"))
    report = project.run(compat="pachyderm")
    assert project.started == []
    assert report.jobs[0].skipped == 2


def test_reprocess_runs_everything_again(project: Project) -> None:
    """Break: look results up although asked not to."""
    project.put("in", {"a": "one"})
    project.apply(COPY)
    project.run()
    project.run(reprocess=True)
    assert project.started == ["in:/a"]


def test_reprocessing_makes_a_lost_tree_again(project: Project) -> None:
    """It is the repair that `fsck` names for an output. Break: merge into the old tree, unread, when no datum's
    result differs."""
    from pedigree.store import fsck

    project.put("in", {"a": "one", "b": "two"})
    project.apply(COPY)
    project.run()
    lost = project.store.resolve("copy").commit.tree
    project.store.database.execute("DELETE FROM objects WHERE digest = ?", (bytes.fromhex(lost),))
    (problem,) = fsck.check(project.store)
    assert "`pedigree run --reprocess copy`" in problem.repair
    project.run(reprocess=True)
    assert fsck.check(project.store) == []


def test_a_target_runs_what_it_needs_and_nothing_else(project: Project) -> None:
    """Break: ignore `targets`."""
    project.put("in", {"a": "one"})
    project.apply(COPY)
    project.apply(COPY.replace("name: copy", "name: second"), "second.yaml")
    project.apply(COPY.replace("name: copy", "name: third").replace("repo: in", "repo: second, name: in"), "third.yaml")
    report = project.run(targets=["third"])
    assert {job.pipeline for job in report.jobs} == {"second", "third"}
    with pytest.raises(PipelineNotFound, match="fourth"):
        project.run(targets=["fourth"])


def test_a_stopped_pipeline_does_not_run_until_it_is_started(project: Project) -> None:
    """Break: select stopped pipelines too."""
    project.put("in", {"a": "one"})
    project.apply(COPY)
    pipelines.set_state(project.store, "copy", pipelines.STOPPED)
    assert project.run().run is None
    pipelines.set_state(project.store, "copy", pipelines.RUNNING)
    assert project.run().state == "success"


def test_a_second_run_at_the_same_time_is_refused_or_waits(project: Project) -> None:
    """Break: do not take the run lock."""
    project.put("in", {"a": "one"})
    project.apply(COPY)
    with engine.running(project.store, wait=False, on_event=lambda _: None):
        other = durable.Lock(project.store.folder / "run.lock")
        assert other.path.endswith("run.lock")
        import subprocess

        code = (
            "import sys, pedigree\nfrom pedigree.pipeline import engine\n"
            "engine.run(pedigree.open(sys.argv[1]), wait=False)"
        )
        done = subprocess.run([sys.executable, "-c", code, str(project.folder)], capture_output=True, text=True)
    assert done.returncode != 0
    assert Busy.__name__ in done.stderr
    assert f"process {os.getpid()}" in done.stderr


def test_applying_the_same_spec_twice_changes_nothing(project: Project) -> None:
    """Break: raise the version on every apply."""
    project.put("in", {"a": "one"})
    assert [item.change for item in project.apply(COPY)] == ["created"]
    assert [item.change for item in project.apply(COPY)] == ["unchanged"]
    (updated,) = project.apply(COPY.replace("A-Z <", "A-Z  <"))
    assert (updated.change, updated.version) == ("updated", 2)


@pytest.mark.slow
def test_a_package_that_comes_while_steps_run_fails_the_job_and_leaves_none_of_its_results(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Break: leave out the second look at the environment, or keep the results."""
    site = project.folder / "elsewhere/site-packages"
    site.mkdir(parents=True)
    monkeypatch.setattr(sys, "path", [*sys.path, str(site)])
    project.put("in", {"a": "one", "b": "two"})
    project.apply(COPY)

    def install(event: events.Event) -> None:
        if isinstance(event, events.DatumFinished):
            (site / "sitecustomize.py").write_text("")

    (job,) = engine.run(project.store, on_event=install).jobs
    assert job.state == jobs.FAILED
    assert "The environment changed while copy ran" in job.error
    assert not project.store.records.keys(jobs.RESULT)
    (site / "sitecustomize.py").unlink()
    (again,) = project.run().jobs
    assert (again.state, again.progress) == (jobs.SUCCESS, "2 + 0 / 2")
