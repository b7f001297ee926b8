"""The split of a key: a hash of the key, and whose piece of the line it falls in.

The point of a key, which never changes: the first 8 bytes, most significant first, of the BLAKE3-256 of

    pedigree-split-1 LF <seed, decimal> LF <kind> LF <content>

where LF is byte 10 and a text has kind `s` and its UTF-8 as content, an integer kind `i` and its decimal digits (`-` before
them when negative), and bytes kind `b` and themselves. Where a group is given, its point is the key's. layout.py says whose point it is.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence

from blake3 import blake3

from pedigree.errors import InvalidSplit
from pedigree.training.splits.layout import Fractions, Layout

#: What names a sample or a group: a path, an identifier, a digest. NumPy's integers and texts are among them.
Key = str | int | bytes


def assign_split(
    key: Key, fractions: Fractions, *, seed: int = 0, group: Key | None = None, before: Sequence[Fractions] = ()
) -> str:
    """The split that this key belongs to, for ever: a pure function of the arguments, on every machine and version.

    `fractions` maps names to numbers that sum to 1, in any order; a fraction of 0 is a split that gets nothing. Keys with the same
    `group` (all pictures of one animal, all frames of one film) are on one side, whatever they are called; fractions are then
    of groups. A key without a group is its own group. Adding a sample moves no other. For what moves when the
    fractions change, and what `before` (earlier fractions, oldest first) then does, see Layout. Another `seed` is another, independent partition.

    Raises InvalidSplit for bad fractions and for a key that is no text, integer or bytes, or is empty.
    """
    return Layout(fractions, before).at(point(key if group is None else group, _prefix(seed)))


def assign_splits(
    keys: Iterable[Key],
    fractions: Fractions,
    *,
    seed: int = 0,
    groups: Iterable[Key | None] | None = None,
    before: Sequence[Fractions] = (),
) -> list[str]:
    """`[assign_split(key, ...) for key in keys]` in the order of the keys, with the fractions read once (about 3 us a key on one core).

    `groups` is as long as `keys`; None in it is a key without a group.
    """
    layout, prefix = Layout(fractions, before), _prefix(seed)
    if groups is None:
        return [layout.at(point(key, prefix)) for key in keys]
    pairs = list(zip(keys := list(keys), groups := list(groups), strict=False))
    if len(keys) != len(groups):
        raise InvalidSplit(
            f"There are {len(keys)} keys and {len(groups)} groups.",
            remedy="Give one group for each key, or None for it.",
        )
    return [layout.at(point(key if group is None else group, prefix)) for key, group in pairs]


def _prefix(seed: int) -> bytes:
    try:
        return b"pedigree-split-1\n%d\n" % operator.index(seed)
    except TypeError:
        raise InvalidSplit(f"The seed of a split is an integer; got {seed!r}.", remedy="Give a whole number.") from None


def point(key: object, prefix: bytes) -> int:
    """The first 64 bits of the digest of prefix, kind and content of a key. Raises InvalidSplit for what is no key."""
    if isinstance(key, str) and key:
        try:
            content = b"s\n" + key.encode()
        except UnicodeEncodeError:
            raise InvalidSplit(
                f"The key {key!r} has no UTF-8 form.",
                remedy="Give file names that are not text as bytes: os.fsencode(name).",
            ) from None
    elif isinstance(key, bytes) and key:
        content = b"b\n" + key
    elif hasattr(key, "__index__") and not isinstance(key, bool):
        content = b"i\n%d" % operator.index(key)
    else:
        raise InvalidSplit(
            f"A key or group is a text, an integer or bytes, and not empty; got {key!r}.",
            remedy="Give what names the sample for ever, such as its path or identifier.",
            key=key,
        )
    return int.from_bytes(blake3(prefix + content).digest(length=8), "big")
