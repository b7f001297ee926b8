"""Which samples make which batch: a pure function of (size, batch size, seed, epoch), with a position to resume from.

A batch is a *global* batch: with several ranks each takes every `world_size`-th sample of it, so that the union of what the
ranks see at a step is the same batch for any number of ranks, and a training continues on another number of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from pedigree.errors import InvalidInput
from pedigree.training.streams import checked, rng

FORMAT = 1

#: What a position depends on: a state of other values is no position in this order.
_SAME = ("seed", "size", "batch_size", "shuffle", "drop_last")


def order(size: int, seed: int, epoch: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """The numbers 0 to size - 1 in the order of this epoch.

    Sample i's place is the rank of the i-th raw Philox number of the stream (seed, "shuffle", epoch), ties (one in 2**64 per
    pair) by number. So the order is stable for ever, unlike NumPy's `permutation`, and samples added at the end leave the
    others in the same order among themselves.
    """
    words = rng(seed, "shuffle", epoch).bit_generator.random_raw(size)
    return np.argsort(words, kind="stable")


class Batches:
    """A batch sampler for torch's DataLoader: lists of sample numbers, `len` of them per epoch on every rank.

    `batch_size` is the global batch, a multiple of `world_size`. The last batch of an epoch may be smaller (`drop_last`
    leaves it out); its shares then differ by one sample between ranks, and a share may not be empty.

    A DataLoader with workers reads ahead, so the position here is not that of the training: `Loader` counts what was
    handed out. Use this class alone where you count yourself.
    """

    def __init__(
        self,
        size: int,
        batch_size: int,
        *,
        seed: int,
        shuffle: bool = True,
        drop_last: bool = False,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        self.size, self.batch_size = checked("number of samples", size), checked("batch size", batch_size)
        self.seed, self.shuffle, self.drop_last = checked("seed", seed), bool(shuffle), bool(drop_last)
        self.rank, self.world_size = checked("rank", rank), checked("world size", world_size)
        self.epoch = 0
        #: The batch of `epoch` that the next iteration begins with.
        self.start = 0
        if not self.rank < self.world_size:
            raise InvalidInput(
                f"Rank {rank} does not exist among {world_size}.", remedy="Ranks count from 0 to world_size - 1."
            )
        if self.batch_size == 0 or self.batch_size % self.world_size:
            raise InvalidInput(
                f"A batch of {batch_size} cannot be shared equally by {world_size} ranks.",
                remedy="`batch_size` counts the samples of all ranks together: take a multiple of world_size above 0.",
            )
        rest = self.size % self.batch_size
        if 0 < rest < self.world_size and not drop_last:
            raise InvalidInput(
                f"The last batch of {size} samples has {rest}, too few for {world_size} ranks.",
                remedy="Set drop_last=True, or take another batch size.",
            )

    def __len__(self) -> int:
        return self.size // self.batch_size if self.drop_last else -(-self.size // self.batch_size)

    def __iter__(self) -> Iterator[list[int]]:
        start, self.start = self.start, 0
        return self.between(self.epoch, start)

    def between(self, epoch: int, start: int) -> Iterator[list[int]]:
        """This rank's share of each batch of an epoch, from batch `start` on."""
        numbers = order(self.size, self.seed, epoch) if self.shuffle else np.arange(self.size)
        for batch in range(start, len(self)):
            first = batch * self.batch_size
            yield numbers[first + self.rank : min(first + self.batch_size, self.size) : self.world_size].tolist()

    def set_epoch(self, epoch: int) -> None:
        """Go to an epoch's beginning; where it is the present one, a loaded position stays."""
        if checked("epoch", epoch) != self.epoch:
            self.epoch, self.start = int(epoch), 0

    def state_dict(self) -> dict[str, Any]:
        """The position as plain JSON values; the same on every rank, for any number of ranks."""
        return {"format": FORMAT, "epoch": self.epoch, "batch": self.start} | self._order()

    def load_state_dict(self, state: Any) -> None:
        """Continue from a position; raises InvalidInput, changing nothing, for one in another order of samples."""
        if not isinstance(state, dict) or state.get("format") != FORMAT:
            raise InvalidInput(
                f"This is no position of a sampler in format {FORMAT}: {state!r:.200}",
                remedy="Give what state_dict() of a Batches or Loader returned.",
            )
        other = [name for name in _SAME if state.get(name) != getattr(self, name)]
        if other:
            was = ", ".join(f"{name} {state.get(name)!r}" for name in other)
            now = ", ".join(f"{name} {getattr(self, name)!r}" for name in other)
            raise InvalidInput(
                f"The position was saved with {was}; here it is {now}: the order of samples is another one.",
                remedy="Build the loader with the values that it had, or start the epoch anew without loading the position.",
            )
        epoch, start = checked("epoch", state.get("epoch")), checked("batch", state.get("batch"))
        if start > len(self):
            raise InvalidInput(
                f"The position is batch {start} of an epoch of {len(self)}.",
                remedy="The file that holds it is damaged; take an earlier one.",
            )
        self.epoch, self.start = epoch, start

    def _order(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in _SAME}
