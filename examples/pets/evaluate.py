"""evaluate: the trained model on the test part: scores as JSON and CSV, and a grid of pictures.

python evaluate.py
"""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from devices import chosen
from models import load
from numpy.typing import NDArray
from pairs import Pairs, read_pairs
from PIL import Image, ImageDraw
from scores import confusion, scores
from settings import Evaluate
from torch import Tensor
from unet import CLASSES, UNet

from pedigree import config

PFS = Path("/pfs")
COLOURS = np.array([(240, 140, 40), (40, 60, 90), (250, 240, 180)], dtype=np.uint8)  # pet, background, border
SCALE = 2  # pictures are shown larger than the model sees them
CAPTION = 18  # height in pixels of a line of text


def predict(model: UNet, images: Tensor, batch: int) -> Tensor:
    """The likeliest class of every pixel, int64 (n, h, w), of uint8 images (n, 3, h, w)."""
    device = next(model.parameters()).device
    with torch.no_grad():
        parts = (model(part.to(device, torch.float32) / 255).argmax(dim=1) for part in images.split(batch))
        return torch.cat([part.cpu() for part in parts])


def write_metrics(out: Path, total: dict[str, Any]) -> None:
    """`metrics.json`, and the same numbers as lines of `metrics.csv`: metric, class (or "all"), value."""
    (out / "metrics.json").write_text(json.dumps(total, indent=1) + "\n")
    rows = [(metric, name, value) for metric in ("iou", "f1") for name, value in total[metric].items()]
    rows += [(metric, "all", total[metric]) for metric in ("mean_iou", "mean_f1", "accuracy", "pets", "pixels")]
    with (out / "metrics.csv").open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([("metric", "class", "value"), *rows])


def write_pets(out: Path, names: list[str], each: list[dict[str, Any]]) -> None:
    """`pets.csv`: the scores of every test pet alone."""
    with (out / "pets.csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("pet", *(f"iou_{name}" for name in CLASSES), "mean_f1", "accuracy"))
        for pet, score in zip(names, each, strict=True):
            writer.writerow((pet, *score["iou"].values(), score["mean_f1"], score["accuracy"]))


def picture(image: NDArray[np.uint8], truth: NDArray[np.int64], predicted: NDArray[np.int64]) -> NDArray[np.uint8]:
    """One row of the grid: image, truth, prediction side by side, (h, 3 w, 3)."""
    return np.concatenate((image, COLOURS[truth], COLOURS[predicted]), axis=1)


def write_legend(draw: ImageDraw.ImageDraw, column: int) -> None:
    """The first line of the grid: what each column, `column` pixels wide, and each colour is."""
    for number, name in enumerate(("image", "truth", "prediction")):
        draw.text((number * column + 4, 3), name, fill="black")
    left = 2 * column + 4 + int(draw.textlength("prediction")) + 16
    for name, colour in zip(CLASSES, COLOURS.tolist(), strict=True):
        draw.rectangle((left, 4, left + 9, 13), fill=tuple(colour), outline="black")
        draw.text((left + 14, 3), name, fill="black")
        left += 14 + int(draw.textlength(name)) + 8


def write_pictures(path: Path, pairs: Pairs, predicted: Tensor, each: list[dict[str, Any]], count: int) -> None:
    """The grid: a legend, then `count` pets, chosen in even steps from the best to the worst IoU of the pet."""
    ranked = sorted(range(len(each)), key=lambda index: (-(each[index]["iou"]["pet"] or 0.0), pairs.names[index]))
    count = min(count, len(ranked))
    chosen = [ranked[round(row * (len(ranked) - 1) / max(1, count - 1))] for row in range(count)]
    height, width = (SCALE * side for side in pairs.images.shape[2:])
    grid = Image.new("RGB", (3 * width, CAPTION + count * (height + CAPTION)), "white")
    draw = ImageDraw.Draw(grid)
    write_legend(draw, width)
    for row, index in enumerate(chosen):
        top = CAPTION + row * (height + CAPTION)
        score = each[index]["iou"]["pet"]
        told = "no pixel of a pet" if score is None else f"IoU of the pet {score:.3f}"
        draw.text((4, top + 3), f"{pairs.names[index]}: {told}", fill="black")
        image = pairs.images[index].permute(1, 2, 0).numpy()
        pixels = Image.fromarray(picture(image, pairs.classes[index].numpy(), predicted[index].numpy()))
        grid.paste(pixels.resize((3 * width, height), Image.Resampling.NEAREST), (0, top + CAPTION))
    grid.save(path)


def main() -> None:
    settings = config.current(Evaluate)
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    torch.use_deterministic_algorithms(True)
    device = chosen(settings.device, "conf/evaluate.yaml")
    model, pairs = load(PFS / "model/model"), read_pairs(PFS / "test/test")
    predicted = predict(model.to(device), pairs.images, settings.batch)
    tables = [confusion(mine, truth, len(CLASSES)) for mine, truth in zip(predicted, pairs.classes, strict=True)]
    each = [scores(table, CLASSES) for table in tables]
    total = {"pets": len(tables), **scores(torch.stack(tables).sum(dim=0), CLASSES)}

    out = PFS / "out"
    write_metrics(out, total)
    write_pets(out, pairs.names, each)
    write_pictures(out / "pictures.png", pairs, predicted, each, settings.pictures)
    print(
        f"{total['pets']} test pets: IoU {total['iou']['pet']:.4f}, mean IoU {total['mean_iou']:.4f}, "
        f"mean F1 {total['mean_f1']:.4f}, accuracy {total['accuracy']:.4f}"
    )


if __name__ == "__main__":
    main()
