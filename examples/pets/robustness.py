"""The picture of robustness.csv: what is left of the scores as attacks and corruptions grow."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from unet import CLASSES

# Okabe and Ito's colours, which the colour-blind tell apart; the mean is black.
LINES = {
    "mean_iou": ("mean IoU", "black"),
    **{f"iou_{name}": (f"IoU {name}", colour) for name, colour in zip(CLASSES, ("#d55e00", "#0072b2", "#009e73"), strict=True)},
    "accuracy": ("accuracy", "#999999"),
}  # fmt: skip
STYLES = {"given": ":", "hardened": "-"}
COLUMNS = 4


def draw(path: Path, rows: Sequence[dict[str, Any]], pets: int) -> None:
    """One panel for each attack and corruption: scores against strength, beginning with the clean photographs.

    With two models in the rows the given one is dotted. The same rows give the same bytes with the same matplotlib.
    """
    names = list(dict.fromkeys((row["kind"], row["name"]) for row in rows if row["kind"] != "clean"))
    models = list(dict.fromkeys(row["model"] for row in rows))
    height = -(-len(names) // COLUMNS)
    figure = Figure(figsize=(3.1 * COLUMNS, 2.5 * height + 1), layout="constrained")
    panels = figure.subplots(height, COLUMNS, sharey=True, squeeze=False).flat
    for panel, (kind, name) in zip(panels, names, strict=False):
        panel.set_title(name.replace("_", " ") if kind == "corruption" else f"{name.upper()} attack", fontsize=10)
        panel.set_xlabel("severity" if kind == "corruption" else "epsilon in 255ths", fontsize=8)
        for model in models:
            own = [row for row in rows if row["model"] == model and row["name"] in (name, "clean")]
            _curves(panel, own, STYLES[model] if len(models) > 1 else "-")
    for panel in [*figure.axes][len(names) :]:
        panel.set_visible(False)
    lines = figure.axes[0].get_lines()[-len(LINES) :]  # those of the last model are solid
    figure.legend(handles=lines, loc="outside upper center", ncols=len(LINES), fontsize=9, frameon=False)
    also = " Dotted: before fine-tuning." if len(models) > 1 else ""
    figure.supxlabel(f"{pets} pets of the validation part. Strength 0: the photographs as they are.{also}", fontsize=9)
    figure.savefig(path, dpi=110, metadata={"Software": None})


def _curves(panel: Axes, rows: list[dict[str, Any]], style: str) -> None:
    rows = sorted(rows, key=lambda row: float(row["strength"]))
    strengths = [row["strength"] for row in rows]
    for column, (label, colour) in LINES.items():
        values = [float("nan") if row[column] is None else row[column] for row in rows]
        width = 2.0 if column == "mean_iou" else 1.2
        panel.plot(strengths, values, style, color=colour, label=label, linewidth=width, marker=".", markersize=4)
    panel.set_ylim(0, 1)
    panel.set_xticks(strengths, [f"{strength:g}" for strength in strengths])
    panel.tick_params(labelsize=7)
    panel.grid(alpha=0.3, linewidth=0.5)
