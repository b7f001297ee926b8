"""The map of a data set: what is easy, ambiguous and hard to learn. Swayamdipta et al. 2020 (arXiv:2009.10795)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pedigree.errors import InvalidInput, MissingExtra
from pedigree.labels.dynamics.signals import Signals

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: What `regions` numbers, from 0.
REGIONS = ("easy", "ambiguous", "hard")
#: More points than this are thinned, evenly over the data set; the histograms count all.
_POINTS = 20_000
#: Okabe and Ito's colours, which the colour-blind tell apart, and shapes beside them.
_COLOURS, _SHAPES = ("#0072B2", "#E69F00", "#D55E00"), ("o", "s", "^")
_GREY = "#555555"


def regions(signals: Signals, share: float = 1 / 3) -> NDArray[np.int8]:
    """(n,) the place of each sample in `REGIONS`, -1 where it was never presented.

    Ambiguous are the `share` of samples with the largest variability, ties by index. Of the others those are easy whose label has a mean
    probability of 0.5 at least, and hard the rest, where wrong labels lie. The paper names the third that is largest by each
    measure, so that its regions overlap; these do not.
    """
    if not 0.0 <= share <= 1.0:
        raise InvalidInput(f"The share of ambiguous samples is {share!r}.", remedy="Give a fraction from 0 to 1.")
    known = np.flatnonzero(signals.labels >= 0)
    found = np.full(len(signals), -1, np.int8)
    found[known] = np.where(signals.confidence[known] >= 0.5, 0, 2)
    order = known[np.argsort(-signals.variability[known], kind="stable")]
    found[order[: int(share * len(known))]] = 1
    return found


def data_map(signals: Signals, *, marked: Sequence[int] | NDArray[Any] = (), share: float = 1 / 3) -> Figure:
    """The map as a Matplotlib figure: mean probability over variability, a point per sample, coloured and shaped by region.

    `marked` samples get a ring: the worst, say. At the right the histograms of mean probability, variability and correctness. Belongs to no
    window and no pyplot; `savefig` writes it.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtra(
            "The map is drawn by Matplotlib, which is not installed.", remedy="`pip install 'pedigree-ml[labels]'`."
        ) from None

    region = regions(signals, share)
    known = np.flatnonzero(region >= 0)
    shown = known[:: -(-len(known) // _POINTS) or 1]
    figure = Figure(figsize=(9.5, 5.5), layout="constrained")
    places = figure.subplot_mosaic([["map", "a"], ["map", "b"], ["map", "c"]], width_ratios=[3.2, 1])
    ax = places["map"]
    for number, name in enumerate(REGIONS):
        at = shown[region[shown] == number]
        label = f"{name} ({int((region == number).sum()):,})"
        style: dict[str, Any] = {"c": _COLOURS[number], "marker": _SHAPES[number], "alpha": 0.55, "linewidths": 0}
        ax.scatter(signals.variability[at], signals.confidence[at], s=12, label=label, rasterized=True, **style)
    rings = np.asarray(marked, np.int64)
    if len(rings):
        where = signals.variability[rings], signals.confidence[rings]
        ax.scatter(
            *where, s=36, facecolors="none", edgecolors="black", linewidths=0.8, label=f"marked ({len(rings):,})"
        )
    thinned = f"; {len(shown):,} are drawn" if len(shown) < len(known) else ""
    ax.set(xlabel="variability: standard deviation of p(label)", ylabel="confidence: mean p(label)", ylim=(-0.02, 1.02))
    ax.set_title(f"{len(known):,} samples{thinned}", fontsize=10)
    # Outside: in a corner it would lie on points.
    legend = figure.legend(
        loc="outside upper left", ncols=4, frameon=False, fontsize=10, markerscale=1.6, handletextpad=0.2
    )
    for handle in legend.legend_handles:
        if handle is not None:
            handle.set_alpha(1.0)
    for place, values, title in (
        ("a", signals.confidence, "confidence"),
        ("b", signals.variability, "variability"),
        ("c", signals.correctness, "correctness"),
    ):
        places[place].hist(values[known], bins=25, color=_GREY)
        places[place].set_xlabel(title, fontsize=9)
        places[place].tick_params(labelsize=8)
    places["a"].set_title("samples", fontsize=9)
    return figure
