"""Configuration: composed from files and overrides as Hydra composes, typed, frozen, and able to say where every value came from.

`from pedigree import config` is all that a script needs. The names are loaded on first use, so that it costs nothing.
"""

# Spelt out: `import typing` costs as much as starting Python. Type checkers know the name.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from pedigree.config.composed import Composed as Composed
    from pedigree.config.composing import Sources as Sources
    from pedigree.config.composing import compose as compose
    from pedigree.config.entry.main import main as main

_HOMES = {
    "Composed": "composed",
    "Sources": "composing",
    "compose": "composing",
    "main": "entry.main",
}

__all__ = [*_HOMES]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'pedigree.config' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"pedigree.config.{home}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
