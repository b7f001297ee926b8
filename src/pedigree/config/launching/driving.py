"""The loop that keeps a launcher busy: one for sweeps and for searches, whatever the launcher."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from pedigree.config.launching.contract import Launcher, Order
from pedigree.config.launching.folder import JobFolder, Outcome

#: How long an outcome written on another machine may take to be seen on this one.
LAG_S = 5.0


def drive(
    launcher: Launcher,
    following: Callable[[], Order | None],
    ended: Callable[[Order, Outcome], bool],
    *,
    tick_s: float = 1.0,
) -> bool:
    """Run what `following` gives until it gives None with nothing under way; True unless cut short.

    `ended` is told of each outcome, in the order in which they come, and cuts short by returning False: what is under
    way is then stopped, and told of as well. So it is after any exception, Ctrl-C included, before that goes on;
    a second Ctrl-C kills.
    """
    running: dict[Any, Order] = {}
    with launcher:
        try:
            while True:
                while launcher.jobs is None or len(running) < launcher.jobs:
                    order = following()
                    if order is None:
                        break
                    running[launcher.submit(order)] = order
                if not running:
                    return True
                go_on = True
                for order, problem in [
                    (running.pop(one), one.problem) for one in launcher.finished(list(running), tick_s)
                ]:
                    go_on &= ended(order, _outcome(order, problem, stopped=False))
                if not go_on:
                    _stop(launcher, running, ended)
                    return False
        except BaseException:
            _stop(launcher, running, ended)
            raise


def _stop(launcher: Launcher, running: dict[Any, Order], ended: Callable[[Order, Outcome], bool]) -> None:
    """Stop all that is under way and tell of each; only then is it over."""
    if not running:
        return
    deadline = time.monotonic() + max(order.grace_s for order in running.values()) + LAG_S
    launcher.stop(list(running))
    killed = False
    while running:
        done: list[Any] = []
        try:
            done = launcher.finished(list(running), 0.2)
        except KeyboardInterrupt:
            deadline = 0.0
        for handle in done:
            order = running.pop(handle)
            with suppress(KeyboardInterrupt):
                ended(order, _outcome(order, handle.problem, stopped=True))
        if time.monotonic() > deadline and running:
            if killed:
                break  # a queue that does not answer: a resumed sweep will look at the folders
            killed = True
            deadline = time.monotonic() + LAG_S
            launcher.stop(list(running), kill=True)


def _outcome(order: Order, problem: str | None, *, stopped: bool) -> Outcome:
    """What the job's folder says; where it says nothing new, that the supervisor was lost."""
    folder = JobFolder(order.folder)
    deadline = time.monotonic() + (LAG_S if problem is None and not stopped else 0.0)
    while True:
        found = folder.outcome()
        if found is not None and found.attempt > order.seen:
            return found
        if time.monotonic() >= deadline:
            break
        time.sleep(0.05)
    attempt = folder.attempts()
    if stopped:
        return Outcome("stopped", attempt, problem="Stopped from outside.")
    problem = f"Its supervisor was lost: {problem or 'it left no outcome'}."
    return Outcome("failed", attempt, problem=problem, log=folder.log_name(attempt))
