"""The reliability diagrams: what was promised against what came true, and how often it was promised."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from matplotlib.figure import Figure
from reliability import Reliability

# Okabe and Ito's colours, which the colour-blind tell apart.
COLOURS = {"before": "#d55e00", "isotonic": "#0072b2", "temperature": "#009e73"}


def draw(path: Path, measured: Mapping[str, Reliability], pets: int) -> None:
    """A column for the likeliest class and one for each class: above the diagram, below the share of pixels in each bin.

    The same sums give the same bytes with the same matplotlib.
    """
    first = next(iter(measured.values()))
    figure = Figure(figsize=(3.2 * len(first.names), 5.2), layout="constrained")
    panels = figure.subplots(2, len(first.names), sharex=True, sharey="row", height_ratios=(3, 1), squeeze=False)
    for column, name in enumerate(first.names):
        diagram, shares = panels[0][column], panels[1][column]
        diagram.plot((0, 1), (0, 1), color="#999999", linewidth=0.8, label="promised = came true")
        for method, own in measured.items():
            rows = [row for row in own.rows() if row["of"] == name]
            promised = [row["promised"] for row in rows]
            error = float(own.errors()[column])
            colour, label = COLOURS[method], f"{method}: ECE {error:.4f}"
            diagram.plot(promised, [row["true"] for row in rows], ".-", color=colour, linewidth=1.2, label=label)
            shares.plot(promised, [row["pixels"] / own.pixels for row in rows], ".-", color=colour, linewidth=1.2)
        diagram.set_title("likeliest class" if name == "top" else name, fontsize=10)
        diagram.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
        diagram.legend(fontsize=7, loc="upper left")
        shares.set_yscale("log")
        shares.set_xlabel("promised probability", fontsize=8)
        for panel in (diagram, shares):
            panel.grid(alpha=0.3, linewidth=0.5)
            panel.tick_params(labelsize=7)
    panels[0][0].set_ylabel("part that came true", fontsize=8)
    panels[1][0].set_ylabel("share of pixels", fontsize=8)
    figure.supxlabel(
        f"{first.pixels:,} pixels of {pets} pets, cross-fitted by pet; {first.bins} bins of equal width", fontsize=9
    )
    figure.savefig(path, dpi=110, metadata={"Software": None})
