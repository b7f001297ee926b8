"""Labels and probabilities for tests: honest ones, and such as hurt (ties, zeros and ones, rows at thresholds, missing classes)."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

Ints = NDArray[np.int64]


def drawn(
    count: int, classes: int, *, noise: float = 0.2, seed: int = 0, kind: Any = np.float64
) -> tuple[Ints, NDArray[Any]]:
    """Labels with so much noise, and what a fair model of the true classes gives."""
    rng = np.random.default_rng(seed)
    true = rng.integers(0, classes, count)
    given = np.where(rng.random(count) < noise, rng.integers(0, classes, count), true)
    logits = rng.normal(size=(count, classes))
    logits[np.arange(count), true] += 4 * rng.random(count)
    exponentials = np.exp(logits)
    return given, (exponentials / exponentials.sum(1, keepdims=True)).astype(kind)


@st.composite
def hurtful(draw: st.DrawFn) -> tuple[Ints, NDArray[Any]]:
    """Probabilities with few different values, labels with missing and single-example classes, 2 to 40 classes."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    classes = draw(st.one_of(st.integers(2, 6), st.integers(7, 40)))
    count = draw(st.integers(2, 300))
    sharpness = np.ones(classes) * draw(st.sampled_from([0.05, 0.3, 1.0, 5.0]))
    kind = draw(st.sampled_from(["smooth", "quantised", "certain", "uniform", "repeated", "half"]))
    if kind == "quantised":
        parts = draw(st.sampled_from([2, 4, 8, 64]))
        matrix = rng.multinomial(parts, rng.dirichlet(sharpness), count) / parts
    elif kind == "certain":
        matrix = np.eye(classes)[rng.integers(0, classes, count)]
    elif kind == "uniform":
        matrix = np.full((count, classes), 1 / classes)
    elif kind == "repeated":  # all rows of a label alike: every one of them is at its threshold
        few = rng.dirichlet(sharpness, draw(st.integers(1, 5)))
        matrix = few[rng.integers(0, len(few), count)]
    else:
        matrix = rng.dirichlet(sharpness, count)
        if kind == "half":
            matrix = matrix.astype(np.float16).astype(np.float64)
            matrix = matrix[np.abs(matrix.sum(1) - 1) < 9e-4]
    matrix = matrix.astype(draw(st.sampled_from([np.float32, np.float64])))
    used = rng.permutation(classes)[: draw(st.integers(2, classes))]
    labels = used[rng.integers(0, len(used), len(matrix))]
    largest = matrix.argmax(1)
    right = (rng.random(len(matrix)) < draw(st.floats(0, 1))) & np.isin(largest, used)
    return np.where(right, largest, labels).astype(np.int64), matrix
