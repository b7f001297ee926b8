"""ULP distances are steps of numpy.nextafter, in every format, through zero and up to infinity."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pedigree.training.comparing import ulps
from pedigree.training.comparing.ulps import FORMATS, ulp_distance

#: Places where the spacing changes, or the sign, or the kind of number; by the numpy format.
_STARTS = ("zero", "tiny", "smallest", "one", "below_one", "max", "minus_one", "minus_tiny")


def _bits(values: Any, name: str) -> Any:
    width = {"float16": "u2", "float32": "u4", "float64": "u8"}[name]
    return np.atleast_1d(np.asarray(values, dtype=name)).view(width)


def _start(name: str, where: str) -> Any:
    info = np.finfo(name)
    kind = np.dtype(name).type
    return {
        "zero": kind(0),
        "tiny": info.smallest_normal,
        "smallest": info.smallest_subnormal,
        "one": kind(1),
        "below_one": kind(1) - info.epsneg,
        "max": info.max,
        "minus_one": kind(-1),
        "minus_tiny": -info.smallest_normal,
    }[where]


@pytest.mark.parametrize("where", _STARTS)
@pytest.mark.parametrize("name", ["float16", "float32", "float64"])
def test_a_walk_of_steps_is_so_many_ulps(name: str, where: str) -> None:
    """n steps of nextafter, upwards or downwards, lead n ULPs away; at the infinities the walk stays.

    Break: ranks without the sign (`middle + wide` for both) make the walks through zero 0 or wrong.
    """
    start = _start(name, where)
    for aim in (np.inf, -np.inf):
        at, steps = start, 0
        for _ in range(40):
            with np.errstate(over="ignore"):
                following = np.nextafter(at, np.dtype(name).type(aim))
            steps += bool(following != at)
            at = following
            found = ulps.distances(_bits(start, name), _bits(at, name), FORMATS[name])
            assert int(found[0]) == steps


def test_across_zero_there_is_one_zero() -> None:
    """From the smallest negative to the smallest positive number it is 2, and the zeros are 0 apart.

    Break: taking the ordered integers of -0 and +0 as neighbours gives 3 and 1.
    """
    for name in ("float16", "float32", "float64"):
        small = np.finfo(name).smallest_subnormal
        assert int(ulps.distances(_bits(-small, name), _bits(small, name), FORMATS[name])[0]) == 2
        assert int(ulps.distances(_bits(-0.0, name), _bits(0.0, name), FORMATS[name])[0]) == 0


def test_from_end_to_end_fits() -> None:
    """From -inf to +inf in float64 is twice the bits of infinity, which signed 64-bit numbers do not hold.

    Break: ranks as int64 overflow to a negative distance.
    """
    found = ulps.distances(_bits(-np.inf, "float64"), _bits(np.inf, "float64"), FORMATS["float64"])
    assert int(found[0]) == 2 * 0x7FF0_0000_0000_0000
    assert ulp_distance(-math.inf, math.inf) == 2 * 0x7FF0_0000_0000_0000


_TORCH = {"float8_e4m3fn": torch.float8_e4m3fn, "float8_e5m2": torch.float8_e5m2, "bfloat16": torch.bfloat16}


@pytest.mark.parametrize("name", sorted(_TORCH))
def test_values_of_the_short_formats_are_torchs(name: str) -> None:
    """Every bit pattern means the number that torch says, NaNs included.

    Break: an exponent bias one too large halves every value; treating e4m3fn as having infinities loses 256 to 448.
    """
    form = FORMATS[name]
    bits = np.arange(1 << form.bits, dtype=f"u{form.bits // 8}")
    signed = torch.from_numpy(bits.view(f"i{form.bits // 8}").copy())
    expected = signed.view(_TORCH[name]).to(torch.float64).numpy()
    np.testing.assert_array_equal(ulps.values(bits, form), expected)
    np.testing.assert_array_equal(ulps.is_nan(bits, form), np.isnan(expected))


@pytest.mark.parametrize("name", sorted(_TORCH))
def test_ranks_of_the_short_formats_count_the_numbers_between(name: str) -> None:
    """Sorted by value, each number is 1 ULP from the next, and the two zeros 0.

    Break: masking the sign with one bit too few makes negative neighbours far apart.
    """
    form = FORMATS[name]
    bits = np.arange(1 << form.bits, dtype=f"u{form.bits // 8}")
    bits = bits[~ulps.is_nan(bits, form)]
    values = ulps.values(bits, form)
    order = bits[np.argsort(values, kind="stable")]
    steps = ulps.distances(order[:-1], order[1:], form)
    ordered = np.sort(values, kind="stable")
    np.testing.assert_array_equal(steps, (ordered[:-1] != ordered[1:]).astype(np.uint64))


@pytest.mark.parametrize("name", ["float16", "float32", "float64"])
def test_nan_is_above_infinity_and_nothing_else(name: str) -> None:
    """Infinities and the largest numbers are no NaNs; quiet and signalling ones of either sign are.

    Break: `>=` for `>` takes infinity for a NaN.
    """
    info = np.finfo(name)
    form = FORMATS[name]
    numbers = _bits([info.max, np.inf, -np.inf, 0.0, -0.0], name)
    assert not ulps.is_nan(numbers, form).any()
    sign = 1 << (form.bits - 1)
    patterns = [form.infinity + 1, form.infinity | sign | 1, (1 << form.bits) - 1]
    assert ulps.is_nan(np.array(patterns, dtype=numbers.dtype), form).all()


@given(st.floats(allow_nan=False), st.floats(allow_nan=False))
def test_python_and_numpy_agree(a: float, b: float) -> None:
    """The distance of two Python floats is that of the arrays that hold them, and symmetric.

    Break: `_rank` without its minus for negative numbers.
    """
    found = int(ulps.distances(_bits(a, "float64"), _bits(b, "float64"), FORMATS["float64"])[0])
    assert ulp_distance(a, b) == found == ulp_distance(b, a)


@given(st.floats(1, 2, exclude_max=True), st.floats(1, 2, exclude_max=True))
def test_between_one_and_two_an_ulp_is_epsilon(a: float, b: float) -> None:
    """In one binade the distance is the exact difference divided by 2**-52.

    Break: counting in units of epsneg doubles it.
    """
    assert ulp_distance(a, b) == abs(Fraction(a) - Fraction(b)) / Fraction(2) ** -52


def test_a_nan_has_no_distance() -> None:
    """None, from a number and from itself. Break: without the test a quiet NaN is 2**51 steps beyond infinity."""
    assert ulp_distance(math.nan, 1.0) is None
    assert ulp_distance(math.nan, math.nan) is None
