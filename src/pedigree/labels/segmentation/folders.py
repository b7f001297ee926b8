"""Folders of masks and probabilities in, folders of tables, issue masks and overlays out."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pedigree.errors import InvalidInput, NotFound, StorageFailure
from pedigree.labels.inputs import NAMED
from pedigree.labels.names import MASK_RANKS
from pedigree.labels.segmentation import pictures
from pedigree.labels.segmentation.analysis import MaskAnalysis
from pedigree.labels.segmentation.images import opened
from pedigree.labels.segmentation.tables import Table

MASKS = (".png", ".tif", ".tiff", ".bmp", ".gif", ".npy")
PICTURES = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".webp")
#: Told what is done, and of how much.
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Paired:
    """Masks and probabilities of the same images, in the order of their names. `pictures` holds a path where there is one."""

    names: list[str]
    masks: Any
    probabilities: Any
    pictures: list[str | None]


class Read(Sequence[Any]):
    """Paths or arrays, of which it is told how many were read. Both passes count."""

    def __init__(self, values: Sequence[Any], told: Callable[[int, int], None]) -> None:
        self._values, self._told, self._number = values, told, 0

    def __len__(self) -> int:
        return len(self._values)

    def __getitem__(self, number: Any) -> Any:
        self._number += 1
        self._told(min(self._number, 2 * len(self)), 2 * len(self))
        return self._values[number]


def paired(masks: str, probabilities: str, images: str | None = None) -> Paired:
    """What lies in two folders, matched by the path below them without its ending; or two `.npy` files of all images.

    Raises InvalidInput for a mask without probabilities or the other way round, NotFound for a place that is not there.
    """
    if not os.path.isdir(masks) or not os.path.isdir(probabilities):
        for path in (masks, probabilities):
            if not os.path.exists(path):
                raise NotFound(f"There is no {path}.", remedy="Name a folder, or a .npy file of all images.")
        if os.path.isdir(masks) or os.path.isdir(probabilities):
            raise InvalidInput(
                f"One of {masks} and {probabilities} is a folder, the other a file.", remedy="Give two of a kind."
            )
        arrays = opened(masks), opened(probabilities)
        names = [str(number) for number in range(len(arrays[0]))]
        return Paired(names, *arrays, _pictures(images, names))
    found, others = _files(masks, MASKS), _files(probabilities, (".npy",))
    if not found:
        raise InvalidInput(f"{masks} holds no masks.", remedy=f"Masks end in {', '.join(MASKS)}.")
    for left, right, what in ((found, others, "probabilities"), (others, found, "mask")):
        alone = [name for name in left if name not in right]
        if alone:
            shown = ", ".join(alone[:NAMED]) + (", …" if len(alone) > NAMED else "")
            raise InvalidInput(
                f"{len(alone)} of {len(left)} images have no {what}: {shown}.",
                remedy="Give NAME.npy of shape (classes, height, width) for each mask NAME.png.",
            )
    names = sorted(found)
    return Paired(names, [found[name] for name in names], [others[name] for name in names], _pictures(images, names))


def _pictures(folder: str | None, names: list[str]) -> list[str | None]:
    found = {} if folder is None else _files(folder, PICTURES)
    if folder is not None and not any(name in found for name in names):
        raise InvalidInput(
            f"{folder} holds no picture with the name of a mask, {names[0]} for one.",
            remedy="Pictures are matched with masks by name, without the ending.",
        )
    return [found.get(name) for name in names]


def _files(folder: str, endings: tuple[str, ...]) -> dict[str, str]:
    """The path of each file with such an ending, by its path below the folder without the ending."""
    found: dict[str, str] = {}
    for place, _, names in os.walk(folder):
        for name in sorted(names):
            path = os.path.join(place, name)
            stem, ending = os.path.splitext(os.path.relpath(path, folder))
            if ending.lower() not in endings:
                continue
            stem = stem.replace(os.sep, "/")
            if stem in found:
                raise InvalidInput(f"{found[stem]} and {path} have one name.", remedy="Keep one of them.")
            found[stem] = path
    return found


def images_table(found: MaskAnalysis, names: Sequence[str], by: str) -> Table:
    """One row for each image, the worst first: its pixels, its issues, their share, and every score that is known."""
    order = np.concatenate((found.worst(by=by), np.flatnonzero(found.labelled == 0)))
    return Table(
        {
            "name": [names[number] for number in order],
            "image": order,
            "labelled": found.labelled[order],
            "issues": found.issue_counts[order],
            **{rank: found.scores(rank)[order] for rank in MASK_RANKS},
        }
    )


def summary(found: MaskAnalysis) -> dict[str, Any]:
    """The numbers of the whole, as plain values."""
    return {
        "images": len(found),
        "pixels": int(found.labelled.sum()),
        "issues": int(found.issue_counts.sum()),
        "images_with_issues": int((found.issue_counts > 0).sum()),
        "estimated_errors": found.errors,
        "classes": [
            {
                "name": str(name),
                "pixels": int(count),
                "threshold": float(threshold) if count else None,
                "issues": int(issues),
            }
            for name, count, threshold, issues in zip(
                found.classes, found.label_counts, found.thresholds, found.pairs.sum(axis=1), strict=True
            )
        ],
        "pairs": found.confused.rows(),
        "remarks": found.remarks,
    }


def write(
    found: MaskAnalysis, of: Paired, folder: str, *, by: str, least_area: int, shown: int, told: Progress
) -> None:
    """Write images, regions and pairs as CSV and Parquet, summary.json, the issue masks, and `shown` overlays of the worst.

    The bytes depend on the inputs and on nothing else.
    """
    import pyarrow.parquet

    regions = found.regions(least_area)
    tables = {
        "images": images_table(found, of.names, by),
        "regions": Table({"name": [of.names[number] for number in regions["image"]], **regions.columns}),
        "pairs": found.confused,
    }
    try:
        os.makedirs(folder, exist_ok=True)
        for name, table in tables.items():
            with open(os.path.join(folder, f"{name}.csv"), "w", newline="") as file:
                file.write(table.to_csv())
            pyarrow.parquet.write_table(table.to_arrow(), os.path.join(folder, f"{name}.parquet"))
        with open(os.path.join(folder, "summary.json"), "w") as file:
            file.write(json.dumps(summary(found), indent=1, ensure_ascii=False) + "\n")
        worst = found.worst(shown, by=by).tolist()
        if worst:
            os.makedirs(os.path.join(folder, "overlays"), exist_ok=True)
        for place, number in enumerate(worst, 1):
            told("Drawing overlays", place, len(worst))
            title = f"{of.names[number]}: {int(found.issue_counts[number]):,} issues"
            picture = pictures.of_image(found, number, of.pictures[number], title=title)
            name = of.names[number].replace("/", "-")
            picture.save(os.path.join(folder, "overlays", f"{place:03d}-{name}.png"))
        if worst:
            captions = [of.names[number] for number in worst[:SHEET]]
            sheet = pictures.of_images(
                found, worst[:SHEET], [of.pictures[number] for number in worst[:SHEET]], captions
            )
            sheet.save(os.path.join(folder, "worst.png"))
    except OSError as error:
        raise StorageFailure(
            f"Cannot write into {folder}: {error.strerror or error}.", remedy="Choose another place."
        ) from error


#: So many images are on the sheet of the worst.
SHEET = 20
