"""Masks and probabilities as they are handed over, read one image at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from os import PathLike, fspath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pedigree.errors import InvalidInput
from pedigree.labels.inputs import plain

#: The probabilities of a pixel may miss 1 by this much.
TOLERANCE = 1e-3
VOID = -1
#: A table of label values is at most so long; wider values are looked up in a sorted list.
_LONGEST = 1 << 16


class Reader:
    """Arrays of one kind, one per image, in order and as often as asked; `count` is None where it is not known before the end."""

    def __init__(self, values: Any, dimensions: int, what: str, count: int | None) -> None:
        self.what, self.dimensions = what, dimensions
        if isinstance(values, (str, PathLike)):
            values = opened(values)
        if hasattr(values, "detach") or hasattr(values, "to_numpy"):
            # bfloat16 would be copied as a whole; its images are converted one by one.
            values = values if str(getattr(values, "dtype", "")) == "torch.bfloat16" else plain(values)
        self._values = values
        self.count: int | None
        shape = getattr(values, "shape", None)
        if shape is not None:
            if len(shape) != dimensions + 1:
                raise InvalidInput(
                    f"The {what} have the shape {tuple(shape)}.",
                    remedy=f"Give {'(images, height, width)' if dimensions == 2 else '(images, classes, height, width)'}, "
                    "or one array for each image.",
                )
            self.count = int(shape[0])
        elif hasattr(values, "__getitem__") and hasattr(values, "__len__"):
            self.count = len(values)
        elif hasattr(values, "__iter__"):
            if iter(values) is values:
                raise InvalidInput(
                    f"The {what} can be gone through only once, and two passes are needed.",
                    remedy="Give a list, an array, or a function of the image's number (with `count=`).",
                )
            self.count = None
        elif callable(values):
            self.count = count
        else:
            raise InvalidInput(f"The {what} are {type(values).__name__}.", remedy="Give arrays, one for each image.")

    @property
    def by_number(self) -> bool:
        """Whether any image can be asked for; otherwise they come in order."""
        return hasattr(self._values, "__getitem__") or not hasattr(self._values, "__iter__")

    def __getitem__(self, number: int) -> NDArray[Any]:
        if hasattr(self._values, "__getitem__"):
            return self._array(self._values[number], number)
        if self.by_number:
            return self._array(self._values(number), number)
        for at, one in enumerate(self._values):
            if at == number:
                return self._array(one, number)
        raise IndexError(number)

    def __iter__(self) -> Iterator[Callable[[], NDArray[Any]]]:
        """What reads each image, so that whoever needs it can read it in a thread of their own."""
        if self.by_number:
            for number in range(self.count or 0):
                yield lambda number=number: self[number]  # type: ignore[misc]  # bound at once
        else:
            for number, one in enumerate(self._values):
                yield lambda one=one, number=number: self._array(one, number)  # type: ignore[misc]  # bound at once

    def _array(self, one: Any, number: int) -> NDArray[Any]:
        array = np.asarray(opened(one) if isinstance(one, (str, PathLike)) else plain(one))
        if array.ndim != self.dimensions:
            raise InvalidInput(
                f"Image {number}: the {self.what} have the shape {array.shape}.",
                remedy="A mask is (height, width), probabilities are (classes, height, width).",
                images=[number],
            )
        return array


class Images:
    """The data set: `names` of its K classes, and each image as labels (P,) int32, VOID or a class, and (K, P) probabilities."""

    def __init__(
        self, masks: Any, probabilities: Any, classes: Sequence[Any] | None, void: Any, count: int | None
    ) -> None:
        self.masks = Reader(masks, 2, "masks", count)
        self.probabilities = Reader(probabilities, 3, "probabilities", count)
        counts = {one.count for one in (self.masks, self.probabilities)} - {None}
        if len(counts) > 1:
            raise InvalidInput(
                f"There are {self.masks.count} masks and probabilities of {self.probabilities.count} images.",
                remedy="Give both for each image, in the same order.",
            )
        #: None until all were read, where nothing said before how many there are.
        self.count: int | None = counts.pop() if counts else None
        for one in (self.masks, self.probabilities):
            if one.count is None and one.by_number:
                if self.count is None:
                    raise InvalidInput(
                        f"The {one.what} are a function, and nothing says for how many images.", remedy="Say `count=`."
                    )
                one.count = self.count
        if self.count == 0:
            raise InvalidInput("There are no images.", remedy="Give one at least.")
        self.names = self._names(classes)
        if len(self.names) < 2:
            raise InvalidInput(
                f"There is {len(self.names)} class.", remedy="Give the probabilities of two classes at least."
            )
        if len(set(self.names)) != len(self.names):
            raise InvalidInput("A class is named twice.", remedy="Name each class once, in the order of probabilities.")
        numbers = all(isinstance(name, (int, np.integer)) for name in self.names)
        #: What a mask holds for each class.
        self.values = [int(name) for name in self.names] if numbers else list(range(len(self.names)))
        self.void = sorted({int(value) for value in np.atleast_1d([] if void is None else np.asarray(void))})
        self._tables()

    def _names(self, classes: Sequence[Any] | None) -> tuple[Any, ...]:
        if classes is not None:
            return tuple(name.item() if isinstance(name, np.generic) else name for name in plain(classes))
        for read in self.probabilities:
            return tuple(range(read().shape[0]))
        raise InvalidInput("There are no images.", remedy="Give one at least.")

    def _tables(self) -> None:
        meanings = {value: number for number, value in enumerate(self.values)} | dict.fromkeys(self.void, VOID)
        low, high = min(meanings), max(meanings)
        self._low, self._table = low, np.full(min(high - low + 1, _LONGEST), -2, np.int32)
        #: Values that the table does not reach: a void of 2**31 - 1, say.
        self._far = {}
        for value, number in meanings.items():
            if value - low < _LONGEST:
                self._table[value - low] = number
            else:
                self._far[value] = number

    def labels(self, number: int, mask: NDArray[Any]) -> NDArray[np.int32]:
        """The mask (h, w) as classes and VOID."""
        from pedigree.labels.segmentation import pixels

        if mask.dtype == np.bool_:
            mask = mask.view(np.uint8)
        if mask.dtype.kind not in "iu":
            raise InvalidInput(
                f"Image {number}: the mask holds {mask.dtype}, not whole numbers.",
                remedy="Give the number of a class for each pixel, not one-hot values or colours.",
                images=[number],
            )
        if mask.size == 0:
            raise InvalidInput(f"Image {number} has no pixels: {mask.shape}.", remedy="Leave it out.", images=[number])
        if not mask.dtype.isnative:
            mask = mask.astype(mask.dtype.newbyteorder("="))
        flat = np.ascontiguousarray(mask).reshape(-1)
        far = [(flat == value, found) for value, found in self._far.items()]
        far = [(there, found) for there, found in far if there.any()]
        if far:
            flat = flat.astype(np.int64)
            for there, _ in far:
                flat[there] = self._low  # any value of the table; what it means is written over below
        numbers = np.empty(mask.shape, np.int32)
        fault = pixels.numbered(flat, self._low, self._table, numbers.reshape(-1))
        for there, found in far:
            numbers.reshape(-1)[there] = found
        if fault >= 0:
            row, column = divmod(int(fault), mask.shape[1])
            known = f"0 to {len(self.values) - 1}" if self.values == list(range(len(self.values))) else self.values[:8]
            raise InvalidInput(
                f"Image {number}: the pixel in row {row}, column {column} is labelled {mask[row, column]}, which is no class.",
                remedy=f"Labels are {known}; say `void=` for values that mark pixels without a label.",
                images=[number],
                pixels=[(row, column)],
            )
        return numbers

    def values_of(self, number: int, given: NDArray[Any], labels: NDArray[np.int32]) -> NDArray[Any]:
        """The probabilities (K, h, w) as a contiguous (K, P) of float32 or float64; float16 is widened."""
        if given.shape[1:] != labels.shape or given.shape[0] != len(self.names):
            raise InvalidInput(
                f"Image {number}: the mask is {' x '.join(map(str, labels.shape))} and the probabilities are "
                f"{' x '.join(map(str, given.shape))}.",
                remedy=f"Give ({len(self.names)} classes, height, width) of the same height and width.",
                images=[number],
            )
        if not given.dtype.isnative:
            given = given.astype(given.dtype.newbyteorder("="))
        if given.dtype == np.float16:
            given = given.astype(np.float32)
        if given.dtype not in (np.float32, np.float64):
            raise InvalidInput(
                f"Image {number}: probabilities must be float16, float32 or float64, got {given.dtype}.",
                remedy="Convert them first.",
                images=[number],
            )
        return np.ascontiguousarray(given).reshape(given.shape[0], -1)

    def __iter__(self) -> Iterator[Callable[[], tuple[NDArray[np.int32], NDArray[Any]]]]:
        """What reads each image: its labels (h, w) and its probabilities (K, h * w)."""
        number = -1
        ends = object()
        masks, probabilities = iter(self.masks), iter(self.probabilities)
        while True:
            mask, values = next(masks, ends), next(probabilities, ends)
            if mask is ends or values is ends:
                break
            number += 1
            yield lambda number=number, mask=mask, values=values: self._read(number, mask, values)  # type: ignore[misc]
        if (mask is ends) != (values is ends) or (self.count or number + 1) != number + 1 or number < 0:
            raise InvalidInput(
                f"{'The masks' if mask is ends else 'The probabilities'} end after {number + 1} images, the others do not.",
                remedy="Give both for each image, in the same order, each time they are gone through.",
            )
        self.count = number + 1

    def _read(self, number: int, mask: Any, values: Any) -> tuple[NDArray[np.int32], NDArray[Any]]:
        labels = self.labels(number, mask())
        return labels, self.values_of(number, values(), labels)

    def __getitem__(self, number: int) -> tuple[NDArray[np.int32], NDArray[Any]]:
        return self._read(number, lambda: self.masks[number], lambda: self.probabilities[number])


def opened(path: str | PathLike[str]) -> NDArray[Any]:
    """The array in a `.npy` file, mapped; or the mask in a picture of one channel (numbers, or indices of a palette)."""
    with open(path, "rb") as file:
        start = file.read(6)
    if start == b"\x93NUMPY":
        # Copy on write, and nothing is written: of read-only arrays numba would compile everything once more.
        return np.lib.format.open_memmap(path, mode="c")
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as picture:
            if picture.mode not in ("L", "P", "I", "I;16", "1"):
                raise InvalidInput(
                    f"{fspath(path)} is a picture in {picture.mode}, not a mask.",
                    remedy="A mask has one channel, whose values are classes.",
                )
            return np.array(picture)
    except UnidentifiedImageError:
        raise InvalidInput(
            f"{fspath(path)} is neither a .npy file nor a picture.",
            remedy="Write arrays with numpy.save, masks as PNG.",
        ) from None
