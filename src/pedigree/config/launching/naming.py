"""Names for the folders of jobs: readable, of safe characters, bounded, and without secrets."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise

#: Bytes of a name. File systems take 255; paths are read by people.
MAX_LENGTH = 100

_UNSAFE = re.compile(r"[^A-Za-z0-9._=,+-]+")
#: Of a number with many digits, as a search draws them, a name has four: its own number tells it apart.
_LONG = re.compile(r"(?<![\w.])-?\d+\.\d{6,}(?:[eE][-+]?\d+)?(?![\w.])")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")

_SECRET = frozenset(
    {
        *("password", "passwd", "passphrase", "pwd", "secret", "secrets", "token", "apikey"),
        *("credential", "credentials", "authorization", "cookie"),
    }
)
_SECRET_PAIRS = frozenset({("api", "key"), ("access", "key"), ("private", "key"), ("secret", "key"), ("auth", "key")})


def masked(override: str, hidden: Callable[[str], bool] | None = None) -> str:
    """The override with its value as `***` where its key, or a key inside of the value, speaks of a secret, or
    `hidden` says of the key that it is one. A word counts as a whole: `max_tokens` is no secret, `api_token` is."""
    key, equals, value = override.partition("=")
    if not equals:
        return override
    if secret(key) or (hidden is not None and hidden(key.lstrip("+~"))):
        return f"{key}=***"
    inside = re.findall(r"([\w.]+)['\"]?\s*:", value)
    return f"{key}=***" if any(secret(name) for name in inside) else override


def secret(key: str) -> bool:
    words = [word.lower() for word in _WORD.findall(key)]
    return any(word in _SECRET for word in words) or any(pair in _SECRET_PAIRS for pair in pairwise(words))


def names(points: Sequence[Sequence[str]]) -> list[str]:
    """A name for each point, given its overrides, masked: its number and what sets it apart from the others.

    An override that all points share is left out. Numbers start at 0, have equal width, and make names unique also
    where file systems ignore case.
    """
    shared = Counter(override for point in points for override in set(point))
    width = max(4, len(str(len(points) - 1)))
    return [
        name(number, [one for one in point if shared[one] < len(points)], width) for number, point in enumerate(points)
    ]


def name(number: int, overrides: Sequence[str], width: int = 4) -> str:
    """`0007-model.lr=0.1,data=cifar`; just the number where nothing is left to say."""
    said = ",".join(_short(one) for one in overrides if not one.endswith("=***"))
    text = f"{number:0{width}d}" + (f"-{said}" if said else "")
    return text if len(text) <= MAX_LENGTH else text[: MAX_LENGTH - 3].rstrip(",.=-") + "..."


def _short(override: str) -> str:
    key, equals, value = override.partition("=")
    value = _LONG.sub(lambda found: f"{float(found[0]):.4g}", value)
    return _UNSAFE.sub("_", key.lstrip("+~") + equals + value)
