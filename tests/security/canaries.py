"""Files that would run code, or take all memory, if anything opened them the way they ask to be opened.

The code touches a canary. The corpus is made here, byte by byte where a library would refuse to write such a thing.
"""

from __future__ import annotations

import io
import json
import pickletools
import struct
import zipfile
import zlib
from pathlib import Path


def pickled(command: str) -> bytes:
    """A pickle that calls os.system(command) when it is loaded, written in pickle's own letters (protocol 0)."""
    data = f"cposix\nsystem\n(V{command}\ntR.".encode()
    assert [item[0].name for item in pickletools.genops(data)][-2:] == ["REDUCE", "STOP"]
    return data


def array(data: bytes, dtype: str = "|O") -> bytes:
    """An .npy file: an object array whose elements are that pickle."""
    head = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': (1,), }}"
    head += " " * (63 - (10 + len(head)) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode() + data


def zipped(members: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


def png(width: int, height: int) -> bytes:
    """A picture of that size, of a few kilobytes: all its pixels are 0."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(bytes(1 << 20)))
        + chunk(b"IEND", b"")
    )


def corpus(canary: Path) -> dict[str, bytes]:
    """File name -> bytes. Any of them that is obeyed makes `canary` exist."""
    touch = f"touch {canary}"
    evil = pickled(touch)
    deep = 100_000
    return {
        "model.pkl": evil,
        "model.joblib": evil,
        "model.pt": zipped({"archive/data.pkl": evil, "archive/version": b"3\n"}),
        "objects.npy": array(evil),
        "objects.npz": zipped({"x.npy": array(evil)}),
        "header.npy": array(b"", f"|S{1 << 40}"),
        "weights.safetensors": struct.pack("<Q", 1 << 60) + b"{}",
        "metadata.safetensors": struct.pack("<Q", 2 + len(touch))
        + json.dumps({"__metadata__": {"format": f"__import__('os').system('{touch}')"}}).encode(),
        "object.yaml": f'!!python/object/apply:os.system ["{touch}"]\n'.encode(),
        "new.yaml": f"pipeline: {{name: x}}\ntransform: !!python/object/new:os.system [{touch!r}]\n".encode(),
        "target.yaml": f"_target_: os.system\ncommand: {touch}\n".encode(),
        "resolver.yaml": f'pipeline: {{name: \'${{oc.env:HOME}}${{eval:__import__("os").system("{touch}")}}\'}}\n'.encode(),
        "bomb.yaml": b"a: &a [x,x,x,x,x,x,x,x,x,x]\n"
        + b"".join(b"%c: &%c [%s]\n" % (98 + n, 98 + n, b",".join([b"*%c" % (97 + n)] * 10)) for n in range(9)),
        "deep.json": b"[" * deep + b"]" * deep,
        "deep.yaml": b"{a: " * deep,
        "notebook.ipynb": json.dumps(
            {
                "nbformat": 4,
                "nbformat_minor": 5,
                "metadata": {},
                "cells": [{"cell_type": "code", "metadata": {}, "outputs": [], "source": f"!{touch}"}],
            }
        ).encode(),
        "page.svg": f'<svg xmlns="http://www.w3.org/2000/svg" onload="{touch}"/>'.encode(),
        "bomb.png": png(60_000, 60_000),
    }
