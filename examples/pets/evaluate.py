"""evaluate: the calibrated model on the test part, beside the original: scores, pictures, and a report to read.

python evaluate.py

All that is computed is computed here, once. The report, report.ipynb, reads it and shows it.
"""

from __future__ import annotations

import csv
import json
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import reporting
import torch
from assessing import Seen, join, look, measure, rank, reliability
from calibrating import Calibration, read, softmax
from devices import chosen
from digests import of_files
from models import load
from pairs import Pairs, read_pairs
from pictures import write_cases, write_grid
from settings_evaluate import Evaluate
from torch import Tensor
from unet import CLASSES, UNet

from pedigree import config, training
from pedigree.errors import PedigreeError

PFS = Path("/pfs")
CODE = Path(__file__).resolve().parent

#: What a pet and a breed are described by.
OF_A_CLASS, OF_ALL = ("iou",), ("mean_iou", "mean_f1", "accuracy")


def see(model: UNet, calibration: Calibration, pairs: Pairs, batch: int) -> tuple[Seen, Seen]:
    """What the model says of every pixel, by its softmax and by the calibration."""
    device = next(model.parameters()).device
    found: list[tuple[Seen, Seen]] = []
    with torch.no_grad():
        for start in range(0, len(pairs.names), batch):
            truth = pairs.classes[start : start + batch]
            logits = model(pairs.images[start : start + batch].to(device, torch.float32) / 255).cpu()
            found.append((look(softmax(logits), truth), look(calibration.apply(logits), truth)))
    original, calibrated = zip(*found, strict=True)
    return join(original), join(calibrated)


def breed_of(pet: str) -> str:
    """`american_bulldog` for `american_bulldog_12`, as the data set names its photographs."""
    return pet.rpartition("_")[0] or pet


def some(seen: Seen, truth: Tensor, indices: Sequence[int], bins: int) -> dict[str, Any]:
    """`measure` of some of the pets."""
    at = torch.tensor(indices)
    return measure(Seen(*(part[at] for part in seen)), truth[at], CLASSES, bins)


def row(original: Mapping[str, Any], calibrated: Mapping[str, Any]) -> dict[str, float | None]:
    """The columns of pets.csv and breeds.csv that are measured."""
    found: dict[str, float | None] = {}
    for prefix, measured in (("", original), ("calibrated_", calibrated)):
        found |= {f"{prefix}{metric}_{name}": measured[metric][name] for metric in OF_A_CLASS for name in CLASSES}
        found |= {f"{prefix}{metric}": measured[metric] for metric in (*OF_ALL, "confidence")}
    return found


def compared(original: Mapping[str, Any], calibrated: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The rows of evaluation_result.csv: metric, class ("all" where it is of all), original, calibrated, change."""
    for metric in ("iou", "f1", "precision"):
        for name in CLASSES:
            yield _compared(metric, name, original[metric][name], calibrated[metric][name])
    for metric in ("mean_iou", "mean_f1", "mean_precision", "accuracy", "loss", "confidence", "ece"):
        yield _compared(metric, "all", original[metric], calibrated[metric])


def _compared(metric: str, name: str, original: float | None, calibrated: float | None) -> dict[str, Any]:
    change = None if original is None or calibrated is None else calibrated - original
    return {"metric": metric, "class": name, "original": original, "calibrated": calibrated, "change": change}


def write_table(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Rows as CSV under the keys of the first; None is an empty cell."""
    listed = list(rows)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(listed[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(listed)


def write_results(
    out: Path, pairs: Pairs, seen: tuple[Seen, Seen], bins: int, files: Mapping[str, str]
) -> list[dict[str, Any]]:
    """metrics.json, evaluation_result.csv, reliability.csv, pets.csv and breeds.csv; the rows of pets.csv.

    `files` are the digests of what was measured, by which `release` knows it.
    """
    original, calibrated = (measure(one, pairs.classes, CLASSES, bins) for one in seen)
    metrics = {"pets": len(pairs.names), **original, "calibrated": calibrated, "files": dict(files)}
    (out / "metrics.json").write_text(json.dumps(metrics, indent=1) + "\n")
    write_table(out / "evaluation_result.csv", compared(original, calibrated))
    write_table(
        out / "reliability.csv",
        ({"model": name, **line} for name, one in zip(("original", "calibrated"), seen, strict=True)
         for line in reliability(one, bins)),
    )  # fmt: skip

    def rows_of(groups: Mapping[str, list[int]], kind: str) -> Iterator[dict[str, Any]]:
        for name, indices in groups.items():
            more = {"pets": len(indices)} if kind == "breed" else {"breed": breed_of(name)}
            yield {kind: name, **more, **row(*(some(one, pairs.classes, indices, bins) for one in seen))}

    pets = list(rows_of({pet: [at] for at, pet in enumerate(pairs.names)}, "pet"))
    write_table(out / "pets.csv", pets)
    breeds: dict[str, list[int]] = {}
    for at, pet in enumerate(pairs.names):
        breeds.setdefault(breed_of(pet), []).append(at)
    write_table(out / "breeds.csv", rows_of(dict(sorted(breeds.items())), "breed"))
    return pets


def main() -> None:
    settings = config.current(Evaluate)
    training.deterministic("full", threads=int(os.environ["OMP_NUM_THREADS"]))
    device = chosen(settings.device, "conf/evaluate.yaml")
    model_folder, calibration_file = PFS / "model/model", PFS / "calibration/calibration.json"
    try:
        calibration = read(calibration_file)
    except PedigreeError as error:
        sys.exit(f"{error.message} {error.remedy or ''}")
    model, pairs = load(model_folder), read_pairs(PFS / "test/test")
    seen = see(model.to(device), calibration, pairs, settings.batch)

    out = PFS / "out"
    pets = write_results(out, pairs, seen, settings.bins, of_files(model_folder, calibration_file))
    ious = [pet["calibrated_iou_pet"] for pet in pets]
    ranked = rank(ious, pairs.names)
    write_grid(out / "pictures.png", pairs, seen[1], ious, ranked, settings.pictures)
    with tempfile.TemporaryDirectory() as scratch:
        shown = [*ranked[: settings.cases], *ranked[-settings.cases :]]
        write_cases(Path(scratch), pairs, seen[1], shown)
        done = reporting.execute(
            CODE / "report.ipynb",
            {"REPORT_RESULTS": str(out), "REPORT_CASES": scratch, "REPORT_COUNT": str(settings.cases)},
        )
    reporting.write(done, out / "Report.ipynb")
    (out / "Report.html").write_text(reporting.page(done, (CODE / "report.css").read_text()))
    metrics = json.loads((out / "metrics.json").read_text())
    for name, found in (("original", metrics), ("calibrated", metrics["calibrated"])):
        print(
            f"{name}: IoU {found['iou']['pet'] or 0:.4f}, mean IoU {found['mean_iou']:.4f}, mean F1 {found['mean_f1']:.4f}, "
            f"accuracy {found['accuracy']:.4f}, loss {found['loss']:.4f}, ECE {found['ece']:.4f}"
        )


if __name__ == "__main__":
    main()
