"""SLURM's short way to write hosts and counts, in full."""

from __future__ import annotations

import re

from pedigree.errors import InvalidConfig

_RANGES = re.compile(r"\[([^\[\]]*)\]")

#: A list that names more is a mistake, or an attack on our memory.
MAX_HOSTS = 1_000_000


def hosts(text: str) -> list[str]:
    """`gpu[01-03,7],login` as `gpu01, gpu02, gpu03, gpu7, login`. Raises InvalidConfig for what is no such list."""
    found: list[str] = []
    for part in _split(text):
        found.extend(_expanded(part, text))
        _bounded(len(found), text)
    return found


def counts(text: str) -> list[int]:
    """Tasks on each node: `4(x2),3` as 4, 4, 3. Raises InvalidConfig for what is no such list."""
    found: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"(\d{1,9})(?:\(x(\d{1,7})\))?", part.strip())
        if match is None:
            raise InvalidConfig(
                f"SLURM's count of tasks on each node is {text[:80]!r}, which has no meaning at {part[:40]!r}.",
                remedy="It should look like 4(x2),3; is SLURM_STEP_TASKS_PER_NODE set by hand?",
            )
        times = int(match[2] or 1)
        _bounded(len(found) + times, text)
        found.extend([int(match[1])] * times)
    return found


def _split(text: str) -> list[str]:
    """At the commas outside of brackets."""
    parts, depth, start = [], 0, 0
    for place, letter in enumerate(text):
        depth += (letter == "[") - (letter == "]")
        if letter == "," and depth == 0:
            parts.append(text[start:place])
            start = place + 1
    return [*parts, text[start:]]


def _expanded(part: str, text: str) -> list[str]:
    match = _RANGES.search(part)
    if match is None:
        if not part or "[" in part or "]" in part:
            raise _not_hosts(text)
        return [part]
    before, after = part[: match.start()], part[match.end() :]
    names = []
    for piece in match[1].split(","):
        ends = re.fullmatch(r"(\d{1,18})(?:-(\d{1,18}))?", piece)
        if ends is None:
            raise _not_hosts(text)
        first, last = int(ends[1]), int(ends[2] or ends[1])
        _bounded(last - first, text)
        names += [f"{before}{number:0{len(ends[1])}d}{after}" for number in range(first, last + 1)]
    if "[" not in after:
        return names
    found: list[str] = []
    for name in names:  # a name may have brackets twice: rack[1-2]-node[1-4]
        found += _expanded(name, text)
        _bounded(len(found), text)
    return found


def _bounded(number: int, text: str) -> None:
    if number > MAX_HOSTS:
        raise InvalidConfig(
            f"The list {text[:60]!r} of SLURM names more than {MAX_HOSTS} nodes.", remedy="Is it set by hand? Unset it."
        )


def _not_hosts(text: str) -> InvalidConfig:
    return InvalidConfig(
        f"SLURM's list of nodes is {text[:80]!r}, which is no list of hosts.",
        remedy="It should look like gpu[01-03,7],login; is SLURM_STEP_NODELIST set by hand?",
    )
