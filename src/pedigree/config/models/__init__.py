"""Models: the types of a configuration, validating against them, and writing what they hold.

Names are loaded on first use: a script that declares its model pays for no type that is not in it.
"""

from typing import TYPE_CHECKING

from pedigree import lazy

if TYPE_CHECKING:
    from pedigree.config.models.base import Config as Config
    from pedigree.config.models.dtypes import NumpyDtype as NumpyDtype
    from pedigree.config.models.dtypes import TorchDtype as TorchDtype
    from pedigree.config.models.keys import has_key as has_key
    from pedigree.config.models.mismatch import Mismatch as Mismatch
    from pedigree.config.models.problem import Problem as Problem
    from pedigree.config.models.readings import MASK as MASK
    from pedigree.config.models.redaction import redact as redact
    from pedigree.config.models.secrets import Secret as Secret
    from pedigree.config.models.sizes import Bytes as Bytes
    from pedigree.config.models.sizes import format_bytes as format_bytes
    from pedigree.config.models.sizes import parse_bytes as parse_bytes
    from pedigree.config.models.validation import Validated as Validated
    from pedigree.config.models.validation import dump as dump
    from pedigree.config.models.validation import validate as validate

_HOMES = {
    "Bytes": "sizes",
    "Config": "base",
    "dump": "validation",
    "format_bytes": "sizes",
    "has_key": "keys",
    "MASK": "readings",
    "Mismatch": "mismatch",
    "NumpyDtype": "dtypes",
    "parse_bytes": "sizes",
    "Problem": "problem",
    "redact": "redaction",
    "Secret": "secrets",
    "TorchDtype": "dtypes",
    "validate": "validation",
    "Validated": "validation",
}

__all__ = [*_HOMES]

__getattr__, __dir__ = lazy.names(__name__, _HOMES)
