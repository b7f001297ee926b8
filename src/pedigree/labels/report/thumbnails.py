"""Small pictures of samples as data URIs, as long as there is room for them in a page."""

from __future__ import annotations

import base64
import io
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pedigree.errors import InvalidInput

#: All pictures of a page take so many bytes at most; a browser opens that at once.
ALL_BYTES = 24 << 20
#: The longer side of a picture in pixels. Smaller ones stay as they are.
SIDE = 160
#: A file that would become more pixels than this is not opened.
MOST_PIXELS = 64 << 20

#: What Pillow raises for files that it cannot read: UnidentifiedImageError is an OSError.
_UNREADABLE = (
    OSError, ValueError, SyntaxError, NotImplementedError, EOFError, LookupError, ArithmeticError, struct.error
)  # fmt: skip

#: From the row of a sample to its picture (Pillow), None where it has none.
Source = Callable[[int], Any]


class Thumbnails:
    """Pictures of samples, each made once. They are drawn anew from their pixels: nothing else of a file gets into the page."""

    def __init__(self, source: Source, room: int = ALL_BYTES) -> None:
        self._source = source
        self._made: dict[int, str] = {}
        #: Bytes that are left, and how many pictures found no room.
        self.left = room
        self.crowded_out = 0

    def uri(self, row: int) -> str:
        """The picture as a data URI, empty where there is none or no room."""
        if row not in self._made:
            self._made[row] = self._make(row)
        return self._made[row]

    def _make(self, row: int) -> str:
        if self.left <= 0:
            self.crowded_out += 1
            return ""
        picture = self._source(row)
        if picture is None:
            return ""
        uri = encoded(picture)
        if len(uri) > self.left:
            self.left = 0  # smaller ones that follow would only look as if this one were missing
            self.crowded_out += 1
            return ""
        self.left -= len(uri)
        return uri


def encoded(picture: Any) -> str:
    """A Pillow image as a data URI: PNG up to 64 pixels and for few colours, else JPEG; at most SIDE pixels wide and high."""
    picture = _plain(picture)
    picture.thumbnail((SIDE, SIDE))
    file = io.BytesIO()
    if max(picture.size) <= 64:
        picture.save(file, "PNG", optimize=True)
        kind = "png"
    else:
        picture.save(file, "JPEG", quality=80)
        kind = "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(file.getvalue()).decode()}"


def _plain(picture: Any) -> Any:
    """The picture in grey or colours of 8 bits. Greys of 16 or 32 bits go from black at their least to white at their most."""
    from PIL import Image

    if picture.mode in {"L", "RGB"}:
        return picture
    if picture.mode == "F" or picture.mode.startswith("I"):
        return Image.fromarray(_stretched(np.asarray(picture, np.float64)))
    return picture.convert("L" if picture.mode == "1" else "RGB")


def _stretched(values: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Numbers as bytes, the least as 0 and the most as 255; all 0 where they are alike. What is no finite number counts as 0."""
    values = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    low, high = values.min(), values.max()
    shares: NDArray[np.float64] = (values - low) / (high - low if high > low else 1.0)
    return (shares * 255).astype(np.uint8)


def of_files(read: Callable[[str], bytes | None], name: Callable[[int], str]) -> Source:
    """Pictures in files: `name` gives a sample's file, `read` its bytes. What is no picture is none."""
    from PIL import Image

    def source(row: int) -> Any:
        data = read(name(row))
        if data is None:
            return None
        try:
            picture = Image.open(io.BytesIO(data))
            if picture.size[0] * picture.size[1] > MOST_PIXELS:
                return None
            picture.draft("RGB", (SIDE, SIDE))  # a JPEG is decoded small at once
            picture.load()
            return _plain(picture)
        except _UNREADABLE:
            return None
        except Image.DecompressionBombError:
            return None

    return source


def of_array(pictures: Any, count: int) -> Source:
    """Pictures in an array: (n, h, w), (n, h, w, channels) or (n, channels, h, w); whole numbers to 255, floats, or truth.

    Floats that exceed 1 and whole numbers that exceed 255 are scaled by the largest of the picture; where one is below 0, from the
    least to the largest. Raises InvalidInput for another shape or number.
    """
    from PIL import Image

    shape = np.shape(pictures)
    colours = len(shape) == 4 and (shape[1] in {1, 3} or shape[3] in {1, 3})
    if not (len(shape) == 3 or colours) or shape[0] != count or 0 in shape[1:]:
        raise InvalidInput(
            f"Pictures have the shape {shape}; there are {count} samples.",
            remedy="Give (n, height, width), with channels last or in second place.",
        )

    if np.asarray(pictures[:0]).dtype.kind not in "biuf":
        raise InvalidInput("Pictures are no numbers.", remedy="Give whole numbers to 255, or floats to 1.")

    def source(row: int) -> Any:
        picture = np.asarray(pictures[row])
        if picture.ndim == 3 and picture.shape[0] in {1, 3} and picture.shape[2] not in {1, 3}:
            picture = np.moveaxis(picture, 0, 2)
        if picture.ndim == 3 and picture.shape[2] == 1:
            picture = picture[:, :, 0]
        return Image.fromarray(_bytes(picture))

    return source


def _bytes(picture: NDArray[Any]) -> NDArray[np.uint8]:
    if picture.dtype == np.uint8:
        return picture
    if picture.dtype.kind == "b":
        return picture.astype(np.uint8) * np.uint8(255)
    values = np.nan_to_num(picture.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    if values.min() < 0:
        return _stretched(values)
    most = float(values.max())
    if picture.dtype.kind != "f" and most <= 255:
        return picture.astype(np.uint8)
    shares: NDArray[np.float64] = values / max(1.0, most)
    return (shares * 255).astype(np.uint8)
