"""Draw a small data set of shapes, some of them with wrong labels: FOLDER/pictures/*.png and FOLDER/labels.csv.

python draw.py shapes --samples 300 --wrong 0.1
"""

import argparse
import csv
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

CLASSES = ("circle", "square", "triangle")
SIDE = 24


def shape(kind: str, rng: np.random.Generator) -> np.ndarray:
    """One grey picture of a shape, somewhere, of some size and slant, with noise."""
    large = 4  # drawn large and made small, so that edges are smooth
    picture = Image.new("L", (SIDE * large, SIDE * large))
    radius = rng.uniform(6, 10) * large
    x, y = (rng.uniform(radius, SIDE * large - radius) for _ in range(2))
    corners = {"circle": 40, "square": 4, "triangle": 3}[kind]
    angles = rng.uniform(-0.3, 0.3) + np.arange(corners) * 2 * np.pi / corners + np.pi / 4
    points = [(x + radius * np.cos(angle), y + radius * np.sin(angle)) for angle in angles]
    ImageDraw.Draw(picture).polygon(points, fill=int(rng.integers(150, 256)))
    small = np.asarray(picture.resize((SIDE, SIDE), Image.Resampling.BOX), float)
    return np.clip(small + rng.normal(0, 12, small.shape), 0, 255).astype(np.uint8)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--samples", type=int, default=300)
    parser.add_argument("--wrong", type=float, default=0.1)
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    rng = np.random.default_rng(given.seed)
    true = rng.integers(0, len(CLASSES), given.samples)
    pictures = [shape(CLASSES[kind], rng) for kind in true]
    wrong = rng.random(given.samples) < given.wrong
    labels = np.where(wrong, (true + rng.integers(1, len(CLASSES), given.samples)) % len(CLASSES), true)
    (given.folder / "pictures").mkdir(parents=True, exist_ok=True)
    for at, picture in enumerate(pictures):
        Image.fromarray(picture).save(given.folder / f"pictures/shape{at:03d}.png")
    with open(given.folder / "labels.csv", "w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["id", "label"])
        rows.writerows([f"shape{at:03d}.png", CLASSES[label]] for at, label in enumerate(labels))
    print(f"{given.samples} shapes, {int(wrong.sum())} with wrong labels, in {given.folder}/")


if __name__ == "__main__":
    main()
