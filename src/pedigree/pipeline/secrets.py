"""Secrets: values that a step is given and that are written nowhere.

A secret NAME with KEY is the file `.pedigree/secrets/NAME/KEY` (without a key `.pedigree/secrets/NAME`), or the variable
PEDIGREE_SECRET_NAME_KEY of the process that runs the pipeline: upper case, everything but letters and digits as `_`.
One line break at the end of a file does not count.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable
from pathlib import Path

from pedigree.errors import InvalidInput, NotFound
from pedigree.pipeline.model import Secret
from pedigree.pipeline.view import Mount


class SecretNotFound(NotFound):
    """A secret that a pipeline names and nobody provides."""


class Secrets:
    """The secrets of one pipeline, read once. No value shows in its repr.

    `variables` are for the step; `mounts` are files for it; `values` maps names to values, for blotting out of logs.
    """

    def __init__(self, wanted: Iterable[Secret], folder: Path) -> None:
        """`folder` is `.pedigree/secrets`. Raises SecretNotFound, or InvalidInput where others could read a file."""
        self.variables: dict[str, str] = {}
        self.mounts: list[Mount] = []
        self.values: dict[str, str] = {}
        for item in wanted:
            name = f"{item.name}/{item.key}" if item.key else item.name
            path = folder / name
            if item.mount_path:
                if not path.exists():
                    raise _missing(name, path, "A secret with mount_path must be a file or a folder of files.")
                for file in [path] if path.is_file() else [file for file in path.iterdir() if file.is_file()]:
                    self.values[f"{item.name}/{file.name}"] = _read(file)
                target = item.mount_path if not item.key else f"{item.mount_path.rstrip('/')}/{item.key}"
                self.mounts.append(Mount(str(path), target))
            if item.env_var:
                value = _read(path) if path.is_file() else os.environ.get(variable(item))
                if value is None:
                    raise _missing(name, path, f"Or set the variable {variable(item)}.")
                self.values[name] = self.variables[item.env_var] = value

    def __repr__(self) -> str:
        return f"Secrets({', '.join(sorted(self.values))})"


def variable(secret: Secret) -> str:
    """The variable that may hold the secret."""
    text = f"{secret.name}_{secret.key}" if secret.key else secret.name
    return "PEDIGREE_SECRET_" + re.sub(r"[^A-Z0-9]", "_", text.upper())


def _read(path: Path) -> str:
    with open(path, encoding="utf-8") as file:
        mode = os.fstat(file.fileno()).st_mode
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise InvalidInput(
                f"The secret {path} can be used by other users of this machine (mode {stat.S_IMODE(mode):04o}).",
                remedy=f"Keep it to yourself: chmod 600 {path}",
            )
        return file.read().removesuffix("\n")


def _missing(name: str, path: Path, more: str) -> SecretNotFound:
    return SecretNotFound(
        f"The pipeline needs the secret {name}, which is not there.",
        remedy=f"Write it to {path} (chmod 600). {more}",
        name=name,
    )
