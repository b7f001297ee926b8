"""Importing the class that a configuration must fit, from the files of the project: code of the user, which runs.

Only the process of `freezing.py` does this, and only for `apply`.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from pedigree.canonical import digest
from pedigree.config.lookup import model_named
from pedigree.errors import InvalidConfig


def folders(base: str, root: str, model: str) -> tuple[str, ...]:
    """Where its imports are looked for, as in the step: beside a file that is named, then in the root of the code."""
    top = os.path.normpath(os.path.join(base, root))
    place = model.rpartition(":")[0]
    beside = (os.path.normpath(os.path.join(base, os.path.dirname(place))),) if place.endswith(".py") else ()
    return tuple(dict.fromkeys((*beside, top, os.path.join(top, "src"))))


def load(model: str, base: str) -> type[Any]:
    """The class `package.module:Class` or `path/to/file.py:Class`; the working folder is the project.

    Raises InvalidConfig with what is wrong with the code, and the line of the project where it went wrong.
    """
    place = model.rpartition(":")[0]
    if place.endswith(".py") and os.path.normpath(os.path.join(base, place)).startswith(("..", os.sep)):
        raise InvalidConfig(f"The model {model!r} lies outside of the project.", remedy="Name a file of the project.")
    try:
        return model_named(model, base or os.curdir)
    except SystemExit as error:
        raise InvalidConfig(
            f"Importing {place} ended the program with {error.code!r}.", remedy="Correct the module, then try again."
        ) from error
    except InvalidConfig as error:
        where = "" if error.__cause__ is None else _where(error.__cause__)
        error.message = error.message.removesuffix(".") + f"{where}."
        raise


def _where(error: BaseException) -> str:
    """The innermost line of the project that took part."""
    trace, found = error.__traceback__, ""
    while trace is not None:
        path = ours(trace.tb_frame.f_code.co_filename)
        if path:
            found = f" ({path}:{trace.tb_lineno})"
        trace = trace.tb_next
    if isinstance(error, SyntaxError) and error.filename:
        found = ""  # its own text has the place
    return found


def ours(path: str) -> str | None:
    """The path from the project, if it is a file of it and none of the environment."""
    real, here = os.path.realpath(path), os.path.realpath(os.curdir)
    without = (os.path.realpath(sys.prefix), os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
    if not real.startswith(here + os.sep) or any(real.startswith(one + os.sep) for one in without):
        return None
    return os.path.relpath(real, here)


def imported() -> dict[str, str]:
    """The files of the project that were imported, each with its digest."""
    found = {}
    for module in list(sys.modules.values()):
        path = ours(getattr(module, "__file__", None) or os.devnull)
        if path is not None:
            with open(path, "rb") as file:
                found[path] = digest(file.read())
    return dict(sorted(found.items()))
