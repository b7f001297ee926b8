"""What a kept fold depends on, as one digest: data, folds, seed, and the model with all that its making reads."""

from __future__ import annotations

import dis
import enum
import functools
import importlib
import logging
import os
import sys
import types
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from pedigree import canonical
from pedigree.errors import InvalidInput
from pedigree.training.crossvalidation.sources import codes, imports, installed, sources, version

#: What a class has beside what its author wrote in it, or wrote for readers.
_NOT_MEMBERS = {
    "__dict__",
    "__weakref__",
    "__module__",
    "__doc__",
    "__annotations__",
    "__annotate__",
    "__annotate_func__",
    "__annotations_cache__",
    "__firstlineno__",
    "__static_attributes__",
    "__dataclass_fields__",
    "__dataclass_params__",
    "__orig_bases__",
    "__parameters__",
    "_abc_impl",
}
_BUILT_IN = (
    types.BuiltinFunctionType,
    np.ufunc,
    types.MethodDescriptorType,
    types.WrapperDescriptorType,
    types.ClassMethodDescriptorType,
    types.GetSetDescriptorType,
    types.MemberDescriptorType,
)
#: Functions that are called around a torch module's own.
_HOOKS = ("_forward_hooks", "_forward_pre_hooks")


def fingerprint(value: Any, *, strict: bool) -> str:
    """A digest that is equal for equal values of whatever makes, trains or is learnt from.

    Arrays by their bytes; estimators by class and parameters; modules by class, form and weights; functions by their code, defaults,
    closures, and the globals that they read, through functions and classes of the user's own; modules of the user's own by their files
    and those of all that they import; what is installed by its name and version. What a function imports is imported for it.
    Raises InvalidInput for what has no such form, or with `strict=False` takes its class alone.
    """
    return canonical.digest_of("pedigree.fingerprint/1", _Forms(strict).form(value))


class _Forms:
    def __init__(self, strict: bool) -> None:
        self.strict = strict
        #: The depth of each value that is being looked at: a function may read itself.
        self.open: dict[int, int] = {}
        #: What was found of functions and classes, each a digest. Keyed by identity, so the values are kept.
        self.found: dict[tuple[int, bool], tuple[Any, str]] = {}

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
        known = id(value), self.strict
        if known in self.found:
            return self.found[known][1]
        self.open[id(value)] = len(self.open)
        try:
            found = self._of(value)
        finally:
            del self.open[id(value)]
        if isinstance(value, (types.FunctionType, type)):
            found = canonical.digest(canonical.encode(found))
            self.found[known] = value, found
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
        if isinstance(value, (weakref.WeakKeyDictionary, weakref.WeakValueDictionary)):
            return ["cache"]  # what is kept weakly can be had again
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
            return self._module(value)
        if isinstance(value, (staticmethod, classmethod)):
            return [type(value).__name__, self.form(value.__func__)]
        if isinstance(value, property):
            return ["property", *map(self.form, (value.fget, value.fset, value.fdel))]
        if isinstance(value, functools.cached_property):  # beside the function it has a lock
            return ["property", self.form(value.func)]
        if isinstance(value, _BUILT_IN):
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
            return ["torch module", kind, repr(value), self.form(dict(value.state_dict())), self._plain(value)]
        if isinstance(value, logging.Logger):
            return ["logger", value.name]
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
        return self._unknown(kind, f"{type(value).__module__}.{type(value).__qualname__}")

    def _unknown(self, kind: Any, name: str) -> Any:
        if self.strict:
            raise InvalidInput(
                f"Whether the model has changed cannot be told: it depends on a {name}.",
                remedy="Say `configuration=` with the numbers and texts that it depends on; kept folds then belong to these.",
            )
        return ["unknown", kind]

    @contextmanager
    def _lenient(self, lenient: bool = True) -> Iterator[None]:
        was, self.strict = self.strict, self.strict and not lenient
        try:
            yield
        finally:
            self.strict = was

    def _plain(self, value: Any) -> Any:
        """Of each part of a torch module what is neither a parameter nor a part: plain attributes, buffers that no file has, hooks."""
        found = []
        for name, part in value.named_modules():
            own = {key: one for key, one in vars(part).items() if key not in ("_parameters", "_modules")}
            own = {key: one for key, one in own.items() if "hook" not in key and not key.startswith("_flat_weight")}
            hooks = [list(vars(part).get(key, {}).values()) for key in _HOOKS]
            # torch's own parts may hold what has no form, and are told by their version.
            with self._lenient(type(part).__module__.startswith("torch.")):
                found.append([name, self.form(type(part)), self.form(own)])
            found.append(self.form(hooks))
        return found

    def _function(self, value: types.FunctionType) -> Any:
        if installed(value.__module__, value.__code__.co_filename):
            of = ["installed", value.__module__, value.__qualname__, version(value.__module__)]
            return of + self._wrapped(value)
        cells = [self._cell(cell) for cell in value.__closure__ or ()]
        defaults = [self.form(value.__defaults__), self.form(value.__kwdefaults__)]
        return [
            "function",
            self.form(value.__code__),
            defaults,
            cells,
            self._globals(value.__code__, value.__globals__),
        ]

    def _wrapped(self, value: types.FunctionType) -> list[Any]:
        """What an installed decorator, such as torch.no_grad, holds of the user's own, and with what."""
        held = [value.__wrapped__] if hasattr(value, "__wrapped__") else []
        held += [cell.cell_contents for cell in value.__closure__ or () if cell != types.CellType()]
        if not any(_own(one) for one in held):
            return []
        found = [self.form(one) for one in held if _own(one)]
        with self._lenient():
            return [found, [self.form(one) for one in held if not _own(one)]]

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
        attributes = sorted({name for one in codes(code) for name in one.co_names})
        found = [[name, self._read(names[name], attributes)] for name in sorted(read) if name in names]
        brought = [
            [module, self._imported(module, taken, attributes)]
            for module, taken in imports(code, names.get("__package__"))
        ]
        inner = [self._globals(one, names) for one in code.co_consts if isinstance(one, types.CodeType)]
        return [found, brought, inner]

    def _read(self, value: Any, attributes: list[str]) -> Any:
        """A value that code reads; of the user's own modules also the attributes of these names, as they are now."""
        form = self.form(value)
        if not isinstance(value, types.ModuleType) or not _own(value) or id(value) in self.open:
            return form
        self.open[id(value)] = len(self.open)
        try:
            held = vars(value)
            return [form, [[name, self._read(held[name], attributes)] for name in attributes if name in held]]
        finally:
            del self.open[id(value)]

    def _imported(self, name: str, taken: tuple[str, ...], attributes: list[str]) -> Any:
        if installed(name, "") or name.partition(".")[0] == "pedigree":
            return []
        try:
            module = importlib.import_module(name)
            for part in taken:
                if not hasattr(module, part):
                    importlib.import_module(f"{name}.{part}")
        except Exception as error:
            return ["absent", type(error).__name__]  # the function may know what to do then
        if not _own(module):
            return ["installed", version(name)]
        above = sys.modules[name.partition(".")[0]]
        return [self._read(one, attributes) for one in (above, module, *(getattr(module, part) for part in taken))]

    def _module(self, value: types.ModuleType) -> Any:
        if not _own(value):
            return ["module", value.__name__, version(value.__name__)]
        found = sources(value.__name__)
        if value.__name__ not in (name for name, _ in found):
            return self._unknown(value.__name__, f"module without a file, {value.__name__}")
        return ["module", value.__name__, found]

    def _class(self, value: type) -> Any:
        if not _own(value):
            return ["installed", value.__module__, value.__qualname__, version(value.__module__)]
        members = {name: one for name, one in vars(value).items() if name not in _NOT_MEMBERS}
        return ["class", value.__qualname__, [self.form(base) for base in value.__bases__], self.form(members)]


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


def _own(value: Any) -> bool:
    """Whether a function, class or module is the user's own, or wraps one that is."""
    if isinstance(value, types.MethodType):
        return _own(value.__func__)
    if isinstance(value, functools.partial):
        return _own(value.func)
    if isinstance(value, types.FunctionType):
        if not installed(value.__module__, value.__code__.co_filename):
            return True
        return hasattr(value, "__wrapped__") and _own(value.__wrapped__)
    if isinstance(value, types.ModuleType):
        file = getattr(value, "__file__", None) or ""
        return not installed(value.__name__, file) and value.__name__.partition(".")[0] != "pedigree"
    if isinstance(value, type):
        file = getattr(sys.modules.get(value.__module__), "__file__", None) or ""
        return value.__module__ != "builtins" and not installed(value.__module__, file)
    return False


def _in_python(kind: type) -> bool:
    """Whether a class was written in Python, so that its instances have no state but their attributes."""
    module = sys.modules.get(kind.__module__)
    return kind.__module__ == "__main__" or str(getattr(module, "__file__", "")).endswith(".py")
