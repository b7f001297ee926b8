"""The steps of examples/pets as modules, with /pfs wherever a test wants it."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

PETS = Path(__file__).resolve().parents[2] / "examples/pets"


def load(name: str) -> ModuleType:
    """The step's module. Steps import each other by bare names, as they do in /code."""
    if str(PETS) not in sys.path:
        sys.path.insert(0, str(PETS))
    return importlib.import_module(name)
