"""The loss, the scores and what is written of them, against closed forms."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")


from .steps import load  # noqa: E402  # after the check that torch is there


def test_the_device_is_what_was_asked_for_or_nothing() -> None:
    """A GPU that is not there ends the step, and says how to get one. Break: fall back to the processor."""
    chosen = load("devices").chosen
    assert chosen("cpu", "train.yaml") == torch.device("cpu")
    for name, told in (("gpu", "is none"), ("mps", "same bits twice"), ("cuda:64", r"resourceLimits: \{gpu")):
        with pytest.raises(SystemExit, match=rf"^train\.yaml: device '{name}'.*{told}"):
            chosen(name, "train.yaml")


def test_the_loss_has_its_closed_form() -> None:
    """With logits 0, p = 1/2 everywhere: the entropy is log 2, and a class with t of n pixels has the soft Jaccard
    (t/2 + 1) / (n/2 + t - t/2 + 1). Break: leave out the common part in the union."""
    targets = torch.tensor([[[0, 0, 1, 1], [1, 1, 1, 1]]])  # 2, 6 and 0 of 8 pixels
    loss = load("losses").bce_jaccard(torch.zeros(1, 3, 2, 4), targets).item()
    jaccard = [(t / 2 + 1) / (8 / 2 + t / 2 + 1) for t in (2, 6, 0)]
    assert loss == pytest.approx(math.log(2) + 1 - sum(jaccard) / 3, rel=1e-6)  # float32


def test_the_loss_of_a_sure_and_right_answer_is_nothing() -> None:
    """Logits of +-50 on the truth's side give 0, on the other side about 50 plus 1. Break: forget the one-hot's order."""
    losses = load("losses")
    targets = torch.randint(0, 3, (2, 5, 7), generator=torch.Generator().manual_seed(1))
    sure = (losses.one_hot(targets, 3) * 2 - 1) * 50
    assert losses.bce_jaccard(sure, targets).item() == pytest.approx(0, abs=1e-6)
    assert losses.bce_jaccard(-sure, targets).item() == pytest.approx(51, abs=0.1)  # the + 1 smooths 70 pixels


def test_scores_count_pixels() -> None:
    """IoU, F1 and accuracy of a table worked out by hand; an absent class is None and not in the mean. Break: exchange
    rows and columns."""
    module = load("scores")
    truth, predicted = torch.tensor([0, 0, 0, 1, 1, 1, 1, 1]), torch.tensor([0, 0, 1, 1, 1, 1, 0, 0])
    table = module.confusion(predicted, truth, 3)
    assert table.tolist() == [[2, 1, 0], [2, 3, 0], [0, 0, 0]]
    found = module.scores(table, ("pet", "background", "border"))
    assert found["iou"] == {"pet": 2 / 5, "background": 3 / 6, "border": None}
    assert found["f1"] == {"pet": 4 / 7, "background": 6 / 9, "border": None}
    assert found["accuracy"] == 5 / 8
    assert found["mean_iou"] == pytest.approx((2 / 5 + 3 / 6) / 2)
    assert found["pixels"] == 8


def test_event_files_hold_no_time_and_no_host(tmp_path: Path) -> None:
    """TensorBoard reads the scalars back, and the same numbers give the same bytes. Break: take wall_time from the
    clock."""
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_file_loader import (
        EventFileLoader,
    )

    events = load("events")
    rows = {1: {"loss": 0.5}, 2: {"loss": 0.25, "iou": 0.75}}
    for folder in ("a", "b"):
        events.write_scalars(tmp_path / folder, rows)
    assert (tmp_path / "a" / events.NAME).read_bytes() == (tmp_path / "b" / events.NAME).read_bytes()
    read = [
        (event.step, value.tag, value.tensor.float_val[0], event.wall_time)
        for event in EventFileLoader(str(tmp_path / "a" / events.NAME)).Load()
        for value in event.summary.value
    ]
    assert read == [(1, "loss", 0.5, 1.0), (2, "loss", 0.25, 2.0), (2, "iou", 0.75, 2.0)]
