"""Sets of examples that pairs hold together."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def lowest_members(count: int, left: NDArray[Any], right: NDArray[Any]) -> NDArray[np.int32]:
    """For each of `count` examples the lowest one that a chain of pairs leads to, itself if none: its connected component."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    links = coo_matrix((np.ones(len(left), np.bool_), (left, right)), shape=(count, count))
    _, component = connected_components(links, directed=False)
    lowest = np.full(int(component.max(initial=-1)) + 1, count, np.int32)
    np.minimum.at(lowest, component, np.arange(count, dtype=np.int32))
    return np.asarray(lowest[component])


def members(lowest: NDArray[np.int32]) -> list[NDArray[np.int64]]:
    """The sets of two examples and more, each in rising order, by their lowest example."""
    order = np.argsort(lowest, kind="stable")
    cuts = np.flatnonzero(np.diff(lowest[order])) + 1
    return [found for found in np.split(order, cuts) if len(found) > 1]
