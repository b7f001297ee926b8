"""Remaking: the commits of a bundle without results are made here, one after another, and kept where the digests agree."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, Any

from pedigree.pipeline import events, merging
from pedigree.pipeline.verifying import comparer
from pedigree.pipeline.verifying.rebuild import Rebuild, tail
from pedigree.pipeline.verifying.recorded import Recorded, look_up, numbered
from pedigree.pipeline.verifying.selection import Selected, Selection
from pedigree.pipeline.verifying.verdict import DIFFERENT, FILES, IDENTICAL, UNPROVEN, FileDifference, Finding, worst
from pedigree.pipeline.verifying.verification import Session
from pedigree.store import transfer, trees
from pedigree.store.transfer import Delivery, Landed

if TYPE_CHECKING:
    from pathlib import Path

    from pedigree.pipeline.bundling.unpacking import Unpacked
    from pedigree.pipeline.events import OnEvent
    from pedigree.pipeline.executors.contract import DatumResult
    from pedigree.pipeline.verifying.recorded import Work
    from pedigree.pipeline.verifying.verdict import Verdict
    from pedigree.store import Store
    from pedigree.store.batch import Batch
    from pedigree.store.transfer import Row
    from pedigree.store.trees import Entry


def remake(store: Store, unpacked: Unpacked, *, workers: int | None, on_event: OnEvent) -> tuple[Verdict, Landed]:
    """The verdict, and what landed: each commit that came out as stated, and whose inputs did."""
    session = _Remaking(store, unpacked, workers, on_event)
    try:
        verdict = session.run(unpacked.subject["path"])
    finally:
        for row in unpacked.made:
            if row.id not in session.landed:
                store.unpin(f"bundle/{row.id}")
    new, moved = len(session.landed), tuple(session.moved)
    return verdict, Landed(new, len(unpacked.made) - new, moved)


class _Remaking(Session):
    """A verification whose commits come into the store as they are found to be right."""

    def __init__(self, store: Store, unpacked: Unpacked, workers: int | None, on_event: OnEvent) -> None:
        inputs = {item["commit"]: item["repo"] for row in unpacked.made for item in row.inputs}
        made = {row.id for row in unpacked.made}
        named = sorted(f"{repo}@{identity[:12]}" for identity, repo in inputs.items() if identity not in made)
        cores = workers or os.cpu_count() or 1
        super().__init__(store, Selection([], named), None, cores, comparer.excerpt, on_event, True)
        self.unpacked = unpacked
        self.landed: set[str] = set()
        self.moved: list[tuple[str, str]] = []

    def _make(self, scratch: Path) -> None:
        missing: set[str] = set()
        for row in self.unpacked.made:
            commit = row.commit()
            bad = next((item for item in row.inputs if item["commit"] in missing), None)
            if bad is not None:
                reason = f"Its input {bad['repo']}@{bad['commit'][:12]} did not come out as stated, and is not in the bundle."
                one = Selected(Recorded(commit, reason), {""})
            else:
                one = Selected(numbered(look_up(self.store, commit)), {""})
                one.works = list(one.recorded.works)
            self.selection.commits.append(one)
            if one.recorded.reason or not self._remake(one, row, scratch):
                missing.add(row.id)

    def _remake(self, one: Selected, row: Row, scratch: Path) -> bool:
        """Whether the commit came out as stated, and is in the store now."""
        started = time.monotonic()
        with self.store.objects.batch() as batch:
            made = _Remade(batch, self, one, scratch)
            findings = made.collect()
            state = worst([IDENTICAL, *(item.state for item in findings)])
            self._findings[row.id] = (findings, time.monotonic() - started)
            told = events.Verified(made.name, row.repo, state, len(findings), time.monotonic() - started)
            self.on_event(told)
            if not all(made.same.values()):
                return False
            tree = merging.merge([work.record for work in one.works], batch.reader(), batch.add)
            assert tree == row.tree  # unpacking checked that the datums come to it
            owner = f"bundle/{row.id}"
            pinned = sorted({work.record.tree for work in one.works if work.record.tree})
            code = row.facts.get("code_tree") or ""
            heads = {place: name for place, name in self.unpacked.heads.items() if name == row.id}
            landed = transfer.land(
                self.store,
                batch,
                Delivery(
                    [row], heads=heads, pins={owner: ([*pinned, *([code] if code else [])], [row.facts["manifest"]])}
                ),
            )
            self.moved += landed.moved
            self.landed.add(row.id)
            return True


class _Remade(Rebuild):
    """The datums of one commit; what they write stays in the batch."""

    def __init__(self, batch: Batch, session: _Remaking, one: Selected, scratch: Path) -> None:
        super().__init__(
            session.store,
            one.recorded,
            one.works,
            level=session.level(one),
            slots=session.slots,
            workers=session.workers,
            scratch=scratch,
            soundness=session.soundness,
            compare=session.compare,
            on_event=session.on_event,
        )
        self.batch = batch
        #: Of each datum, whether it wrote what is stated, whatever that proves.
        self.same = dict.fromkeys((work.record.datum for work in one.works), False)

    def collect(self) -> list[Finding]:
        """Run in a thread, so that Ctrl-C is noticed at once."""
        found: list[list[Finding]] = []
        crash: list[BaseException] = []

        def work() -> None:
            try:
                found.append(self.run())
            except BaseException as error:  # raised again below
                crash.append(error)

        thread = threading.Thread(target=work, name=f"remake {self.name}")
        thread.start()
        try:
            while thread.is_alive():
                thread.join(0.5)
        except BaseException:
            self.slots.close()
            self.stop()
            raise
        finally:
            thread.join()
        if crash:
            raise crash[0]
        return found[0]

    def _judge(self, work: Work, result: DatumResult) -> Finding:
        record = work.record
        printed = tail(result.task.log_path)
        expected = dict(trees.scan(record.tree, self.store.objects.read)) if record.tree else {}
        made = result.collect(self.batch)
        if made:
            trees.build(iter(made.items()), self.batch.add)
        was = "processed" if record.state in {"processed", "skipped"} else record.state
        if result.state == was and made == expected:
            self.same[record.datum] = True
            if work.gap:
                reason = f"it came out as stated, but {work.gap}: that is no proof"
                return Finding(record.datum, record.label, UNPROVEN, reason)
            return Finding(record.datum, record.label, IDENTICAL)
        if result.state == "failed" and result.exit_code is None:
            return Finding(record.datum, record.label, UNPROVEN, result.reason, printed=printed)
        if result.state != was:
            reason = f"it was {was} where it was made, and is {result.state} here: {result.reason}"
            return Finding(record.datum, record.label, DIFFERENT, reason, printed=printed)
        names = [path for path in sorted({*made, *expected}) if made.get(path) != expected.get(path)]
        files = tuple(_difference(path, expected.get(path), made.get(path)) for path in names[:FILES])
        return Finding(record.datum, record.label, DIFFERENT, "", len(names), files)


def _difference(path: str, stated: Entry | None, made: Entry | None) -> FileDifference:
    sizes: list[Any] = [None if one is None else one.size for one in (stated, made)]
    how = "missing" if made is None else "extra" if stated is None else "content"
    if made is not None and stated is not None and made.digest == stated.digest:
        how = "mode"
    return FileDifference(path, how, *sizes)
