"""The two passes over a data set: one finds the thresholds and bounds of the cut, one finds what each image holds."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from pedigree.errors import InvalidInput
from pedigree.labels.analysis import LEAST_THRESHOLD, NEVER, no_less
from pedigree.labels.segmentation import pixels, pooling, regions
from pedigree.labels.segmentation.images import TOLERANCE, Images
from pedigree.labels.segmentation.ranks import LOWEST, Numbers
from pedigree.labels.segmentation.tallies import Cut, Tally

T = TypeVar("T")
S = TypeVar("S")
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Surveyed:
    """What the first pass finds: per class the pixels labelled so, the threshold (2 without any) and the p from which it counts as
    confidently predicted; per image the pixels with a label; and where the cut is."""

    label_counts: Ints
    thresholds: Floats
    cuts: Floats
    labelled: Ints
    cut: Cut

    def in_precision(self, kind: np.dtype[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        """The cuts and the inverse thresholds for probabilities of this precision.

        There is no evidence for a class that no pixel has: nothing is known of its probabilities where it is right.
        """
        inverse = np.where(self.label_counts > 0, 1.0 / self.thresholds, 0.0)
        return no_less(self.cuts, kind), inverse.astype(kind)


class Open(NamedTuple):
    """Pixels (or blocks) of one image that are at the cut, in order.

    Per item: `own`, p of the label, and `agrees`, whether no other class has a larger one. Per pixel that an item can make an
    issue: `item`, `at` and `pairs`, its given and predicted class as given * K + predicted.
    """

    own: Floats
    agrees: Mask
    item: Ints
    at: Ints
    pairs: Ints

    def chosen(self, wanted: Mask) -> tuple[Ints, Ints]:
        """The pixels of these items, and their pairs."""
        mine = wanted[self.item]
        return self.at[mine], self.pairs[mine]


class Judged(NamedTuple):
    """What the second pass finds of one image: pixels confidently predicted to be of another class, issues (h, w) for certain and
    how many there are of each pair of classes, those at the cut, the numbers of the
    ranks, and the regions if they were asked for."""

    confident: int
    issues: Mask
    pairs: Ints
    open: Open
    numbers: Numbers
    regions: regions.Found | None


class Room:
    """Arrays of an image's size that are used again for the next one: filling new memory takes longer than what is done with it."""

    def __init__(self) -> None:
        self.predicted = np.empty(0, np.int32)
        self.own: NDArray[Any] = np.empty(0, np.float32)
        self.opened: Ints = np.empty(0, np.int64)

    def of(self, size: int, kind: np.dtype[Any]) -> tuple[NDArray[np.int32], NDArray[Any], Ints]:
        if len(self.predicted) < size or self.own.dtype != kind:
            self.predicted, self.own = np.empty(size, np.int32), np.empty(size, kind)
            self.opened = np.empty(size + 1, np.int64)  # one more: each pixel is noted, then counted or not
        return self.predicted[:size], self.own[:size], self.opened


def survey(data: Images, downsample: int, threads: int) -> Surveyed:
    """The first pass."""
    classes = len(data.names)
    tallies = [Tally(classes) for _ in range(threads)]
    free: SimpleQueue[Tally] = SimpleQueue()
    for tally in tallies:
        free.put(tally)

    def look(numbered: tuple[int, Callable[[], Any]]) -> tuple[Floats, Ints]:
        number, read = numbered
        labels, values = read()
        shape, tolerance = labels.shape, TOLERANCE
        if downsample > 1:
            _check(number, values, shape, pixels.check(values, tolerance))
            labels, values = pooling.pooled(labels, values, downsample)
        sums, counts = np.zeros((pixels.LANES, classes)), np.zeros(classes, np.int64)
        tally = free.get()
        try:
            fault = pixels.survey(
                values,
                labels.reshape(-1),
                2 * tolerance if downsample > 1 else tolerance,  # means of checked values, rounded once more
                sums,
                counts,
                tally.own_counts,
                tally.own_first,
                tally.own_mixed,
                tally.top_counts,
                tally.top_first,
                tally.top_mixed,
            )
        finally:
            free.put(tally)
        _check(number, values, shape, fault)
        return sums.sum(axis=0), counts

    sums, label_counts = np.zeros(classes), np.zeros(classes, np.int64)
    labelled = []
    for image_sums, image_counts in in_order(look, enumerate(data), threads):
        # In the order of the images, whichever was ready first, so that the last bits are the same.
        sums += image_sums
        label_counts += image_counts
        labelled.append(int(image_counts.sum()))
    used = np.flatnonzero(label_counts)
    if len(used) < 2:
        what = f"every label is {data.names[used[0]]!r}" if len(used) else "there are no labels"
        raise InvalidInput(
            f"Nothing can be said about labels of one class: {what}.", remedy="Give pixels of two classes at least."
        )
    means = np.maximum(sums / np.maximum(label_counts, 1), LEAST_THRESHOLD)
    thresholds = np.where(label_counts > 0, means, NEVER)
    # A class that no pixel has may be missing from the masks: where it is predicted it counts, as with the peer.
    cuts = np.where(label_counts > 0, means, LEAST_THRESHOLD) - 1e-6
    for other in tallies[1:]:
        tallies[0].add(other)
    cut = tallies[0].cut(*tallies[0].confident(cuts))
    return Surveyed(label_counts, thresholds, cuts, np.array(labelled, np.int64), cut)


def judge(
    labels: NDArray[np.int32],
    values: NDArray[Any],
    known: Surveyed,
    downsample: int,
    room: Room,
    least_area: int | None,
) -> Judged:
    """The second pass over an image: (h, w) labels and (K, h * w) probabilities; with regions of `least_area` pixels or more."""
    classes, given, shape = len(values), labels.reshape(-1), labels.shape
    small, small_values = (labels, values) if downsample == 1 else pooling.pooled(labels, values, downsample)
    predicted, own, opened = room.of(small.size, values.dtype)
    under, evidence = np.empty(small.size, np.bool_), np.empty(0 if least_area is None else small.size, np.float32)
    pairs: Ints = np.zeros(classes * classes if downsample == 1 else 0, np.int64)
    found = np.zeros(5)
    used, confident, at_cut = pixels.judge(
        small_values,
        small.reshape(-1),
        *known.in_precision(values.dtype),
        known.cut.low,
        known.cut.high,
        predicted,
        own,
        under,
        opened,
        evidence,
        pairs,
        found,
    )
    numbers, found_regions, worst = Numbers(*[np.nan] * 6), None, np.nan
    if least_area is not None:
        found_regions, worst = regions.find(labels, predicted.reshape(shape), evidence, classes)
        found_regions = regions.some(found_regions, least_area)
    if used:
        lowest = pixels.mean_of_lowest(own, max(1, int(np.ceil(used * LOWEST))), np.empty(2049, np.int64))
        numbers = Numbers(found[4], found[3], found[0], lowest, found[2] / found[1], worst)
    items = opened[:at_cut].copy()
    item_own, agrees = own[items].astype(np.float64), predicted[items] == small.reshape(-1)[items]
    at, owner = items, np.arange(at_cut)
    if downsample > 1:
        predicted = values.argmax(axis=0)
        differs = (given >= 0) & (predicted != given)
        under = pooling.enlarged(under, shape, downsample) & differs
        pairs = np.bincount(given[under].astype(np.int64) * classes + predicted[under], minlength=classes * classes)
        at, sizes = pooling.members(items, shape, downsample)
        owner = np.repeat(owner, sizes)
    differing = predicted[at] != given[at]
    at, owner = at[differing & (given[at] >= 0)], owner[differing & (given[at] >= 0)]
    left = Open(item_own, agrees, owner, at, given[at].astype(np.int64) * classes + predicted[at])
    return Judged(confident, under.reshape(shape), pairs, left, numbers, found_regions)


def in_order(work: Callable[[T], S], items: Iterable[T], threads: int) -> Iterator[S]:
    """`map`, with a few items at work at once; no more are taken from `items` than that."""
    if threads == 1:
        yield from map(work, items)
        return
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[Future[S]] = deque()
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) > threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _check(number: int, values: NDArray[Any], shape: tuple[int, ...], fault: int) -> None:
    if fault < 0:
        return
    row, column = divmod(int(fault), shape[1])
    one = values[:, fault]
    shown = ", ".join(f"{value:.4g}" for value in one[:4]) + (", …" if len(one) > 4 else "")
    raise InvalidInput(
        f"Image {number}: the probabilities of the pixel in row {row}, column {column} are [{shown}], sum {float(one.sum()):.6g}; "
        f"they must be 0 or more and sum to 1 within {TOLERANCE:g}.",
        remedy="Give softmax outputs over the classes, not logits, and nothing undefined.",
        images=[number],
        pixels=[(row, column)],
    )
