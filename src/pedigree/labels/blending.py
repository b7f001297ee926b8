"""The default rank: what a label has for itself, less half of what its strongest rival has, and less a part of what every class lacks.

With p_k the probability of class k, t_k its threshold and T the mean p_s over all labels, s the given label:

    l_k = (t_k + T) / 2                                      the level of class k
    E = log(p_s / l_s),   R = max over k other than s of log(p_k / l_k)
    blend = E - RIVAL_ABOVE * max(R, 0) - RIVAL_BELOW * min(R, 0) + UNCLAIMED * min(max(E, R), 0)

A rival counts for half as far as it is above its level, and for little below. Where no class reaches its level, as in a picture
of something else, the shortfall of the best one counts against the label as well: such examples have no rival, so a plain margin takes
them for good ones. The level goes only half of the way from T to t_k, and so is T / 2 at least: the full threshold of a class whose
labels are mostly wrong is so low that the wrong ones would pass for good.

Source: ours; the margin over thresholds follows Northcutt et al. 2021 (arXiv:1911.00068). The constants are in `defaults`; what
it was compared with is in docs/methods/default-rank.md.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pedigree.labels import defaults

Floats = NDArray[np.float64]


def levels(thresholds: Floats, sums: Floats, counts: NDArray[np.int64]) -> Floats:
    """(K,) the level of each class; a class without examples keeps its threshold, which no probability reaches.

    `sums` are the sums of p_s over the examples of each label, `counts` how many those are. Every example twice: the same levels.
    """
    mean = sums.sum() / max(int(counts.sum()), 1)
    return np.where(counts > 0, (thresholds + mean) / 2.0, thresholds)


def blended(own: Floats, rival: Floats) -> Floats:
    """The blend of E (`own`) and R (`rival`), logarithms of ratios to levels; any real number, lower is worse.

    Rises with `own`, and falls with `rival` where the rival is above its level.
    """
    unclaimed = np.minimum(np.maximum(own, rival), 0.0)
    against = defaults.RIVAL_ABOVE * np.maximum(rival, 0.0) + defaults.RIVAL_BELOW * np.minimum(rival, 0.0)
    return np.asarray(own - against + defaults.UNCLAIMED * unclaimed)
