"""Decisions: what people said about doubted labels, as a small file of JSON Lines. docs/formats/decisions.md describes it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pedigree.errors import InvalidInput, NewerFormat

#: What stands in the first line, and the version that is written.
KIND, VERSION = "label-decisions", 1
#: What can be decided: the given label stays; another is right; the sample goes; both are right; neither is.
KINDS = ("keep", "relabel", "drop", "both", "neither")
#: Names in a message, and in a list.
NAMED, LISTED = 5, 20
#: Half of a character that UTF-16 writes in two: JSON can hold it, no file and no commit message can.
_HALF = re.compile("[\ud800-\udfff]")
#: Texts that name nothing: what is half in them is replaced, where it would be refused in others.
_FOR_PEOPLE = {"who", "why", "place"}
_DIGEST = re.compile(r"[0-9a-f]{64}\Z")
_WHEN = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z\Z")


@dataclass(frozen=True, slots=True)
class Subject:
    """The labels that decisions are about.

    `digest` is that of `samples.Samples`; `classes` are those that a label may be; `place` is where the labels were read, for people.
    """

    digest: str
    layout: str = "table"
    samples: int = 0
    label_column: str | None = None
    id_column: str | None = None
    classes: tuple[str, ...] = ()
    place: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision of one person about one sample. `labels` are those that are right as far as was said; `given` was there."""

    id: str
    given: str
    decision: str
    labels: tuple[str, ...] = ()
    who: str = ""
    when: str = ""
    why: str = ""
    suggested: str = ""


@dataclass(frozen=True, slots=True)
class Decisions:
    """What one file holds: `items` has one decision about each sample.

    `replaced` are decisions that a later one about the same sample took the place of; `agreeing` are those of other people that
    come to the same as the one in `items`.
    """

    subject: Subject
    items: tuple[Decision, ...]
    replaced: tuple[Decision, ...] = ()
    agreeing: tuple[Decision, ...] = ()

    @property
    def people(self) -> tuple[str, ...]:
        """The names of those who decided, each as one line, in order."""
        return tuple(sorted({" ".join(item.who.split()) for item in (*self.items, *self.agreeing)} - {""}))


def read(data: bytes, name: str = "The file") -> Decisions:
    """The decisions in a file's bytes; of several about one sample the last by time, of equal times the last line.

    Raises InvalidInput with the line for what is not in the format, NewerFormat for a later version.
    """
    lines = [(number, line) for number, line in enumerate(data.split(b"\n"), 1) if line.strip()]
    if not lines:
        raise InvalidInput(f"{name} is empty.", remedy="Save the decisions from the page again.")
    head = _object(lines[0], name)
    if head.get("kind") != KIND:
        raise InvalidInput(
            f"{name} holds no decisions: its first line does not say {KIND!r}.",
            remedy="Give the file that the page of `pedigree labels find` saved.",
        )
    if head.get("version") != VERSION:
        if isinstance(head.get("version"), int) and head["version"] > VERSION:
            raise NewerFormat(
                f"{name} is of version {head['version']}; this Pedigree reads version {VERSION}.",
                remedy="Use a newer Pedigree.",
            )
        raise InvalidInput(f"{name} has the version {head.get('version')!r}.", remedy=f"The version is {VERSION}.")
    subject = _subject(head, name)
    return last(subject, [_decision(line, name) for line in lines[1:]])


def last(subject: Subject, items: Iterable[Decision]) -> Decisions:
    """Of several decisions about one sample the last by time, in the order of the samples' first."""
    groups: dict[str, list[Decision]] = {}
    for item in items:
        groups.setdefault(item.id, []).append(item)
    kept: list[Decision] = []
    replaced: list[Decision] = []
    agreeing: list[Decision] = []
    for group in groups.values():
        own = {item.who: item for item in sorted(group, key=moment)}  # of each person the last
        found = newest(group)
        alike = [item for who, item in own.items() if who != found.who and outcome(item) == outcome(found)]
        kept.append(found)
        agreeing += alike
        replaced += [item for item in group if item is not found and not any(item is one for one in alike)]
    return Decisions(subject, tuple(kept), tuple(replaced), tuple(agreeing))


def newest(items: Sequence[Decision]) -> Decision:
    """The last by time, of equal times the last in order."""
    return max(reversed(items), key=moment)


def outcome(item: Decision) -> tuple[str, tuple[str, ...]]:
    """What a decision comes to: two people agree when theirs are equal."""
    if item.decision == "both":
        return "both", tuple(sorted(item.labels or (item.given, item.suggested)))
    return item.decision, tuple(sorted(item.labels)) if item.decision in {"relabel", "neither"} else ()


def first_line(subject: Subject) -> dict[str, Any]:
    """What stands in the first line of a file of decisions, ready for JSON."""
    return {"kind": KIND, "version": VERSION, **{name: _plain(getattr(subject, name)) for name in Subject.__slots__}}


def to_bytes(decisions: Decisions) -> bytes:
    """The file that holds them, in their order, those that agree with one before it; the same decisions give the same bytes."""
    agreeing: dict[str, list[Decision]] = {}
    for item in decisions.agreeing:
        agreeing.setdefault(item.id, []).append(item)
    items = [one for item in decisions.items for one in (*agreeing.get(item.id, ()), item)]
    head = first_line(decisions.subject)
    lines = [head, *({name: _plain(getattr(item, name)) for name in Decision.__slots__} for item in items)]
    return "".join(json.dumps(line) + "\n" for line in lines).encode()


def moment(item: Decision) -> tuple[str, str]:
    """When it was decided, to compare: the second, then its fraction."""
    return item.when[:19], item.when[19:].rstrip("Z")


def told(item: Decision) -> str:
    """The decision in a few words: `cat -> dog`, `cat stays`."""
    if item.decision == "keep":
        return f"{item.given} stays"
    if item.decision == "drop":
        return f"{item.given} goes"
    if item.decision == "both":
        return f"{' and '.join(item.labels) or item.given} both"
    if not item.labels:
        return f"neither {item.given} nor {item.suggested}" if item.suggested else f"not {item.given}"
    return f"{item.given} -> {' and '.join(item.labels)}"


def _object(line: tuple[int, bytes], name: str) -> dict[str, Any]:
    number, text = line
    try:
        value = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(
            f"Line {number} of {name} is no JSON: {error}.", remedy="Save the decisions again."
        ) from error
    if not isinstance(value, dict):
        raise InvalidInput(f"Line {number} of {name} is no JSON object.", remedy="Save the decisions again.")
    return value


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is no JSON")


def _subject(head: Mapping[str, Any], name: str) -> Subject:
    where = f"line 1 of {name}"
    digest = _text(head, "digest", where)
    if not _DIGEST.match(digest):
        raise InvalidInput(f"The digest in {where} is no BLAKE3-256: {digest!r}.", remedy="Save the decisions again.")
    layout = _text(head, "layout", where) or "table"
    if layout not in {"table", "array", "folder"}:
        raise InvalidInput(f"The layout in {where} is {layout!r}.", remedy="It is table, array or folder.")
    samples = head.get("samples", 0)
    if type(samples) is not int or samples < 0:
        raise InvalidInput(f"The number of samples in {where} is {samples!r}.", remedy="Save the decisions again.")
    return Subject(
        digest,
        layout,
        samples,
        _text(head, "label_column", where) or None,
        _text(head, "id_column", where) or None,
        _texts(head, "classes", where),
        _text(head, "place", where),
    )


def _decision(line: tuple[int, bytes], name: str) -> Decision:
    where, value = f"line {line[0]} of {name}", _object(line, name)
    found = Decision(
        _text(value, "id", where),
        _text(value, "given", where),
        _text(value, "decision", where),
        _texts(value, "labels", where),
        _text(value, "who", where),
        _text(value, "when", where),
        _text(value, "why", where),
        _text(value, "suggested", where),
    )
    if not found.id:
        raise InvalidInput(f"A decision names no sample: {where}.", remedy="Each has an `id`.")
    if found.decision not in KINDS:
        raise InvalidInput(f"{found.decision!r} is no decision: {where}.", remedy=f"It is one of {', '.join(KINDS)}.")
    if found.decision == "relabel" and len(found.labels) != 1:
        raise InvalidInput(f"The sample {found.id!r} gets no new label: {where}.", remedy="Give one in `labels`.")
    if (
        found.decision == "both"
        and found.labels
        and (len(found.labels) != 2 or len(set(found.labels)) != 2 or found.given not in found.labels)
    ):
        raise InvalidInput(
            f"Both labels of {found.id!r} are said to be right, and {list(found.labels)} are no two with {found.given!r}: {where}.",
            remedy="Give the given label and another in `labels`, or none for the given and the suggested one.",
        )
    if found.decision == "neither" and len(found.labels) > 1:
        raise InvalidInput(
            f"{found.id!r} gets {len(found.labels)} labels where neither was right: {where}.",
            remedy="Give one in `labels`, or none.",
        )
    if found.when and not _WHEN.match(found.when):
        raise InvalidInput(f"{found.when!r} is no time: {where}.", remedy="Write 2026-11-27T09:30:00Z, in UTC.")
    return found


def _text(value: Mapping[str, Any], name: str, where: str) -> str:
    found = value.get(name)
    if found is None:
        return ""
    if not isinstance(found, str):
        raise InvalidInput(f"{name!r} is {found!r} in {where}; it is a text.", remedy="Save the decisions again.")
    if name in _FOR_PEOPLE:
        return _HALF.sub("\ufffd", found)
    _check_whole(found, name, where)
    return found


def _texts(value: Mapping[str, Any], name: str, where: str) -> tuple[str, ...]:
    found = value.get(name) or []
    if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
        raise InvalidInput(f"{name!r} in {where} is no list of texts.", remedy="Save the decisions again.")
    for item in found:
        _check_whole(item, name, where)
    return tuple(found)


def _check_whole(text: str, name: str, where: str) -> None:
    if _HALF.search(text):
        raise InvalidInput(
            f"{name!r} in {where} is no Unicode: {text!a} has half a character.",
            remedy="Mend the text in the labels, find them anew and decide again.",
        )


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
