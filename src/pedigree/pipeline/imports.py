"""The static closure of a Python file's local imports: every file of the project that importing it may load.

Read from the syntax, so nothing is run: `import`, `from ... import` at any depth of the file, relative ones, packages
with their `__init__`, and `importlib.import_module` or `__import__` of a literal. What a program puts together at run
time is not seen; it belongs in `code.include`.
"""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Callable, Iterable
from importlib.machinery import EXTENSION_SUFFIXES
from typing import NamedTuple

#: Of modules, in the order in which Python looks for them: a compiled extension hides a source file.
_SUFFIXES = (*EXTENSION_SUFFIXES, ".py")


class Wanted(NamedTuple):
    """One import as written: `level` dots, a dotted module, and the names taken from it (for `from`)."""

    level: int
    module: str
    names: tuple[str, ...]


def wanted(source: bytes | str) -> list[Wanted]:
    """The imports in a program text; none when it is not Python that this interpreter can parse."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    found: dict[Wanted, None] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                found[Wanted(0, alias.name, ())] = None
        elif isinstance(node, ast.ImportFrom):
            found[Wanted(node.level, node.module or "", tuple(alias.name for alias in node.names))] = None
        elif isinstance(node, ast.Call):
            name = _imported_by_call(node)
            if name:
                found[name] = None
        elif isinstance(node, ast.Assign):
            found.update(dict.fromkeys(_all(node)))
    return list(found)


def _imported_by_call(node: ast.Call) -> Wanted | None:
    called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if called not in ("import_module", "__import__") or not node.args:
        return None
    first = node.args[0]
    if not isinstance(first, ast.Constant) or not isinstance(first.value, str):
        return None
    module = first.value.lstrip(".")
    return Wanted(len(first.value) - len(module), module, ())


def _all(node: ast.Assign) -> list[Wanted]:
    """`__all__ = ["part"]` in a package makes `from package import *` load the module `part`."""
    if not any(isinstance(target, ast.Name) and target.id == "__all__" for target in node.targets):
        return []
    values = node.value.elts if isinstance(node.value, (ast.List, ast.Tuple)) else []
    names = tuple(value.value for value in values if isinstance(value, ast.Constant) and isinstance(value.value, str))
    return [Wanted(1, "", names)] if names else []


class Closure:
    """Collects files. `read` gives the imports of a file, `roots` are the folders that imports are looked up in.

    `installed` are looked up last and never for a module of the standard library, as Python does with the folders of
    editable installations.

    `files` are the files found, in order; `looked_in` every folder whose listing decided something, so that whoever
    remembers the answer knows when to ask again.
    """

    def __init__(
        self, roots: Iterable[str], read: Callable[[str], list[Wanted]], *, installed: Iterable[str] = ()
    ) -> None:
        self.roots = list(dict.fromkeys((*roots, *installed)))
        self._installed = frozenset(installed)
        self.files: dict[str, None] = {}
        self.looked_in: dict[str, None] = {}
        self._read = read
        self._listings: dict[str, frozenset[str]] = {}

    def add_script(self, path: str) -> None:
        """A file that is run: what it imports is looked for beside it first."""
        self._add(path, os.path.dirname(path))

    def add_module(self, name: str, *, run: bool = False) -> bool:
        """A module by dotted name; with `run` as `python -m` does. False when no root has it."""
        found = self._module(name, self.roots)
        if found is None:
            return False
        self._add_found(found, None)
        if run and found and os.path.basename(found[-1]) == "__init__.py":
            main = os.path.join(os.path.dirname(found[-1]), "__main__.py")
            if self._has(main):
                self._add(main, None)
        return True

    def add_text(self, source: str, beside: str | None = None) -> None:
        """A program that is not in a file."""
        self._follow(wanted(source), beside, None)

    def _add(self, path: str, beside: str | None) -> None:
        # A stack, not recursion: a chain of imports may be longer than Python's stack.
        waiting = [path]
        while waiting:
            path = waiting.pop()
            if path in self.files:
                continue
            self.files[path] = None
            if path.endswith(".py"):
                waiting += self._targets(self._read(path), beside, path)

    def _add_found(self, found: list[str], beside: str | None) -> None:
        for path in found:
            self._add(path, beside)

    def _follow(self, imports: list[Wanted], beside: str | None, path: str | None) -> None:
        self._add_found(self._targets(imports, beside, path), beside)

    def _targets(self, imports: list[Wanted], beside: str | None, path: str | None) -> list[str]:
        found: list[str] = []
        for item in imports:
            if item.level and path is not None:
                folder = os.path.dirname(path)
                for _ in range(item.level - 1):
                    folder = os.path.dirname(folder)
                places = [folder]
            else:
                places = self.roots if beside is None else [beside, *self.roots]
            if item.module:
                module = self._module(item.module, places)
                if module is None:
                    continue
                found += module
            for name in item.names:
                part = self._module(f"{item.module}.{name}" if item.module else name, places)
                if part is not None:
                    found += part
        return found

    def _module(self, name: str, places: list[str]) -> list[str] | None:
        """Files that `import name` loads, outermost package first; None when it is not in `places`."""
        parts = name.split(".")
        if parts[0] in sys.builtin_module_names:
            return None
        namespace: list[str] = []
        for place in places:
            if place in self._installed and parts[0] in sys.stdlib_module_names:
                continue
            kind = self._kind(place, parts[0])
            if kind == "namespace":
                # A plain folder counts only when no later place has a real module of that name.
                namespace.append(place)
            elif kind:
                return self._descend(place, parts)
        for place in namespace:
            found = self._descend(place, parts)
            if found:
                return found
        return [] if namespace else None  # a folder without files of its own

    def _descend(self, folder: str, parts: list[str]) -> list[str]:
        found: list[str] = []
        for part in parts:
            kind = self._kind(folder, part)
            if kind == "package":
                found.append(f"{folder}/{part}/__init__.py")
            elif kind.startswith("."):
                found.append(f"{folder}/{part}{kind}")
                break
            elif kind != "namespace":
                break
            folder = f"{folder}/{part}"
        return found

    def _kind(self, folder: str, part: str) -> str:
        """What `part` is in the folder, as Python decides it: a package, a module by its suffix, a namespace, nothing."""
        listing = self._listing(folder)
        is_folder = part in listing and os.path.isdir(f"{folder}/{part}")
        if is_folder and "__init__.py" in self._listing(f"{folder}/{part}"):
            return "package"
        for suffix in _SUFFIXES:
            if part + suffix in listing:
                return suffix
        return "namespace" if is_folder else ""

    def _has(self, path: str) -> bool:
        return os.path.basename(path) in self._listing(os.path.dirname(path))

    def _listing(self, folder: str) -> frozenset[str]:
        found = self._listings.get(folder)
        if found is None:
            self.looked_in[folder] = None
            try:
                found = frozenset(os.listdir(folder))
            except OSError:
                found = frozenset()
            self._listings[folder] = found
        return found
