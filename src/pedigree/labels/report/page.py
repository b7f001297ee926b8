"""The page on which a person reviews labels: one HTML file that needs nothing else and sends nothing anywhere."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pedigree.labels.report.decisions import Subject, first_line
from pedigree.labels.report.histograms import histograms
from pedigree.labels.report.review import Review
from pedigree.labels.report.summary import confused, per_annotator, per_class
from pedigree.labels.report.thumbnails import Thumbnails

#: Samples on the page unless it is said otherwise.
LIMIT = 1000
#: Classes with bars, neighbours and letters of text of one sample.
CLASSES, NEIGHBOURS, LETTERS = 5, 6, 2000
#: With more classes the map of given and suggested labels is left out; the table of pairs stays.
MAP_CLASSES = 30
#: The page's script in its parts, which see each other's names; what runs at once comes last.
SCRIPTS = ("base", "decisions", "listing", "moving", "charts", "start")
#: Samples that are told where scripts do not run.
PLAIN_ROWS = 100


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawing for the page: PNG, with words for those who do not see it."""

    title: str
    words: str
    png: bytes


def render(
    review: Review,
    subject: Subject,
    *,
    title: str = "Doubted labels",
    limit: int = LIMIT,
    thumbnails: Thumbnails | None = None,
    neighbours: NDArray[Any] | None = None,
    pictures: Sequence[Picture] = (),
    tables: Sequence[dict[str, Any]] = (),
    warnings: Sequence[str] = (),
) -> str:
    """The page, with at most `limit` samples: the issues first, then those next to them, the worst first.

    `neighbours` (n, k) are the rows nearest to each sample. `tables` are more of them: title, columns, rows. `warnings` stand
    at the top. Names, labels, ids and texts
    reach the page as JSON and are set as text, and the policy in its head lets only its own script run and nothing be loaded.
    The same review gives the same bytes.
    """
    style, layout = _part("page.css"), _part("page.html")
    script = '"use strict";\n(() => {\n' + "".join(_part(f"{name}.js") for name in SCRIPTS) + "})();\n"
    rows = listed(review, limit)
    data = {
        "head": first_line(subject),
        "names": list(review.names),
        "titles": list(review.shown),
        "thresholds": [None if cut > 1 else _short(cut) for cut in review.analysis.thresholds],
        "filters": list(review.issues),
        "filter": review.filter,
        "rank": review.rank,
        "samples": len(review.samples),
        "issues": int(review.flagged.sum()),
        "errors": review.analysis.errors,
        "rows": [_row(review, int(row), neighbours, thumbnails) for row in rows],
        "histograms": histograms(review),
        "map": _map(review),
        "warnings": list(warnings),
        "tables": [*_tables(review), *tables],
        "pictures": [{"title": one.title, "words": one.words, "src": _png(one.png)} for one in pictures],
    }
    if thumbnails is not None:
        data["crowded_out"] = thumbnails.crowded_out
    parts = {
        "@TITLE@": escape(title),
        "@STYLE@": style,
        "@SCRIPT@": script,
        "@STYLE_HASH@": _hash(style),
        "@SCRIPT_HASH@": _hash(script),
        "@PLAIN@": "\n".join(_plain(review, int(row)) for row in rows[:PLAIN_ROWS]),
        "@DATA@": _json(data),
    }
    return re.sub("|".join(parts), lambda mark: parts[mark[0]], layout)


def listed(review: Review, limit: int) -> NDArray[np.int64]:
    """The samples on the page, the worst first: issues, and where there is room, those with the lowest scores besides."""
    order = review.order[review.analysis.data.labels[review.order] >= 0]
    first = order[review.flagged[order]][:limit]
    rest = order[~review.flagged[order]][: limit - len(first)]
    kept = np.zeros(len(review.samples), bool)
    kept[first] = kept[rest] = True
    return order[kept[order]]


def _part(name: str) -> str:
    return (Path(__file__).parent / "page_parts" / name).read_text(encoding="utf-8")


def _row(review: Review, row: int, neighbours: NDArray[Any] | None, thumbnails: Thumbnails | None) -> dict[str, Any]:
    values = np.asarray(review.analysis.data.probabilities[row], np.float64)
    given, suggested = int(review.analysis.data.labels[row]), int(review.suggested[row])
    top = np.argsort(-values, kind="stable")[:CLASSES].tolist()
    shown = top if given in top else [*top[: CLASSES - 1], given]
    found: dict[str, Any] = {
        "index": row,
        "id": review.samples.identity(row),
        "given": given,
        "suggested": suggested,
        "top": [[number, _short(values[number])] for number in shown],
        "scores": [_short(scores[row]) for scores in review.scores.values()],
        "filters": sum(1 << at for at, flags in enumerate(review.issues.values()) if flags[row]),
        "reason": review.reason(row),
    }
    if review.samples.annotators is not None:
        found["annotator"] = str(review.samples.annotators[row])
    picture = "" if thumbnails is None else thumbnails.uri(row)
    if picture:
        found["picture"] = picture
    text = review.samples.text(row)
    if text:
        found["text"] = text if len(text) <= LETTERS else text[:LETTERS] + "…"
    if neighbours is not None:
        found["neighbours"] = [
            {
                "id": review.samples.identity(other),
                "given": int(review.analysis.data.labels[other]),
                "picture": "" if thumbnails is None else thumbnails.uri(other),
            }
            for other in np.asarray(neighbours[row])[:NEIGHBOURS].tolist()
            if other >= 0 and other != row
        ]
    return found


def _map(review: Review) -> list[list[int]] | None:
    """Issues by given and suggested label; None for more than MAP_CLASSES classes."""
    size = len(review.names)
    if size > MAP_CLASSES:
        return None
    rows = np.flatnonzero(review.flagged)
    cells = review.analysis.data.labels[rows] * size + review.suggested[rows]
    found: list[list[int]] = np.bincount(cells, minlength=size * size).reshape(size, size).tolist()
    return found


def _tables(review: Review) -> list[dict[str, Any]]:
    shown = dict(zip(review.names, review.shown, strict=True))
    found: list[dict[str, Any]] = [
        {
            "title": "Classes",
            "columns": [
                "class",
                "labelled so",
                "issues",
                "suggested",
                "errors by the joint",
                "missed by the joint",
                "threshold",
            ],
            "rows": [
                [
                    shown[one["class"]],
                    one["given"],
                    one["issues"],
                    one["suggested"],
                    one["estimated_errors"],
                    one["estimated_missed"],
                    None if one["threshold"] is None else _short(one["threshold"]),
                ]
                for one in per_class(review)
            ],
        },
        {
            "title": "Most confused, by the joint",
            "columns": ["given", "true", "samples"],
            "rows": [[shown[one["given"]], shown[one["true"]], one["samples"]] for one in confused(review)],
        },
    ]
    if review.samples.annotators is not None:
        rows = [
            [one["annotator"], one["given"], one["issues"], _short(one["issues"] / max(one["given"], 1))]
            for one in per_annotator(review)
        ]
        found.append({"title": "Annotators", "columns": ["annotator", "labels", "issues", "share"], "rows": rows})
    return found


def _plain(review: Review, row: int) -> str:
    cells = (
        review.samples.identity(row),
        review.shown[review.analysis.data.labels[row]],
        review.shown[review.suggested[row]],
    )
    return f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in (*cells, review.evidence(row)))}</tr>"


def _json(value: Any) -> str:
    """JSON that can stand in a script element: no tag and no comment can begin or end in it."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    text = text.encode("utf-8", "backslashreplace").decode()  # a lone surrogate has no bytes; \udc80 is JSON for it
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _png(data: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(data).decode()}"


def _short(value: float) -> float:
    return float(f"{float(value):.4g}")
