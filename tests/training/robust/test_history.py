"""The history of a training as a table and a picture."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
from PIL import Image

from pedigree import training
from pedigree.training.robust.history import Epoch

ROWS = tuple(
    Epoch(epoch, number, 1 / (epoch + 1) + number, 0.1 * (9 - epoch), None, 0.5 + 0.1 * epoch)
    for epoch in range(3)
    for number in range(2)
)


def test_the_table_gives_back_every_number(tmp_path: Path) -> None:
    """Break: round them; write None as text."""
    history = training.History(ROWS)
    text = history.to_csv(tmp_path / "history.csv")
    assert (tmp_path / "history.csv").read_text() == text
    read = [*csv.DictReader(io.StringIO(text))]
    assert [(int(row["epoch"]), int(row["net"]), float(row["loss"]), float(row["test_accuracy"])) for row in read] == [
        (row.epoch, row.net, row.loss, row.test_accuracy) for row in ROWS
    ]
    assert {row["kept_right"] for row in read} == {""}


def test_the_last_epoch_is_what_counts() -> None:
    """Break: the best."""
    history = training.History((*ROWS, Epoch(3, 0, 1.0, 1.0, None, 0.2), Epoch(3, 1, 1.0, 1.0, None, 0.4)))
    assert history.test_accuracy is not None
    assert round(history.test_accuracy, 9) == 0.3
    assert [row.epoch for row in history.last] == [3, 3]


def test_the_picture_has_a_panel_for_each_number_that_there_is(tmp_path: Path) -> None:
    """Break: draw the empty panel of kept_right."""
    figure = training.History(ROWS).figure()
    assert [axes.get_title() for axes in figure.axes] == ["loss", "test accuracy", "share trained on"]
    lines = figure.axes[1].get_lines()
    assert np.allclose(np.asarray(lines[0].get_ydata(), float), [0.5, 0.6, 0.7])
    figure.savefig(tmp_path / "history.png")
    with Image.open(tmp_path / "history.png") as picture:
        assert picture.size[0] > 800
