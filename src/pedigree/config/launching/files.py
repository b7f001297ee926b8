"""Small JSON files that are there whole or not at all, whoever is killed."""

from __future__ import annotations

import json
import os
from typing import Any


def write(path: str, value: Any, *, durable: bool = True) -> None:
    """Put `value` under this name in one move. `durable`: it also outlasts a power cut."""
    part = f"{path}.{os.getpid()}.part"
    with open(part, "w", encoding="utf-8") as file:
        json.dump(value, file, indent=1, ensure_ascii=False, allow_nan=False)
        file.write("\n")
        if durable:
            file.flush()
            os.fsync(file.fileno())
    os.replace(part, path)
    if durable:
        sync_folder(os.path.dirname(path) or ".")


def read(path: str) -> Any:
    """The value, or None where there is no such file."""
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except FileNotFoundError:
        return None


def sync_folder(path: str) -> None:
    """The names in the folder outlast a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
