"""Live view of a run on stderr: a bar per pipeline on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pedigree.cli.output import count, duration, short
from pedigree.cli.terminal import is_terminal, paint, safe, say
from pedigree.pipeline import events

if TYPE_CHECKING:
    from pedigree.pipeline.events import Event, OnEvent

#: Without a terminal a long job says how far it is, this often.
REPORT_S = 10.0

#: Reasons named for a job; `pedigree status` shows all.
REASONS = 3


@contextmanager
def listener(*, quiet: bool) -> Iterator[OnEvent]:
    """What to tell a run's events to. Failures, and what a run did not take over, are told even when quiet."""
    if quiet:
        yield Lines(say, failures_only=True)
    elif is_terminal(sys.stderr):
        from pedigree.cli.bars import Bars

        bars = Bars()
        try:
            yield bars
        finally:
            bars.close()
    else:
        yield Lines(say)


class Lines:
    """Events as lines, told to `tell`. Any thread may call it."""

    def __init__(self, tell: Callable[[str], None], *, failures_only: bool = False) -> None:
        self._tell = tell
        self._failures_only = failures_only
        self._lock = threading.Lock()
        self._done: dict[str, int] = {}
        self._totals: dict[str, int] = {}
        self._told: dict[str, float] = {}

    def __call__(self, event: Event) -> None:
        with self._lock:
            for line in self._lines(event):
                self._tell(line)

    def _lines(self, event: Event) -> Iterator[str]:
        if isinstance(event, events.DatumFinished):
            if event.state != "processed":
                yield failure(event)
            elif not self._failures_only:
                yield from self._progress(event)
        elif self._failures_only and not isinstance(event, events.Note) and not _untagged(event):
            return
        elif isinstance(event, events.JobPlanned):
            self._totals[event.job] = event.total - event.cached
            self._told[event.job] = time.monotonic()
            yield planned(event)
        else:
            yield from other(event)

    def _progress(self, event: events.DatumFinished) -> Iterator[str]:
        done = self._done[event.job] = self._done.get(event.job, 0) + 1
        now = time.monotonic()
        if now - self._told.get(event.job, now) >= REPORT_S:
            self._told[event.job] = now
            yield f"{event.pipeline}: {done:,} of {count(self._totals.get(event.job, done), 'datum')} done"


def planned(event: events.JobPlanned) -> str:
    """One line on what a job will do, and why."""
    reused = f", {event.cached:,} of them reused" if event.cached else ""
    reasons = "; ".join(event.reasons[:REASONS]) + ("; ..." if len(event.reasons) > REASONS else "")
    return f"{event.pipeline}: {count(event.total, 'datum')}{reused}" + (f" ({safe(reasons)})" if reasons else "")


def failure(event: events.DatumFinished) -> str:
    """What a person needs about a datum that did not do: reason, last lines, where to look."""
    style = "yellow" if event.state == "recovered" else "red"
    what = f"datum {short(event.datum)} ({safe(event.label)})"
    lines = [f"{paint(event.state, style)} {event.pipeline}: {what}: {event.reason}"]
    lines += [f"    {paint('|', 'dim')} {safe(line)}" for line in event.tail.splitlines()]
    lines.append(f"    all it printed: pedigree logs {event.pipeline} --datum {short(event.datum)}")
    lines.append(f"    try it by hand: pedigree datum shell {short(event.datum)}")
    return "\n".join(lines)


def other(event: Event) -> Iterator[str]:
    """Lines for everything that is not about one datum."""
    if isinstance(event, events.Waiting):
        yield f"Another run is going ({event.holder}); this one waits for it. Ctrl-C stops waiting."
    elif isinstance(event, events.Note):
        yield f"{paint('note', 'yellow')} {safe(event.text)}"
    elif isinstance(event, events.Preparing):
        yield safe(event.text)
    elif isinstance(event, events.JobFinished):
        yield finished(event)
    elif isinstance(event, events.Verified):
        state = paint(event.state, "green" if event.state == "identical" else "red")
        yield f"{state} {event.job}: {count(event.datums, 'datum')} made again, {duration(event.seconds)}"
    elif isinstance(event, events.Egressing):
        yield f"{event.pipeline}: writing its output to {safe(event.url)}"
    elif isinstance(event, events.Output):
        yield f"{paint(event.pipeline, 'cyan')} | {safe(event.line)}"
    elif isinstance(event, events.Committed):
        yield f"{event.repository}@{event.branch}={short(event.commit)}, by {event.by}"


def _untagged(event: Event) -> bool:
    """Whether a job went well and yet has something to say: its commit did not get its tag."""
    return isinstance(event, events.JobFinished) and bool(event.commit and event.error)


def finished(event: events.JobFinished) -> str:
    """One line on how a job ended."""
    parts = [f"{event.processed:,} ran", f"{event.skipped:,} reused"]
    parts += [f"{event.recovered:,} recovered"] if event.recovered else []
    parts += [f"{event.failed:,} failed"] if event.failed else []
    state = paint(event.state, "green" if event.state == "success" else "red")
    line = f"{state} {event.pipeline}: {', '.join(parts)}, {duration(event.seconds)}"
    if event.commit:
        line += f" -> {event.pipeline}@{short(event.commit)}"
    why = event.error.splitlines() if event.error and not event.failed else ()
    return "\n    ".join([line, *map(safe, why)])
