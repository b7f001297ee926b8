"""What a job reports to its sweep."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from typing import Any

from pedigree.config.launching import files
from pedigree.config.launching.folder import RESULT
from pedigree.config.launching.ranks import DistEnv
from pedigree.errors import InvalidConfig

#: A result is a few numbers; weights and curves are files.
MAX_BYTES = 1_000_000


def report(value: Any, environment: Mapping[str, str] | None = None) -> bool:
    """Give the sweep this job's result: a number, or a dict of plain values; the last call counts.

    Returns whether it was written: not outside of a sweep, and by rank 0 only. Raises InvalidConfig for what JSON
    cannot hold; numbers of NumPy and PyTorch are taken as numbers, and nan and infinities as their names.
    """
    environment = os.environ if environment is None else environment
    folder = environment.get("PEDIGREE_JOB")
    plain = _plain(value, "the result")
    if not folder or not DistEnv.from_env(environment).is_main:
        return False
    size = len(json.dumps(plain))
    if size > MAX_BYTES:
        raise InvalidConfig(
            f"The result of the job has {size} bytes; at most {MAX_BYTES} go into the record of a sweep.",
            remedy="Write a file into the job's folder, $PEDIGREE_JOB, and report its name.",
        )
    files.write(os.path.join(folder, RESULT), {"result": plain})
    return True


def as_number(value: Any) -> float | None:
    """A reported number, `nan` and the infinities included; None for what is none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return float(value)
    return float(value) if isinstance(value, str) and value in {"nan", "inf", "-inf"} else None


def _plain(value: Any, place: str) -> Any:
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, (int, float)) or (hasattr(value, "item") and hasattr(value, "dtype")):
        number = value.item() if hasattr(value, "item") else value
        if type(number) is float and not math.isfinite(number):
            return repr(number)
        if isinstance(number, (bool, int, float)):
            return number
    if isinstance(value, Mapping):
        if all(isinstance(key, str) for key in value):
            return {key: _plain(item, f"{place}, {key!r}") for key, item in value.items()}
    elif isinstance(value, (list, tuple)):
        return [_plain(item, place) for item in value]
    raise InvalidConfig(
        f"A {type(value).__name__} cannot be reported ({place}).",
        remedy="Report numbers, texts, lists, and dicts with texts as keys.",
    )
