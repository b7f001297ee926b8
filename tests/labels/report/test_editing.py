"""Tables of labels change where they are told to, and nowhere else."""

from __future__ import annotations

import csv
import io
import json
import tracemalloc
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pedigree.errors import InvalidInput
from pedigree.labels.report import editing

#: Letters that CSV quotes, a sign of several bytes, and what a spreadsheet would run.
TEXTS = st.text(st.sampled_from("ab\"', ;\t=é"), max_size=5)


@st.composite
def tables(draw: st.DrawFn) -> tuple[bytes, list[list[str]]]:
    """A CSV file in one of many spellings, and its rows of id, note and label."""
    rows = [[f"s{at}", draw(TEXTS), draw(TEXTS.filter(bool))] for at in range(draw(st.integers(0, 6)))]
    end = draw(st.sampled_from(["\n", "\r\n"]))
    quoting: Any = draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]))
    file = io.StringIO()
    csv.writer(file, lineterminator=end, quoting=quoting).writerows([["id", "note", "label"], *rows])
    text = file.getvalue()
    if draw(st.booleans()):
        text = text.removesuffix(end)
    return (b"\xef\xbb\xbf" if draw(st.booleans()) else b"") + text.encode(), rows


@settings(max_examples=150, deadline=None)
@given(tables(), st.data())
def test_csv_changes_in_the_named_cells_and_rows_alone(
    made: tuple[bytes, list[list[str]]], data: st.DataObject
) -> None:
    """What Python's csv module reads afterwards is the rows with the edits; no edit gives the same bytes; and an edit
    taken back gives them too, but for quotes that the cell was given.

    Breaks: put the label where the note stands; leave the line end of a row that goes.
    """
    text, rows = made
    table = editing.opened(text, "labels.csv", "label", "id")
    assert table.labels() == {row[0]: row[2] for row in rows}
    assert table.rewritten({"nobody": "x"}) == text
    names = [row[0] for row in rows]
    edits = data.draw(st.dictionaries(st.sampled_from(names), st.none() | TEXTS)) if names else {}
    after = table.rewritten(edits)
    expected = [[*row[:2], edits.get(row[0], row[2])] for row in rows if edits.get(row[0], row[2]) is not None]
    read = list(csv.reader(io.StringIO(after.decode("utf-8-sig"), newline="")))
    assert read == [["id", "note", "label"], *expected]
    assert after[:3] == text[:3]
    assert (b"\r" in after) == (b"\r" in text)
    back = editing.opened(after, "labels.csv", "label", "id").rewritten({row[0]: row[2] for row in rows})
    if None not in edits.values():
        assert back.replace(b'"', b"") == text.replace(b'"', b"")


def test_csv_of_strange_shapes() -> None:
    """Empty lines are no rows, lone carriage returns end one, a quoted line end does not, rows without ids have numbers.

    Break: count an empty line as a row.
    """
    text = b'label\r"a\nb"\r\rc\r'
    table = editing.opened(text, "x.csv", "label", None)
    assert table.labels() == {"0": "a\nb", "1": "c"}
    assert table.rewritten({"1": 'd"', "0": None}) == b'label\r\r"d"""\r'
    tabs = editing.opened(b"label\tid\na,b\t1\n", "x.tsv", "label", "id")
    assert tabs.rewritten({"1": "c,d"}) == b"label\tid\nc,d\t1\n"
    with pytest.raises(InvalidInput, match="Row 1 has 1 cells, the header 2"):
        editing.opened(b"id,label\n1,a\n2\n", "x.csv", "label", "id")
    with pytest.raises(InvalidInput, match="no column 'lable'"):
        editing.opened(b"id,label\n", "x.csv", "lable", "id")


def test_json_lines_change_in_the_value_alone() -> None:
    """Spaces, order, escapes and other values stay; numbers stay numbers. Break: write the line anew with json.dumps."""
    text = b'{"id":1, "label" : "c\\u00e1t","label2":"cat", "n": {"label": "x"}}\r\n\n{"label": 3,"id":"two"}'
    table = editing.opened(text, "x.jsonl", "label", "id")
    assert table.labels() == {"1": "cát", "two": "3"}
    assert table.rewritten({}) == text
    assert table.rewritten({"1": 'd"g', "two": "5"}) == (
        b'{"id":1, "label" : "d\\"g","label2":"cat", "n": {"label": "x"}}\r\n\n{"label": 5,"id":"two"}'
    )
    assert table.rewritten({"1": None}) == b'\n{"label": 3,"id":"two"}'
    for bad in (b"[1]", b'{"id": 1}', b'{"id": 1, "label": ', b'{"id":1,"label":2} x', b"[" * 5000):
        with pytest.raises(InvalidInput, match="Line 1"):
            editing.opened(bad, "x.jsonl", "label", "id")


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(st.text(max_size=4), st.integers() | st.text(max_size=4) | st.none(), max_size=4),
    st.text(max_size=4),
)
def test_json_lines_keep_every_other_member(more: dict[str, Any], label: str) -> None:
    """Break: replace from the start of the key."""
    row = {**more, "label": "a", "id": "s"}
    line = json.dumps(row, ensure_ascii=False).encode()
    after = editing.opened(line, "x.jsonl", "label", "id").rewritten({"s": label})
    assert json.loads(after) == {**row, "label": label}


def test_parquet_keeps_types_metadata_and_every_other_value() -> None:
    """Integers, dictionaries, nested columns and row groups. Break: let Arrow choose the type of the new column."""
    schema = pa.schema(
        [
            ("id", pa.string()),
            ("label", pa.dictionary(pa.int8(), pa.string())),
            ("box", pa.list_(pa.float32())),
            ("number", pa.int16()),
        ],
        metadata={b"who": b"us"},
    )
    rows = {"id": list("abcd"), "label": ["x", "y", "x", "x"], "box": [[1.5], [], None, [2.0]], "number": [1, 2, 3, 4]}
    file = io.BytesIO()
    pyarrow.parquet.write_table(pa.table(rows, schema), file, row_group_size=2, compression="zstd")
    table = editing.opened(file.getvalue(), "x.parquet", "label", "id")
    after = pyarrow.parquet.ParquetFile(io.BytesIO(table.rewritten({"a": "z", "c": None})))
    before = pyarrow.parquet.ParquetFile(io.BytesIO(file.getvalue()))
    assert after.schema_arrow.equals(before.schema_arrow, check_metadata=True)
    assert after.read().to_pydict() == {
        "id": list("abd"), "label": ["z", "y", "x"], "box": [[1.5], [], [2.0]], "number": [1, 2, 4],
    }  # fmt: skip
    assert after.metadata.row_group(0).num_rows == 2
    assert after.metadata.row_group(0).column(0).compression == "ZSTD"
    numbers = editing.opened(file.getvalue(), "x.parquet", "number", "id")
    assert pyarrow.parquet.read_table(io.BytesIO(numbers.rewritten({"b": "7"}))).column("number").to_pylist() == [
        1,
        7,
        3,
        4,
    ]
    with pytest.raises(InvalidInput, match="'cat' is no int16"):
        numbers.rewritten({"b": "cat"})


def test_arrays_keep_their_length_and_type() -> None:
    """Break: let the entry wrap around (300 in uint8 is 44)."""
    file = io.BytesIO()
    np.lib.format.write_array(file, np.array([3, 1, 2], np.uint8))
    table = editing.opened(file.getvalue(), "x.npy", None, None)
    assert table.labels() == {"0": "3", "1": "1", "2": "2"}
    assert np.lib.format.read_array(io.BytesIO(table.rewritten({"1": "9"}))).tolist() == [3, 9, 2]
    assert table.rewritten({}) == file.getvalue()
    for edit, words in (({"0": None}, "cannot go"), ({"0": "300"}, "cannot hold '300'"), ({"0": "cat"}, "cannot hold")):
        with pytest.raises(InvalidInput, match=words):
            table.rewritten(edit)


def _parquet(column: pa.Array) -> bytes:
    file = io.BytesIO()
    names = [f"s{at}" for at in range(len(column))]
    pyarrow.parquet.write_table(pa.table({"id": names, "label": column}), file, row_group_size=2)
    return file.getvalue()


def _label(data: bytes) -> Any:
    return pyarrow.parquet.read_table(io.BytesIO(data)).column("label")


def test_an_id_names_one_row_or_the_table_is_refused() -> None:
    """Break: open a table without looking at its ids: an edit changes both rows, and what stood in the first is not seen."""
    made = (
        ("x.csv", b"id,label\na,cat\nb,dog\na,fox\n"),
        ("x.jsonl", b'{"id":"a","label":"cat"}\n{"id":"b","label":"dog"}\n{"id":"a","label":"fox"}\n'),
    )
    for name, data in made:
        with pytest.raises(InvalidInput, match="'a' is in rows 0 and 2 of column 'id'"):
            editing.opened(data, name, "label", "id")
    file = io.BytesIO()
    pyarrow.parquet.write_table(pa.table({"id": ["a", "a"], "label": ["cat", "dog"]}), file)
    with pytest.raises(InvalidInput, match="'a' is in rows 0 and 1"):
        editing.opened(file.getvalue(), "x.parquet", "label", "id")
    with pytest.raises(InvalidInput, match="Row 1 of column 'id' of x.csv has no id"):
        editing.opened(b"id,label\na,cat\n,dog\n", "x.csv", "label", "id")
    with pytest.raises(InvalidInput, match="more than one column 'label'"):
        editing.opened(b"id,label,label\na,cat,dog\n", "x.csv", "label", "id")


def test_categories_keep_their_order_and_those_that_are_not_used() -> None:
    """Over several row groups; a new label follows after all others, one too many for the type of the numbers is refused.

    Break: encode the column anew (`dictionary_encode`): categories stand as they occur.
    """
    kind = pa.dictionary(pa.int8(), pa.string(), ordered=True)
    column = pa.DictionaryArray.from_arrays(
        pa.array([2, 0, 2, None, 0], pa.int8()), pa.array(["low", "mid", "high"]), ordered=True
    )
    after = _label(editing.opened(_parquet(column), "x.parquet", "label", "id").rewritten({"s0": "low", "s4": "top"}))
    assert after.type == kind
    assert after.to_pylist() == ["low", "low", "high", None, "top"]
    for chunk in after.chunks:
        assert chunk.dictionary.to_pylist() == ["low", "mid", "high", "top"]
    full = pa.DictionaryArray.from_arrays(pa.array([0], pa.int8()), pa.array([f"c{at}" for at in range(128)]))
    with pytest.raises(InvalidInput, match="room for int8"):
        editing.opened(_parquet(full), "x.parquet", "label", "id").rewritten({"s0": "more"})


def test_labels_that_are_bytes_are_read_and_written_as_utf_8() -> None:
    """In Parquet and in arrays. Break: take str() of bytes for the label: the column holds the letters b'dog'."""
    table = editing.opened(_parquet(pa.array([b"cat", "fün".encode()], pa.binary())), "x.parquet", "label", "id")
    assert table.labels() == {"s0": "cat", "s1": "fün"}
    after = _label(table.rewritten({"s0": "ölf"}))
    assert (after.type, after.to_pylist()) == (pa.binary(), ["ölf".encode(), "fün".encode()])
    coded = pa.array([b"cat", b"dog"], pa.binary()).dictionary_encode()
    again = _label(editing.opened(_parquet(coded), "x.parquet", "label", "id").rewritten({"s0": "dog"}))
    assert again.to_pylist() == [b"dog", b"dog"]
    file = io.BytesIO()
    np.lib.format.write_array(file, np.array([b"cat", b"ox"]))
    array = editing.opened(file.getvalue(), "x.npy", None, None)
    assert array.labels() == {"0": "cat", "1": "ox"}
    assert np.lib.format.read_array(io.BytesIO(array.rewritten({"1": "dog"}))).tolist() == [b"cat", b"dog"]
    with pytest.raises(InvalidInput, match="cannot hold 'horse'"):
        array.rewritten({"1": "horse"})
    with pytest.raises(InvalidInput, match="no text in UTF-8"):
        editing.opened(_parquet(pa.array([b"\xff"], pa.binary())), "x.parquet", "label", "id")


def test_truth_in_an_array_can_be_turned() -> None:
    """Break: let NumPy make truth of a text: it takes 'False' for true."""
    file = io.BytesIO()
    np.lib.format.write_array(file, np.array([True, False]))
    table = editing.opened(file.getvalue(), "x.npy", None, None)
    assert table.labels() == {"0": "True", "1": "False"}
    assert np.lib.format.read_array(io.BytesIO(table.rewritten({"0": "False", "1": "True"}))).tolist() == [False, True]
    with pytest.raises(InvalidInput, match="cannot hold 'cat'"):
        table.rewritten({"0": "cat"})


@pytest.mark.parametrize(
    ("before", "label", "after"),
    [("0.0", "1.0", "1.0"), ("-2", "-3", "-3"), ("1.5", "2", "2"), ("3", "03", '"03"'), ("3", "1e2", '"1e2"'),
     ("3", "NaN", '"NaN"'), ("true", "1", '"1"'), ('"3"', "4", '"4"'), ("3", "true", '"true"')],
)  # fmt: skip
def test_numbers_in_json_lines_stay_numbers(before: str, label: str, after: str) -> None:
    """Where the new label is one that reads as the same text. Break: let whole numbers from -1 on alone be written bare."""
    line = b'{"id":"a","label":%s}'
    table = editing.opened(line % before.encode(), "x.jsonl", "label", "id")
    changed = table.rewritten({"a": label})
    assert changed == line % after.encode()
    assert editing.opened(changed, "x.jsonl", "label", "id").labels() == {"a": label}


def test_a_byte_order_mark_before_json_lines_stays() -> None:
    """Also where the first line goes. Break: read the mark as a part of the first line."""
    text = b'\xef\xbb\xbf{"id":"a","label":"cat"}\n{"id":"b","label":"dog"}\n'
    table = editing.opened(text, "x.jsonl", "label", "id")
    assert table.rewritten({"b": "fox"}) == text.replace(b"dog", b"fox")
    assert table.rewritten({"a": None}) == b'\xef\xbb\xbf{"id":"b","label":"dog"}\n'


@pytest.mark.parametrize("piece", [b"ab", b'""'])
def test_a_long_cell_takes_the_memory_of_its_text(piece: bytes) -> None:
    """Break: a pattern that can go back, `(?:[^"]|"")*`: over 100 bytes for each letter of the cell."""
    cell = piece * (1 << 18)
    text = b'id,note,label\na,"' + cell + b'",cat\n'
    tracemalloc.start()
    after = editing.opened(text, "x.csv", "label", "id").rewritten({"a": "dog"})
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert after == text.replace(b"cat", b"dog")
    assert most < 8 * len(cell)
