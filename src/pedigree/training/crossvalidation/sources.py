"""The files of the user's own modules: what a function calls in them is told by their bytes, as a package's is by its version."""

from __future__ import annotations

import dis
import importlib.util
import os
import sys
import sysconfig
import types
from collections.abc import Iterator
from importlib.machinery import ModuleSpec, PathFinder

from pedigree import canonical

_INSTALLED = tuple(
    os.path.join(path, "")
    for key in ("stdlib", "platstdlib", "purelib", "platlib")
    if (path := sysconfig.get_path(key))
)
#: How the arguments of an import are loaded: the numbers of dots, and the names behind `from ... import`.
_CONSTANTS = ("LOAD_CONST", "LOAD_SMALL_INT")


def installed(module: str | None, file: str) -> bool:
    """Whether the version tells what is in it: the standard library and what stands where packages are installed."""
    return (module or "").partition(".")[0] in sys.stdlib_module_names - {"__main__"} or file.startswith(_INSTALLED)


def version(module: str) -> str:
    return str(getattr(sys.modules.get(module.partition(".")[0]), "__version__", ""))


def codes(code: types.CodeType) -> Iterator[types.CodeType]:
    """A code and all that are written inside it."""
    yield code
    for one in code.co_consts:
        if isinstance(one, types.CodeType):
            yield from codes(one)


def imports(code: types.CodeType, package: str | None) -> Iterator[tuple[str, tuple[str, ...]]]:
    """(full name of a module, names taken from it) for each import in this code, not in those inside it."""
    loaded: list[object] = [0, None]
    for one in dis.get_instructions(code):
        if one.opname in _CONSTANTS:
            loaded = [loaded[-1], one.argval]
        elif one.opname == "IMPORT_NAME":
            dots, taken = loaded
            name = str(one.argval)
            if isinstance(dots, int) and dots:
                try:
                    name = importlib.util.resolve_name("." * dots + name, package or "")
                except ImportError:
                    continue  # it fails when it is run, too
            yield name, taken if isinstance(taken, tuple) else ()


def sources(name: str) -> list[list[str]]:
    """[module, digest of its file] of a module, its packages, and all of the user's own that they import; nothing is run for it."""
    found: dict[str, str] = {}
    open_ = [name]
    while open_:
        one = open_.pop()
        if one in found or not one or one.partition(".")[0] == "pedigree":
            continue
        open_.append(one.rpartition(".")[0])
        file, packages = _place(one)
        if installed(one, file or ""):
            continue
        found[one] = "package" if packages else ""
        if file is None or not os.path.isfile(file):
            continue
        with open(file, "rb") as opened:
            data = opened.read()
        found[one] = canonical.digest(data)
        if file.endswith(".py"):
            own = one if packages else one.rpartition(".")[0]
            for code in codes(compile(data, file, "exec", dont_inherit=True)):
                for base, taken in imports(code, own):
                    open_ += [base, *(f"{base}.{part}" for part in taken)]
    return [[one, digest] for one, digest in sorted(found.items()) if digest]


def _place(name: str) -> tuple[str | None, bool]:
    """The file of a module, and whether it is a package."""
    module, spec = sys.modules.get(name), _spec(name)
    if spec is None:
        return getattr(module, "__file__", None), False
    return (spec.origin if spec.has_location else None), spec.submodule_search_locations is not None


def _spec(name: str) -> ModuleSpec | None:
    loaded: ModuleSpec | None = getattr(sys.modules.get(name), "__spec__", None)
    if loaded is not None:
        return loaded
    parent = name.rpartition(".")[0]
    if not parent:
        return PathFinder.find_spec(name)
    above = _spec(parent)
    if above is None or above.submodule_search_locations is None:
        return None
    return PathFinder.find_spec(name, list(above.submodule_search_locations))
