"""Overrides that are not typed: from files and from the environment, one a line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pedigree.errors import InvalidConfig

VARIABLE = "PEDIGREE_OVERRIDES"


def gathered(files: Iterable[str], environment: Mapping[str, str], typed: Iterable[str]) -> list[str]:
    """All overrides, the weakest first: those of files, of PEDIGREE_OVERRIDES, those typed.

    Empty lines and lines that begin with `#` say nothing. Raises InvalidConfig for a file that cannot be read.
    """
    found: list[str] = []
    for file in files:
        found += from_file(file)
    found += _lines(environment.get(VARIABLE, ""))
    found += typed
    return found


def from_file(path: str) -> list[str]:
    """The overrides in a file, one a line. Raises InvalidConfig where it cannot be read as UTF-8 text."""
    try:
        with open(path, encoding="utf-8") as file:
            return _lines(file.read())
    except OSError as error:
        raise InvalidConfig(
            f"The file of overrides {path} cannot be read: {error.strerror}.",
            remedy="Name a file with one override a line.",
        ) from error
    except UnicodeDecodeError as error:
        raise InvalidConfig(f"The file of overrides {path} is not UTF-8.", remedy="Save it as UTF-8.") from error


def _lines(text: str) -> list[str]:
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]
