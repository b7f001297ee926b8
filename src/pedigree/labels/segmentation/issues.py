"""Masks of issues as packed bits, in memory or in a folder, one image after another."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pedigree.errors import InvalidInput

BITS, FACTS = "issues.bits", "issues.json"


class IssueMasks:
    """For each image a mask (h, w), True where the label is probably wrong.

    In a folder: `issues.bits` holds the masks one after another, each packed eight pixels to a byte in the order of rows, the first
    pixel in the highest bit, the last byte filled up with zeros; `issues.json` holds their shapes.
    """

    def __init__(self, folder: str | PathLike[str] | None = None) -> None:
        self.folder = folder
        self.shapes: list[tuple[int, int]] = []
        self._starts = [0]
        self._memory: list[NDArray[np.uint8]] = []
        self._mapped: Any = None
        self._file = None
        if folder is not None:
            os.makedirs(folder, exist_ok=True)
            self._file = open(os.path.join(folder, BITS), "wb")  # noqa: SIM115 - closed by finish

    def append(self, mask: NDArray[np.bool_]) -> None:
        height, width = mask.shape
        packed = np.packbits(mask)
        self.shapes.append((height, width))
        self._starts.append(self._starts[-1] + len(packed))
        if self._file is None:
            self._memory.append(packed)
        else:
            self._file.write(packed.tobytes())

    def finish(self) -> None:
        if self._file is None:
            return
        self._file.close()
        self._file = None
        assert self.folder is not None
        same = len(set(self.shapes)) == 1
        facts = {
            "format": 1,
            "images": len(self.shapes),
            "shapes": [*self.shapes[0]] if same else [[*shape] for shape in self.shapes],
        }
        with open(os.path.join(self.folder, FACTS), "w") as file:
            file.write(json.dumps(facts) + "\n")
        self._mapped = np.memmap(os.path.join(self.folder, BITS), np.uint8, "r+")

    def set(self, image: int, pixels: NDArray[np.int64]) -> None:
        """Make issues of these pixels, by their places in the order of rows."""
        bytes_ = self._bytes(image)
        np.bitwise_or.at(bytes_, pixels >> 3, (128 >> (pixels & 7)).astype(np.uint8))

    def _bytes(self, image: int) -> NDArray[np.uint8]:
        if self.folder is None:
            return self._memory[image]
        found: NDArray[np.uint8] = self._mapped[self._starts[image] : self._starts[image + 1]]
        return found

    def __len__(self) -> int:
        return len(self.shapes)

    def __getitem__(self, image: int) -> NDArray[np.bool_]:
        if not -len(self) <= image < len(self):
            raise IndexError(image)
        image %= len(self)
        height, width = self.shapes[image]
        bits = np.unpackbits(self._bytes(image), count=height * width)
        return bits.view(np.bool_).reshape(height, width)

    def __iter__(self) -> Iterator[NDArray[np.bool_]]:
        return (self[image] for image in range(len(self)))

    def whole(self) -> NDArray[np.bool_]:
        """All as one array (n, h, w), of images of one size."""
        if len(set(self.shapes)) != 1:
            raise InvalidInput(
                "The images have several sizes, so their masks are no single array.", remedy="Take them one by one."
            )
        found = np.empty((len(self), *self.shapes[0]), np.bool_)
        for image in range(len(self)):
            found[image] = self[image]
        return found

    def save(self, folder: str | PathLike[str]) -> None:
        """Write both files."""
        copy = IssueMasks(folder)
        for mask in self:
            copy.append(mask)
        copy.finish()


def read_issue_masks(folder: str | PathLike[str]) -> IssueMasks:
    """The masks that were written into this folder, mapped."""
    found = IssueMasks()
    try:
        with open(os.path.join(folder, FACTS)) as file:
            facts = json.load(file)
        shapes = facts["shapes"]
        found.shapes = [
            (int(one[0]), int(one[1]))
            for one in (shapes if isinstance(shapes[0], list) else [shapes] * facts["images"])
        ]
        found._starts = [0, *np.cumsum([-(-height * width // 8) for height, width in found.shapes]).tolist()]
        found._mapped = np.memmap(os.path.join(folder, BITS), np.uint8, "r")
    except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
        raise InvalidInput(
            f"{os.fspath(folder)} holds no masks of issues: {error}.", remedy=f"There must be {BITS} and {FACTS}."
        ) from None
    if len(found._mapped) != found._starts[-1]:
        raise InvalidInput(
            f"{os.path.join(folder, BITS)} has {len(found._mapped)} bytes, and {FACTS} speaks of {found._starts[-1]}.",
            remedy="Write the masks again.",
        )
    found.folder = folder
    return found
