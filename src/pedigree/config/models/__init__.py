"""Models: the types of a configuration, validating against them, and writing what they hold."""

from pedigree.config.models.base import Config
from pedigree.config.models.dtypes import NumpyDtype, TorchDtype
from pedigree.config.models.mismatch import Mismatch
from pedigree.config.models.problem import Problem
from pedigree.config.models.readings import MASK
from pedigree.config.models.redaction import redact
from pedigree.config.models.secrets import Secret
from pedigree.config.models.sizes import Bytes, format_bytes, parse_bytes
from pedigree.config.models.validation import Validated, dump, validate

__all__ = [
    "MASK",
    "Bytes",
    "Config",
    "Mismatch",
    "NumpyDtype",
    "Problem",
    "Secret",
    "TorchDtype",
    "Validated",
    "dump",
    "format_bytes",
    "parse_bytes",
    "redact",
    "validate",
]
