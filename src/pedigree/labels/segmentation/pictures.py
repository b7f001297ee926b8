"""Pictures of what is wrong with a mask: outlines of what is given and predicted over the image, with the issues marked."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pedigree.errors import InvalidInput, MissingExtra
from pedigree.labels.inputs import plain

if TYPE_CHECKING:
    from PIL import Image

    from pedigree.labels.segmentation.analysis import MaskAnalysis

#: Okabe and Ito's colours, which people who see few colours can tell apart; classes take them in turn, then darker ones.
COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#999999")
GIVEN, PREDICTED, ISSUE, VOID_GREY = "#56b4e9", "#f0e442", "#d55e00", "#777777"
#: An image is enlarged to this many pixels at its longer side, by a whole factor.
SIDE = 320
_GAP, _TEXT = 8, 14


def overlay(
    image: Any,
    given: NDArray[Any],
    predicted: NDArray[Any],
    issues: NDArray[np.bool_],
    names: Sequence[Any],
    *,
    title: str = "",
) -> Image.Image:
    """An RGB picture of three panels with a legend: the image with outlines and issues, the given mask, the predicted one.

    `image` (h, w) or (h, w, 3), in 0 to 255, or 0 to 1 where it holds floats; None for masks alone. `given` and `predicted` (h, w) are
    class numbers, below 0 for void; `issues` (h, w) is True where the label is probably wrong. Outlines are drawn where classes
    meet: the given ones whole, the predicted ones dashed, so that they are told apart without colours as well.
    """
    given, predicted, issues = np.asarray(given), np.asarray(predicted), np.asarray(issues)
    factor = max(1, SIDE // max(given.shape))
    panels = [
        _marked(_base(image, given.shape), given, predicted, issues, factor),
        _coloured(given, factor),
        _coloured(predicted, factor),
    ]
    used = sorted(
        {int(number) for number in np.unique(np.concatenate((given.ravel(), predicted.ravel()))) if number >= 0}
    )
    entries = [(_colour(number), "fill", str(names[number])) for number in used]
    keys = [(GIVEN, "line", "given"), (PREDICTED, "dashes", "predicted"), (ISSUE, "hatch", "issue")]
    if (given < 0).any():
        keys.append((VOID_GREY, "fill", "void"))
    return _framed(panels, ["image", "given", "predicted"], [*keys, *entries], title)


def contact_sheet(pictures: Sequence[tuple[Any, ...]], captions: Sequence[str], *, columns: int = 4) -> Image.Image:
    """One RGB picture of many, row by row, each with its caption above and one legend at the foot.

    `pictures` are (image, given, predicted, issues) as `overlay` takes them; sizes may differ.
    """
    if not pictures:
        raise InvalidInput("There is nothing to show.", remedy="Give one picture at least.")
    if len(pictures) != len(captions):
        raise InvalidInput(
            f"There are {len(pictures)} pictures and {len(captions)} captions.", remedy="Give one caption for each."
        )
    panels = []
    for image, given, predicted, issues in pictures:
        given = np.asarray(given)
        factor = max(1, SIDE * 3 // 4 // max(given.shape))
        marked = _marked(_base(image, given.shape), given, np.asarray(predicted), np.asarray(issues), factor)
        panels.append(marked)
    keys = [(GIVEN, "line", "given"), (PREDICTED, "dashes", "predicted"), (ISSUE, "hatch", "issue")]
    if any((np.asarray(one[1]) < 0).any() for one in pictures):
        keys.append((VOID_GREY, "fill", "void"))
    return _framed(panels, captions, keys, "", columns)


def of_image(found: MaskAnalysis, number: int, image: Any = None, *, title: str = "") -> Image.Image:
    """`overlay` of an image of a data set that was looked at; `image` is as there, or the path of a picture, made as large as its mask."""
    given, values = found.data[number]
    image = _read(image, given.shape)
    issues = found.issue_masks[number]
    return overlay(image, given, values.argmax(axis=0).reshape(given.shape), issues, found.classes, title=title)


def of_images(
    found: MaskAnalysis, numbers: Sequence[int], images: Sequence[Any] | None, captions: Sequence[str]
) -> Image.Image:
    """`contact_sheet` of these images of a data set, `images` and `captions` in the same order."""
    parts = []
    for at, number in enumerate(numbers):
        given, values = found.data[number]
        image = None if images is None else _read(images[at], given.shape)
        parts.append((image, given, values.argmax(axis=0).reshape(given.shape), found.issue_masks[number]))
    return contact_sheet(parts, captions)


def _read(image: Any, shape: tuple[int, ...]) -> Any:
    if not isinstance(image, (str, PathLike)):
        return image
    pillow = _pillow()[0]
    with pillow.open(image) as picture:
        return np.asarray(picture.convert("RGB").resize((shape[1], shape[0]), pillow.Resampling.BILINEAR))


def _pillow() -> Any:
    try:
        from PIL import Image, ImageDraw, ImageFont
    except ImportError:
        raise MissingExtra(
            "Pictures are drawn by Pillow, which is not installed.", remedy="`pip install 'pedigree-ml[labels]'`."
        ) from None
    return Image, ImageDraw, ImageFont


def _base(image: Any, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """The image (h, w, 3) from 0 to 255, paler and with half of its colour, so that what is drawn on it stands out."""
    if image is None:
        return np.full((*shape, 3), 235.0)
    values = np.asarray(plain(image))
    if values.shape[:2] != tuple(shape[:2]) or values.ndim not in (2, 3) or (values.ndim == 3 and values.shape[2] < 3):
        raise InvalidInput(
            f"The image has the shape {values.shape} and its mask {tuple(shape)}.",
            remedy="Give (height, width) or (height, width, 3) of the mask's height and width.",
        )
    colours = values[..., :3] if values.ndim == 3 else np.repeat(values[..., None], 3, axis=2)
    scaled = colours.astype(np.float64) * (255.0 if values.dtype.kind == "f" else 1.0)
    grey = scaled.mean(axis=2, keepdims=True)
    return np.asarray(np.clip(40 + 0.8 * (0.5 * scaled + 0.5 * grey), 0, 255))


def _rgb(colour: str) -> NDArray[np.float64]:
    return np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)], np.float64)


def _colour(number: int) -> str:
    turn, at = divmod(number, len(COLOURS))
    shade = _rgb(COLOURS[at]) * 0.6**turn
    return "#" + "".join(f"{round(value):02x}" for value in shade)


def _large(values: NDArray[Any], factor: int) -> NDArray[Any]:
    return values.repeat(factor, axis=0).repeat(factor, axis=1)


def _edges(classes: NDArray[Any]) -> NDArray[np.bool_]:
    """Both pixels where two classes meet."""
    found = np.zeros(classes.shape, np.bool_)
    down, right = classes[1:] != classes[:-1], classes[:, 1:] != classes[:, :-1]
    found[1:] |= down
    found[:-1] |= down
    found[:, 1:] |= right
    found[:, :-1] |= right
    return found


def _thicker(lines: NDArray[np.bool_]) -> NDArray[np.bool_]:
    found = lines.copy()
    for axis in (0, 1):
        for step in (-1, 1):
            moved = np.roll(lines, step, axis)
            found |= moved
    return found


def _marked(
    base: NDArray[np.float64], given: NDArray[Any], predicted: NDArray[Any], issues: NDArray[np.bool_], factor: int
) -> NDArray[np.uint8]:
    pixels = _large(base, factor)
    rows, columns = np.indices(pixels.shape[:2])
    wide = (rows + columns) // 3 % 3 == 0
    void = _large(given < 0, factor)
    pixels[void] = 0.5 * pixels[void] + 0.5 * _rgb(VOID_GREY)
    marked = _large(issues, factor)
    strength = np.where(wide, 0.85, 0.4)[marked][:, None]
    pixels[marked] = (1 - strength) * pixels[marked] + strength * _rgb(ISSUE)
    dashes = (rows + 2 * columns) // 7 % 2 == 0  # along any usual direction
    for classes, colour, where in ((given, GIVEN, None), (predicted, PREDICTED, dashes)):
        line = _edges(_large(classes, factor))
        shadow = _thicker(line)
        if where is not None:
            line, shadow = line & where, shadow & where
        pixels[shadow] *= 0.45
        pixels[line] = _rgb(colour)
    return np.asarray(np.clip(pixels, 0, 255), dtype=np.uint8)


def _coloured(classes: NDArray[Any], factor: int) -> NDArray[np.uint8]:
    pixels = np.empty((*classes.shape, 3), np.uint8)
    pixels[...] = _rgb(VOID_GREY)
    for number in np.unique(classes[classes >= 0]):
        pixels[classes == number] = _rgb(_colour(int(number)))
    return _large(pixels, factor)


def _framed(
    panels: Sequence[NDArray[np.uint8]],
    captions: Sequence[str],
    keys: Sequence[tuple[str, str, str]],
    title: str,
    columns: int = 3,
) -> Image.Image:
    """The panels in rows on white, each below its caption, with a title above and the legend below."""
    pillow, drawing, fonts = _pillow()
    font = fonts.load_default(size=_TEXT)
    columns = min(columns, len(panels))
    cell = max(panel.shape[1] for panel in panels) + _GAP
    width = columns * cell + _GAP
    rows = [panels[at : at + columns] for at in range(0, len(panels), columns)]
    line = _TEXT + 8
    # Where each entry of the legend stands, in as many lines as it takes.
    places, left, below = [], _GAP, 0
    for _, _, text in keys:
        room = 26 + int(font.getlength(text)) + 16
        if left + room > width and left > _GAP:
            left, below = _GAP, below + line
        places.append((left, below))
        left += room
    top = line if title else _GAP
    height = top + sum(max(panel.shape[0] for panel in row) + line + _GAP for row in rows) + below + line + _GAP
    picture: Image.Image = pillow.new("RGB", (width, height), "white")
    draw = drawing.Draw(picture)
    if title:
        draw.text((_GAP, 5), title, fill="black", font=font)
    at = 0
    for row in rows:
        for column, panel in enumerate(row):
            x = _GAP + column * cell
            draw.text((x, top + 3), _cut(captions[at], font, cell - _GAP), fill="black", font=font)
            picture.paste(pillow.fromarray(panel), (x, top + line))
            at += 1
        top += max(panel.shape[0] for panel in row) + line + _GAP
    for (colour, kind, text), (x, y) in zip(keys, places, strict=True):
        _key(draw, x, top + y + 3, colour, kind)
        draw.text((x + 26, top + y + 2), text, fill="black", font=font)
    return picture


def _cut(text: str, font: Any, width: int) -> str:
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "…") > width:
        text = text[:-1]
    return text + "…"


def _key(draw: Any, x: int, y: int, colour: str, kind: str) -> None:
    box = (x, y, x + 20, y + 13)
    if kind == "fill":
        draw.rectangle(box, fill=colour, outline="black")
    elif kind == "hatch":
        draw.rectangle(box, fill="#eebf99", outline="black")
        for step in range(0, 20, 6):
            draw.line((x + step, y + 12, x + min(step + 12, 20), y + max(0, 12 - (20 - step))), fill=colour, width=2)
    else:
        draw.rectangle(box, fill="#777777")
        for start in range(0, 20, 8 if kind == "dashes" else 20):
            draw.line((x + start, y + 6, x + start + (4 if kind == "dashes" else 20), y + 6), fill=colour, width=3)
