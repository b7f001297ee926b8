"""What a run tells whoever watches it. Values, sent as they happen, from any thread; nothing depends on them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Waiting:
    """Another run holds the project; this one waits for it. `holder` names it for a person."""

    holder: str


@dataclass(frozen=True, slots=True)
class Note:
    """What a person should know before the pipelines run, in one sentence."""

    text: str


@dataclass(frozen=True, slots=True)
class RunStarted:
    run: str
    pipelines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class JobPlanned:
    """`cached` of `total` datums have results already; `reasons` say why the job runs at all."""

    job: str
    pipeline: str
    total: int
    cached: int
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DatumStarted:
    """`identity` is the digest of everything that the result may depend on; `label` names the input files."""

    job: str
    pipeline: str
    datum: str
    label: str
    identity: str


@dataclass(frozen=True, slots=True)
class DatumFinished:
    """`state` is "processed", "recovered" or "failed"; `reason` and `tail`, the last lines that the step printed, are
    empty unless something went wrong."""

    job: str
    pipeline: str
    datum: str
    label: str
    state: str
    seconds: float
    reason: str = ""
    tail: str = ""


@dataclass(frozen=True, slots=True)
class Egressing:
    job: str
    pipeline: str
    url: str


@dataclass(frozen=True, slots=True)
class JobFinished:
    """`state` is "success", "failure", "killed" or "unrunnable"; `commit` is empty unless one was made."""

    job: str
    pipeline: str
    state: str
    processed: int
    skipped: int
    recovered: int
    failed: int
    total: int
    seconds: float
    commit: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class RunFinished:
    run: str
    state: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Output:
    """A line that a spout or service printed."""

    pipeline: str
    line: str


@dataclass(frozen=True, slots=True)
class Committed:
    """A spout, cron tick or trigger made a commit."""

    repository: str
    branch: str
    commit: str
    by: str


@dataclass(frozen=True, slots=True)
class Verified:
    """The datums of one commit were made again and compared; `state` is the worst of theirs."""

    job: str
    pipeline: str
    state: str
    datums: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Preparing:
    """What is being made ready before anything is computed, which may take long."""

    text: str


Event = (
    Waiting
    | Note
    | RunStarted
    | JobPlanned
    | DatumStarted
    | DatumFinished
    | Egressing
    | JobFinished
    | RunFinished
    | Output
    | Committed
    | Verified
    | Preparing
)
OnEvent = Callable[[Event], None]


def silent(_event: Event) -> None:
    """The listener that does nothing."""
