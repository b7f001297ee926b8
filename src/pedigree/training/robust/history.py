"""What a training was like, epoch by epoch; the numbers to report are those of the last epoch."""

from __future__ import annotations

import csv
import io
import os
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from pedigree.errors import MissingExtra

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Okabe and Ito's blue and vermilion: told apart by everybody, and by their dashes in grey.
_COLOURS, _DASHES = ("#0072B2", "#D55E00"), ("-", "--")


@dataclass(frozen=True, slots=True)
class Epoch:
    """One net in one epoch, both counted from 0. Shares are in [0, 1]; None is what was not asked for."""

    epoch: int
    net: int
    #: Mean over the batches of what was minimised.
    loss: float
    #: Mean weight of the samples: the share of them that was trained on.
    kept: float
    #: Share of that weight on right labels; needs `truth`.
    kept_right: float | None
    #: Needs `test`.
    test_accuracy: float | None


@dataclass(frozen=True, slots=True)
class History:
    """Every epoch of every net, in order. `last` is what to report: the best epoch on the test set is chosen by looking at it."""

    epochs: tuple[Epoch, ...]

    @property
    def last(self) -> tuple[Epoch, ...]:
        """The last epoch, a row per net."""
        return tuple(row for row in self.epochs if row.epoch == self.epochs[-1].epoch) if self.epochs else ()

    @property
    def test_accuracy(self) -> float | None:
        """Of the last epoch, the mean over the nets; None without a test set."""
        found = [row.test_accuracy for row in self.last if row.test_accuracy is not None]
        return sum(found) / len(found) if found else None

    def to_json(self) -> list[dict[str, Any]]:
        return [asdict(row) for row in self.epochs]

    def to_csv(self, path: str | os.PathLike[str] | None = None) -> str:
        """One line per epoch and net, the shortest decimals that give the same floats, written to `path` if there is one."""
        text = io.StringIO()
        lines = csv.writer(text, lineterminator="\n")
        names = [field.name for field in fields(Epoch)]
        lines.writerow(names)
        for row in self.epochs:
            lines.writerow(["" if (value := getattr(row, name)) is None else value for name in names])
        if path is not None:
            with open(path, "w", encoding="utf-8", newline="") as file:
                file.write(text.getvalue())
        return text.getvalue()

    def figure(self) -> Figure:
        """Loss, accuracy and what was trained on, over the epochs. Save it with `.savefig(path)`; nothing global is touched."""
        try:
            from matplotlib.figure import Figure
            from matplotlib.ticker import MaxNLocator
        except ImportError:
            raise MissingExtra(
                "Pictures are drawn by Matplotlib, which is not installed.",
                remedy="`pip install 'pedigree-ml[labels]'`, or read History.to_csv.",
            ) from None
        wanted = [
            ("loss", "loss"),
            ("test_accuracy", "test accuracy"),
            ("kept", "share trained on"),
            ("kept_right", "of it with the right label"),
        ]
        shown = [(name, words) for name, words in wanted if any(getattr(row, name) is not None for row in self.epochs)]
        nets = sorted({row.net for row in self.epochs})
        figure = Figure(figsize=(3.2 * len(shown), 2.9), layout="constrained")
        for at, (name, words) in enumerate(shown):
            axes = figure.add_subplot(1, len(shown), at + 1)
            for net in nets:
                rows = [row for row in self.epochs if row.net == net and getattr(row, name) is not None]
                axes.plot(
                    [row.epoch for row in rows],
                    [getattr(row, name) for row in rows],
                    _DASHES[net % 2],
                    marker="." if len(rows) < 40 else None,
                    color=_COLOURS[net % 2],
                    label=f"net {net}",
                )
            axes.set_title(words, fontsize=10)
            axes.set_xlabel("epoch")
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            axes.grid(alpha=0.3)
            if name == "kept":
                axes.set_ylim(0.0, 1.05)
            if at == 0 and len(nets) > 1:
                axes.legend(frameon=False)
        return figure
