"""The distance of two floating-point numbers in units in the last place (ULPs).

The finite numbers and the infinities of a format, in order of size, are numbered by whole numbers: a number's bits without its
sign are its rank among those of its sign, because exponent and fraction stand in order of weight. The distance of two numbers
is the difference of their ranks: how many steps of `numpy.nextafter` lead from one to the other. So:

- +0 and -0 are 0 apart (they are one number), although their bits differ; they are counted apart, as `zero signs`.
- Subnormals are numbers like others: from -2**-149 to 2**-149 it is 2 steps in float32.
- An infinity is 1 beyond the largest finite number.
- A NaN is no number and has no distance, not even from another NaN.

Source: Bruce Dawson, "Comparing Floating Point Numbers, 2012 Edition", on ordering the bits as sign and magnitude.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Format:
    """A format of sign, `exponent` bits and `fraction` bits.

    `finite`: it has no infinities, and only the pattern of all ones is NaN, as in float8_e4m3fn.
    Source: Micikevicius et al. 2022, FP8 formats for deep learning (arXiv:2209.05433), table 1, for the two of 8 bits.
    """

    name: str
    exponent: int
    fraction: int
    finite: bool = False

    @property
    def bits(self) -> int:
        return 1 + self.exponent + self.fraction

    @property
    def infinity(self) -> int:
        """The largest magnitude, as bits, that is not NaN."""
        top = (1 << (self.bits - 1)) - 1
        return top - 1 if self.finite else top - ((1 << self.fraction) - 1)


FORMATS = {
    one.name: one
    for one in (
        Format("float8_e4m3fn", 4, 3, finite=True),
        Format("float8_e5m2", 5, 2),
        Format("float16", 5, 10),
        Format("bfloat16", 8, 7),
        Format("float32", 8, 23),
        Format("float64", 11, 52),
    )
}


def magnitudes(bits: NDArray[Any], form: Format) -> tuple[NDArray[Any], NDArray[Any]]:
    """Negative or not, and the bits without the sign, of an unsigned array of the format's width."""
    sign = bits.dtype.type(1 << (form.bits - 1))
    return (bits & sign) != 0, bits & ~sign


def is_nan(bits: NDArray[Any], form: Format) -> NDArray[np.bool_]:
    """Which of these bits are NaNs."""
    found: NDArray[np.bool_] = magnitudes(bits, form)[1] > form.infinity
    return found


def distances(a: NDArray[Any], b: NDArray[Any], form: Format) -> NDArray[np.uint64]:
    """ULPs between the numbers with these bits (unsigned arrays of one shape), as uint64. Meaningless where either is NaN."""
    import numpy as np

    # Ranks are moved up by 2**(bits - 1) so that unsigned numbers hold them, for 64 bits too.
    middle = np.uint64(1 << (form.bits - 1))
    ranks = []
    for bits in (a, b):
        negative, magnitude = magnitudes(bits, form)
        wide = magnitude.astype(np.uint64)
        ranks.append(np.where(negative, middle - wide, middle + wide))
    found: NDArray[np.uint64] = np.maximum(*ranks) - np.minimum(*ranks)
    return found


def values(bits: NDArray[Any], form: Format) -> NDArray[np.float64]:
    """The numbers with these bits, as float64, which holds each of them exactly."""
    import numpy as np

    found: NDArray[np.float64]
    with np.errstate(invalid="ignore"):  # casting a signalling NaN
        if form.name in ("float16", "float32", "float64"):
            found = bits.view(form.name).astype(np.float64)
        elif form.name == "bfloat16":
            found = (bits.astype(np.uint32) << np.uint32(16)).view(np.float32).astype(np.float64)
        else:
            found = _table(form)[bits]
    return found


@lru_cache(maxsize=4)
def _table(form: Format) -> NDArray[np.float64]:
    """Every value of a format of 8 bits, by its bits."""
    import numpy as np

    bias = (1 << (form.exponent - 1)) - 1
    found = []
    for bits in range(256):
        magnitude = bits & 0x7F
        exponent, fraction = magnitude >> form.fraction, magnitude & ((1 << form.fraction) - 1)
        share = fraction / (1 << form.fraction)
        number = math.ldexp(share, 1 - bias) if exponent == 0 else math.ldexp(1 + share, exponent - bias)
        if magnitude > form.infinity:
            number = math.nan
        elif magnitude == form.infinity and not form.finite:
            number = math.inf
        found.append(-number if bits & 0x80 else number)
    return np.array(found, dtype=np.float64)


def ulp_distance(a: float, b: float) -> int | None:
    """ULPs between two Python floats (float64); None where either is NaN. Needs no numpy."""
    if math.isnan(a) or math.isnan(b):
        return None
    return abs(_rank(a) - _rank(b))


def _rank(number: float) -> int:
    (bits,) = struct.unpack("<Q", struct.pack("<d", number))
    magnitude: int = bits & ~(1 << 63)
    return -magnitude if bits >> 63 else magnitude
