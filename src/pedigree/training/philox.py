"""The random numbers of many samples at once: Philox-4x64-10 over arrays of counters.

Source: Salmon, Moraes, Dror, Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3", with the constants of its Random123.
Row i is what `sample_rng(seed, purpose, epoch, ids[i])` gives, bit for bit; that law is the test.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pedigree.training.draws import SampleId, key, number
from pedigree.training.streams import checked

Words = np.ndarray[Any, np.dtype[np.uint64]]
Floats = np.ndarray[Any, np.dtype[np.float64]]

_MULTIPLIERS = (np.uint64(0xD2E7470EE14C6C93), np.uint64(0xCA5A826395121157))
_WEYL = (0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B)
_LOW, _32 = np.uint64(0xFFFFFFFF), np.uint64(32)
_MASK = (1 << 64) - 1
_ROUNDS = 10


def sample_bits(
    seed: int, purpose: str, epoch: int, ids: Sequence[SampleId] | np.ndarray[Any, Any], count: int
) -> Words:
    """uint64 (len(ids), count): row i is `sample_rng(seed, purpose, epoch, ids[i]).bit_generator.random_raw(count)`.

    Errors as `sample_rng`.
    """
    low, high = _numbers(ids)
    blocks = -(-count // 4)
    made = np.empty((len(low), blocks, 4), dtype=np.uint64)
    words = key("pedigree.sample/1", seed, purpose)
    epochs = np.full_like(low, checked("epoch", epoch))
    for block in range(blocks):
        # NumPy counts up before it makes a block, so the first has 1 in its lowest word.
        made[:, block] = _block((np.full_like(low, block + 1), epochs, low, high), (int(words[0]), int(words[1])))
    return made.reshape(len(low), blocks * 4)[:, :count]


def sample_uniforms(
    seed: int, purpose: str, epoch: int, ids: Sequence[SampleId] | np.ndarray[Any, Any], count: int
) -> Floats:
    """float64 (len(ids), count) in [0, 1): row i is `sample_rng(seed, purpose, epoch, ids[i]).random(count)`.

    A multiple of 2**-53 each. Errors as `sample_rng`.
    """
    bits = sample_bits(seed, purpose, epoch, ids, count) >> np.uint64(11)
    return bits.astype(np.float64) * 2.0**-53


def _numbers(ids: Sequence[SampleId] | np.ndarray[Any, Any]) -> tuple[Words, Words]:
    if isinstance(ids, np.ndarray) and ids.dtype.kind in "iu":
        if len(ids):
            checked("sample id", ids.min()), checked("sample id", ids.max())
        low = ids.astype(np.uint64)
        return low, np.zeros_like(low)
    own = [number(one) for one in ids]
    return np.array([one & _MASK for one in own], dtype=np.uint64), np.array(
        [one >> 64 for one in own], dtype=np.uint64
    )


def _block(counter: tuple[Words, Words, Words, Words], words: tuple[int, int]) -> Words:
    first, second, third, fourth = counter
    for turn in range(_ROUNDS):
        keys = [np.uint64((word + turn * weyl) & _MASK) for word, weyl in zip(words, _WEYL, strict=True)]
        high0, low0 = _product(_MULTIPLIERS[0], first)
        high1, low1 = _product(_MULTIPLIERS[1], third)
        first, second, third, fourth = high1 ^ second ^ keys[0], low1, high0 ^ fourth ^ keys[1], low0
    return np.stack((first, second, third, fourth), axis=-1)


def _product(constant: np.uint64, values: Words) -> tuple[Words, Words]:
    """The high and low 64 bits of each 128-bit product, by schoolbook halves; each sum below stays under 2**64."""
    a_low, a_high = constant & _LOW, constant >> _32
    b_low, b_high = values & _LOW, values >> _32
    cross = a_high * b_low + (a_low * b_low >> _32)
    middle = a_low * b_high + (cross & _LOW)
    return a_high * b_high + (cross >> _32) + (middle >> _32), values * constant
