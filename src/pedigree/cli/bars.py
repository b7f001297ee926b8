"""The live picture of a run on a terminal: a bar per pipeline, and below it the datums that take long."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pedigree.cli.live import Lines, failure, other
from pedigree.cli.output import columns, cut, duration, middle
from pedigree.cli.terminal import coloured, safe, say, wrapped
from pedigree.pipeline import events

if TYPE_CHECKING:
    from pedigree.pipeline.events import Event

#: A datum gets a line of its own once it has run so long; sooner, lines would flash past.
SLOW_S = 1.0
#: Lines of datums below one bar; the others are counted.
DATUMS = 4
#: Cells of a bar; narrower than the least it says nothing and is left out.
WIDEST, NARROWEST = 30, 6
#: An estimate from fewer datums misleads.
ENOUGH = 5


@dataclass
class Task:
    """One job on the screen. `total` counts the datums that it has to run; `running` maps datums to label and start."""

    pipeline: str
    total: int
    reused: int
    started: float
    done: int = 0
    failed: int = 0
    running: dict[str, tuple[str, float]] = field(default_factory=dict)


class Bars:
    """Events as bars, and what is worth keeping as lines above them. Any thread may call it."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._live: Any = None
        self._tasks: dict[str, Task] = {}
        # It guards what is drawn, and is never held while rich prints: rich holds its own lock when it asks for the picture.
        self._lock = threading.Lock()
        # Jobs are planned in threads of their own, and two pictures would draw over each other.
        self._starting = threading.Lock()
        self._lines = Lines(self._print)

    def __call__(self, event: Event) -> None:
        if isinstance(event, events.JobPlanned):
            with self._lock:
                self._tasks[event.job] = Task(event.pipeline, event.total - event.cached, event.cached, self._now())
            self._start()
        elif isinstance(event, events.DatumStarted):
            with self._lock:
                if task := self._tasks.get(event.job):
                    task.running[event.datum] = (safe(event.label), self._now())
        elif isinstance(event, events.DatumFinished):
            with self._lock:
                if task := self._tasks.get(event.job):
                    task.running.pop(event.datum, None)
                    task.done += 1
                    task.failed += event.state == "failed"
            if event.state != "processed":
                self._print(failure(event))
        else:
            if isinstance(event, (events.JobFinished, events.Verified)):
                with self._lock:
                    self._tasks.pop(event.job, None)
            for line in other(event):
                self._print(line)

    def close(self) -> None:
        live, self._live = self._live, None
        if live is not None:
            live.stop()

    def picture(self, wide: int, high: int, *, plain: bool = False) -> list[list[tuple[str, str]]]:
        """Lines of (text, style), none wider than `wide` columns and not more than `high`; `plain`: in ASCII.

        The counts always fit; names and labels are cut to what is left.
        """
        with self._lock:
            tasks = list(self._tasks.values())
            now = self._now()
            lines = []
            name = min(max((len(task.pipeline) for task in tasks), default=0), max(12, wide // 3))
            room = max(high - len(tasks), 0)
            for task in tasks:
                lines.append(_bar(task, name, wide, now, plain))
                slow = sorted((start, label) for label, start in task.running.values() if now - start >= SLOW_S)
                shown = slow[: min(DATUMS, room)]
                room -= len(shown)
                for start, label in shown:
                    took = f"  {duration(now - start):>8}  "
                    lines.append([(took, ""), (middle(label, wide - len(took)), "dim")])
                if len(slow) > len(shown) and room > 0:
                    room -= 1
                    lines.append([(cut(f"{'':>10}  and {len(slow) - len(shown)} more are running", wide), "dim")])
        return lines[:high]

    def _start(self) -> None:
        with self._starting:
            if self._live is None:
                self._live = self._opened()

    def _opened(self) -> Any:
        from rich.console import Console
        from rich.live import Live
        from rich.text import Text

        console = Console(stderr=True, highlight=False, no_color=not coloured(sys.stderr))

        def draw() -> Text:
            lines = self.picture(console.width, max(console.height - 2, 1), plain=console.options.ascii_only)
            return Text("\n").join(Text.assemble(*line, no_wrap=True, end="") for line in lines)

        # Standard output is for data and may lead elsewhere: rich must not turn it to the screen.
        live = Live(get_renderable=draw, console=console, transient=True, refresh_per_second=8, redirect_stdout=False)
        live.start()
        return live

    def _print(self, line: str) -> None:
        live = self._live
        if live is None:
            say(wrapped(line))
            return
        from rich.text import Text

        live.console.print(Text.from_ansi(wrapped(line)), soft_wrap=True)


def _bar(task: Task, name: int, wide: int, now: float, plain: bool) -> list[tuple[str, str]]:
    elapsed = now - task.started
    counts = f"{task.done:,}/{task.total:,}"
    failed = f"  {task.failed:,} failed" if task.failed else ""
    rest = [f"  {task.reused:,} reused"] if task.reused else []
    rest.append(f"  {duration(elapsed)}")
    if ENOUGH <= task.done < task.total:
        rest.append(f", {duration(elapsed / task.done * (task.total - task.done))} left")
    # What fits, in this order of need: counts and failures, bar, time, reused.
    left = wide - name - 2 - len(counts) - len(failed) - NARROWEST - 2
    tail = ""
    for part in rest if sum(map(len, rest)) <= left else rest[-2:] if len(rest) > 1 else rest:
        if len(tail) + len(part) <= left:
            tail += part
    cells = min(WIDEST, left - len(tail) + NARROWEST)
    label = cut(task.pipeline, name)
    line = [(label + " " * (name - columns(label)), "bold"), ("  ", "")]
    if cells >= NARROWEST:
        full = cells * task.done // task.total if task.total else cells
        on, off = ("#", ".") if plain else ("█", "░")  # two shapes: they tell apart without colour too
        line += [(on * full, "red" if task.failed else "green"), (off * (cells - full), "dim"), ("  ", "")]
    return [*line, (counts, ""), (failed, "red"), (tail, "dim")]
