"""Finding the class that a text names: `package.module:Class`, or `path/to/file.py:Class`.

The module is imported, so its code runs: only for what a person names on a command line or in a spec of their own
project, never for what a stored or received file says.
"""

from __future__ import annotations

import os
import sys
from types import ModuleType
from typing import Any

from pedigree.errors import InvalidConfig, meant

#: Modules that validating needs, beside those of Python.
_IN_USE = frozenset(("annotated_types", "pedigree", "pydantic", "pydantic_core", "typing_extensions", "yaml"))


def model_named(text: str, folder: str | os.PathLike[str] = ".") -> type[Any]:
    """The class that the text names; modules and files count from `folder`, then as Python finds them.

    Raises InvalidConfig where there is no such module or class, with the nearest name, and where the module fails to
    import, with the error that it raised as the cause.
    """
    where, colon, name = text.rpartition(":")
    if not colon or not where or not name:
        raise InvalidConfig(
            f"{text!r} names no class.", remedy="Write package.module:Class, or path/to/file.py:Class.", model=text
        )
    module = _file(where, os.fspath(folder)) if where.endswith(".py") else _module(where, os.fspath(folder))
    found: Any = module
    for part in name.split("."):
        if not hasattr(found, part):
            known = [key for key, value in vars(found).items() if isinstance(value, type)]
            raise InvalidConfig(
                f"{where} has no class {name!r}.",
                remedy=f"{meant(name, known)}It has: {', '.join(known) or 'none'}.",
                model=text,
            )
        found = getattr(found, part)
    if not isinstance(found, type):
        raise InvalidConfig(
            f"{text} is {found!r}, and no class.", remedy="Name the class of the configuration.", model=text
        )
    return found


def _file(where: str, folder: str) -> ModuleType:
    from importlib.util import module_from_spec, spec_from_file_location

    path = os.path.abspath(os.path.join(folder, where))
    name = os.path.splitext(os.path.basename(path))[0]
    loaded = sys.modules.get(name)
    if loaded is not None and os.path.abspath(getattr(loaded, "__file__", None) or "") == path:
        return loaded
    if not os.path.isfile(path):
        raise InvalidConfig(f"There is no file {where} to take a model from.", remedy="Correct the path.", path=path)
    if name in sys.stdlib_module_names or name in _IN_USE:
        # It has to be known by its name while it is imported, and whoever needs the other would get this one.
        raise InvalidConfig(
            f"{where} has the name of the module {name!r}, which is another's.",
            remedy="Rename the file, or name it as a module of its package: package.module:Class.",
            path=path,
        )
    spec = spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    before = sys.modules.get(name)
    sys.modules[name] = module  # dataclasses and Pydantic look their own module up
    sys.path.insert(0, os.path.dirname(path))
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        if before is None:
            del sys.modules[name]
        else:
            sys.modules[name] = before
        raise _failed(where, error) from error
    finally:
        sys.path.remove(os.path.dirname(path))
    return module


def _module(where: str, folder: str) -> ModuleType:
    from importlib import import_module

    path = os.path.abspath(folder)
    sys.path.insert(0, path)
    try:
        return import_module(where)
    except ModuleNotFoundError as error:
        if error.name is None or not (where == error.name or where.startswith(error.name + ".")):
            raise _failed(where, error) from error
        raise InvalidConfig(
            f"There is no module {where!r} to take a model from.",
            remedy=f"It was looked for in {folder} and where Python looks. A file is named with .py: {where.replace('.', '/')}.py:Class.",
            module=where,
        ) from error
    except Exception as error:
        raise _failed(where, error) from error
    finally:
        sys.path.remove(path)


def _failed(where: str, error: Exception) -> InvalidConfig:
    return InvalidConfig(
        f"Importing {where} failed: {type(error).__name__}: {error}.", remedy="Correct the module, then try again."
    )
