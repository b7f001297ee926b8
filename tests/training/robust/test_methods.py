"""Ready trainings: the same bytes for the same seed, interrupted or not; and what each method is at its limits."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pedigree import training
from pedigree.errors import CheckpointMismatch, InvalidInput, NonFinite
from tests.training.robust.blobs import CLASSES, INPUTS, LABELS, SIZE, TRUTH, WAYS, WRONG, digest, fitted, net, recipe

#: With those that have code of their own in the fast suite, and those that are plain training with weights in the slow one.
FIRST = ("plain", "co-teaching", "early learning", "mentor")
ALL = [pytest.param(way, marks=() if way in FIRST else pytest.mark.slow) for way in WAYS]


class Killed(Exception):
    pass


class Deadly(torch.optim.Adam):
    """Dies in its `left`-th step from now; counts over all optimisers."""

    left = 10**9

    def step(self, closure: Any = None) -> Any:
        Deadly.left -= 1
        if Deadly.left < 0:
            raise Killed
        return super().step(closure)


@pytest.mark.parametrize("way", ALL)
def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(way: str) -> None:
    """Break: build the nets from the global generator as it is; draw a dropout of weights from it."""
    first = digest(fitted(way))
    torch.rand(3)
    np.random.default_rng()
    assert digest(fitted(way)) == first
    assert digest(fitted(way, seed=6)) != first


@pytest.mark.parametrize("way", ALL)
def test_killed_in_any_step_and_run_again_it_ends_with_the_same_bytes(way: str, tmp_path: Path) -> None:
    """Break: leave the optimiser, the schedule, the loss's targets, the mentor's level or the random state out of the parts."""
    whole = digest(fitted(way, optimizer=Deadly))
    kills = 0
    while True:
        Deadly.left = 7 + kills
        try:
            found = fitted(way, optimizer=Deadly, checkpoints=tmp_path)
        except Killed:
            kills += 1
            continue
        finally:
            Deadly.left = 10**9
        break
    assert kills >= 2
    assert digest(found) == whole
    assert digest(fitted(way, optimizer=Deadly, checkpoints=tmp_path)) == whole  # from the last checkpoint alone


def test_a_longer_training_goes_on_from_a_shorter_one(tmp_path: Path) -> None:
    """Break: keep the number of epochs in the identity."""
    fitted("mentor", epochs=2, checkpoints=tmp_path)
    assert digest(fitted("mentor", epochs=5, checkpoints=tmp_path)) == digest(fitted("mentor", epochs=5))


@pytest.mark.parametrize(
    ("differs", "options"),
    [
        ("inputs differ", {"inputs": INPUTS * 2}),
        ("optimizer(, schedule)? differ", {"optimizer": lambda parameters: torch.optim.Adam(parameters, lr=0.5)}),
        ("schedule differ", {"schedule": lambda optimizer: torch.optim.lr_scheduler.StepLR(optimizer, 7)}),
        ("augment differ", {"augment": lambda sample, draw: sample}),
        ("test set differ", {"test": (INPUTS, LABELS)}),
        ("has 2 epochs, and 1 are asked for", {"epochs": 1}),
    ],
)
def test_another_training_is_not_taken_for_this_one(differs: str, options: dict[str, Any], tmp_path: Path) -> None:
    """Break: leave each of these out of the identity, in turn."""
    inputs = options.pop("inputs", INPUTS)
    test = options.pop("test", None)
    training.fit_plain(net, INPUTS, LABELS, recipe(epochs=2, checkpoints=tmp_path))
    with pytest.raises(CheckpointMismatch, match=differs):
        training.fit_plain(net, inputs, LABELS, recipe(**{"epochs": 2, "checkpoints": tmp_path, **options}), test=test)


def test_with_tau_0_each_net_of_co_teaching_is_trained_plainly() -> None:
    """Bit for bit, without dropout, whose draws two nets share. Break: round the count down; take the mean of the chosen otherwise than of all."""

    def build() -> torch.nn.Module:
        return torch.nn.Sequential(torch.nn.Linear(CLASSES, 16), torch.nn.ReLU(), torch.nn.Linear(16, CLASSES))

    both = training.fit_coteaching(build, INPUTS, LABELS, recipe(), tau=0.0)
    plain = training.fit_plain(build, INPUTS, LABELS, recipe())
    for one, other in zip(both.nets[0].parameters(), plain.nets[0].parameters(), strict=True):
        assert torch.equal(one, other)
    assert not torch.equal(next(both.nets[0].parameters()), next(both.nets[1].parameters()))


def test_pruned_training_is_training_without_the_issues() -> None:
    """Bit for bit that of a data set that never had them. Break: weigh them 0 and keep them in the batches."""
    pruned = fitted("pruned")
    without = training.fit_plain(net, INPUTS[~WRONG], LABELS[~WRONG], recipe())
    assert [row.loss for row in pruned.history.epochs] == [row.loss for row in without.history.epochs]
    assert np.array_equal(pruned.predict(INPUTS), without.predict(INPUTS))
    assert np.array_equal(pruned.weights[0] > 0, ~WRONG)


def test_test_set_and_truth_change_nothing() -> None:
    """Break: measure in training mode, which moves the batch normalisation."""
    plain = fitted("co-teaching")
    watched = fitted("co-teaching", test=(INPUTS, TRUTH), truth=TRUTH)
    assert np.array_equal(plain.predict(INPUTS), watched.predict(INPUTS))
    assert plain.history.test_accuracy is None
    last = watched.history.last
    assert [row.epoch for row in last] == [3, 3]
    accuracy = [(chances.argmax(axis=1) == TRUTH).mean() for chances in _each(watched)]
    assert [row.test_accuracy for row in last] == pytest.approx(accuracy)
    assert watched.history.test_accuracy == pytest.approx(np.mean(accuracy))
    weights = watched.weights
    assert [row.kept_right for row in last] == pytest.approx(weights[:, ~WRONG].sum(axis=1) / weights.sum(axis=1))
    assert [row.kept for row in last] == pytest.approx(weights.mean(axis=1))


def _each(found: training.Fitted) -> list[np.ndarray[Any, Any]]:
    from pedigree.training.robust.fitting import probabilities
    from pedigree.training.robust.samples import Samples

    return [probabilities(one, Samples(INPUTS)) for one in found.nets]


class Rows:
    """The same inputs as a data set, with labels that nobody reads."""

    def __len__(self) -> int:
        return SIZE

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return torch.from_numpy(INPUTS[index]), -1


def test_a_memory_map_is_trained_on_where_it_is(tmp_path: Path) -> None:
    """Read-only, without a warning (which are errors here). Break: let torch's warning through."""
    np.save(tmp_path / "inputs.npy", INPUTS)
    mapped = np.lib.format.open_memmap(tmp_path / "inputs.npy", mode="r")
    assert digest(fitted("plain", inputs=mapped)) == digest(fitted("plain"))


@pytest.mark.parametrize("way", ["plain", "pruned", pytest.param("incv", marks=pytest.mark.slow)])
def test_a_data_set_gives_the_bytes_of_arrays(way: str) -> None:
    """Break: number the samples of a subset by their place in it."""
    assert (
        digest(fitted(way, inputs=Rows()))
        == digest(fitted(way))
        == digest(fitted(way, inputs=torch.from_numpy(INPUTS)))
    )


def test_an_augmentation_is_drawn_by_epoch_and_sample() -> None:
    """The same for arrays and a data set, and for other samples left out. Break: number by place."""
    seen: list[set[tuple[int, int, float]]] = []

    def augment(sample: torch.Tensor, draw: training.Draw) -> torch.Tensor:
        value = float(draw.rng("jitter").random())
        seen[-1].add((draw.epoch, int(draw.sample_id), value))
        return sample + value

    results = []
    for inputs in (INPUTS, Rows()):
        seen.append(set())
        results.append(digest(fitted("pruned", inputs=inputs, augment=augment)))
    seen.append(set())
    fitted("plain", augment=augment)
    assert results[0] == results[1]
    assert seen[0] == seen[1] < seen[2]
    assert {sample for _, sample, _ in seen[0]} == {*np.flatnonzero(~WRONG).tolist()}


def test_the_process_is_left_as_it_was() -> None:
    """Break: seed and leave it so."""
    before = (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist(), dict(os.environ))  # type: ignore[index]
    fitted("co-teaching")
    after = (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist(), dict(os.environ))  # type: ignore[index]
    assert before == after
    assert not torch.are_deterministic_algorithms_enabled()


@pytest.mark.slow
def test_robust_training_learns_the_truth_where_plain_training_memorises() -> None:
    """30 % of the labels wrong in one way, until plain training knows them by heart; 40 epochs. The share is of all samples.

    Break: train on what the selector leaves out.
    """

    def build() -> torch.nn.Module:
        return torch.nn.Sequential(torch.nn.Linear(CLASSES, 256), torch.nn.ReLU(), torch.nn.Linear(256, CLASSES))

    def right(found: training.Fitted) -> float:
        return float((found.predict(INPUTS).argmax(axis=1) == TRUTH).mean())

    own = recipe(epochs=40, schedule=None, optimizer=lambda parameters: torch.optim.Adam(parameters, 2e-2))
    plain = right(training.fit_plain(build, INPUTS, LABELS, own))
    assert plain < 0.9
    chosen = training.fit_coteaching(build, INPUTS, LABELS, own, tau=0.3, ramp=5)
    assert right(chosen) > plain + 0.03
    assert float((chosen.weights[:, ~WRONG]).sum() / chosen.weights.sum()) > 0.85
    assert right(training.fit_early_learning(build, INPUTS, LABELS, own)) > plain + 0.03


@pytest.mark.parametrize("way", WAYS)
def test_labels_that_do_not_fit_are_named(way: str) -> None:
    """Break: leave the label to cross_entropy, which dies on a GPU with an assertion."""
    outside = LABELS.copy()
    outside[[3, 7]] = 3, -1
    if way != "relabelled":  # which has put right what was wrong
        with pytest.raises(
            InvalidInput,
            match=r"2 of 240 labels are no class: 3 in row 3, -1 in row 7\.\nWith 3 classes they are 0 to 2",
        ) as caught:
            fitted(way, labels=outside)
        assert caught.value.rows == [3, 7]  # type: ignore[attr-defined]  # what the error carries
    with pytest.raises(InvalidInput, match="240 .*and 239|239 .*and 240"):
        fitted(way, labels=LABELS[:-1])


def test_other_bad_input_is_named(tmp_path: Path) -> None:
    """Break: train on what is left of the batch."""
    inputs = INPUTS.copy()
    inputs[11, 0] = np.nan
    with pytest.raises(NonFinite, match=r"1 of 50 losses are not finite: nan of sample 11\."):
        fitted("mentor", inputs=inputs, build=lambda: torch.nn.Linear(CLASSES, CLASSES))
    with pytest.raises(NonFinite, match=r"1 of 50 losses of the first net are not finite: nan of place \d+\."):
        fitted("co-teaching", inputs=inputs, build=lambda: torch.nn.Linear(CLASSES, CLASSES))
    with pytest.raises(NonFinite, match="loss of net 0 is nan at step 0"):
        fitted("plain", inputs=inputs)
    with pytest.raises(InvalidInput, match="Inputs must be numbers, got an array of object"):
        fitted("plain", inputs=[[1.0], [1.0, 2.0]])
    with pytest.raises(InvalidInput, match="There are no samples"):
        fitted("plain", inputs=INPUTS[:0], labels=[])
    with pytest.raises(InvalidInput, match=r"labels must be one whole number per sample, got <U1"):
        fitted("plain", labels=["a"] * SIZE)
    with pytest.raises(InvalidInput, match=r"The net gives \(1, 1\) for one sample"):
        fitted("plain", build=lambda: torch.nn.Linear(CLASSES, 1))
    with pytest.raises(InvalidInput, match="Every sample is an issue"):
        training.fit_pruned(net, INPUTS, LABELS, recipe(), np.ones(SIZE, bool))
    with pytest.raises(InvalidInput, match=r"1 weights are no number from 0 on: -1\.0 of sample 2"):
        training.fit_plain(net, INPUTS, LABELS, recipe(), weights=[1, 1, -1] + [1] * (SIZE - 3))
    with pytest.raises(InvalidInput, match="epochs must be a whole number from 1 on, got 0"):
        recipe(epochs=0)
    fitted("co-teaching", checkpoints=tmp_path)
    with pytest.raises(CheckpointMismatch, match=r"is of another training: labels differ\."):
        fitted("co-teaching", labels=TRUTH, checkpoints=tmp_path)
