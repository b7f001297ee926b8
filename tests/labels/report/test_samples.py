"""Labels and probabilities out of files, as they are written."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import blake3
import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from pedigree.errors import InvalidInput, NotFound
from pedigree.labels.multilabel import files as multilabel
from pedigree.labels.report import editing, matrices, samples


def test_labels_are_what_the_file_says(tmp_path: Path) -> None:
    """Texts stay texts: 007, 1e3 and NA are no numbers; labels that are all whole numbers are. Editing reads the same.

    Break: let Arrow choose the types of the columns.
    """
    rows = [("1", "007", "x"), ("2", "NA", "y\nz"), ("true", "1e3", ""), ("2026-11-27", 'c"at', "w")]
    text = "\ufeffid,label,note\r\n" + "".join(
        ",".join('"' + cell.replace('"', '""') + '"' for cell in row) + "\r\n" for row in rows
    )
    (tmp_path / "a.csv").write_bytes(text.encode())
    (tmp_path / "a.jsonl").write_text(
        '{"id": 1, "label": "007"}\n\n{"id": "2", "label": "NA"}\n{"label": "1e3", "id": true}\n'
        '{"id": "2026-11-27", "label": "c\\"at"}\n'
    )
    table = pa.table({"id": [row[0] for row in rows], "label": [row[1] for row in rows]})
    pyarrow.parquet.write_table(table, tmp_path / "a.parquet")
    for name in ("a.csv", "a.jsonl", "a.parquet"):
        found = samples.samples(str(tmp_path / name))
        assert found.given.tolist() == [row[1] for row in rows], name
        assert found.ids is not None
        assert found.ids.tolist() == [row[0] for row in rows], name
        data = (tmp_path / name).read_bytes()
        assert found.digest == blake3.blake3(data).hexdigest()
        edited = editing.opened(data, name, found.label_column, found.id_column)
        assert edited.labels() == dict(zip(found.ids.tolist(), found.given.tolist(), strict=True))
    assert samples.samples(str(tmp_path / "a.csv")).text(1) == "y\nz"
    (tmp_path / "c.csv").write_text("id,label\n1.50,007\n1.5,010\n")
    numbered = samples.samples(str(tmp_path / "c.csv"))
    assert numbered.ids is not None
    assert (numbered.given.tolist(), numbered.ids.tolist()) == (["007", "010"], ["1.50", "1.5"])
    (tmp_path / "b.csv").write_text("target\n3\n0\n")
    numbers = samples.samples(str(tmp_path / "b.csv"))
    assert (numbers.given.tolist(), numbers.given.dtype.kind, numbers.label_column) == ([3, 0], "i", "target")
    assert numbers.identity(1) == "1"


def test_people_are_shown_the_text_or_all_other_columns(tmp_path: Path) -> None:
    """Break: show the label among the others."""
    (tmp_path / "a.csv").write_text("id,label,age,town\n1,a,30,Ulm\n2,b,,Bonn\n")
    found = samples.samples(str(tmp_path / "a.csv"))
    assert found.text(1) == "age: \ntown: Bonn"
    assert samples.samples(str(tmp_path / "a.csv"), text_column="town").text(0) == "Ulm"


def test_the_digest_of_a_folder_is_the_one_that_the_format_page_tells(tmp_path: Path) -> None:
    """`find … | sort` of docs/formats/decisions.md gives the same bytes. Break: take files outside classes along."""
    for name in ("cat/1.png", "cat/a b/2.png", "dog/é.png", "dog/.hidden", ".cache/x/y", "readme.txt", "Zoo/3.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    page = (Path(__file__).parents[3] / "docs/formats/decisions.md").read_text()
    command = page.partition("```sh\n")[2].partition(" | b3sum")[0]
    shell = shutil.which("bash")
    assert shell is not None
    listed = subprocess.run([shell, "-c", command], cwd=tmp_path, capture_output=True, check=True).stdout
    found = samples.samples(str(tmp_path))
    assert found.digest == blake3.blake3(listed).hexdigest()
    assert found.given.tolist() == ["Zoo", "cat", "cat", "dog"]


def test_what_marks_no_label_is_no_class(tmp_path: Path) -> None:
    """Break: take every label that occurs for a class."""
    (tmp_path / "a.csv").write_text("label\ncat\n?\ndog\n")
    given = samples.samples(str(tmp_path / "a.csv"))
    assert matrices.class_names(given, np.eye(2), None, "?") == (("cat", "dog"), None)
    with pytest.raises(InvalidInput, match="3 different labels"):
        matrices.class_names(given, np.eye(2), None)


def test_rows_are_matched_by_id(tmp_path: Path) -> None:
    """Another order is put right; a list column and a file without ids are taken as they come. Break: sort by id."""
    (tmp_path / "a.csv").write_text("id,label\nx,a\ny,b\nz,a\n")
    (tmp_path / "p.csv").write_text("id,a,b\nz,0.1,0.9\nx,0.2,0.8\ny,0.3,0.7\n")
    given, found = samples.samples(str(tmp_path / "a.csv")), matrices.probabilities(str(tmp_path / "p.csv"))
    assert found.classes == ("a", "b")
    assert matrices.aligned(given, found).tolist() == [[0.2, 0.8], [0.3, 0.7], [0.1, 0.9]]
    pyarrow.parquet.write_table(pa.table({"p": [[0.5, 0.5], [1.0, 0.0], [0.0, 1.0]]}), tmp_path / "p.parquet")
    listed = matrices.probabilities(str(tmp_path / "p.parquet"))
    assert matrices.aligned(given, listed).tolist() == [[0.5, 0.5], [1.0, 0.0], [0.0, 1.0]]
    assert matrices.class_names(given, listed.matrix, None) == (("a", "b"), None)
    numbers = samples.Samples(np.array([0, 1, 0]), "", "array")
    assert matrices.class_names(numbers, listed.matrix, ["cat", "dog"]) == (None, ("cat", "dog"))
    assert matrices.class_names(numbers, listed.matrix, ["1", "0"]) == ((1, 0), None)


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    """Break: read an array of Python objects."""
    np.save(tmp_path / "objects.npy", np.array([{}], object), allow_pickle=True)
    (tmp_path / "twice.csv").write_text("id,label\nx,a\ny,b\nx,a\n")
    (tmp_path / "which.csv").write_text("one,two\n1,2\n")
    (tmp_path / "short.csv").write_text("id,label\n1\n")
    (tmp_path / "words.csv").write_text("a,b\n0.1,x\n")
    (tmp_path / "bad.jsonl").write_text("[1]\n")
    for name, words in (
        ("objects.npy", "no array of plain values"),
        ("twice.csv", "'x' is in rows 0 and 2"),
        ("which.csv", "Which column .* 'one', 'two'"),
        ("short.csv", "cannot be read"),
        ("bad.jsonl", "no JSON objects"),
    ):
        with pytest.raises(InvalidInput, match=words):
            samples.samples(str(tmp_path / name))
    with pytest.raises(InvalidInput, match="no numbers: 'b'"):
        matrices.probabilities(str(tmp_path / "words.csv"))
    with pytest.raises(NotFound):
        matrices.probabilities(str(tmp_path / "none.npy"))
    with pytest.raises(InvalidInput, match="no file in a folder of its class"):
        samples.of_folder(["a.png", ".x/a.png"])


def test_ids_of_probabilities_are_texts_in_the_column_that_the_labels_name(tmp_path: Path) -> None:
    """0001 stays 0001; the column is the one of the labels, or one that is guessed like theirs.

    Breaks: let Arrow choose the type of the id column; look for `id` alone.
    """
    for name in ("id", "path", "number"):
        (tmp_path / "a.csv").write_text(f"{name},label\n0001,a\n0002,b\n")
        (tmp_path / "p.csv").write_text(f"{name},a,b\n0002,0.1,0.9\n0001,0.8,0.2\n")
        given = samples.samples(str(tmp_path / "a.csv"), id_column=name)
        found = matrices.probabilities(str(tmp_path / "p.csv"), id_column=given.id_column)
        assert found.classes == ("a", "b"), name
        assert matrices.aligned(given, found).tolist() == [[0.8, 0.2], [0.1, 0.9]]
    (tmp_path / "p.csv").write_text("id,a,b\n0002,0.1,0.9\n0001,0.8,0.2\n")
    assert matrices.probabilities(str(tmp_path / "p.csv"), id_column="number").classes == ("a", "b")
    (tmp_path / "m.csv").write_text("id,labels\n0001,a\n0002,a;b\n")
    several = multilabel.read(str(tmp_path / "m.csv")).ids
    assert several is not None
    assert several.tolist() == ["0001", "0002"]


def test_plain_mistakes_are_told(tmp_path: Path) -> None:
    """Breaks: take the names without counting them; ask Arrow for a column that is there twice; let an empty id pass."""
    numbers = samples.Samples(np.array([0, 1, 2]), "", "array")
    with pytest.raises(InvalidInput, match="2 classes \\('cat', 'dog'\\) and 3 columns"):
        matrices.class_names(numbers, np.eye(3), ["cat", "dog"])
    (tmp_path / "twice.csv").write_text("id,label,label\n1,a,b\n")
    pyarrow.parquet.write_table(
        pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"])], ["label", "label"]), tmp_path / "twice.parquet"
    )
    for name in ("twice.csv", "twice.parquet"):
        with pytest.raises(InvalidInput, match="more than one column 'label'"):
            samples.samples(str(tmp_path / name))
    (tmp_path / "empty.csv").write_text("id,label\nx,a\n,b\n")
    with pytest.raises(InvalidInput, match="Row 1 of column 'id' of empty.csv has no id"):
        samples.samples(str(tmp_path / "empty.csv"))


def test_labels_too_large_for_a_number_and_labels_that_are_bytes_are_texts(tmp_path: Path) -> None:
    """Breaks: make a whole number of any length an int64; take str() of bytes."""
    large = ["100000000000000000000", "9" * 5000, "1"]
    (tmp_path / "a.csv").write_text("label\n" + "\n".join(large) + "\n")
    assert samples.samples(str(tmp_path / "a.csv")).given.tolist() == large
    most = pa.table({"label": pa.array([2**64 - 1, 1], pa.uint64())})
    pyarrow.parquet.write_table(most, tmp_path / "a.parquet")
    assert samples.samples(str(tmp_path / "a.parquet")).given.tolist() == [str(2**64 - 1), "1"]
    pyarrow.parquet.write_table(pa.table({"label": [b"cat", b"dog"]}), tmp_path / "b.parquet")
    assert samples.samples(str(tmp_path / "b.parquet")).given.tolist() == ["cat", "dog"]
    np.save(tmp_path / "b.npy", np.array([b"cat", b"dog"]))
    assert samples.samples(str(tmp_path / "b.npy")).given.tolist() == ["cat", "dog"]
