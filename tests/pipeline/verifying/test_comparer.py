"""Where two files part: the first byte, the first value of JSON, the first line of text."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pedigree.pipeline.verifying import comparer


@given(st.binary(max_size=40), st.binary(max_size=40), st.binary(max_size=40))
def test_the_first_difference_is_where_the_common_beginning_ends(start: bytes, one: bytes, other: bytes) -> None:
    """Also across blocks, and where one file begins the other. Break: count from the start of the block."""
    comparer._BLOCK_BYTES, kept = 7, comparer._BLOCK_BYTES
    try:
        found = comparer.first_difference(io.BytesIO(start + one), io.BytesIO(start + other))
    finally:
        comparer._BLOCK_BYTES = kept
    a, b = start + one, start + other
    if a == b:
        assert found is None
    else:
        assert found is not None
        assert a[:found] == b[:found]
        assert a[found : found + 1] != b[found : found + 1]


@pytest.mark.parametrize(
    ("name", "stored", "rebuilt", "lines"),
    [
        (
            "m.json",
            '{"a": 1, "b": {"c/d": [1, 2]}}',
            '{"b": {"c/d": [1, 3]}, "a": 1}',
            ["/b/c~1d/1: 2 stored, 3 rebuilt"],
        ),
        ("m.json", '{"a": 1}', '{"a": 1.0}', ["/a: 1 stored, 1.0 rebuilt"]),
        ("m.json", '{"a": [1]}', '{"a": []}', ["/a/0: 1 stored, nothing rebuilt"]),
        ("m.json", '{"a": 1}', '{"a":  1}', ["line 1: '{\"a\": 1}' stored, '{\"a\":  1}' rebuilt"]),
        ("m.json", "{", "[", ["line 1: '{' stored, '[' rebuilt"]),
        ("t.csv", "a\nb\nc", "a\nB\nC", ["line 2: 'b' stored, 'B' rebuilt"]),
        ("t.csv", "a\nb", "a\nb\n", ["line 3: one ends where the other goes on"]),
        ("w.bin", "a\0b", "a\0c", []),
    ],
)
def test_the_excerpt_names_the_first_value_or_line(
    tmp_path: Path, name: str, stored: str, rebuilt: str, lines: list[str]
) -> None:
    """Break: compare JSON values by ==, for which 1 and 1.0 are one; or leave out the escape of a pointer."""
    (tmp_path / "one").write_text(stored)
    (tmp_path / "other").write_text(rebuilt)
    assert list(comparer.excerpt(name, tmp_path / "one", tmp_path / "other")) == lines


def test_files_that_are_understood_are_told_in_their_own_words(tmp_path: Path) -> None:
    """Which tensor, how many ULPs, which step. Break: hand the comparer the names of the scratch files, which have no ending."""
    np = pytest.importorskip("numpy")
    safetensors = pytest.importorskip("safetensors.numpy")
    one, other = tmp_path / "stored", tmp_path / "rebuilt"
    weights = {"fc.bias": np.zeros(3, np.float32), "fc.weight": np.ones((2, 3), np.float32)}
    one.write_bytes(safetensors.save(weights))
    weights["fc.weight"][1, 2] = np.nextafter(np.float32(1), np.float32(2))
    other.write_bytes(safetensors.save(weights))
    first, second = comparer.understood("w.safetensors", one, other)
    assert "1 of 2 tensors differ; equal up to 1 ULP; first fc.weight" in first
    assert first.endswith("(a is stored, b rebuilt)")
    assert "first at [1, 2]" in second
    one.write_text("step,loss\n1,0.5\n2,0.25\n")
    other.write_text("step,loss\n1,0.5\n2,0.125\n")
    (line,) = comparer.understood("history.csv", one, other, ("the first time", "the second"))
    assert "row 2 (step 2), column 'loss': 0.25 and 0.125" in line
    assert line.endswith("(a is the first time, b the second)")


def test_without_what_reads_a_file_the_excerpt_is_what_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Break: let the error of a missing package through; the verdict would be lost for want of a description."""
    (tmp_path / "one").write_text("a\n1\n")
    (tmp_path / "other").write_text("a\n2\n")
    monkeypatch.setitem(sys.modules, "pedigree.training.comparing.tables", None)
    found = comparer.understood("t.csv", tmp_path / "one", tmp_path / "other")
    assert found == ("line 2: '1' stored, '2' rebuilt",)
