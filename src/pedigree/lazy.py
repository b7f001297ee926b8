"""Names of a package that are loaded on first use, so that importing the package costs nothing.

__getattr__, __dir__ = lazy.names(__name__, {"freeze": "frozen.freezing"})
"""

# Spelt out: `import typing` costs as much as starting Python. Type checkers know the name.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def names(package: str, homes: "Mapping[str, str]") -> "tuple[Callable[[str], object], Callable[[], list[str]]]":
    """The `__getattr__` and `__dir__` of a package whose names live in the modules of `homes`, which are below it.

    A name that was loaded is kept in the package, in place of a module of the same name that loading it has put there.
    """

    def get(name: str) -> object:
        home = homes.get(name)
        if home is None:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        import sys
        from importlib import import_module

        found: object = getattr(import_module(f"{package}.{home}"), name)
        setattr(sys.modules[package], name, found)
        return found

    def listed() -> list[str]:
        import sys

        return sorted({*vars(sys.modules[package]), *homes})

    return get, listed
