"""Unpacking: a bundle's commits come into a store, all at once, after everything in the file was checked."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any, BinaryIO

from pedigree import canonical
from pedigree.errors import Conflict, PathClash
from pedigree.pipeline import merging, sandbox
from pedigree.pipeline.bundling import claims, layout
from pedigree.pipeline.bundling.claims import Claim
from pedigree.pipeline.bundling.contents import RECORDS
from pedigree.pipeline.bundling.reading import Bundle, lines
from pedigree.pipeline.bundling.wholeness import Wholeness
from pedigree.pipeline.model import Pipeline
from pedigree.store import transfer
from pedigree.store.transfer import Delivery, Landed, Row, RunRow

if TYPE_CHECKING:
    from pedigree.pipeline.jobs import DatumRecord
    from pedigree.store import Store
    from pedigree.store.batch import Batch
    from pedigree.store.landing import Place

_IN_MEMORY_BYTES = 8 << 20


@dataclass
class Unpacked:
    """What came in. `made` are the commits of pipelines, inputs first; `results` says whether their files came too.

    Without results those are not in the store yet: only what they are made from is, kept from gc by `pins`.
    """

    subject: dict[str, str]
    results: bool
    landed: Landed
    objects: int
    object_bytes: int
    made: list[Row] = field(default_factory=list)
    heads: dict[Place, str] = field(default_factory=dict)
    pins: dict[str, tuple[list[str], list[str]]] = field(default_factory=dict)
    told: list[dict[str, Any]] = field(default_factory=list)


def unpack(
    store: Store,
    stream: BinaryIO,
    name: str,
    *,
    branches: bool,
    run: bool,
    trust: bool,
    progress: Callable[[int, int], None] | None = None,
) -> Unpacked:
    """Take everything that the bundle holds into the store, or nothing.

    With `branches` its branches are set; otherwise commits can only be named by their ids. `run` says that its steps are
    going to be run: then one that asks for more than its inputs is refused without `trust`. Raises InvalidBundle,
    NewerFormat, Conflict, DiskFull.
    """
    with store.objects.batch() as batch, ExitStack() as held:

        def spool() -> IO[bytes]:
            folder = store.objects.temporary
            return held.enter_context(tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES, dir=folder, prefix="bundle-"))

        files = {layout.COMMITS: spool(), layout.RECORDS: spool()}
        bundle = Bundle(stream, name)
        bundle.read(batch, files.__getitem__, progress)
        return _Unpacking(store, bundle, batch, files).land(branches=branches, run=run, trust=trust)


class _Unpacking:
    """The second half: everything is in the batch, nothing in the store."""

    def __init__(self, store: Store, bundle: Bundle, batch: Batch, files: dict[str, IO[bytes]]) -> None:
        self.store = store
        self.bundle = bundle
        self.batch = batch
        self.files = files
        self.claim = Claim(bundle)
        self.whole = Wholeness(bundle, store, batch)
        self.results: bool = bundle.head["results"]
        self.subject: dict[str, str] = bundle.head["subject"]
        self.rows: list[Row] = []
        self.repositories: dict[str, tuple[str, str]] = {}
        self.runs: list[RunRow] = []
        self.specs: dict[str, Pipeline] = {}
        self.told: list[dict[str, Any]] = []
        self.pins: dict[str, tuple[list[str], list[str]]] = {}

    def land(self, *, branches: bool, run: bool, trust: bool) -> Unpacked:
        self._commits()
        self._records()
        for row in self.rows:
            self._whole(row)
        if run and not trust:
            self._refuse_risks()
        made = [row for row in self.rows if row.facts.get("manifest")]
        coming = self.rows if self.results else [row for row in self.rows if not row.facts.get("manifest")]
        heads = self._heads() if branches else {}
        here = {row.id for row in coming}
        delivery = Delivery(
            coming,
            self.repositories,
            self.runs,
            {place: identity for place, identity in heads.items() if identity in here},
            self._kept(),
            self.pins,
        )
        landed = transfer.land(self.store, self.batch, delivery)
        return Unpacked(
            self.subject, self.results, landed, len(self.bundle.sizes), sum(self.bundle.sizes.values()), made, heads,
            self.pins, self.told,
        )  # fmt: skip

    # -- checks

    def _commits(self) -> None:
        known: set[str] = set()
        for value in lines(self.files[layout.COMMITS], self.bundle, layout.COMMITS):
            row = self.claim.row(value)
            if row.id in known:
                raise self.bundle.wrong(f"the commit {row.id[:12]} comes twice")
            for item in row.inputs:
                if item["commit"] not in known:
                    raise self.bundle.wrong(
                        f"{item['commit'][:12]}, from which {row.id[:12]} was made, is not before it"
                    )
            known.add(row.id)
            self.rows.append(row)
        last = self.rows[-1] if self.rows else None
        if len(self.rows) != self.bundle.head["commits"] or last is None:
            raise self.bundle.wrong(f"it holds {len(self.rows):,} commits of {self.bundle.head['commits']:,}")
        if (last.id, last.repo) != (self.subject["commit"], self.subject["repo"]):
            raise self.bundle.wrong("its last commit is not the one that it is about")
        self.claim.place(self.subject)

    def _records(self) -> None:
        codes: dict[str, str] = {}
        manifests: set[str] = set()
        before, count = ("", ""), 0
        for value in lines(self.files[layout.RECORDS], self.bundle, layout.RECORDS):
            kind, key, body = self.claim.record(value)
            if (kind, key) <= before:
                raise self.bundle.wrong(f"{layout.RECORDS} is not sorted")
            before = (kind, key)
            count += 1
            if kind == "repository":
                self.repositories[key] = (body["kind"], body["description"])
            elif kind == "run":
                self.runs.append(claims.run(key, body))
            elif kind == "spec":
                self.specs[key] = Pipeline.from_json(body)
            elif kind == "code":
                codes[key] = body["tree"]
            elif kind == "job" and body["manifest"]:
                manifests.add(body["manifest"])
            elif kind == "verdict" and key == self.subject["commit"]:
                self.told = body["verdicts"]
        if count != self.bundle.head["records"]:
            raise self.bundle.wrong(f"it holds {count:,} records of {self.bundle.head['records']:,}")
        for digest, tree in codes.items():
            if tree:
                self.whole.tree(tree, f"the code {digest[:12]}")
            self.whole.code(digest, tree)
        for manifest in manifests - {row.facts.get("manifest", "") for row in self.rows}:
            raise self.bundle.wrong(f"a job in it names a manifest, {manifest[:12]}, of no commit in it")
        for row in self.rows:
            if row.repo not in self.repositories:
                raise self.bundle.wrong(f"it does not say what the repository {row.repo} is")

    def _whole(self, row: Row) -> None:
        name = f"{row.repo}@{row.id[:12]}"
        facts = row.facts
        manifest = facts.get("manifest")
        if self.results or not manifest:
            self.whole.tree(row.tree, name)
        pinned: list[str] = []
        kept: list[str] = []
        if facts.get("code_tree"):
            self.whole.tree(facts["code_tree"], f"the code of {name}")
            pinned.append(facts["code_tree"])
        if manifest:
            self.whole.object(manifest, name)
            kept.append(manifest)
            records = self.claim.manifest(self.whole.read(manifest), row)
            for tree in sorted({item.tree for item in records if item.tree}):
                self.whole.tree(tree, f"a datum of {name}", files=self.results)
                if self.results:
                    pinned.append(tree)
                else:
                    kept += self.whole.nodes(tree)
            if not self.results:
                self._merged(row, records)
        if pinned or kept:
            self.pins[f"bundle/{row.id}"] = (pinned, kept)

    def _merged(self, row: Row, records: list[DatumRecord]) -> None:
        """Only digests say what a commit without its files holds: those of its datums must come to that of its tree."""
        try:
            same = merging.merge(records, self.whole.read, canonical.digest) == row.tree
        except PathClash:
            same = False
        if not same:
            raise self.bundle.wrong(f"{row.repo}@{row.id[:12]} does not hold what its datums wrote")

    def _refuse_risks(self) -> None:
        risks = []
        for row in self.rows:
            level = row.facts.get("isolation")
            if row.facts.get("manifest") and level not in sandbox.SEALED:
                risks.append(f"{row.repo} was made with isolation {level}, which a step can reach out of")
        for pipeline in self.specs.values():
            if pipeline.network:
                risks.append(f"{pipeline.name} asks for the network")
            if pipeline.transform.secrets:
                names = ", ".join(sorted({item.name for item in pipeline.transform.secrets}))
                risks.append(f"{pipeline.name} asks for secrets ({names})")
        if risks:
            raise Conflict(
                f"{self.bundle.name} would be given more than its own files: {'; '.join(dict.fromkeys(risks))}. "
                "Nothing was unpacked and nothing was run.",
                remedy="Look at it first, unpacked with --no-verify; replay it with --trust if you trust who made it.",
            )

    # -- what lands

    def _heads(self) -> dict[Place, str]:
        """Where each branch is to point: the commit made last on it; the subject's at the subject."""
        latest: dict[Place, Row] = {}
        for row in self.rows:
            place = (row.repo, row.branch)
            if place not in latest or row.finished >= latest[place].finished:
                latest[place] = row
        heads = {place: row.id for place, row in latest.items()}
        heads[self.subject["repo"], self.subject["branch"]] = self.subject["commit"]
        return heads

    def _kept(self) -> Iterator[tuple[str, str, Any]]:
        for value in lines(self.files[layout.RECORDS], self.bundle, layout.RECORDS):
            if value["kind"] in RECORDS:
                yield RECORDS[value["kind"]], value["key"], value["value"]
