"""Small pictures of samples as data URIs, as long as there is room for them in a page."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from typing import Any

import numpy as np

from pedigree.errors import InvalidInput

#: All pictures of a page take so many bytes at most; a browser opens that at once.
ALL_BYTES = 24 << 20
#: The longer side of a picture in pixels. Smaller ones stay as they are.
SIDE = 160
#: A file that would become more pixels than this is not opened.
MOST_PIXELS = 64 << 20

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
    if picture.mode not in {"L", "RGB"}:
        picture = picture.convert("L" if picture.mode in {"1", "I", "F", "I;16"} else "RGB")
    picture.thumbnail((SIDE, SIDE))
    file = io.BytesIO()
    if max(picture.size) <= 64:
        picture.save(file, "PNG", optimize=True)
        kind = "png"
    else:
        picture.save(file, "JPEG", quality=80)
        kind = "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(file.getvalue()).decode()}"


def of_files(read: Callable[[str], bytes | None], name: Callable[[int], str]) -> Source:
    """Pictures in files: `name` gives a sample's file, `read` its bytes. What is no picture is none."""
    from PIL import Image, UnidentifiedImageError

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
        except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            return None
        return picture

    return source


def of_array(pictures: Any, count: int) -> Source:
    """Pictures in an array: (n, h, w), (n, h, w, channels) or (n, channels, h, w); whole numbers to 255, or floats.

    Floats that exceed 1 are scaled by the largest of the picture. Raises InvalidInput for another shape or number.
    """
    from PIL import Image

    shape = np.shape(pictures)
    if len(shape) not in {3, 4} or shape[0] != count or (len(shape) == 4 and 3 not in shape[1:] and 1 not in shape[1:]):
        raise InvalidInput(
            f"Pictures have the shape {shape}; there are {count} samples.",
            remedy="Give (n, height, width), with channels last or in second place.",
        )

    def source(row: int) -> Any:
        picture = np.asarray(pictures[row])
        if picture.ndim == 3 and picture.shape[0] in {1, 3} and picture.shape[2] not in {1, 3}:
            picture = np.moveaxis(picture, 0, 2)
        if picture.ndim == 3 and picture.shape[2] == 1:
            picture = picture[:, :, 0]
        if picture.dtype.kind == "f":
            most = float(picture.max(initial=0.0))
            picture = np.nan_to_num(picture) * (255.0 if most <= 1.0 else 255.0 / most)
        return Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))

    return source
