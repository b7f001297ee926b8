"""Replaying: a bundle is unpacked, everything in it is made again, and the verdict says whether it is the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

from pedigree.pipeline.bundling.unpacking import Unpacked, unpack
from pedigree.pipeline.events import silent

if TYPE_CHECKING:
    from pedigree.pipeline.events import OnEvent
    from pedigree.pipeline.verifying.verdict import Verdict
    from pedigree.store import Store


@dataclass(frozen=True, slots=True)
class Replayed:
    """`reference` names the result in the project. `new` commits came in, `known` were there; `branches` were set.

    `verdict` is None where nothing was made again: because nobody asked for it, or because nothing in the bundle was made
    from anything. `told` are the verdicts of those who had it before, oldest first: what they say, not what was seen here.
    """

    reference: str
    commit: str
    results: bool
    new: int
    known: int
    branches: tuple[str, ...]
    objects: int
    object_bytes: int
    told: tuple[dict[str, Any], ...]
    verdict: Verdict | None

    @property
    def ok(self) -> bool:
        return self.verdict is None or self.verdict.ok

    def to_json(self) -> dict[str, Any]:
        value = {name: getattr(self, name) for name in self.__slots__}
        return {
            **value,
            "branches": list(self.branches),
            "told": list(self.told),
            "verdict": None if self.verdict is None else self.verdict.to_json(),
        }


def replay(
    store: Store,
    stream: BinaryIO,
    name: str,
    *,
    branches: bool = True,
    verify: bool = True,
    trust: bool = False,
    workers: int | None = None,
    options: Mapping[str, Any] | None = None,
    progress: Callable[[int, int], None] | None = None,
    on_unpacked: Callable[[Unpacked], None] | None = None,
    on_event: OnEvent = silent,
) -> Replayed:
    """Unpack the bundle that `stream` holds into the store, make everything in it again, and compare bit for bit.

    `name` is what messages call it. `branches` sets the branches that it names, which never lose a commit by it. Steps run
    sandboxed as in `pedigree verify`, and those that want more than that (network, secrets, weaker isolation) only with
    `trust`. `options` are passed on to `verify`. A bundle without results is made first and compared by digest; what comes
    out otherwise than stated is not taken in, nor what was made from it.

    Raises InvalidBundle, NewerFormat, Conflict; then the store is as it was.
    """
    unpacked = unpack(store, stream, name, branches=branches, run=verify, trust=trust, progress=progress)
    if on_unpacked is not None:
        on_unpacked(unpacked)
    subject = unpacked.subject
    made = any(row.id == subject["commit"] for row in unpacked.made)
    verdict: Verdict | None = None
    landed = unpacked.landed
    moved = list(landed.moved)
    if verify and made and unpacked.results:
        from pedigree.pipeline.verifying.verification import verify as verified

        place = f"{subject['repo']}@{subject['commit']}" + (f":/{subject['path']}" if subject["path"] else "")
        verdict = verified(store, place, upstream=True, workers=workers, on_event=on_event, **(options or {}))
    elif verify and made:
        from pedigree.pipeline.bundling.remaking import remake

        verdict, more = remake(store, unpacked, workers=workers, on_event=on_event)
        moved += more.moved
        landed = landed._replace(new=landed.new + more.new, known=landed.known + more.known)
    here = subject["commit"][:12] if (subject["repo"], subject["branch"]) not in moved else subject["branch"]
    return Replayed(
        f"{subject['repo']}@{here}",
        subject["commit"],
        unpacked.results,
        landed.new,
        landed.known,
        tuple(sorted(f"{repo}@{branch}" for repo, branch in moved)),
        unpacked.objects,
        unpacked.object_bytes,
        tuple(unpacked.told),
        verdict,
    )
