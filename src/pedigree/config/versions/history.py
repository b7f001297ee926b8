"""History: the changelog of a family, for people who have files of it."""

from __future__ import annotations

import re

from pedigree.config.versions.drafts import shown
from pedigree.config.versions.families import Family
from pedigree.config.versions.operations import Rename, Split, path_of
from pedigree.config.versions.releases import fingerprint


def changelog(family: Family) -> str:
    """Markdown, the newest version first: each operation with its reason, then what else the models say differently."""
    parts = [f"# Versions of `{family.name}`\n"]
    if family.unversioned is not None:
        parts.append(f"A file that states no version is one of version {family.unversioned}.\n")
    numbers = family.numbers
    for number in reversed(numbers):
        lines = [f"## Version {number}\n"]
        told = family.steps.get(number, ()) if number != numbers[0] else ()
        for operation in told:
            why = f" ({operation.why.rstrip('.')})" if operation.why else ""
            lines.append(f"- {operation}{why}.")
        lines += [f"- {line}" for line in _other(family, number)]
        if len(lines) == 1:
            lines.append("- The first version." if number == numbers[0] else "- Nothing but the number changed.")
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def _other(family: Family, number: int) -> list[str]:
    """Types and constraints that differ, and keys that are new: nobody declares those."""
    if number not in family.models or number - 1 not in family.models:
        return []
    old, new = fingerprint(family.models[number - 1]), fingerprint(family.models[number])
    names: dict[str, str] = {}
    made: set[str] = set()
    for operation in family.steps.get(number, ()):
        if isinstance(operation, Rename):
            source, target = shown(path_of(operation.old)), shown(path_of(operation.new))
            names[target] = names.get(source, source)
        elif isinstance(operation, Split):
            made.update(shown(path_of(name)) for name in operation.into)
    lines = []
    for key, text in new.items():
        before = old.get(names.get(key, key))
        kind = _without_default(text)
        if key == "version" or key in made:
            continue
        if before is None:
            if not any(key == target or key.startswith(f"{target}.") for target in names):
                lines.append(f"`{key}` is new: `{_signed(text)}`.")
        elif _without_default(before) != kind:
            lines.append(f"`{key}` is now `{kind}`, before `{_without_default(before)}`.")
    return lines


_BOUND = re.compile(r" (?:Gt|Ge|Lt|Le|MultipleOf|MinLen|MaxLen)\((\w+)=([^()]*)\)")
_SIGNS = {
    "gt": "> {}",
    "ge": ">= {}",
    "lt": "< {}",
    "le": "<= {}",
    "multiple_of": "a multiple of {}",
    "min_length": "at least {} long",
    "max_length": "at most {} long",
}


def _without_default(text: str) -> str:
    """The type and its bounds as people write them: `int >= 1 <= 8`."""
    return _signed(text.partition(" = ")[0])


def _signed(text: str) -> str:
    return _BOUND.sub(lambda found: " " + _SIGNS.get(found[1], found[0].strip()).format(found[2]), text)
