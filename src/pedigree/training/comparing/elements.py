"""Two arrays of one type and shape, element by element, read as streams in bounded memory."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Literal

from pedigree.training.comparing import ulps
from pedigree.training.comparing.source import Unreadable, exactly

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: Elements that are looked at together: at 8 bytes each, and the dozen of temporary arrays that distances need, about 20 MB.
_BATCH = 1 << 18


@dataclass(frozen=True, slots=True)
class Kind:
    """What an element is: `size` bytes; `numpy` its type there, or the unsigned type of its bits; `form` when it is a float.

    `parts` is 2 for complex numbers, whose real and imaginary parts are floats of `form`.
    """

    name: str
    size: int
    numpy: str
    form: ulps.Format | None = None
    parts: int = 1


@dataclass(slots=True)
class Tally:
    """What differs between two arrays. Counts are elements; `first` is the flat index, in the order in which they are stored.

    `max_rel` is |a - b| / max(|a|, |b|), so between 0 and 2. NaNs count in `differ` but in none of the distances.
    """

    elements: int
    differ: int = 0
    first: int | None = None
    first_a: Any = None
    first_b: Any = None
    first_ulps: int | None = None
    max_ulps: int | None = None
    max_ulps_at: int | None = None
    max_abs: float | int | None = None
    max_rel: float | None = None
    nan_only_a: int = 0
    nan_only_b: int = 0
    first_nan: int | None = None  #: first element that is NaN on one side only
    nan_payloads: int = 0  #: NaN on both sides, with different bits
    zero_signs: int = 0  #: +0 on one side and -0 on the other


def tally(a: IO[bytes], b: IO[bytes], elements: int, kind: Kind) -> Tally:
    """Compare the next `elements` of two streams. Raises Unreadable when a stream ends before."""
    found = Tally(elements)
    done = 0
    while done < elements:
        batch = min(_BATCH, elements - done)
        left, right = (_block(file, batch * kind.size) for file in (a, b))
        if left != right:
            _add(found, left, right, done, kind)
        done += batch
    return found


def index_of(flat: int, shape: Sequence[int], order: Literal["C", "F"] = "C") -> list[int]:
    """The index of the element at a flat position."""
    found: list[int] = []
    for length in reversed(shape) if order == "C" else shape:
        flat, position = divmod(flat, length)
        found.append(position)
    return found[::-1] if order == "C" else found


def _block(file: IO[bytes], length: int) -> bytes:
    data = exactly(file, length)
    if len(data) != length:
        raise Unreadable(f"the data end {length - len(data):,} bytes early")
    return data


def _add(found: Tally, left: bytes, right: bytes, done: int, kind: Kind) -> None:
    import numpy as np

    a, b = (np.frombuffer(data, dtype=kind.numpy) for data in (left, right))
    if not a.dtype.isnative:
        a, b = (side.astype(side.dtype.newbyteorder("=")) for side in (a, b))
    raw = [np.frombuffer(data, dtype=f"V{kind.size}") for data in (left, right)]
    unlike = _unlike(raw[0], raw[1], kind.size)
    where = np.flatnonzero(unlike)
    if not len(where):
        return
    found.differ += len(where)
    if found.first is None:
        at = int(where[0])
        found.first = done + at
        found.first_a, found.first_b = (_shown(side, at, kind) for side in (a, b))
    if kind.form is not None:
        _add_floats(found, a, b, where, done, kind)
    elif a.dtype.kind in "iub":
        _add_whole(found, a[where], b[where])


def _unlike(a: NDArray[Any], b: NDArray[Any], size: int) -> NDArray[np.bool_]:
    """Which elements differ in any byte."""
    import numpy as np

    found: NDArray[np.bool_]
    if size in (1, 2, 4, 8):
        found = a.view(f"u{size}") != b.view(f"u{size}")
    else:
        found = (a.view(np.uint8) != b.view(np.uint8)).reshape(-1, size).any(axis=1)
    return found


def _add_floats(found: Tally, a: NDArray[Any], b: NDArray[Any], where: NDArray[Any], done: int, kind: Kind) -> None:
    import numpy as np

    form = kind.form
    assert form is not None
    unsigned = f"u{form.bits // 8}"
    a, b = (side.view(unsigned).reshape(-1, kind.parts)[where] for side in (a, b))
    place = np.repeat(where, kind.parts)
    apart = (a != b).ravel()
    a, b, place = a.ravel()[apart], b.ravel()[apart], place[apart]
    nan_a, nan_b = ulps.is_nan(a, form), ulps.is_nan(b, form)
    found.nan_only_a += int((nan_a & ~nan_b).sum())
    found.nan_only_b += int((nan_b & ~nan_a).sum())
    found.nan_payloads += int((nan_a & nan_b).sum())
    lone = nan_a ^ nan_b
    if found.first_nan is None and lone.any():
        found.first_nan = done + int(place[lone][0])
    numbers = ~(nan_a | nan_b)
    if not numbers.any():
        return
    a, b, place = a[numbers], b[numbers], place[numbers]
    steps = ulps.distances(a, b, form)
    found.zero_signs += int((steps == 0).sum())
    if found.first_ulps is None and place[0] + done == found.first:
        found.first_ulps = int(steps[0])
    top = int(steps.argmax())
    if found.max_ulps is None or int(steps[top]) > found.max_ulps:
        found.max_ulps, found.max_ulps_at = int(steps[top]), done + int(place[top])
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        x, y = ulps.values(a, form), ulps.values(b, form)
        gap = np.abs(x - y)
        larger = np.maximum(np.abs(x), np.abs(y))
        share = np.where(larger > 0, np.where(np.isinf(larger), np.inf, gap / larger), 0.0)
    found.max_abs = max(found.max_abs or 0.0, float(gap.max()))
    found.max_rel = max(found.max_rel or 0.0, float(share.max()))


def _add_whole(found: Tally, a: NDArray[Any], b: NDArray[Any]) -> None:
    import numpy as np

    # The difference of two int64 fits uint64 and not int64; unsigned arithmetic wraps to it.
    low, high = np.minimum(a, b), np.maximum(a, b)
    gap = int((high.astype(np.uint64) - low.astype(np.uint64)).max())
    found.max_abs = max(int(found.max_abs or 0), gap)


def _shown(side: NDArray[Any], at: int, kind: Kind) -> Any:
    """The element as a JSON value."""
    if kind.form is not None:
        bits = side.view(f"u{kind.form.bits // 8}").reshape(-1, kind.parts)[at]
        numbers = [float(one) for one in ulps.values(bits, kind.form)]
        return numbers[0] if kind.parts == 1 else numbers
    one = side[at]
    if side.dtype.kind == "b":
        return bool(one)
    if side.dtype.kind in "iu":
        return int(one)
    if side.dtype.kind == "V" and side.dtype.names is None:
        return bytes(one).hex()
    return str(one)


def apart(found: Tally) -> str:
    """How far, in words: `at most 3 ULPs (abs 1.2e-07, rel 9.5e-08)`; empty where there is no distance."""
    words = []
    if found.max_ulps is not None:
        words.append(f"at most {found.max_ulps:,} ULP{'' if found.max_ulps == 1 else 's'}")
        words.append(f"(abs {found.max_abs:.3g}, rel {found.max_rel:.3g})")
    elif found.max_abs is not None:
        words.append(f"at most {found.max_abs:,}")
    extras = []
    for number, text in (
        (found.nan_only_a, "NaN in a only"),
        (found.nan_only_b, "NaN in b only"),
        (found.nan_payloads, "NaN with other bits"),
        (found.zero_signs, "zero with the other sign"),
    ):
        if number:
            extras.append(f"{number:,} {text}")
    text = " ".join(words)
    return ", ".join([*([text] if text else []), *extras])


def number_text(value: Any) -> str:
    """A value as it is told: floats in their shortest form that reads back as the same."""
    if isinstance(value, float) and math.isfinite(value):
        return repr(value)
    return str(value)
