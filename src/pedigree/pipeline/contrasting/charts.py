"""Two curves in one drawing, as SVG without script."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import TYPE_CHECKING

from pedigree.pipeline.contrasting.telling import plain

if TYPE_CHECKING:
    from pedigree.pipeline.contrasting.contrast import Curve

#: Units of the drawing, which grows with the page.
WIDTH, HEIGHT = 340, 190
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 10, 10, 26
#: A curve of more points is drawn by as many, evenly taken.
_POINTS = 600


def draw(curve: Curve) -> str:
    """The SVG element: old dashed, new solid, one scale, a line where they part. Points that are no numbers are left out."""
    return "".join(_parts(curve))


def _parts(curve: Curve) -> Iterator[str]:
    points = [(x, y) for x, y in (*curve.old, *curve.new) if y - y == 0]
    words = escape(f"{curve.name} over {curve.over}")
    yield f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{words}">'
    if points:
        xs, ys = [x for x, _ in points], [y for _, y in points]
        across, up = _Scale(min(xs), max(xs), _LEFT, WIDTH - _RIGHT), _Scale(min(ys), max(ys), HEIGHT - _BOTTOM, _TOP)
        for value in (up.low, (up.low + up.high) / 2, up.high):
            y = up.at(value)
            yield f'<line class="rule" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
            yield f'<text class="end" x="{_LEFT - 6}" y="{y + 4:.1f}">{_short(value)}</text>'
        for value, side in ((across.low, "start"), (across.high, "end")):
            yield f'<text class="{side}" x="{across.at(value):.1f}" y="{HEIGHT - 8}">{plain(value)}</text>'
        yield f'<text class="middle" x="{(_LEFT + WIDTH - _RIGHT) / 2}" y="{HEIGHT - 8}">{escape(curve.over)}</text>'
        if curve.parts_at is not None:
            x = across.at(curve.parts_at)
            yield f'<line class="parts" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{HEIGHT - _BOTTOM}"/>'
        for name, line in (("old", curve.old), ("new", curve.new)):
            drawn = [f"{across.at(x):.1f},{up.at(y):.1f}" for x, y in _taken(line) if y - y == 0]
            if len(drawn) == 1:
                left, top = drawn[0].split(",")
                yield f'<circle class="{name}" cx="{left}" cy="{top}" r="3"/>'
            else:
                yield f'<polyline class="{name}" points="{" ".join(drawn)}"/>'
    yield "</svg>"


class _Scale:
    """A range of values laid on a range of the drawing; one value alone lies in the middle."""

    def __init__(self, low: float, high: float, start: float, end: float) -> None:
        self.low, self.high = low, high
        self.start, self.end = start, end

    def at(self, value: float) -> float:
        if self.high <= self.low:
            return (self.start + self.end) / 2
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


def _taken(points: Sequence[tuple[float, float]]) -> Sequence[tuple[float, float]]:
    if len(points) <= _POINTS:
        return points
    return [points[at * (len(points) - 1) // (_POINTS - 1)] for at in range(_POINTS)]


def _short(value: float) -> str:
    return f"{value:.3g}"
