"""A store with one input repository, and a way to run one pipeline's datums for real at any level of isolation."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pedigree
from pedigree.pipeline import code, datums, planning
from pedigree.pipeline.executors.contract import DatumResult, DatumTask
from pedigree.pipeline.executors.local import LocalExecutor
from pedigree.pipeline.model import PfsInput, Pipeline, Transform
from pedigree.store import Store, trees
from pedigree.store.trees import Entry


class Bench:
    """Runs commands as steps. `files` of the last run holds the outputs by path, as bytes; `entries` their entries."""

    def __init__(self, folder: Path, level: str = "bubblewrap") -> None:
        self.folder = folder
        self.level = level
        self.store: Store = pedigree.init(folder)
        self.files: dict[str, bytes] = {}
        self.entries: dict[str, Entry] = {}

    def put(self, files: Mapping[str, bytes], repo: str = "in", *, executable: tuple[str, ...] = ()) -> None:
        with self.store.commit(f"{repo}@master", create=True) as change:
            for path, data in files.items():
                change.write(path, data, executable=path in executable)

    def write(self, path: str, text: str, mode: int = 0o644) -> Path:
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        target.chmod(mode)
        return target

    def pipeline(self, *cmd: str, **options: Any) -> Pipeline:
        transform = {
            name: options.pop(name) for name in tuple(options) if name in Transform.__slots__ and name != "cmd"
        }
        options.setdefault("input", PfsInput("in", "in"))
        options.setdefault("datum_tries", 1)
        return Pipeline("step", Transform(tuple(cmd), **transform), **options)

    def tasks(self, pipeline: Pipeline) -> list[DatumTask]:
        found = code.closure_of(pipeline, self.folder)
        with self.store.objects.batch() as batch, self.store.lock.shared():
            tree = code.snapshot(found, batch)
            batch.publish()
            with self.store.database.transaction():
                batch.record()
        planned = datums.plan(pipeline, lambda item: planning.source(self.store, item), self.store.objects.read)
        logs = self.folder / ".pedigree" / "logs"
        return [
            DatumTask(
                identity=datum.id,
                datum=datum,
                pipeline=pipeline,
                code_tree=tree,
                env={},
                job_id="job",
                run_id="run",
                output_commit="output",
                log_path=logs / datum.id,
            )
            for datum in planned
        ]

    def entries_of(self, repo: str) -> list[tuple[str, Entry]]:
        return list(trees.scan(self.store.resolve(f"{repo}@master").commit.tree, self.store.objects.read))

    def executor(self, workers: int = 1) -> LocalExecutor:
        return LocalExecutor(self.store, workers=workers, isolation=self.level)

    def run(self, *cmd: str, **options: Any) -> DatumResult:
        """Run the only datum of a pipeline with this command."""
        (result,) = self.run_all(self.pipeline(*cmd, **options))
        return result

    def run_all(self, pipeline: Pipeline, workers: int = 1) -> list[DatumResult]:
        tasks = self.tasks(pipeline)
        results: list[DatumResult] = []
        self.files, self.entries = {}, {}
        with self.store.objects.batch() as batch:

            def take(result: DatumResult) -> None:
                results.append(result)
                for path, entry in result.collect(batch).items():
                    self.entries[path] = entry
                    self.files[path] = batch.reader()(entry.digest)

            self.executor(workers).run(tasks, take)
        return results

    def sh(self, script: str, **options: Any) -> DatumResult:
        return self.run("/bin/sh", "-c", script, **options)

    def log(self, result: DatumResult) -> str:
        path = result.task.log_path
        return path.read_text(errors="replace") if path.exists() else ""


def processes(mark: str) -> list[int]:
    """Processes of this machine, zombies apart, whose command line holds `mark`."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) != os.getpid():
            try:
                if mark.encode() in Path(f"/proc/{name}/cmdline").read_bytes():
                    found.append(int(name))
            except OSError:
                continue
    return found
