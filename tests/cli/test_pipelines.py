"""Pipelines at the command line: apply, run, status, explain, lineage, pipeline, job, datum, logs."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time

import pytest

from tests.cli.terminal import Project, at_terminal, command, environment

COUNT = """
import os
for name in os.listdir("/pfs/images"):
    print("counting", name)
    path = "/pfs/images/" + name
    number = len(os.listdir(path)) if os.path.isdir(path) else 1
    open("/pfs/out/" + name + ".count", "w").write(str(number))
"""

FAIL = """
import sys
print("before the end")
sys.exit("no good: \\x1b[31m" + open("/pfs/count/cats.count").read())
"""

SPECS = """
pipeline: {name: count}
description: Counts files
transform: {cmd: [python, count.py]}
input: {pfs: {repo: images, glob: "/*"}}
---
pipeline: {name: check}
transform: {cmd: [python, fail.py]}
input: {pfs: {repo: count, glob: "/cats.count"}}
datum_tries: 1
"""


@pytest.fixture
def lab(project: Project) -> Project:
    """Two pipelines: `count` works, `check`, which reads it, fails."""
    project.write("count.py", COUNT)
    project.write("fail.py", FAIL)
    project.write("specs.yaml", SPECS)
    project("apply", "specs.yaml")
    return project


def test_apply_tells_what_changed_and_is_idempotent(lab: Project) -> None:
    """created, unchanged, updated with the changed field. Break: say created always."""
    assert lab("apply", "specs.yaml").lines == ["unchanged count", "unchanged check"]
    lab.write("specs.yaml", SPECS.replace("Counts files", "Counts all files"))
    assert lab("apply", "specs.yaml").lines == ["updated count (version 2)", "  description changed", "unchanged check"]
    rows = {item["name"]: item for item in lab("pipeline", "list", "--json").json}
    assert (rows["count"]["version"], rows["check"]["version"]) == (2, 1)


def test_apply_dry_run_changes_nothing_and_counts_datums(project: Project) -> None:
    """--dry-run prints the effective spec and how many datums it has now. Break: apply it."""
    project.write("specs.yaml", SPECS)
    said = project("apply", "--dry-run", "specs.yaml")
    decoder = json.JSONDecoder()
    first, _ = decoder.raw_decode(said.out)
    assert first["name"] == "count"
    assert "count: would be created, 2 datums" in said.err
    assert project("pipeline", "list", "--json").json == []


def test_a_wrong_spec_names_file_line_and_field(project: Project) -> None:
    """A typo in a spec exits with 2, names the place, and nothing is applied. Break: drop the line."""
    project.write("bad.yaml", SPECS.replace("transform", "transfrom", 1))
    said = project("apply", "bad.yaml", code=2)
    assert "bad.yaml" in said.err
    assert "transfrom" in said.err
    assert "transform" in said.err
    assert project("pipeline", "list", "--json").json == []
    assert "--arg" in project("apply", "bad.yaml", "--arg", "epochs", code=2).err


@pytest.mark.parametrize(
    ("change", "place", "words", "remedy"),
    [
        (("repo: images", "repo: imagse"), "specs.yaml:5", "reads the repository 'imagse'", "Did you mean 'images'?"),
        (
            ("pipeline: {name: check}\n", "pipeline: {name: count}\n"),
            "specs.yaml:7",
            "Two pipelines are named 'count'",
            "Rename one",
        ),
        (("repo: images", "repo: check"), "specs.yaml:", "in a circle: ", "Take one of these inputs out"),
        (("name: check", "name: images"), "specs.yaml:7", "people write to a repository 'images'", "another name"),
    ],
)
def test_specs_that_do_not_fit_together_are_told_by_file_and_line_and_change_nothing(
    project: Project, change: tuple[str, str], place: str, words: str, remedy: str
) -> None:
    """Break: name the pipeline alone, which may be in any of the files; or apply those before the wrong one."""
    text = SPECS.replace(*change, 1)
    if "Two" in words:
        text = text.replace("repo: count", "repo: images")
    project.write("specs.yaml", text)
    said = project("apply", "specs.yaml", code=2 if "people" not in words else None).err
    assert f"error: {place}" in said
    assert words in said
    assert remedy in said
    assert project("pipeline", "list", "--json").json == []
    assert [item["name"] for item in project("repo", "list", "--json").json] == ["images"]


def test_a_run_runs_what_is_due_keeps_good_results_and_fails_with_one(lab: Project) -> None:
    """The first run makes count's commit, shows check's last lines and the command for its log, exits with 1; a second
    runs only check. Break: exit with 0.
    """
    said = lab("run", code=1)
    assert re.search(r"^success count: 2 ran, 0 reused", said.err, re.MULTILINE)
    assert "| before the end" in said.err
    assert "| no good: \\x1b[31m2" in said.err
    assert "pedigree logs check --datum" in said.err
    assert said.out == ""
    assert lab("cat", "count:/cats.count").out == "2"
    again = lab("run", "--json", code=1).json
    assert [job["pipeline"] for job in again["jobs"]] == ["check"]
    assert "Everything is up to date" in lab("run", "count").err


def test_quiet_runs_say_only_what_went_wrong(lab: Project) -> None:
    """-q leaves the failure and nothing else. Break: say the summary."""
    said = lab("run", "-q", code=1)
    assert said.err.startswith("failed check: datum ")
    assert "success" not in said.err


def test_a_run_at_a_terminal_ends_with_its_lines_and_no_bars(lab: Project) -> None:
    """After the run the screen holds jobs, failures and the summary, not the bars.

    Break: forget JobFinished in Bars."""
    code, screen = at_terminal(lab.folder, "run", columns=100)
    assert code == 1
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen)
    assert "success count: 2 ran" in text
    assert "no good" in text
    assert "What is done is kept" in text.splitlines()[-1]


def test_two_datums_that_write_one_path_are_told_in_lines_of_their_own(project: Project) -> None:
    """Break: print the error as one line, with its line break as two characters."""
    project.write(
        "p.yaml",
        "pipeline: {name: p}\ninput: {pfs: {repo: images, glob: /*}}\ntransform: {cmd: [sh, -c, 'echo > /pfs/out/x']}\n",
    )
    project("apply", "p.yaml")
    told = project("run", code=1)
    assert "failure p: 2 ran" in told.err
    assert "\\n" not in told.err
    assert re.search(r"^    Two datums wrote /x: .*\n    Put something", told.err, re.MULTILINE)


def test_a_newcomer_without_pipelines_is_told_how_to_make_one(project: Project) -> None:
    """Break: call nothing up to date."""
    assert "`pedigree apply SPEC`" in project("run").err
    assert "`pedigree apply SPEC`" in project("status").err


def test_status_names_what_is_due_and_gives_a_code(lab: Project) -> None:
    """Before a run both are due, afterwards one failed; --exit-code gives 1, and 0 once all is up to date.

    Break: count failed pipelines as up to date.
    """
    before = {item["name"]: item["state"] for item in lab("status", "--json").json}
    assert before == {"count": "never run", "check": "never run"}
    assert lab("status", "--exit-code", code=1).lines[0].split()[:3] == ["count", "never", "run"]
    lab("run", code=1)
    states = {item["name"]: item["state"] for item in lab("status", "--json").json}
    assert states == {"count": "up to date", "check": "failed"}
    lab("status", "--exit-code", code=1)
    lab("pipeline", "stop", "check")
    lab("status", "--exit-code")
    assert "stopped" in lab("status").out


def test_explain_names_the_changed_lines_of_code(lab: Project) -> None:
    """After an edit of count.py, explain shows the file and the changed line for both datums together.

    Break: print one block per datum.
    """
    lab("run", "count")
    lab.write("count.py", COUNT.replace("counting", "weighing"))
    lab("run", "count")
    text = lab("explain", "count").out
    assert "count.py" in text
    assert "weighing" in text
    assert text.count("processed: 2 datums ran") == 1
    values = lab("explain", "count", "--json").json
    assert {item["state"] for item in values} == {"processed"}


def test_lineage_goes_up_and_down_and_into_files(lab: Project) -> None:
    """Upstream of count is images; downstream of a photograph is its count, not the others. Break: swap directions."""
    lab("run", "count")
    up = lab("lineage", "count", "--json").json
    assert {node["repo"] for node in up["nodes"]} == {"count", "images"}
    down = lab("lineage", "--down", "images:/cats/tom.txt", "--json").json
    assert {node.get("path") for node in down["nodes"]} >= {"cats.count"}
    assert "feed.sh.count" not in json.dumps(down)
    assert "digraph" in lab("lineage", "count", "--format", "dot").out
    lab("lineage", "count", "-o", "page.html")
    assert "<html" in (lab.folder / "page.html").read_text().lower()
    assert "No such file" in lab("lineage", "count", "-o", "no/where.html", code=6).err


def test_jobs_datums_and_logs_belong_together(lab: Project) -> None:
    """A job lists its datums, a datum names its job and inputs, its log is what it printed. Break: log of another."""
    lab("run", code=1)
    rows = lab("job", "list", "--json").json
    assert {(row["pipeline"], row["state"]) for row in rows} == {("count", "success"), ("check", "failure")}
    assert [row["pipeline"] for row in lab("job", "list", "--state", "failure", "--json").json] == ["check"]
    assert lab("job", "inspect", "count", "--json").json["processed"] == 2
    assert lab("job", "wait", "count").err.startswith("count@")
    lab("job", "wait", "check", code=1)
    datums = {item["inputs"][0]["path"]: item for item in lab("datum", "list", "count", "--json").json}
    assert set(datums) == {"cats", "feed.sh"}
    cats = datums["cats"]["datum"]
    assert lab("logs", "count", "--datum", cats[:8]).out == "counting cats\n"
    assert "counting feed.sh" in lab("logs", "count").out
    assert lab("datum", "inspect", cats[:8], "--json").json["job"].startswith("count@")
    assert "no good" in lab("logs", "check", "--failed").out
    assert lab("logs", "check", "--tail", "1").lines[-1].startswith("no good")
    lab("logs", "nothing", code=3)


def test_datum_list_previews_a_spec(project: Project) -> None:
    """-f shows the datums of a spec that was never applied; with neither or both, 2. Break: apply it first."""
    project.write("count.py", COUNT)
    project.write("specs.yaml", SPECS)
    rows = project("datum", "list", "-f", "specs.yaml", "--json").json
    assert sorted(item["inputs"][0]["path"] for item in rows) == ["cats", "feed.sh"]
    assert project("repo", "list", "--json").json[0]["name"] == "images"
    project("datum", "list", code=2)
    project.write("wrong.yaml", SPECS.replace("repo: images", "repo: imagse"))
    assert "Did you mean 'images'?" in project("datum", "list", "-f", "wrong.yaml", code=2).err


def test_datum_shell_has_the_inputs_and_the_code(lab: Project) -> None:
    """A command in the datum's sandbox sees its input, its code and no network; its exit code is ours.

    Break: open the shell outside of the sandbox.
    """
    lab("run", "count")
    cats = next(i["datum"] for i in lab("datum", "list", "count", "--json").json if i["inputs"][0]["path"] == "cats")
    assert lab("datum", "shell", cats[:8], "--", "cat", "/pfs/images/cats/kit.txt").out == "black\n"
    files = lab("datum", "shell", cats[:8], "--", "ls").out.split()
    assert "count.py" in files
    assert "fail.py" not in files
    lab("datum", "shell", cats[:8], "--", "sh", "-c", "exit 7", code=7)


def test_pipelines_are_listed_drawn_stopped_and_deleted(lab: Project) -> None:
    """In dependency order; a stopped one does not run; a read one is not deleted unforced. Break: sort by name."""
    assert [item["name"] for item in lab("pipeline", "list", "--json").json] == ["count", "check"]
    assert lab("pipeline", "draw").lines == ["(images)", "[count]  <-  images", "[check]  <-  count"]
    assert "python count.py" in lab("pipeline", "inspect", "count").out
    lab("pipeline", "stop", "check")
    lab("run")
    assert "read its output" in lab("pipeline", "delete", "count", code=4).err
    lab("pipeline", "delete", "check")
    lab("pipeline", "delete", "count", "--keep-repo")
    assert [item["name"] for item in lab("repo", "list", "--json").json] == ["count", "images"]


def test_watch_reacts_to_a_commit_and_stops_on_sigterm(lab: Project) -> None:
    """A put during `run --watch` gets a job of its own; SIGTERM ends the watch with 0. Break: ignore SIGTERM."""
    lab("pipeline", "stop", "check")
    with subprocess.Popen(
        command("run", "--watch"), cwd=lab.folder, stderr=subprocess.PIPE, env=environment(), start_new_session=True
    ) as watch:
        try:
            _until(lambda: len(lab("job", "list", "--json").json) == 1)
            lab("put", "images:/dogs/rex.txt", "-", stdin=b"brown\n")
            _until(lambda: "/dogs.count" in lab("ls", "count", code=None).lines)  # the first job may still run
            watch.send_signal(signal.SIGTERM)
            _, err = watch.communicate(timeout=60)
        finally:
            watch.kill()
    assert watch.returncode == 0, err.decode()


def _until(ready: object) -> None:
    assert callable(ready)
    for _ in range(300):
        if ready():
            return
        time.sleep(0.1)
    raise AssertionError("it did not happen within 30 seconds")


def test_logs_follow_a_running_job_to_its_end(project: Project) -> None:
    """-f prints lines while the step runs, with the datum in front, and ends with the job. Break: return at once."""
    project.write("slow.py", "import time\nprint('begun', flush=True)\ntime.sleep(3)\nprint('ended', flush=True)\n")
    project.write("slow.yaml", SPECS.split("---")[0].replace("count", "slow").replace('"/*"', '"/"'))
    project("apply", "slow.yaml")
    with subprocess.Popen(command("run", "-q"), cwd=project.folder, env=environment()) as run:
        _until(lambda: any(job["state"] == "running" for job in project("job", "list", "--json").json))
        said = project("logs", "-f", "slow")
        assert run.wait(timeout=60) == 0
    assert re.search(r"^[0-9a-f]{12} begun$", said.out, re.MULTILINE), said
