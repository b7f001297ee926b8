"""Pictures of an analysis, as Matplotlib figures that no display and no state of pyplot is needed for.

`figure.savefig("joint.png")` writes one. Colours are of the map cividis and of Okabe and Ito, which people with a colour-vision
deficiency can tell apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pedigree.errors import InvalidInput, MissingExtra

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from pedigree.labels.analysis import Analysis

#: Above so many classes a cell has no number, above the second no class its name.
NUMBERED, NAMED = 14, 40
#: Longer names lose their middle: what tells them apart is at either end.
LETTERS = 18
_BLUE, _ORANGE, _GREY = "#0072B2", "#D55E00", "#8A8A8A"
#: A scale runs from the rarest cell to the most frequent one, logarithmically from this ratio on.
_WIDE = 30


def joint(found: Analysis) -> Figure:
    """The calibrated joint as a heat map: given labels down, true classes across, the diagonal left out of the scale.

    Numbers stand in the cells up to 14 classes; up to 40 every class has its name, above that every so many.
    """
    from matplotlib.colors import LogNorm, Normalize

    cells = found.joint.astype(np.float64)
    classes = len(cells)
    off = cells.copy()
    np.fill_diagonal(off, 0)
    most = max(float(off.max()), 1.0)
    shown = np.ma.masked_where((off == 0) | np.eye(classes, dtype=bool), off)
    scale: Any = LogNorm(1, most) if most > _WIDE else Normalize(0, most)
    side = float(np.clip(0.45 * classes + 2, 4.5, 11))
    figure, axes = _blank(side + 1.2, side)
    axes.set_facecolor("#f2f2f2")
    image = axes.imshow(shown, cmap="cividis", norm=scale, interpolation="nearest")
    for at in range(classes):
        axes.add_patch(_square(at, 0.4 if classes <= NAMED else 0.0))
    if classes <= NUMBERED:
        for row, column in np.ndindex(classes, classes):
            if cells[row, column]:
                dark = row != column and scale(cells[row, column]) < 0.55
                text = f"{int(cells[row, column]):,}"
                axes.text(column, row, text, ha="center", va="center", fontsize=7, color="white" if dark else "black")
    step = 1 if classes <= NAMED else -(-classes // 25)
    ticks = range(0, classes, step)
    names = [_short(found.data.names[at]) for at in ticks]
    long = max(len(name) for name in names) > 3
    axes.set_xticks(ticks, names, rotation=90 if long else 0, fontsize=7)
    axes.set_yticks(ticks, names, fontsize=7)
    axes.set_xlabel("true class, estimated")
    axes.set_ylabel("given label")
    axes.set_title(f"about {found.errors:,} of {int(found.label_counts.sum()):,} labels are wrong", fontsize=10)
    figure.colorbar(image, ax=axes, shrink=0.7, label="examples off the diagonal")
    return figure


def confused(found: Analysis, count: int = 15) -> Figure:
    """The most confused pairs as bars, the largest at the top; behind each what goes the other way."""
    from pedigree.labels.tables import confused_pairs

    pairs = confused_pairs(found, count)
    figure, axes = _blank(7, 1.3 + 0.3 * max(len(pairs), 1))
    places = np.arange(len(pairs))
    axes.barh(places - 0.2, [pair.examples for pair in pairs], 0.4, color=_BLUE, label="as written")
    axes.barh(places + 0.2, [pair.back for pair in pairs], 0.4, color=_ORANGE, label="the other way round")
    axes.set_yticks(places, [f"{_short(pair.given)} → {_short(pair.true)}" for pair in pairs], fontsize=8)
    axes.invert_yaxis()
    axes.set_xlabel("examples, estimated")
    axes.set_title("given label → true class", fontsize=10, loc="left")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    if pairs:
        axes.legend(fontsize=8, frameon=False, loc="lower right", bbox_to_anchor=(1, 1), ncols=2)
    return figure


def histogram(
    found: Analysis, by: str = "blend", *, cut: float | None = None, issues: str = "union", bins: int = 60
) -> Figure:
    """How often each score is, labels that `issues` flags apart from the others, on a logarithmic scale; `cut` is drawn as a line.

    Scores outside their 0.1 to 99.9 percentiles are counted in the outermost bins.
    """
    scores = found.scores(by)
    labelled = ~np.isnan(scores)
    if bins < 2:
        raise InvalidInput(f"{bins} bins make no histogram.", remedy="Give two at least.")
    flagged = found.issues(issues)
    low, high = np.quantile(scores[labelled], [0.001, 0.999])
    if cut is not None:
        low, high = min(low, cut), max(high, cut)
    if low == high:
        low, high = low - 0.5, high + 0.5
    edges = np.linspace(low, high, bins + 1)
    inside = np.clip(scores, low, high)
    figure, axes = _blank(7, 3.6)
    groups = [inside[labelled & flagged], inside[labelled & ~flagged]]
    words = [f"{len(group):,} {word}" for group, word in zip(groups, ("issues", "others"), strict=True)]
    # Beside and not upon each other: heights that stand on others cannot be read on a logarithmic scale.
    for group, colour, word in zip(groups, (_ORANGE, _BLUE), words, strict=True):
        axes.hist(group, edges, histtype="stepfilled", color=colour, alpha=0.55, label=word)
        axes.hist(group, edges, histtype="step", color=colour, linewidth=1.2)
    axes.set_yscale("log")
    axes.set_ylim(bottom=0.7)
    if cut is not None:
        below = int((scores[labelled] < cut).sum())
        axes.axvline(cut, color="black", linewidth=1.2, linestyle="--", label=f"{below:,} below {cut:.4g}")
    axes.set_xlabel(by.replace("_", " "))
    axes.set_ylabel("labels")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.legend(fontsize=8, frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def _blank(width: float, height: float) -> tuple[Figure, Any]:
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtra(
            "The pictures are drawn by Matplotlib, which is not installed.",
            remedy="`pip install 'pedigree-ml[labels]'`.",
        ) from None
    figure = Figure(figsize=(width, height), dpi=120, layout="constrained")
    return figure, figure.add_subplot()


def _square(at: int, edge: float) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((at - 0.5, at - 0.5), 1, 1, facecolor="white", edgecolor=_GREY, linewidth=edge)


def _short(name: Any) -> str:
    text = str(name)
    return text if len(text) <= LETTERS else f"{text[: LETTERS // 2]}…{text[-LETTERS // 2 + 1 :]}"
