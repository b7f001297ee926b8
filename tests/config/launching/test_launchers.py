"""One suite for every launcher: this machine, submitit, Ray."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from pedigree.config import launching
from pedigree.config.launching import Launcher, Local, OnRay, Submitit
from tests.config.launching import jobs
from tests.config.launching.frozen import Frozen

ROOT = str(Path(__file__).parents[3])


@pytest.fixture(autouse=True)
def _tests_are_importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([ROOT, os.environ.get("PYTHONPATH", "")]))


def _local(_: Path) -> Launcher:
    return Local(jobs=2)


def _submitit(folder: Path) -> Launcher:
    return Submitit(folder / "submitit", cluster="local", jobs=2, poll_s=0.05, timeout_min=5)


def _debug(folder: Path) -> Launcher:
    return Submitit(folder / "submitit", cluster="debug")


def _ray(_: Path) -> Launcher:
    return OnRay(init={"num_cpus": 2, "object_store_memory": 80_000_000})


LAUNCHERS = [
    pytest.param(_local, id="local"),
    pytest.param(_debug, id="submitit-debug"),
    pytest.param(_submitit, id="submitit-local", marks=pytest.mark.slow),
    pytest.param(_ray, id="ray", marks=[pytest.mark.slow, pytest.mark.filterwarnings("ignore::FutureWarning")]),
]


@pytest.mark.parametrize("make", LAUNCHERS)
def test_every_launcher_gives_the_same_sweep(make: Callable[[Path], Launcher], tmp_path: Path) -> None:
    """Break: take a job whose supervisor left no outcome for done."""
    whats = ["text", "raise", "crash", "lose", "a"]
    sweep = launching.plan(tmp_path / "s", [Frozen([f"what={what}"]) for what in whats], launching.function(jobs.do))
    report = sweep.run(make(tmp_path))
    assert [job.state for job in report.jobs] == ["done", "failed", "failed", "failed", "done"]
    assert report.results == {"0000-what=text": "fine", "0004-what=a": {"what": "a"}}
    assert [failure.job.problem for failure in report.failures] == [
        "It ended with exit code 1.",
        "It ended with signal 9 (SIGKILL).",
        "Its supervisor was lost: signal 9 (SIGKILL).",
    ]
    assert [job.attempt for job in report.jobs] == [1] * 5
    assert report.failures[0].tail.endswith("ValueError: the data is bad")


@pytest.mark.parametrize("make", [one for one in LAUNCHERS if one.id != "submitit-debug"])
def test_every_launcher_stops_what_it_started(make: Callable[[Path], Launcher], tmp_path: Path) -> None:
    """Break: leave the jobs to themselves: they would sleep on for a minute."""
    points = [Frozen(["what=sleep"]), Frozen(["what=raise"])]
    sweep = launching.plan(tmp_path / "s", points, launching.function(jobs.do))
    report = sweep.run(make(tmp_path), fail_fast=True)
    assert [job.state for job in report.jobs] == ["stopped", "failed"]
    folder = sweep.folder("0000-what=sleep")
    with folder.locked(lambda: True) as alone:  # nobody runs it any more
        assert alone


@pytest.fixture
def two_nodes() -> Iterator[Any]:
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from ray.cluster_utils import Cluster

        ray: Any = import_module("ray")
        cluster: Any = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "object_store_memory": 80_000_000})
        cluster.add_node(num_cpus=1, object_store_memory=80_000_000)
        cluster.wait_for_nodes()
        ray.init(address=cluster.address, log_to_driver=False)
        yield cluster
        ray.shutdown()
        cluster.shutdown()  # type: ignore[no-untyped-call, unused-ignore]  # Ray's test cluster has no types


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::ResourceWarning")
def test_ray_spreads_the_jobs_over_its_nodes(two_nodes: Any, tmp_path: Path) -> None:
    """Break: run the job in the process that asked."""
    points = [Frozen([f"x={x}"]) for x in range(4)]
    sweep = launching.plan(tmp_path / "s", points, launching.function(jobs.told_after_a_while))
    results = list(sweep.run(OnRay(scheduling_strategy="SPREAD")).check().results.values())
    assert len(results) == 4
    assert {(one["rank"], one["world"], one["config"]) for one in results} == {(0, 1, True)}
    assert len({one["node"] for one in results}) == 2


@pytest.mark.slow
def test_a_task_of_submitit_knows_its_rank(tmp_path: Path) -> None:
    """Break: leave submitit's own variables unread: both tasks are then rank 0."""
    import submitit

    executor = submitit.AutoExecutor(folder=tmp_path, cluster="local")
    executor.update_parameters(tasks_per_node=2, timeout_min=5)
    job = executor.submit(launching.DistEnv.from_env)
    assert [(one.rank, one.world_size, one.launcher) for one in job.results()] == [
        (0, 2, "submitit"),
        (1, 2, "submitit"),
    ]
