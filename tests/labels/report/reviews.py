"""Reviews of made-up samples, whose wrong labels are known, for tests of what is shown of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from pedigree import labels
from pedigree.labels.report.decisions import Subject
from pedigree.labels.report.files import objects
from pedigree.labels.report.review import Review
from pedigree.labels.report.samples import Samples

DIGEST = "ab" * 32


def review(count: int = 60, names: tuple[str, ...] = ("cat", "dog", "eel"), *, every: int = 6, **more: Any) -> Review:
    """`count` samples of which each `every`-th is labelled as the class after its own; `more` goes into Samples."""
    rng = np.random.default_rng(3)
    size = len(names)
    true = np.arange(count) % size
    matrix = np.full((count, size), 0.2 / size) + rng.random((count, size)) / 20
    matrix[np.arange(count), true] += 0.6
    matrix /= matrix.sum(axis=1, keepdims=True)
    given = true.copy()
    given[::every] = (true[::every] + 1) % size
    written = objects([names[at] for at in given])
    ids = more.pop("ids", None)
    samples = Samples(
        written,
        DIGEST,
        "table",
        "label",
        "id",
        objects([f"s{at}" for at in range(count)] if ids is None else ids),
        **more,
    )
    return Review(samples, labels.analyse(written, matrix, classes=names))


def subject(found: Review) -> Subject:
    return Subject(DIGEST, "table", len(found.samples), "label", "id", found.names, "pets@master:/labels.csv")
