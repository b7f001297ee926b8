"""The randomness of one sample in one epoch: a pure function of (seed, purpose, epoch, sample id).

Nothing else enters: not the worker that loads the sample, not the samples before it, not where training was resumed.

The construction, stable for ever: Philox-4x64-10 with bytes 0 to 15 of BLAKE3-256(kind + "\\n" + canonical JSON of
[seed, purpose]) as key, little-endian, where kind is `pedigree.sample/1` for `sample_rng` and `pedigree.sample-torch/1` for
`sample_generator`; and the four 64-bit words (0, epoch, low, high) as the counter to begin at. (low, high) is (id, 0) for a
whole number, and for a text the first 16 bytes of its UTF-8's BLAKE3 with the highest bit set. The first word counts blocks, so
each sample has 2**66 numbers of its own.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from blake3 import blake3

from pedigree.canonical import digest_of
from pedigree.errors import InvalidInput
from pedigree.training.streams import checked, state_of

SampleId = int | str
_Words = np.ndarray[Any, np.dtype[np.uint64]]

_HALF = (1 << 64) - 1
_TEXT = 1 << 127


def key(kind: str, seed: int, purpose: str) -> _Words:
    """The 128-bit key of all samples for one purpose, as two words. Errors as `sample_rng`."""
    # Checked here and not below: to a cache True and 1 are one argument.
    return _key(kind, checked("seed", seed), _named(purpose))


def _named(purpose: Any) -> str:
    if not isinstance(purpose, str) or not purpose:
        raise InvalidInput(f"A purpose is a text of one letter or more, got {purpose!r}.", remedy='Write "augment".')
    return purpose


@lru_cache(maxsize=256)
def _key(kind: str, seed: int, purpose: str) -> _Words:
    digest = bytes.fromhex(digest_of(kind, [seed, purpose]))
    words = np.frombuffer(digest[:16], dtype="<u8").astype(np.uint64)
    words.flags.writeable = False
    return words


def number(sample_id: SampleId) -> int:
    """The 128-bit number of a sample id; whole numbers and texts never share one."""
    if isinstance(sample_id, str):
        return int.from_bytes(blake3(sample_id.encode("utf-8", "surrogatepass")).digest(16), "little") | _TEXT
    return checked("sample id", sample_id)


def sample_rng(seed: int, purpose: str, epoch: int, sample_id: SampleId) -> np.random.Generator:
    """A NumPy generator for this sample in this epoch, the same whoever asks and whenever. About 10 µs.

    Raises InvalidInput for a seed, epoch or whole-number id outside [0, 2**63), and for an empty purpose.
    """
    return np.random.Generator(_philox("pedigree.sample/1", seed, purpose, epoch, sample_id))


def sample_generator(seed: int, purpose: str, epoch: int, sample_id: SampleId) -> torch.Generator:
    """A torch CPU generator for this sample in this epoch. About 60 µs. Errors as `sample_rng`."""
    made = torch.Generator()
    made.set_state(_torch_state(seed, purpose, epoch, sample_id))
    return made


@dataclass(frozen=True, slots=True)
class Draw:
    """One sample in one epoch, which its dataset is told so that its random numbers depend on nothing else."""

    seed: int
    epoch: int
    sample_id: SampleId

    def rng(self, purpose: str) -> np.random.Generator:
        """`sample_rng` of this sample for a purpose."""
        return sample_rng(self.seed, purpose, self.epoch, self.sample_id)

    def generator(self, purpose: str) -> torch.Generator:
        """`sample_generator` of this sample for a purpose."""
        return sample_generator(self.seed, purpose, self.epoch, self.sample_id)

    def seed_globals(self, purpose: str) -> None:
        """Set the global generators of `random`, NumPy and torch's CPU for this sample. 0.1 to 0.3 ms.

        For code that draws from them whatever it is given, as most augmentation libraries do.
        """
        words = _philox("pedigree.sample-globals/1", self.seed, purpose, self.epoch, self.sample_id).random_raw(4)
        random.seed(int(words[0]) << 64 | int(words[1]))
        np.random.seed(words[2:].view(np.uint32))
        torch.default_generator.set_state(_torch_state(self.seed, purpose, self.epoch, self.sample_id))


def _philox(kind: str, seed: int, purpose: str, epoch: int, sample_id: SampleId) -> np.random.Philox:
    own = number(sample_id)
    counter = np.array([0, checked("epoch", epoch), own & _HALF, own >> 64], dtype=np.uint64)
    return np.random.Philox(key=key(kind, seed, purpose), counter=counter)


def _torch_state(seed: int, purpose: str, epoch: int, sample_id: SampleId) -> torch.Tensor:
    raw = _philox("pedigree.sample-torch/1", seed, purpose, epoch, sample_id).random_raw(312)
    return state_of(raw, int(raw[0]) >> 1)
