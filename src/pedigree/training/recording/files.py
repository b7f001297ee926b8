"""The files of signals, as docs/formats/signals.md describes them: the one module that names, writes and reads them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from pedigree.errors import DiskFull, InvalidInput, NewerFormat, NotFound, StorageFailure

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
    folder, name = os.path.split(path)
    temporary = os.path.join(folder, f".writing-{os.getpid()}-{name}")
    try:
        os.makedirs(folder or ".", exist_ok=True)
        with open(temporary, "wb") as file:
            file.write(len(text).to_bytes(8, "little") + text)
            for name in names:
                # A view of the bytes: no second copy of what may be gigabytes.
                file.write(np.ascontiguousarray(arrays[name], dtype=arrays[name].dtype.newbyteorder("<")).data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        descriptor = os.open(folder or ".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise _failure(error, path, temporary) from error


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


def _failure(error: OSError, path: str, temporary: str) -> StorageFailure:
    import contextlib
    import errno

    with contextlib.suppress(OSError):
        os.remove(temporary)
    full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    reason = os.strerror(error.errno) if error.errno else str(error)
    return (DiskFull if full else StorageFailure)(
        f"The signals could not be written to {path}: {reason}. What was there is as it was.",
        remedy="Free some space, then save again." if full else "Check the permissions of the folder and the disk.",
        path=path,
    )
