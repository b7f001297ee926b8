"""`verify`: select, make again, judge, keep the verdict."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from pedigree.errors import Conflict, PedigreeError
from pedigree.pipeline import events, sandbox, site
from pedigree.pipeline.events import silent
from pedigree.pipeline.scheduler import Slots
from pedigree.pipeline.verifying import comparer, environments, suspects, verdicts, whole
from pedigree.pipeline.verifying import sample as samples
from pedigree.pipeline.verifying.rebuild import Rebuild
from pedigree.pipeline.verifying.selection import Selected, Selection, select
from pedigree.pipeline.verifying.soundness import Soundness
from pedigree.pipeline.verifying.verdict import DIFFERENT, FINDINGS, IDENTICAL, UNPROVEN, Finding, Verdict, worst
from pedigree.store import missing, trees

if TYPE_CHECKING:
    from pathlib import Path

    from pedigree.pipeline.environment import Environment
    from pedigree.pipeline.environments.recreating import Recreated
    from pedigree.pipeline.events import OnEvent
    from pedigree.pipeline.verifying.comparer import Comparer
    from pedigree.pipeline.verifying.recorded import Work
    from pedigree.pipeline.verifying.sample import Sample
    from pedigree.pipeline.verifying.verdict import EnvironmentDifference
    from pedigree.store import Store


def verify(
    store: Store,
    reference: str,
    *,
    upstream: bool = False,
    sample: str | None = None,
    seed: int = 0,
    workers: int | None = None,
    compare: Comparer = comparer.understood,
    repeat: bool = True,
    recreate_environment: bool = False,
    on_event: OnEvent = silent,
) -> Verdict:
    """Make the datums of REPO@REF[:/PATH] again from what is recorded, and compare every file bit for bit.

    With a path only those that wrote it; with `upstream` also those that wrote what they read, back to the inputs, every
    one from the stored files of its inputs. `sample` ("5%", "20") takes that many of each commit, chosen by `seed`.
    `workers` datums run at once (all cores by default). `compare` describes where two files part. With `repeat` the first datums
    that differ are made once more, which tells a step that does not repeat itself from one whose surroundings changed.

    With `recreate_environment` the steps of each commit run in the environment that is recorded of it, made again where it is not
    the present one (pipeline/environments); what of it still differs is in the verdict.

    The verdict is kept beside each commit once all are known; nothing else of the store changes. Raises NotFound for the
    reference, Damaged when the store's own bytes are not whole, IsolationUnavailable where the sandbox of then does not
    work, EnvironmentUnavailable where the recorded environment cannot be made, Conflict when the environment changed
    meanwhile; then there is no verdict.
    """
    found = store.resolve(reference)
    if found.path and next(trees.scan(found.commit.tree, store.objects.read, found.path), None) is None:
        raise missing.path(store.objects.read, found)
    chosen = None if sample is None else samples.parse(sample, seed)
    selection = select(store, found.commit, found.path, upstream=upstream)
    session = Session(store, selection, chosen, workers or os.cpu_count() or 1, compare, on_event, repeat)
    return session.run(found.path, recreate_environment=recreate_environment)


class Session:
    """One verification: all its commits at once, sharing the workers."""

    def __init__(
        self,
        store: Store,
        selection: Selection,
        sample: Sample | None,
        workers: int,
        compare: Comparer,
        on_event: OnEvent,
        repeat: bool = True,
    ) -> None:
        self.store = store
        self.selection = selection
        self.sample = sample
        self.workers = workers
        self.compare = compare
        self.on_event = on_event
        self.repeat = repeat
        self.slots = Slots(workers)
        self.soundness = Soundness(store)
        self._recreated: dict[str, Recreated] = {}
        self._findings: dict[str, tuple[list[Finding], float]] = {}
        self._crash: BaseException | None = None
        self._guard = threading.Lock()

    def run(self, path: str, *, recreate_environment: bool = False) -> Verdict:
        before = self._environment()
        if recreate_environment:
            self._recreate(before)
        started = time.monotonic()
        with site.folder_of(self.store, "verify") as scratch:
            self._make(scratch)
        if self._environment().fingerprint != before.fingerprint or self._recreated_changed():
            raise Conflict(
                "The environment changed meanwhile (a package was installed, removed or edited): there is no verdict.",
                remedy="Verify again, and install nothing meanwhile.",
            )
        *upstream, last = [self._verdict(one, before) for one in self.selection.commits]
        from dataclasses import replace

        verdict = replace(
            last,
            path=path,
            seconds=time.monotonic() - started,
            upstream=tuple(upstream),
            inputs=tuple(self.selection.inputs),
        )
        verdicts.keep(self.store, [*upstream, verdict])
        return verdict

    def _recreate(self, present: Environment) -> None:
        """The environment of every commit of which something is made again, where that is not the present one."""
        wanted = [
            one.recorded.made_by["environment"]
            for one in self.selection.commits
            if not one.recorded.reason and self._chosen(one)
        ]
        for fingerprint in dict.fromkeys(wanted):
            if fingerprint != present.fingerprint:
                from pedigree.pipeline.environments.recreating import recreate

                made = recreate(self.store, fingerprint, present=present, on_event=self.on_event)
                self._recreated[fingerprint] = made

    def _recreated_changed(self) -> bool:
        from pedigree.pipeline.environments import recreating

        return any(
            recreating.look(self.store, fingerprint, made) != made.environment
            for fingerprint, made in self._recreated.items()
        )

    def _environment(self) -> Environment:
        from pedigree.pipeline import environment

        return environment.capture(cache=self.store.folder / "cache")

    def level(self, one: Selected) -> str:
        """The isolation to make the commit again with: one that shows its steps what they saw then."""
        level: str = one.recorded.made_by["isolation"]
        wanted = "strict" if level in sandbox.SEALED else level
        return sandbox.choose(wanted, cache=self.store.folder / "cache")

    def _chosen(self, one: Selected) -> list[Work]:
        if self.sample is None:
            return one.works
        names = self.sample.choose(work.record.datum for work in one.works)
        return [work for work in one.works if work.record.datum in names]

    def _make(self, scratch: Path) -> None:
        active: list[Rebuild] = []
        for one in self.selection.commits:
            chosen = self._chosen(one)
            if one.recorded.reason or not chosen:
                continue
            recreated = self._recreated.get(one.recorded.made_by["environment"])
            made = Rebuild(
                self.store,
                one.recorded,
                chosen,
                level=self.level(one),
                slots=self.slots,
                workers=self.workers,
                scratch=scratch,
                soundness=self.soundness,
                compare=self.compare,
                on_event=self.on_event,
                repeat=self.repeat,
                python=None if recreated is None else recreated.python,
            )
            active.append(made)
        threads = [threading.Thread(target=self._work, args=(made,), name=f"verify {made.name}") for made in active]
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                while thread.is_alive():
                    # With a time limit, so that Ctrl-C is noticed at once on every platform.
                    thread.join(0.5)
                    if self._crash is not None:
                        raise self._crash  # noqa: TRY301  (the handler below must stop the others first)
        except BaseException:
            self._stop(active)
            raise
        finally:
            for thread in threads:
                if thread.ident is not None:
                    thread.join()
        if self._crash is not None:
            raise self._crash

    def _stop(self, active: Sequence[Rebuild]) -> None:
        self.slots.close()
        for made in active:
            made.stop()

    def _work(self, made: Rebuild) -> None:
        started = time.monotonic()
        try:
            findings = made.run()
            states = [item.state for item in findings]
            self._findings[made.recorded.commit.id] = (findings, time.monotonic() - started)
            state = worst([IDENTICAL, *states])
            seconds = time.monotonic() - started
            self.on_event(events.Verified(made.name, made.recorded.commit.repo, state, len(states), seconds))
        except BaseException as error:  # raised again by the thread that waits
            with self._guard:
                if self._crash is None or not isinstance(error, PedigreeError):
                    self._crash = error

    def _verdict(self, one: Selected, present: Environment) -> Verdict:
        from pedigree import __version__

        commit, recorded = one.commit, one.recorded
        fingerprint = recorded.made_by.get("environment", "")
        recreated = self._recreated.get(fingerprint)
        present = present if recreated is None else recreated.environment
        findings, seconds = self._findings.get(commit.id, ([], 0.0))
        ends = [item.state for item in findings]
        broken = None if recorded.reason else whole.check(self.store, one)
        shown = [item for item in findings if item.state != IDENTICAL]
        shown.sort(key=lambda item: item.state != DIFFERENT)  # stable: planning order within each
        # Those that differ first: a commit may hold results of several machines.
        names = {item.datum for item in shown}
        works = sorted(one.works, key=lambda work: work.record.datum not in names)
        hardware = environments.hardware_of(self.store, (work.record for work in works))
        differences = environments.differences(self.store, fingerprint, present, hardware) if fingerprint else ()
        return Verdict(
            commit=commit.id,
            repo=commit.repo,
            branch=commit.branch,
            path="",
            state=worst([UNPROVEN if recorded.reason else IDENTICAL, DIFFERENT if broken else IDENTICAL, *ends]),
            time=self.store.now(),
            seconds=seconds,
            version=__version__,
            isolation=recorded.made_by.get("isolation", ""),
            total=len(recorded.works),
            chosen=len(ends),
            identical=ends.count(IDENTICAL),
            different=ends.count(DIFFERENT),
            unproven=ends.count(UNPROVEN),
            sample="" if self.sample is None else self.sample.text,
            seed=0 if self.sample is None else self.sample.seed,
            datums=() if self.sample is None else tuple(item.datum for item in findings),
            findings=(*([broken] if broken else []), *shown[:FINDINGS]),
            suspects=suspects.find(self.store, recorded, findings, differences),
            reasons=(recorded.reason,) if recorded.reason else (),
            notes=(*recorded.notes, *_hints(ends, differences, recreated)),
            recorded_environment=fingerprint,
            present_environment=present.fingerprint,
            environment=differences,
            recreated=recreated is not None,
        )


def _hints(
    ends: Sequence[str], differences: Sequence[EnvironmentDifference], recreated: Recreated | None
) -> Iterator[str]:
    """How to find out more."""
    if DIFFERENT in ends and recreated is None and any(item.kind == "environment" for item in differences):
        yield "it was made in another environment: --recreate-environment makes that one and verifies in it"
