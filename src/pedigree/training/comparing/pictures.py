"""The picture of a difference: both images, the difference made visible, and for masks who took what for what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pedigree.training.comparing.result import percent

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image, ImageDraw, ImageFont

    from pedigree.training.comparing.images import Decoded

#: Panels are drawn no smaller and no larger than this on their longer side, in pixels.
_SMALLEST, _LARGEST = 256, 640
_MARGIN, _TITLE, _ROW, _CELL = 16, 44, 22, 92
#: A difference smaller than this in a picture of the largest size, in pixels, is shown with its surroundings only.
_DOT = 24
#: Of more classes than this the largest confusions are listed instead of a table.
_TABLE = 10
_PAPER, _INK, _GREY, _RED = (255, 255, 255), (30, 30, 30), (120, 120, 120), (214, 39, 40)
#: Okabe and Ito's colours, which people who see few colours can tell apart; in their order from the second class on.
_COLOURS = (
    (40, 40, 40), (230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (0, 114, 178), (213, 94, 0), (204, 121, 167),
)  # fmt: skip


def write(path: str, a: Decoded, b: Decoded, facts: dict[str, Any], classes: list[int] | None) -> None:
    """Write the PNG. Differences are scaled so that the largest is white, or for masks are shown in b's class colours."""
    from PIL import Image, ImageDraw

    from pedigree.training.comparing.images import differing

    font, small = _fonts()
    unlike = differing(a.pixels, b.pixels)
    if classes is None:
        panels = [_grey(a.pixels, a.mode), _grey(b.pixels, b.mode), _amplified(a.pixels, b.pixels)]
        top = facts["max_abs"]
        third = f"|a - b|, white = {top:,}"
    else:
        panels = [_coloured(a.pixels, classes), _coloured(b.pixels, classes), _changes(b.pixels, unlike, classes)]
        third = "where they part, in the colour of b"
    window = _window(a.size, facts["box"])
    panels = [panel[window[1] : window[3] + 1, window[0] : window[2] + 1] for panel in panels]
    size = [window[2] - window[0] + 1, window[3] - window[1] + 1]
    width, height, scale = _fit(size)
    images = [Image.fromarray(panel).resize((width, height), _filter(scale)) for panel in panels]
    words = _caption(facts, unlike.size)
    if size != a.size:
        words.append(f"shown: x {window[0]} to {window[2]}, y {window[1]} to {window[3]} of {a.size[0]}x{a.size[1]}")
    below = _TITLE + height + _ROW * len(words)
    across = 3 * width + 4 * _MARGIN
    table = 0
    if classes is not None:
        wide = len(classes) <= _TABLE
        table = _ROW * (len(classes) + 4 if wide else len(_pairs(facts)) + 2) + _MARGIN
        across = max(across, 2 * _MARGIN + _CELL * (len(classes) + 2) if wide else 0)
    sheet = Image.new("RGB", (across, below + _MARGIN + table), _PAPER)
    draw = ImageDraw.Draw(sheet)
    for place, (image, title) in enumerate(zip(images, ("a", "b", third), strict=True)):
        left = _MARGIN + place * (width + _MARGIN)
        draw.text((left, _TITLE - 30), title, _INK, font=font)
        sheet.paste(image, (left, _TITLE))
        draw.rectangle((left - 1, _TITLE - 1, left + width, _TITLE + height), outline=_GREY)
        _box(draw, facts["box"], window, (left, _TITLE), (width / size[0], height / size[1]))
    for place, line in enumerate(words):
        draw.text((_MARGIN, _TITLE + height + 6 + place * _ROW), line, _INK, font=small)
    if classes is not None:
        _table(draw, (_MARGIN, below + _MARGIN), classes, facts, small)
    sheet.save(path, "PNG")


def _caption(facts: dict[str, Any], pixels: int) -> list[str]:
    """Two short lines, for a picture of three small panels is not wide."""
    box = facts["box"]
    share = percent(facts["share"])
    return [
        f"{facts['pixels_apart']:,} of {pixels:,} pixels differ ({share})",
        f"within x {box[0]} to {box[2]}, y {box[1]} to {box[3]} (red)",
    ]


def _fonts() -> tuple[ImageFont.ImageFont | ImageFont.FreeTypeFont, ImageFont.ImageFont | ImageFont.FreeTypeFont]:
    from PIL import ImageFont

    return ImageFont.load_default(17), ImageFont.load_default(14)


def _window(size: Sequence[int], box: Sequence[int]) -> list[int]:
    """What is shown: all of it; or, where the difference would be a dot in a large image, its surroundings."""
    longest = max(box[2] - box[0], box[3] - box[1]) + 1
    if longest * _LARGEST >= _DOT * max(size):
        return [0, 0, size[0] - 1, size[1] - 1]
    reach = max(4 * longest, _SMALLEST // 2)
    found = []
    for length, low, high in ((size[0], box[0], box[2]), (size[1], box[1], box[3])):
        start = max(0, min((low + high) // 2 - reach // 2, length - reach))
        found.append((start, min(length, start + reach) - 1))
    return [found[0][0], found[1][0], found[0][1], found[1][1]]


def _fit(size: Sequence[int]) -> tuple[int, int, float]:
    longest = max(size)
    # Small images grow by a whole factor, so that each of their pixels is a square of one size.
    scale = float(-(-_SMALLEST // longest)) if longest < _SMALLEST else min(1.0, _LARGEST / longest)
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale)), scale


def _filter(scale: float) -> Image.Resampling:
    from PIL import Image

    return Image.Resampling.NEAREST if scale >= 1 else Image.Resampling.BOX


def _grey(pixels: NDArray[Any], mode: str) -> NDArray[np.uint8]:
    """Any pixels as RGB of 8 bits: wide ranges scaled to their own, transparency over white."""
    import numpy as np

    if pixels.dtype == bool:
        pixels = pixels.astype(np.uint8) * 255
    if pixels.dtype != np.uint8:
        pixels = np.nan_to_num(pixels)
        low, high = float(pixels.min()), float(pixels.max())
        pixels = ((pixels.astype(np.float64) - low) / ((high - low) or 1.0) * 255).astype(np.uint8)
    if pixels.ndim == 2:
        return np.repeat(pixels[:, :, None], 3, axis=2)
    if mode in ("RGBA", "LA"):
        alpha = pixels[:, :, -1:].astype(np.float64) / 255
        shown: NDArray[np.uint8] = (pixels[:, :, :-1] * alpha + 255 * (1 - alpha)).astype(np.uint8)
        return np.repeat(shown, 3, axis=2) if shown.shape[2] == 1 else shown
    return np.ascontiguousarray(pixels[:, :, :3])


def _amplified(a: NDArray[Any], b: NDArray[Any]) -> NDArray[np.uint8]:
    """The largest channel's difference, brightest at the largest; the smallest that is there can still be told from none."""
    import numpy as np

    gap = np.nan_to_num(np.abs(a.astype(np.float64) - b.astype(np.float64)))
    gap = gap.max(axis=2) if gap.ndim == 3 else gap
    top = gap.max() or 1.0
    shown = np.where(gap > 0, 60 + 195 * gap / top, 0).astype(np.uint8)
    return np.repeat(shown[:, :, None], 3, axis=2)


def _colour(place: int) -> tuple[int, int, int]:
    if place < len(_COLOURS):
        return _COLOURS[place]
    import colorsys

    # More classes than the palette has: steps of the golden angle round the wheel keep neighbours apart.
    red, green, blue = colorsys.hsv_to_rgb(place * 0.618 % 1, 0.65, 0.9)
    return round(red * 255), round(green * 255), round(blue * 255)


def _coloured(pixels: NDArray[Any], classes: list[int]) -> NDArray[np.uint8]:
    import numpy as np

    table = np.array([_colour(place) for place in range(len(classes))], dtype=np.uint8)
    return table[np.searchsorted(classes, pixels)]


def _changes(b: NDArray[Any], unlike: NDArray[np.bool_], classes: list[int]) -> NDArray[np.uint8]:
    import numpy as np

    return np.where(unlike[:, :, None], _coloured(b, classes), np.uint8(225))


def _box(
    draw: ImageDraw.ImageDraw,
    box: Sequence[int],
    window: Sequence[int],
    corner: tuple[int, int],
    scale: tuple[float, float],
) -> None:
    left, top = (corner[axis] + (box[axis] - window[axis]) * scale[axis] - 2 for axis in (0, 1))
    right, bottom = (corner[axis] + (box[axis + 2] + 1 - window[axis]) * scale[axis] + 1 for axis in (0, 1))
    draw.rectangle((left, top, right, bottom), outline=_RED, width=2)


def _table(
    draw: ImageDraw.ImageDraw, corner: tuple[int, int], classes: list[int], facts: dict[str, Any], font: Any
) -> None:
    """Pixels of class (row) in a that are of class (column) in b, with each row's colour and the classes' IoU."""
    left, top = corner[0] + _CELL, corner[1]
    if len(classes) > _TABLE:
        _largest(draw, corner, classes, facts, font)
        return
    draw.text((corner[0], top), "pixels: rows a, columns b", _INK, font=font)
    top += _ROW
    for place, name in enumerate([*map(str, classes), "IoU"]):
        draw.text((left + (place + 1) * _CELL - 8, top), name, _INK, font=font, anchor="ra")
    for row, one in enumerate(classes):
        y = top + (row + 1) * _ROW
        draw.rectangle((corner[0], y + 3, corner[0] + 12, y + 15), fill=_colour(row), outline=_GREY)
        draw.text((corner[0] + 20, y), f"class {one}", _INK, font=font)
        for column, number in enumerate(facts["confusion"][row]):
            colour = _RED if number and row != column else _INK if number else _GREY
            draw.text((left + (column + 1) * _CELL - 8, y), f"{number:,}", colour, font=font, anchor="ra")
        iou = facts["iou"][row]
        text = "-" if iou is None else f"{iou:.4f}"
        draw.text((left + (len(classes) + 1) * _CELL - 8, y), text, _INK, font=font, anchor="ra")
    draw.text((corner[0], top + (len(classes) + 1) * _ROW + 4), _agreement(facts), _INK, font=font)


def _largest(
    draw: ImageDraw.ImageDraw, corner: tuple[int, int], classes: list[int], facts: dict[str, Any], font: Any
) -> None:
    pairs = _pairs(facts)
    for place, (number, row, column) in enumerate(pairs):
        y = corner[1] + place * _ROW
        for x, one in ((corner[0], row), (corner[0] + 16, column)):
            draw.rectangle((x, y + 3, x + 12, y + 15), fill=_colour(one), outline=_GREY)
        text = f"class {classes[row]} in a, {classes[column]} in b: {number:,} pixels"
        draw.text((corner[0] + 40, y), text, _INK, font=font)
    draw.text((corner[0], corner[1] + len(pairs) * _ROW + 4), _agreement(facts), _INK, font=font)


def _pairs(facts: dict[str, Any]) -> list[tuple[int, int, int]]:
    """The largest confusions: pixels, place of the class in a, in b."""
    found = [
        (number, row, column)
        for row, numbers in enumerate(facts["confusion"])
        for column, number in enumerate(numbers)
        if number and row != column
    ]
    return sorted(found, key=lambda pair: (-pair[0], *pair[1:]))[:_TABLE]


def _agreement(facts: dict[str, Any]) -> str:
    return f"agreement {percent(facts['agreement'])} of the pixels, {len(facts['classes'])} classes"
