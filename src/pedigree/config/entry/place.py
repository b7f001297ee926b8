"""The folder of a run: `outputs/2026-11-27/09-30-00`, or what the configuration's own `hydra.run.dir` says."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pedigree.errors import InvalidInput

_STANDARD = {"run": "outputs/%Y-%m-%d/%H-%M-%S", "sweep": "multirun/%Y-%m-%d/%H-%M-%S"}


def chosen(kind: str, hydra: Mapping[Any, Any], values: Mapping[Any, Any], *, facts: Mapping[str, Any]) -> str:
    """The folder for a "run" or a "sweep", which may be there already.

    `hydra.run.dir` and `hydra.sweep.dir` count, with their interpolations, of which `${now:…}` is this moment. Raises
    InvalidInput where they do not resolve.
    """
    now = datetime.now()  # noqa: DTZ005  (the clock on the wall names the folder)
    block = hydra.get(kind)
    text = block.get("dir") if isinstance(block, Mapping) else None
    if not isinstance(text, str):
        return now.strftime(_STANDARD[kind])
    from pedigree.config.interpolation import resolve_at

    settings = {**facts, **hydra}
    try:
        found = resolve_at(
            {**values, "hydra": settings}, ("hydra", kind, "dir"), environment=os.environ, now=now, hydra=settings
        )
    except InvalidInput as error:
        raise InvalidInput(f"hydra.{kind}.dir: {error.message}", remedy=error.remedy) from error
    return str(found.tree)


def fresh(path: str) -> str:
    """The path, or the first of `path-2`, `path-3`, … that nobody has, made as a folder."""
    number = 1
    while True:
        here = path if number == 1 else f"{path}-{number}"
        try:
            os.makedirs(here)
        except FileExistsError:
            number += 1
        else:
            return here
