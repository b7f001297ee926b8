"""A small project in a temporary folder, with a store, for tests that run pipelines for real."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pedigree
from pedigree.pipeline import engine, events, pipelines
from pedigree.pipeline.report import RunReport
from pedigree.store import Store


class Project:
    """Files, repositories and specs in one line each; `started` collects every datum that really ran."""

    def __init__(self, folder: Path, *, store: Store | None = None) -> None:
        """A new store in the folder, unless there is one."""
        self.folder = folder
        self.store: Store = pedigree.init(folder) if store is None else store
        self.events: list[events.Event] = []

    def put(self, repo: str, files: Mapping[str, str | None], branch: str = "master") -> None:
        """Commit files; None deletes one."""
        with self.store.commit(f"{repo}@{branch}", create=True) as change:
            for path, text in files.items():
                if text is None:
                    change.delete(path)
                else:
                    change.write(path, text.encode())

    def write(self, path: str, text: str) -> Path:
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        return target

    def apply(self, spec: str, name: str = "pipelines.yaml") -> list[pipelines.Applied]:
        return pipelines.apply(self.store, [str(self.write(name, spec))])

    def run(self, **options: object) -> RunReport:
        self.events.clear()
        return engine.run(self.store, on_event=self.events.append, **options)  # type: ignore[arg-type]  # passed through

    @property
    def started(self) -> list[str]:
        """Labels of the datums that the last run started, sorted."""
        return sorted(event.label for event in self.events if isinstance(event, events.DatumStarted))

    def read(self, reference: str) -> str:
        from pedigree.store import trees

        found = self.store.resolve(reference)
        entry = trees.get(found.commit.tree, found.path or "", self.store.objects.read)
        assert entry is not None, reference
        return self.store.objects.read(entry.digest).decode()

    def files(self, reference: str) -> list[str]:
        from pedigree.store import trees

        return [path for path, _ in trees.scan(self.store.resolve(reference).commit.tree, self.store.objects.read)]


COPY = """
pipeline: {name: copy}
input: {pfs: {repo: in, glob: /*}}
transform:
  cmd: [sh]
  stdin: ['for f in /pfs/in/*; do tr a-z A-Z < "$f" > /pfs/out/$(basename "$f"); done']
"""
