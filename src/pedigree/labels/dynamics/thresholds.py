"""A cut for the area under the margin, found by samples that are known to be labelled wrong. Pleiss et al. 2020, section 3.2."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pedigree.canonical import digest_of
from pedigree.errors import InvalidInput
from pedigree.labels import inputs
from pedigree.labels.dynamics.signals import Signals


class ThresholdSamples(NamedTuple):
    """`rows` of the data set that pose as a class of their own, and all `labels` (n,) with them so labelled: train on these."""

    rows: NDArray[np.int64]
    labels: NDArray[np.int64]


def threshold_samples(labels: Any, classes: int, *, seed: int, part: int = 0) -> ThresholdSamples:
    """Turn n / (classes + 1) random samples into a class `classes` that there is not: whatever is learnt of it is learnt by heart.

    Train a model with `classes` + 1 outputs on the returned labels, recorded by a Recorder of `classes` + 1 classes. A sample that is learnt no
    better than these is probably labelled wrong. `part` 1 takes other samples than part 0, so that a second training judges the
    first one's threshold samples. `labels` are class numbers; those below 0 are void and never taken.

    Which samples: those with the smallest raw numbers of Philox-4x64-10, keyed by the seed; ties by index.
    """
    given = np.asarray(inputs.plain(labels))
    if given.ndim != 1 or given.dtype.kind not in "iu" or (len(given) and int(given.max()) >= classes):
        raise InvalidInput(
            f"Labels must be class numbers below {classes}, one per sample; got {given.shape} {given.dtype}.",
            remedy="Number the classes from 0.",
        )
    given = given.astype(np.int64)
    usable = np.flatnonzero(given >= 0)
    count = len(usable) // (classes + 1)
    if count < 1 or not 0 <= part <= (len(usable) // count) - 1:
        raise InvalidInput(
            f"{len(usable)} samples have no part {part} of {count} threshold samples.",
            remedy="Parts count from 0; there are about as many as classes, and each takes n / (classes + 1) samples.",
        )
    key = np.frombuffer(bytes.fromhex(digest_of("pedigree.threshold-samples/1", [int(seed)]))[:16], "<u8")
    words = np.random.Philox(key=key.astype(np.uint64)).random_raw(len(usable))
    order = usable[np.argsort(words, kind="stable")]
    rows = np.sort(order[part * count : (part + 1) * count])
    changed = given.copy()
    changed[rows] = classes
    return ThresholdSamples(rows, changed)


def aum_issues(*runs: tuple[Signals, NDArray[Any]], percentile: float = 99.0) -> NDArray[np.bool_]:
    """(n,) which labels are probably wrong: those with an AUM below the `percentile` of the AUMs of the threshold samples.

    Each run is the signals of one training with its threshold rows. Each sample is judged by the first run in which it kept its label,
    each run with its own cut; one that never kept it is no issue, nor is one never presented. 99 is the paper's choice.
    """
    if not runs or not 0.0 <= percentile <= 100.0:
        raise InvalidInput(
            f"There is nothing to judge by: {len(runs)} runs, percentile {percentile!r}.",
            remedy="Give (signals, rows) of a training, and a percentile from 0 to 100.",
        )
    samples = len(runs[0][0])
    found, judged = np.zeros(samples, np.bool_), np.zeros(samples, np.bool_)
    for signals, rows in runs:
        at = np.asarray(inputs.plain(rows), np.int64)
        if len(signals) != samples:
            raise InvalidInput(
                f"One run has {samples} samples and another {len(signals)}.", remedy="Give runs on one data set."
            )
        cut = aum_cut(signals, at, percentile)
        mine = ~judged & (signals.labels >= 0)
        mine[at] = False
        found |= mine & (signals.aum < cut)
        judged |= mine
    return found


def aum_cut(signals: Signals, rows: NDArray[Any], percentile: float = 99.0) -> float:
    """The percentile (interpolated linearly) of the areas under the margin of the threshold samples."""
    values = signals.aum[rows]
    values = values[np.isfinite(values)]
    if not len(values):
        raise InvalidInput(
            "None of the threshold samples was recorded.", remedy="Train on the labels that came with them."
        )
    return float(np.percentile(values, percentile))
