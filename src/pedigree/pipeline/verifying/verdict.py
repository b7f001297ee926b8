"""The verdict: what a commit turned out to be when it was made again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

IDENTICAL, DIFFERENT, UNPROVEN = "identical", "different", "cannot be rebuilt"
#: The worse of two states counts for what is made of both.
_ORDER = (IDENTICAL, UNPROVEN, DIFFERENT)

#: Of a second rebuild: it came out as the first one, or it did not.
REPEATED, UNLIKE = "as the first time", "otherwise again"
#: How much speaks for a suspect.
LIKELY, PERHAPS = "likely", "perhaps"

#: Of each kind a verdict keeps so many; it counts all.
FINDINGS = 20
FILES = 20


@dataclass(frozen=True, slots=True)
class FileDifference:
    """One file that did not come out as it is stored; sizes in bytes, None where there is no such file.

    `how` is "content", "mode" (only the permission to execute), "missing" (not made again) or "extra". `first_byte` counts
    from 0. `excerpt` are lines for a person on where the two part.
    """

    path: str
    how: str
    stored_bytes: int | None
    rebuilt_bytes: int | None
    first_byte: int | None = None
    excerpt: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        if self.how == "missing":
            return f"/{self.path} was not made again ({self.stored_bytes:,} bytes are stored)"
        if self.how == "extra":
            return f"/{self.path} was made now ({self.rebuilt_bytes:,} bytes) and is not stored"
        if self.how == "mode":
            return f"/{self.path} has the same bytes and another mode (executable or not)"
        sizes = f"{self.stored_bytes:,} bytes stored, {self.rebuilt_bytes:,} rebuilt"
        first = "" if self.first_byte is None else f", the first other byte is {self.first_byte:,}"
        return f"/{self.path} differs: {sizes}{first}"


@dataclass(frozen=True, slots=True)
class Finding:
    """What became of one datum. `datum` is empty for what concerns the commit as a whole.

    `files` are the first few files that differ, of `differing` in all; `printed` are the last lines of a step that failed.
    `again` is what became of a second rebuild, REPEATED or UNLIKE, "" where there was none; `apart` is then the first file in
    which the two rebuilds differ from each other.
    """

    datum: str
    label: str
    state: str
    reason: str = ""
    differing: int = 0
    files: tuple[FileDifference, ...] = ()
    printed: str = ""
    again: str = ""
    apart: FileDifference | None = None


@dataclass(frozen=True, slots=True)
class Suspect:
    """Something that may have made a difference. `weight` is LIKELY or PERHAPS, `places` are lines of code (FILE:LINE)."""

    kind: str
    weight: str
    text: str
    places: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EnvironmentDifference:
    """One fact of the environment: when the commit was made, and now. `kind` is "environment" or "hardware".

    Hardware is no part of a fingerprint: work on another machine of the same kind is the same work.
    """

    name: str
    recorded: str
    present: str
    kind: str = "environment"

    @property
    def text(self) -> str:
        return f"{self.name}: {self.recorded} when it was made, {self.present} now"


@dataclass(frozen=True, slots=True)
class Verdict:
    """On one commit. Counts are of datums: `total` in the commit, `chosen` to be made again, each with one of three ends.

    `findings` are the first of those that are not identical; `suspects` what may have made them so; `reasons` say why the commit as a whole cannot be rebuilt;
    `notes` what a pass does not prove. `datums` names the chosen ones where they were sampled. `time` in seconds since the
    epoch. `environment` is what differs between the recorded environment and the one that it was made again in, which is the
    present one or, where `recreated`, made from the record. `upstream` are the verdicts on what the commit was made from, inputs first, if that was asked for.
    """

    commit: str
    repo: str
    branch: str
    path: str
    state: str
    time: float
    seconds: float
    version: str
    isolation: str
    total: int = 0
    chosen: int = 0
    identical: int = 0
    different: int = 0
    unproven: int = 0
    sample: str = ""
    seed: int = 0
    datums: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    suspects: tuple[Suspect, ...] = ()
    reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    recorded_environment: str = ""
    present_environment: str = ""
    environment: tuple[EnvironmentDifference, ...] = ()
    recreated: bool = False
    inputs: tuple[str, ...] = ()
    upstream: tuple[Verdict, ...] = ()

    @property
    def overall(self) -> str:
        """The state of the commit with all that it was made from."""
        return worst([self.state, *(item.state for item in self.upstream)])

    @property
    def ok(self) -> bool:
        return self.overall == IDENTICAL

    @property
    def name(self) -> str:
        return f"{self.repo}@{self.commit[:12]}"

    @property
    def cause(self) -> Verdict | None:
        """The commit nearest to the inputs that is not what its own inputs make; None when all are identical."""
        return next((item for item in (*self.upstream, self) if item.state == self.overall != IDENTICAL), None)

    def to_json(self) -> dict[str, Any]:
        cause = self.cause
        return {
            **{field.name: _plain(getattr(self, field.name)) for field in fields(self) if field.name != "upstream"},
            "overall": self.overall,
            "cause": None if cause is None else cause.name,
            "upstream": [item.to_json() for item in self.upstream],
        }

    def to_record(self) -> dict[str, Any]:
        """`to_json` as it is kept beside the commit: what is upstream has a record of its own."""
        value = self.to_json()
        value["upstream"] = [{"repo": item.repo, "commit": item.commit, "state": item.state} for item in self.upstream]
        return value

    def to_text(self) -> str:
        """For a person, the outcome first."""
        return "\n".join(_lines(self))


def worst(states: list[str]) -> str:
    return max(states, key=_ORDER.index)


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    return value


def _lines(verdict: Verdict) -> Iterator[str]:
    place = verdict.name + (f":/{verdict.path}" if verdict.path else "")
    if not verdict.upstream:
        yield f"{verdict.state}  {place}: {_counts(verdict)}"
        yield from _details(verdict)
    else:
        yield f"{verdict.overall}  {place}, with {_number(len(verdict.upstream), 'commit')} upstream"
        cause = verdict.cause
        if cause is not None and cause is not verdict:
            itself = f"{verdict.name} itself is {verdict.state}" + (
                ", from what is stored of its inputs" if verdict.state == IDENTICAL else ""
            )
            yield f"  the cause is upstream, in {cause.name}; {itself}"
        for item in (*verdict.upstream, verdict):
            yield f"  {item.state}  {item.name}: {_counts(item)}"
            for line in _details(item):
                yield f"  {line}"
    if verdict.inputs:
        yield f"  from what nothing made here: {', '.join(verdict.inputs)}"


def _counts(verdict: Verdict) -> str:
    if not verdict.chosen:
        return "nothing could be made again" if verdict.reasons else "no datum to make again"
    sampled = ""
    if verdict.sample:
        sampled = f" (of {verdict.total:,}, sampled by {verdict.sample} with seed {verdict.seed})"
    elif verdict.chosen < verdict.total:
        sampled = f" (of {verdict.total:,}, those that wrote what matters here)"
    return f"{verdict.identical:,} of {_number(verdict.chosen, 'datum')}{sampled} made again, bit for bit the same"


def _details(verdict: Verdict) -> Iterator[str]:
    for reason in verdict.reasons:
        yield f"  {reason}"
    for finding in verdict.findings:
        datum = f"datum {finding.datum[:12]} ({finding.label}) " if finding.datum else ""
        yield f"  {datum}{finding.state}" + (f": {finding.reason}" if finding.reason else "")
        for file in finding.files:
            yield f"    {file.text}"
            for line in file.excerpt:
                yield f"      {line}"
        if finding.differing > len(finding.files):
            yield f"    and {finding.differing - len(finding.files):,} more files"
        for line in finding.printed.splitlines():
            yield f"    | {line}"
        yield from _again(finding)
    more = verdict.different + verdict.unproven - sum(1 for item in verdict.findings if item.datum)
    if more > 0:
        yield f"  and {_number(more, 'more datum', 'more datums')}"
    if verdict.datums:
        shown = " ".join(item[:12] for item in verdict.datums[:8])
        yield f"  sampled: {shown}" + (" ... (--json names all)" if len(verdict.datums) > 8 else "")
    for suspect in verdict.suspects:
        yield f"  {suspect.weight}: {suspect.text}"
    if verdict.recreated:
        differ = sum(item.kind == "environment" for item in verdict.environment)
        still = f"; {_number(differ, 'fact')} of it still {'differs' if differ == 1 else 'differ'}" if differ else ""
        yield f"  environment {verdict.recorded_environment[:12]} recreated{still or ', the same as recorded'}"
    for difference in verdict.environment:
        yield f"  {difference.kind} {difference.text}"
    for note in verdict.notes:
        yield f"  note: {note}"


def _again(finding: Finding) -> Iterator[str]:
    """What a second rebuild says about the step."""
    if finding.again == REPEATED:
        yield "    made a second time, it came out as the first: something around it is another than then"
    elif finding.again == UNLIKE:
        first = "" if finding.apart is None else f"; first in /{finding.apart.path}"
        yield f"    made a second time, it came out otherwise again: the step does not repeat itself{first}"
        for line in () if finding.apart is None else finding.apart.excerpt[:2]:
            yield f"      {line}"


def _number(number: int, noun: str, plural: str = "") -> str:
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
