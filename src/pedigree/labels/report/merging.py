"""Decisions of several reviewers as one: where they agree, where they do not, and whose counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from pedigree.errors import Conflict, InvalidInput, NotFound
from pedigree.labels.report.decisions import NAMED, Decision, Decisions, newest, outcome, told

#: What two files must say alike to be about the same labels: one table can have several columns of them.
_SAME = ("digest", "layout", "label_column", "id_column")


@dataclass(frozen=True, slots=True)
class Merged:
    """Decisions of several files as one. `agreed` are samples that several people decided alike."""

    decisions: Decisions
    agreed: tuple[str, ...] = ()
    conflicts: tuple[tuple[Decision, ...], ...] = field(default=())


def merged(files: Sequence[Decisions], prefer: str | None = None) -> Merged:
    """The decisions of several reviewers of the same labels as one.

    Of each person the last decision about a sample counts, by time. `prefer` settles samples that were decided in different ways:
    the name of a reviewer, whose decision counts where there is one, or `last` by time. Without it, or where it settles nothing,
    such a sample is a conflict and in no decision. Those who gave no name are another person in each file.
    Raises InvalidInput where the files are about different labels, NotFound for a reviewer that no file names.
    """
    subject = files[0].subject
    for one in files[1:]:
        if differing := [name for name in _SAME if getattr(one.subject, name) != getattr(subject, name)]:
            name = differing[0]
            raise InvalidInput(
                f"The files hold decisions about different labels: {name} is {getattr(subject, name)!r} in one "
                f"and {getattr(one.subject, name)!r} in another.",
                remedy="Apply one file after the other, the later with --onto.",
            )
    people = sorted({item.who for one in files for item in (*one.items, *one.agreeing)})
    if prefer not in {None, "last", *people}:
        raise NotFound(
            f"No decision is by {prefer!r}.",
            remedy=f"Those who decided: {', '.join(map(repr, people))}; or say `last`.",
        )
    groups: dict[str, dict[str | int, list[Decision]]] = {}
    for number, one in enumerate(files):
        for item in (*one.agreeing, *one.items):
            groups.setdefault(item.id, {}).setdefault(item.who or number, []).append(item)
    items, conflicts, agreed, agreeing = [], [], [], []
    replaced = [item for one in files for item in one.replaced]
    for name, group in groups.items():
        own = {who: newest(several) for who, several in group.items()}
        replaced += [item for who, several in group.items() for item in several if item is not own[who]]
        if len({outcome(item) for item in own.values()}) == 1:
            if len(own) > 1:
                agreed.append(name)
            counts = newest([*own.values()])
        elif prefer == "last":
            counts = newest([*own.values()])
        elif prefer in own:
            counts = own[prefer]
        else:
            conflicts.append(tuple(own.values()))
            continue
        alike = [item for item in own.values() if outcome(item) == outcome(counts)]
        items.append(newest(alike))
        agreeing += [item for item in alike if item is not items[-1]]
    return Merged(Decisions(subject, tuple(items), tuple(replaced), tuple(agreeing)), tuple(agreed), tuple(conflicts))


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
