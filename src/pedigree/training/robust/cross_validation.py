"""INCV: choosing the samples to trust by training on one half and asking about the other, again and again.

Source: Chen et al. 2019, "Understanding and utilizing deep neural networks trained with noisy labels" (arXiv:1905.05040),
Algorithm 2; S is `selected`, C `candidates`, r the share to `remove`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pedigree.errors import InvalidInput
from pedigree.training.robust.checks import at_least, class_numbers, fraction, plain
from pedigree.training.sampling import order
from pedigree.training.streams import checked, derive

Rows = NDArray[np.int64]
Mask = NDArray[np.bool_]
Noise = Literal["symmetric", "pair"]

#: Trains a new net on the rows of the first array and gives its probabilities for those of the second, (len, classes). The last
#: arguments are the round and the half, 0 or 1: what a seed, a file or a line of a log is named by.
Learn = Callable[[Rows, Rows, int, int], Any]


@dataclass(frozen=True, slots=True)
class Round:
    """One round: how many samples are selected, candidates and removed after it, and the share of agreement in its first half."""

    selected: int
    candidates: int
    removed: int
    agreement: float


@dataclass(frozen=True, slots=True, eq=False)
class CleanSelection:
    """Which samples to trust. `selected`, `candidates` and `removed` are masks that share no sample and cover all."""

    selected: Mask
    candidates: Mask
    removed: Mask
    #: Estimated share of wrong labels: of all, and of the selected.
    noise_rate: float
    selected_noise: float
    rounds: tuple[Round, ...]


def agreement_of(rate: float, classes: int, noise: Noise = "symmetric") -> float:
    """How often a net that fits its noisy labels agrees with other labels of the same noise: (1 - e)^2 + e^2 / (K - 1).

    Both are right, or both are wrong in the same way. With `pair`, where each class has one class it is taken for, K is 2 in it.
    """
    return float((1.0 - rate) ** 2 + rate**2 / _ways(classes, noise))


def noise_rate(agreement: float, classes: int, noise: Noise = "symmetric") -> float:
    """The e in [0, (K - 1) / K] with `agreement_of(e)` = agreement; an agreement below that of pure noise gives the upper end.

    It holds for a net that memorised its labels. One that did not agrees more often, and the estimate is too low: then
    1 - agreement is an upper bound. One that is often mistaken of itself agrees less, and the estimate is too high: it is the upper end, and
    means nothing, where the agreement is below that of pure noise (a half for `pair`).
    """
    ways = _ways(classes, noise)
    # (1 - e)^2 + e^2 / w = a, as a quadratic in e; its smaller root.
    lead = 1.0 + 1.0 / ways
    inside = 1.0 - lead * (1.0 - agreement)
    return float((1.0 - np.sqrt(max(inside, 0.0))) / lead)


def selected_noise(rate: float, classes: int, noise: Noise = "symmetric") -> float:
    """The share of wrong labels among those that a memorising net agrees with: both wrong alike, of all that agree."""
    alike = rate**2 / _ways(classes, noise)
    return float(alike / ((1.0 - rate) ** 2 + alike)) if rate < 1.0 else 1.0


def select_clean(
    labels: Any,
    classes: int,
    learn: Learn,
    *,
    seed: int,
    rounds: int = 4,
    noise: Noise = "symmetric",
    rate: float | None = None,
    remove: float | None = None,
) -> CleanSelection:
    """Split the candidates at random into halves A and B; learn on the selected and A; select of B what is predicted as labelled; swap.

    Each round also removes from B the candidates with the largest losses, `remove` times as many as were selected (rounded
    down, ties to the lower row), never a selected one. None is the authors' choice: min(2, e / (1 - e)) with the estimated noise rate e
    for symmetric noise, and none for pair noise, where a wrong label need not have a large loss. The noise rate is
    estimated from the first half of the first round, unless a known `rate` is given. Stops early where fewer than two candidates are left.

    The halves come from (seed, round) only. Raises InvalidInput for labels outside, probabilities of another shape or that are no numbers.
    """
    given = class_numbers(labels, at_least("classes", classes, 2)).numpy()
    seed, _ = checked("seed", seed), _ways(classes, noise)
    selected, removed = np.zeros(len(given), np.bool_), np.zeros(len(given), np.bool_)
    candidates = np.ones(len(given), np.bool_)
    known, history = None if rate is None else fraction("rate", rate), []
    rate = known or 0.0
    for turn in range(at_least("rounds", rounds, 1)):
        numbers = np.flatnonzero(candidates)
        numbers = numbers[order(len(numbers), derive(seed, "incv"), turn)]
        if len(numbers) < 2:
            break
        halves = np.sort(numbers[: len(numbers) // 2]), np.sort(numbers[len(numbers) // 2 :])
        base = np.flatnonzero(selected)
        first_agreement = 0.0
        for half in (0, 1):
            others = halves[1 - half]
            chances = _probabilities(
                learn(np.sort(np.concatenate((base, halves[half]))), others, turn, half), others, classes
            )
            agrees = chances.argmax(axis=1) == given[others]
            if half == 0:
                first_agreement = float(agrees.mean())
                if turn == 0:
                    rate = noise_rate(first_agreement, classes, noise) if known is None else known
                    if remove is None:
                        remove = min(2.0, rate / (1.0 - rate)) if noise == "symmetric" and rate < 1.0 else 0.0
            selected[others[agrees]] = True
            count = int((remove or 0.0) * agrees.sum())
            unlikely = np.argsort(chances[np.arange(len(others)), given[others]], kind="stable")
            removed[others[unlikely[~agrees[unlikely]][:count]]] = True
        candidates &= ~(selected | removed)
        history.append(Round(int(selected.sum()), int(candidates.sum()), int(removed.sum()), first_agreement))
    return CleanSelection(selected, candidates, removed, rate, selected_noise(rate, classes, noise), tuple(history))


def _ways(classes: int, noise: str) -> int:
    if noise not in ("symmetric", "pair"):
        raise InvalidInput(f"noise is {noise!r}.", remedy="Say 'symmetric' or 'pair'.")
    return classes - 1 if noise == "symmetric" else 1


def _probabilities(found: Any, rows: Rows, classes: int) -> NDArray[np.float64]:
    chances = np.asarray(plain(found), dtype=np.float64)
    if chances.shape != (len(rows), classes):
        raise InvalidInput(
            f"learn gave an array of shape {chances.shape} for {len(rows)} samples of {classes} classes.",
            remedy="Give one row of probabilities for each row that was asked about.",
        )
    bad = np.flatnonzero(~np.isfinite(chances).all(axis=1))
    if len(bad):
        raise InvalidInput(
            f"learn gave no number for sample {rows[bad[0]]}.",
            remedy="Look at the learning rate and at the inputs of that sample.",
            rows=rows[bad[:5]].tolist(),
        )
    return chances
