"""A survey of the store: what is there, what is reachable, and everything that is not as it was written.

It only reads. `fsck` reports it; `gc` removes nothing unless it comes back without a problem.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple, Protocol

from blake3 import blake3

from pedigree.canonical import DIGEST_LENGTH
from pedigree.errors import Damaged, MissingObject, PedigreeError
from pedigree.store import alone, commits, durable, schema
from pedigree.store.database import Database, seal
from pedigree.store.nodes import EMPTY, Node, parse
from pedigree.store.objects import Objects
from pedigree.store.packs import Packed, Reader

_HEX = frozenset("0123456789abcdef")

REBUILD = "`pedigree fsck --repair` rebuilds the index from the packs."
RESTORE = "Restore that file from a backup; or run `pedigree fsck --repair`, which forgets the damaged bytes, and then "
RESCUE = "`pedigree fsck --repair` moves the objects that are whole to a new pack; or restore that file from a backup."
RETURN = "If a backup has the pack or file that held it, restore that and run `pedigree fsck --repair`; otherwise "
RESTORE_DATABASE = "Restore meta.sqlite from a backup; the objects themselves are not affected."


class Store(Protocol):
    """What a survey needs of an open store."""

    @property
    def database(self) -> Database: ...
    @property
    def objects(self) -> Objects: ...
    @property
    def lock(self) -> durable.Lock: ...
    @property
    def folder(self) -> Path: ...


class Problem(NamedTuple):
    """One thing that is not as it was written.

    `kind` is database, row, history, pack, index, object or tree; `where` the file or table; `commits` the
    commits that it affects as REPO@ID, `paths` the first files of theirs that it affects as REPO@ID:/PATH.
    """

    kind: str
    what: str
    where: str
    commits: tuple[str, ...]
    paths: tuple[str, ...]
    repair: str


class Root(NamedTuple):
    """Something that keeps objects alive; `kind` is tree or object."""

    label: str
    kind: str
    digest: str


class Survey:
    """The findings. Digests are hex here, except in `rows`, whose keys are 32 bytes."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.roots: list[Root] = []
        self.reachable: set[str] = set()
        self.rows: dict[bytes, tuple[int, int, int]] = {}  # digest: (pack, offset, size); pack 0 is alone
        self.packs: dict[int, str] = {}
        self.held_bytes: dict[int, int] = {}  # of each pack, the bytes of all objects in it, needed or not
        self.bad: dict[str, tuple[str, str, str]] = {}  # damaged object: (what, where, repair)
        self.lost: dict[str, str] = {}  # path of a pack that cannot be opened: why
        self.outputs: set[str] = set()  # repositories that a pipeline writes

    def add(self, kind: str, what: str, where: str, repair: str, affected: Iterable[str] = ()) -> None:
        self.problems.append(Problem(kind, what, where, tuple(affected), (), repair))


def survey(store: Store, *, deep: bool) -> Survey:
    """Look at everything. `deep` hashes every object too; otherwise only tree nodes are read.

    The caller holds the store's lock, so that nothing is removed meanwhile. The database is read in one
    snapshot at the start; other processes may commit while the objects are read.
    """
    found = Survey()
    try:
        with store.database.snapshot():
            _database(store, found)
            _rows(store, found)
            by_pack = _index(store, found)
            found.roots = roots(store.database)
            found.outputs = {
                str(name) for (name,) in store.database.rows("SELECT name FROM repositories WHERE kind = 'output'")
            }
        for entry in by_pack.pop(0):
            _alone(store.objects, found, entry, deep)
        for pack, entries in by_pack.items():
            _pack(store.objects, found, pack, entries, deep)
        _trees(store, found)
    except Damaged as error:
        found.add("database", error.message, str(store.database.path), RESTORE_DATABASE)
    return found


def roots(database: Database) -> list[Root]:
    """Everything that keeps objects alive: the trees of commits and open commits, and what is pinned."""
    found = []
    for repo, identity, tree in database.rows("SELECT repo, id, tree FROM commits ORDER BY number"):
        found.append(Root(f"{repo}@{str(identity)[:12]}", "tree", str(tree)))
    for repo, branch, tree in database.rows("SELECT repo, branch, tree FROM open_commits ORDER BY repo, branch"):
        found.append(Root(f"{repo}@{branch} (open commit)", "tree", str(tree)))
    for owner, kind, digest in database.rows("SELECT owner, kind, digest FROM pins ORDER BY owner, kind, digest"):
        found.append(Root(f"{owner} (pin)", str(kind), str(digest)))
    return found


def _database(store: Store, found: Survey) -> None:
    path = str(store.database.path)
    for (line,) in store.database.rows("PRAGMA integrity_check(100)"):
        if line != "ok":
            found.add("database", f"SQLite says: {line}", path, RESTORE_DATABASE)
    # SQLite takes a definition with a flipped bit for another definition: a constraint or a column less.
    named = "SELECT type, name, tbl_name, sql FROM sqlite_master"
    fresh = sqlite3.connect(":memory:")
    fresh.executescript(schema.ddl(store.database.format()))
    for kind, name, *_ in sorted(set(store.database.rows(named)) ^ set(fresh.execute(named).fetchall()), key=str):
        found.add("database", f"The definition of {kind} {name} is not what was written.", path, RESTORE_DATABASE)
    fresh.close()


def _rows(store: Store, found: Survey) -> None:
    database = store.database
    for table, columns in schema.SEALED.items():
        if not schema.present(database, table):
            continue
        for *row, stored in database.rows(f"SELECT {', '.join(columns)}, seal FROM {table}"):
            try:
                sound = stored == seal(table, *row)
            except (AttributeError, TypeError):  # a value of a type that no seal is made of
                sound = False
            if not sound:
                what = f"The row {row[0]!r} of table {table} is not what was written."
                found.add("row", what, f"{database.path}: {table}", RESTORE_DATABASE, _of_row(table, row))
            elif table in {"commits", "squashed"}:
                _identity(database, found, table, dict(zip(columns, row, strict=True)))
    present = {str(row[0]) for row in database.rows("SELECT id FROM commits")}
    for repo, name, head in database.rows("SELECT repo, name, head FROM branches"):
        if head is not None and head not in present:
            what = f"The branch {repo}@{name} points to commit {str(head)[:12]}, which is not there."
            found.add("history", what, f"{database.path}: branches", RESTORE_DATABASE, (f"{repo}@{name}",))
    if schema.present(database, "tags"):
        for repo, name, target in database.rows("SELECT repo, name, target FROM tags"):
            if target not in present:
                what = f"The tag {repo}@{name} names commit {str(target)[:12]}, which is not there."
                found.add("history", what, f"{database.path}: tags", RESTORE_DATABASE, (f"{repo}@{name}",))
    for repo, identity, previous in database.rows("SELECT repo, id, previous FROM commits"):
        if previous is not None and previous not in present:
            what = f"The commit {str(identity)[:12]} of {repo} follows {str(previous)[:12]}, which is not there."
            label = f"{repo}@{str(identity)[:12]}"
            found.add("history", what, f"{database.path}: commits", RESTORE_DATABASE, (label,))
    _provenance(database, found)


def _provenance(database: Database, found: Survey) -> None:
    stated = {
        (str(item["commit"]), str(identity), str(item["name"]))
        for identity, text in database.rows("SELECT id, provenance FROM commits")
        for item in _items(text)
    }
    listed = set(database.rows("SELECT input, output, name FROM provenance"))
    for source, identity, name in sorted(stated ^ listed, key=str):
        what = f"The provenance index and commit {str(identity)[:12]} differ about its input {name!r}, {source}."
        found.add("index", what, f"{database.path}: provenance", REBUILD)


def _items(text: object) -> list[dict[str, str]]:
    try:
        found: list[dict[str, str]] = schema.unpack_value(str(text))
        return [item for item in found if {"commit", "name"} <= item.keys()]
    except (ValueError, TypeError, AttributeError):
        return []  # its seal has told already


def _of_row(table: str, row: list[object]) -> tuple[str, ...]:
    return (f"{row[1]}@{str(row[0])[:12]}",) if table in {"commits", "squashed"} else ()


def _identity(database: Database, found: Survey, table: str, row: dict[str, str]) -> None:
    made_by, inputs = schema.unpack_value(row["made_by"]), schema.unpack_value(row["provenance"])
    parent, error = row["parent"], row["error"]
    if commits.identify(row["repo"], parent, row["tree"], inputs, made_by, error) != row["id"]:
        what = f"The commit {row['id'][:12]} does not match its id."
        label = f"{row['repo']}@{row['id'][:12]}"
        found.add("history", what, f"{database.path}: {table}", RESTORE_DATABASE, (label,))


def _index(store: Store, found: Survey) -> dict[int, list[Packed]]:
    """The rows of `objects` by pack, 0 for those alone."""
    found.packs = {int(pack): str(name) for pack, name in store.database.rows("SELECT id, name FROM packs")}
    by_pack: dict[int, list[Packed]] = {pack: [] for pack in (0, *found.packs)}
    for digest, pack, offset, size in store.database.rows("SELECT digest, pack, offset, size FROM objects"):
        whole = isinstance(digest, bytes) and len(digest) == 32
        if not whole or pack not in by_pack or not isinstance(offset, int) or not isinstance(size, int):
            what = f"A row of the objects index places {digest!r} in pack {pack!r} at {offset!r}: impossible."
            found.add("index", what, f"{store.database.path}: objects", REBUILD)
            continue
        found.rows[digest] = (pack, offset, size)
        by_pack[pack].append(Packed(digest, offset, size))
    return by_pack


def _alone(objects: Objects, found: Survey, entry: Packed, deep: bool) -> None:
    digest = entry.digest.hex()
    path = objects.alone_file(digest)
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        found.bad[digest] = (f"Object {digest} is gone: {os.strerror(error.errno or 0)}.", path, RESTORE)
        return
    try:
        size = os.fstat(fd).st_size
        if size != entry.size or (deep and alone.hashed(fd, path) != digest):
            what = f"Object {digest} does not match its name ({size} bytes, {entry.size} were written)."
            found.bad[digest] = (what, path, RESTORE)
    except PedigreeError as error:
        found.bad[digest] = (f"Object {digest} cannot be read: {error.message}", path, RESTORE)
    finally:
        os.close(fd)


def _pack(objects: Objects, found: Survey, number: int, entries: list[Packed], deep: bool) -> None:
    name = found.packs[number]
    path = objects.pack_file(name)
    index: dict[bytes, Packed] | None = None
    try:
        pack = Reader(path)
    except (FileNotFoundError, PedigreeError) as error:
        text = error.message if isinstance(error, PedigreeError) else f"The pack {path} is not there."
        found.lost[path] = text
        for entry in entries:
            found.bad[entry.digest.hex()] = (f"Object {entry.digest.hex()} lies in it.", path, RESTORE)
        return
    try:
        index = {entry.digest: entry for entry in pack.index()}
        found.held_bytes[number] = sum(entry.size for entry in index.values())
    except PedigreeError as error:
        # Its objects may well be whole: each is hashed below.
        found.add("pack", error.message, path, RESCUE)
    for entry in sorted(entries, key=lambda entry: entry.offset):
        digest = entry.digest.hex()
        if index is not None and index.get(entry.digest) != entry:
            what = f"The index places object {digest} at {entry.offset}, {entry.size} bytes; its pack does not."
            found.bad[digest] = (what, path, REBUILD)
        elif deep or index is None:
            try:
                sound = blake3(pack.read(entry.offset, entry.size)).digest() == entry.digest
            except PedigreeError:
                sound = False
            if not sound:
                found.bad[digest] = (f"Object {digest} does not match its name.", path, RESTORE)


def _trees(store: Store, found: Survey) -> None:
    """Walk every tree once, collect what is reachable, and trace what is damaged to commits and paths."""
    nodes: dict[str, list[tuple[str, str]]] = {}  # of a node, what it names: (digest, path or "")
    levels: list[tuple[str, int]] = []
    for root in found.roots:
        if len(root.digest) != DIGEST_LENGTH or not _HEX.issuperset(root.digest):
            what = f"{root.label} names {root.digest!r}, which is no digest."
            found.add("row", what, str(store.database.path), RESTORE_DATABASE, (root.label,))
        elif root.kind == "tree":
            levels.append((root.digest, -1))
        elif root.kind == "object":
            found.reachable.add(root.digest)
        else:
            what = f"{root.label} keeps a {root.kind!r}; only trees and objects can be kept."
            found.add("row", what, f"{store.database.path}: pins", RESTORE_DATABASE)
    while levels:
        name, level = levels.pop()
        if name == EMPTY or name in nodes:
            continue
        found.reachable.add(name)
        nodes[name] = []
        node = _node(store.objects, found, name, level)
        if node is None:
            continue
        below = [line.split(" ", 3)[2] for line in node.lines]
        if node.level:
            nodes[name] = [(child, "") for child in below]
            levels.extend([(child, node.level - 1) for child in below])
        else:
            found.reachable.update(below)
            if found.bad or any(bytes.fromhex(digest) not in found.rows for digest in below):
                nodes[name] = list(zip(below, node.keys, strict=True))
    for digest in sorted(found.reachable):
        if bytes.fromhex(digest) not in found.rows and digest not in found.bad:
            what = f"The store has no object {digest}."
            found.bad[digest] = (what, f"{store.database.path}: objects", RETURN)
    if found.bad or found.lost:
        _trace(found, nodes)


def _node(objects: Objects, found: Survey, name: str, level: int) -> Node | None:
    try:
        node = parse(objects.read(name), name)
    except MissingObject as error:
        found.bad.setdefault(name, (error.message, f"{objects.database.path}: objects", RETURN))
        return None
    except PedigreeError as error:
        found.bad.setdefault(name, (error.message, str(getattr(error, "path", objects.database.path)), RESTORE))
        return None
    if level not in (-1, node.level):
        what = f"The tree node {name} has level {node.level}; the node above it says {level}."
        found.bad.setdefault(name, (what, "objects", RESTORE))
        return None
    return node


_PATHS = 20


def _trace(found: Survey, nodes: dict[str, list[tuple[str, str]]]) -> None:
    """One problem for each damaged object, with the commits that hold it and where."""
    below: dict[str, dict[str, str]] = {}

    def damaged(name: str) -> dict[str, str]:
        """Damaged objects at and below a node, each with its first path."""
        known = below.get(name)
        if known is None:
            known = below[name] = {}
            if name in found.bad:
                known[name] = ""
            for digest, path in nodes.get(name, ()):
                if path:
                    if digest in found.bad:
                        known.setdefault(digest, path)
                else:
                    for inner, where in damaged(digest).items():
                        known.setdefault(inner, where)
        return known

    holders: dict[str, tuple[list[str], list[str]]] = {digest: ([], []) for digest in found.bad}
    for root in found.roots:
        held = damaged(root.digest) if root.kind == "tree" else dict.fromkeys({root.digest} & found.bad.keys(), "")
        for digest, path in held.items():
            labels, paths = holders[digest]
            labels.append(root.label)
            if path and len(paths) < _PATHS:
                paths.append(f"{root.label}:/{path}")
    packs: dict[str, tuple[int, dict[str, None], list[str], bool]] = {path: (0, {}, [], False) for path in found.lost}
    for digest, (what, where, repair) in sorted(found.bad.items()):
        labels, paths = holders[digest]
        is_tree = digest in nodes
        if where in packs:  # one problem for the pack, not one for each of its objects
            number, all_labels, all_paths, trees = packs[where]
            all_labels.update(dict.fromkeys(labels))
            all_paths += paths[: _PATHS - len(all_paths)]
            packs[where] = (number + 1, all_labels, all_paths, trees or is_tree)
            continue
        remedy = _remedy(found, repair, labels, is_tree)
        found.problems.append(
            Problem("tree" if is_tree else "object", what, where, tuple(labels), tuple(paths), remedy)
        )
    for path, (number, all_labels, all_paths, trees) in packs.items():
        what = f"{found.lost[path]} {number} object{'' if number == 1 else 's'} lay in it."
        labels = list(all_labels)
        remedy = _remedy(found, RESTORE, labels, trees)
        found.problems.append(Problem("pack", what, path, tuple(labels), tuple(all_paths), remedy))


def _remedy(found: Survey, repair: str, holders: list[str], is_tree: bool) -> str:
    """The whole repair: what brings lost bytes back depends on who holds them."""
    if repair not in {RESTORE, RETURN}:
        return repair
    commits = [label for label in holders if not label.endswith(" (pin)")]
    makers = sorted({label.partition("@")[0] for label in commits} & found.outputs)
    by_hand = sorted({label.partition("@")[0] for label in commits} - found.outputs)
    ways = []
    if by_hand and is_tree:
        ways.append(
            "put the files of the commits that it affects into a new repository, under the same paths, which "
            "makes the same trees again"
        )
    elif by_hand:
        ways.append("put the original files again with `pedigree put`")
    if makers:
        ways.append(f"make them again with `pedigree run --reprocess {' '.join(makers)}`")
    if not ways and holders:
        ways.append("run `pedigree run --reprocess`, which makes cached results again")
    if not ways:
        return (
            "Restore that file from a backup; or run `pedigree fsck --repair`, which forgets it. "
            "No tree that can be read names it."
        )
    return f"{repair}{', and '.join(ways)}."
