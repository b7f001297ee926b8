"""Lineage: what a commit was made from, and what was made from it, down to single files.

The graph has two kinds of nodes. A commit node names a repository's commit and, where a pipeline made it, the spec, code,
environment, isolation and seed. A file node names one file in a commit; its edges come from the manifest of the job
that wrote it. Edges point from what was read to what was made.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from pedigree.errors import NotFound
from pedigree.pipeline.manifests import Manifest
from pedigree.pipeline.verifying import verdicts
from pedigree.store import missing, trees

if TYPE_CHECKING:
    from pedigree.store import Store
    from pedigree.store.commits import Commit

Direction = Literal["up", "down"]


@dataclass(frozen=True, slots=True)
class Node:
    """`id` is REPO@COMMIT or REPO@COMMIT:/PATH. `facts` are what the commit names besides its inputs."""

    id: str
    kind: Literal["commit", "file"]
    repo: str
    commit: str
    branch: str
    path: str = ""
    facts: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        value: dict[str, Any] = {
            "id": self.id,
            "kind": self.kind,
            "repo": self.repo,
            "commit": self.commit,
            "branch": self.branch,
        }
        if self.kind == "file":
            value["path"] = self.path
        return value | self.facts


@dataclass(frozen=True, slots=True)
class Edge:
    """`source` was read, as the input `name`, to make `target`."""

    source: str
    target: str
    name: str


@dataclass
class Graph:
    """Nodes by id, in the order in which they were reached from `root`; edges without repetition."""

    root: str
    direction: Direction
    nodes: dict[str, Node] = field(default_factory=dict)
    edges: list[Edge] = field(default_factory=list)
    # By node, once the graph is whole: a tree asks for each, and looking through all edges each time is quadratic.
    _following: dict[str, list[tuple[Edge, Node]]] | None = field(default=None, repr=False, compare=False)

    def to_json(self) -> dict[str, Any]:
        return {
            "root": self.root,
            "direction": self.direction,
            "nodes": [node.to_json() for node in self.nodes.values()],
            "edges": [{"source": edge.source, "target": edge.target, "name": edge.name} for edge in self.edges],
        }

    def to_dot(self) -> str:
        from pedigree.pipeline import drawing

        return drawing.dot(self)

    def to_html(self) -> str:
        from pedigree.pipeline import drawing

        return drawing.html(self)

    def to_text(self, *, width: int | None = None) -> str:
        from pedigree.pipeline import drawing

        return drawing.text(self, width=width)

    def next(self, node: str) -> Iterator[tuple[Edge, Node]]:
        """What lies one step further from the root: sources when looking up, targets when looking down."""
        if self._following is None:
            self._following = {}
            for edge in self.edges:
                here, there = (edge.target, edge.source) if self.direction == "up" else (edge.source, edge.target)
                self._following.setdefault(here, []).append((edge, self.nodes[there]))
        yield from self._following.get(node, ())


def lineage(
    store: Store,
    reference: str,
    direction: Direction = "up",
    *,
    depth: int | None = None,
    files: bool = True,
) -> Graph:
    """The graph around REPO@REF or REPO@REF:/PATH, at most `depth` steps away (all when None).

    With a path and `files`, the graph is of files: exactly those that the datums read which wrote the path (a folder: the
    files in it), or that were written from it. Otherwise of commits. Commits that were deleted since appear by name only.
    Raises PathNotFound for a path that the commit does not have.
    """
    found = store.resolve(reference)
    if found.path and next(trees.scan(found.commit.tree, store.objects.read, found.path), None) is None:
        raise missing.path(store.objects.read, found)
    if files and found.path:
        return _Files(store, direction, depth).trace(found.commit, found.path)
    return _commits(store, found.commit, direction, depth)


def _commits(store: Store, start: Commit, direction: Direction, depth: int | None) -> Graph:
    root = _commit_node(store, start)
    graph = Graph(root.id, direction, {root.id: root})
    edges: dict[Edge, None] = {}
    level = [start]
    distance = 0
    while level and (depth is None or distance < depth):
        following: list[Commit] = []
        for commit in level:
            for name, other in _neighbours(store, commit, direction):
                node = _commit_node(store, other)
                here = _commit_id(commit)
                edges[Edge(node.id, here, name) if direction == "up" else Edge(here, node.id, name)] = None
                if node.id not in graph.nodes:
                    graph.nodes[node.id] = node
                    following.append(other)
        level = following
        distance += 1
    graph.edges = list(edges)
    return graph


def _neighbours(store: Store, commit: Commit, direction: Direction) -> Iterator[tuple[str, Commit]]:
    if direction == "up":
        for item in commit.provenance:
            try:
                yield item["name"], store.commit_by_id(item["commit"])
            except NotFound:
                continue
    else:
        for other in store.outputs(commit.id):
            for item in other.provenance:
                if item["commit"] == commit.id:
                    yield item["name"], other


def _commit_id(commit: Commit) -> str:
    return f"{commit.repo}@{commit.id}"


def _commit_node(store: Store, commit: Commit) -> Node:
    facts: dict[str, Any] = {
        "tree": commit.tree,
        "run": commit.run,
        "finished": commit.finished,
        "message": commit.message,
        "author": commit.author,
    }
    tags = store.tags_of(commit.id)
    if tags:
        facts["tags"] = tags
    made_by = commit.made_by
    if made_by:
        facts |= {name: value for name, value in made_by.items() if name != "manifest"}
        spec = store.records.get("spec", made_by.get("spec", "")) or {}
        facts["command"] = (spec.get("transform") or {}).get("cmd", [])
        found = verdicts.of(store, commit.id)
        if found:
            facts["verdict"] = verdicts.summary(found[-1])
    return Node(_commit_id(commit), "commit", commit.repo, commit.id, commit.branch, facts=facts)


class _Files:
    """Traces files through the manifests of the jobs that read and wrote them."""

    def __init__(self, store: Store, direction: Direction, depth: int | None) -> None:
        self.store = store
        self.direction = direction
        self.depth = depth
        self.manifests: dict[str, Manifest] = {}
        self.outputs: dict[str, list[Commit]] = {}
        self.commits: dict[str, Commit] = {}

    def trace(self, start: Commit, path: str) -> Graph:
        root = self._node(start, path)
        graph = Graph(root.id, self.direction, {root.id: root})
        edges: dict[Edge, None] = {}
        level = [(start, path)]
        distance = 0
        while level and (self.depth is None or distance < self.depth):
            following = []
            for commit, place in level:
                here = f"{_commit_id(commit)}:/{place}"
                for name, other, other_path in self._step(commit, place):
                    node = self._node(other, other_path)
                    edges[Edge(node.id, here, name) if self.direction == "up" else Edge(here, node.id, name)] = None
                    if node.id not in graph.nodes:
                        graph.nodes[node.id] = node
                        following.append((other, other_path))
            level = following
            distance += 1
        graph.edges = list(edges)
        return graph

    def _step(self, commit: Commit, path: str) -> Iterator[tuple[str, Commit, str]]:
        return self._up(commit, path) if self.direction == "up" else self._down(commit, path)

    def _up(self, commit: Commit, path: str) -> Iterator[tuple[str, Commit, str]]:
        for record in self._manifest(commit).writers(path):
            for item in record.inputs:
                source = self._commit(item["commit"])
                if source is not None:
                    yield item["name"], source, item["path"]

    def _down(self, commit: Commit, path: str) -> Iterator[tuple[str, Commit, str]]:
        if commit.id not in self.outputs:
            self.outputs[commit.id] = list(self.store.outputs(commit.id))
        for other in self.outputs[commit.id]:
            manifest = self._manifest(other)
            for name, record in manifest.readers(commit.id, path):
                for written in manifest.wrote(record):
                    yield name, other, written

    def _manifest(self, commit: Commit) -> Manifest:
        digest = commit.made_by.get("manifest") or ""
        if digest not in self.manifests:
            self.manifests[digest] = Manifest(self.store, digest)
        return self.manifests[digest]

    def _commit(self, identity: str) -> Commit | None:
        if identity not in self.commits:
            try:
                self.commits[identity] = self.store.commit_by_id(identity)
            except NotFound:
                return None
        return self.commits[identity]

    def _node(self, commit: Commit, path: str) -> Node:
        node = _commit_node(self.store, commit)
        return Node(f"{node.id}:/{path}", "file", node.repo, node.commit, node.branch, path, node.facts)
