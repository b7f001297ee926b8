"""The executor of one machine: some threads, each driving one sandboxed process at a time."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from pedigree.pipeline import step
from pedigree.pipeline.executors.contract import DatumResult, DatumTask
from pedigree.pipeline.process import Stop
from pedigree.pipeline.site import Site

if TYPE_CHECKING:
    from pedigree.pipeline.interpreter import Interpreter
    from pedigree.store import Store


#: How many results may wait to be taken before workers wait too; the taker flushes to disk now and then.
WAITING = 32


class LocalExecutor:
    """Runs up to `workers` datums at once. One `run` at a time."""

    def __init__(self, store: Store, *, workers: int, isolation: str, python: Interpreter | None = None) -> None:
        """`isolation` is a level, as `sandbox.choose` returns it; `python` runs the steps, the running one unless given."""
        self.store = store
        self.workers = max(1, workers)
        self.isolation = isolation
        self.python = python
        self._stop = Stop()

    def stop(self) -> None:
        self._stop.throw()

    def run(self, tasks: Iterable[DatumTask], on_result: Callable[[DatumResult], None]) -> None:
        with Site(self.store, self.isolation, self.python) as site:
            _Run(site, tasks, on_result, self._stop, self.workers).run()


class _Run:
    def __init__(
        self,
        site: Site,
        tasks: Iterable[DatumTask],
        on_result: Callable[[DatumResult], None],
        stop: Stop,
        workers: int,
    ) -> None:
        self.site = site
        self.tasks = iter(tasks)
        self.on_result = on_result
        self.stop = stop
        self.workers = workers
        self.pulling = threading.Lock()
        # None: a worker is done; an exception: it failed in a way that is not the step's.
        self.done: queue.SimpleQueue[tuple[DatumResult, step.Leftover] | BaseException | None] = queue.SimpleQueue()
        # Outputs that nobody has taken yet fill the disk, so no datum starts while many of them wait.
        self.room = threading.Semaphore(workers + WAITING)

    def run(self) -> None:
        threads = [threading.Thread(target=self._work, name=f"datum-{number}") for number in range(self.workers)]
        for thread in threads:
            thread.start()
        error: BaseException | None = None
        left = len(threads)
        while left:
            try:
                item = self.done.get()
                if item is None:
                    left -= 1
                elif isinstance(item, BaseException):
                    error = error or item
                    self.stop.throw()
                else:
                    self._take(*item, wanted=error is None)
            except BaseException as caught:  # also Ctrl-C: the threads must end before this returns
                error = error or caught
                self.stop.throw()
        for thread in threads:
            thread.join()
        if error is not None:
            raise error

    def _take(self, result: DatumResult, leftover: step.Leftover, *, wanted: bool) -> None:
        try:
            if wanted:
                self.on_result(result)
        finally:
            self.room.release()
            leftover.remove()

    def _work(self) -> None:
        try:
            while not self.stop.thrown:
                with self.pulling:
                    # Thrown meanwhile, perhaps: another thread does that.
                    task = None if self.stop.thrown else next(self.tasks, None)  # type: ignore[redundant-expr]  # see above
                if task is None:
                    return
                self.room.acquire()
                done = step.run_datum(task, self.site, self.stop)
                if done is None:
                    self.room.release()
                    return
                self.done.put(done)
        except BaseException as error:
            self.done.put(error)
        finally:
            self.done.put(None)
