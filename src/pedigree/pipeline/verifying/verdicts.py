"""The verdicts on a commit, kept beside it: its id does not change, and gc leaves them.

records "verdict"  COMMIT -> {"verdicts": [...]}, oldest first
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pedigree.pipeline.verifying.verdict import Verdict
    from pedigree.store import Store

VERDICT = "verdict"


def keep(store: Store, verdicts: Iterable[Verdict]) -> None:
    """Add a verdict to each commit that one is on; all of them, or none."""
    with store.database.transaction():
        for verdict in verdicts:
            before = of(store, verdict.commit)
            store.records.put(VERDICT, verdict.commit, {"verdicts": [*before, verdict.to_record()]})


def of(store: Store, commit: str) -> list[dict[str, Any]]:
    """What was found of the commit so far, oldest first, as `Verdict.to_record` gave it."""
    found = store.records.get(VERDICT, commit)
    return [] if found is None else list(found["verdicts"])


def summary(record: dict[str, Any]) -> str:
    """A verdict in half a line: state, time (UTC), how much was made again, by what."""
    import time

    when = time.strftime("%Y-%m-%d %H:%M", time.gmtime(record["time"]))
    datums = f"{record['identical']:,} of {record['chosen']:,} datums the same"
    part = f", a sample of {record['total']:,}" if record["sample"] else ""
    place = f", /{record['path']} only" if record["path"] else ""
    state = (
        record["overall"]
        if record["overall"] == record["state"]
        else f"{record['state']}, upstream {record['overall']}"
    )
    differ = sum(item["kind"] == "environment" for item in record["environment"])
    again = ", in its environment, recreated" if record.get("recreated") else ", in an environment"
    environment = f"{again} that differs in {differ:,} facts" if differ else again if record.get("recreated") else ""
    return f"{state} {when} ({datums}{part}{place}{environment}; pedigree {record['version']})"
