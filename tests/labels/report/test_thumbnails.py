"""Pictures that people can judge, whatever numbers they are made of; and files that are no pictures."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pedigree.cli.labels import places
from pedigree.errors import InvalidInput
from pedigree.labels.report import thumbnails


def shown(picture: Any) -> list[int]:
    """The grey values that a picture of a few pixels has on the page."""
    import base64

    data = base64.b64decode(thumbnails.encoded(picture).partition(",")[2])
    return np.asarray(Image.open(io.BytesIO(data)).convert("L")).ravel().tolist()


def of_file(picture: Any, kind: str) -> Any:
    file = io.BytesIO()
    picture.save(file, kind)
    return thumbnails.of_files({"x": file.getvalue()}.get, lambda row: "x")(0)


@pytest.mark.parametrize(
    ("values", "grey"),
    [
        (np.array([[False, True]]), [0, 255]),
        (np.array([[-1.0, 0.0, 1.0]]), [0, 127, 255]),
        (np.array([[0.0, 0.5, 1.0]]), [0, 127, 255]),
        (np.array([[0.0, 32.0, np.nan]]), [0, 255, 0]),
        (np.array([[0, 1000, 4000]], np.uint16), [0, 63, 255]),
        (np.array([[-100, 100]], np.int16), [0, 255]),
        (np.arange(256).reshape(16, 16), list(range(256))),
        (np.array([[-3.0, -3.0]]), [0, 0]),
    ],
)
def test_numbers_of_every_kind_are_seen(values: Any, grey: list[int]) -> None:
    """Break: cut at 0 and 255 whatever the numbers are: truth is black, half of [-1, 1] too, 16 bits are white."""
    assert shown(thumbnails.of_array(values[None], 1)(0)) == grey


@pytest.mark.filterwarnings("ignore:.*mode.*:DeprecationWarning")
def test_files_of_16_and_32_bits_go_from_black_to_white() -> None:
    """Break: convert them to "L", which cuts at 255."""
    deep = np.array([[30000, 30500, 31000]], np.uint16)
    assert shown(of_file(Image.fromarray(deep), "PNG")) == [0, 127, 255]
    assert shown(of_file(Image.fromarray(deep.astype(np.int32)), "TIFF")) == [0, 127, 255]
    assert shown(of_file(Image.fromarray(np.array([[-0.5, 0.0, 0.5]], np.float32)), "TIFF")) == [0, 127, 255]
    assert shown(of_file(Image.fromarray(np.array([[True, False]])), "PNG")) == [255, 0]


def test_a_file_that_cannot_be_read_is_no_picture() -> None:
    """A DDS of a kind that Pillow does not know. Break: let NotImplementedError pass."""
    header = bytearray(128)
    header[:4], header[4:8] = b"DDS ", (124).to_bytes(4, "little")
    header[12:20] = (4).to_bytes(4, "little") * 2
    header[76:80], header[80:84], header[84:88] = (32).to_bytes(4, "little"), (4).to_bytes(4, "little"), b"WHAT"
    with pytest.raises(NotImplementedError):
        Image.open(io.BytesIO(header))
    assert thumbnails.of_files({"x": bytes(header)}.get, lambda row: "x")(0) is None


@pytest.mark.parametrize("shape", [(6, 2, 3, 5), (6, 0, 0), (6, 3, 0, 4), (5, 2, 2), (6, 2)])
def test_what_has_no_form_of_a_picture_is_refused_at_once(shape: tuple[int, ...]) -> None:
    """Break: look for 3 or 1 in any place of the shape."""
    with pytest.raises(InvalidInput, match="have the shape"):
        thumbnails.of_array(np.zeros(shape), 6)


def test_pictures_are_numbers() -> None:
    """Break: leave the type to NumPy: texts are a ValueError in the middle of the page."""
    with pytest.raises(InvalidInput, match="no numbers"):
        thumbnails.of_array(np.full((6, 2, 2), "x"), 6)


def test_a_name_with_a_nul_names_no_file(tmp_path: Any) -> None:
    """Break: give it to the system: ValueError."""
    (tmp_path / "a.png").write_bytes(b"here")
    with places.opened() as here:
        read = here.reader(str(tmp_path))
        assert (read("a.png"), read("a\0.png")) == (b"here", None)
