"""The live view of a run: what a person sees of it at any width."""

from __future__ import annotations

import io
from typing import Any

import pytest

from pedigree.cli import live


@pytest.mark.parametrize("columns", [60, 80, 110])
def test_a_long_name_of_a_datum_takes_no_room_from_the_counts(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The counts stand whole beside a datum whose name is wider than the terminal, on one line. Break: let every
    column of the bar shrink alike."""
    monkeypatch.setenv("COLUMNS", str(columns))
    progress: Any = live._progress()
    progress.console.file = screen = io.StringIO()
    label = " ".join(f"{name}:/{name}/Russian_Blue_12.png" for name in ("images", "pets", "trimaps"))
    progress.add_task("warehouse", total=1120, completed=61, reused=1059, now=label)
    progress.console.print(progress.get_renderable())
    (line,) = screen.getvalue().splitlines()
    assert line.startswith("warehouse ")
    assert "  61/1120 1059 reused" in line
    assert "images:" in line or columns < 80
    assert len(line) <= columns
