"""A plan: what decisions come to on labels as they are now, checked against what the people saw who decided."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from pedigree.errors import Conflict, InvalidInput, NotFound, meant
from pedigree.labels.report.decisions import LISTED, NAMED, Decision, Decisions, told

#: What happens to a sample of which both labels are right, and to one of which neither is and no other was named.
Both = Literal["keep", "drop", "join"]
Neither = Literal["keep", "drop"]


@dataclass(frozen=True, slots=True)
class Change:
    """One sample that gets the label `after`, or goes where that is None. `labels` are all labels that it has from now on."""

    decision: Decision
    after: str | None
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """`changes` are to be made, `unchanged` decisions need none, `unfit` are about samples that are another now or not there."""

    changes: tuple[Change, ...]
    unchanged: tuple[Decision, ...] = ()
    unfit: tuple[tuple[Decision, str | None], ...] = ()

    @property
    def edits(self) -> dict[str, str | None]:
        """New labels by id; None for samples that go."""
        return {change.decision.id: change.after for change in self.changes}

    def counts(self) -> str:
        """`9 relabelled, 2 dropped, 1 left as it was`."""
        gone = sum(change.after is None for change in self.changes)
        parts = [
            (len(self.changes) - gone, "relabelled"),
            (gone, "dropped"),
            (len(self.unchanged), "left as labelled"),
            (len(self.unfit), "no longer fitting and left out"),
        ]
        return ", ".join(f"{number} {what}" for number, what in parts if number) or "nothing to change"


def plan(
    decisions: Decisions,
    current: Mapping[str, str],
    digest: str,
    *,
    onto: bool = False,
    both: Both = "keep",
    neither: Neither = "drop",
    void: str | None = None,
    separator: str = "|",
    new_classes: Iterable[str] = (),
) -> Plan:
    """What the decisions change in labels that are `current` (by id) and whose file has that digest.

    `void` is the label that samples get which would go. Labels that `both` joins have the separator between them.
    Raises Conflict where the labels are not those that were decided about, unless `onto`, which leaves out what no longer fits;
    InvalidInput for a class that neither the labels have nor the decisions' head, nor `new_classes`; NotFound for an id that is not
    there although the labels are the same.
    """
    unfit = tuple((item, current.get(item.id)) for item in decisions.items if current.get(item.id) != item.given)
    same = digest == decisions.subject.digest
    if same:
        _check_fit(unfit, current)
    elif not onto:
        raise moved_on(decisions, unfit)
    elif decisions.subject.id_column is None and decisions.subject.layout != "folder":
        _check_rows(decisions, current)
    left = {item.id for item, _ in unfit}
    fitting = [item for item in decisions.items if item.id not in left]
    _check_classes(fitting, {*current.values(), *decisions.subject.classes, *new_classes})
    changes, unchanged = [], []
    for item in fitting:
        change = _change(item, both, neither, void, separator)
        if change is None:
            unchanged.append(item)
        else:
            changes.append(change)
    return Plan(tuple(changes), tuple(unchanged), unfit)


def described(found: Plan, decisions: Decisions, subject: str, place: str) -> str:
    """What stands in the commit: one line, then who, where all decisions are, and the first of them with their reasons."""
    names = ", ".join(decisions.people) or "nobody who gave a name"
    lines = [f"Applied {_many(len(decisions.items))} about {subject}: {found.counts()}", ""]
    lines.append(f"Decided by {names}; in full: {place}")
    items = [change.decision for change in found.changes]
    lines += [f"- {one_line(item)}" for item in items[:LISTED]]
    if len(items) > LISTED:
        lines.append(f"- and {len(items) - LISTED} more")
    return "\n".join(lines)


def one_line(item: Decision) -> str:
    """`s3: cat -> dog (Ada, 2026-11-27T09:30:00Z: it barks)`."""
    signature = ", ".join(filter(None, (item.who, item.when)))
    words = ": ".join(filter(None, (signature, " ".join(item.why.split()))))
    return " ".join(f"{item.id}: {told(item)}{f' ({words})' if words else ''}".split())


def _change(item: Decision, both: Both, neither: Neither, void: str | None, separator: str) -> Change | None:
    labels: tuple[str, ...]
    if item.decision == "keep":
        return None
    if item.decision in {"relabel", "neither"} and item.labels:
        labels = item.labels[:1]
        return None if labels[0] == item.given else Change(item, labels[0], labels)
    if item.decision == "both" and both != "drop":
        if both == "keep":
            return None
        labels = tuple(dict.fromkeys((item.given, *(item.labels or filter(None, (item.suggested,))))))
        return None if len(labels) == 1 else Change(item, separator.join(labels), labels)
    if item.decision == "neither" and neither == "keep":
        return None
    return None if void == item.given else Change(item, void, () if void is None else (void,))


def _check_fit(unfit: Iterable[tuple[Decision, str | None]], current: Mapping[str, str]) -> None:
    for item, now in unfit:
        if now is None:
            raise NotFound(
                f"The labels have no sample {item.id!r}.",
                remedy=f"{meant(item.id, current)}The decisions name it, although they are about these very labels: mend them.",
            )
        raise InvalidInput(
            f"The decision about {item.id!r} says that it was labelled {item.given!r}; it is labelled {now!r}.",
            remedy="The file was changed by hand: mend it, or decide again.",
        )


def moved_on(decisions: Decisions, unfit: tuple[tuple[Decision, str | None], ...]) -> Conflict:
    """The error that says which decisions are about samples that are no longer there or labelled as they were."""
    shown = ", ".join(
        f"{item.id} (was {item.given}, {'is gone' if now is None else f'is {now}'})" for item, now in unfit[:NAMED]
    )
    what = (
        f"{len(unfit)} of {_many(len(decisions.items))} no longer fit: {shown}{', …' if len(unfit) > NAMED else ''}."
        if unfit
        else f"The samples of all {_many(len(decisions.items))} are labelled as they were."
    )
    return Conflict(
        f"The labels have changed since they were decided about. {what}",
        remedy="--onto applies those that still fit; or find the labels anew and decide again."
        if len(unfit) < len(decisions.items)
        else "Are these the labels that were decided about? If they are, find them anew and decide again.",
        samples=[item.id for item, _ in unfit],
    )


def _check_rows(decisions: Decisions, current: Mapping[str, str]) -> None:
    if len(current) != decisions.subject.samples:
        raise Conflict(
            f"The samples have no ids, and there are {len(current)} where there were {decisions.subject.samples}: "
            "a row's number no longer says which sample it is.",
            remedy="Give the table an id column, find the labels anew and decide again.",
        )


def _check_classes(items: Iterable[Decision], known: set[str]) -> None:
    for item in items:
        for label in item.labels:
            if label not in known:
                raise InvalidInput(
                    f"There is no class {label!r}, which {item.id!r} is to be of.",
                    remedy=f"{meant(label, known)}If it is a new one, say so: --new-class {label!r}.",
                )


def _many(number: int) -> str:
    return f"{number} decision{'' if number == 1 else 's'}"
