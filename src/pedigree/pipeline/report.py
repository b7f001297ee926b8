"""What a run did, told to whoever called it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pedigree.pipeline.jobs import Job


@dataclass(frozen=True, slots=True)
class RunReport:
    """`run` is None when everything was up to date; `jobs` are in the order in which they ended."""

    run: str | None
    state: str
    jobs: tuple[Job, ...] = ()
    up_to_date: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        return self.state in ("success", "up to date")

    def to_json(self) -> dict[str, Any]:
        return {
            "run": self.run,
            "state": self.state,
            "jobs": [job.to_json() for job in self.jobs],
            "up_to_date": list(self.up_to_date),
            "seconds": self.seconds,
        }
