"""The pictures of `label_noise.py`: average precision over the noise rate, and test accuracy over the share pruned."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

#: Okabe and Ito's colours, which are told apart with any colour vision; a marker each besides.
STYLES = {
    "blend": ("#0072B2", "o", "-"),
    "threshold_margin": ("#56B4E9", "^", "-"),
    "cleanlab self_confidence": ("#D55E00", "s", "--"),
    "cleanlab normalized_margin": ("#E69F00", "v", "--"),
    "cleanlab confidence_weighted_entropy": ("#CC79A7", "D", "--"),
    "self_confidence": ("#D55E00", "s", "--"),
    "random": ("#666666", "x", ":"),
}


def precision_picture(ranks: Any) -> Figure:
    """A panel for each data set and kind of noise."""
    shown = [name for name in STYLES if name in ranks and name not in ("self_confidence", "random")]
    panels = sorted({setting[:2] for setting in ranks["blend"]}, reverse=True)
    figure = Figure(figsize=(9, 7), layout="constrained")
    for axes, panel in zip(figure.subplots(2, 2, sharex=True).flat, panels, strict=True):
        for name in shown:
            _line(axes, name, {setting: value[0] for setting, value in ranks[name].items()}, panel, 2)
        axes.set(title=", ".join(panel), xlabel="labels wrong", ylabel="average precision")
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def pruning_picture(accuracies: Any) -> Figure:
    """A panel for each data set and kind of noise, at the highest rate."""
    some = next(iter(accuracies.values()))
    rate = max(setting[2] for setting in some)
    panels = sorted({setting[:2] for setting in some}, reverse=True)
    figure = Figure(figsize=(9, 7), layout="constrained")
    for axes, panel in zip(figure.subplots(2, 2, sharex=True).flat, panels, strict=True):
        for name in dict.fromkeys(name for name, _ in accuracies):
            values = {
                (*panel, share, setting[3]): value
                for (by, share), found in accuracies.items()
                for setting, value in found.items()
                if by == name and setting[:3] == (*panel, rate)
            }
            _line(axes, name, values, panel, 2)
        axes.set(title=f"{', '.join(panel)}, {rate:.0%} wrong", xlabel="labels pruned", ylabel="test accuracy")
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def _line(axes: Any, name: str, values: Any, panel: Any, at: int) -> None:
    """The mean over seeds and its standard deviation, over part `at` of the settings."""
    colour, marker, line = STYLES[name]
    places = sorted({setting[at] for setting in values if setting[:2] == panel})
    each = [[value for setting, value in values.items() if (*setting[:2], setting[at]) == (*panel, x)] for x in places]
    middle, spread = np.array([np.mean(part) for part in each]), np.array([np.std(part) for part in each])
    axes.set_xticks(places)
    axes.plot(places, middle, color=colour, marker=marker, linestyle=line, label=name.replace("_", " "), markersize=5)
    axes.fill_between(places, middle - spread, middle + spread, color=colour, alpha=0.15, linewidth=0)
