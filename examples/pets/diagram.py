"""A reliability diagram as SVG: the same text for the same numbers, with nothing loaded from anywhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

#: Rows of a bin: above, up_to, pixels, confidence, accuracy (assessing.reliability).
Bins = Sequence[Mapping[str, float]]

LEFT, TOP, SIDE = 66, 14, 380  # the plot, in pixels
GAP, FOOT = 22, 96  # below it, the bars that count pixels
BASE = TOP + SIDE + GAP + FOOT
START = 0.3  # of three classes the likeliest has at least 1/3

STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#4a5260}.name{font-weight:600}.grid{stroke:#e6e9ee}.axis{stroke:#9aa3b2}"
    ".perfect{stroke:#9aa3b2;stroke-dasharray:5 5}.original{fill:#c2702a}.calibrated{fill:#1f5fa8}"
    "polyline{stroke-width:2.5}polyline.original{fill:none;stroke:#c2702a}polyline.calibrated{fill:none;stroke:#1f5fa8}"
)


def draw(models: Mapping[str, Bins]) -> str:
    """Accuracy by confidence, a line for each model (original, calibrated), over bars with the pixels of each bin."""
    most = max(row["pixels"] for bins in models.values() for row in bins)
    parts = [*_axes()]
    for number, (model, bins) in enumerate(models.items()):
        parts += _line(model, bins)
        parts += _bars(model, bins, number, len(models), most)
        down = TOP + 22 + 20 * number
        parts.append(f'<circle class="{model}" cx="{LEFT + 18}" cy="{down - 4}" r="4"/>')
        parts.append(_text(LEFT + 30, down, model, "start"))
    width, height = LEFT + SIDE + 16, BASE + 48
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
        f'aria-label="Reliability diagram"><style>{STYLE}</style>{"".join(parts)}</svg>'
    )


def _x(value: float) -> float:
    return LEFT + (value - START) / (1 - START) * SIDE


def _y(value: float) -> float:
    return TOP + (1 - value) * SIDE


def _axes() -> Iterator[str]:
    for tenth in range(0, 11, 2):
        down = _y(tenth / 10)
        yield f'<line class="grid" x1="{LEFT}" x2="{LEFT + SIDE}" y1="{down:.1f}" y2="{down:.1f}"/>'
        yield _text(LEFT - 8, down + 4, f"{tenth / 10:.1f}", "end")
    for tenth in range(3, 11):
        across = _x(tenth / 10)
        yield f'<line class="grid" x1="{across:.1f}" x2="{across:.1f}" y1="{TOP}" y2="{TOP + SIDE}"/>'
        yield _text(across, BASE + 18, f"{tenth / 10:.1f}", "middle")
    yield f'<line class="perfect" x1="{LEFT}" y1="{_y(START):.1f}" x2="{_x(1):.1f}" y2="{_y(1):.1f}"/>'
    yield f'<line class="axis" x1="{LEFT}" x2="{LEFT + SIDE}" y1="{BASE}" y2="{BASE}"/>'
    yield _text(LEFT + SIDE / 2, BASE + 40, "confidence", "middle", "name")
    yield _text(LEFT - 8, BASE - FOOT / 2, "pixels", "end", "name")
    yield f'<g transform="rotate(-90 16 {TOP + SIDE / 2})">{_text(16, TOP + SIDE / 2, "part that is right", "middle", "name")}</g>'


def _line(model: str, bins: Bins) -> Iterator[str]:
    points = [f"{_x(row['confidence']):.1f},{_y(row['accuracy']):.1f}" for row in bins]
    yield f'<polyline class="{model}" points="{" ".join(points)}"/>'
    for across, down in (point.split(",") for point in points):
        yield f'<circle class="{model}" cx="{across}" cy="{down}" r="4"/>'


def _bars(model: str, bins: Bins, number: int, models: int, most: float) -> Iterator[str]:
    for row in bins:
        above = max(row["above"], START)
        wide = (_x(row["up_to"]) - _x(above) - 4) / models
        tall = FOOT * row["pixels"] / most
        yield (
            f'<rect class="{model}" x="{_x(above) + 2 + number * wide:.1f}" y="{BASE - tall:.1f}" '
            f'width="{max(wide - 1, 1):.1f}" height="{tall:.1f}"/>'
        )


def _text(across: float, down: float, text: str, anchor: str, kind: str = "") -> str:
    named = f' class="{kind}"' if kind else ""
    return f'<text x="{across:.1f}" y="{down:.1f}" text-anchor="{anchor}"{named}>{text}</text>'
