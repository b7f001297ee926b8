"""Findings: what a check of a directory has to say, for people and for programs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

from pedigree.config.origins import Origin
from pedigree.errors import PedigreeError

Severity: TypeAlias = Literal["error", "warning", "note"]
_ORDER: dict[Severity, int] = {"error": 0, "warning": 1, "note": 2}
_PLACE = re.compile(r"(.+?):(\d+):(\d+)")
_SET_AT = re.compile(r"(?: \(|\n *)set at (.+?):(\d+):(\d+)\)?")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing, said once however many configurations have it.

    `kind` is one word for programs: yaml, defaults, interpolation, environment, resolver, model, secret, version, unused,
    dialect. `line` and `column` count from 1, and are 0 where a place has none. `asked` is the first configuration
    that has it: its name, and the overrides that choose options; empty for what a file is by itself.
    """

    severity: Severity
    kind: str
    file: str
    line: int
    column: int
    message: str
    remedy: str = ""
    asked: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file

    @property
    def text(self) -> str:
        lines = [f"{self.place}: {self.severity}: {self.message}".replace("\n", "\n    ")]
        if self.remedy:
            lines.append(f"    {self.remedy}")
        if len(self.asked) > 1:
            lines.append(f"    Seen in: {' '.join(self.asked)}")
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Report:
    """`findings` are sorted by file and line. `files` were read, `composed` configurations were composed from them."""

    directory: str
    primaries: tuple[str, ...]
    findings: tuple[Finding, ...]
    files: int
    composed: int

    @property
    def ok(self) -> bool:
        """Whether there is no error; warnings and notes may be there."""
        return not self.of("error")

    def of(self, severity: Severity) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.severity == severity)

    def as_dict(self) -> dict[str, Any]:
        """The report as plain values, for JSON."""
        return {**asdict(self), "ok": self.ok, "findings": [asdict(finding) for finding in self.findings]}

    @property
    def text(self) -> str:
        """The report for a terminal: each finding, then one line that counts."""
        counts = [_counted(len(self.of(severity)), severity) for severity in _ORDER if self.of(severity)]
        total = f"{_counted(self.composed, 'configuration')} of {_counted(self.files, 'file')} checked"
        return "\n".join(
            [*(finding.text for finding in self.findings), f"{total}: {', '.join(counts) or 'nothing found'}."]
        )


class Findings:
    """Gathers findings, each once."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, int, int, str], Finding] = {}

    def add(self, findings: Iterable[Finding]) -> None:
        for one in findings:
            self._found.setdefault(_key(one), one)

    def unknown(self, findings: Iterable[Finding]) -> list[Finding]:
        """Those that were not found before."""
        return [one for one in findings if _key(one) not in self._found]

    def sorted(self) -> Iterator[Finding]:
        yield from sorted(
            self._found.values(),
            key=lambda one: (one.file, one.line, one.column, _ORDER[one.severity], one.message),
        )


def _key(finding: Finding) -> tuple[str, int, int, str]:
    return finding.file, finding.line, finding.column, finding.message


def at(origin: Origin, fallback: str) -> tuple[str, int, int]:
    """File, line and column of an origin; the fallback for what no file set."""
    return (origin.name, origin.line, origin.column) if origin.kind == "file" else (fallback, 0, 0)


def of_error(
    error: PedigreeError, kind: str, fallback: str, asked: tuple[str, ...], severity: Severity = "error"
) -> Finding:
    """A finding of an error of ours, whose message names its place where it has one: before all else, or as "set at"."""
    message, place = error.message, _PLACE.match(error.message)
    if place is not None and message[place.end() : place.end() + 2] == ": ":
        message = message[place.end() + 2 :]
    else:
        place = _SET_AT.search(message)
        if place is not None:
            message = message[: place.start()] + message[place.end() :]
    file, line, column = (place[1], int(place[2]), int(place[3])) if place is not None else (fallback, 0, 0)
    first, newline, rest = message.partition("\n")
    return Finding(
        severity, kind, file, line, column, first.removesuffix(".") + newline + rest, error.remedy or "", asked
    )


def placed(text: str, fallback: str) -> tuple[str, int, int]:
    """File, line and column of a place as `Origin.text` writes it; what a migration did to it stands in brackets after it."""
    found = _PLACE.fullmatch(text.partition(" (")[0])
    return (found[1], int(found[2]), int(found[3])) if found else (fallback, 0, 0)


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
