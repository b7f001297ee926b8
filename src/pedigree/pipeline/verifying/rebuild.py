"""Making the datums of one commit again, each in a fresh sandbox, and comparing what they write with what is stored.

Results are hashed where they lie and thrown away: nothing of them enters the store.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pedigree import canonical
from pedigree.pipeline import events, jobs
from pedigree.pipeline.executors.contract import DatumResult, DatumTask
from pedigree.pipeline.executors.local import LocalExecutor
from pedigree.pipeline.verifying.comparer import Comparer, first_difference
from pedigree.pipeline.verifying.verdict import (
    DIFFERENT,
    FILES,
    FINDINGS,
    IDENTICAL,
    REPEATED,
    UNLIKE,
    UNPROVEN,
    FileDifference,
    Finding,
)
from pedigree.store import trees

if TYPE_CHECKING:
    from pedigree.pipeline.events import OnEvent
    from pedigree.pipeline.interpreter import Interpreter
    from pedigree.pipeline.scheduler import Slots
    from pedigree.pipeline.verifying.recorded import Recorded, Work
    from pedigree.pipeline.verifying.soundness import Soundness
    from pedigree.store import Store
    from pedigree.store.trees import Entry

TAIL_BYTES, TAIL_LINES = 4096, 12
_BLOCK_BYTES = 1 << 20
#: So many differing datums of a commit are made a second time; up to so many bytes of each are kept until then.
REPEATS = 2
KEPT_BYTES = 512 << 20


class Hashes:
    """What outputs are collected into here: digests of files, and where each lies, without taking any over."""

    def __init__(self) -> None:
        self.sources: dict[str, str] = {}

    def add_file(self, path: str | Path, *, move: bool = False) -> tuple[str, int]:  # noqa: ARG002  (nothing is moved)
        hasher = canonical.hasher()
        size = 0
        with open(path, "rb") as file:
            while data := file.read(_BLOCK_BYTES):
                hasher.update(data)
                size += len(data)
        digest = hasher.hexdigest()
        self.sources[digest] = str(path)
        return digest, size


class Firsts:
    """What the first few differing datums wrote the first time, kept until they were made a second time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        #: datum -> every entry that it wrote, and copies of those files that differ from the stored ones
        self.kept: dict[str, tuple[dict[str, Entry], dict[str, Path]]] = {}

    def keep(self, datum: str, rebuilt: dict[str, Entry], differing: Sequence[str], hashes: Hashes) -> None:
        if len(self.kept) >= REPEATS:
            return
        places: dict[str, Path] = {}
        room = KEPT_BYTES
        for path in differing[:FILES]:
            entry = rebuilt.get(path)
            source = None if entry is None else hashes.sources.get(entry.digest)
            if entry is None or source is None or entry.size > room:
                continue
            room -= entry.size
            self.folder.mkdir(parents=True, exist_ok=True)
            places[path] = self.folder / f"{datum[:16]}-{len(places)}"
            shutil.copyfile(source, places[path])
        self.kept[datum] = (rebuilt, places)


class Rebuild:
    """The chosen works of one commit, made again by `run` in the calling thread; `stop` may be called from any other."""

    def __init__(
        self,
        store: Store,
        recorded: Recorded,
        chosen: Sequence[Work],
        *,
        level: str,
        slots: Slots,
        workers: int,
        scratch: Path,
        soundness: Soundness,
        compare: Comparer,
        on_event: OnEvent,
        python: Interpreter | None = None,
        repeat: bool = True,
    ) -> None:
        self.store = store
        self.recorded = recorded
        self.works = chosen
        self.slots = slots
        self.scratch = scratch
        self.soundness = soundness
        self.compare = compare
        self.on_event = on_event
        self.name = f"{recorded.commit.repo}@{recorded.commit.id[:12]}"
        most = min((work.pipeline.parallelism or workers for work in chosen), default=1)
        workers = min(workers, most, len(chosen) or 1)
        self._executor = LocalExecutor(store, workers=workers, isolation=level, python=python)
        self._second = LocalExecutor(store, workers=1, isolation=level, python=python)
        self._firsts = Firsts(scratch / f"first-{recorded.commit.id[:16]}") if repeat else None
        self._by_place = {work.datum.index: work for work in chosen if work.datum is not None}
        self._findings: dict[str, Finding] = {}
        self._told = 0

    def stop(self) -> None:
        self._executor.stop()
        self._second.stop()

    def run(self) -> list[Finding]:
        """One finding per chosen datum, in planning order. Raises Damaged for what the store cannot vouch for."""
        for work in self.works:
            if work.datum is None:
                self._take(work, Finding(work.record.datum, work.record.label, UNPROVEN, work.reason))
        ready = [work for work in self.works if work.datum is not None]
        repo = self.recorded.commit.repo
        self.on_event(events.JobPlanned(self.name, repo, len(ready), 0, ("to compare with what is stored",)))
        self._execute(self._executor, ready, self._judge)
        if self._firsts is not None and self._firsts.kept:
            again = [work for work in ready if work.record.datum in self._firsts.kept]
            for work in again:
                label = f"datum {work.record.datum[:12]} ({work.record.label})"
                self.on_event(
                    events.Note(f"{self.name}: {label} is made a second time, to see whether its step repeats itself")
                )
            self._execute(self._second, again, self._judge_again)
        return [self._findings[work.record.datum] for work in self.works]

    def _execute(
        self, executor: LocalExecutor, works: Sequence[Work], judge: Callable[[Work, DatumResult], Finding]
    ) -> None:
        repo = self.recorded.commit.repo
        held = 0

        def tasks() -> Iterator[DatumTask]:
            nonlocal held
            for work in works:
                if not self.slots.take():
                    return
                held += 1
                record = work.record
                self.on_event(events.DatumStarted(self.name, repo, record.datum, record.label, record.identity))
                yield self._task(work)

        def on_result(result: DatumResult) -> None:
            nonlocal held
            held -= 1
            self.slots.give()
            work = self._by_place[result.task.datum.index]
            self._take(work, judge(work, result))
            record = work.record
            ended = events.DatumFinished(self.name, repo, record.datum, record.label, "processed", result.seconds)
            self.on_event(ended)

        try:
            executor.run(tasks(), on_result)
        finally:
            for _ in range(held):
                self.slots.give()

    def _take(self, work: Work, finding: Finding) -> None:
        known = work.record.datum in self._findings
        self._findings[work.record.datum] = finding
        if known:
            return  # told when it was made for the first time
        self._told += finding.state == DIFFERENT
        if finding.state == DIFFERENT and self._told <= FINDINGS:
            what = finding.reason or (finding.files[0].text if finding.files else "")
            text = f"{self.name}: datum {finding.datum[:12]} ({finding.label}) is different: {what}"
            self.on_event(events.Note(text))

    def _task(self, work: Work) -> DatumTask:
        assert work.datum is not None
        return DatumTask(
            identity=work.record.identity,
            datum=work.datum,
            pipeline=work.pipeline,
            code_tree=self.recorded.made_by["code_tree"],
            env={},
            job_id=work.run,
            run_id=work.run,
            output_commit=work.run,
            log_path=self.scratch / f"{self.recorded.commit.id[:16]}-{work.datum.index}.log",
        )

    def _judge(self, work: Work, result: DatumResult) -> Finding:
        record, task = work.record, result.task
        printed = tail(task.log_path)
        expected = dict(trees.scan(record.tree, self.store.objects.read)) if record.tree else {}
        for entry in expected.values():
            self.soundness.check(entry.digest)
        hashes = Hashes()
        rebuilt = {} if result.outputs is None else result.outputs.collect(hashes)
        was, state = ("processed" if record.state == jobs.PROCESSED else record.state), result.state
        if state == was and rebuilt == expected:
            if work.gap:
                reason = f"it came out the same, but {work.gap}: that is no proof"
                return Finding(record.datum, record.label, UNPROVEN, reason)
            return Finding(record.datum, record.label, IDENTICAL)
        # A step that read damaged bytes says nothing: damage must not pass for a difference.
        self.soundness.check_step(task.datum, task.code_tree)
        if state == "failed" and result.exit_code is None:
            # Cut off by a limit, or never started here: that says something about this machine, not about the result.
            return Finding(record.datum, record.label, UNPROVEN, result.reason, printed=printed)
        if state != was:
            how = {
                "processed": "it succeeded",
                "failed": f"it failed: {result.reason}",
                "recovered": "err_cmd recovered it",
            }
            reason = f"it was {was} when it was stored; now {how[state]}"
            failed = "" if state == "processed" else printed
            return Finding(record.datum, record.label, DIFFERENT, reason, printed=failed)
        differing = [path for path in sorted({*expected, *rebuilt}) if expected.get(path) != rebuilt.get(path)]
        files = tuple(
            self._difference(path, expected.get(path), rebuilt.get(path), hashes) for path in differing[:FILES]
        )
        if self._firsts is not None:
            self._firsts.keep(record.datum, rebuilt, differing, hashes)
        reason = work.gap and f"perhaps because {work.gap}"
        return Finding(record.datum, record.label, DIFFERENT, reason, len(differing), files)

    def _judge_again(self, work: Work, result: DatumResult) -> Finding:
        """The finding of the first time, with what the second one says about the step."""
        datum = work.record.datum
        assert self._firsts is not None
        first, places = self._firsts.kept.pop(datum)
        finding = self._findings[datum]
        tail(result.task.log_path)
        if result.state == "failed" and result.exit_code is None:
            return finding  # cut off: nothing can be said
        hashes = Hashes()
        second = {} if result.outputs is None else result.outputs.collect(hashes)
        if first == second:
            return replace(finding, again=REPEATED)
        path = next(path for path in sorted({*first, *second}) if first.get(path) != second.get(path))
        one, other = first.get(path), second.get(path)
        apart = FileDifference(path, "content", one and one.size, other and other.size)
        if path in places and other is not None and other.digest in hashes.sources:
            lines = self.compare(
                path, places[path], Path(hashes.sources[other.digest]), ("the first time", "the second")
            )
            apart = replace(apart, excerpt=lines)
        return replace(finding, again=UNLIKE, apart=apart)

    def _difference(self, path: str, stored: Entry | None, rebuilt: Entry | None, hashes: Hashes) -> FileDifference:
        if stored is None or rebuilt is None:
            before, after = (None if side is None else side.size for side in (stored, rebuilt))
            return FileDifference(path, "extra" if stored is None else "missing", before, after)
        if stored.digest == rebuilt.digest:
            return FileDifference(path, "mode", stored.size, rebuilt.size)
        one, other = self.scratch / f"stored-{os.getpid()}-{self.recorded.commit.id[:16]}", None
        try:
            self._write(stored.digest, one)
            source = hashes.sources.get(rebuilt.digest)
            if source is None:  # a link to an input: the store has its bytes
                other = one.with_name(one.name + "-rebuilt")
                self._write(rebuilt.digest, other)
            place = Path(source) if other is None and source is not None else other
            assert place is not None
            with open(one, "rb") as then, open(place, "rb") as now:
                first = first_difference(then, now)
            return FileDifference(path, "content", stored.size, rebuilt.size, first, self.compare(path, one, place))
        finally:
            for file in (one, other):
                if file is not None:
                    file.unlink(missing_ok=True)

    def _write(self, digest: str, path: Path) -> None:
        with self.store.objects.open(digest) as source, open(path, "wb") as target:
            shutil.copyfileobj(source, target)


def tail(path: Path) -> str:
    """The last lines of a log, which is not needed any more."""
    data = b""
    with contextlib.suppress(OSError):
        with open(path, "rb") as file:
            file.seek(max(0, path.stat().st_size - TAIL_BYTES))
            data = file.read()
        path.unlink()
    return "\n".join(data.decode("utf-8", "replace").splitlines()[-TAIL_LINES:])
