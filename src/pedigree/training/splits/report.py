"""How the classes fall among the splits."""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pedigree.errors import InvalidSplit


@dataclass(frozen=True)
class SplitReport:
    """Counts of every class in every split, and how far each split is from the whole.

    Classes are in the order of their text, numbers by value; splits as in the fractions that were given, else by name.
    """

    classes: tuple[str, ...]
    splits: tuple[str, ...]
    #: counts[split][class]; 0 where there is none.
    counts: Mapping[str, Mapping[str, int]]
    #: The fractions that were asked for; None where none were given.
    wanted: Mapping[str, float] | None
    #: Groups that have samples in more than one split, with those splits: leaks.
    straddling: Mapping[str, tuple[str, ...]]

    @property
    def total(self) -> int:
        return sum(self.size(split) for split in self.splits)

    def size(self, split: str) -> int:
        """Samples in this split."""
        return sum(self.counts[split].values())

    def fraction(self, split: str) -> float:
        """Share of all samples that this split has; 0 where there are no samples."""
        return self.size(split) / self.total if self.total else 0.0

    def distance(self, split: str) -> float:
        """Total variation distance between the classes of this split and those of all samples, 0 (alike) to 1.

        Half the sum over classes of |share in the split - share in all|: the share of its samples that would have to change
        class. NaN for a split with no samples.
        """
        size, total = self.size(split), self.total
        if not size:
            return math.nan
        return 0.5 * math.fsum(
            abs(self.counts[split][name] / size - self._of_class(name) / total) for name in self.classes
        )

    @property
    def chi_square(self) -> tuple[float, int, float]:
        """Pearson's test that all splits draw from one distribution of classes: statistic, degrees of freedom, p-value.

        Empty splits and classes have no part in it. (0, 0, 1) where fewer than two of either are left. A small p-value says that chance alone
        would rarely part the classes so; below about 5 expected samples in a cell it is only a rough guide.
        """
        splits = [split for split in self.splits if self.size(split)]
        names = [name for name in self.classes if self._of_class(name)]
        degrees = (len(splits) - 1) * (len(names) - 1)
        if degrees <= 0:
            return 0.0, 0, 1.0
        cells = []
        for split in splits:
            for name in names:
                expected = self.size(split) * self._of_class(name) / self.total
                cells.append((self.counts[split][name] - expected) ** 2 / expected)
        statistic = math.fsum(cells)
        return statistic, degrees, _survival(statistic, degrees)

    @property
    def missing(self) -> dict[str, tuple[str, ...]]:
        """The classes that have no sample in a split, by split; splits that have every class are left out."""
        found = {split: tuple(name for name in self.classes if not self.counts[split][name]) for split in self.splits}
        return {split: names for split, names in found.items() if names}

    def check(self) -> SplitReport:
        """The report itself, where every split has every class and no group straddles; else raises InvalidSplit."""
        if self.missing:
            told = "; ".join(f"{split}: {_some(names)}" for split, names in self.missing.items())
            raise InvalidSplit(
                f"Classes without a sample in a split: {told}.",
                remedy="Add samples of these classes, give the split a larger fraction, or try another seed.",
                missing=self.missing,
            )
        if self.straddling:
            told = _some([f"{group} ({', '.join(splits)})" for group, splits in self.straddling.items()])
            raise InvalidSplit(
                f"{len(self.straddling)} groups have samples in more than one split: {told}.",
                remedy="Assign by group: assign_split(key, fractions, group=...).",
                straddling=self.straddling,
            )
        return self

    def to_json(self) -> dict[str, Any]:
        """Everything above as plain values, for a file; NaN is None."""
        statistic, degrees, p_value = self.chi_square
        return {
            "total": self.total,
            "splits": {
                split: {
                    "count": self.size(split),
                    "fraction": self.fraction(split),
                    "wanted": None if self.wanted is None else self.wanted.get(split),
                    "distance": None if math.isnan(self.distance(split)) else self.distance(split),
                    "classes": dict(self.counts[split]),
                    "missing": list(self.missing.get(split, ())),
                }
                for split in self.splits
            },
            "chi_square": {"statistic": statistic, "degrees": degrees, "p_value": p_value},
            "straddling": {group: list(splits) for group, splits in self.straddling.items()},
        }

    def json(self) -> str:
        return json.dumps(self.to_json(), indent=2, ensure_ascii=False, allow_nan=False)

    def __str__(self) -> str:
        head = ["class", *(f"{split}" for split in self.splits), "all"]
        rows = [
            [name, *(str(self.counts[split][name]) for split in self.splits), str(self._of_class(name))]
            for name in self.classes
        ]
        rows.append(["all", *(str(self.size(split)) for split in self.splits), str(self.total)])
        rows.append(["fraction", *(f"{self.fraction(split):.4f}" for split in self.splits), ""])
        if self.wanted is not None:
            rows.append(["wanted", *(f"{self.wanted.get(split, 0):.4f}" for split in self.splits), ""])
        rows.append(["distance", *(f"{self.distance(split):.4f}" for split in self.splits), ""])
        width = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
        lines = [
            "  ".join(
                [row[0].ljust(width[0]), *(cell.rjust(w) for cell, w in zip(row[1:], width[1:], strict=True))]
            ).rstrip()
            for row in (head, *rows)
        ]
        statistic, degrees, p_value = self.chi_square
        lines.append(f"chi-square {statistic:.3f}, {degrees} degrees of freedom, p = {p_value:.4g}")
        lines += [f"no sample in {split}: {_some(names)}" for split, names in self.missing.items()]
        lines += [f"group {group} is in {', '.join(splits)}" for group, splits in list(self.straddling.items())[:10]]
        return "\n".join(lines)

    def _of_class(self, name: str) -> int:
        return sum(self.counts[split][name] for split in self.splits)


def split_report(
    labels: Iterable[Hashable],
    splits: Iterable[str],
    *,
    fractions: Mapping[str, Any] | None = None,
    groups: Iterable[Hashable] | None = None,
    classes: Iterable[Hashable] = (),
) -> SplitReport:
    """The classes of the samples against their splits: one label and one split a sample.

    `fractions` adds what was asked for, and splits that got nothing; `classes` adds classes that no sample has, which are then
    missing everywhere; `groups` (one a sample, None for none) finds groups that straddle splits. A list, an array and a column all do.

    Raises InvalidSplit when lengths differ or there are no samples.
    """
    labels, splits = list(labels), [str(split) for split in splits]
    grouped = None if groups is None else list(groups)
    if len(labels) != len(splits) or (grouped is not None and len(grouped) != len(labels)):
        also = "" if grouped is None else f" and {len(grouped)} groups"
        raise InvalidSplit(
            f"There are {len(labels)} labels, {len(splits)} splits{also}.", remedy="Give one of each for every sample."
        )
    if not labels:
        raise InvalidSplit(
            "There are no samples to report on.", remedy="Give one label and one split for every sample."
        )
    cells = Counter(zip(splits, map(str, labels), strict=True))
    names = [*dict.fromkeys(str(label) for label in sorted({*labels, *classes}, key=_place))]
    asked = [] if fractions is None else list(fractions)
    order = [*asked, *sorted({*splits} - {*asked})]
    places = defaultdict(set)
    for group, split in zip(grouped or (), splits, strict=False):
        if group is not None:
            places[group].add(split)
    return SplitReport(
        classes=tuple(names),
        splits=tuple(order),
        counts={split: {name: cells[split, name] for name in names} for split in order},
        wanted=None if fractions is None else {name: float(value) for name, value in fractions.items()},
        straddling={
            str(group): tuple(sorted(where))
            for group, where in sorted(places.items(), key=lambda item: str(item[0]))
            if len(where) > 1
        },
    )


def _place(label: Any) -> tuple[bool, float, str]:
    number = isinstance(label, (int, float)) or hasattr(label, "__index__")
    return (not number, float(label) if number else 0.0, str(label))


def _some(names: Iterable[str]) -> str:
    names = list(names)
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _survival(statistic: float, degrees: int) -> float:
    """P(chi-square with so many degrees of freedom > statistic): the finite sums for whole degrees.

    Source: Abramowitz and Stegun 1964, equations 26.4.4 (odd) and 26.4.5 (even). Terms are summed as logarithms, for a large
    statistic makes exp(-statistic / 2) vanish before its terms are large.
    """
    if statistic <= 0:
        return 1.0
    half = statistic / 2
    offset = 0.5 if degrees % 2 else 0.0
    terms = [
        math.exp((k + offset) * math.log(half) - half - math.lgamma(k + offset + 1))
        for k in range((degrees - int(2 * offset)) // 2)
    ]
    return min(1.0, math.fsum(terms) + (math.erfc(math.sqrt(half)) if offset else 0.0))
