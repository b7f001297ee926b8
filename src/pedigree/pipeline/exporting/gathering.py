"""What the store holds of a commit and of all that it was made from, as frozen values that every format is written from."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING, Any

from pedigree import canonical
from pedigree.errors import CommitClosed, CommitNotFound, CorruptObject, PipelineNotFound, RepositoryNotFound
from pedigree.pipeline import circumstances, configs, pipelines
from pedigree.pipeline.exporting import naming, withholding
from pedigree.pipeline.verifying import verdicts
from pedigree.store import missing, trees

if TYPE_CHECKING:
    from pedigree.store import Store
    from pedigree.store.commits import Commit

_BLOCK_BYTES = 1 << 20

#: Called with the files and bytes that were read so far.
Report = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class File:
    """A regular file of a commit. `blake3` is its name in the store; `sha256` was computed by reading it here."""

    path: str
    size: int
    blake3: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Made:
    """One commit of the lineage. `spec`, `facts` and `config` are None where nothing recorded them; nothing in them is secret.

    `inputs` name what it was made from; `files` and `bytes` count the whole commit. `verdicts` are oldest first.
    """

    commit: Commit
    description: str
    inputs: tuple[Mapping[str, str], ...]
    made_by: Mapping[str, Any]
    spec: Mapping[str, Any] | None
    config: Any | None
    facts: Mapping[str, Any] | None
    files: int
    bytes: int
    verdicts: tuple[Mapping[str, Any], ...]

    @property
    def id(self) -> str:
        return self.commit.id

    @property
    def name(self) -> str:
        return f"{self.commit.repo}@{self.commit.id[:12]}"

    @property
    def uri(self) -> str:
        return naming.uri(self.commit.repo, self.commit.id)

    @property
    def finished(self) -> float:
        return self.commit.finished or self.commit.started

    @property
    def pipeline(self) -> str:
        """The pipeline that made it, "" where people put it in."""
        return str(self.made_by.get("pipeline", ""))

    @property
    def command(self) -> list[str]:
        return list(self.spec.get("cmd", ())) if self.spec else []

    @property
    def sources(self) -> list[tuple[str, str]]:
        """Repository and commit of each input, once, however many inputs read it."""
        return list(dict.fromkeys((item["repo"], item["commit"]) for item in self.inputs))

    @property
    def reads(self) -> list[tuple[str, str, str, str]]:
        """Name, repository, commit and glob of each input that its spec names."""
        found = []
        for leaf in _leaves((self.spec or {}).get("input")):
            commit = next((one["commit"] for one in self.inputs if one["name"] == leaf["name"]), "")
            found.append((leaf["name"], leaf["repo"], commit, leaf.get("glob", "/*")))
        return found

    @property
    def distributions(self) -> list[tuple[str, str]]:
        """Name and version of each that its environment had installed, by name."""
        found = (self.facts or {}).get("distributions", {})
        return [(name, str(item["version"])) for name, item in sorted(found.items())]


@dataclass(frozen=True, slots=True)
class Provenance:
    """`commits` of the whole lineage, inputs first and the one asked for last; `gone` names those deleted since.

    `files` are those under `path` ("" is the whole commit). `verdict` is the last one that says something about them.
    """

    path: str
    files: tuple[File, ...]
    commits: tuple[Made, ...]
    gone: tuple[str, ...]
    verdict: Mapping[str, Any] | None
    namespace: str = "pedigree"
    authors: bool = False
    by_id: Mapping[str, Made] = field(default_factory=dict)

    @property
    def made(self) -> Made:
        return self.commits[-1]

    @property
    def upstream(self) -> tuple[Made, ...]:
        return self.commits[:-1]

    @property
    def reference(self) -> str:
        return self.made.name + (f":/{self.path}" if self.path else "")

    def judged(self) -> tuple[File, ...]:
        """The files that the verdict is about: a verdict on a path says nothing about the others."""
        if self.verdict is None:
            return ()
        path = self.verdict["path"]
        return tuple(file for file in self.files if not path or file.path == path or file.path.startswith(f"{path}/"))


def gather(
    store: Store,
    reference: str,
    *,
    variables: bool = False,
    authors: bool = False,
    namespace: str = "pedigree",
    report: Report | None = None,
) -> Provenance:
    """Everything about REPO@REF[:/PATH]. Reads the bytes of its files once, for their SHA-256; of the inputs, none.

    Raises NotFound for what does not exist, CommitClosed for a commit that is still open, Damaged for bytes that are not whole.
    """
    found = store.resolve(reference)
    if found.commit.state == "open":
        raise CommitClosed(
            f"The commit {found.repo}@{found.commit.id[:12]} is still open: what it will hold is not known.",
            remedy=f"`pedigree commit finish {found.repo}@{found.commit.branch}` finishes it.",
        )
    entries = list(trees.scan(found.commit.tree, store.objects.read, found.path))
    if found.path and not entries:
        raise missing.path(store.objects.read, found)
    commits, gone = _order(store, found.commit)
    public = [_public(store, commit, variables=variables) for commit in commits]
    left = [
        value for _, _, values in public for value in values
    ]  # a secret of one step may stand in the spec of another
    made = tuple(
        _made(store, commit, spec, config, left) for commit, (spec, config, _) in zip(commits, public, strict=True)
    )
    verdict = next((one for one in reversed(made[-1].verdicts) if _covers(one["path"], found.path)), None)
    files = tuple(_files(store, entries, report))
    by_id = {one.id: one for one in made}
    return Provenance(found.path, files, made, gone, verdict, namespace, authors, by_id)


def text_of(store: Store, made: Made, path: str, limit_bytes: int) -> str | None:
    """The text of a file of the commit; None where there is none, or it is larger or no UTF-8."""
    entry = trees.get(made.commit.tree, path, store.objects.read)
    if entry is None or entry.kind == "l" or entry.size > limit_bytes:
        return None
    try:
        return store.objects.read(entry.digest).decode("utf-8")
    except UnicodeDecodeError:
        return None


def _leaves(node: Any) -> Iterator[Mapping[str, Any]]:
    """The pfs and cron inputs in an input as specs write it."""
    for kind, body in (node or {}).items():
        if isinstance(body, list):
            for one in body:
                yield from _leaves(one)
        elif kind in ("pfs", "cron"):
            yield body


def _covers(judged: str, asked: str) -> bool:
    """Whether a verdict on one path is on something of the other."""
    return not judged or not asked or f"{asked}/".startswith(f"{judged}/") or f"{judged}/".startswith(f"{asked}/")


def _order(store: Store, last: Commit) -> tuple[list[Commit], tuple[str, ...]]:
    commits = {last.id: last}
    graph: dict[str, list[str]] = {last.id: []}
    gone: set[str] = set()
    waiting = [last]
    while waiting:
        here = waiting.pop()
        for item in here.provenance:
            identity = item["commit"]
            if identity not in commits:
                try:
                    commits[identity] = store.commit_by_id(identity)
                except CommitNotFound:
                    gone.add(naming.uri(item["repo"], identity))
                    continue
                graph.setdefault(identity, [])
                waiting.append(commits[identity])
            graph[here.id].append(identity)
    # Equal graphs give equal orders: ties by repository and id.
    sorter = TopologicalSorter(graph)
    sorter.prepare()
    order: list[Commit] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready(), key=lambda one: (commits[one].repo, one))
        order += [commits[one] for one in ready]
        sorter.done(*ready)
    return order, tuple(sorted(gone))


def look_up(store: Store, commit: Commit) -> Made:
    """One commit by itself, whether or not it is of a lineage that is exported."""
    return _made(store, commit, *_public(store, commit, variables=False))


def _public(store: Store, commit: Commit, *, variables: bool) -> tuple[Any, Any, list[str]]:
    """Spec and configuration without what is withheld, and the values that must stand nowhere else."""
    digest = commit.made_by.get("spec")
    try:
        pipeline = pipelines.spec(store, digest) if digest else None
    except PipelineNotFound:
        pipeline = None
    if pipeline is None:
        return None, None, []
    spec, left = withholding.spec(pipeline, variables)
    if pipeline.config is None or store.records.get(configs.CONFIG, pipeline.config.frozen) is None:
        return spec, None, left
    config, more = withholding.values(configs.frozen(store, pipeline.config).as_dict())
    return spec, config, left + more


def _made(store: Store, commit: Commit, spec: Any, config: Any, left: list[str]) -> Made:
    blot = withholding.Blotter(left)
    made_by = commit.made_by
    facts = store.records.get(circumstances.ENVIRONMENT, made_by.get("environment", ""))
    try:
        description = store.repository(commit.repo).description
    except RepositoryNotFound:
        description = ""
    files, size = trees.totals(commit.tree, store.objects.read)
    return Made(
        commit=commit,
        description=blot(description or (spec or {}).get("description", "")),
        inputs=tuple(commit.provenance),
        made_by=made_by,
        spec=blot(spec),
        config=blot(config),
        facts=None if facts is None else facts["facts"],
        files=files,
        bytes=size,
        verdicts=tuple(verdicts.of(store, commit.id)),
    )


def _files(store: Store, entries: list[tuple[str, trees.Entry]], report: Report | None) -> list[File]:
    found = []
    done = 0
    known: dict[str, str] = {}
    for path, entry in entries:
        if entry.kind == "l":
            continue  # a link is no bytes of its own
        if entry.digest not in known:
            known[entry.digest] = _sha256(store, entry.digest)
        found.append(File(path, entry.size, entry.digest, known[entry.digest]))
        done += entry.size
        if report is not None:
            report(len(found), done)
    return found


def _sha256(store: Store, digest: str) -> str:
    hasher, check = hashlib.sha256(), canonical.hasher()
    with store.objects.open(digest) as file:
        while data := file.read(_BLOCK_BYTES):
            hasher.update(data)
            check.update(data)
    # All bytes are in hand, so what is stated of them is stated of what the commit names, and of nothing else.
    if check.hexdigest() != digest:
        raise CorruptObject(
            f"The bytes of object {digest[:16]} are not what its name says.",
            remedy="`pedigree fsck` lists everything affected.",
            digest=digest,
        )
    return hasher.hexdigest()
