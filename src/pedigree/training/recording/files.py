"""The files of signals, as docs/formats/signals.md describes them: the one module that names, writes and reads them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from itertools import chain
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from pedigree.errors import InvalidInput, NewerFormat, NotFound
from pedigree.training import durable

FORMAT, VERSION = "pedigree signals", 1
NAME = "signals.safetensors"
_DTYPES = {"F64": np.float64, "F32": np.float32, "I32": np.int32, "U8": np.uint8}
_NAMES = {np.dtype(kind): name for name, kind in _DTYPES.items()}


def name_of(rank: int, ranks: int) -> str:
    """The file of one rank; of a training of one process, or merged, `signals.safetensors`."""
    return NAME if ranks == 1 else f"signals-{rank:04d}-of-{ranks:04d}.safetensors"


def write(path: str, head: Mapping[str, str], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Put the file there, whole or not at all; when it returns, it is on the disk. The same arguments give the same bytes."""
    # Widest elements first, so that each array starts at a multiple of its element's size.
    names = sorted(arrays, key=lambda name: (-arrays[name].itemsize, name))
    table: dict[str, Any] = {"__metadata__": {"format": FORMAT, "version": str(VERSION), **head}}
    start = 0
    for name in names:
        array = arrays[name]
        end = start + array.nbytes
        table[name] = {"dtype": _NAMES[array.dtype], "shape": list(array.shape), "data_offsets": [start, end]}
        start = end
    text = json.dumps(table, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    # Views of the bytes: no second copy of what may be gigabytes.
    little = (np.ascontiguousarray(arrays[name], dtype=arrays[name].dtype.newbyteorder("<")) for name in names)
    head_bytes = len(text).to_bytes(8, "little") + text
    durable.put(path, chain([head_bytes], (array.reshape(-1).view(np.uint8).data for array in little)), "The signals")


def read(path: str) -> tuple[dict[str, str], dict[str, NDArray[Any]]]:
    """Head and arrays of a file. Raises NotFound, NewerFormat, and InvalidInput for what is no such file or was cut short."""
    try:
        with open(path, "rb") as file:
            return _parsed(file, path)
    except FileNotFoundError:
        raise NotFound(f"There are no signals at {path}.", remedy="Recorder.save writes them.") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidInput(
            f"{path} is no file of signals: {error}.", remedy="Give what Recorder.save wrote, whole."
        ) from error


def _parsed(file: BinaryIO, path: str) -> tuple[dict[str, str], dict[str, NDArray[Any]]]:
    size = os.fstat(file.fileno()).st_size
    length = int.from_bytes(file.read(8), "little")
    if length > size - 8:
        raise ValueError("it is cut short, or of another kind")
    table = json.loads(file.read(length))
    head = table.pop("__metadata__")
    if head["format"] != FORMAT:
        raise ValueError(f"its format is {head['format']!r}")
    if head["version"] != str(VERSION):
        raise NewerFormat(
            f"The signals {path} have format version {head['version']}; this Pedigree reads version {VERSION}.",
            remedy="Read them with the version of Pedigree that wrote them.",
        )
    arrays = {}
    for name, one in table.items():
        file.seek(8 + length + one["data_offsets"][0])
        kind = np.dtype(_DTYPES[one["dtype"]]).newbyteorder("<")
        count = int(np.prod(one["shape"], dtype=np.int64))
        arrays[name] = np.fromfile(file, kind, count).reshape(one["shape"]).astype(kind.newbyteorder("="))
    return head, arrays
