"""Pictures of what the model saw: photograph, truth, prediction and confidence, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from assessing import Seen
from numpy.typing import NDArray
from pairs import Pairs
from PIL import Image, ImageDraw
from unet import CLASSES

Pixels = NDArray[np.uint8]

COLOURS = np.array([(240, 140, 40), (40, 60, 90), (250, 240, 180)], dtype=np.uint8)  # pet, background, border
# Confidence from that of a guess, 1 / classes, to 1: dark red over yellow to white, lightness rising throughout.
SCALE_OF_CONFIDENCE = np.array([(103, 0, 31), (214, 96, 77), (253, 219, 160), (255, 255, 255)], dtype=np.float64)
COLUMNS = ("photograph", "truth", "prediction", "confidence")
SCALE = 2  # pictures are shown larger than the model sees them
CAPTION = 18  # height in pixels of a line of text


def shade(confidence: NDArray[np.float32]) -> Pixels:
    """Colours (h, w, 3) of confidences (h, w)."""
    guess = 1 / len(CLASSES)
    at = np.clip((confidence.astype(np.float64) - guess) / (1 - guess), 0, 1)
    stops = np.linspace(0, 1, len(SCALE_OF_CONFIDENCE))
    channels = [np.interp(at, stops, SCALE_OF_CONFIDENCE[:, channel]) for channel in range(3)]
    return np.rint(np.stack(channels, axis=-1)).astype(np.uint8)


def panels(pairs: Pairs, seen: Seen, index: int) -> dict[str, Pixels]:
    """One pet as the four COLUMNS, each (h, w, 3)."""
    found = (
        pairs.images[index].permute(1, 2, 0).numpy(),
        COLOURS[pairs.classes[index].numpy()],
        COLOURS[seen.predicted[index].numpy()],
        shade(seen.confidence[index].numpy()),
    )
    return dict(zip(COLUMNS, found, strict=True))


def write_legend(draw: ImageDraw.ImageDraw, column: int) -> None:
    """The first line of the grid: what each column, `column` pixels wide, and each colour is."""
    for number, name in enumerate(COLUMNS):
        draw.text((number * column + 4, 3), name, fill="black")
    left = column + 4 + int(draw.textlength("truth")) + 12
    for name, colour in zip(CLASSES, COLOURS.tolist(), strict=True):
        draw.rectangle((left, 4, left + 9, 13), fill=tuple(colour), outline="black")
        draw.text((left + 14, 3), name, fill="black")
        left += 14 + int(draw.textlength(name)) + 8


def write_grid(
    path: Path, pairs: Pairs, seen: Seen, ious: Sequence[float | None], ranked: Sequence[int], count: int
) -> None:
    """A legend, then `count` pets, chosen in even steps from the first to the last of `ranked`."""
    count = min(count, len(ranked))
    chosen = [ranked[round(row * (len(ranked) - 1) / max(1, count - 1))] for row in range(count)]
    height, width = (SCALE * side for side in pairs.images.shape[2:])
    grid = Image.new("RGB", (len(COLUMNS) * width, CAPTION + count * (height + CAPTION)), "white")
    draw = ImageDraw.Draw(grid)
    write_legend(draw, width)
    for row, index in enumerate(chosen):
        top = CAPTION + row * (height + CAPTION)
        iou = ious[index]
        told = "no pixel of a pet" if iou is None else f"IoU of the pet {iou:.3f}"
        draw.text((4, top + 3), f"{pairs.names[index]}: {told}", fill="black")
        pixels = Image.fromarray(np.concatenate(list(panels(pairs, seen, index).values()), axis=1))
        grid.paste(pixels.resize((len(COLUMNS) * width, height), Image.Resampling.NEAREST), (0, top + CAPTION))
    grid.save(path)


def write_cases(folder: Path, pairs: Pairs, seen: Seen, chosen: Sequence[int]) -> None:
    """`PET/photograph.png` and so on for each of the chosen pets, as the model saw them."""
    for index in chosen:
        place = folder / pairs.names[index]
        place.mkdir(parents=True, exist_ok=True)
        for name, pixels in panels(pairs, seen, index).items():
            Image.fromarray(pixels).save(place / f"{name}.png")
