"""What labels of several annotators cost to weigh, and how often the consensus is right, on MNIST with drawn annotators.

    PEDIGREE_SHARED_DATA=... python bench/annotators.py [--examples 4000] [--runs 3]

CPU seconds beside cleanlab.multiannotator in the same process, the ways taken in turn, medians. Exits with 1 when a bar is missed.
Annotators err as people do: each has a skill, hard pictures are mistaken by all more often, and for the class that the picture looks
like (a weak model's second guess); three look at each picture.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from neighbourhood import components, pictures

from pedigree import labels


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--examples", type=int, default=4000)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    missed = speed(options.runs)
    if "PEDIGREE_SHARED_DATA" in os.environ:
        accuracy(options.examples)
    return 1 if missed else 0


def crowd(rng: Any, true: Any, people: int, classes: int, each: int) -> tuple[Any, Any, Any]:
    """Columns (example, annotator, label) of `each` annotators per example."""
    example = np.repeat(np.arange(len(true)), each)
    annotator = np.concatenate([rng.choice(people, each, replace=False) for _ in range(len(true))])
    skill = rng.uniform(0.6, 1.0, people)
    right = rng.random(len(example)) < skill[annotator]
    return example, annotator, np.where(right, true[example], rng.integers(0, classes, len(example)))


def speed(runs: int) -> bool:
    from cleanlab import multiannotator as peer

    rng = np.random.default_rng(0)
    print("| case | cleanlab CPU s | CPU s | times | bar |\n|---|---|---|---|---|")
    missed = False
    for count, people, compared in ((2_000, 50, True), (50_000, 747, False)):
        true = rng.integers(0, 10, count)
        columns = crowd(rng, true, people, 10, 3)
        given = labels.annotation_table(*columns, examples=count, classes=range(10))
        guess = np.where(rng.random(count) < 0.9, true, rng.integers(0, 10, count))
        probabilities = 0.7 * np.eye(10)[guess] + 0.3 * rng.dirichlet(np.full(10, 0.5), count)
        wide = given.wide() if compared else None
        ways: dict[str, tuple[Callable[[], Any] | None, Callable[[], Any]]] = {
            "CROWDLAB with annotator table": (
                lambda w=wide, p=probabilities: peer.get_label_quality_multiannotator(w, p, verbose=False),
                lambda g=given, p=probabilities: labels.consensus(g, p).annotators,
            ),
            "what to label next": (
                lambda w=wide, p=probabilities: peer.get_active_learning_scores(w, p, p),
                lambda g=given, p=probabilities: labels.next_labels(g, p, p),
            ),
            "the list from a long table": (
                None,
                lambda c=columns, n=count: labels.annotation_table(*c, examples=n, classes=range(10)),
            ),
            "Dawid-Skene": (None, lambda g=given: labels.consensus(g, method="dawid_skene")),
        }
        for name, (theirs, ours) in ways.items():
            ours()
            peer_times, times = [], []
            for _ in range(runs):
                if theirs is not None and compared:
                    peer_times.append(seconds(theirs))
                times.append(seconds(ours))
            middle = statistics.median(times)
            bar = "< 1 s" if count == 50_000 and name != "Dawid-Skene" else ""
            missed |= bool(bar) and middle >= 1
            other = statistics.median(peer_times) if peer_times else None
            case = f"{count:,} x {people}, 3 labels each: {name}"
            ratio = "" if other is None else f"{other / middle:.0f}"
            print(f"| {case} | {'' if other is None else f'{other:.2f}'} | {middle:.4f} | {ratio} | {bar} |")
    return missed


def seconds(way: Callable[[], Any]) -> float:
    start = time.process_time()
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        way()
    return time.process_time() - start


def accuracy(count: int) -> None:
    """Consensus of three of thirty drawn annotators on MNIST; the model is trained on the majority vote, by 3 folds."""
    from cleanlab import multiannotator as peer
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import average_precision_score
    from sklearn.model_selection import cross_val_predict

    print("\n| consensus | right, mean of 3 seeds | average precision of its quality for its errors |\n|---|---|---|")
    found: dict[str, list[tuple[float, float]]] = {}
    train, true = pictures("mnist")
    train, true = train[:count], true[:count]
    values = components(train)[0]
    values = values / values.std()
    for seed in range(3):
        rng = np.random.default_rng(seed)
        looks = cross_val_predict(
            LogisticRegression(C=0.01, max_iter=200), values[:, :15], true, cv=3, method="predict_proba"
        )
        hardness = 1 - looks[np.arange(count), true]
        second = looks.copy()
        second[np.arange(count), true] = 0
        second /= second.sum(axis=1, keepdims=True)
        example = np.repeat(np.arange(count), 3)
        annotator = np.concatenate([rng.choice(30, 3, replace=False) for _ in range(count)])
        skill = rng.uniform(0.0, 0.35, 30)
        error = np.clip(skill[annotator] + 0.5 * hardness[example], 0, 0.9)
        wrong = rng.random(len(example)) < error
        draws = (second[example].cumsum(axis=1) > rng.random(len(example))[:, None]).argmax(axis=1)
        given = labels.annotation_table(
            example, annotator, np.where(wrong, draws, true[example]), examples=count, classes=range(10)
        )
        majority = labels.consensus(given, method="majority_vote")
        model = LogisticRegression(max_iter=300)
        matrix = cross_val_predict(model, values, majority.labels, cv=3, method="predict_proba")
        ways = {
            "majority vote": majority,
            "majority vote, ties by the model": labels.consensus(given, matrix, method="majority_vote"),
            "Dawid-Skene": labels.consensus(given, method="dawid_skene"),
            "CROWDLAB": labels.consensus(given, matrix),
            "CROWDLAB, calibrated": labels.consensus(given, matrix, calibrate=True),
        }
        for name, one in ways.items():
            mistaken = one.labels != true
            found.setdefault(name, []).append((1 - mistaken.mean(), average_precision_score(mistaken, -one.quality)))
        theirs = peer.get_label_quality_multiannotator(given.wide(), matrix, verbose=False)["label_quality"]
        mistaken = theirs["consensus_label"].to_numpy() != true
        area = average_precision_score(mistaken, -theirs["consensus_quality_score"])
        found.setdefault("CROWDLAB of cleanlab", []).append((1 - mistaken.mean(), area))
        found.setdefault("the model alone", []).append(
            (
                np.mean(matrix.argmax(axis=1) == true),
                average_precision_score(matrix.argmax(axis=1) != true, -matrix.max(axis=1)),
            )
        )
    for name, pairs in found.items():
        right, area = np.mean(pairs, axis=0)
        print(f"| {name} | {right:.4f} | {area:.3f} |")


if __name__ == "__main__":
    sys.exit(main())
