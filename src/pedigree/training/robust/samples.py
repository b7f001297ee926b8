"""The inputs of a training as batches on a device: arrays, or any data set with `len` and `[index]`."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any, Self

import numpy as np
import torch

from pedigree import canonical
from pedigree.errors import InvalidInput
from pedigree.training.draws import Draw
from pedigree.training.loading import Drawing, Loader
from pedigree.training.robust.checks import plain
from pedigree.training.robust.recipe import Recipe
from pedigree.training.sampling import Batches

Batch = tuple[torch.Tensor, torch.Tensor]


def digest(values: torch.Tensor, about: str = "") -> str:
    """A digest of a tensor's bytes, type and shape, and of what else is to be told apart."""
    hasher = canonical.hasher()
    hasher.update(f"{about} {values.dtype} {tuple(values.shape)}\n".encode())
    hasher.update(values.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return str(hasher.hexdigest())


class Samples:
    """Inputs of any kind, in the order given. Arrays (NumPy, torch, Arrow, lists of numbers) stay in their own type, where they are.

    Of a data set whose samples are tuples the first part is the input: its labels are given apart.
    """

    def __init__(self, inputs: Any) -> None:
        self.table: torch.Tensor | None = None
        self.dataset = inputs
        if isinstance(inputs, torch.Tensor):
            self.table = inputs.detach()
        elif isinstance(inputs, (np.ndarray, list, tuple)) or hasattr(inputs, "to_numpy"):
            self.table = _shared(inputs)
        elif not hasattr(inputs, "__len__"):
            raise InvalidInput(
                f"{type(inputs).__name__} has no length.", remedy="Give arrays, or a data set with `len` and `[index]`."
            )

    @classmethod
    def of(cls, inputs: Any) -> Self:
        """The inputs themselves where they are samples already."""
        return inputs if isinstance(inputs, cls) else cls(inputs)

    def only(self, rows: np.ndarray[Any, np.dtype[np.int64]]) -> Samples:
        """These samples, in this order."""
        if self.table is not None:
            return Samples(self.table[torch.from_numpy(rows).to(self.table.device)])
        return Samples(torch.utils.data.Subset(self.dataset, rows.tolist()))

    def __len__(self) -> int:
        return len(self.dataset if self.table is None else self.table)

    def digest(self) -> str:
        """Of an array all its bytes, its type and shape; of a data set, which may be too large to read, its length and first sample."""
        return digest(torch.as_tensor(self.one(0)) if self.table is None else self.table, f"{len(self)} samples")

    def batches(self, recipe: Recipe, epoch: int, rows: torch.Tensor | None) -> Iterator[Batch]:
        """(row numbers, inputs) of each batch of an epoch, in the order of `Batches`; of all samples, or of `rows`.

        The same samples in the same batches whether the inputs are arrays or a data set.
        """
        count = len(self) if rows is None else len(rows)
        if self.table is None or recipe.augment is not None:
            numbers = range(count) if rows is None else rows.tolist()
            loader = Loader(
                _Numbered(self, numbers),
                recipe.batch_size,
                seed=recipe.seed,
                augment=None if recipe.augment is None else _Augmented(recipe.augment),
                ids=numbers,
            )
            loader.set_epoch(epoch)
            for found, inputs in loader:
                yield found, inputs.to(recipe.device)
            return
        order = Batches(count, recipe.batch_size, seed=recipe.seed)
        for places in order.between(epoch, 0):
            chosen = torch.tensor(places) if rows is None else rows[places]
            yield chosen, self.table[chosen.to(self.table.device)].to(recipe.device)

    def parts(self, size: int, device: str) -> Iterator[torch.Tensor]:
        """All inputs in order, `size` at a time."""
        for start in range(0, len(self), size):
            stop = min(start + size, len(self))
            if self.table is not None:
                yield self.table[start:stop].to(device)
            else:
                yield torch.utils.data.default_collate([self.one(row) for row in range(start, stop)]).to(device)

    def one(self, row: int, draw: Draw | None = None) -> Any:
        if self.table is not None:
            return self.table[row]
        sampled = draw is not None and isinstance(self.dataset, Drawing)
        sample = self.dataset.sample(row, draw) if sampled else self.dataset[row]
        return sample[0] if isinstance(sample, (tuple, list)) else sample


def _shared(inputs: Any) -> torch.Tensor:
    """A tensor over the same memory: a memory map is not read, and nothing is ever written into it."""
    try:
        array = np.asarray(plain(inputs))
    except ValueError:  # lists of different lengths
        array = np.empty(0, object)
    if array.dtype.kind not in "iufb":
        raise InvalidInput(
            f"Inputs must be numbers, got an array of {array.dtype}.",
            remedy="Give an array of numbers of the same shape for each sample, or a data set.",
        )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The given NumPy array is not writable", UserWarning)
        return torch.from_numpy(np.ascontiguousarray(array))


class _Numbered:
    """Each sample with its number, for batches that say which samples they hold."""

    def __init__(self, samples: Samples, rows: Any) -> None:
        self.samples, self.rows = samples, rows

    def __len__(self) -> int:
        return len(self.rows)

    def sample(self, index: int, draw: Draw) -> tuple[int, Any]:
        return self.rows[index], self.samples.one(self.rows[index], draw)


class _Augmented:
    def __init__(self, augment: Any) -> None:
        self.augment = augment

    def __call__(self, numbered: tuple[int, Any], draw: Draw) -> tuple[int, Any]:
        return numbered[0], self.augment(numbered[1], draw)
