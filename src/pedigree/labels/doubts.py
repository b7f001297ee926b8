"""What is legal and probably not meant: classes with hardly an example, and probabilities of a model that has seen the labels.

Each is a warning of its own category, below LabelWarning, so that it can be silenced or made an error by name:
`warnings.filterwarnings("error", category=labels.SeenLabels)`. Results are the same with and without it.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from pedigree.labels.analysis import Analysis

#: How many classes a message names.
NAMED = 5

#: The first sign of a model that has seen the labels: this part of them at least has the largest p; by its own probabilities so many, at
#: least, should not; and of these not even that part does not. Where more than the part NONE do not, the model is this confident on average, too.
AGREEING, EXPECTED, FOUND, CONFIDENT, NONE = 0.99, 10.0, 0.02, 0.9, 0.005
#: The second, of nets that are certain by now: of so many labels all have the largest p, so many should not, and this is the sum of many
#: small doubts: their mean, weighted by themselves, is low. On photographs a few examples are always ambiguous; of four doubts none comes
#: true once in fifty times (exp(-4)).
LABELS, DOUBTS, DOUBT = 1000, 4.0, 0.1
#: Examples whose numbers are looked at together.
_BLOCK = 1 << 16


class LabelWarning(UserWarning):
    """Something about labels or probabilities that is probably not meant."""


class RareClass(LabelWarning):
    """A class has no example, or a single one."""


class SeenLabels(LabelWarning):
    """The probabilities look like those of a model that was trained on the labels that it is to judge."""


def doubt(found: Analysis) -> None:
    """Warn of what is doubtful about what was analysed."""
    _rare(found)
    _seen(found)


def _rare(found: Analysis) -> None:
    without, single = (np.flatnonzero(found.label_counts == number) for number in (0, 1))
    if not len(without) and not len(single):
        return
    said = []
    if len(without):
        said.append(f"no label is {_named(found, without)}, so none can be found to be that class")
    if len(single):
        rows = np.flatnonzero(np.isin(found.data.labels, single[:NAMED]))
        where = ", ".join(map(str, rows))
        said.append(
            f"only one label each is {_named(found, single)} (row {where}), whose threshold is its own probability"
        )
    text = "; ".join(said)
    _warn(f"{text[0].upper()}{text[1:]}. Leave such classes out, or add examples.", RareClass)


def _named(found: Analysis, classes: NDArray[np.int64]) -> str:
    names = ", ".join(repr(found.data.names[at]) for at in classes[:NAMED].tolist())
    more = len(classes) - NAMED
    return f"{names} or any of {more} more classes" if more > 0 else names


def _seen(found: Analysis) -> None:
    """Warn where labels agree with the model more often than the model itself would have it.

    Measured on MNIST, Fashion-MNIST and digits (up to 4,000 examples, nets, forests, logistic regression, neighbours): of the expected
    other labels a model that has learnt noisy labels by heart has 0 to 0.02 (forests, which are not sure of what they know: 0 to 0.004), an honest one
    on easy classes 0.04 and more (regularised until it is sure of nothing: 0.011 and more); the weighted
    doubt is below 0.1 where none is left, against 0.11 and above. Classes without a single ambiguous example, as in drawn clusters,
    give the same signs with an honest model; a model that is certain to the last digit gives none.
    """
    count, others, expected, squares = 0, 0, 0.0, 0.0
    for start in range(0, len(found.own), _BLOCK):
        part = slice(start, start + _BLOCK)
        labelled = found.data.labels[part] >= 0
        own, rival = found.own[part][labelled], found.rival[part][labelled]
        doubts = 1.0 - np.minimum(np.maximum(own, rival), 1.0, dtype=np.float64)
        count += len(own)
        others += int((rival > own).sum())
        expected += float(doubts.sum())
        squares += float((doubts * doubts).sum())
    confident = others <= NONE * expected or expected <= (1.0 - CONFIDENT) * count
    first = count - others >= AGREEING * count and expected >= EXPECTED and others <= FOUND * expected and confident
    small = squares <= DOUBT * expected
    second = count >= LABELS and others == 0 and expected >= DOUBTS and small
    if first or second:
        _warn(
            f"The probabilities look like those of a model that was trained on these very labels: {count - others:,} of {count:,} "
            f"labels have the largest probability and {others:,} do not, where by the same probabilities about {expected:,.0f} "
            "should not. Such a model repeats wrong labels. Give probabilities from cross-validation, where no example is "
            "predicted by a model that was trained on it; if they are, the classes have no ambiguous example.",
            SeenLabels,
        )


def _warn(message: str, kind: type[LabelWarning]) -> None:
    # From whoever called `analyse`.
    warnings.warn(message, kind, stacklevel=5)
