"""Two steps with a configuration, and what is asked of a project that runs them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pedigree.errors import InvalidConfig
from pedigree.pipeline import configs, events, pipelines
from tests.pipeline.project import Project

#: Two steps with one group in common; each copies what it is given.
SPECS = """
pipeline: {name: train}
input: {pfs: {repo: in, glob: /}}
config: {name: train}
transform: {cmd: [cp, /pfs/.config.yaml, /pfs/out/seen]}
---
pipeline: {name: evaluate}
input: {pfs: {repo: in, glob: /}}
config: {name: evaluate, overrides: ['batch=16']}
transform: {cmd: [cp, /pfs/.config.yaml, /pfs/out/seen]}
"""


def ran(project: Project) -> list[str]:
    """The pipelines in which a datum ran."""
    return sorted(job.pipeline for job in project.run().jobs if job.processed)


def pedigree(project: Project, *words: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("pedigree")), *words]
    return subprocess.run(command, cwd=project.folder, capture_output=True, text=True)


def notes(project: Project) -> list[str]:
    return [event.text for event in project.events if isinstance(event, events.Note)]


def refused(project: Project, spec: str) -> InvalidConfig:
    before = [(item.pipeline, item.version) for item in pipelines.registered(project.store)]
    kept = list(project.store.records.keys(configs.CONFIG))
    with pytest.raises(InvalidConfig) as caught:
        project.apply(spec)
    assert [(item.pipeline, item.version) for item in pipelines.registered(project.store)] == before
    assert list(project.store.records.keys(configs.CONFIG)) == kept
    assert caught.value.exit_code == 2
    return caught.value
