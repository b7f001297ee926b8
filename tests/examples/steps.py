"""The steps of examples/pets as modules, with /pfs wherever a test wants it."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

PETS = Path(__file__).resolve().parents[2] / "examples/pets"

_imported: dict[str, ModuleType] = {}


@contextmanager
def importable() -> Iterator[None]:
    """Let the steps be imported by bare names, as they import each other in /code.

    Only meanwhile: `settings` and `models` are names that other tests' projects have too.
    """
    if str(PETS) in sys.path:
        yield
        return
    sys.path.insert(0, str(PETS))
    sys.modules.update(_imported)
    try:
        yield
    finally:
        sys.path.remove(str(PETS))
        for name, module in list(sys.modules.items()):
            if str(getattr(module, "__file__", None) or "").startswith(f"{PETS}/"):
                _imported[name] = sys.modules.pop(name)


def load(name: str) -> ModuleType:
    """The step's module, the same one each time."""
    with importable():
        return importlib.import_module(name)
