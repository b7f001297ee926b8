"""What a kept fold depends on, as one digest: data, folds, seed, and the model with all that its making reads."""

from __future__ import annotations

import dis
import enum
import functools
import os
import sys
import sysconfig
import types
from collections.abc import Mapping
from typing import Any

import numpy as np

from pedigree import canonical
from pedigree.errors import InvalidInput

_INSTALLED = tuple(
    os.path.join(path, "")
    for key in ("stdlib", "platstdlib", "purelib", "platlib")
    if (path := sysconfig.get_path(key))
)


def fingerprint(value: Any, *, strict: bool) -> str:
    """A digest that is equal for equal values of whatever makes, trains or is learnt from.

    Arrays by their bytes; estimators by class and parameters; modules by class, form and weights; functions by their code, defaults,
    closures, and the globals that they read, through functions and classes of the user's own; what is installed by its name and version.
    Raises InvalidInput for what has no such form, or with `strict=False` takes its class alone.
    """
    return canonical.digest_of("pedigree.fingerprint/1", _Forms(strict).form(value))


class _Forms:
    def __init__(self, strict: bool) -> None:
        self.strict = strict
        #: The depth of each value that is being looked at: a function may read itself.
        self.open: dict[int, int] = {}
        #: What was found of functions and classes, each a digest. Keyed by identity, so the values are kept.
        self.found: dict[int, tuple[Any, str]] = {}

    def form(self, value: Any) -> Any:
        if value is None or isinstance(value, (bool, str)):
            return value if type(value) in (type(None), bool, str) else [type(value).__qualname__, str(value)]
        if isinstance(value, enum.Enum):
            return ["enum", type(value).__qualname__, value.name]
        if isinstance(value, (int, float, complex, np.generic)):
            return ["number", type(value).__name__, repr(value)]
        if isinstance(value, bytes):
            return ["bytes", canonical.digest(value)]
        if id(value) in self.open:
            return ["above", self.open[id(value)]]
        if id(value) in self.found:
            return self.found[id(value)][1]
        self.open[id(value)] = len(self.open)
        try:
            found = self._of(value)
        finally:
            del self.open[id(value)]
        if isinstance(value, (types.FunctionType, type)):
            found = canonical.digest(canonical.encode(found))
            self.found[id(value)] = value, found
        return found

    def _of(self, value: Any) -> Any:
        array = _array(value)
        if array is not None:
            if array.dtype == object:
                return ["objects", list(array.shape), [self.form(one) for one in array.ravel().tolist()]]
            return [
                "array",
                str(array.dtype),
                list(array.shape),
                canonical.digest(np.ascontiguousarray(array).tobytes()),
            ]
        if isinstance(value, (list, tuple)):
            return [type(value).__name__, [self.form(one) for one in value]]
        if isinstance(value, (set, frozenset)):
            return ["set", sorted(canonical.encode(self.form(one)).decode() for one in value)]
        if isinstance(value, Mapping):
            return ["mapping", [[self.form(key), self.form(one)] for key, one in value.items()]]
        if isinstance(value, functools.partial):
            return ["partial", self.form(value.func), self.form(value.args), self.form(value.keywords)]
        if isinstance(value, types.FunctionType):
            return self._function(value)
        if isinstance(value, types.MethodType):
            return ["method", self.form(value.__func__), self.form(value.__self__)]
        if isinstance(value, types.CodeType):
            return self._code(value)
        if isinstance(value, type):
            return self._class(value)
        if isinstance(value, types.ModuleType):
            return ["module", value.__name__, _version(value.__name__)]
        if isinstance(value, (types.BuiltinFunctionType, np.ufunc, types.MethodDescriptorType)):
            return [
                "built in",
                getattr(value, "__module__", None) or "",
                getattr(value, "__qualname__", value.__name__),
            ]
        return self._instance(value)

    def _instance(self, value: Any) -> Any:
        kind = self.form(type(value))
        if isinstance(value, os.PathLike):
            return ["path", os.fspath(value)]
        if callable(getattr(value, "get_params", None)):
            return ["estimator", kind, self.form(value.get_params(deep=False))]
        if callable(getattr(value, "state_dict", None)) and callable(getattr(value, "named_modules", None)):
            return ["module", kind, repr(value), self.form(dict(value.state_dict()))]
        if isinstance(value, np.random.Generator):
            return ["generator", self.form(value.bit_generator.state)]
        if isinstance(value, np.random.RandomState):
            return ["generator", self.form(value.get_state(legacy=False))]
        if str(type(value).__module__) == "torch" and type(value).__name__ in ("dtype", "device"):
            return ["torch", str(value)]
        if hasattr(value, "columns") and hasattr(value, "iloc"):
            return ["table", [[str(name), self.form(value[name])] for name in value.columns]]
        if hasattr(value, "indptr") and hasattr(value, "indices"):
            return [
                "sparse",
                type(value).__name__,
                list(value.shape),
                *map(self.form, (value.data, value.indices, value.indptr)),
            ]
        if hasattr(value, "__dict__") and all(_in_python(one) for one in type(value).__mro__[:-1]):
            return ["instance", kind, self.form(vars(value))]
        if self.strict:
            raise InvalidInput(
                f"Whether the model has changed cannot be told: it depends on a {type(value).__module__}.{type(value).__qualname__}.",
                remedy="Say `configuration=` with the numbers and texts that it depends on; kept folds then belong to these.",
            )
        return ["unknown", kind]

    def _function(self, value: types.FunctionType) -> Any:
        if _installed(value.__module__, value.__code__.co_filename):
            return ["installed", value.__module__, value.__qualname__, _version(value.__module__)]
        cells = [self._cell(cell) for cell in value.__closure__ or ()]
        defaults = [self.form(value.__defaults__), self.form(value.__kwdefaults__)]
        return [
            "function",
            self.form(value.__code__),
            defaults,
            cells,
            self._globals(value.__code__, value.__globals__),
        ]

    def _cell(self, cell: types.CellType) -> Any:
        try:
            content = cell.cell_contents
        except ValueError:  # it is empty yet
            return ["empty"]
        return self.form(content)

    def _code(self, code: types.CodeType) -> Any:
        # Not the lines, nor the file: a comment above it changes nothing.
        constants = [self.form(one) for one in code.co_consts]
        return [
            "code",
            code.co_code.hex(),
            constants,
            list(code.co_names),
            list(code.co_varnames),
            list(code.co_freevars),
        ]

    def _globals(self, code: types.CodeType, names: Mapping[str, Any]) -> Any:
        read = {one.argval for one in dis.get_instructions(code) if one.opname in ("LOAD_GLOBAL", "LOAD_NAME")}
        found = [[name, self.form(names[name])] for name in sorted(read) if name in names]
        inner = [self._globals(one, names) for one in code.co_consts if isinstance(one, types.CodeType)]
        return [found, inner]

    def _class(self, value: type) -> Any:
        file = getattr(sys.modules.get(value.__module__), "__file__", None)
        if value.__module__ == "builtins" or _installed(value.__module__, file or ""):
            return ["installed", value.__module__, value.__qualname__, _version(value.__module__)]
        members = {
            name: getattr(one, "__func__", one)
            for name, one in vars(value).items()
            if name
            not in (
                "__dict__",
                "__weakref__",
                "__module__",
                "__doc__",
                "__annotations__",
                "__firstlineno__",
                "__static_attributes__",
            )
        }
        plain = {name: one.fget if isinstance(one, property) else one for name, one in members.items()}
        kept = {
            name: one
            for name, one in plain.items()
            if isinstance(one, (types.FunctionType, int, float, str, tuple, type(None)))
        }
        return ["class", value.__qualname__, [self.form(base) for base in value.__bases__], self.form(kept)]


def _array(value: Any) -> np.ndarray[Any, Any] | None:
    if isinstance(value, np.ndarray):
        return value
    if type(value).__module__.startswith("torch") and hasattr(value, "detach"):
        import torch

        value = value.detach().cpu()
        return np.asarray((value.view(torch.int16) if value.dtype == torch.bfloat16 else value).numpy())
    if type(value).__module__.startswith("pandas") and hasattr(value, "to_numpy") and not hasattr(value, "columns"):
        return np.asarray(value.to_numpy())
    return None


def _installed(module: str | None, file: str) -> bool:
    return (module or "").partition(".")[0] in sys.stdlib_module_names - {"__main__"} or file.startswith(_INSTALLED)


def _in_python(kind: type) -> bool:
    """Whether a class was written in Python, so that its instances have no state but their attributes."""
    module = sys.modules.get(kind.__module__)
    return kind.__module__ == "__main__" or str(getattr(module, "__file__", "")).endswith(".py")


def _version(module: str) -> str:
    return str(getattr(sys.modules.get(module.partition(".")[0]), "__version__", ""))
