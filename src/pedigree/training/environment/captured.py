"""A captured environment: a value that never changes, is JSON, and has a digest for all of it and for each group."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pedigree import canonical
from pedigree.errors import InvalidInput, NewerFormat

FORMAT = 1

#: The groups, in the order in which they are told.
GROUPS = ("code", "packages", "interpreter", "system", "cpu", "gpu", "threads", "numerics", "variables")


@dataclass(frozen=True, slots=True)
class Environment:
    """Facts by group, kept as canonical bytes: equal environments have equal bytes, and nobody can change one by accident."""

    encoded: bytes

    @property
    def facts(self) -> dict[str, Any]:
        """A new copy of the facts: group -> name -> JSON value."""
        found: dict[str, Any] = canonical.decode(self.encoded)
        return found

    @property
    def digest(self) -> str:
        """Of everything. Two machines of one kind share it only when nothing at all differs, kernel and uncommitted code included."""
        return canonical.digest_of("captured environment", self.facts)

    @property
    def digests(self) -> dict[str, str]:
        """Of each group, for those who ask only whether, say, the packages are the same."""
        return {group: canonical.digest_of(f"captured {group}", facts) for group, facts in self.facts.items()}

    def as_json(self) -> dict[str, Any]:
        """What `read` takes."""
        return {"format": FORMAT, "digest": self.digest, "facts": self.facts}


def of_facts(facts: Mapping[str, Any]) -> Environment:
    """The environment with these facts. Raises TypeError for what is not JSON."""
    return Environment(canonical.encode(facts))


def read_environment(document: Any) -> Environment:
    """The environment that `as_json` gave: `read_environment(e.as_json()) == e`.

    Raises InvalidInput for anything else and for facts that do not match their digest, NewerFormat for a later Pedigree's.
    """
    if not isinstance(document, dict) or not isinstance(document.get("facts"), dict):
        raise InvalidInput(
            f"This is no captured environment: {type(document).__name__} without facts.",
            remedy="Give what Environment.as_json() returned.",
        )
    if document.get("format") != FORMAT:
        raise NewerFormat(
            f"The environment has format {document.get('format')!r}; this Pedigree reads {FORMAT}.",
            remedy="Read it with the Pedigree that wrote it, or a newer one.",
        )
    found = of_facts(document["facts"])
    if found.digest != document.get("digest"):
        raise InvalidInput(
            f"The facts have digest {found.digest}, and {document.get('digest')} is written beside them.",
            remedy="Somebody edited the file; take it from where it was captured.",
        )
    return found
