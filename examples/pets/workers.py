"""Workers: trials in processes of their own, which stop at every look until they are told to go on.

A trial keeps its process as long as it runs, so that waiting costs memory and no time; only `at_once` of them compute.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import shutil
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import redirect_stdout
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, NoReturn, Protocol

from pedigree.errors import NonFinite, PedigreeError, StepFailed

Numbers = Mapping[str, float]
Look = Callable[[int, Numbers], None]
Run = Callable[[Mapping[str, Any], Path, Look], object]
PR_SET_PDEATHSIG = 1


class Work(Protocol):
    """What a worker does. It is sent to the process as a pickle."""

    def prepare(self) -> Run:
        """Called once in each process. What it returns is called with the parameters of each trial, a folder for its
        checkpoints and a function to call at every look; it must let what that raises pass, and its numbers must depend
        on the parameters alone."""
        ...


class Stopped(Exception):
    """Raised in a trial that does not go on."""


class Workers:
    """A context; leaving it ends all processes. `folder` is for the checkpoints of trials that run."""

    def __init__(self, work: Work, folder: Path, at_once: int) -> None:
        self._work, self._folder, self._at_once = work, folder, at_once
        self._workers: list[_Worker] = []

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.end()

    def measure(self, trials: Mapping[int, Mapping[str, Any]], step: int) -> Iterator[tuple[int, Numbers | None]]:
        """Bring each of the trials (number to parameters) to the look at `step`; its numbers, in the order in which they
        come. None for one whose loss is no number any more.

        Raises what a trial raised; StepFailed when its process died.
        """
        queue, busy = sorted(trials), dict[Connection, _Worker]()
        while queue or busy:
            while queue and len(busy) < self._at_once:
                number = queue.pop(0)
                worker = self._worker(number)
                worker.go(number, trials[number], self._folder / f"trial-{number:03}", step)
                busy[worker.connection] = worker
            for connection in wait([*busy]):
                assert isinstance(connection, Connection)
                worker = busy.pop(connection)
                assert worker.trial is not None
                yield worker.trial, worker.answer(step)

    def stop(self, number: int) -> None:
        """End a trial and remove its checkpoints; its process is free for another."""
        for worker in self._workers:
            if worker.trial == number:
                worker.stop()
        shutil.rmtree(self._folder / f"trial-{number:03}", ignore_errors=True)

    def _worker(self, number: int) -> _Worker:
        """The process that has the trial, or a free one, or a new one."""
        for wanted in (number, None):
            for worker in self._workers:
                if worker.trial == wanted:
                    return worker
        self._workers.append(_Worker(self._work))
        return self._workers[-1]


class _Worker:
    """One process, seen from outside."""

    def __init__(self, work: Work) -> None:
        # Spawned, not forked: threads of torch and SQLite connections do not survive a fork.
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.trial: int | None = None
        self._process = context.Process(target=_serve, args=(work, theirs, os.getpid()), daemon=True)
        self._process.start()
        theirs.close()  # so that the end of the process is the end of the pipe

    def go(self, number: int, params: Mapping[str, Any], folder: Path, step: int) -> None:
        self._send((dict(params), folder, step) if self.trial is None else step)
        self.trial = number

    def answer(self, step: int) -> Numbers | None:
        try:
            answer = self.connection.recv()
        except EOFError:
            self._died()
        if isinstance(answer, PedigreeError | SystemExit):
            raise answer
        if isinstance(answer, str):
            raise StepFailed(f"Trial {self.trial} failed on its way to step {step}:\n{answer}", trial=self.trial)
        numbers: Numbers | None = answer
        return numbers

    def stop(self) -> None:
        self._send(None)
        self._receive_end()
        self.trial = None

    def end(self) -> None:
        self._process.kill()  # it holds nothing that is not on disk
        self._process.join()
        self.connection.close()

    def _send(self, order: object) -> None:
        try:
            self.connection.send(order)
        except BrokenPipeError:
            self._died()

    def _receive_end(self) -> None:
        try:
            self.connection.recv()
        except EOFError:
            self._died()

    def _died(self) -> NoReturn:
        self._process.join()
        code = self._process.exitcode or 0
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        raise StepFailed(
            f"The process of trial {self.trial} ended with {how}.",
            remedy="What was measured is kept: run again to go on. If memory ran out, lower search.together.",
            trial=self.trial,
            exit_code=code,
        )


def _serve(work: Work, connection: Connection, parent: int) -> None:
    """A worker: takes trials until the pipe closes. What trials print is dropped: lines of several would mix."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; the parent ends us
    if sys.platform == "linux":  # killed with the parent, so that nobody writes beside the next try
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        return
    run: Run | None = None
    with open(os.devnull, "w") as nothing, redirect_stdout(nothing):
        while True:
            try:
                params, folder, step = connection.recv()
            except EOFError:
                return
            try:
                run = run or work.prepare()
                run(params, folder, _Stops(connection, step))
                connection.send(f"it ended before it was looked at; it went on from the checkpoint in {folder}")
            except Stopped:
                pass
            except EOFError:  # nobody waits any more
                return
            except NonFinite:
                connection.send(None)
                connection.recv()  # to stop
            except (PedigreeError, SystemExit) as error:
                connection.send(error)
            except Exception:
                connection.send(traceback.format_exc())
            connection.send(True)


class _Stops:
    """The look of one trial: tells its numbers and waits, from step `wanted` on; what is before is known already."""

    def __init__(self, connection: Connection, wanted: int) -> None:
        self._connection, self._wanted = connection, wanted

    def __call__(self, step: int, numbers: Numbers) -> None:
        if step < self._wanted:
            return
        if step > self._wanted:
            raise RuntimeError(
                f"it went on from a checkpoint beyond step {self._wanted}, at which it is to be looked at"
            )
        self._connection.send({name: float(number) for name, number in numbers.items()})
        order = self._connection.recv()
        if order is None:
            raise Stopped
        self._wanted = order
