"""Where two files part: the first byte, the first value of JSON, the first line of text."""

from __future__ import annotations

import io
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
