"""Showing the results of `evaluate`: what the cells of report.ipynb display.

Nothing is computed here. The files of results lie in the folder REPORT_RESULTS, by default this one; the pictures of single
pets in REPORT_CASES.
"""

from __future__ import annotations

import base64
import csv
import json
import os
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import Any

import diagram
from IPython.display import HTML, SVG

RESULTS = Path(os.environ.get("REPORT_RESULTS", "."))
CASES = Path(os.environ.get("REPORT_CASES", "cases"))
COUNT = int(os.environ.get("REPORT_COUNT", "6"))
CLASSES = ("pet", "background", "border")
PANELS = ("photograph", "truth", "prediction", "confidence")
METRICS = {
    "iou": "IoU",
    "f1": "F1",
    "precision": "Precision",
    "mean_iou": "Mean IoU",
    "mean_f1": "Mean F1",
    "mean_precision": "Mean precision",
    "accuracy": "Accuracy",
    "loss": "Loss",
    "confidence": "Mean confidence",
    "ece": "Calibration error (ECE)",
}
LESS_IS_BETTER = {"loss", "ece"}


def metrics() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((RESULTS / "metrics.json").read_text())
    return found


def rows(name: str) -> list[dict[str, str]]:
    """A table of the results, all its cells as text."""
    with (RESULTS / name).open(newline="") as file:
        return list(csv.DictReader(file))


def number(text: str | float | None, digits: int = 3) -> str:
    """A number to read, with a real minus; a dash for none."""
    return "–" if text in (None, "") else f"{float(text):.{digits}f}".replace("-", "−")


def share(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f} %"


def plain(name: str) -> str:
    """`American bulldog` for `american_bulldog`."""
    return escape(name.replace("_", " ").capitalize())


def headline() -> HTML:
    """The four numbers that matter, calibrated, each with what it was before."""
    before, after = metrics(), metrics()["calibrated"]
    cards = [
        ("Accuracy", share(after["accuracy"]), f"of all pixels; {share(before['accuracy'])} before calibration"),
        ("IoU of the pet", number(after["iou"]["pet"]), f"{number(before['iou']['pet'])} before"),
        ("Mean IoU", number(after["mean_iou"]), f"of three classes; {number(before['mean_iou'])} before"),
        ("Calibration error", number(after["ece"]), f"{number(before['ece'])} before; 0 is best"),
    ]
    items = "".join(f"<div><dt>{name}</dt><dd>{value}<small>{told}</small></dd></div>" for name, value, told in cards)
    return HTML(
        f'<p class="lead">{before["pets"]:,} pets that the model never saw, {before["pixels"]:,} pixels.</p>'
        f'<dl class="cards">{items}</dl>'
    )


def comparison() -> HTML:
    """Every metric of the original model beside the calibrated."""
    body = []
    for line in rows("evaluation_result.csv"):
        metric, of = line["metric"], line["class"]
        name = METRICS[metric] + ("" if of == "all" else f' <span class="of">{escape(of)}</span>')
        change = float(line["change"]) if line["change"] else 0.0
        better = round(-change if metric in LESS_IS_BETTER else change, 4)
        tone = "" if metric == "confidence" or not better else ' class="better"' if better > 0 else ' class="worse"'
        sign = "+" if round(change, 4) > 0 else ""
        told = "–" if not line["change"] else f"{sign}{number(change, 4)}" if round(change, 4) else "0"
        body.append(
            f"<tr><th>{name}</th><td>{number(line['original'], 4)}</td><td>{number(line['calibrated'], 4)}</td>"
            f"<td{tone}>{told}</td></tr>"
        )
    return _table(("Metric", "Original", "Calibrated", "Change"), body)


def worst() -> HTML:
    """The pets with the lowest IoU of the pet."""
    return _cases(_ranked()[::-1][:COUNT])


def best() -> HTML:
    """The pets with the highest IoU of the pet."""
    return _cases(_ranked()[:COUNT])


def _ranked() -> list[dict[str, str]]:
    measured = [line for line in rows("pets.csv") if line["calibrated_iou_pet"]]
    return sorted(measured, key=lambda line: (-float(line["calibrated_iou_pet"]), line["pet"]))


def _cases(chosen: Sequence[dict[str, str]]) -> HTML:
    figures = []
    for line in chosen:
        pictures = "".join(
            f'<figure><img class="{panel}" alt="{panel} of {escape(line["pet"])}" src="data:image/png;base64,'
            f'{base64.b64encode((CASES / line["pet"] / f"{panel}.png").read_bytes()).decode()}">'
            f"<figcaption>{panel}</figcaption></figure>"
            for panel in PANELS
        )
        facts = (
            f"IoU of the pet <b>{number(line['calibrated_iou_pet'])}</b> · accuracy "
            f"{share(float(line['calibrated_accuracy']))} · mean confidence {share(float(line['calibrated_confidence']))}"
        )
        figures.append(
            f'<section class="case"><h4>{escape(line["pet"])}</h4><p>{facts}</p><div>{pictures}</div></section>'
        )
    return HTML(_legend() + "".join(figures))


def _legend() -> str:
    chips = "".join(f'<span><i class="{name}"></i>{name}</span>' for name in CLASSES)
    return f'<p class="legend">{chips}<span><i class="ramp"></i>confidence, from a guess to certain</span></p>'


def breeds() -> HTML:
    """Every breed, the worst first."""
    found = sorted(rows("breeds.csv"), key=lambda line: (float(line["calibrated_iou_pet"] or 0), line["breed"]))
    body = [
        f"<tr><th>{plain(line['breed'])}</th><td>{line['pets']}</td>{_bar(line['calibrated_iou_pet'])}"
        f"<td>{number(line['calibrated_mean_iou'])}</td><td>{number(line['calibrated_mean_f1'])}</td>"
        f"<td>{number(line['calibrated_accuracy'])}</td><td>{number(line['accuracy'])}</td></tr>"
        for line in found
    ]
    return _table(("Breed", "Pets", "IoU of the pet", "Mean IoU", "Mean F1", "Accuracy", "before"), body)


def _bar(text: str) -> str:
    return f'<td class="bar"><span style="--part:{float(text or 0):.3f}"></span><b>{number(text)}</b></td>'


def _table(head: Iterable[str], body: Iterable[str]) -> HTML:
    cells = "".join(f"<th>{name}</th>" for name in head)
    return HTML(f'<div class="wide"><table><thead><tr>{cells}</tr></thead><tbody>{"".join(body)}</tbody></table></div>')


def reliability() -> SVG:
    """How often the pixels of each confidence were right, original and calibrated, and how many there are of each."""
    found: dict[str, list[dict[str, float]]] = {"original": [], "calibrated": []}
    for line in rows("reliability.csv"):
        found[line.pop("model")].append({name: float(value) for name, value in line.items()})
    return SVG(diagram.draw(found))
