"""Images: which pixels differ, how far, and where; masks also by their classes."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from pedigree.training.comparing.result import Comparison, count, percent
from pedigree.training.comparing.source import Source, Unreadable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: Decoded, two images and their difference need about 30 bytes a pixel.
_LARGEST_PIXELS = 100_000_000
#: A grey or indexed image of at most so many values is taken for a mask.
_CLASSES = 32


@dataclass(frozen=True, slots=True)
class Decoded:
    """`pixels` is (height, width) or (height, width, channels); indices of the palette for an indexed image."""

    pixels: NDArray[Any]
    mode: str
    format: str
    palette: bytes
    frames: int
    metadata: dict[str, str]

    @property
    def size(self) -> list[int]:
        """Width and height."""
        return [self.pixels.shape[1], self.pixels.shape[0]]


def compare_images(a: Source, b: Source) -> Comparison:
    """Two images by their decoded pixels. Raises Unreadable for one that Pillow cannot decode, or without Pillow.

    Of an animation the first frame is compared. `max_abs` is in the units of the pixels, 0 to 255 for 8 bits.
    """
    left, right = decode(a), decode(b)
    apart = sorted(
        key for key in {*left.metadata, *right.metadata} if left.metadata.get(key) != right.metadata.get(key)
    )
    facts: dict[str, Any] = {
        "sizes": [left.size, right.size],
        "modes": [left.mode, right.mode],
        "metadata_apart": apart,
    }
    notes = []
    if left.format != right.format:
        notes.append(f"formats {left.format} and {right.format}")
    if max(left.frames, right.frames) > 1:
        facts["frames"] = [left.frames, right.frames]
        notes.append("only the first frame of each was compared")
    told = partial(Comparison, "image", a.name, b.name, False, facts=facts, notes=tuple(notes))
    if left.mode != right.mode or left.size != right.size:
        words = []
        if left.size != right.size:
            words.append("{}x{} and {}x{} pixels".format(*left.size, *right.size))
        if left.mode != right.mode:
            words.append(f"modes {left.mode} and {right.mode}")
        return told(f"other images: {', '.join(words)}", first={"size": [left.size, right.size]})
    unlike = differing(left.pixels, right.pixels)
    if not unlike.any():
        return _same_pixels(told, left, right, apart)
    _measure(facts, left, right, unlike)
    y, x = facts["first_pixel"][1], facts["first_pixel"][0]
    first = {"pixel": [x, y], "a": left.pixels[y, x].tolist(), "b": right.pixels[y, x].tolist()}
    box = facts["box"]
    summary = (
        f"{count(facts['pixels_apart'], 'pixel')} of {unlike.size:,} differ ({percent(facts['share'])}), at most by "
        f"{facts['max_abs']:,}, within x {box[0]} to {box[2]}, y {box[1]} to {box[3]}; "
        f"first ({x}, {y}): {first['a']} and {first['b']}"
    )
    classes = _classes(left, right)
    if classes is not None:
        facts |= confusion(left.pixels, right.pixels, classes)
        agree = facts["agreement"]
        summary = f"masks of {len(classes)} classes agree on {percent(agree)} of their pixels; {summary}"

    def paint(path: str) -> None:
        from pedigree.training.comparing import pictures

        # Decoded anew: a tree of changed images must not keep all their pixels until somebody asks for a picture.
        pictures.write(path, decode(a), decode(b), facts, classes)

    return told(summary, first=first, painter=paint)


def _same_pixels(told: Callable[..., Comparison], left: Decoded, right: Decoded, apart: list[str]) -> Comparison:
    if left.palette != right.palette:
        return told("the same indices with other palettes: they show other colours", first={"palette": None})
    if left.frames != right.frames:
        return told(f"{left.frames} and {right.frames} frames; the first is the same", first={"frame": 1})
    if apart:
        # A profile or an orientation changes what is seen, so metadata are not nothing: identical pixels, other file.
        return told(f"every pixel is the same; metadata differ: {', '.join(apart)}", first={"metadata": apart[0]})
    # Frames after the first were not looked at.
    only_one = left.frames == 1
    return told("every pixel is the same, and the metadata; only the encoding differs", equivalent=only_one)


def differing(a: NDArray[Any], b: NDArray[Any]) -> NDArray[np.bool_]:
    """Which pixels differ in any channel, (height, width); floats by their bits, as a NaN is not equal to itself."""
    import numpy as np

    if a.dtype.kind == "f":
        a, b = (side.view(f"u{side.dtype.itemsize}") for side in (a, b))
    found: NDArray[np.bool_] = a != b
    return found if found.ndim == 2 else np.any(found, axis=2)


def decode(source: Source) -> Decoded:
    """The first frame with what the file says beside its pixels."""
    try:
        import numpy as np
        from PIL import Image
    except ImportError as error:
        raise Unreadable(
            f"images are decoded with Pillow and numpy: {error}; pip install 'pedigree-ml[training]'"
        ) from None
    with source.open() as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a decompression-bomb warning: the limit below is ours
        try:
            with Image.open(file) as image:
                if image.width * image.height > _LARGEST_PIXELS:
                    raise Unreadable(f"{image.width}x{image.height} pixels are too many to be decoded")
                image.load()
                pixels = np.asarray(image)
                palette = image.getpalette() if image.mode == "P" else None
                return Decoded(
                    pixels,
                    image.mode,
                    image.format or "",
                    bytes(palette or b""),
                    getattr(image, "n_frames", 1),
                    {str(key): _fact(value) for key, value in image.info.items()},
                )
        except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
            raise Unreadable(f"it does not decode: {error}") from error


def _fact(value: Any) -> str:
    text = repr(value)
    if len(text) <= 200:
        return text
    from pedigree import canonical

    return f"{type(value).__name__} {canonical.digest(text.encode('utf-8', 'surrogatepass'))}"


def _measure(facts: dict[str, Any], left: Decoded, right: Decoded, unlike: NDArray[np.bool_]) -> None:
    import numpy as np

    rows, columns = np.flatnonzero(unlike.any(axis=1)), np.flatnonzero(unlike.any(axis=0))
    facts["pixels_apart"] = int(unlike.sum())
    facts["share"] = facts["pixels_apart"] / unlike.size
    #: left, top, right, bottom; the last two inclusive.
    facts["box"] = [int(columns[0]), int(rows[0]), int(columns[-1]), int(rows[-1])]
    facts["first_pixel"] = [int(np.flatnonzero(unlike[rows[0]])[0]), int(rows[0])]
    gap = np.nan_to_num(np.abs(left.pixels.astype(np.float64) - right.pixels.astype(np.float64)))
    facts["max_abs"] = _plain(float(gap.max()))
    facts["mean_abs"] = float(gap.mean())
    if gap.ndim == 3:
        facts["max_abs_by_channel"] = [_plain(float(one)) for one in gap.max(axis=(0, 1))]


def _plain(number: float) -> float | int:
    return int(number) if number.is_integer() else number


def _classes(left: Decoded, right: Decoded) -> list[int] | None:
    """The values of two masks; None for images that are none."""
    import numpy as np

    if left.pixels.ndim != 2 or left.pixels.dtype.kind not in "iub":
        return None
    found = np.union1d(np.unique(left.pixels), np.unique(right.pixels))
    return [int(one) for one in found] if len(found) <= _CLASSES else None


def confusion(a: NDArray[Any], b: NDArray[Any], classes: list[int]) -> dict[str, Any]:
    """`confusion[i][j]`: pixels of class i in a and j in b; `iou` per class, None where neither has it; `agreement` in [0, 1]."""
    import numpy as np

    places = [np.searchsorted(classes, one.ravel()) for one in (a, b)]
    number = len(classes)
    table = np.bincount(places[0] * number + places[1], minlength=number * number).reshape(number, number)
    both = np.diag(table)
    either = table.sum(axis=0) + table.sum(axis=1) - both
    return {
        "classes": classes,
        "confusion": table.tolist(),
        "iou": [int(x) / int(y) if y else None for x, y in zip(both, either, strict=True)],
        "agreement": int(both.sum()) / a.size,
    }
