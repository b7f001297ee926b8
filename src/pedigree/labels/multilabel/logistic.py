"""Logistic regression with a ridge, by Newton's method, compiled: the same bits on every machine with the same NumPy.

A library's solver hands its sums to BLAS, whose order, and so whose last bits, depend on the number of threads.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

_compiled: Any = njit(cache=True, nogil=True, fastmath=False)

MOST_STEPS = 60
#: Newton's steps end when none of the weights moves by more.
STILL = 1e-9


@_compiled
def _gather(features: Any, row: int, columns: Any, values: Any) -> None:
    """The chosen features of a row, and 1 for the intercept."""
    for at in range(len(columns)):
        values[at] = features[row, columns[at]]
    values[len(columns)] = 1.0


@_compiled
def logit_of(features: Any, row: int, columns: Any, weights: Any) -> Any:
    total = weights[len(columns)]
    for at in range(len(columns)):
        total += weights[at] * features[row, columns[at]]
    return total


@_compiled
def _loss(features: Any, columns: Any, target: Any, fold: Any, left_out: int, ridge: float, weights: Any) -> float:
    total = 0.0
    for at in range(len(columns)):
        total += 0.5 * ridge * weights[at] * weights[at]
    for row in range(len(target)):
        if fold[row] >= 0 and fold[row] != left_out:
            value = logit_of(features, row, columns, weights)
            if target[row] == 1:
                value = -value
            total += max(value, 0.0) + np.log1p(np.exp(-abs(value)))
    return total


@_compiled
def _solve(matrix: Any, vector: Any) -> None:
    """`vector` becomes the solution of the positive definite system, by Cholesky's decomposition; reads the lower half."""
    size = len(vector)
    for column in range(size):
        for row in range(column, size):
            total = matrix[row, column]
            for at in range(column):
                total -= matrix[row, at] * matrix[column, at]
            if row == column:
                matrix[row, column] = np.sqrt(max(total, 1e-12))
            else:
                matrix[row, column] = total / matrix[column, column]
    for row in range(size):
        for at in range(row):
            vector[row] -= matrix[row, at] * vector[at]
        vector[row] /= matrix[row, row]
    for row in range(size - 1, -1, -1):
        for at in range(row + 1, size):
            vector[row] -= matrix[at, row] * vector[at]
        vector[row] /= matrix[row, row]


@_compiled
def fit(features: Any, columns: Any, target: Any, fold: Any, left_out: int, ridge: float, weights: Any) -> None:
    """Move `weights` (the intercept last) to the least sum of log-losses plus ridge / 2 times their squares.

    Over the rows with a fold that is neither `left_out` nor below 0; `target` is 0 or 1 there. The intercept has no ridge.
    """
    size = len(columns) + 1
    values, step = np.empty(size), np.empty(size)
    hessian = np.empty((size, size))
    loss = _loss(features, columns, target, fold, left_out, ridge, weights)
    for _ in range(MOST_STEPS):
        step[:] = 0.0
        hessian[:] = 0.0
        for row in range(len(target)):
            if fold[row] < 0 or fold[row] == left_out:
                continue
            _gather(features, row, columns, values)
            total = 0.0
            for at in range(size):
                total += weights[at] * values[at]
            probability = 1.0 / (1.0 + np.exp(-total))
            residual = target[row] - probability
            spread = probability * (1.0 - probability)
            for at in range(size):
                step[at] += residual * values[at]
                scaled = spread * values[at]
                for other in range(at + 1):
                    hessian[at, other] += scaled * values[other]
        for at in range(size - 1):
            step[at] -= ridge * weights[at]
            hessian[at, at] += ridge
        hessian[size - 1, size - 1] += 1e-9
        _solve(hessian, step)
        # Newton's step, or as much of it as lowers the loss.
        share, moved = 1.0, weights + step
        lower = _loss(features, columns, target, fold, left_out, ridge, moved)
        while lower > loss and share > 1e-6:
            share *= 0.5
            moved = weights + share * step
            lower = _loss(features, columns, target, fold, left_out, ridge, moved)
        if lower > loss:
            return
        weights[:] = moved
        loss = lower
        if share * np.abs(step).max() < STILL:
            return


@_compiled
def cross_fitted(features: Any, columns: Any, target: Any, fold: Any, folds: int, ridge: float, found: Any) -> None:
    """In `found` the logit of each row, from a fit to the rows of the other folds; to all that have one, for a row without.

    The fit to all comes first, and each of the others starts from it.
    """
    whole = np.zeros(len(columns) + 1)
    fit(features, columns, target, fold, -1, ridge, whole)
    for left_out in range(-1, folds):
        weights = whole.copy()
        if left_out >= 0:
            fit(features, columns, target, fold, left_out, ridge, weights)
        for row in range(len(target)):
            if fold[row] == left_out:
                found[row] = logit_of(features, row, columns, weights)
