"""What a launcher is given, and what it owes.

An order says all that is needed to run one job, as text, so that it can go to another machine. Whatever launcher
carries it there, a supervisor runs it (`supervisor.py`), and what became of it lies in the job's own folder. So
launchers know nothing of states, attempts or results, and all of them behave the same.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Order:
    """Run the job of this folder, unless it has an outcome newer than attempt `seen`."""

    folder: str
    command: tuple[str, ...]
    directory: str
    file: str  #: digest of the bytes of its config.json
    seen: int = 0
    ranks: int | None = None
    grace_s: float = 10.0
    launcher: str = ""
    parent: int = 0  #: the process without which the job shall end; 0 for none
    environment: dict[str, str] = field(default_factory=dict)

    def text(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=True, separators=(",", ":"))

    @classmethod
    def of(cls, text: str) -> Order:
        values: dict[str, Any] = json.loads(text)
        return cls(**{**values, "command": tuple(values["command"])})


class Handle(Protocol):
    """One order under way."""

    #: Once it has ended: why there may be no outcome in the job's folder; None when all went as it should.
    problem: str | None


class Launcher(Protocol):
    """Where supervisors run. Used in a `with` block, by one thread.

    `jobs` is how many orders it wants at once; None when it has a queue of its own.
    """

    name: str
    jobs: int | None

    def __enter__(self) -> Launcher: ...

    def __exit__(self, *exception: object) -> None:
        """Let go of what it holds. No order is under way."""

    def submit(self, order: Order) -> Handle:
        """Start `supervisor.main` with the order's text, somewhere, and do not wait for it."""

    def finished(self, handles: Sequence[Any], timeout_s: float) -> list[Any]:
        """Those that have ended, as soon as one has, or none after `timeout_s`. May be interrupted by Ctrl-C."""

    def stop(self, handles: Sequence[Any], *, kill: bool = False) -> None:
        """Ask the supervisors to end their jobs; `kill`: at once, without grace. They are then reported by `finished`."""
