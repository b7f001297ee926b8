"""Live view of a run on stderr: a bar per pipeline on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pedigree.cli.output import count, duration, short
from pedigree.cli.terminal import coloured, is_terminal, paint, safe, say, width
from pedigree.pipeline import events

if TYPE_CHECKING:
    from pedigree.pipeline.events import Event, OnEvent

#: Without a terminal a long job says how far it is, this often.
REPORT_S = 10.0

#: Reasons named for a job; `pedigree status` shows all.
REASONS = 3


@contextmanager
def listener(*, quiet: bool) -> Iterator[OnEvent]:
    """What to tell a run's events to. Failures are told even when quiet."""
    if quiet:
        yield Lines(say, failures_only=True)
    elif is_terminal(sys.stderr):
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
        elif self._failures_only:
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


class Bars:
    """Events as one bar per pipeline, drawn by rich, and what is worth keeping as lines above them."""

    def __init__(self) -> None:
        self._progress: Any = None
        self._tasks: dict[str, Any] = {}
        self._lock = threading.Lock()
        self._lines = Lines(self._print)

    def __call__(self, event: Event) -> None:
        if isinstance(event, events.JobPlanned):
            self._start(event)
        elif isinstance(event, events.DatumStarted):
            self._update(event.job, now=safe(event.label))
        elif isinstance(event, events.DatumFinished):
            self._update(event.job, advance=1)
            if event.state != "processed":
                self._print(failure(event))
        elif isinstance(event, events.JobFinished):
            self._finish(event)
        else:
            for line in other(event):
                self._print(line)

    def close(self) -> None:
        with self._lock:
            if self._progress is not None:
                self._progress.stop()
                self._progress = None

    def _start(self, event: events.JobPlanned) -> None:
        with self._lock:
            if self._progress is None:
                self._progress = _progress()
                self._progress.start()
            self._tasks[event.job] = self._progress.add_task(
                event.pipeline, total=event.total - event.cached, reused=event.cached, now=""
            )

    def _update(self, job: str, **what: Any) -> None:
        with self._lock:
            if self._progress is not None and job in self._tasks:
                self._progress.update(self._tasks[job], **what)

    def _finish(self, event: events.JobFinished) -> None:
        with self._lock:
            task = self._tasks.pop(event.job, None)
            if self._progress is not None and task is not None:
                self._progress.remove_task(task)
        for line in other(event):
            self._print(line)

    def _print(self, line: str) -> None:
        with self._lock:
            if self._progress is None:
                say(line)
            else:
                from rich.text import Text

                self._progress.console.print(Text.from_ansi(line), soft_wrap=True)


def _progress() -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
    from rich.table import Column

    console = Console(stderr=True, highlight=False, no_color=not coloured(sys.stderr))
    bar = 20 if width(sys.stderr) < 100 else 30
    return Progress(
        TextColumn("[bold]{task.description}", markup=True),
        BarColumn(bar_width=bar),
        MofNCompleteColumn(),
        TextColumn("{task.fields[reused]} reused"),
        TimeElapsedColumn(),
        # Only this column gives way: a datum of a join has a name as long as a terminal is wide.
        TextColumn(
            "{task.fields[now]}",
            style="dim",
            markup=False,
            table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis"),
        ),
        console=console,
        expand=True,
        transient=True,
    )


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
    elif isinstance(event, events.JobFinished):
        yield finished(event)
    elif isinstance(event, events.Egressing):
        yield f"{event.pipeline}: writing its output to {safe(event.url)}"
    elif isinstance(event, events.Output):
        yield f"{paint(event.pipeline, 'cyan')} | {safe(event.line)}"
    elif isinstance(event, events.Committed):
        yield f"{event.repository}@{event.branch}={short(event.commit)}, by {event.by}"


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
