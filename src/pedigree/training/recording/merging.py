"""One file of signals from those that the ranks of a training wrote."""

from __future__ import annotations

import os
import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pedigree.errors import InvalidInput
from pedigree.training.recording import files
from pedigree.training.recording.tallies import FIELDS, MEANS, History, unpacked

_RANK = re.compile(r"signals-(\d{4,})-of-(\d{4,})\.safetensors")
_ADDED = (
    "margin_sum",
    "probability_sum",
    "probability_square_sum",
    "loss_sum",
    "error_norm_sum",
    "error_norm_count",
    "presentations",
    "correct",
    "forgotten",
    "undefined",
)


def merge_signals(folder: str | os.PathLike[str]) -> str:
    """Write `signals.safetensors` from the files of all ranks in the folder, which stay, and give its path.

    Counts, epochs and forgetting are those that one recorder would have found, had it seen the presentations epoch by epoch, within an
    epoch rank by rank. Sums are added rank by rank, in float64. The same files give the same bytes.
    Raises InvalidInput where a rank is missing, or where the files are not of one training.
    """
    folder = os.fspath(folder)
    names = sorted(name for name in os.listdir(folder) if _RANK.fullmatch(name))
    if not names:
        raise InvalidInput(
            f"There are no files of ranks in {folder}.", remedy="Let each rank call Recorder.save first."
        )
    totals = {int(match[2]) for name in names if (match := _RANK.fullmatch(name))}
    ranks = max(totals)
    wanted = [files.name_of(rank, ranks) for rank in range(ranks)]
    if names != wanted:
        missing = [name for name in wanted if name not in names]
        what = (
            f"{missing[0]} is missing"
            if missing
            else f"{next(n for n in names if n not in wanted)} is of another training"
        )
        raise InvalidInput(
            f"The files in {folder} are not those of {ranks} ranks: {what}.",
            remedy="Let every rank of one training save there, and nothing else.",
        )
    parts = [files.read(os.path.join(folder, name)) for name in wanted]
    head = dict(parts[0][0])
    for name, (other, _) in zip(wanted, parts, strict=True):
        differ = [key for key in {**head, **other} if key != "rank" and head.get(key) != other.get(key)]
        if differ:
            raise InvalidInput(
                f"{name} and {wanted[0]} are not of one training: another {differ[0]}.",
                remedy="Remove what an earlier training left there.",
            )
    path = os.path.join(folder, files.NAME)
    merged = _merged([arrays for _, arrays in parts], int(head["samples"]))
    files.write(
        path,
        {key: value for key, value in head.items() if key not in ("format", "version")} | {"rank": "0", "ranks": "1"},
        merged,
    )
    return path


def _merged(parts: list[dict[str, NDArray[Any]]], samples: int) -> dict[str, NDArray[Any]]:
    found = {name: parts[0][name].copy() for name in FIELDS}
    for name in _ADDED:
        for other in parts[1:]:
            found[name] += other[name]
    for other in parts[1:]:
        # Of an epoch that two ranks saw, the later rank's comes last.
        later = (other["last_epoch"] >= found["last_epoch"]) & (other["last_epoch"] >= 0)
        for name in ("last_epoch", "loss_last", "correct_last"):
            found[name] = np.where(later, other[name], found[name]).astype(found[name].dtype)
        earlier = (other["first_learnt"] >= 0) & (
            (other["first_learnt"] < found["first_learnt"]) | (found["first_learnt"] < 0)
        )
        found["first_learnt"][earlier] = other["first_learnt"][earlier]
        _same_labels(found["label"], other["label"])
        found["label"] = np.maximum(found["label"], other["label"])
    _count_epochs(found, parts, samples)
    if MEANS in parts[0]:
        found[MEANS] = _mean_rows(parts)
    return found


def _same_labels(labels: NDArray[Any], other: NDArray[Any]) -> None:
    rows = np.flatnonzero((labels >= 0) & (other >= 0) & (labels != other))
    if len(rows):
        raise InvalidInput(
            f"{len(rows)} samples have another label on another rank: sample {int(rows[0])} has {int(labels[rows[0]])} and {int(other[rows[0]])}.",
            remedy="Give the same positions in the data set on every rank.",
            rows=rows[:5].tolist(),
        )


def _count_epochs(found: dict[str, NDArray[Any]], parts: list[dict[str, NDArray[Any]]], samples: int) -> None:
    """The epochs of each sample, and the forgetting between them, which no rank could count."""
    epochs = np.zeros(samples, np.int32)
    right = np.zeros(samples, np.bool_)
    for epoch in np.unique(np.concatenate([part["history_epochs"] for part in parts])):
        presented = np.zeros(samples, np.bool_)
        for part in parts:
            for at in np.flatnonzero(part["history_epochs"] == epoch):
                seen, first, last = unpacked(part["history"][at], samples)[
                    [History.PRESENTED, History.FIRST, History.LAST]
                ]
                found["forgotten"] += seen & right & ~first
                right = np.where(seen, last, right)
                presented |= seen
        epochs += presented
    found["epochs"] = epochs


def _mean_rows(parts: list[dict[str, NDArray[Any]]]) -> NDArray[np.float32]:
    counts = np.array([part["presentations"] for part in parts], np.float64)
    shares = counts / np.maximum(counts.sum(axis=0), 1.0)
    found = np.zeros_like(parts[0][MEANS])
    for share, part in zip(shares, parts, strict=True):
        found += (share[:, None] * part[MEANS]).astype(np.float32)
    never = counts.sum(axis=0) == 0.0
    found[never] = parts[0][MEANS][never]
    return found
