"""compare() on every kind it understands: where first, how far, and what is only packed otherwise.

Each case changes one thing that the test knows, by means that are not ours (numpy, safetensors, Pillow, pyarrow, TensorBoard's own writer).
"""

from __future__ import annotations

import gzip
import io
import json
import os
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, PngImagePlugin
from safetensors.torch import save_file

from pedigree.errors import Unsupported
from pedigree.training import Comparison, compare


def _texts(folder: Path, a: str | bytes, b: str | bytes, ending: str) -> Comparison:
    paths = []
    for name, data in (("a", a), ("b", b)):
        path = folder / f"{name}{ending}"
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        paths.append(path)
    return compare(*paths)


def _first(found: Comparison) -> dict[str, Any]:
    assert found.first is not None
    json.dumps(found.as_json(), allow_nan=False)  # whatever was found is JSON
    return dict(found.first)


# --- tensors


def _tensors() -> dict[str, torch.Tensor]:
    made = torch.Generator().manual_seed(0)
    return {
        "encoder.weight": torch.randn(30, 20, generator=made),
        "half": torch.randn(50, generator=made).to(torch.float16),
        "brain": torch.randn(50, generator=made).to(torch.bfloat16),
        "short": torch.randn(50, generator=made).to(torch.float8_e5m2),
        "double": torch.randn(3, 4, generator=made, dtype=torch.float64),
        "count": torch.arange(7),
        "pair": torch.randn(6, generator=made, dtype=torch.complex64),
    }


@pytest.mark.parametrize("name", ["encoder.weight", "half", "brain", "double"])
@pytest.mark.parametrize("steps", [1, 5])
def test_names_the_tensor_the_element_and_the_ulps(tmp_path: Path, name: str, steps: int) -> None:
    """One element moved by so many steps of nextafter: that tensor, that index, that many ULPs, and "equal up to".

    Break: reading tensors from the end of the header's eight bytes of length (`8 + begin`) names other elements; reading
    bfloat16 as float16 gives other values.
    """
    old, new = _tensors(), _tensors()
    flat = new[name].view(-1)
    at = flat.numel() - 2
    for _ in range(steps):
        flat[at] = torch.nextafter(flat[at], torch.tensor(float("inf"), dtype=flat.dtype))
    save_file(old, tmp_path / "a.safetensors")
    save_file(new, tmp_path / "b.safetensors")
    found = compare(tmp_path / "a.safetensors", tmp_path / "b.safetensors")
    first = _first(found)
    assert not found.identical
    assert not found.equivalent
    assert first["tensor"] == name
    assert first["ulps"] == steps
    assert tuple(first["index"]) == np.unravel_index(at, old[name].shape)
    assert first["a"] == float(old[name].view(-1)[at])
    assert first["b"] == float(flat[at])
    assert found.facts["equal_up_to_ulps"] == steps
    assert found.facts["elements_apart"] == 1
    assert f"equal up to {steps} ULP" in found.summary


def test_nans_are_placed_and_never_equal_up_to(tmp_path: Path) -> None:
    """A NaN on one side is counted on that side, with its place; and no "equal up to N ULPs" is claimed.

    Break: without the test for NaN in `measured` a NaN beside equal numbers reads as "equal up to 0 ULPs".
    """
    old, new = _tensors(), _tensors()
    new["encoder.weight"][4, 5] = float("nan")
    save_file(old, tmp_path / "a.safetensors")
    save_file(new, tmp_path / "b.safetensors")
    found = compare(tmp_path / "a.safetensors", tmp_path / "b.safetensors")
    facts = found.parts[0].facts
    assert (facts["nan_only_a"], facts["nan_only_b"], facts["first_nan"]) == (0, 1, [4, 5])
    assert "equal_up_to_ulps" not in found.facts
    assert "equal up to" not in found.summary
    assert "1 NaN in b only" in found.parts[0].summary


def test_zeros_of_other_signs_are_no_identity(tmp_path: Path) -> None:
    """-0.0 for 0.0 differs, 0 ULPs away, and is said to be a zero's sign. Break: comparing values instead of bits finds nothing."""
    np.save(tmp_path / "a.npy", np.array([1.0, 0.0]))
    np.save(tmp_path / "b.npy", np.array([1.0, -0.0]))
    found = compare(tmp_path / "a.npy", tmp_path / "b.npy")
    assert not found.identical
    assert found.facts["max_ulps"] == 0
    assert found.facts["zero_signs"] == 1
    assert _first(found)["index"] == [1]


def test_counts_and_maxima_are_numpys(tmp_path: Path) -> None:
    """Counts, first index, largest absolute and relative difference over several batches of elements are what numpy says.

    Break: an index that forgets the batches before (`first = at`) is 262,144 too small.
    """
    rng = np.random.default_rng(1)
    a = rng.standard_normal((3, 300_000)).astype(np.float32)
    b = a.copy()
    places = [(1, 5), (1, 299_999), (2, 123_456)]
    for place in places:
        b[place] *= np.float32(1 + 1e-5)
    np.save(tmp_path / "a.npy", a)
    np.save(tmp_path / "b.npy", b)
    found = compare(tmp_path / "a.npy", tmp_path / "b.npy")
    wide_a, wide_b = a.astype(np.float64), b.astype(np.float64)
    gap = np.abs(wide_a - wide_b)
    assert found.facts["differ"] == 3
    assert tuple(_first(found)["index"]) == places[0]
    assert found.facts["max_abs"] == gap.max()
    assert found.facts["max_rel"] == pytest.approx((gap / np.maximum(np.abs(wide_a), np.abs(wide_b))).max(), rel=1e-15)
    spaced = [abs(int(a[one].view("i4")) - int(b[one].view("i4"))) for one in places]
    assert found.facts["max_ulps"] == max(spaced)
    assert tuple(found.facts["max_ulps_at"]) == places[int(np.argmax(spaced))]


def test_whole_numbers_complex_and_eight_bits(tmp_path: Path) -> None:
    """int64 by the exact difference, complex by its parts, float8 by its steps.

    Break: subtracting int64 in int64 gives -1 for the largest distance; a complex read as one float shifts the index.
    """
    old, new = _tensors(), _tensors()
    old["count"][3] = -(2**63)
    new["count"][3] = 2**63 - 1
    new["pair"][4] += 1e-3j
    new["short"].view(torch.uint8)[9] += 2
    save_file(old, tmp_path / "a.safetensors")
    save_file(new, tmp_path / "b.safetensors")
    parts = {part.a: part for part in compare(tmp_path / "a.safetensors", tmp_path / "b.safetensors").parts}
    assert sorted(parts) == ["count", "pair", "short"]
    assert parts["count"].facts["max_abs"] == 2**64 - 1
    assert _first(parts["count"])["index"] == [3]
    assert _first(parts["pair"])["index"] == [4]
    assert parts["pair"].facts["max_abs"] == pytest.approx(1e-3, rel=1e-3)
    assert parts["short"].facts["max_ulps"] == 2
    assert _first(parts["short"])["index"] == [9]


def test_types_shapes_missing_and_metadata(tmp_path: Path) -> None:
    """Another type, another shape, a tensor on one side only, and other metadata are each told as such.

    Break: comparing only the names that both have loses the missing one; dropping the metadata calls these files equivalent.
    """
    old = {"w": torch.zeros(2, 3), "v": torch.zeros(4), "gone": torch.zeros(1)}
    new = {"w": torch.zeros(3, 2), "v": torch.zeros(4, dtype=torch.float16), "come": torch.zeros(1)}
    save_file(old, tmp_path / "a.safetensors")
    save_file(new, tmp_path / "b.safetensors")
    text = "\n".join(compare(tmp_path / "a.safetensors", tmp_path / "b.safetensors").lines())
    for expected in (
        "shape [2, 3] and [3, 2]",
        "type float32 and float16",
        "gone (float32 [1]): only in a",
        "come (float32 [1]): only in b",
    ):
        assert expected in text
    save_file(old, tmp_path / "c.safetensors", metadata={"epoch": "3"})
    found = compare(tmp_path / "a.safetensors", tmp_path / "c.safetensors")
    assert not found.equivalent
    assert _first(found) == {"metadata": "epoch"}


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda data: data[:-5], "truncated: "),
        (lambda data: data[:6], "truncated: "),
        (lambda data: data + b"more", "bytes after the last"),
        (lambda data: data[:8] + b"}" + data[9:], "header does not parse"),
        (lambda data: struct.pack("<Q", 1 << 40) + data[8:], "truncated: a header of 1,099,511,627,776 bytes"),
    ],
)
def test_damaged_safetensors_are_compared_by_bytes(tmp_path: Path, spoil: Callable[[bytes], bytes], words: str) -> None:
    """A file that breaks the format is not identical, the note says what is wrong with which one, and nothing is raised.

    Break: without the check of the last tensor's end the truncated file is read to a short array; a header believed to be 2**40
    bytes long is asked for from memory.
    """
    save_file(_tensors(), tmp_path / "a.safetensors")
    data = (tmp_path / "a.safetensors").read_bytes()
    (tmp_path / "b.safetensors").write_bytes(spoil(data))
    found = compare(tmp_path / "a.safetensors", tmp_path / "b.safetensors")
    assert not found.identical
    assert found.kind == "bytes"
    assert words in found.notes[0]
    assert " b: " in found.notes[0]


def test_order_of_storage_and_of_bytes(tmp_path: Path) -> None:
    """By columns is the same array otherwise stored; big-endian is another type; both big-endian are compared by value.

    Break: reading columns as rows finds differences in the same array; skipping the turn of bytes gives wild distances.
    """
    x = np.random.default_rng(2).random((5, 6))
    y = x.copy()
    y[2, 3] = np.nextafter(y[2, 3], 2)
    for name, array in {
        "x": x,
        "f": np.asfortranarray(x),
        "g": np.asfortranarray(y),
        "e": x.astype(">f8"),
        "z": y.astype(">f8"),
    }.items():
        np.save(tmp_path / f"{name}.npy", array)

    def pair(a: str, b: str) -> Comparison:
        return compare(tmp_path / f"{a}.npy", tmp_path / f"{b}.npy")

    assert pair("x", "f").equivalent
    assert not pair("x", "f").identical
    for one, other in (("x", "g"), ("f", "g"), ("e", "z")):
        assert _first(pair(one, other))["index"] == [2, 3]
        assert pair(one, other).facts["max_ulps"] == 1
    assert "big-endian" in pair("x", "e").summary


def test_npz_by_arrays_and_never_a_pickle(tmp_path: Path) -> None:
    """Compression alone is equivalent; an array of objects is refused with its reason, and its code is not run.

    Break: `allow_pickle=True` anywhere creates the file that the pickle asks for.
    """

    class Mine:
        def __reduce__(self) -> tuple[Any, ...]:
            return (os.mkdir, (str(tmp_path / "ran"),))

    x = np.arange(6.0)
    objects = np.array([Mine(), 1], dtype=object)
    np.savez(tmp_path / "a.npz", x=x, o=objects)
    np.savez_compressed(tmp_path / "b.npz", x=x, o=objects)
    np.savez(tmp_path / "c.npz", x=x + np.array([0, 0, 1, 0, 0, 0]), o=objects)
    same, other = compare(tmp_path / "a.npz", tmp_path / "b.npz"), compare(tmp_path / "a.npz", tmp_path / "c.npz")
    assert same.equivalent
    assert not same.identical
    assert "never loaded because loading runs code" in same.notes[0]
    assert [part.a for part in other.parts] == ["x"]
    assert _first(other)["index"] == [2]
    np.save(tmp_path / "o.npy", objects)
    np.save(tmp_path / "p.npy", objects[::-1])
    alone = compare(tmp_path / "o.npy", tmp_path / "p.npy")
    assert not alone.identical
    assert "never loaded" in alone.notes[0]
    assert not (tmp_path / "ran").exists()


# --- documents, tables, text


def test_json_says_the_path_and_the_distance(tmp_path: Path) -> None:
    """The first path in the document's order, floats with ULPs; whole numbers are not floats. Break: comparing with == misses 2 and 2.0."""
    found = _texts(
        tmp_path,
        '{"epochs": [{"loss": 0.30000000000000004}], "odd key": 2}',
        '{"odd key": 2.0, "epochs": [{"loss": 0.3}]}',
        ".json",
    )
    assert _first(found) == {"path": "epochs[0].loss", "a": 0.30000000000000004, "b": 0.3, "ulps": 1}
    assert found.facts["values_apart"] == 2
    assert found.facts["apart"][1]["path"] == '["odd key"]'
    again = _texts(tmp_path, '{"a": [1, NaN], "b": 2}', '{"b": 2,\n "a": [1, NaN]}', ".json")
    assert again.equivalent
    assert not again.identical


def test_json_that_does_not_parse_still_has_lines(tmp_path: Path) -> None:
    """Cut off, it is compared as text, with a note that says which one and why. Break: falling back to bytes names an offset."""
    found = _texts(tmp_path, '{\n "a": 1,\n "b": 2\n}\n', '{\n "a": 1,\n', ".json")
    assert found.kind == "text"
    assert _first(found)["line"] == 3
    assert "compared as text and not as json: b: not JSON" in found.notes[0]


def test_json_lines_say_epoch_and_step(tmp_path: Path) -> None:
    """A log of lines parts at an epoch and a step. Break: without enumerate from 1 the line is one too small."""
    lines = [json.dumps({"epoch": step // 10, "step": step, "loss": 1 / (step + 1)}) for step in range(40)]
    other = list(lines)
    other[25] = json.dumps({"epoch": 2, "step": 25, "loss": float(np.nextafter(1 / 26, 1))})
    first = _first(_texts(tmp_path, "\n".join(lines) + "\n", "\n".join(other) + "\n", ".jsonl"))
    assert (first["line"], first["epoch"], first["step"], first["path"], first["ulps"]) == (26, 2, 25, "loss", 1)


def test_csv_says_row_column_and_moment(tmp_path: Path) -> None:
    """Row 1 is the first below the header; the row's epoch and step are told. Break: counting the header gives row 3."""
    found = _texts(
        tmp_path,
        "epoch,step,loss\n1,10,0.5\n1,20,0.3\n",
        "epoch,step,loss\n1,10,0.5\n1,20,0.30000000000000004\n",
        ".csv",
    )
    assert _first(found) == {
        "row": 2,
        "epoch": "1",
        "step": "20",
        "column": "loss",
        "a": "0.3",
        "b": "0.30000000000000004",
        "ulps": 1,
    }
    assert found.facts["equal_up_to_ulps"] == 1
    assert _texts(tmp_path, "a,b\n1,2\n", 'a,b\r\n1,"2"\r\n', ".csv").equivalent
    assert "other columns" in _texts(tmp_path, "a,b\n1,2\n", "a,c\n1,2\n", ".csv").summary
    shorter = _texts(tmp_path, "a,b\n1,2\n3,4\n", "a,b\n1,2\n", ".csv")
    assert _first(shorter) == {"row": 2, "only_in": "a"}
    assert not shorter.equivalent
    assert _first(_texts(tmp_path, "a\tb\n1\t2\n", "a\tb\n1\t3\n", ".tsv"))["column"] == "b"


@pytest.mark.slow
def test_parquet_by_rows_whatever_its_groups(tmp_path: Path) -> None:
    """Groups and compression are packing; a cell is named by row and column, also beyond the first batch; -0.0 is not 0.0.

    Break: counting rows from the beginning of a batch instead of the file.
    """
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    number = 70_000
    columns: dict[str, Any] = {"step": list(range(number)), "loss": [0.0] * number, "name": ["x"] * number}
    parquet.write_table(pa.table(columns), tmp_path / "a.parquet")
    parquet.write_table(pa.table(columns), tmp_path / "b.parquet", row_group_size=999, compression="gzip")
    assert compare(tmp_path / "a.parquet", tmp_path / "b.parquet").equivalent
    columns["loss"][69_000] = -0.0
    columns["name"][69_500] = None
    parquet.write_table(pa.table(columns), tmp_path / "c.parquet", row_group_size=999)
    found = compare(tmp_path / "a.parquet", tmp_path / "c.parquet")
    first = _first(found)
    assert (first["row"], first["step"], first["column"], first["ulps"]) == (69_001, 69_000, "loss", 0)
    assert found.facts["columns_apart"] == {"loss": 1, "name": 1}


def test_text_shows_the_first_line_with_its_neighbours(tmp_path: Path) -> None:
    """The line, and a unified excerpt around it. Break: a window that begins at the line itself shows no line before."""
    lines = [f"line {number}\n" for number in range(1, 40)]
    found = _texts(tmp_path, "".join(lines), "".join(lines).replace("line 20\n", "other\n"), ".txt")
    assert _first(found) == {"line": 20, "a": "line 20", "b": "other"}
    assert found.excerpt[:6] == ("@@ line 17 @@", " line 17", " line 18", " line 19", "-line 20", "+other")
    ends = _texts(tmp_path, "x\ny\n", "x\r\ny\r\n", ".txt")
    assert "in its end: LF and CRLF" in ends.summary
    assert not ends.equivalent
    assert "only b has: 'y'" in _texts(tmp_path, "x\n", "x\ny\n", ".txt").summary


def test_anything_else_by_its_first_byte(tmp_path: Path) -> None:
    """The offset, also in the middle of a later chunk, and which is the beginning of which.

    Break: the halving that returns `high` is one too far.
    """
    data = bytes(3_000_000)
    for at in (0, 1, 524_287, 524_288, 2_999_999):
        other = bytearray(data)
        other[at] = 7
        assert _first(_texts(tmp_path, data, bytes(other), ".bin"))["offset"] == at
    longer = _texts(tmp_path, data, data + b"\x00\x00", ".bin")
    assert "a is the beginning of b, which has 2 bytes more" in longer.summary


# --- images


def _image() -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.random.default_rng(3).integers(0, 256, (40, 60, 3)).astype(np.uint8)


def test_images_by_pixels(tmp_path: Path) -> None:
    """Count, box, first pixel and amount; a recompressed PNG is equivalent; metadata alone is said to be that.

    Break: (row, column) for (x, y) swaps the box; comparing metadata first hides that pixels are the same.
    """
    a = _image()
    b = a.copy()
    b[10, 50, 1] ^= 4
    b[30, 20, 2] ^= 64
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", "another day")
    Image.fromarray(a).save(tmp_path / "a.png")
    Image.fromarray(b).save(tmp_path / "b.png")
    Image.fromarray(a).save(tmp_path / "packed.png", compress_level=0)
    Image.fromarray(a).save(tmp_path / "noted.png", pnginfo=text)
    found = compare(tmp_path / "a.png", tmp_path / "b.png")
    assert found.facts["pixels_apart"] == 2
    assert found.facts["box"] == [20, 10, 50, 30]
    assert found.facts["max_abs"] == 64
    assert found.facts["max_abs_by_channel"] == [0, 4, 64]
    assert _first(found) == {"pixel": [50, 10], "a": a[10, 50].tolist(), "b": b[10, 50].tolist()}
    assert compare(tmp_path / "a.png", tmp_path / "packed.png").equivalent
    noted = compare(tmp_path / "a.png", tmp_path / "noted.png")
    assert not noted.equivalent
    assert "every pixel is the same; metadata differ: Comment" in noted.summary
    with pytest.raises(Unsupported, match="has no picture: every pixel is the same"):
        noted.picture(str(tmp_path / "none.png"))


def test_masks_by_classes(tmp_path: Path) -> None:
    """The confusion counts pixels of a's class (row) that are b's (column); IoU and agreement follow from it.

    Break: rows and columns exchanged.
    """
    a = np.full((10, 10), 2, np.uint8)
    a[:5] = 1
    b = a.copy()
    b[4, :7] = 3
    Image.fromarray(a).save(tmp_path / "a.png")
    Image.fromarray(b).save(tmp_path / "b.png")
    found = compare(tmp_path / "a.png", tmp_path / "b.png")
    assert found.facts["classes"] == [1, 2, 3]
    assert found.facts["confusion"] == [[43, 0, 7], [0, 50, 0], [0, 0, 0]]
    assert found.facts["iou"] == [43 / 50, 1.0, 0.0]
    assert found.facts["agreement"] == 0.93


def test_pixels_that_are_nan_on_both_sides_are_the_same(tmp_path: Path) -> None:
    """A float image with a NaN differs only where its bits do. Break: `!=` on floats counts the NaN."""
    a = np.zeros((4, 5), np.float32)
    a[1, 1] = np.nan
    b = a.copy()
    b[2, 3] = 7
    Image.fromarray(a).save(tmp_path / "a.tiff")
    Image.fromarray(b).save(tmp_path / "b.tiff")
    found = compare(tmp_path / "a.tiff", tmp_path / "b.tiff")
    assert found.facts["pixels_apart"] == 1
    assert _first(found)["pixel"] == [3, 2]
    assert found.facts["max_abs"] == 7
    found.picture(tmp_path / "picture.png")


def test_a_dot_in_a_large_image_is_shown_from_near(tmp_path: Path) -> None:
    """Three pixels of a million are shown with their surroundings, each as a square that can be seen. Break: scaling the whole image."""
    a = np.zeros((1000, 1200), np.uint16)
    a[:, ::7] = 999
    a += np.arange(1200, dtype=np.uint16)
    b = a.copy()
    b[990, 3:6] += 5
    Image.fromarray(a).save(tmp_path / "a.png")
    Image.fromarray(b).save(tmp_path / "b.png")
    found = compare(tmp_path / "a.png", tmp_path / "b.png")
    assert "(under 0.01%)" in found.summary
    found.picture(tmp_path / "picture.png")
    with Image.open(tmp_path / "picture.png") as picture:
        pixels = np.asarray(picture)
    panel = (pixels.shape[1] - 4 * 16) // 3
    third = pixels[44 : 44 + panel, 16 + 2 * (panel + 16) : 16 + 2 * (panel + 16) + panel]
    assert (third == 255).all(axis=2).sum() == 3 * (panel // 128) ** 2


def test_the_picture_shows_where(tmp_path: Path) -> None:
    """A PNG with three panels, the third of which is black but where the images differ. Break: panels in another order."""
    a = np.full((300, 400, 3), 90, np.uint8)
    b = a.copy()
    b[100:120, 200:260] = 95
    Image.fromarray(a).save(tmp_path / "a.png")
    Image.fromarray(b).save(tmp_path / "b.png")
    compare(tmp_path / "a.png", tmp_path / "b.png").picture(str(tmp_path / "picture.png"))
    with Image.open(tmp_path / "picture.png") as picture:
        pixels = np.asarray(picture)
    assert pixels.shape[1] == 3 * 400 + 4 * 16
    third = pixels[44 : 44 + 300, 16 + 2 * 416 : 16 + 2 * 416 + 400]
    bright = np.argwhere((third == 255).all(axis=2))
    assert bright.min(axis=0).tolist() == [100, 200]
    assert bright.max(axis=0).tolist() == [119, 259]
    assert (third[:90, :180] == 0).all()


def test_a_photograph_that_is_cut_off(tmp_path: Path) -> None:
    """It is compared by its bytes and said not to decode. Break: Pillow's error escapes."""
    Image.fromarray(_image()).save(tmp_path / "a.jpg")
    (tmp_path / "b.jpg").write_bytes((tmp_path / "a.jpg").read_bytes()[:-200])
    found = compare(tmp_path / "a.jpg", tmp_path / "b.jpg")
    assert not found.identical
    assert "b: it does not decode" in found.notes[0]


# --- logs


def _log(folder: Path, loss: Callable[[int], float], accuracy: Callable[[int], float] = float) -> Path:
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    writer = EventFileWriter(str(folder))
    started = 1e9 * ord(folder.parts[-1][0])  # each log at another time, far enough for float32 to tell
    for step in range(20):
        told = {"epoch": step // 5, "accuracy": accuracy(step), "loss": loss(step)}
        values = [Summary.Value(tag=tag, simple_value=value) for tag, value in told.items()]
        writer.add_event(Event(step=step, wall_time=started + step, summary=Summary(value=values)))
    writer.close()
    (path,) = folder.iterdir()
    return path


def test_logs_part_at_a_tag_a_step_and_an_epoch(tmp_path: Path) -> None:
    """Tag, step, epoch and float32 ULPs; times do not count; a log cut off by a kill is compared as far as it goes.

    Break: wall times among the contents make equal logs differ; taking the first tag instead of the smallest step names another.
    """
    base = _log(tmp_path / "a", lambda step: 1 / (step + 1))
    same = _log(tmp_path / "b", lambda step: 1 / (step + 1))
    near = _log(
        tmp_path / "c",
        lambda step: float(np.nextafter(np.float32(1 / (step + 1)), np.float32(2))) if step > 11 else 1 / (step + 1),
        lambda step: step + (step > 14),
    )
    assert compare(base, same).equivalent
    assert not compare(base, same).identical
    found = compare(base, near)
    first = _first(found)
    assert (first["tag"], first["step"], first["epoch"], first["ulps"]) == ("loss", 12, 2.0, 1)
    assert {part.a: part.facts["differ"] for part in found.parts} == {"accuracy": 5, "loss": 8}
    assert "first at step 12 (epoch 2)" in found.summary
    cut = tmp_path / "cut.tfevents.1"
    cut.write_bytes(base.read_bytes()[:-10])
    short = compare(base, cut)
    assert not short.equivalent
    assert "cut off within a record" in short.notes[0]
    assert _first(short) == {"tag": "epoch", "step": 19, "only_in": "a", "epoch": 3.0}


def test_a_log_that_is_damaged_within(tmp_path: Path) -> None:
    """A flipped bit is found by the checksum and told. Break: without the check of data the value is believed."""
    base = _log(tmp_path / "a", lambda step: 1 / (step + 1))
    data = bytearray(base.read_bytes())
    data[-8] ^= 1
    (tmp_path / "b.tfevents.1").write_bytes(data)
    found = compare(base, tmp_path / "b.tfevents.1")
    assert "does not match its checksum" in found.notes[0]
    assert found.notes[0].startswith("b: ")


def test_folders_of_logs_are_paired(tmp_path: Path) -> None:
    """Files whose names hold times are compared with one another. Break: by names alone they are removed and added."""
    _log(tmp_path / "a" / "run", lambda step: 1.0)
    _log(tmp_path / "b" / "run", lambda step: 1.0 if step != 7 else 2.0)
    found = compare(tmp_path / "a", tmp_path / "b")
    assert found.facts["removed"] == [] == found.facts["added"]
    first = _first(found)
    assert (first["tag"], first["step"], first["epoch"]) == ("loss", 7, 1.0)


# --- archives


def _tar(path: Path, members: dict[str, bytes], moment: int) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(data), moment
            archive.addfile(info, io.BytesIO(data))
    return path


def test_archives_by_members(tmp_path: Path) -> None:
    """Times are packing; a member that differs is compared by its kind, deep inside too.

    Break: comparing whole archives by bytes says an offset in compressed data.
    """
    a = _tar(tmp_path / "a.tar.gz", {"x/log.csv": b"step,loss\n1,0.5\n", "gone": b"1"}, 1)
    b = _tar(tmp_path / "b.tar.gz", {"x/log.csv": b"step,loss\n1,0.5\n", "gone": b"1"}, 2)
    c = _tar(tmp_path / "c.tar.gz", {"x/log.csv": b"step,loss\n1,0.25\n", "come": b"1"}, 1)
    assert compare(a, b).equivalent
    assert "times, owners" in compare(a, b).summary
    found = compare(a, c)
    assert found.facts["removed"] == ["gone"]
    assert found.facts["added"] == ["come"]
    assert dict(found.parts[0].first or {})["column"] == "loss"
    for name, number in (("d.zip", 0.5), ("e.zip", 0.75)):
        with zipfile.ZipFile(tmp_path / name, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("metrics.json", json.dumps({"loss": number}))
    assert _first(compare(tmp_path / "d.zip", tmp_path / "e.zip")) == {
        "member": "metrics.json",
        "path": "loss",
        "a": 0.5,
        "b": 0.75,
        "ulps": 2**51,
    }


def test_compressed_files_by_what_they_hold(tmp_path: Path) -> None:
    """The time in gzip's header is packing; a cut-off file is told. Break: EOFError escapes."""
    data = b"step,loss\n1,0.5\n"
    for name, moment, content in (("a", 1, data), ("b", 2, data), ("c", 1, data.replace(b"5", b"6"))):
        (tmp_path / f"{name}.csv.gz").write_bytes(gzip.compress(content, mtime=moment))
    assert compare(tmp_path / "a.csv.gz", tmp_path / "b.csv.gz").equivalent
    assert _first(compare(tmp_path / "a.csv.gz", tmp_path / "c.csv.gz"))["column"] == "loss"
    (tmp_path / "d.csv.gz").write_bytes((tmp_path / "a.csv.gz").read_bytes()[:-6])
    assert "does not decompress" in compare(tmp_path / "a.csv.gz", tmp_path / "d.csv.gz").notes[0]


def test_torchs_own_files_are_never_unpickled(tmp_path: Path) -> None:
    """A .pt file is an archive whose only folder is named for it; its data are compared by bytes. Break: names with the folder never meet."""
    torch.save({"w": torch.zeros(9)}, tmp_path / "a.pt")
    torch.save({"w": torch.ones(9)}, tmp_path / "b.pt")
    found = compare(tmp_path / "a.pt", tmp_path / "b.pt")
    assert "data/0" in found.facts["changed"]
    assert "data.pkl" not in found.facts["changed"]
    assert found.facts["added"] == []


def test_parquet_with_nans_and_lists(tmp_path: Path) -> None:
    """NaNs and nulls on both sides are the same, in lists too; float32 counts its own bits; a null is no zero.

    Break: `!=` instead of repr finds every NaN; fill_null without comparing where the nulls are takes a null for 0.
    """
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    nan = float("nan")

    def written(name: str, x: list[float | None], lists: list[list[float]]) -> Path:
        table = pa.table({"x": pa.array(x, pa.float32()), "lists": lists})
        parquet.write_table(table, tmp_path / name, compression="gzip" if name == "b" else "snappy")
        return tmp_path / name

    a = written("a", [1.0, nan, None], [[nan], [0.0], []])
    assert compare(a, written("b", [1.0, nan, None], [[nan], [0.0], []])).equivalent
    assert _first(compare(a, written("c", [1.0, nan, 0.0], [[nan], [0.0], []])))["row"] == 3
    found = compare(a, written("d", [1.0, nan, None], [[nan], [-0.0], []]))
    assert (_first(found)["row"], _first(found)["column"]) == (2, "lists")
