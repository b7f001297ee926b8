"""Folds for cross-validation: as many of each class in every fold as can be, and no group in two of them.

The order in which samples are taken is that of their points, as assignment.py makes them, under the prefix
`pedigree-folds-1 LF <seed, decimal> LF`; all else is arithmetic of whole numbers. So the folds are the same on every machine and with every
version of every library, and do not depend on the order of the samples where each has a key of its own.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pedigree.errors import InvalidSplit
from pedigree.training.splits.assignment import Key, point
from pedigree.training.streams import whole

#: One over the size of a class, in this many parts: whole numbers add up the same on every machine.
_PARTS = 1 << 30


def assign_folds(
    labels: Sequence[Any] | NDArray[Any],
    folds: int,
    *,
    seed: int = 0,
    groups: Iterable[Key | None] | None = None,
    keys: Iterable[Key] | None = None,
) -> NDArray[np.int64]:
    """(n,) the fold of each sample, from 0 to folds - 1.

    Without groups, folds differ by one sample at most in size and in the number of each class. Samples with the same group (all pictures of
    one animal, near-duplicates) are in one fold; whole groups are then dealt, the largest first, each to where it disturbs the shares of the classes
    least (by the sum over classes of squared count over class size), and single samples fill up. None in `groups` is a sample without one.

    `keys` name the samples, each once: a sample's fold then depends on the set of samples and not on their order. Without them their
    positions do. Another seed deals independently.

    Raises InvalidSplit for fewer than two folds, fewer samples or groups than folds, lengths that differ, and keys that are not unique.
    """
    classes, numbers = np.unique(np.asarray(labels), return_inverse=True)
    count = len(numbers)
    names = [*range(count)] if keys is None else listed(keys)
    together = _groups(groups, count)
    if (whole(folds) or 0) < 2:
        raise InvalidSplit(f"Cross-validation takes two folds at least, got {folds!r}.", remedy="Five is usual.")
    if len(names) != count:
        raise InvalidSplit(f"There are {count} labels and {len(names)} keys.", remedy="Give one key for each sample.")
    if len({*names}) != count:
        raise InvalidSplit("Two samples have the same key.", remedy="Give what names each sample, such as its path.")
    sizes = np.bincount(together) if count else np.zeros(0, np.int64)
    if len(sizes) < folds:
        what = f"{count} samples" if groups is None else f"{len(sizes)} groups of {count} samples"
        raise InvalidSplit(f"{what} cannot fill {folds} folds.", remedy="Take fewer folds, or smaller groups.")
    prefix = b"pedigree-folds-1\n%d\n" % operator.index(seed)
    points = np.array([point(name, prefix) for name in names], np.uint64)

    found = np.full(count, -1, np.int64)
    held = np.zeros((folds, len(classes)), np.int64)
    _deal_groups(found, held, together, sizes, numbers, points)
    for label in range(len(classes)):
        single = np.flatnonzero((numbers == label) & (found < 0))
        single = single[np.argsort(points[single], kind="stable")]
        shares = _shares(held[:, label], held.sum(axis=1), len(single))
        found[single] = np.repeat(np.arange(folds), shares)
        held[:, label] += shares
    return found


def listed(names: Iterable[Any]) -> list[Any]:
    """Names of samples or groups, from any kind of array or list, as Python's own values: equal ones are equal whatever held them."""
    for method in ("tolist", "to_pylist"):  # of NumPy, torch and pandas, and of Arrow
        if hasattr(names, method):
            names = getattr(names, method)()
            break
    # In a list, an element of a tensor is equal to no other but itself.
    return [one.item() if isinstance(one, np.generic) or hasattr(one, "detach") else one for one in names]


def _groups(groups: Iterable[Key | None] | None, count: int) -> NDArray[np.int64]:
    """(n,) the group of each sample as a number, those without one each in its own."""
    if groups is None:
        return np.arange(count)
    given = listed(groups)
    if len(given) != count:
        raise InvalidSplit(
            f"There are {count} labels and {len(given)} groups.", remedy="Give one group for each sample, or None."
        )
    known: dict[Any, int] = {}
    found = np.empty(count, np.int64)
    for at, group in enumerate(given):
        # A group is never equal to a sample's own number: those are tuples.
        found[at] = known.setdefault((at,) if group is None else (type(group).__name__, group), len(known))
    return found


def _deal_groups(
    found: NDArray[np.int64],
    held: NDArray[np.int64],
    together: NDArray[np.int64],
    sizes: NDArray[np.int64],
    numbers: NDArray[np.int64],
    points: NDArray[np.uint64],
) -> None:
    """Give each group of two or more its fold, in `found` and in the counts (folds, classes) of `held`."""
    several = np.flatnonzero(sizes > 1)
    if not len(several):
        return
    order = np.argsort(together, kind="stable")
    starts = np.searchsorted(together[order], np.arange(len(sizes) + 1))
    weights = _PARTS // np.bincount(numbers)
    # Of equally large groups the one with the lowest point first: of all its members, so that their order does not enter.
    lowest = np.array([points[order[starts[group] : starts[group + 1]]].min() for group in several])
    for group in several[np.lexsort((lowest, -sizes[several]))]:
        members = order[starts[group] : starts[group + 1]]
        own = np.bincount(numbers[members], minlength=held.shape[1])
        present = np.flatnonzero(own)
        cost = ((2 * held[:, present] + own[present]) * own[present] * weights[present]).sum(axis=1)
        fold = int(np.lexsort((held.sum(axis=1), cost))[0])
        found[members] = fold
        held[fold] += own


def _shares(held: NDArray[np.int64], totals: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """(folds,) how many of `count` samples of a class each fold gets: the fold with the fewest of the class first, then with the fewest of all."""
    folds = len(held)
    # How high all would stand if those below were filled up evenly.
    level = np.sort(held)
    below = np.flatnonzero(np.arange(1, folds + 1) * level - np.cumsum(level) <= count)
    filled = int(below[-1]) + 1
    height = (int(level[:filled].sum()) + count) // filled
    found = np.maximum(height - held, 0)
    rest = count - int(found.sum())
    found[np.lexsort((np.arange(folds), totals, held + found))[:rest]] += 1
    return found
