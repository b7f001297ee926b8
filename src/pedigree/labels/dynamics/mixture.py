"""Two normal distributions in one list of numbers: those of wrong labels below, those of right ones above."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Steps of EM, and the change of the mean log-likelihood below which it has settled.
_STEPS, _SETTLED = 200, 1e-6
#: The least variance, as a share of that of all values: a component must not shrink to a point.
_LEAST = 1e-4


def lower(values: Floats) -> Floats:
    """(n,) the probability of each value that it is of the component with the lower mean; NaN where the value is not finite.

    Maximum likelihood by EM from the split with the least variance within (Otsu's), no random numbers. Above the higher mean it is 0 and
    below the lower one 1: a wide component reaches around a narrow one, and a sample with the highest margin is not suspect.
    Where all values are equal there are no two components, and it is 0 for all.
    """
    found = np.full(len(values), np.nan)
    known = np.isfinite(values)
    x = values[known]
    if not len(x) or np.ptp(x) == 0.0:
        found[known] = 0.0
        return found
    shares = _start(x)
    floor, before = _LEAST * float(x.var()), -np.inf
    for _ in range(_STEPS):
        weights = shares.sum(axis=1)
        means = (shares * x).sum(axis=1) / weights
        variances = np.maximum((shares * (x - means[:, None]) ** 2).sum(axis=1) / weights, floor)
        logs = -0.5 * ((x - means[:, None]) ** 2 / variances[:, None] + np.log(variances)[:, None])
        logs += np.log(weights / len(x))[:, None]
        total = np.logaddexp(logs[0], logs[1])
        shares = np.exp(logs - total)
        mean = float(total.mean())
        if mean - before < _SETTLED:
            break
        before = mean
    low = int(means[1] < means[0])
    part = shares[low]
    part = np.where(x <= means[low], 1.0, np.where(x >= means[1 - low], 0.0, part))
    found[known] = part
    return found


def _start(x: Floats) -> Floats:
    """(2, n) ones and zeros: the two sides of the cut with the least sum of squares within."""
    ordered = np.sort(x)
    counts = np.arange(1, len(x))
    sums = np.cumsum(ordered)[:-1]
    # Between the sides, up to what does not depend on the cut; the largest is the least within.
    between = sums**2 / counts + (ordered.sum() - sums) ** 2 / (len(x) - counts)
    cut = ordered[int(between.argmax())]
    return np.array([x <= cut, x > cut], np.float64)
