"""A contrast for a terminal: causes first, then numbers, curves and plots."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from pedigree.pipeline.contrasting.contrast import KINDS

if TYPE_CHECKING:
    from pedigree.pipeline.contrasting.contrast import Cause, Change, Contrast, Curve, Number

#: Shown of each unless everything is asked for.
NUMBERS, CURVES, CHANGES, CODE_LINES = 14, 8, 12, 24
_BARS = "▁▂▃▄▅▆▇█"
#: Bars of a curve.
_WIDE = 16

Told = Iterator[tuple[str, str]]


def lines(contrast: Contrast, *, width: int, every: bool) -> Iterator[str]:
    """As text without colour, cut at the width."""
    return (_cut(text, width) for _, text in told(contrast, every=every))


def told(contrast: Contrast, *, every: bool) -> Told:
    """Each line with the style that it may have: one of the terminal's, or "" for none."""
    yield "bold", contrast.title
    yield "dim", f"new  {side(contrast.new.finished, contrast.new.run)}"
    yield "dim", f"old  {side(contrast.old.finished, contrast.old.run)}"
    yield "", ""
    yield from _causes(contrast, every=every)
    yield from _numbers(contrast, every=every)
    yield from _curves(contrast.curves, every=every)
    yield from _plots(contrast)
    for note in contrast.notes:
        yield "yellow", f"note: {note}"


def side(finished: float | None, run: str) -> str:
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(finished)) if finished else "open"
    return f"{when} UTC, run {run[:12]}"


# ------------------------------------------------------------------------------------------------------------ causes


def _causes(contrast: Contrast, *, every: bool) -> Told:
    if contrast.identical:
        yield "green", "The two hold the same files."
        if contrast.causes:
            yield "", "What differs in how they were made changed nothing:"
    else:
        yield "bold", f"Why {counted(contrast)}"
    for at, cause in enumerate(contrast.causes, 1):
        yield from _cause(at, cause, every=every)
    if not contrast.causes and not contrast.identical:
        yield "", "  no cause is recorded in either lineage"
    same = [step.repo for step in contrast.steps if not step.changed]
    if same:
        yield "dim", f"  the same where they were read: {', '.join(dict.fromkeys(same))}"
    for cause in contrast.beside:
        for change in cause.changes:
            yield (
                "dim",
                f"  changed too, and no step can notice: {change.name} of {', '.join(cause.steps)} ({values(change)})",
            )
    yield "", ""


def counted(contrast: Contrast) -> str:
    parts = [
        f"{number:,} {'file' if number == 1 else 'files'} {how}"
        for number, how in ((contrast.changed, "changed"), (contrast.added, "added"), (contrast.removed, "removed"))
        if number
    ]
    return ", ".join(parts)


def heading(cause: Cause) -> str:
    """`train: configuration (1 step upstream, evaluate <- train)`."""
    where = ""
    if cause.distance:
        steps = "1 step" if cause.distance == 1 else f"{cause.distance} steps"
        where = f"  ({steps} upstream: {' ← '.join(cause.way)})"
    return f"{', '.join(cause.steps)}: {KINDS[cause.kind]}{where}"


def _cause(at: int, cause: Cause, *, every: bool) -> Told:
    yield "yellow", f"  {at}. {heading(cause)}"
    shown = cause.changes if every else cause.changes[:CHANGES]
    wide = min(max((len(change.name) for change in shown), default=0), 40)
    for change in shown:
        place = f"  {change.place}" if change.place else ""
        text = values(change)
        yield "", f"     {change.name:<{wide if text else 0}}  {text}{place}".rstrip()
        code = code_lines(change)
        kept = code if every else code[:CODE_LINES]
        for line in kept:
            yield {"+": "green", "-": "red", "@": "cyan"}.get(line[:1], "dim"), f"       {line}"
        if len(kept) < len(code):
            yield "dim", f"       … {len(code) - len(kept):,} more lines (--all)"
    more = len(cause.changes) - len(shown) + cause.more
    if more:
        yield "dim", f"     … and {more:,} more" + ("" if every else " (--all)")
    if cause.kind == "nothing":
        yield (
            "",
            "     The step did not repeat itself: `pedigree verify` makes it again and names suspects in its code.",
        )


def code_lines(change: Change) -> Sequence[str]:
    """The unified diff without the names of the files, which stand above it."""
    return change.lines[2:] if change.lines[:1] and change.lines[0].startswith("---") else change.lines


def values(change: Change) -> str:
    """`0.1 → 0.2`; what is not there on a side is `added` or `removed`."""
    if not change.before and not change.after:
        return ""
    if not change.before:
        return f"{change.after}  (added)"
    return f"{change.before}  (removed)" if not change.after else f"{change.before} → {change.after}"


# ----------------------------------------------------------------------------------------------------------- measures


def _numbers(contrast: Contrast, *, every: bool) -> Told:
    if not contrast.numbers:
        if contrast.same_numbers:
            yield "", f"Numbers: all {contrast.same_numbers:,} are the same"
            yield "", ""
        return
    files: dict[str, list[Number]] = {}
    for number in contrast.numbers:
        files.setdefault(number.file, []).append(number)
    shown = {file: found if every else sorted(found, key=_depth)[:NUMBERS] for file, found in files.items()}
    wide = min(max((len(one.name) for found in shown.values() for one in found), default=0), 44)
    yield "bold", f"{'Numbers':<{wide + 4}}{'old':>12}{'new':>12}   difference"
    for file, found in shown.items():
        yield "dim", f"  {file}"
        for one in found:
            name = one.name if len(one.name) <= wide else f"{one.name[: wide - 1]}…"
            yield "", f"    {name:<{wide}}{plain(one.old):>12}{plain(one.new):>12}   {change_of(one)}".rstrip()
        if len(found) < len(files[file]):
            yield "dim", f"    … and {len(files[file]) - len(found):,} more that differ (--all)"
    if contrast.same_numbers:
        yield "dim", f"  {contrast.same_numbers:,} more are the same"
    yield "", ""


def _depth(number: Number) -> tuple[int, int]:
    """What stands at the top of a file says most; matrices and lists least."""
    return number.name.count("["), number.name.count(".")


def plain(value: float | None) -> str:
    """Six digits; `-` for what is not there."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if value == _whole(value) and abs(value) < 1e9 else f"{value:.6g}"


def _whole(value: float) -> float | None:
    return None if value - value != 0 else float(int(value))


def change_of(number: Number) -> str:
    """`▲ +0.0332 (+4.1 %)`: an arrow for up or down, the difference, and its share of the old number."""
    gap = number.difference
    if gap is None:
        return "only new" if number.old is None else "only old"
    if gap - gap != 0:
        return "not a number"
    share = f" ({gap / abs(number.old):+.2%})" if number.old else ""
    return f"{'▲' if gap > 0 else '▼'} {gap:+.6g}{share}"


def _curves(curves: Sequence[Curve], *, every: bool) -> Told:
    if not curves:
        return
    yield "bold", "Curves, old above new, on one scale"
    shown = curves if every else curves[:CURVES]
    wide = min(max(len(one.name) for one in shown), 32)
    file = ""
    for one in shown:
        place = f"{one.repo}:/{one.file}"
        if place != file:
            yield "dim", f"  {place}"
            file = place
        low, high = _range(one)
        ends = [plain(points[-1][1]) if points else "-" for points in (one.old, one.new)]
        parts = "" if one.parts_at is None else f"   part at {one.over} {plain(one.parts_at)}"
        yield "", f"    {one.name:<{wide}}  {_bars(one.old, low, high):<{_WIDE}}  {ends[0]}{parts}"
        yield "", f"    {'':<{wide}}  {_bars(one.new, low, high):<{_WIDE}}  {ends[1]}"
    if len(shown) < len(curves):
        yield "dim", f"    … and {len(curves) - len(shown)} more (--all, --html)"
    yield "", ""


def _range(curve: Curve) -> tuple[float, float]:
    found = [y for _, y in (*curve.old, *curve.new) if y - y == 0]
    return (min(found), max(found)) if found else (0.0, 0.0)


def _bars(points: Sequence[tuple[float, float]], low: float, high: float) -> str:
    """At most _WIDE bars, each the last value of its part of the points."""
    count = min(len(points), _WIDE)
    picked = [points[(at + 1) * len(points) // count - 1][1] for at in range(count)]
    reach = (high - low) or 1.0
    return "".join(
        _BARS[min(int((y - low) / reach * len(_BARS)), len(_BARS) - 1)] if y - y == 0 else "?" for y in picked
    )


def _plots(contrast: Contrast) -> Told:
    if contrast.plots:
        other = [one for one in contrast.plots if one.old != one.new]
        same = len(contrast.plots) - len(other)
        yield "bold", "Plots (--html FILE shows them side by side)"
        for one in other:
            how = "only new" if not one.old else "only old" if not one.new else "differs"
            yield "", f"    {one.repo}:/{one.file}  {how}"
        if same:
            yield "dim", f"    {same} more are the same"
        yield "", ""
    if contrast.logs:
        yield "bold", "TensorBoard logs"
        for log in contrast.logs:
            yield "", f"    {log.repo}:/{log.file}: {log.text}"
        yield "", ""


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"
