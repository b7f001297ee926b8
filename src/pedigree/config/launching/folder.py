"""The folder of one job, which holds the truth about it.

config.json      its frozen configuration, never written again
attempts.jsonl   a line for each start
log-1.txt        what attempt 1 wrote to stdout and stderr; log-1-rank2.txt of rank 2
result.json      what the present attempt reported
outcome.json     how the last finished attempt ended
lock             held by the supervisor for as long as the job runs
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from pedigree.config.launching import files

CONFIG = "config.json"
RESULT = "result.json"

#: Of a log, what is shown when a job fails.
TAIL_LINES = 20
TAIL_BYTES = 4000


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended: `done`, `failed`, or `stopped` from outside."""

    state: str
    attempt: int
    started: str = ""
    ended: str = ""
    seconds: float = 0.0
    exit_code: int | None = None  #: of the rank that failed first; 128 + N after signal N
    problem: str = ""
    log: str = ""  #: name in the folder, of that rank
    host: str = ""


@dataclass(frozen=True, slots=True)
class JobFolder:
    path: str

    def file(self, name: str) -> str:
        return os.path.join(self.path, name)

    @property
    def config(self) -> str:
        return self.file(CONFIG)

    @contextmanager
    def locked(self, stopped: Callable[[], bool]) -> Iterator[bool]:
        """Alone with the job; False when `stopped` said so before that. A supervisor that still runs it, started by a
        sweep that was killed since, is waited for."""
        with open(self.file("lock"), "ab") as handle:
            while True:
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if stopped():
                        yield False
                        return
                    time.sleep(0.05)
            yield True  # the lock goes with the handle

    def begin(self, launcher: str) -> int:
        """Record a start and give its number, from 1."""
        attempt = self.attempts() + 1
        line = {"attempt": attempt, "started": now(), "host": socket.gethostname(), "pid": os.getpid()}
        text = json.dumps({**line, "launcher": launcher}) + "\n"
        with open(self.file("attempts.jsonl"), "a", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileNotFoundError):
            os.unlink(self.file(RESULT))
        return attempt

    def attempts(self) -> int:
        """How often it was started."""
        try:
            with open(self.file("attempts.jsonl"), "rb") as file:
                return file.read().count(b"\n")
        except FileNotFoundError:
            return 0

    def finish(self, outcome: Outcome) -> None:
        files.write(self.file("outcome.json"), asdict(outcome))

    def outcome(self) -> Outcome | None:
        found = files.read(self.file("outcome.json"))
        return None if found is None else Outcome(**found)

    def result(self) -> Any:
        """What it reported; None where it did not."""
        found = files.read(self.file(RESULT))
        return None if found is None else found["result"]

    def log_name(self, attempt: int, rank: int = 0) -> str:
        return f"log-{attempt}.txt" if rank == 0 else f"log-{attempt}-rank{rank}.txt"

    def tail(self, name: str) -> str:
        """The last lines of a log; empty where it has none."""
        try:
            with open(self.file(name), "rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(0, size - TAIL_BYTES))
                text = file.read().decode("utf-8", "replace")
        except (FileNotFoundError, IsADirectoryError):
            return ""
        lines = text.splitlines()
        if size > TAIL_BYTES:
            lines = lines[1:] or lines  # the first is cut
        return "\n".join(lines[-TAIL_LINES:])


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
