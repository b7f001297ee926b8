"""Files of signals, read as docs/formats/signals.md describes them."""

from __future__ import annotations

import json
import os
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from pedigree.errors import InvalidInput, NewerFormat, NotFound

FORMAT, VERSION = "pedigree signals", "1"
NAME = "signals.safetensors"
_KINDS = {"F64": "<f8", "F32": "<f4", "I32": "<i4", "U8": "u1"}
#: What no file of signals is without; `mean_probabilities` may be missing, and what is not named here is left alone.
_NEEDED = (
    "label",
    "presentations",
    "epochs",
    "margin_sum",
    "probability_sum",
    "probability_square_sum",
    "loss_sum",
    "loss_last",
    "error_norm_sum",
    "error_norm_count",
    "correct",
    "forgotten",
    "first_learnt",
    "undefined",
)
MEANS = "mean_probabilities"


def read(place: str | os.PathLike[str]) -> tuple[dict[str, str], dict[str, NDArray[Any]]]:
    """Head and arrays of a file, or of the file `signals.safetensors` in a folder. The matrix of means is mapped, not read."""
    path = os.fspath(place)
    if os.path.isdir(path):
        path = os.path.join(path, NAME)
        if not os.path.exists(path) and any(name.startswith("signals-") for name in os.listdir(os.path.dirname(path))):
            raise NotFound(
                f"There is no {NAME} in {os.path.dirname(path)}, only files of single ranks.",
                remedy="Make one of them: training.merge_signals(folder).",
            )
    try:
        with open(path, "rb") as file:
            return _parsed(file, path)
    except FileNotFoundError:
        raise NotFound(f"There are no signals at {path}.", remedy="training.Recorder writes them.") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidInput(
            f"{path} is no file of signals, or not a whole one: {error}.", remedy="Give what training.Recorder saved."
        ) from error


def _parsed(file: BinaryIO, path: str) -> tuple[dict[str, str], dict[str, NDArray[Any]]]:
    size = os.fstat(file.fileno()).st_size
    length = int.from_bytes(file.read(8), "little")
    if length > size - 8:
        raise ValueError("it is cut short, or of another kind")
    table = json.loads(file.read(length))
    head = table.pop("__metadata__")
    if 8 + length + max((int(one["data_offsets"][1]) for one in table.values()), default=0) > size:
        raise ValueError("it is cut short")
    if head["format"] != FORMAT:
        raise ValueError(f"its format is {head['format']!r}")
    if head["version"] != VERSION:
        raise NewerFormat(
            f"The signals {path} have format version {head['version']}; this Pedigree reads version {VERSION}.",
            remedy="Read them with the version of Pedigree that wrote them.",
        )
    if head.get("ranks", "1") != "1":
        raise ValueError("it is of one rank of several; training.merge_signals makes one file of all")
    missing = [name for name in _NEEDED if name not in table]
    if missing:
        raise ValueError(f"it has no array {missing[0]!r}")
    samples, classes = int(head["samples"]), int(head["classes"])
    arrays: dict[str, NDArray[Any]] = {}
    for name in (*_NEEDED, MEANS):
        if name not in table:
            continue
        kind, shape = np.dtype(_KINDS[table[name]["dtype"]]), tuple(table[name]["shape"])
        start = 8 + length + int(table[name]["data_offsets"][0])
        if shape != ((samples, classes) if name == MEANS else (samples,)):
            raise ValueError(f"its array {name!r} has the shape {list(shape)} for {samples} samples")
        if kind.itemsize * int(np.prod(shape, dtype=np.int64)) > size - start:
            raise ValueError(f"its array {name!r} is shorter than {list(shape)}")
        if name == MEANS:
            arrays[name] = np.memmap(path, kind, "r", start, shape)
        else:
            file.seek(start)
            arrays[name] = np.fromfile(file, kind, samples).astype(kind.newbyteorder("="))
    return head, arrays
