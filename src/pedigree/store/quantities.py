"""Numbers with units, as specs write them: durations in Go's spelling, sizes and cores in Kubernetes'.

Every function raises ValueError, with what was expected, for text that it does not know.
"""

from __future__ import annotations

import re

#: Seconds per unit of a duration. "d" is ours: Go stops at hours.
_SECONDS = {
    "ns": 1e-9,
    "us": 1e-6,
    "µs": 1e-6,
    "μs": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "m": 60.0,
    "h": 3600.0,
    "d": 86400.0,
}
_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h|d)")
_NUMBER = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(?:e([+-]?\d+))?([A-Za-z]*)")

#: Kubernetes: decimal and binary units, both counted in bytes. "K" beside "k", since people write it.
_BYTES = {
    "": 1,
    "B": 1,
    "k": 10**3,
    "K": 10**3,
    "M": 10**6,
    "G": 10**9,
    "T": 10**12,
    "P": 10**15,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "Ki": 2**10,
    "Mi": 2**20,
    "Gi": 2**30,
    "Ti": 2**40,
    "Pi": 2**50,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
    "TiB": 2**40,
}


def duration_s(text: str) -> float:
    """Seconds of a duration such as "90s", "1.5h", "2h45m" or "300ms"; above zero."""
    total, end = 0.0, 0
    for part in _PART.finditer(text):
        if part.start() != end:
            break
        total += float(part[1]) * _SECONDS[part[2]]
        end = part.end()
    if not text or end != len(text) or total <= 0:
        raise ValueError(f"a duration above zero such as 90s, 1.5h or 2h45m, got {text!r}")
    return total


def size_bytes(value: str | float) -> int:
    """Bytes of a size such as 1024, "64Mi" (2**20) or "1G" (10**9); above zero, fractions rounded up."""
    number, unit = _split(value)
    if unit not in _BYTES or number is None or number <= 0:
        raise ValueError(f"a size above zero such as 512Mi (binary) or 2G (decimal), got {value!r}")
    size = number * _BYTES[unit]
    return int(size) + (size != int(size))


def cores(value: str | float) -> float:
    """Cores of a CPU quantity such as 2, 0.5 or "500m" (thousandths); above zero."""
    number, unit = _split(value)
    if unit not in ("", "m") or number is None or number <= 0:
        raise ValueError(f"a number of cores above zero such as 2, 0.5 or 500m, got {value!r}")
    return number / 1000 if unit == "m" else number


def _split(value: str | float) -> tuple[float | None, str]:
    if isinstance(value, (int, float)):
        return (float(value) if value == value and abs(value) < 2**63 else None), ""
    found = _NUMBER.fullmatch(value.strip())
    if found is None:
        return None, ""
    number = float(found[1]) * 10.0 ** int(found[2] or 0)
    return (number if number < 2**63 else None), found[3]
