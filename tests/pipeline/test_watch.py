"""Watching, step by step with a clock of our own: ticks, triggers, spouts, services, egress."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pedigree.errors import Busy, InvalidInput, StepFailed
from pedigree.pipeline import engine, events, jobs, pipelines, ports, services, spouts, ticks
from pedigree.pipeline.planning import Surroundings
from pedigree.pipeline.process import Stop
from pedigree.pipeline.watch import Watch
from tests.pipeline.project import COPY, Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def until(condition: Callable[[], object], seconds: float = 60.0) -> None:
    """Wait for something that must happen; the limit only ends a hang."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.02)


CRON = """
pipeline: {name: hourly}
input: {cron: {name: tick, spec: '@every 1h'}}
transform: {cmd: [sh, -c, 'ls /pfs/tick > /pfs/out/$(ls /pfs/tick)']}
"""


def test_a_cron_input_ticks_once_for_all_that_was_missed(project: Project) -> None:
    """Break: commit every missed tick; three hours of sleep then make three commits."""
    project.apply(CRON)
    created = pipelines.get(project.store, "hourly").created
    assert ticks.due(project.store, created + 60) == []
    watch = Watch(project.store)
    watch.step(created + 3 * 3600 + 60)
    assert len(list(project.store.log("hourly_tick@master"))) == 1
    assert len(project.files("hourly@master")) == 1
    assert ticks.due(project.store, created + 3 * 3600 + 120) == []


def test_a_cron_can_be_ticked_by_hand_and_nothing_else_can(project: Project) -> None:
    """Break: ignore a pipeline without a cron input."""
    project.apply(CRON)
    assert len(ticks.tick_now(project.store, "hourly", 1_700_000_000.0)) == 1
    assert project.files("hourly_tick@master") == ["2023-11-14T22:13:20Z"]
    project.put("in", {"a": "x"})
    project.apply(COPY, "copy.yaml")
    with pytest.raises(InvalidInput, match="no cron input"):
        ticks.tick_now(project.store, "copy", 0.0)


def test_a_deleted_pipeline_takes_its_ticks_with_it_unless_others_read_them(project: Project) -> None:
    """Break: leave the repository: a pipeline of that name, made again, would begin with old ticks."""
    project.apply(CRON)
    other = CRON.replace("hourly", "other").replace("spec:", "repo: hourly_tick, spec:")
    project.apply(other, "other.yaml")
    ticks.tick_now(project.store, "hourly", 1_700_000_000.0)
    pipelines.delete(project.store, "hourly")
    assert [item.name for item in project.store.repositories()] == ["hourly_tick", "other"]
    pipelines.delete(project.store, "other")
    assert list(project.store.repositories()) == []
    project.apply(CRON)
    assert project.store.head("hourly_tick") is None
    assert ticks.due(project.store, pipelines.get(project.store, "hourly").created + 60) == []


def test_watching_runs_what_a_commit_makes_necessary_and_does_not_repeat_a_failure(project: Project) -> None:
    """Break: run whenever something is out of date; the failing pipeline then runs at every look."""
    project.put("in", {"a": "bad"})
    project.apply(
        "pipeline: {name: p}\ninput: {pfs: {repo: in, glob: /*}}\ndatum_tries: 1\n"
        "transform: {cmd: [sh, -c, 'grep -q bad /pfs/in/* && exit 1; cp /pfs/in/* /pfs/out/']}\n"
    )
    watch = Watch(project.store)
    for _ in range(3):
        watch.step(time.time())
    assert [job.state for job in jobs.all_jobs(project.store)] == [jobs.FAILED]
    project.put("in", {"a": "good"})
    watch.step(time.time())
    assert [job.state for job in jobs.all_jobs(project.store)] == [jobs.SUCCESS, jobs.FAILED]


SPOUT = """
pipeline: {name: source}
spout: {}
transform:
  cmd: [sh]
  stdin:
    - 'for n in 1 2; do echo file $n > /pfs/out/f$n; touch /pfs/out/.commit'
    - 'while [ -e /pfs/out/.commit ]; do sleep 0.01; done; done'
    - 'echo last > /pfs/out/f3'
"""


def test_a_spout_commits_at_its_marker_and_what_is_left_at_its_end(project: Project) -> None:
    """Break: take the marker away before the commit is durable; or forget what is left at the end."""
    project.apply(SPOUT)
    pipeline = pipelines.get(project.store, "source").pipeline
    made = spouts.run(Surroundings(project.store), pipeline, stop=Stop(), on_event=lambda _: None)
    assert len(made) == 3
    assert project.files("source@master") == ["f1", "f2", "f3"]
    assert project.files(f"source@{made[0].id}") == ["f1"]
    assert made[0].made_by["pipeline"] == "source"


def test_a_spout_that_fails_says_so_and_commits_nothing_of_its_rest(project: Project) -> None:
    """Break: treat every end as a good one."""
    project.apply("pipeline: {name: source}\nspout: {}\ntransform: {cmd: [sh, -c, 'echo half > /pfs/out/f; exit 4']}\n")
    pipeline = pipelines.get(project.store, "source").pipeline
    with pytest.raises(StepFailed, match="exit code 4"):
        spouts.run(Surroundings(project.store), pipeline, stop=Stop(), on_event=lambda _: None)
    assert project.store.head("source") is None


def test_a_spout_that_fails_is_started_again_and_says_why_in_one_line(project: Project) -> None:
    """Break: show the error's two lines in one, with the escape of the line's end between them."""
    project.apply("pipeline: {name: source}\nspout: {}\ntransform: {cmd: [sh, -c, 'exit 4']}\n")
    said: list[str] = []
    watch: Watch

    def tell(event: events.Event) -> None:
        if isinstance(event, events.Output):
            said.append(event.line)
            watch.stop()

    watch = Watch(project.store, on_event=tell)
    watch.run()
    assert said == [
        "The spout 'source' stopped: the step ended with exit code 4. Its log is .pedigree/logs/source/log. It is started again in 1 s."
    ]


def test_a_service_is_restarted_when_its_input_moves_and_killed_at_the_end(project: Project) -> None:
    """Break: keep a service alive whatever its inputs hold."""
    project.put("in", {"a": "one"})
    project.apply(
        "pipeline: {name: server}\ninput: {pfs: {repo: in, glob: /}}\n"
        "service: {internal_port: 8765, external_port: 8765}\n"
        "transform: {cmd: [sh, -c, 'cat /pfs/in/a; echo; exec sleep 1000']}\n"
    )
    lines: list[str] = []

    def listen(event: events.Event) -> None:
        if isinstance(event, events.Output):
            lines.append(event.line)

    watch = Watch(project.store, on_event=listen)
    thread = threading.Thread(target=watch.run)
    thread.start()
    try:
        until(lambda: lines == ["one"])
        project.put("in", {"a": "two"})
        until(lambda: lines == ["one", "two"])
    finally:
        watch.stop()
        thread.join()
    assert not any(path.name != "lock" for path in (project.store.folder / "work").iterdir())


def test_egress_writes_the_output_to_a_folder_too(project: Project, tmp_path: Path) -> None:
    """Break: egress after the commit without waiting for it."""
    target = tmp_path / "outside"
    project.put("in", {"a": "one", "b": "two"})
    project.apply(COPY + f"egress: {{URL: 'file://{target}'}}\n")
    (job,) = project.run().jobs
    assert job.state == jobs.SUCCESS
    assert sorted(path.name for path in target.iterdir()) == ["a", "b"]
    assert (target / "a").read_text() == "ONE"


def test_egress_that_fails_says_why_and_goes_on_until_it_works(project: Project, tmp_path: Path) -> None:
    """Break: try again without a word; a wrong bucket then looks like a hang."""
    target = tmp_path / "outside"
    target.write_text("a file where a folder is needed")
    project.put("in", {"a": "one"})
    project.apply(COPY + f"egress: {{URL: 'file://{target}/x'}}\n")
    said: list[str] = []

    def listen(event: events.Event) -> None:
        if isinstance(event, events.Output):
            said.append(event.line)
            target.unlink()

    (job,) = engine.run(project.store, on_event=listen).jobs
    assert job.state == jobs.SUCCESS
    assert len(said) == 1
    assert "Not a directory" in said[0]
    assert "tried again in 0.5 s" in said[0]
    assert (target / "x/a").read_text() == "ONE"


def test_a_changed_trigger_replaces_the_one_before(project: Project) -> None:
    """Break: leave a branch that has a trigger as it is: the pipeline then waits for what its spec no longer says."""
    spec = "pipeline: {{name: p}}\ninput: {{pfs: {{repo: in, glob: /, trigger: {trigger}}}}}\ntransform: {{cmd: ['true']}}\n"
    project.put("in", {"a": "x"})
    for trigger, size, commits in (("{size: 1K}", 1000, None), ("{commits: 2}", None, 2), ("{commits: 2}", None, 2)):
        project.apply(spec.format(trigger=trigger))
        (found,) = project.store.triggers("in")
        assert (found.branch, found.size, found.commits) == ("p-trigger-1", size, commits)
    project.put("in", {"a": "y"})
    head = project.store.head("in", "p-trigger-1")
    assert head is not None
    assert head == project.store.head("in")


def test_egress_puts_the_output_into_a_bucket_of_a_real_server(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """moto is an S3 server on loopback. Break: leave the prefix out of the names."""
    boto3 = pytest.importorskip("boto3")
    server = pytest.importorskip("moto.server").ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    try:
        host, port = server.get_host_and_port()
        for name, value in {
            "AWS_ENDPOINT_URL_S3": f"http://{host}:{port}",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
        }.items():
            monkeypatch.setenv(name, value)
        client = boto3.client("s3", endpoint_url=f"http://{host}:{port}")
        client.create_bucket(Bucket="results")
        project.put("in", {"a": "one", "b": "two"})
        project.apply(COPY + "egress: {URL: 's3://results/some/prefix'}\n")
        (job,) = project.run().jobs
        assert job.state == jobs.SUCCESS, job.error
        found = client.list_objects_v2(Bucket="results")["Contents"]
        assert [item["Key"] for item in found] == ["some/prefix/a", "some/prefix/b"]
        assert client.get_object(Bucket="results", Key="some/prefix/a")["Body"].read() == b"ONE"
        client.close()
    finally:
        server.stop()


SERVER = """
import http.server, os
os.chdir("/pfs/in" if os.path.isdir("/pfs/in") else "/code")
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), http.server.SimpleHTTPRequestHandler).serve_forever()
"""


@pytest.mark.parametrize("kind", ["service", "spout"])
def test_the_external_port_leads_to_the_port_that_the_service_listens_on(project: Project, kind: str) -> None:
    """A service with the input `in`, and a spout that serves its own code. Break: record the external port and leave it."""
    import urllib.request

    project.put("in", {"server.py": SERVER})
    project.write("server.py", SERVER)
    internal, external = free_port(), free_port()
    ports = f"{{internal_port: {internal}, external_port: {external}}}"
    what = (
        f"input: {{pfs: {{repo: in, glob: /}}}}\nservice: {ports}\n"
        if kind == "service"
        else f"spout: {{service: {ports}}}\n"
    )
    project.apply(f"pipeline: {{name: server}}\n{what}transform: {{cmd: [python, server.py]}}\n")
    watch = Watch(project.store)
    thread = threading.Thread(target=watch.run)
    thread.start()
    answer: list[bytes] = []

    def answered() -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{external}/server.py", timeout=10) as reply:
                answer.append(reply.read())
        except OSError:
            return False
        return True

    try:
        until(answered)
    finally:
        watch.stop()
        thread.join()
    assert answer == [SERVER.encode()]
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(f"http://127.0.0.1:{external}/", timeout=10)


def test_an_external_port_that_is_taken_is_told(project: Project) -> None:
    """Break: let asyncio's own error through, which is a traceback."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Busy, match=f"external_port {port} .* in use"), ports.forwarded(port, 1):
            pass


def free_port() -> int:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as end:
        return int(end.getsockname()[1])


def test_the_limits_of_a_service_hold(project: Project) -> None:
    """Break: run what runs for ever without limits."""
    project.put("in", {"a": "x"})
    project.apply(
        "pipeline: {name: server}\ninput: {pfs: {repo: in, glob: /}}\nservice: {internal_port: 8765}\n"
        "resource_limits: {memory: 256Mi}\n"
        "transform: {cmd: [python, -c, 'bytearray(1 << 30); print(\"all of it\", flush=True); import time; time.sleep(99)']}\n"
    )
    pipeline = pipelines.get(project.store, "server").pipeline
    lines: list[str] = []
    stop = Stop()

    def listen(event: events.Event) -> None:
        if isinstance(event, events.Output):
            lines.append(event.line)
            stop.throw()

    with pytest.raises(StepFailed, match="memory"):
        services.run(Surroundings(project.store), pipeline, stop=stop, on_event=listen)
    assert not any("all of it" in line for line in lines)
