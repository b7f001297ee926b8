"""The one definition of "the same": canonical bytes of a value, and the digest of bytes.

A digest is BLAKE3-256 in lower-case hex, 64 characters. Canonical bytes are JSON with sorted keys, no white space,
UTF-8 without escapes beyond those JSON demands, integers in full, finite floats in their shortest round-trip form.
Two values are the same exactly when their canonical bytes are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from blake3 import blake3

DIGEST_LENGTH = 64

#: Anything that canonical bytes can express. Mapping keys are strings.
Value = None | bool | int | float | str | Sequence["Value"] | Mapping[str, "Value"]


def digest(data: bytes | bytearray | memoryview) -> str:
    """BLAKE3-256 of the bytes, as 64 lower-case hex characters."""
    return blake3(data).hexdigest()


def hasher() -> blake3:
    """An incremental hasher; `update(bytes)`, then `hexdigest()`, gives what `digest` gives for all of them."""
    return blake3()


def encode(value: Any) -> bytes:
    """Canonical bytes of a value made of mappings with string keys, lists, tuples, strings, numbers, booleans, None.

    Raises TypeError for anything else and ValueError for NaN and infinities, which have no JSON form.
    """
    import json  # 1 ms, which whoever only digests bytes saves

    _check_keys(value)
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode("utf-8")


def decode(data: bytes) -> Any:
    """The value whose canonical bytes these are."""
    import json

    return json.loads(data)


def digest_of(kind: str, value: Any) -> str:
    """Digest of a value as one `kind` of thing; equal values of different kinds have different digests."""
    return digest(kind.encode("utf-8") + b"\n" + encode(value))


def _check_keys(value: Any) -> None:
    # json.dumps would turn the keys 1 and "1" into the same text: two different values, one digest.
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeError(f"canonical mappings have string keys, got {key!r}")
            if type(item) not in _SCALARS:
                _check_keys(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            if type(item) not in _SCALARS:
                _check_keys(item)


_SCALARS = frozenset({str, int, float, bool, type(None)})
