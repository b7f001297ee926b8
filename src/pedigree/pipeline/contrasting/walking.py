"""Two lineages walked together, from the result back, and left where they are equal: what is left over are the causes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pedigree.errors import NotFound
from pedigree.pipeline import jobs
from pedigree.pipeline.contrasting import making
from pedigree.pipeline.contrasting.contrast import KINDS, Cause, Change, Step
from pedigree.store import trees

if TYPE_CHECKING:
    from pedigree.pipeline.jobs import DatumRecord
    from pedigree.store import Store
    from pedigree.store.commits import Commit
    from pedigree.store.trees import Difference

#: Changes that one cause names; the rest is counted.
NAMED = 200


@dataclass
class Pair:
    """Two commits of one repository, and what of them was read: `paths`, where "" is everything."""

    old: Commit
    new: Commit
    way: tuple[str, ...]
    paths: set[str]
    differ: dict[str, Difference] = field(default_factory=dict)


class Walk:
    """One walk. Pairs are met nearest first; one that is met again goes on with what is read of it by the other way only."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.pairs: list[Pair] = []
        self.notes: list[str] = []
        self._known: dict[tuple[str, str], Pair] = {}
        self._found: list[tuple[str, Pair, list[Change], int]] = []
        self._beside: list[tuple[str, Pair, list[Change], int]] = []

    @property
    def root(self) -> Iterable[Difference]:
        return self.pairs[0].differ.values()

    def walk(self, old: Commit, new: Commit, path: str = "") -> Walk:
        waiting = deque([Pair(old, new, (new.repo,), {path})])
        while waiting:
            pair = waiting.popleft()
            known = self._known.get((pair.old.id, pair.new.id))
            if known is not None:
                pair.paths -= known.paths
                known.paths |= pair.paths
            else:
                self._known[pair.old.id, pair.new.id] = pair
                self.pairs.append(pair)
            waiting.extend(self._look(pair, known or pair))
        return self

    def _look(self, pair: Pair, whole: Pair) -> Iterator[Pair]:
        """What differs in one pair; gives the pairs of its inputs that differ where they were read."""
        old, new, first = pair.old, pair.new, pair is whole
        differ = self._differ(pair) if pair.paths else {}
        whole.differ |= differ
        if not differ and len(pair.way) > 1:
            return
        if not (old.made_by.get("manifest") and new.made_by.get("manifest")):
            self._files(pair, differ)
            return
        matter: list[tuple[str, Change]] = []
        if first:
            matter, beside = making.differences(self.store, old, new)
            self._add(self._found, pair, matter)
            self._add(self._beside, pair, beside)
        records = self._records(old, new, differ, pair)
        inputs = self._inputs(records)
        yield from self._upstream(pair, inputs)
        rest = [
            here for was, here in records if was and here and was.identity == here.identity and was.tree != here.tree
        ]
        if differ and (rest or (first and not matter and not inputs)):
            told = [Change(record.label) for record in rest[:5]]
            self._found.append(("nothing", pair, told, max(0, len(rest) - 5)))

    def _differ(self, pair: Pair) -> dict[str, Difference]:
        found = {}
        for item in trees.diff(pair.old.tree, pair.new.tree, self.store.objects.read):
            if any(_within(item[0], path) for path in pair.paths):
                found[item[0]] = item
        return found

    def _files(self, pair: Pair, differ: dict[str, Difference]) -> None:
        changes = []
        for path, was, now in list(differ.values())[:NAMED]:
            before, after = ("" if side is None else f"{side.size:,} bytes" for side in (was, now))
            changes.append(Change(f"{pair.new.repo}:/{path}", before, after))
        self._found.append(("files", pair, changes, max(0, len(differ) - NAMED)))

    def _records(
        self, old: Commit, new: Commit, differ: dict[str, Difference], pair: Pair
    ) -> list[tuple[DatumRecord | None, DatumRecord | None]]:
        """The datums that did not come out the same on both sides, paired by their inputs' paths; of those that matter here."""
        sides = [
            {one.datum: one for one in jobs.read_manifest(self.store, commit.made_by["manifest"])}
            for commit in (old, new)
        ]
        found = []
        for datum in dict.fromkeys([*sides[0], *sides[1]]):
            was, now = sides[0].get(datum), sides[1].get(datum)
            if was is not None and now is not None and (was.identity, was.tree) == (now.identity, now.tree):
                continue
            if "" in pair.paths or any(side is not None and self._wrote(side, differ) for side in (was, now)):
                found.append((was, now))
        return found

    def _wrote(self, record: DatumRecord, differ: dict[str, Difference]) -> bool:
        return bool(record.tree) and any(path in differ for path, _ in trees.scan(record.tree, self.store.objects.read))

    def _inputs(
        self, records: Iterable[tuple[DatumRecord | None, DatumRecord | None]]
    ) -> dict[tuple[str, str | None, str | None], set[str]]:
        """Paths whose files differ, by the input's name and its commits on both sides."""
        sides: list[dict[tuple[str, str], dict[str, str]]] = [{}, {}]
        for pair in records:
            for side, record in zip(sides, pair, strict=True):
                for item in () if record is None else record.inputs:
                    side[item["name"], item["path"]] = item
        found: dict[tuple[str, str | None, str | None], set[str]] = {}
        for name, path in dict.fromkeys([*sides[0], *sides[1]]):
            was, now = (side.get((name, path)) for side in sides)
            if was is None or now is None or was["files"] != now["files"]:
                key = name, None if was is None else was["commit"], None if now is None else now["commit"]
                found.setdefault(key, set()).add(path)
        return found

    def _upstream(self, pair: Pair, inputs: dict[tuple[str, str | None, str | None], set[str]]) -> Iterator[Pair]:
        named = [{item["name"]: item["commit"] for item in side.provenance} for side in (pair.old, pair.new)]
        found: dict[tuple[str, str], Pair] = {}
        for (name, was, now), paths in inputs.items():
            commits = []
            for side, identity in zip(named, (was, now), strict=True):
                try:
                    commits.append(self.store.commit_by_id(identity or side.get(name, "")))
                except NotFound:
                    self.notes.append(f"one of the commits that {pair.new.repo} read as {name} is not in the store")
            if len(commits) == 2 and commits[0].repo == commits[1].repo:
                old, new = commits
                upstream = found.setdefault((old.id, new.id), Pair(old, new, (*pair.way, new.repo), set()))
                upstream.paths |= paths
        yield from found.values()

    def _add(
        self, to: list[tuple[str, Pair, list[Change], int]], pair: Pair, found: Iterable[tuple[str, Change]]
    ) -> None:
        kinds: dict[str, list[Change]] = {}
        for kind, change in found:
            kinds.setdefault(kind, []).append(change)
        for kind, changes in kinds.items():
            to.append((kind, pair, changes[:NAMED], max(0, len(changes) - NAMED)))

    def causes(self) -> list[Cause]:
        """Ranked: nearest to the result first, then in the order of KINDS. What several steps share is told once."""
        return _ranked(self._found)

    def beside(self) -> list[Cause]:
        return _ranked(self._beside)

    def steps(self) -> Iterator[Step]:
        for pair in self.pairs:
            yield Step(pair.new.repo, pair.old.id, pair.new.id, pair.way, len(pair.differ))


def _ranked(found: Iterable[tuple[str, Pair, list[Change], int]]) -> list[Cause]:
    joined: dict[tuple[str, tuple[Change, ...]], Cause] = {}
    for kind, pair, changes, more in found:
        key = kind, (*changes, *([Change(pair.new.repo)] if kind in ("files", "nothing") else []))
        known = joined.get(key)
        if known is None:
            joined[key] = Cause(kind, (pair.new.repo,), pair.way, tuple(changes), more)
        elif pair.new.repo not in known.steps:
            way = min(known.way, pair.way, key=len)
            joined[key] = Cause(kind, (*known.steps, pair.new.repo), way, known.changes, known.more)
    order = list(KINDS)
    return sorted(joined.values(), key=lambda one: (one.distance, order.index(one.kind)))


def _within(path: str, folder: str) -> bool:
    return not folder or path == folder or path.startswith(folder + "/")
