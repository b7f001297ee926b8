"""Progress of long work on stderr: a live line on a terminal, nothing elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pedigree.cli.output import cut, size
from pedigree.cli.terminal import is_terminal, width

#: Seconds between two drawings: quick enough to look alive, rare enough to cost nothing.
INTERVAL_S = 0.1
#: Work shorter than this shows no progress at all, so that quick commands do not flicker.
PATIENCE_S = 0.4

#: Called with what is done so far: files and bytes.
Report = Callable[[int, int], None]


@contextmanager
def transfer(verb: str, *, quiet: bool = False) -> Iterator[Report | None]:
    """A function to report files and bytes to, or None where nobody would see it; the line goes afterwards.

    rich would cost 45 ms to import, as much as putting a thousand small files; one rewritten line needs none
    of it.
    """
    if quiet or not is_terminal(sys.stderr):
        yield None
        return
    started = time.monotonic()
    drawn = started + PATIENCE_S - INTERVAL_S
    shown = False

    def report(files: int, number: int) -> None:
        nonlocal drawn, shown
        now = time.monotonic()
        if now - drawn < INTERVAL_S:
            return
        drawn, shown = now, True
        rate = number / max(now - started, 1e-9)
        line = f"{verb}: {files:,} files, {size(number)}, {size(int(rate))}/s"
        sys.stderr.write(f"\r\x1b[2K{cut(line, width(sys.stderr) - 1)}")
        sys.stderr.flush()

    try:
        yield report
    finally:
        if shown:
            sys.stderr.write("\r\x1b[2K")
            sys.stderr.flush()


@contextmanager
def stages(*, quiet: bool = False) -> Iterator[Callable[..., None]]:
    """A function to tell a stage of the work, and how much of it is done: `stage("Writing tables", 3, 10)`.

    One line on a terminal, which goes afterwards, nothing elsewhere. What is told before PATIENCE_S have passed is not shown.
    """
    shown = False
    if quiet or not is_terminal(sys.stderr):
        yield _untold
        return
    started = time.monotonic()
    drawn, last = started, ""

    def stage(what: str, at: int = 0, total: int = 0) -> None:
        nonlocal drawn, shown, last
        now = time.monotonic()
        if (what == last and now - drawn < INTERVAL_S) or (total and now - started < PATIENCE_S):
            return
        drawn, last, shown = now, what, True
        far = f" {at:,} of {total:,} ({at * 100 // max(total, 1)} %)" if total else "..."
        sys.stderr.write(f"\r\x1b[2K{cut(what + far, width(sys.stderr) - 1)}")
        sys.stderr.flush()

    try:
        yield stage
    finally:
        if shown:
            sys.stderr.write("\r\x1b[2K")
            sys.stderr.flush()


def _untold(what: str, at: int = 0, total: int = 0) -> None:
    """Where nobody looks."""
