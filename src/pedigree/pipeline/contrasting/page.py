"""A contrast as one HTML file that needs nothing else: no script, nothing loaded from anywhere."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from pedigree.pipeline.contrasting import charts, pictures, telling
from pedigree.pipeline.contrasting.contrast import Cause, Contrast, Plot

if TYPE_CHECKING:
    from pedigree.store import Store

#: Pictures stand in the page; what is larger, or beyond so much in all, is named only.
ONE_BYTES, ALL_BYTES = 8 << 20, 64 << 20
#: Numbers and pictures that differ are open; of those that do not, only the number is told.
_SHOWN = 400


def render(store: Store, contrasts: Sequence[Contrast]) -> str:
    """The page of one contrast or several. Names from the store are escaped, and its policy forbids scripts and requests."""
    room = _Room(store)
    title = contrasts[0].title if len(contrasts) == 1 else f"{len(contrasts)} results of two runs"
    parts = {
        "@TITLE@": escape(title),
        "@BODY@": "\n".join(line for one in contrasts for line in _contrast(one, room)),
    }
    page = Path(__file__).with_name("page.html").read_text(encoding="utf-8")
    return re.sub("@TITLE@|@BODY@", lambda mark: parts[mark[0]], page)


class _Room:
    """Reads pictures as long as there is room for them in the page."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.left = ALL_BYTES

    def image(self, plot: Plot, digest: str, size: int, words: str) -> str:
        if not digest:
            return "<p class=none>not there</p>"
        if size > min(ONE_BYTES, self.left):
            return f"<p class=none>{size:,} bytes: too large for this page</p>"
        self.left -= size
        kind = pictures.ENDINGS[Path(plot.file).suffix.lower()]
        return _image(self.store.objects.read(digest), kind, f"{plot.file}, {words}")

    def difference(self, plot: Plot) -> str:
        if max(plot.old_bytes, plot.new_bytes) > min(ONE_BYTES, self.left):
            return ""
        data = pictures.difference(self.store, plot)
        self.left -= len(data)
        return _image(data, "image/png", f"where {plot.file} parts") if data else ""


def _image(data: bytes, kind: str, words: str) -> str:
    return f'<img alt="{escape(words)}" src="data:{kind};base64,{base64.b64encode(data).decode()}">'


def _contrast(contrast: Contrast, room: _Room) -> Iterator[str]:
    new, old = (telling.side(side.finished, side.run) for side in (contrast.new, contrast.old))
    yield f"<header><h1>{escape(contrast.title)}</h1>"
    yield f"<p><b class=new>new</b> {escape(new)}<br><b class=old>old</b> {escape(old)}</p></header><main>"
    yield "<section><h2>Why</h2>"
    if contrast.identical:
        yield "<p class=same>The two hold the same files. What differs in how they were made changed nothing.</p>"
    else:
        yield f"<p class=dim>{escape(telling.counted(contrast))}</p>"
    yield "<ol class=causes>"
    for cause in contrast.causes:
        yield from _cause(cause)
    yield "</ol>"
    same = dict.fromkeys(step.repo for step in contrast.steps if not step.changed)
    if same:
        yield f"<p class=dim>The same where they were read: {escape(', '.join(same))}.</p>"
    for cause in contrast.beside:
        for change in cause.changes:
            text = f"Changed too, and no step can notice: {change.name} of {', '.join(cause.steps)} ({telling.values(change)})."
            yield f"<p class=dim>{escape(text)}</p>"
    for note in contrast.notes:
        yield f"<p class=dim>Note: {escape(note)}.</p>"
    yield "</section>"
    yield from _numbers(contrast)
    yield from _curves(contrast)
    yield from _plots(contrast, room)
    yield "</main>"


def _cause(cause: Cause) -> Iterator[str]:
    head, _, way = telling.heading(cause).partition("  ")
    yield f"<li><h3>{escape(head)} <span class=dim>{escape(way)}</span></h3>"
    rows = [change for change in cause.changes if not change.lines]
    if rows:
        yield "<div class=wide><table class=changes>"
        for change in rows:
            before, after = (f"<code>{escape(side)}</code>" if side else "" for side in (change.before, change.after))
            place = f"<span class=dim>{escape(change.place)}</span>"
            yield f"<tr><th>{escape(change.name)}<td class=old>{before}<td class=new>{after}<td>{place}"
        yield "</table></div>"
    for change in cause.changes:
        if change.lines:
            yield f"<details open><summary><code>{escape(change.name)}</code></summary><pre>"
            for line in telling.code_lines(change):
                kind = {"+": "plus", "-": "minus", "@": "at"}.get(line[:1], "")
                yield f"<span class='{kind}'>{escape(line)}</span>"
            yield "</pre></details>"
    if cause.more:
        yield f"<p class=dim>and {cause.more:,} more</p>"
    if cause.kind == "nothing":
        yield "<p>The step did not repeat itself: <code>pedigree verify</code> makes it again and names suspects in its code.</p>"
    yield "</li>"


def _numbers(contrast: Contrast) -> Iterator[str]:
    if not contrast.numbers and not contrast.same_numbers:
        return
    yield "<section><h2>Numbers</h2>"
    if contrast.numbers:
        yield "<div class=wide><table class=numbers><thead><tr><th>number<th>old<th>new<th>difference</thead>"
        file = ""
        for one in contrast.numbers[:_SHOWN]:
            if one.file != file:
                file = one.file
                yield f"<tr class=file><th colspan=4>{escape(file)}"
            gap = one.difference or 0.0
            kind = "up" if gap > 0 else "down" if gap < 0 else ""
            yield f"<tr><th>{escape(one.name)}<td>{telling.plain(one.old)}<td>{telling.plain(one.new)}<td class='{kind}'>{escape(telling.change_of(one))}"
        yield "</table></div>"
    more = len(contrast.numbers) - _SHOWN
    if more > 0:
        yield f"<p class=dim>and {more:,} more that differ (--json has all)</p>"
    if contrast.same_numbers:
        yield f"<p class=dim>{contrast.same_numbers:,} {'more ' if contrast.numbers else ''}are the same.</p>"
    yield "</section>"


def _curves(contrast: Contrast) -> Iterator[str]:
    if contrast.curves:
        yield "<section><h2>Curves</h2><div class=curves>"
        for curve in contrast.curves[:_SHOWN]:
            parts = "" if curve.parts_at is None else f"part at {curve.over} {telling.plain(curve.parts_at)}"
            ends = " → ".join(telling.plain(points[-1][1] if points else None) for points in (curve.old, curve.new))
            yield f"<figure>{charts.draw(curve)}<figcaption><b>{escape(curve.name)}</b> {escape(ends)}"
            yield f"<span class=dim>{escape(curve.repo)}:/{escape(curve.file)} {escape(parts)}</span></figcaption></figure>"
        yield "</div></section>"
    if contrast.logs:
        yield "<section><h2>TensorBoard logs</h2>"
        for log in contrast.logs:
            yield f"<p><code>{escape(log.repo)}:/{escape(log.file)}</code><br>{escape(log.text)}</p>"
        yield "</section>"


def _plots(contrast: Contrast, room: _Room) -> Iterator[str]:
    differ = [one for one in contrast.plots if one.old != one.new]
    if not contrast.plots:
        return
    yield "<section><h2>Plots</h2>"
    for plot in differ:
        yield f"<h3>{escape(plot.repo)}:/{escape(plot.file)}</h3><div class=pair>"
        for words, digest, size in (("old", plot.old, plot.old_bytes), ("new", plot.new, plot.new_bytes)):
            yield f"<figure>{room.image(plot, digest, size, words)}<figcaption class={words}>{words}</figcaption></figure>"
        yield "</div>"
        drawn = room.difference(plot)
        if drawn:
            yield f"<details><summary>where they part (a is old, b is new)</summary>{drawn}</details>"
    same = len(contrast.plots) - len(differ)
    if same:
        names = ", ".join(one.file for one in contrast.plots if one.old == one.new)
        yield f"<p class=dim>The same in both: {escape(names)}.</p>"
    yield "</section>"
