"""A data loader whose batches depend on the seed, the epoch and the data, and on nothing else.

Not on the number of workers, on how they are started (fork, spawn, forkserver), on whether they persist, on how many ranks
share a batch, or on where training was resumed. Each batch is made inside one function, in a worker or here: on one thread,
with every global generator set from (seed, epoch, sample id) before each sample, and from (seed, epoch, batch) before the
collation.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, IterableDataset, default_collate, get_worker_info

from pedigree.errors import InvalidInput
from pedigree.training.draws import Draw, SampleId
from pedigree.training.sampling import Batches
from pedigree.training.streams import torch_generator

#: Options of DataLoader that would undo what this loader promises.
_DECIDED = frozenset({"batch_sampler", "generator", "sampler"})


@runtime_checkable
class Drawing(Protocol):
    """A dataset that is told the draw: `sample(index, draw)` is called in place of `dataset[index]`."""

    def __len__(self) -> int: ...

    def sample(self, index: int, draw: Draw) -> Any: ...


class Loader:
    """Batches of a map-style dataset, in an order and with random numbers that are pure functions of (seed, epoch).

    `dataset` has `len` and `[index]`, or is a `Drawing`. `augment(sample, draw)`, where given, changes each sample with
    `draw.rng(purpose)` or `draw.generator(purpose)`. `ids` names the samples (default: their indices); a sample keeps its
    random numbers under its name when others are added or removed. `batch_size`, `rank`, `world_size`, `shuffle` and
    `drop_last` are those of `Batches`: the batch size counts the samples of all ranks.

    Datasets, `augment` and `collate_fn` may also draw from the global generators of `random`, NumPy and torch, which are set
    before each sample and put back afterwards. `isolate=False` leaves the globals alone, which saves about 0.1 ms per
    sample; then only draws are reproducible.

    Further options go to torch's DataLoader: `num_workers`, `multiprocessing_context`, `persistent_workers`, ...

    Each iteration is one epoch; a completed one moves `epoch` on by one, and `set_epoch` moves it anywhere. `state_dict()`
    counts the batches handed out, the present one included: save after the optimiser's step. After `load_state_dict` the
    next iteration begins behind that batch. One iteration at a time.

    Iterable datasets are not supported: what a worker reads from a stream depends on the number of workers.
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int,
        *,
        seed: int,
        shuffle: bool = True,
        drop_last: bool = False,
        rank: int = 0,
        world_size: int = 1,
        augment: Callable[[Any, Draw], Any] | None = None,
        ids: Sequence[SampleId] | None = None,
        collate_fn: Callable[[list[Any]], Any] | None = None,
        isolate: bool = True,
        **options: Any,
    ) -> None:
        if isinstance(dataset, IterableDataset) or not (hasattr(dataset, "__len__") or isinstance(dataset, Drawing)):
            raise InvalidInput(
                f"{type(dataset).__name__} is an iterable dataset: what each worker reads from it depends on their number.",
                remedy="Give it `__len__` and `__getitem__`, for instance by an index of where each record lies.",
            )
        if decided := sorted(_DECIDED & options.keys()):
            raise InvalidInput(
                f"A Loader decides {', '.join(decided)} itself.",
                remedy="Use torch's DataLoader with `Batches` as its batch_sampler to combine them yourself.",
            )
        size = len(dataset)
        if ids is not None and (len(ids) != size or len(set(ids)) != size):
            raise InvalidInput(
                f"{size} samples need as many ids, each its own; got {len(ids)}, of which {len(set(ids))} differ.",
                remedy="Two samples with one id would share their random numbers: name each, or leave ids out.",
            )
        self.batches = Batches(
            size,
            batch_size,
            seed=seed,
            shuffle=shuffle,
            drop_last=drop_last,
            rank=rank,
            world_size=world_size,
        )
        self._plan = _Plan(self.batches)
        self._handed_out = 0
        self._loader: DataLoader[Any] = DataLoader(
            _Made(dataset, augment, None if ids is None else tuple(ids), collate_fn, self.batches.seed, isolate),
            batch_sampler=self._plan,
            collate_fn=_same,
            # Without a generator of its own it would draw from torch's global one at the start of each epoch.
            generator=torch_generator(self.batches.seed, "loader"),
            **options,
        )

    @property
    def epoch(self) -> int:
        """The epoch that is under way, or the next one between two."""
        return self.batches.epoch

    def __len__(self) -> int:
        """Batches per epoch."""
        return len(self.batches)

    def __iter__(self) -> Iterator[Any]:
        epoch, start = self.batches.epoch, self.batches.start
        self.batches.start = 0
        self._handed_out = start
        self._plan.epoch, self._plan.start = epoch, start
        for batch in self._loader:
            self._handed_out += 1
            yield batch
        self.batches.epoch, self._handed_out = epoch + 1, 0

    def set_epoch(self, epoch: int) -> None:
        """Go to an epoch's beginning; where it is the present one, a loaded position stays."""
        if epoch != self.batches.epoch:
            self._handed_out = 0
        self.batches.set_epoch(epoch)

    def state_dict(self) -> dict[str, Any]:
        """The position as plain JSON values, the same for any number of workers and ranks."""
        return self.batches.state_dict() | {"batch": self._handed_out}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue behind the batch that was handed out last; raises InvalidInput as `Batches.load_state_dict`."""
        self.batches.load_state_dict(state)
        self._handed_out = self.batches.start


class _Place(NamedTuple):
    """What a worker is sent for one sample. The epoch travels with it: a persistent worker learns of it no other way."""

    epoch: int
    batch: int
    number: int


class _Plan:
    """The batch sampler of torch's DataLoader: places in place of numbers."""

    def __init__(self, batches: Batches) -> None:
        self.batches, self.epoch, self.start = batches, 0, 0

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[list[_Place]]:
        epoch, start = self.epoch, self.start
        for batch, indices in enumerate(self.batches.between(epoch, start), start):
            yield [_Place(epoch, batch, number) for number in indices]


class _Made(Dataset[Any]):
    """The dataset as torch's DataLoader sees it: a list of places to a finished batch."""

    def __init__(
        self,
        dataset: Any,
        augment: Callable[[Any, Draw], Any] | None,
        ids: tuple[SampleId, ...] | None,
        collate: Callable[[list[Any]], Any] | None,
        seed: int,
        isolate: bool,
    ) -> None:
        self.dataset, self.augment, self.ids = dataset, augment, ids
        self.collate, self.seed, self.isolate = collate or default_collate, seed, isolate

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitems__(self, places: list[_Place]) -> Any:
        # A worker's globals are nobody else's; here they are the training's.
        here = get_worker_info() is None
        with one_thread() if here else nullcontext(), kept() if here and self.isolate else nullcontext():
            samples = [self._sample(place) for place in places]
            if self.isolate:
                Draw(self.seed, places[0].epoch, places[0].batch).seed_globals("collate")
            return self.collate(samples)

    def _sample(self, place: _Place) -> Any:
        draw = Draw(self.seed, place.epoch, place.number if self.ids is None else self.ids[place.number])
        if self.isolate:
            draw.seed_globals("sample")
        try:
            if isinstance(self.dataset, Drawing):
                sample = self.dataset.sample(place.number, draw)
            else:
                sample = self.dataset[place.number]
            return sample if self.augment is None else self.augment(sample, draw)
        except Exception as error:
            error.add_note(f"This was sample {draw.sample_id!r} (index {place.number}) in epoch {place.epoch}.")
            raise


def _same(batch: Any) -> Any:
    return batch


@contextmanager
def one_thread() -> Iterator[None]:
    """torch on one thread, as in a worker: some operations give other bits on two."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@contextmanager
def kept() -> Iterator[None]:
    """The global generators of `random`, NumPy and torch's CPU, put back afterwards."""
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.default_generator.set_state(states[2])
