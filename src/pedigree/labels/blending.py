"""The default rank: how much a label has for itself, less what its strongest rival has, and less what every class lacks.

With p_k the probability of class k, t_k its threshold and T the mean p_s over all labels, s the given label:

    l_k = (t_k + T) / 2                                      the level of class k
    E = log(p_s / l_s),   R = max over k other than s of log(p_k / l_k)
    blend = E - max(R, 0) - RIVAL_BELOW * min(R, 0) + UNCLAIMED * min(max(E, R), 0)

A rival counts in full as far as it is above its level, and for little below. Where no class reaches its level, as in a picture
of something else, the shortfall of the best one counts against the label as well: such examples have no rival, so a plain margin takes
them for good ones. The level goes only half of the way from T to t_k, and so is T / 2 at least: the full threshold of a class whose
labels are mostly wrong is so low that the wrong ones would pass for good.

Source: ours; the margin over thresholds follows Northcutt et al. 2021 (arXiv:1911.00068). What it was compared with, and how the two
constants were chosen, is in docs/methods/default-rank.md.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Part of R that counts where the rival is below its level.
RIVAL_BELOW = 0.2
#: Part of the shortfall that counts where no class reaches its level.
UNCLAIMED = 0.4


def levels(thresholds: Floats, sums: Floats, counts: NDArray[np.int64]) -> Floats:
    """(K,) the level of each class; a class without examples keeps its threshold, which no probability reaches.

    `sums` are the sums of p_s over the examples of each label, `counts` how many those are. Every example twice: the same levels.
    """
    mean = sums.sum() / max(int(counts.sum()), 1)
    return np.where(counts > 0, (thresholds + mean) / 2.0, thresholds)


def blended(own: Floats, rival: Floats) -> Floats:
    """The blend of E (`own`) and R (`rival`), logarithms of ratios to levels; any real number, lower is worse.

    Falls in `rival` above 0; never falls in `own`. Equal to `own - rival`, a margin, where the rival is above its level.
    """
    below = np.minimum(rival, 0.0)
    unclaimed = np.minimum(np.maximum(own, rival), 0.0)
    return np.asarray(own - np.maximum(rival, 0.0) - RIVAL_BELOW * below + UNCLAIMED * unclaimed)
