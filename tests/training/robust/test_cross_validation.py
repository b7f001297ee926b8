"""INCV with learners whose answers are known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pedigree import training
from pedigree.errors import InvalidInput
from pedigree.training.robust.cross_validation import Rows, agreement_of, selected_noise

CLASSES = 5
TRUTH = training.rng(1, "truth").integers(0, CLASSES, 400)
WRONG = training.rng(1, "wrong").random(400) < 0.25
GIVEN = np.where(WRONG, (TRUTH + 1) % CLASSES, TRUTH)


def oracle(_: Rows, asked: Rows, turn: int, half: int) -> np.ndarray[Any, Any]:
    """Knows every true class."""
    return np.eye(CLASSES)[TRUTH[asked]] * 0.9 + 0.02


def test_with_a_learner_that_knows_the_selected_are_the_right_labels() -> None:
    """Break: select what disagrees; judge the half that was trained on; forget the second half."""
    found = training.select_clean(GIVEN, CLASSES, oracle, seed=1, rounds=1, remove=0.0)
    assert np.array_equal(found.selected, ~WRONG)
    assert np.array_equal(found.candidates, WRONG)
    assert not found.removed.any()
    assert [turn.selected for turn in found.rounds] == [int((~WRONG).sum())]


def test_the_parts_cover_all_samples_once_and_what_is_removed_has_the_largest_loss() -> None:
    """Class 0 is least likely under every other truth, so its wrong labels go first. Break: remove the smallest losses; selected ones."""

    def learn(_: Rows, asked: Rows, turn: int, half: int) -> np.ndarray[Any, Any]:
        chances = oracle(_, asked, turn, half)
        chances[TRUTH[asked] != 0, 0] = 0.001
        return chances

    found = training.select_clean(GIVEN, CLASSES, learn, seed=1, rounds=1, remove=0.02)
    assert ((found.selected.astype(int) + found.candidates + found.removed) == 1).all()
    assert 0 < found.removed.sum() <= 0.02 * found.selected.sum()
    assert (GIVEN[found.removed] == 0).all()
    assert WRONG[found.removed].all()


def test_a_selected_sample_is_never_removed() -> None:
    """What agrees does so by a hair, with a larger loss than what disagrees. Break: remove by loss alone."""

    def learn(_: Rows, asked: Rows, turn: int, half: int) -> np.ndarray[Any, Any]:
        chances = np.full((len(asked), CLASSES), 0.19)
        chances[np.arange(len(asked)), TRUTH[asked]] = np.where(WRONG[asked], 0.5, 0.2)
        chances[np.flatnonzero(WRONG[asked]), GIVEN[asked][WRONG[asked]]] = 0.4
        return chances

    found = training.select_clean(GIVEN, CLASSES, learn, seed=1, rounds=1, remove=0.1)
    assert np.array_equal(found.selected, ~WRONG)
    assert found.removed.any()
    assert not (found.removed & found.selected).any()


def test_every_round_trains_on_the_selected_and_one_half_and_asks_about_the_other() -> None:
    """Break: train on the whole; ask about the half that was trained on."""
    calls: list[tuple[Rows, Rows]] = []

    def learn(trained: Rows, asked: Rows, turn: int, half: int) -> np.ndarray[Any, Any]:
        assert len(calls) == 2 * turn + half
        calls.append((trained, asked))
        draw = training.rng(2, turn, half)
        return draw.random((len(asked), CLASSES))

    found = training.select_clean(GIVEN, CLASSES, learn, seed=1, rounds=3, remove=0.0)
    before = np.zeros(400, bool)
    for turn, done in enumerate(found.rounds):
        (first, asked_second), (second, asked_first) = calls[2 * turn : 2 * turn + 2]
        assert not np.intersect1d(first, asked_second).size
        assert abs(len(asked_first) - len(asked_second)) <= 1
        assert np.array_equal(np.intersect1d(first, second), np.flatnonzero(before))
        assert np.array_equal(np.union1d(asked_first, asked_second), np.flatnonzero(~before))
        kept = [rows[learn_again(turn, half, rows)] for half, rows in enumerate((asked_second, asked_first))]
        before[np.concatenate(kept)] = True
        assert done.selected == before.sum()
    assert np.array_equal(found.selected, before)


def learn_again(turn: int, half: int, rows: Rows) -> np.ndarray[Any, Any]:
    chances = training.rng(2, turn, half).random((len(rows), CLASSES))
    return np.asarray(chances.argmax(axis=1) == GIVEN[rows])


@given(st.integers(2, 100), st.floats(0.0, 1.0), st.sampled_from(["symmetric", "pair"]))
def test_the_noise_rate_is_the_inverse_of_the_agreement(classes: int, share: float, noise: Any) -> None:
    """On the branch up to pure noise. Break: the larger root."""
    most = (classes - 1) / classes if noise == "symmetric" else 0.5
    rate = share * most
    assert training.noise_rate(agreement_of(rate, classes, noise), classes, noise) == pytest.approx(rate, abs=1e-6)


def test_agreements_by_hand() -> None:
    """0.7^2 + 0.3^2 / 9 = 0.5 with ten classes; 0.8^2 + 0.2^2 = 0.68 with pairs; below a half pairs say nothing. Break: K for K - 1."""
    assert training.noise_rate(0.5, 10) == pytest.approx(0.3)
    assert training.noise_rate(0.68, 10, "pair") == pytest.approx(0.2)
    assert training.noise_rate(0.42, 10, "pair") == 0.5


def test_the_noise_rate_of_a_learner_that_memorised_is_found() -> None:
    """It answers with a label of the same noise: 20,000 samples, e = 0.3, within 0.02. Break: 1 - agreement, which is 0.49."""
    truth = training.rng(3, "truth").integers(0, 10, 20_000)

    def noisy(name: str) -> np.ndarray[Any, Any]:
        draw = training.rng(3, name)
        return np.where(draw.random(20_000) < 0.3, (truth + draw.integers(1, 10, 20_000)) % 10, truth)

    answers = noisy("answers")
    given_ = noisy("given")
    found = training.select_clean(given_, 10, lambda _, asked, *__: np.eye(10)[answers[asked]], seed=1, rounds=1)
    assert found.noise_rate == pytest.approx(0.3, abs=0.02)
    assert found.selected_noise == pytest.approx(float((given_ != truth)[found.selected].mean()), abs=0.005)
    assert found.selected_noise == selected_noise(found.noise_rate, 10)


def test_a_known_rate_takes_the_place_of_the_estimate() -> None:
    """Break: estimate all the same."""
    found = training.select_clean(GIVEN, CLASSES, oracle, seed=1, rounds=1, rate=0.1)
    assert found.noise_rate == 0.1 != training.select_clean(GIVEN, CLASSES, oracle, seed=1, rounds=1).noise_rate
    assert found.selected_noise == selected_noise(0.1, CLASSES)
    assert found.removed.sum() == sum(int(0.1 / 0.9 * n) for n in _halves_right())
    with pytest.raises(InvalidInput, match=r"rate must be from 0 to below 1, got 1\.0"):
        training.select_clean(GIVEN, CLASSES, oracle, seed=1, rate=1.0)


def _halves_right() -> list[int]:
    """How many right labels each half of the first round has."""
    asked: list[Rows] = []

    def learn(_: Rows, rows: Rows, turn: int, half: int) -> np.ndarray[Any, Any]:
        asked.append(rows)
        return oracle(_, rows, turn, half)

    training.select_clean(GIVEN, CLASSES, learn, seed=1, rounds=1)
    return [int((~WRONG[rows]).sum()) for rows in asked]


def test_pair_noise_removes_nothing_of_itself() -> None:
    """Break: the symmetric rule for both."""
    assert not training.select_clean(GIVEN, CLASSES, oracle, seed=1, noise="pair").removed.any()
    assert training.select_clean(GIVEN, CLASSES, oracle, seed=1).removed.any()


def test_it_stops_where_no_candidates_are_left() -> None:
    """Break: split nothing into halves."""
    found = training.select_clean(TRUTH, CLASSES, oracle, seed=1, rounds=4)
    assert found.selected.all()
    assert len(found.rounds) == 1
    assert found.noise_rate == 0.0


def test_bad_input_is_named() -> None:
    """Break: take logits' NaN for a low probability."""
    with pytest.raises(InvalidInput, match=r"1 of 3 labels are no class: 7 in row 2\."):
        training.select_clean([0, 1, 7], CLASSES, oracle, seed=1)
    with pytest.raises(InvalidInput, match=r"learn gave an array of shape \(200, 4\) for 200 samples of 5 classes"):
        training.select_clean(GIVEN, CLASSES, lambda _, asked, *__: np.ones((len(asked), 4)), seed=1)
    with pytest.raises(InvalidInput, match="learn gave no number for sample"):
        training.select_clean(GIVEN, CLASSES, lambda _, asked, *__: np.full((len(asked), CLASSES), np.nan), seed=1)
    with pytest.raises(InvalidInput, match="noise is 'human'"):
        training.select_clean(GIVEN, CLASSES, oracle, seed=1, noise="human")  # type: ignore[arg-type]  # what is tried
