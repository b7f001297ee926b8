"""Which datums to make again when all would be too many."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from pedigree import canonical
from pedigree.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Sample:
    """`share` of the datums, or `number` of them; with the seed, which ones is a pure function of their ids."""

    text: str
    seed: int = 0
    share: float | None = None
    number: int | None = None

    def choose(self, datums: Iterable[str]) -> set[str]:
        """At least one, where there is one. Each is as likely as any other; a larger sample holds the smaller ones."""
        names = sorted(datums, key=lambda name: canonical.digest_of("sample", [self.seed, name]))
        wanted = math.ceil(len(names) * self.share) if self.share is not None else self.number or 0
        return set(names[:wanted])


def parse(text: str, seed: int = 0) -> Sample:
    """`5%` or `20`. Raises InvalidInput for what is neither, for 0 and for more than 100%."""
    try:
        if text.endswith("%"):
            share = float(text[:-1]) / 100
            if 0 < share <= 1:
                return Sample(text, seed, share=share)
        elif int(text) > 0:
            return Sample(text, seed, number=int(text))
    except ValueError:
        pass
    raise InvalidInput(f"{text!r} is no size of a sample.", remedy="Give a share or a number of datums: 5% or 20.")
