"""Pedigree: every result names, and can rebuild bit for bit, everything that made it.

The public names are loaded on first use, so that `import pedigree` and `pedigree --help` stay as fast as
Python itself.
"""

# Spelt out: `import typing` alone would double the cost of `pedigree --help`. Type checkers know the name.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from pedigree.errors import PedigreeError as PedigreeError
    from pedigree.store import Store as Store
    from pedigree.store import init as init
    from pedigree.store import open as open  # noqa: A004 - `pedigree.open` is the public name, as in `gzip.open`

__version__ = "0.1.0"
__all__ = ["PedigreeError", "Store", "__version__", "init", "open"]


def __getattr__(name: str) -> object:
    if name == "PedigreeError":
        from pedigree import errors

        return errors.PedigreeError
    if name in {"Store", "init", "open"}:
        from pedigree import store

        return getattr(store, name)
    raise AttributeError(f"module 'pedigree' has no attribute {name!r}")
