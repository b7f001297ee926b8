"""Which labels are probably wrong, by the methods of confident learning and by ours; masks over all examples.

Source: Northcutt, Jiang and Chuang 2021 (arXiv:1911.00068), section 3.2; the union is ours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pedigree.labels import counts, defaults

if TYPE_CHECKING:
    from pedigree.labels.analysis import Analysis
    from pedigree.labels.rounding import Counts

Mask = NDArray[np.bool_]


def prune_by_class(found: Analysis) -> Mask:
    """Of the labels s the `n_s - joint[s, s]` with the lowest p_s."""
    from pedigree.labels import rows

    mask = np.zeros(len(found.data.labels), np.bool_)
    kept = counts.prune_counts(found.joint).diagonal()
    ends = np.cumsum(found.label_counts)
    starts = ends - found.label_counts
    order = np.empty(ends[-1], np.int64)
    rows.by_label(found.data.labels, starts.copy(), order)
    for start, end, keep in zip(starts, ends, kept, strict=True):
        members = order[start:end]
        if len(members) > 1 and len(members) > keep:
            mask[members[_lowest(found.own[members], len(members) - int(keep))]] = True
    return mask & ~found.agreeing


def _lowest(values: NDArray[Any], count: int) -> NDArray[np.int64]:
    """Where the `count` lowest values are, of equal ones the first."""
    if count >= len(values):
        return np.arange(len(values))
    cut = np.partition(values, count - 1)[count - 1]
    below = np.flatnonzero(values < cut)
    return np.concatenate((below, np.flatnonzero(values == cut)[: count - len(below)]))


def prune_by_noise_rate(found: Analysis) -> Mask:
    """Of the labels s, for each other class y, the `joint[s, y]` with the largest p_y - p_s.

    Only labels that do not have the largest p can be issues, and where enough of those have a margin that no other label can
    reach, the others are not looked at. The cells where too few have are filled in a second pass, over all their examples.
    """
    from pedigree.labels import rows

    wanted = counts.prune_counts(found.joint)
    np.fill_diagonal(wanted, 0)
    wanted[found.label_counts <= 1] = 0
    mask = np.zeros(len(found.data.labels), np.bool_)
    missing = _pruned(found, wanted, 2 * rows.SLACK, found.agreeing, mask)
    if missing.any():
        lacking: Mask = np.asarray(missing.any(axis=1))
        others = ~lacking[found.data.labels]
        _pruned(found, np.where(missing, wanted, 0), -np.inf, others, mask)
    return mask & ~found.agreeing


def _pruned(found: Analysis, wanted: Counts, floor: float, skipped: Mask, mask: Mask) -> Mask:
    """Set `mask` at the examples with the `wanted` largest margins above `floor`; which cells found too few of them."""
    from pedigree.labels import pruning

    matrix = found.data.probabilities
    given, classes = np.nonzero(wanted)
    rooms = wanted[given, classes]
    bounds = np.searchsorted(given, np.arange(len(wanted) + 1))
    starts = np.concatenate(([0], np.cumsum(rooms)))
    fills = np.zeros(len(rooms), np.int64)
    margins, owners = np.empty(starts[-1], matrix.dtype), np.empty(starts[-1], np.int64)
    floors = np.full(wanted.shape, np.inf, matrix.dtype)
    floors[given, classes] = floor
    heaps = (classes, bounds, floors, starts, fills, margins, owners)
    for start, chunk in matrix.chunks(found.chunk_rows):
        part = slice(start, start + len(chunk))
        pruning.gather(chunk, start, found.data.labels[part], skipped[part], *heaps)
    # Above a floor the largest are found even where there are too few; they are among those of the second pass as well.
    inside = np.arange(len(owners)) - np.repeat(starts[:-1], rooms) < np.repeat(fills, rooms)
    mask[owners[inside]] = True
    missing = np.zeros(wanted.shape, np.bool_)
    missing[given, classes] = fills < rooms
    return missing


def both(found: Analysis) -> Mask:
    """What pruning by class and by noise rate have in common."""
    return found.issues("prune_by_class") & found.issues("prune_by_noise_rate")


def confident_learning(found: Analysis) -> Mask:
    """Those counted off the diagonal of the confident joint."""
    given = found.data.labels
    return np.asarray((found.counted >= 0) & (given >= 0) & (found.counted != given) & ~found.agreeing)


def predicted_neq_given(found: Analysis) -> Mask:
    """Those of which another class has the largest p."""
    return np.asarray((found.data.labels >= 0) & (found.largest != found.data.labels) & ~found.agreeing)


def union(found: Analysis) -> Mask:
    """Either pruning, or log(p_s / level_s) more than `-defaults.UNION_MARGIN` below that of another class (`blending`)."""
    given = found.data.labels
    # As a product: a logarithm may differ in its last bit between processors.
    limit = np.exp(defaults.UNION_MARGIN) * found.levels[np.maximum(given, 0)]
    low = found.own < limit * found.ratio
    pruned = found.issues("prune_by_class") | found.issues("prune_by_noise_rate")
    return np.asarray((pruned | low) & ~found.agreeing & (given >= 0))


#: By name, the default first.
FILTERS = {
    kind.__name__: kind
    for kind in (union, prune_by_noise_rate, prune_by_class, both, confident_learning, predicted_neq_given)
}
