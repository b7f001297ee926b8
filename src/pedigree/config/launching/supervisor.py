"""The process that runs one job: it starts its ranks, watches them, ends them, and writes what became of them.

Every launcher starts this and nothing else: `python -P -m pedigree.config.launching.supervisor ORDER`.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field

from pedigree.config.launching import folder as folders
from pedigree.config.launching import processes, variables
from pedigree.config.launching.contract import Order
from pedigree.config.launching.folder import JobFolder, Outcome
from pedigree.errors import InvalidConfig


class Signals:
    """Whether to stop, and a wait that ends when a child ends or a signal comes. One per process, in its main thread."""

    def __init__(self) -> None:
        self.stops = 0
        self._read, write = os.pipe()
        os.set_blocking(self._read, False)
        os.set_blocking(write, False)
        signal.set_wakeup_fd(write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._stop)

    def _stop(self, *_: object) -> None:
        self.stops += 1

    def stopped(self) -> bool:
        return self.stops > 0

    def wait(self, timeout_s: float) -> None:
        select.select([self._read], [], [], timeout_s)
        with suppress(BlockingIOError):
            os.read(self._read, 4096)


def supervise(order: Order, signals: Signals) -> Outcome | None:
    """Run the job and give its outcome; where another supervisor brought it to an end since `order.seen`, that outcome
    is given instead, and nothing runs. None when stopped before it began."""
    folder = JobFolder(order.folder)
    with folder.locked(signals.stopped) as alone:
        if not alone:
            return None
        last = folder.outcome()
        if last is not None and last.attempt > order.seen and last.state != "stopped":
            return last
        if signals.stopped():
            return None
        attempt = folder.begin(order.launcher)
        run = _Run(order, folder, attempt, signals)
        outcome = run.outcome()
        folder.finish(outcome)
        return outcome


@dataclass
class _Run:
    """One attempt."""

    order: Order
    folder: JobFolder
    attempt: int
    signals: Signals
    started: str = field(default_factory=folders.now)
    clock: float = field(default_factory=time.monotonic)

    def outcome(self) -> Outcome:
        problem = self._changed()
        if problem is not None:
            return self._ended("failed", problem)
        ranks: list[subprocess.Popen[bytes]] = []
        with ExitStack() as logs:
            try:
                for rank in range(self.order.ranks or 1):
                    log = logs.enter_context(open(self.folder.file(self.folder.log_name(self.attempt, rank)), "wb"))
                    ranks.append(
                        processes.start(self.order.command, self.order.directory, self._environment(rank), log)
                    )
            except OSError as error:
                self._end(ranks)
                return self._ended("failed", f"The command could not be started: {error.strerror}: {error.filename}.")
        return self._watched(ranks)

    def _watched(self, ranks: list[subprocess.Popen[bytes]]) -> Outcome:
        while True:
            codes = [one.poll() for one in ranks]
            failed = next((rank for rank, code in enumerate(codes) if code), None)
            if self.signals.stopped():
                self._end(ranks)
                return self._ended("stopped", "Stopped from outside.")
            if failed is not None:
                self._end(ranks)
                code = codes[failed]
                assert code is not None
                who = f"Rank {failed} of {len(ranks)} ended" if self.order.ranks else "It ended"
                return self._ended("failed", f"{who} with {processes.told(code)}.", code, failed)
            if all(code == 0 for code in codes):
                return self._ended("done", "", 0)
            self.signals.wait(5.0)

    def _end(self, ranks: list[subprocess.Popen[bytes]]) -> None:
        """End all that still run: ask, wait for the grace or for a second signal, then kill."""
        for one in ranks:
            processes.signal_group(one.pid, signal.SIGTERM)
        deadline = time.monotonic() + self.order.grace_s
        asked = self.signals.stops
        while any(one.poll() is None for one in ranks):
            left = deadline - time.monotonic()
            if left <= 0 or self.signals.stops > max(asked, 1):
                break
            self.signals.wait(min(left, 0.2))
        for one in ranks:
            processes.signal_group(one.pid, signal.SIGKILL)
        for one in ranks:
            one.wait()

    def _changed(self) -> str | None:
        from pedigree import canonical

        try:
            with open(self.folder.config, "rb") as file:
                found = canonical.digest(file.read())
        except OSError as error:
            return f"Its configuration cannot be read: {error.strerror}: {self.folder.config}."
        if found != self.order.file:
            return f"Its configuration is not the one that was frozen: {self.folder.config} was changed."
        return None

    def _environment(self, rank: int) -> dict[str, str]:
        environment = dict(os.environ)
        if not _alone(environment):
            for name in variables.NAMES:
                environment.pop(name, None)
        environment.update(self.order.environment)
        # A log that ends where the process was when it was killed, not at the last full buffer before that.
        environment.setdefault("PYTHONUNBUFFERED", "1")
        environment["PEDIGREE_CONFIG"] = self.folder.config
        environment["PEDIGREE_JOB"] = self.folder.path
        if self.order.ranks is not None:
            environment.update(self._rank_environment(rank, self.order.ranks))
        return environment

    def _rank_environment(self, rank: int, size: int) -> dict[str, str]:
        """As torchrun sets it, so that libraries that know torchrun need know nothing else."""
        if not hasattr(self, "_port"):
            self._port = _free_port()
        return {
            "RANK": str(rank),
            "LOCAL_RANK": str(rank),
            "WORLD_SIZE": str(size),
            "LOCAL_WORLD_SIZE": str(size),
            "GROUP_RANK": "0",
            "MASTER_ADDR": "127.0.0.1",
            "MASTER_PORT": str(self._port),
            "TORCHELASTIC_RUN_ID": f"{os.path.basename(self.folder.path)}-{self.attempt}",
        }

    def _ended(self, state: str, problem: str, code: int | None = None, rank: int = 0) -> Outcome:
        return Outcome(
            state=state,
            attempt=self.attempt,
            started=self.started,
            ended=folders.now(),
            seconds=round(time.monotonic() - self.clock, 3),
            exit_code=None if code is None else code if code >= 0 else 128 - code,
            problem=problem,
            log=self.folder.log_name(self.attempt, rank),
            host=socket.gethostname(),
        )


def _alone(environment: dict[str, str]) -> bool:
    """Whether the variables of a launcher around us, if any, speak of a single process. They may then stay."""
    try:
        return all(place.world_size == 1 for place in variables.places(environment))
    except InvalidConfig:
        return False


def _free_port() -> int:
    """A port that was free a moment ago: rank 0 takes it, unless somebody is faster, and then the job fails."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def main(arguments: list[str]) -> int:
    """Exit code 0 when there is an outcome, whatever it is; 3 when stopped before the job began."""
    order = Order.of(arguments[0])
    signals = Signals()
    if order.parent and not processes.end_with_parent(order.parent, signal.SIGTERM):
        return 3
    return 0 if supervise(order, signals) is not None else 3


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
