"""A loader's batches do not depend on its workers, on how they start, or on where it was resumed."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import IterableDataset

from pedigree import training
from pedigree.errors import InvalidInput
from tests.training.pictures import Pictures, jittered, mixed

pytestmark = pytest.mark.filterwarnings("ignore:This DataLoader will create 4 worker processes:UserWarning")

SIZE, BATCH, EPOCHS = 23, 4, 3
DEFAULT: dict[str, Any] = {"seed": 7, "collate_fn": mixed}


def loader(**options: Any) -> training.Loader:
    return training.Loader(Pictures(SIZE), BATCH, **(DEFAULT | options))


def flat(batch: dict[str, Any]) -> str:
    """All of a batch, every bit."""
    return json.dumps({name: value.numpy().tobytes().hex() for name, value in batch.items()})


@pytest.fixture(scope="module")
def wanted() -> list[str]:
    made = loader()
    return [flat(batch) for _ in range(EPOCHS) for batch in made]


@pytest.fixture(autouse=True)
def _two_threads() -> Any:
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize(
    ("workers", "start", "persistent"),
    [
        (0, None, False),
        (1, "fork", False),
        (2, "fork", True),
        pytest.param(4, "fork", True, marks=pytest.mark.slow),
        pytest.param(2, "fork", False, marks=pytest.mark.slow),
        pytest.param(1, "spawn", True, marks=pytest.mark.slow),
        pytest.param(2, "spawn", True, marks=pytest.mark.slow),
        pytest.param(4, "spawn", False, marks=pytest.mark.slow),
        pytest.param(2, "forkserver", True, marks=pytest.mark.slow),
    ],
)
def test_batches_are_the_same_for_any_workers(
    wanted: list[str], workers: int, start: str | None, persistent: bool
) -> None:
    """Three epochs, with the training drawing from the globals between batches, and no set_epoch.

    Break: leave one_thread out (0 workers differ).
    """
    made = loader(num_workers=workers, multiprocessing_context=start, persistent_workers=persistent)
    found = []
    for _ in range(EPOCHS):
        for batch in made:
            found.append(flat(batch))
            random.random(), np.random.random(), torch.rand(3)
    assert found == wanted


def test_a_persistent_worker_is_told_each_epoch() -> None:
    """Break: send epoch 0 with every index."""
    made = loader(num_workers=1, persistent_workers=True)
    assert [{int(one) for batch in made for one in batch["epoch"]} for _ in range(2)] == [{0}, {1}]


def test_loading_leaves_the_trainings_own_randomness_alone() -> None:
    """Break: leave `kept` out, or DataLoader without a generator of its own."""
    for workers in (0, 1):
        training.seed_everything(3)
        expected = random.random(), float(np.random.random()), torch.rand(()).item()
        training.seed_everything(3)
        made = loader(num_workers=workers)
        next(iter(made))
        assert (random.random(), float(np.random.random()), torch.rand(()).item()) == expected


@pytest.mark.parametrize("workers", [0, 2])
def test_it_resumes_behind_any_batch(wanted: list[str], workers: int) -> None:
    """Ten stops at random batches, each in a new loader that has the state through JSON.

    Break: count what the workers were sent and not what was handed out; count after the yield.
    """
    stops = sorted(random.Random(1).sample(range(len(wanted)), 10 if workers == 0 else 3))
    made, state = loader(num_workers=workers), {}
    found: list[str] = []
    for stop in stops:
        while len(found) <= stop:
            for batch in made:
                found.append(flat(batch))
                if len(found) > stop:
                    state = json.loads(json.dumps(made.state_dict()))
                    break
        made = loader(num_workers=workers)
        made.load_state_dict(state)
        made.set_epoch(made.epoch)
    while made.epoch < EPOCHS:
        found += [flat(batch) for batch in made]
    assert found == wanted


def test_a_state_of_the_last_batch_leaves_an_empty_rest_of_the_epoch() -> None:
    """So that what follows an epoch (validation) still happens. Break: go to the next epoch while loading."""
    made, other = loader(), loader()
    for _ in made:
        state = made.state_dict()
    other.load_state_dict(state)
    assert (other.epoch, list(other), other.epoch) == (0, [], 1)
    assert made.state_dict() == other.state_dict()


def test_an_interrupted_epoch_begins_anew() -> None:
    """As with every loader. Break: keep the position of the last iteration."""
    made = loader()
    first = flat(next(iter(made)))
    assert flat(next(iter(made))) == first
    assert len(list(made)) == len(made)


def test_ranks_share_the_batches_of_one(wanted: list[str]) -> None:
    """A sample is the same whichever rank loads it. Break: draw from (epoch, place in the share)."""
    whole = {
        int(one): flat({name: batch[name][i] for name in SAMPLE})
        for batch in loader()
        for i, one in enumerate(batch["index"])
    }
    for rank in range(2):
        for batch in loader(rank=rank, world_size=2):
            assert len(batch["index"]) <= BATCH // 2
            for i, one in enumerate(batch["index"]):
                assert flat({name: batch[name][i] for name in SAMPLE}) == whole.pop(int(one))
    assert not whole


SAMPLE = ("index", "epoch", "drawn", "torch", "globals", "sum")


def test_a_plain_list_with_an_augmentation_and_ids_keeps_numbers_by_name() -> None:
    """The same names draw the same numbers when one is taken away. Break: draw from the index."""

    def loaded(names: list[str]) -> dict[str, float]:
        made = training.Loader([0.0] * len(names), 1, seed=1, shuffle=False, augment=jittered, ids=names)
        return {name: batch.item() for name, batch in zip(names, made, strict=True)}

    more, fewer = loaded(["a", "b", "c"]), loaded(["a", "c"])
    assert {name: more[name] for name in fewer} == fewer
    assert len({*more.values()}) == 3


def test_without_isolation_the_globals_are_neither_set_nor_put_back() -> None:
    """Break: seed whatever `isolate` says."""
    training.seed_everything(3)
    expected = [torch.rand(()).item() for _ in range(3)]
    training.seed_everything(3)
    made = training.Loader(Draws(), 3, seed=1, isolate=False)
    assert next(iter(made)).tolist() == pytest.approx(expected, abs=0)


class Draws:
    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int) -> float:
        return torch.rand(()).item()


class Stream(IterableDataset[int]):
    def __iter__(self) -> Iterator[int]:
        return iter([1])


def test_iterable_datasets_are_refused_with_what_to_do() -> None:
    """Break: hand them to torch's DataLoader."""
    with pytest.raises(InvalidInput, match="Stream is an iterable dataset") as caught:
        training.Loader(Stream(), 1, seed=1)
    assert "__getitem__" in str(caught.value.remedy)


def test_options_that_would_undo_it_are_refused() -> None:
    """Break: pass them on."""
    with pytest.raises(InvalidInput, match="decides generator, sampler itself"):
        loader(sampler=[1], generator=torch.Generator())


@pytest.mark.parametrize("ids", [["a"], ["a", "a", "b"]])
def test_ids_that_do_not_name_each_sample_are_refused(ids: list[str]) -> None:
    """Break: check the length alone."""
    with pytest.raises(InvalidInput, match=r"3 samples need as many ids"):
        training.Loader([1, 2, 3], 1, seed=1, ids=ids)


def test_an_error_in_a_dataset_names_the_sample() -> None:
    """Break: no note."""

    def broken(sample: int, draw: training.Draw) -> int:
        raise ValueError("no such breed")

    with pytest.raises(ValueError, match="no such breed") as caught:
        list(training.Loader([1], 1, seed=1, augment=broken, ids=["cat_7"]))
    assert "sample 'cat_7' (index 0) in epoch 0" in caught.value.__notes__[0]
