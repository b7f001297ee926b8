"""The text of /pfs/.config.yaml: the values of a configuration and nothing else, the same for the same values.

Keys are sorted and texts quoted, so that neither the order in a file nor a reader's idea of what `no` or `1e-3` is
makes a difference: PyYAML, a YAML 1.2 reader and ours read the same, but for keys that are no text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from pedigree.errors import InvalidConfig

#: Keys that every reader takes for text without quotes.
_BARE = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_WORDS = frozenset(("null", "true", "false", "yes", "no", "on", "off", "y", "n"))
#: What JSON leaves as it is and YAML does not print.
_UNPRINTED = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def text(values: Mapping[Any, Any]) -> str:
    """The whole file. Raises InvalidConfig for a text that UTF-8 cannot hold."""
    whole = "".join(f"{line}\n" for line in _mapping(values, "")) or "{}\n"
    try:
        whole.encode()
    except UnicodeEncodeError as error:
        raise InvalidConfig(
            f"A value holds half of a surrogate pair ({error.object[error.start]!a}), which no file can.",
            remedy="Write whole characters.",
        ) from error
    return whole


def _mapping(values: Mapping[Any, Any], indent: str) -> Iterator[str]:
    for key in sorted(values, key=lambda key: (type(key).__name__, key)):
        yield from _item(f"{indent}{_key(key)}:", values[key], indent)


def _list(values: list[Any], indent: str) -> Iterator[str]:
    for value in values:
        yield from _item(f"{indent}-", value, indent)


def _item(head: str, value: Any, indent: str) -> Iterator[str]:
    if not value or not isinstance(value, (dict, list)):
        yield f"{head} {_scalar(value)}"
        return
    yield head
    yield from _mapping(value, indent + "  ") if isinstance(value, dict) else _list(value, indent + "  ")


def _key(key: Any) -> str:
    if isinstance(key, str) and _BARE.fullmatch(key) and key.lower() not in _WORDS:
        return key
    return _scalar(key)


def _scalar(value: Any) -> str:
    if isinstance(value, float):
        return _float(value)
    shown = json.dumps(value, ensure_ascii=False)
    return _UNPRINTED.sub(lambda found: f"\\u{ord(found[0]):04x}", shown)


def _float(value: float) -> str:
    if value != value:
        return ".nan"
    if value in (float("inf"), float("-inf")):
        return ".inf" if value > 0 else "-.inf"
    shown = repr(value)
    # PyYAML takes 1e-05 for text: it wants a dot.
    return shown.replace("e", ".0e") if "e" in shown and "." not in shown else shown
