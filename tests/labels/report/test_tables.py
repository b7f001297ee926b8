"""The tables of all samples: the same from one piece or many, and nothing that a spreadsheet would run."""

from __future__ import annotations

import csv
import tracemalloc
from pathlib import Path

import pyarrow.parquet
import pytest

from pedigree.labels.report import summary, tables
from pedigree.labels.report.files import objects
from tests.labels.report.reviews import review


def test_tables_are_the_same_whatever_the_size_of_a_piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ranks, rows and words. Break: number the rows of each piece from 1."""
    found = review()
    told: list[tuple[int, int]] = []
    read = []
    for size in (7, 1000):
        monkeypatch.setattr(tables, "PIECE", size)
        tables.write(found, str(tmp_path), lambda at, of: told.append((at, of)))
        read.append(((tmp_path / "issues.csv").read_bytes(), pyarrow.parquet.read_table(tmp_path / "issues.parquet")))
    assert read[0][0] == read[1][0]
    assert read[0][1].equals(read[1][1])
    assert read[0][1]["rank"].to_pylist() == list(range(1, 61))
    assert told[-2:] == [(60, 60), (60, 60)]


def test_no_cell_of_the_csv_is_a_formula(tmp_path: Path) -> None:
    """Not even the evidence, which begins with a class; Parquet holds what was given. Break: leave the evidence as it is."""
    found = review(60, ("=1+1", "@SUM(A1)", "-2"), ids=[f"+{at}=x" for at in range(60)])
    tables.write(found, str(tmp_path))
    with open(tmp_path / "issues.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    cells = [row[name] for row in rows for name in ("id", "given", "suggested", "evidence")]
    assert not [cell for cell in cells if cell[:1] in {"=", "+", "@", "-"} and cell != "-2"]
    assert rows[0]["given"].lstrip("'") in {"=1+1", "@SUM(A1)", "-2"}
    assert set(pyarrow.parquet.read_table(tmp_path / "issues.parquet")["given"].to_pylist()) == {
        "=1+1",
        "@SUM(A1)",
        "-2",
    }


def test_a_long_name_of_an_annotator_costs_its_own_length() -> None:
    """Break: make an array of texts of the names, each as wide as the longest: 24 MB here."""
    who = objects(["b" * 100_000, *(["a", "c"] * 30)][:60])
    found = review(annotators=who)
    tracemalloc.start()
    told = summary.per_annotator(found)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [(row["annotator"][0], row["given"]) for row in told] == [("a", 30), ("b", 1), ("c", 29)]
    assert most < 1 << 20
