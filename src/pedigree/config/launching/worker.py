"""The process in which a function is a job: `python -P -m pedigree.config.launching.worker TARGET ROOT CONFIG`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any


def find(target: str) -> Callable[[str], Any]:
    """The function `package.module:name` or `/path/script.py:name`."""
    place, _, name = target.rpartition(":")
    found: Callable[[str], Any]
    if place.endswith(".py"):
        import runpy

        found = runpy.run_path(place, run_name="__mp_main__")[name]
    else:
        import importlib

        found = getattr(importlib.import_module(place), name)
    return found


def main(target: str, root: str, config: str) -> None:
    """Call the function and report what it returns, unless that is None."""
    from pedigree.config.launching.results import report

    for path in (root, os.getcwd()):
        if path not in sys.path:
            sys.path.insert(0, path)
    value = find(target)(config)
    if value is not None:
        report(value)


if __name__ == "__main__":
    main(*sys.argv[1:])
