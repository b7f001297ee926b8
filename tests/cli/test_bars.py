"""The live picture of a run: what it shows at any width, and that it is drawn once."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from pedigree.cli.bars import Bars
from pedigree.cli.output import columns
from pedigree.pipeline import events

LONG = "images:/" + "a_folder_with_a_long_name/" * 8 + "the_last_one.jpg"


class Clock:
    """Seconds that the test sets."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


class Still(Bars):
    """Bars that are asked for their picture and never drawn."""

    opened = 0

    def _opened(self) -> Any:
        time.sleep(0.05)
        self.opened += 1
        return _Screen()


class _Screen:
    def stop(self) -> None: ...


def _running(clock: Clock, *, pipelines: int = 2, datums: int = 3) -> Still:
    bars = Still(clock)
    for number in range(pipelines):
        job = f"job{number}"
        bars(events.JobPlanned(job, f"train_{number}_" + "x" * 40 * number, 1000, 200, ()))
        for at in range(10):
            bars(events.DatumStarted(job, "train", f"done{at}", LONG, ""))
        clock.now += 10
        for at in range(10):
            bars(events.DatumFinished(job, "train", f"done{at}", LONG, "processed", 1.0))
        for at in range(datums):
            bars(events.DatumStarted(job, "train", f"d{at}", LONG, ""))
    clock.now += 5
    return bars


def _text(lines: list[list[tuple[str, str]]]) -> list[str]:
    return ["".join(part for part, _ in line) for line in lines]


@pytest.mark.parametrize("wide", [40, 60, 80, 120, 300])
def test_the_counts_fit_at_every_width(wide: int) -> None:
    """However long names are, no line is wider than the terminal and none loses how far its job is.

    Break: give the label of a datum the room that it asks for, as rich's own columns do: bar, counts and time were then
    pushed out of the line.
    """
    lines = _text(_running(Clock()).picture(wide, 40))
    assert all(columns(line) <= wide for line in lines)
    assert [line for line in lines if "10/800" in line] == [lines[0], lines[4]]


def test_a_datum_that_takes_long_is_named_with_its_time() -> None:
    """A second of work earns a line with both ends of the name. Break: list every datum, or cut the name's end."""
    clock = Clock()
    bars = _running(clock, pipelines=1, datums=1)
    bars(events.DatumStarted("job0", "train", "new", "images:/quick.jpg", ""))
    lines = _text(bars.picture(60, 40))
    assert len(lines) == 2
    assert lines[1].split()[:2] == ["5.0", "s"]
    assert lines[1].split()[2].startswith("images:/a_folder")
    assert lines[1].endswith("the_last_one.jpg")


def test_more_datums_than_the_screen_holds_are_counted() -> None:
    """Break: give every running datum a line."""
    bars = _running(Clock(), pipelines=1, datums=50)
    assert _text(bars.picture(80, 40))[-1].strip() == "and 46 more are running"
    assert len(bars.picture(80, 3)) == 3


def test_the_bar_can_be_read_without_colour_and_in_ascii() -> None:
    """Done and left differ in shape. Break: draw both with one character, told apart by colour alone."""
    bars = _running(Clock(), pipelines=1)
    bar = next(text for text, style in bars.picture(80, 9)[0] if style == "dim")
    assert set(bar) == {"░"}
    assert all(line.isascii() for line in _text(bars.picture(300, 9, plain=True)))


def test_jobs_that_begin_at_once_share_one_picture() -> None:
    """Break: look whether there is a picture without the lock; two were drawn over each other."""
    bars = Still(Clock())
    threads = [
        threading.Thread(target=bars, args=(events.JobPlanned(f"job{at}", f"p{at}", 1, 0, ()),)) for at in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert bars.opened == 1
    bars.close()
