"""The environment of then beside that of now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pedigree.pipeline import circumstances, jobs
from pedigree.pipeline.verifying.verdict import EnvironmentDifference
from pedigree.training.environment import grades

if TYPE_CHECKING:
    from pedigree.pipeline.environment import Environment
    from pedigree.pipeline.jobs import DatumRecord
    from pedigree.store import Store

ABSENT = "absent"


def differences(
    store: Store,
    fingerprint: str,
    present: Environment,
    hardware: Mapping[str, Any] | None = None,
    here: Mapping[str, Any] | None = None,
) -> tuple[EnvironmentDifference, ...]:
    """What the recorded environment and the present one differ in, packages by name and version; then the hardware.

    `hardware` is that of the work in question where it is known; otherwise that of the first work in the environment.
    `here` is the hardware to compare it with, that of this machine unless given.
    Where the facts behind another fingerprint were not recorded, the one difference is that of the fingerprints.
    """
    recorded = store.records.get(circumstances.ENVIRONMENT, fingerprint)
    if recorded is None:
        same = fingerprint == present.fingerprint
        return () if same else (EnvironmentDifference("fingerprint", fingerprint[:12], present.fingerprint[:12]),)
    found = []
    if fingerprint != present.fingerprint:
        then, now = dict(_facts(recorded["facts"])), dict(_facts(present.facts))
        found = [EnvironmentDifference(*item) for item in _differing(then, now)]
    machine = recorded["hardware"] if hardware is None else hardware
    found += [
        EnvironmentDifference(*item, "hardware")
        for item in _machines(machine, present.hardware if here is None else here)
    ]
    return tuple(found)


def _machines(then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Of the flags only those by which numeric libraries choose their code, and of these what one side lacks."""
    if "flags" not in then:  # by an older version, which knew less, and of GPUs only their number
        known = [name for name in then if name in now and name != "gpus"]
        then, now = ({name: side[name] for name in known} for side in (then, now))
    plain = ({name: _said(value) for name, value in side.items() if name != "flags"} for side in (then, now))
    yield from _differing(*plain)
    before, after = ({flag for flag in side.get("flags", ()) if grades.is_vector(flag)} for side in (then, now))
    if before != after:
        yield "vector instructions", _only(before - after), _only(after - before)


def _only(flags: set[str]) -> str:
    return f"also {' '.join(sorted(flags))}" if flags else "no others"


def _said(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def hardware_of(store: Store, records: Iterable[DatumRecord]) -> Mapping[str, Any] | None:
    """The machine of the job that computed the first of these results whose job is still known; None where none is."""
    for record in records:
        result = store.records.get(jobs.RESULT, record.identity)
        pipeline, _, run = str((result or {}).get("job", "")).partition("@")
        job = store.records.get(jobs.JOB, f"{run}/{pipeline}") or {}
        found: Mapping[str, Any] | None = job.get("hardware")
        if found is not None:
            return found
    return None


def _facts(facts: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in facts.items():
        if name == "distributions":
            for package, item in value.items():
                yield f"package {package}", f"{item['version']}\0{item['files'][:8]}"
        elif name == "loose":
            for top, digest in value.items():
                yield f"site-packages/{top}", f"\0{str(digest)[:8]}"
        elif isinstance(value, Mapping):
            for key, item in value.items():
                yield f"{name} {key}", str(item)
        else:
            yield name.replace("_", " "), f"\0{str(value)[:8]}"


def _differing(then: Mapping[str, str], now: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    for name in sorted({*then, *now}):
        before, after = then.get(name, ABSENT), now.get(name, ABSENT)
        if before != after:
            # Digests of files are shown only where the version does not tell the two apart.
            version, _, files = before.partition("\0")
            other, _, others = after.partition("\0")
            if version == other or not version or not other:
                version, other = (
                    " ".join(part for part in (text, f"(files {mark})" if mark else "") if part)
                    for text, mark in ((version, files), (other, others))
                )
            yield name, version, other
