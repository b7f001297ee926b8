"""Images that two commits have, and where their TensorBoard logs part."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pedigree.errors import PedigreeError
from pedigree.pipeline.contrasting.contrast import Log, Plot
from pedigree.store import trees

if TYPE_CHECKING:
    from pedigree.store import Store
    from pedigree.store.commits import Commit
    from pedigree.store.trees import Entry

ENDINGS = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif", ".webp": "image/webp", ".svg": "image/svg+xml"}  # fmt: skip
#: A commit upstream with more images than this holds a data set and no plots; of the result's own, so many are taken.
FEW, MOST = 12, 60
_LARGEST_LOG_BYTES = 64 << 20


def between(store: Store, pairs: Sequence[tuple[Commit, Commit]], path: str) -> tuple[list[Plot], list[Log]]:
    """Plots that differ come first, then those that do not. Logs are those that part; none where they cannot be read here."""
    plots: list[Plot] = []
    logs: list[Log] = []
    for at, (old, new) in enumerate(pairs):
        sides = [dict(trees.scan(side.tree, store.objects.read, "" if at else path)) for side in (old, new)]
        images = [name for name in sorted({*sides[0], *sides[1]}) if Path(name).suffix.lower() in ENDINGS]
        if at == 0 or len(images) <= FEW:
            found = [_plot(new.repo, name, sides[0].get(name), sides[1].get(name)) for name in images]
            plots += sorted(found, key=lambda one: one.old == one.new)[:MOST]
        logs += _logs(store, new.repo, *sides)
    return plots, logs


def _plot(repo: str, name: str, old: Entry | None, new: Entry | None) -> Plot:
    digests = ["" if side is None else side.digest for side in (old, new)]
    sizes = [0 if side is None else side.size for side in (old, new)]
    return Plot(repo, name, digests[0], digests[1], sizes[0], sizes[1])


def _logs(store: Store, repo: str, old: dict[str, Entry], new: dict[str, Entry]) -> Iterator[Log]:
    """Pairs of one folder; the names of event files hold a time."""
    folders: dict[str, tuple[list[str], list[str]]] = {}
    for at, side in enumerate((old, new)):
        for name in sorted(side):
            if "tfevents" in name and side[name].size <= _LARGEST_LOG_BYTES:
                folders.setdefault(name.rpartition("/")[0], ([], []))[at].append(name)
    for befores, afters in folders.values():
        if len(befores) != len(afters):
            continue
        for before, after in zip(befores, afters, strict=True):
            if old[before].digest != new[after].digest:
                found = _log(store, repo, after, old[before], new[after])
                if found is not None:
                    yield found


def _log(store: Store, repo: str, name: str, old: Entry, new: Entry) -> Log | None:
    try:
        from pedigree.training.comparing import comparison
        from pedigree.training.comparing.source import of_bytes

        sides = [of_bytes(name, store.objects.read(entry.digest)) for entry in (old, new)]
        found = comparison.compare_sources(*sides)
    except (ImportError, PedigreeError):
        return None
    if found.kind != "log" or found.first is None:
        return None
    return Log(
        repo,
        name,
        found.summary,
        {key: value for key, value in found.first.items() if key in ("tag", "step", "epoch", "ulps")},
    )


def difference(store: Store, plot: Plot) -> bytes:
    """A PNG of both images and where they part; empty where that cannot be drawn (another kind, no Pillow)."""
    if not (plot.old and plot.new) or plot.old == plot.new:
        return b""
    try:
        from pedigree.training.comparing import comparison
        from pedigree.training.comparing.source import of_bytes

        sides = [of_bytes(plot.file, store.objects.read(digest)) for digest in (plot.old, plot.new)]
        drawn = comparison.compare_sources(*sides).pictures()
        if not drawn:
            return b""
        with tempfile.TemporaryDirectory(prefix="pedigree-contrast-") as folder:
            place = Path(folder) / "difference.png"
            drawn[0].picture(place)
            return place.read_bytes()
    except (ImportError, PedigreeError):
        return b""
