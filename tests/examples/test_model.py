"""The U-Net, its loss and its scores against the paper, torchvision's names and closed forms."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from PIL import Image  # noqa: E402

from .steps import load  # noqa: E402  # after the check that torch is there


def test_the_encoder_is_the_published_one_under_torchvisions_names() -> None:
    """At width 1 the encoder has the tensors of torchvision's `mobilenet_v2` before its last convolution: 1,811,712
    parameters (2,223,872 of all its features, less 320 x 1280 + 2 x 1280 of the last). Break: swap the order of the
    depthwise and the projecting convolution."""
    encoder = load("mobilenet").Encoder()
    assert sum(parameter.numel() for parameter in encoder.parameters()) == 2_223_872 - 320 * 1280 - 2 * 1280
    shapes = {name: tuple(tensor.shape) for name, tensor in encoder.state_dict().items()}
    assert shapes["features.0.0.weight"] == (32, 3, 3, 3)
    assert shapes["features.0.1.running_mean"] == (32,)
    assert shapes["features.1.conv.0.0.weight"] == (32, 1, 3, 3)  # the first block does not widen
    assert shapes["features.1.conv.1.weight"] == (16, 32, 1, 1)
    assert shapes["features.1.conv.2.bias"] == (16,)
    assert shapes["features.2.conv.0.0.weight"] == (96, 16, 1, 1)
    assert shapes["features.2.conv.1.0.weight"] == (96, 1, 3, 3)
    assert shapes["features.2.conv.2.weight"] == (24, 96, 1, 1)
    assert shapes["features.17.conv.3.weight"] == (320,)
    assert max(int(name.split(".")[1]) for name in shapes) == 17


@pytest.mark.parametrize("width", [0.35, 0.5, 1.0])
def test_activations_come_at_strides_2_to_32(width: float) -> None:
    """Five activations, each half the size of the one before, as deep as announced. Break: tap block 5 for 6."""
    encoder = load("mobilenet").Encoder(width).eval()
    with torch.no_grad():
        taken = encoder(torch.zeros(1, 3, 64, 96))
    assert [tuple(x.shape[2:]) for x in taken] == [(32, 48), (16, 24), (8, 12), (4, 6), (2, 3)]
    assert tuple(x.shape[1] for x in taken) == encoder.depths


def test_pretrained_weights_load_from_a_whole_mobilenet() -> None:
    """A state with torchvision's last convolution and classifier fits; one tensor too few is named. Break: load with
    strict=False."""
    mobilenet = load("mobilenet")
    state = {name: torch.ones_like(tensor) for name, tensor in mobilenet.Encoder(0.35).state_dict().items()}
    state |= {"features.18.0.weight": torch.zeros(1), "classifier.1.bias": torch.zeros(1)}
    encoder = mobilenet.Encoder(0.35)
    encoder.load_pretrained(state)
    assert all((parameter == 1).all() for parameter in encoder.parameters())
    del state["features.3.conv.2.weight"]
    with pytest.raises(ValueError, match=r"the first is 'features\.3\.conv\.2\.weight'"):
        encoder.load_pretrained(state)


def test_weights_that_the_step_cannot_use_are_named(tmp_path: Path) -> None:
    """Missing, no safetensors, of another width. Break: let the library's traceback be the message."""
    from safetensors.torch import save_file

    train, model = load("train"), load("unet").UNet(0.35, [8, 8, 8, 8, 8])
    file = tmp_path / "weights.safetensors"
    with pytest.raises(
        SystemExit, match=r"weights\.safetensors: no such file for this step\. Add it to `code\.include`"
    ):
        train.load_pretrained(model, file)
    file.write_bytes(b"pickled")
    with pytest.raises(SystemExit, match=r"weights\.safetensors: .*`width` in conf/model/unet\.yaml"):
        train.load_pretrained(model, file)
    save_file(load("mobilenet").Encoder(0.5).state_dict(), file)
    with pytest.raises(SystemExit, match=r"do not fit this encoder"):
        train.load_pretrained(model, file)


def test_the_device_is_what_was_asked_for_or_nothing() -> None:
    """A GPU that is not there ends the step, and says how to get one. Break: fall back to the processor."""
    chosen = load("devices").chosen
    assert chosen("cpu", "train.yaml") == torch.device("cpu")
    for name, told in (("gpu", "is none"), ("mps", "same bits twice"), ("cuda:64", r"resourceLimits: \{gpu")):
        with pytest.raises(SystemExit, match=rf"^train\.yaml: device '{name}'.*{told}"):
            chosen(name, "train.yaml")


def test_the_unet_gives_a_logit_per_class_and_pixel() -> None:
    """The output is as large as the image, in three classes, and every parameter takes part. Break: drop the last Up."""
    unet = load("unet")
    model = unet.UNet(0.35, [32, 24, 16, 8, 8])
    logits = model(torch.rand(2, 3, 64, 96))
    assert logits.shape == (2, 3, 64, 96)
    logits.sum().backward()
    assert not [name for name, parameter in model.named_parameters() if parameter.grad is None]
    assert load("models").build({"model": model.settings}).state_dict().keys() == model.state_dict().keys()
    with pytest.raises(ValueError, match="5 stages"):
        unet.UNet(1.0, [8, 8])


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


def test_augmentation_moves_image_and_mask_together() -> None:
    """A picture that shows its own mask still does after it, and without strength nothing moves. Break: draw the
    mask's window anew."""
    augmented, augment = load("augment").augmented, load("settings").Augment
    classes = torch.zeros(32, 32, dtype=torch.int64)
    classes[8:20, 4:26] = 2
    image = (classes / 2).repeat(3, 1, 1).to(torch.float32)
    numbers = [0.1, 0.7, 0.2, 0.9, 0.5, 0.5]
    moved, mask = augmented(image, classes, augment(flip=0.5, zoom=0.4, light=0.0), numbers)
    assert not torch.equal(mask, classes)
    assert set(mask.unique().tolist()) <= {0, 2}
    assert ((moved[0] > 0.5) == (mask == 2)).float().mean() > 0.97  # the edge itself is interpolated
    same, still = augmented(image, classes, augment(flip=0.0, zoom=0.0, light=0.0), numbers)
    assert torch.allclose(same, image, atol=1e-5)
    assert torch.equal(still, classes)


def test_the_rate_rises_then_falls_to_nothing() -> None:
    """A tenth of the steps up to the peak, then down a cosine. Break: begin at the peak."""
    rate_at = load("fitting").rate_at
    rates = [rate_at(step, 100) for step in range(100)]
    assert rates[:10] == [pytest.approx((step + 1) / 10) for step in range(10)]
    assert max(rates) == rates[9] == 1
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[-1] < 0.001


def test_metrics_are_the_same_numbers_as_json_and_csv(tmp_path: Path) -> None:
    """Every number of metrics.json has its line in metrics.csv; a class that no pixel has is null there and empty
    here. Break: write None as text."""
    evaluate, module = load("evaluate"), load("scores")
    table = torch.tensor([[2, 1, 0], [2, 3, 0], [0, 0, 0]])
    total = {"pets": 1, **module.scores(table, evaluate.CLASSES)}
    evaluate.write_metrics(tmp_path, total)
    assert json.loads((tmp_path / "metrics.json").read_text()) == total
    with (tmp_path / "metrics.csv").open(newline="") as file:
        rows = {(row["metric"], row["class"]): row["value"] for row in csv.DictReader(file)}
    for metric, found in total.items():
        for name, value in found.items() if isinstance(found, dict) else [("all", found)]:
            assert rows.pop((metric, name)) == ("" if value is None else str(value))
    assert not rows


def test_the_grid_shows_image_truth_and_prediction(tmp_path: Path) -> None:
    """Rows go from the best to the worst; each pixel of the model is a square of the grid. Break: exchange truth and
    prediction, or sort the other way."""
    evaluate, pairs_of = load("evaluate"), load("pairs").Pairs
    images = torch.zeros(2, 3, 64, 64, dtype=torch.uint8)
    images[0], images[1] = 10, 250
    truth = torch.ones(2, 64, 64, dtype=torch.int64)
    truth[:, :32] = 0
    predicted = truth.clone()
    predicted[0, :16] = 2  # the first pet is the worse one
    tables = [load("scores").confusion(mine, right, 3) for mine, right in zip(predicted, truth, strict=True)]
    each = [load("scores").scores(table, evaluate.CLASSES) for table in tables]
    evaluate.write_pictures(tmp_path / "grid.png", pairs_of(["bad", "good"], images, truth), predicted, each, 8)
    scale, caption = evaluate.SCALE, evaluate.CAPTION
    side = 64 * scale
    with Image.open(tmp_path / "grid.png") as grid:
        assert grid.size == (3 * side, caption + 2 * (caption + side))
        at = {
            (row, column): grid.getpixel(
                (column * side + side // 2, caption + row * (caption + side) + caption + side // 8)
            )
            for row in range(2)
            for column in range(3)
        }
    pet, _, border = (tuple(colour) for colour in evaluate.COLOURS.tolist())
    assert [at[0, column] for column in range(3)] == [(250,) * 3, pet, pet]
    assert [at[1, column] for column in range(3)] == [(10,) * 3, pet, border]


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
