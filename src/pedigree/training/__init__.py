"""Training that is reproducible by construction, and the means to see whether it was.

`from pedigree import training` is all that a script needs. The names are loaded on first use, so that it costs nothing.
"""

# Spelt out: `import typing` costs as much as starting Python. Type checkers know the name.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from pedigree.training.comparing.comparison import compare as compare
    from pedigree.training.comparing.result import Comparison as Comparison
    from pedigree.training.comparing.ulps import ulp_distance as ulp_distance

_HOMES = {
    "compare": "comparing.comparison",
    "Comparison": "comparing.result",
    "ulp_distance": "comparing.ulps",
}

__all__ = [*_HOMES]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'pedigree.training' has no attribute {name!r}")
    from importlib import import_module

    found = getattr(import_module(f"pedigree.training.{home}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
