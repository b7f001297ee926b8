"""A segmentation data set looked at image by image; issues, ranks and counts are answered from it.

found = labels.analyse_masks(masks, probabilities, void=255)
found.issues()            # which pixels are probably wrong
found.worst(20)           # which masks to look at first
found.pairs               # which classes are taken for which
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from os import PathLike
from queue import SimpleQueue
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pedigree.errors import InvalidInput
from pedigree.labels import inputs
from pedigree.labels.names import MASK_RANKS
from pedigree.labels.segmentation import passes, ranks, regions, tables
from pedigree.labels.segmentation.images import Images
from pedigree.labels.segmentation.issues import IssueMasks

#: Regions of fewer pixels are not worth a row.
LEAST_AREA = 16


def analyse_masks(
    masks: Any,
    probabilities: Any,
    *,
    classes: Sequence[Any] | None = None,
    void: Any = None,
    count: int | None = None,
    downsample: int = 1,
    threads: int = 1,
    store: str | PathLike[str] | None = None,
    least_area: int | None = None,
) -> MaskAnalysis:
    """Look at n masks with the probabilities of K classes that a model which was not trained on them gives.

    `masks` are whole numbers (n, h, w), `probabilities` (n, K, h, w) in float16 to float64 that sum to 1 over the classes within
    1e-3. Each may also be the path of a `.npy` file, which is mapped; a sequence of arrays or paths, whose sizes may differ
    from image to image; an iterable that can be gone through again; or a function of the image's number, with `count` images.
    Images are read one by one, twice, and not held: a bit for each pixel and a few numbers for each image are kept.

    `classes` names the K classes; if they are whole numbers, these are the values in the masks, otherwise 0, 1, ….
    `void` is a value, or several, of pixels without a label: they are in no count and never an issue.
    `downsample` makes one pixel of blocks of so many square (`pooling.pooled`), which all but the issue masks are about.
    `store` is a folder for the issue masks (see `issues.IssueMasks`); without it they are kept in memory.
    `least_area` finds the regions of so many pixels or more in the second pass as well; without it, `regions` takes one more
    pass when it is first asked.
    The result is the same for any number of `threads`.

    Raises InvalidInput with the first offending image and pixel: sizes that differ, labels that are no class, values that
    are no probabilities, what can be gone through only once, labels that are all of one class.
    """
    inputs.needs_numba()
    if downsample < 1 or threads < 1:
        raise InvalidInput("`downsample` and `threads` must be 1 or more.", remedy="Leave them out for 1.")
    return MaskAnalysis(Images(masks, probabilities, classes, void, count), downsample, threads, store, least_area)


class MaskAnalysis:
    """What two passes found. K classes, n images in the order given.

    `label_counts` (K,) pixels labelled so; `thresholds` (K,) mean p of a class over these, 2 for a class that no pixel has;
    `labelled` (n,) pixels with a label; `errors` the estimated number of wrong pixels; `issue_counts` (n,) issues;
    `pairs` (K, K) issues by given and predicted class.
    """

    def __init__(
        self, data: Images, downsample: int, threads: int, store: str | PathLike[str] | None, least_area: int | None
    ) -> None:
        if least_area is not None:
            _whole_images(downsample)
        self.data, self.downsample, self._threads = data, downsample, threads
        self._known = passes.survey(data, downsample, threads)
        self.label_counts, self.thresholds = self._known.label_counts, self._known.thresholds
        self.labelled = self._known.labelled
        self._regions: list[regions.Found] = []
        #: Regions of so many pixels are known; None if they were not asked for.
        self._least_area = least_area
        self._judge(store)

    def __len__(self) -> int:
        return len(self.labelled)

    @property
    def classes(self) -> tuple[Any, ...]:
        return self.data.names

    def _judge(self, store: str | PathLike[str] | None) -> None:
        classes = len(self.classes)
        self.errors = 0
        self.pairs: NDArray[np.int64] = np.zeros((classes, classes), np.int64)
        self._masks = IssueMasks(store)
        # Of blocks those that agree may hold pixels that do not, so all of them are settled in the end.
        left = self._known.cut.first if self.downsample == 1 else None
        kept: list[tuple[int, passes.Open]] = []
        numbers, counts = [], []

        for number, one in enumerate(self._judged(self._least_area)):
            pairs = one.pairs
            if left is not None:
                # One value is at the cut, and how many of it are issues is known: the first ones.
                wanted = ~one.open.agrees & (np.cumsum(~one.open.agrees) <= left)
                left -= int(wanted.sum())
                at, codes = one.open.chosen(wanted)
                one.issues.reshape(-1)[at] = True
                pairs = pairs + np.bincount(codes, minlength=classes * classes)
            elif len(one.open.own):
                kept.append((number, one.open))
            self.errors += one.confident
            self.pairs += pairs.reshape(classes, classes)
            self._masks.append(one.issues)
            counts.append(int(pairs.sum()))
            numbers.append(one.numbers)
            if one.regions is not None:
                self._regions.append(one.regions)
        self._masks.finish()
        self.issue_counts: NDArray[np.int64] = np.array(counts, np.int64)
        self._numbers = ranks.Numbers(*(np.array(column) for column in zip(*numbers, strict=True)))
        if kept:
            self._settle(kept)

    def _judged(self, least_area: int | None) -> Iterator[passes.Judged]:
        """The second pass, image by image in order."""
        rooms: SimpleQueue[passes.Room] = SimpleQueue()
        for _ in range(self._threads):
            rooms.put(passes.Room())

        def judge(read: Callable[[], Any]) -> passes.Judged:
            labels, values = read()
            room = rooms.get()
            try:
                return passes.judge(labels, values, self._known, self.downsample, room, least_area)
            finally:
                rooms.put(room)

        return passes.in_order(judge, self.data, self._threads)

    def _settle(self, kept: list[tuple[int, passes.Open]]) -> None:
        """Of the pixels at the cut take those with the lowest p of their label, as many as `errors` still wants; of equal ones
        first those that another class is predicted for, then those that come first."""
        classes = len(self.classes)
        own = np.concatenate([one.own for _, one in kept])
        agrees = np.concatenate([one.agrees for _, one in kept])
        wanted = np.zeros(len(own), np.bool_)
        wanted[np.lexsort((agrees, own))[: self.errors - self._known.cut.below]] = True
        start = 0
        for number, one in kept:
            at, codes = one.chosen(wanted[start : start + len(one.own)])
            start += len(one.own)
            self._masks.set(number, at)
            self.issue_counts[number] += len(at)
            self.pairs += np.bincount(codes, minlength=classes * classes).reshape(classes, classes)

    # -- issues

    def issues(self) -> NDArray[np.bool_]:
        """(n, h, w) True where the label is probably wrong, for images of one size; see `issue_masks` for others.

        As many pixels as are confidently predicted to be of another class (`errors`), those with the lowest p of their label;
        less those whose label has the largest p. At the cut those of another predicted class go first, then the lower index.
        Source: Lad and Mueller 2023 (arXiv:2307.05080), after Northcutt et al. 2021.
        """
        return self._masks.whole()

    @property
    def issue_masks(self) -> IssueMasks:
        """The same image by image: a sequence of (h, w), unpacked as each is asked for."""
        return self._masks

    @property
    def remarks(self) -> list[str]:
        """What is odd about the input and no error."""
        found = [
            f"No pixel is labelled {name!r}."
            for name, number in zip(self.classes, self.label_counts, strict=True)
            if not number
        ]
        empty = np.flatnonzero(self.labelled == 0)
        if len(empty):
            shown = ", ".join(map(str, empty[: inputs.NAMED])) + (", …" if len(empty) > inputs.NAMED else "")
            found.append(f"{len(empty)} of {len(self)} images are all void: {shown}.")
        return found

    @property
    def confused(self) -> tables.Table:
        """`pairs` as a table, the most frequent pair first; see `tables.of_pairs`."""
        return tables.of_pairs(self.pairs, self.label_counts, self.classes)

    def regions(self, least_area: int = LEAST_AREA) -> tables.Table:
        """What is wrong where: connected regions in which another class than the given one is predicted, the worst first.

        Of each its class, the suggested class, area, box, evidence, and kind, by what it is most of (half of the pixels or more):
        - `wrong class`: of the given region and of the predicted one.
        - `missing region`: of the predicted one, which lies in a larger given one.
        - `extra region`: of the given one, which lies in a larger predicted one.
        - `boundary`: of neither: the border between two regions is elsewhere.
        `tables.of_regions` says what the columns are. Takes a pass over the data set, unless `analyse_masks` was told before.
        """
        self._need_regions(least_area)
        return tables.of_regions(self._regions, self.classes, least_area)

    def _need_regions(self, least_area: int) -> None:
        if self._least_area is not None and self._least_area <= least_area:
            return
        _whole_images(self.downsample)
        found, worst = [], []
        for one in self._judged(least_area):
            assert one.regions is not None
            found.append(one.regions)
            worst.append(one.numbers.worst_component)
        self._regions, self._least_area = found, least_area
        self._numbers = self._numbers._replace(worst_component=np.array(worst))

    # -- ranks

    def scores(self, by: str = "clear_evidence") -> NDArray[np.float64]:
        """(n,) how good each mask is, by one of `MASK_RANKS`: the lower, the likelier it is wrong. NaN where all is void.

        - `clear_evidence`, the default: minus the sum over pixels of clip(-m - 1, 0, 6), where
          m = log(p_s / t_s) - max over others of log(p_j / t_j).
        - `evidence`: minus the sum of e = clip(-m - 0.5, 0, 4), which is what regions add up.
        - `strong_evidence`: minus the sum of e^4: for good models, which are sure of what they see.
        - `blend`: the mean of the ranks by `evidence` and by `lowest`, from 0 to 1.
        - `lowest`: the mean of the 5 % lowest p_s.
        - `softmin`: the mean of p_s, each weighted with exp((1 - p_s) / 0.1).
        - `num_pixel_issues`: the share of pixels that are no issue.
        - `worst_component`: minus the largest mean evidence of a connected region of one given class (of 0.2 % of the image or more).
        s is the given label, t the thresholds. Source: the last two, Lad and Mueller 2023 (arXiv:2307.05080); the others are ours.
        """
        if by not in MASK_RANKS:
            raise InvalidInput(f"There is no rank {by!r}.", remedy=f"Use one of {', '.join(MASK_RANKS)}.")
        if by == "num_pixel_issues":
            areas = np.array([height * width for height, width in self._masks.shapes], np.float64)
            return np.where(self.labelled > 0, 1.0 - self.issue_counts / areas, np.nan)
        if by == "worst_component":
            self._need_regions(LEAST_AREA if self._least_area is None else self._least_area)
        if by.endswith("evidence") or by == "worst_component":
            return np.asarray(0.0 - getattr(self._numbers, by))
        if by != "blend":
            return np.array(getattr(self._numbers, by))
        found = np.full(len(self), np.nan)
        there = self.labelled > 0
        parts = (-self._numbers.evidence[there], self._numbers.lowest[there])
        found[there] = np.mean([ranks.ranked(part) for part in parts], axis=0)
        return found

    def worst(self, count: int | None = None, *, by: str = "clear_evidence") -> NDArray[np.int64]:
        """The images with the lowest scores, the worst first, ties by index; all with a label if `count` is None."""
        order = np.argsort(self.scores(by), kind="stable")[: int((self.labelled > 0).sum())]
        return order if count is None else order[:count]


def _whole_images(downsample: int) -> None:
    if downsample > 1:
        raise InvalidInput("Regions are found in whole images.", remedy="Leave `downsample` out.")
