"""The plan of a job: its datums, from a pipeline's inputs and the trees of the commits that they read.

Globs, joins, groups and their order follow shared pachyderm-semantics, sections 2 and 3. Planning reads tree
nodes only, never a file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal, NamedTuple

from pedigree import canonical
from pedigree.pipeline.inputs import sorted_input
from pedigree.pipeline.model import CronInput, Input, PfsInput, Pipeline
from pedigree.store import globs, trees

#: One scan of the whole tree is cheaper than a look-up per match once a match stands for fewer files than
#: this. A look-up from the root takes about as long as parsing and passing 40 entries.
FILES_PER_LOOKUP = 40

#: Lines given to the hasher at once; bounds memory for a folder of millions of files.
LINES_AT_ONCE = 4096


class Source(NamedTuple):
    """The commit that an input reads, and its tree."""

    repo: str
    branch: str
    commit: str
    tree: str


class DatumInput(NamedTuple):
    """One match of one glob: a file, or a folder with all below it. A step sees it at /pfs/`name`/`path`.

    `files_digest` covers path, kind and content digest of each file, so a rename inside a folder changes it.
    `size_bytes` and `file_count` are what the step is given; 0 bytes with `empty_files`. `path` is "" for the whole repository. `join_on` and `group_by` are the keys,
    templates filled in.
    """

    name: str
    repo: str
    branch: str
    commit: str
    path: str
    kind: Literal["file", "folder"]
    files_digest: str
    size_bytes: int
    file_count: int
    join_on: str
    group_by: str
    outer_join: bool
    lazy: bool
    empty_files: bool
    reference: bool
    tree: str


@dataclass(frozen=True, slots=True)
class Datum:
    """The unit of work. `id` names it whatever its content; `index` is its place in the plan."""

    id: str
    inputs: tuple[DatumInput, ...]
    index: int


Resolve = Callable[[PfsInput], Source | None]

_Row = tuple[DatumInput, ...]


def plan(pipeline: Pipeline, resolve: Resolve, read: trees.Read) -> list[Datum]:
    """The datums of a job, in the order in which they are run.

    Glob order for pfs, cross and union; by id where a join or a group decides. `resolve` gives the commit
    that an input reads, or None when its branch holds none: then it has no matches. A pipeline without input
    has no datums.
    """
    if pipeline.input is None:
        return []
    rows = _rows(sorted_input(pipeline.input), _once(resolve), read)
    return [Datum(datum_id(row), row, index) for index, row in enumerate(rows)]


def datum_id(inputs: Sequence[DatumInput]) -> str:
    """Digest over name, repository, branch and path of each input: what the datum is about."""
    # No field can hold NUL (store/paths.py refuses control characters), and each input has four, so the text
    # is unique.
    text = "\0".join([part for item in inputs for part in (item.name, item.repo, item.branch, item.path)])
    return canonical.digest(b"datum\n" + text.encode())


def _rows(node: Input, resolve: Resolve, read: trees.Read) -> Iterable[_Row]:
    if isinstance(node, CronInput):
        node = node.files()
    if isinstance(node, PfsInput):
        source = resolve(node)
        return () if source is None else ((item,) for item in _matches(node, source, read))
    operands = [_rows(item, resolve, read) for item in node.inputs]
    return _COMBINE[node.kind](operands)


def _union(operands: Sequence[Iterable[_Row]]) -> Iterator[_Row]:
    # The only place where two rows can have one id: the others combine rows that differ, each in one way.
    seen: set[str] = set()
    for operand in operands:
        for row in operand:
            name = datum_id(row)
            if name not in seen:
                seen.add(name)
                yield row


def _cross(operands: Sequence[Iterable[_Row]]) -> Iterator[_Row]:
    return (tuple(item for row in rows for item in row) for rows in product(*operands))


def _join(operands: Sequence[Iterable[_Row]]) -> list[_Row]:
    keys: dict[str, list[list[DatumInput]]] = {}
    for place, operand in enumerate(operands):
        for item in _single(operand):
            keys.setdefault(item.join_on, [[] for _ in operands])[place].append(item)
    rows: list[_Row] = []
    for sides in keys.values():
        kept = sides
        if not all(sides):
            kept = [[item for item in side if item.outer_join] for side in sides]
            kept = [side for side in kept if side]
        if kept:
            rows.extend(product(*kept))
    return _by_id(rows)


def _group(operands: Sequence[Iterable[_Row]]) -> list[_Row]:
    keys: dict[str, list[DatumInput]] = {}
    for operand in operands:
        for item in _single(operand):
            keys.setdefault(item.group_by, []).append(item)
    return _by_id([tuple(items) for items in keys.values()])


def _by_id(rows: list[_Row]) -> list[_Row]:
    return sorted(rows, key=datum_id)


_COMBINE: dict[str, Callable[[Sequence[Iterable[_Row]]], Iterable[_Row]]] = {
    "cross": _cross,
    "union": _union,
    "join": _join,
    "group": _group,
}


def _single(rows: Iterable[_Row]) -> Iterator[DatumInput]:
    """Every input of an operand once: a nested cross or join repeats its inputs."""
    whole = list(rows)
    if all(len(row) == 1 for row in whole):
        for row in whole:
            yield row[0]
        return
    seen: set[tuple[str, str, str, str]] = set()
    for row in whole:
        for item in row:
            key = (item.name, item.repo, item.branch, item.path)
            if key not in seen:
                seen.add(key)
                yield item


def _once(resolve: Resolve) -> Resolve:
    """`resolve`, asked once per input, so that a plan sees one commit even while a branch moves."""
    known: dict[PfsInput, Source | None] = {}

    def resolved(item: PfsInput) -> Source | None:
        if item not in known:
            known[item] = resolve(item)
        return known[item]

    return resolved


class _Files:
    """Running digest, size and count of the files of one match, given as the lines of tree nodes.

    A line is "KIND SIZE DIGEST PATH" (store/nodes.py), so their digest covers all that an output can depend on: even
    the content of empty files, which a link to one in /pfs/out brings into it.
    """

    __slots__ = ("_empty", "_hasher", "_lines", "count", "size")

    def __init__(self, *, empty: bool) -> None:
        self._empty = empty
        self._lines: list[str] = []
        self._hasher: Any = None
        self.size = 0
        self.count = 0

    def add(self, line: str) -> None:
        self._lines.append(line)
        if len(self._lines) >= LINES_AT_ONCE:
            self._flush()

    def _flush(self) -> None:
        lines = self._lines
        self.count += len(lines)
        if not self._empty:
            self.size += sum([int(line.split(" ", 2)[1]) for line in lines])
        if self._hasher is None:
            self._hasher = canonical.hasher()
            self._hasher.update(b"files\n")
        self._hasher.update("".join([line + "\n" for line in lines]).encode())
        self._lines = []

    def digest(self) -> str:
        """Digest of all lines; nothing may be added afterwards."""
        self._flush()
        digest: str = self._hasher.hexdigest()
        return digest


def _matches(item: PfsInput, source: Source, read: trees.Read) -> Iterator[DatumInput]:
    if not trees.totals(source.tree, read)[0]:
        # Without files there are no folders either, and so not even the root matches.
        return
    glob = globs.compile(item.glob)
    found = list(globs.matches(source.tree, glob, read))
    files = {path: _Files(empty=item.empty_files) for path, _, _ in found}
    _collect(source.tree, files, [(path, is_folder) for path, is_folder, _ in found], glob.start, read)
    join_on, group_by = item.join_on, item.group_by
    for path, is_folder, captures in found:
        content = files[path]
        digest = content.digest()
        # By place, in the order of the fields: by name, this call alone is a tenth of planning.
        yield DatumInput(
            item.name,
            source.repo,
            source.branch,
            source.commit,
            path,
            "folder" if is_folder else "file",
            digest,
            content.size,
            content.count,
            globs.expand(join_on, captures) if join_on else "",
            globs.expand(group_by, captures) if group_by else "",
            item.outer_join,
            item.lazy,
            item.empty_files,
            item.reference,
            source.tree,
        )


def _collect(
    tree: str, files: dict[str, _Files], found: Sequence[tuple[str, bool]], start: str, read: trees.Read
) -> None:
    """Give every match its files: by one scan where matches are dense, by a look-up each where sparse.

    `start` is text that every match begins with.
    """
    if len(found) * FILES_PER_LOOKUP < trees.totals(tree, read)[0]:
        for path, is_folder in found:
            content = files[path]
            if is_folder:
                for _, line in trees.lines(tree, read, path + "/" if path else ""):
                    content.add(line)
            else:
                # The file itself sorts before everything that its path begins.
                content.add(next(trees.lines(tree, read, path))[1])
        return
    folders = {path for path, is_folder in found if is_folder}
    above: dict[str, list[_Files]] = {}
    for name, line in trees.lines(tree, read, start):
        if name in files:
            files[name].add(line)
        if folders:
            parent = name.rpartition("/")[0]
            if parent not in above:
                above[parent] = [files[folder] for folder in _ancestors(parent) if folder in folders]
            for content in above[parent]:
                content.add(line)


def _ancestors(folder: str) -> Iterator[str]:
    """The folder itself and every folder above it; "" is the root."""
    while folder:
        yield folder
        folder = folder.rpartition("/")[0]
    yield ""
