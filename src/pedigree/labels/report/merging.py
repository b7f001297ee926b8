"""Decisions of several reviewers as one: where they agree, where they do not, and whose counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from pedigree.errors import Conflict, InvalidInput, NotFound
from pedigree.labels.report.decisions import NAMED, Decision, Decisions, moment, told


@dataclass(frozen=True, slots=True)
class Merged:
    """Decisions of several files as one. `agreed` are samples that several people decided alike."""

    decisions: Decisions
    agreed: tuple[str, ...] = ()
    conflicts: tuple[tuple[Decision, ...], ...] = field(default=())


def merged(files: Sequence[Decisions], prefer: str | None = None) -> Merged:
    """The decisions of several reviewers of the same labels as one.

    `prefer` settles samples that were decided in different ways: the name of a reviewer, whose decision counts where there is one,
    or `last` by time. Without it, or where it settles nothing, such a sample is a conflict and in no decision.
    Raises InvalidInput where the files are about different labels, NotFound for a reviewer that no file names.
    """
    subject = files[0].subject
    if any(one.subject.digest != subject.digest for one in files):
        raise InvalidInput(
            "The files hold decisions about different labels: their digests differ.",
            remedy="Apply one file after the other, the later with --onto.",
        )
    people = sorted({item.who for one in files for item in one.items})
    if prefer not in {None, "last", *people}:
        raise NotFound(
            f"No decision is by {prefer!r}.",
            remedy=f"Those who decided: {', '.join(map(repr, people))}; or say `last`.",
        )
    groups: dict[str, list[Decision]] = {}
    for one in files:
        for item in one.items:
            groups.setdefault(item.id, []).append(item)
    items, conflicts, agreed = [], [], []
    for group in groups.values():
        newest = max(range(len(group)), key=lambda at: (moment(group[at]), at))
        if len({outcome(item) for item in group}) == 1:
            if len({item.who for item in group}) > 1:
                agreed.append(group[0].id)
            items.append(group[newest])
        elif prefer == "last":
            items.append(group[newest])
        elif mine := [item for item in group if item.who == prefer]:
            items.append(mine[-1])
        else:
            conflicts.append(tuple(group))
    replaced = tuple(item for one in files for item in one.replaced)
    return Merged(Decisions(subject, tuple(items), replaced), tuple(agreed), tuple(conflicts))


def settled(found: Merged) -> Decisions:
    """The merged decisions. Raises Conflict where people decided one sample in different ways."""
    if found.conflicts:
        shown = "; ".join(
            f"{group[0].id}: " + ", ".join(f"{told(item)} ({item.who or 'nobody'})" for item in group)
            for group in found.conflicts[:NAMED]
        )
        more = "; …" if len(found.conflicts) > NAMED else ""
        raise Conflict(
            f"{len(found.conflicts)} samples were decided in different ways: {shown}{more}.",
            remedy="Talk it over and decide again, or say whose decision counts: --prefer NAME, or --prefer last.",
            samples=[group[0].id for group in found.conflicts],
        )
    return found.decisions


def outcome(item: Decision) -> tuple[str, tuple[str, ...]]:
    """What a decision comes to: two people agree when theirs are equal."""
    return item.decision, tuple(sorted(item.labels)) if item.decision in {"relabel", "neither"} else ()
