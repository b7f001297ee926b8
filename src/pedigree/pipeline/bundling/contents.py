"""What goes into a bundle: the commit, everything upstream of it, and all that verifying reads of them.

Left out are the logs of steps, which may say anything, and what came before a commit on its branch, which nothing was
made from. Secrets are in neither specs nor frozen configurations: both hold references to them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pedigree.errors import CommitNotFound
from pedigree.pipeline import circumstances, configs, jobs, pipelines
from pedigree.pipeline.jobs import DatumRecord, Job
from pedigree.pipeline.model import Pipeline
from pedigree.pipeline.verifying import verdicts
from pedigree.store import commits, transfer, trees
from pedigree.store.nodes import EMPTY
from pedigree.store.transfer import Row

if TYPE_CHECKING:
    from pedigree.store import Store

#: Verdicts that came with a bundle: what somebody else found, kept apart from what was found here.
TOLD = "told verdict"

#: Kinds of lines in records.jsonl, and the kinds of the store's records that they become. Repositories and runs become rows.
RECORDS = {
    "spec": pipelines.SPEC,
    "config": configs.CONFIG,
    "code": circumstances.CODE,
    "environment": circumstances.ENVIRONMENT,
    "job": jobs.JOB,
    "result": jobs.RECEIVED,
    "verdict": TOLD,
}


class Contents:
    """Commits, inputs first, with their records and the digests of their objects.

    `results` False leaves out the files that pipelines wrote: then a commit's manifest and the nodes of its datums' trees
    say what they were.
    """

    def __init__(self, store: Store, identity: str, *, results: bool) -> None:
        self.store = store
        self.results = results
        self.commits: list[Row] = []
        #: (kind, key): value, of the lines of records.jsonl.
        self.records: dict[tuple[str, str], Any] = {}
        self.objects: set[bytes] = set()
        self._nodes: set[str] = set()
        self._whole: set[str] = set()
        for row in self._upstream(identity):
            self._add(row)
        self._shorten()

    def sizes(self) -> Iterator[tuple[str, int]]:
        """(digest, bytes) of every object, by digest. Raises MissingObject."""
        names = sorted(self.objects)
        for start in range(0, len(names), 10_000):
            part = [name.hex() for name in names[start : start + 10_000]]
            found = self.store.objects.places(part)
            for name in part:
                yield name, found[name].size

    # -- commits

    def _upstream(self, last: str) -> list[Row]:
        """The commit and all that went into it, inputs first; of equals the one that is named first."""
        order: list[Row] = []
        done: set[str] = set()
        stack: list[tuple[Row, list[str]]] = [(row := self._row(last, None), self._needs(row))]
        while stack:
            row, needs = stack[-1]
            if needs:
                name = needs.pop(0)
                if name not in done and all(name != above.id for above, _ in stack):
                    other = self._row(name, row)
                    stack.append((other, self._needs(other)))
                continue
            stack.pop()
            if row.id not in done:
                done.add(row.id)
                order.append(row)
        return order

    def _row(self, identity: str, needed_by: Row | None) -> Row:
        try:
            return transfer.outgoing(self.store.database, identity)
        except CommitNotFound as error:
            if needed_by is None:
                raise
            raise CommitNotFound(
                f"{needed_by.repo}@{needed_by.id[:12]} was made from {identity[:12]}, which is not in the store: "
                f"nothing could rebuild it. {error.message}",
                remedy="Make the result again from what there is (`pedigree run`), and bundle that.",
                commit=identity,
            ) from error

    def _needs(self, row: Row) -> list[str]:
        names = [item["commit"] for item in row.inputs]
        # The job that computed a datum may have read another commit of a reference input, whose files are no part of the
        # datum's identity and yet what the step saw.
        for _, job, spec in self._computed(row):
            for leaf in spec.leaves():
                if leaf.reference:
                    read = [item["commit"] for item in job.inputs if item["name"] == leaf.name]
                    names += [name for name in read if commits.find(self.store.database, name) is not None]
        return list(dict.fromkeys(names))

    # -- what verifying reads

    def _manifest(self, row: Row) -> list[DatumRecord]:
        manifest = row.facts.get("manifest")
        return list(jobs.read_manifest(self.store, manifest)) if manifest else []

    def _computed(self, row: Row) -> Iterator[tuple[str, Job, Pipeline]]:
        """Of each job that computed a datum of the commit, and of its own: (record's key, job, spec)."""
        own = f"{row.run}/{row.repo}"
        keys = {own: None} if row.facts.get("manifest") else {}
        for result in self._stated(self._manifest(row)).values():
            pipeline, _, run = str(result["job"]).partition("@")
            keys[f"{run}/{pipeline}"] = None
        for key, value in sorted(self.store.records.many(jobs.JOB, keys).items()):
            job = Job.from_json(value)
            spec = self.store.records.get(pipelines.SPEC, job.spec)
            if spec is not None:
                yield key, job, Pipeline.from_json(spec)

    def _stated(self, records: list[DatumRecord]) -> dict[str, Any]:
        names = [item.identity for item in records]
        found = self.store.records
        return found.many(jobs.RECEIVED, names) | found.many(jobs.RESULT, names)

    def _add(self, row: Row) -> None:
        self.commits.append(row)
        repository = self.store.repository(row.repo)
        self.records["repository", row.repo] = {"kind": repository.kind, "description": repository.description}
        self._run(row.run)
        made_by = row.facts
        records = self._manifest(row)
        if self.results or not made_by.get("manifest"):
            self._tree(row.tree)
        if made_by.get("manifest"):
            self.objects.add(bytes.fromhex(made_by["manifest"]))
            for item in records:
                self._tree(item.tree, files=self.results)
        self._spec(made_by.get("spec", ""))
        self._code(made_by.get("code", ""), made_by.get("code_tree", ""))
        self._take(circumstances.ENVIRONMENT, made_by.get("environment", ""))
        for identity, result in self._stated(records).items():
            self.records["result", identity] = {**result, "log": ""}
        for key, job, _ in self._computed(row):
            self.records["job", key] = job.to_json()
            self._spec(job.spec)
            self._run(job.run)
        found = self.store.records.get(TOLD, row.id) or {"verdicts": []}
        told = [*found["verdicts"], *verdicts.of(self.store, row.id)]
        if told:
            self.records["verdict", row.id] = {"verdicts": told}

    def _shorten(self) -> None:
        """Jobs of commits that stay behind name neither them nor their manifests."""
        here = {row.id for row in self.commits}
        for (kind, key), value in self.records.items():
            if kind == "job" and value["commit"] not in here:
                self.records[kind, key] = {**value, "commit": "", "manifest": ""}

    def _run(self, identity: str) -> None:
        run = transfer.outgoing_run(self.store.database, identity)
        if run is not None:
            self.records["run", identity] = {
                "started": run.started, "finished": run.finished, "state": run.state, "message": run.message
            }  # fmt: skip

    def _spec(self, digest: str) -> None:
        value = self._take(pipelines.SPEC, digest)
        config = None if value is None else Pipeline.from_json(value).config
        if config is not None:
            self._take(configs.CONFIG, config.frozen)

    def _code(self, digest: str, tree: str) -> None:
        self._take(circumstances.CODE, digest)
        self._tree(tree)

    def _take(self, kind: str, key: str) -> Any:
        value = self.store.records.get(kind, key) if key else None
        if value is not None:
            self.records[kind, key] = value
        return value

    def _tree(self, tree: str, *, files: bool = True) -> None:
        if not tree or tree == EMPTY:
            return
        seen = self._whole if files else self._nodes
        for node, below in trees.nodes(tree, self.store.objects.read, seen):
            self.objects.add(bytes.fromhex(node))
            if files:
                self.objects.update([bytes.fromhex(digest) for digest in below])
