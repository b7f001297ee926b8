"""What a verdict says of the machine on which a commit was made: that of its own jobs, and only what matters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pedigree.pipeline import circumstances, environment, jobs
from pedigree.pipeline.verifying import verify
from pedigree.pipeline.verifying.verdict import Verdict
from tests.pipeline.project import COPY, Project

pytestmark = pytest.mark.slow  # the environment of the tests is looked at anew, which takes seconds


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What computes, to be changed by the test."""
    found: dict[str, Any] = {"machine": "x86_64", "processor": "A", "flags": ["avx2", "sse2", "vmx"], "cores": 2}
    monkeypatch.setattr(environment, "hardware", lambda: dict(found))
    return found


def said(verdict: Verdict) -> list[tuple[str, str, str]]:
    return [(item.name, item.recorded, item.present) for item in verdict.environment if item.kind == "hardware"]


def test_each_job_remembers_its_own_machine(tmp_path: Path, machine: dict[str, Any]) -> None:
    """One environment, two machines. Break: keep the hardware of an environment's first job only."""
    project = Project(tmp_path)
    project.put("in", {"a": "one"})
    project.apply(COPY)
    project.run()
    machine["processor"] = "B"
    project.put("in", {"b": "two"})
    project.run()
    assert said(verify(project.store, "copy@master^")) == [("processor", "A", "B")]
    project.put("in", {"a": "new", "b": None})
    project.run()
    assert said(verify(project.store, "copy@master")) == []


def test_of_the_flags_only_vector_instructions_are_told_and_only_what_one_side_lacks(
    tmp_path: Path, machine: dict[str, Any]
) -> None:
    """Break: print all flags; or leave out those that only the present machine has."""
    project = Project(tmp_path)
    project.put("in", {"a": "one"})
    project.apply(COPY)
    project.run()
    machine["flags"] = ["avx2", "sse2", "svm"]
    assert said(verify(project.store, "copy@master")) == []
    machine["flags"] = ["avx512f", "fma", "sse2"]
    machine["gpus"] = ["H100", "H100"]
    assert said(verify(project.store, "copy@master")) == [
        ("gpus", "absent", "H100, H100"),
        ("vector instructions", "also avx2", "also avx512f fma"),
    ]


def test_a_record_of_an_older_version_is_compared_in_what_it_knew(tmp_path: Path, machine: dict[str, Any]) -> None:
    """It had the number of GPUs, no flags, and no hardware with the job. Break: compare all names."""
    project = Project(tmp_path)
    project.put("in", {"a": "one"})
    project.apply(COPY)
    project.run()
    store = project.store
    commit = store.resolve("copy@master").commit
    record = store.records.get(circumstances.ENVIRONMENT, commit.made_by["environment"])
    assert record is not None
    old = {"machine": "x86_64", "processor": "Z", "cores": 2, "gpus": 1}
    store.records.put(
        circumstances.ENVIRONMENT, commit.made_by["environment"], {"facts": record["facts"], "hardware": old}
    )
    for key, value in list(store.records.items(jobs.JOB)):
        store.records.put(jobs.JOB, key, {name: item for name, item in value.items() if name != "hardware"})
    assert said(verify(store, "copy@master")) == [("processor", "Z", "A")]
