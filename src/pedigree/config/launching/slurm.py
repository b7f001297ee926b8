"""The launcher of SLURM clusters, through submitit."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pedigree.config.launching.contract import Order
from pedigree.config.launching.remote import carry_out
from pedigree.errors import MissingExtra


@dataclass(eq=False, slots=True)
class SubmititHandle:
    job: Any
    problem: str | None = None
    stopped: bool = False


class Submitit:
    """One SLURM job for each job of the sweep, with submitit.

    `folder` is where submitit keeps its own files; all nodes must see it, the sweep and this environment. `cluster` is
    None for what submitit finds, or "slurm", "local" (processes of this machine) or "debug" (this process, one job
    after another). `parameters` are those of submitit's `update_parameters`: `timeout_min`, `slurm_partition`,
    `gpus_per_node`, … `jobs` bounds how many are queued at once. A job is one task on one node; for several
    processes in it give the work its `ranks`.

    A sweep that is killed leaves its jobs in the queue. They run to their end, and the resumed sweep takes over what
    they did: a job that it queues again waits for the first to end, and then finds it done.
    """

    name = "submitit"

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        cluster: str | None = None,
        jobs: int | None = None,
        poll_s: float = 1.0,
        **parameters: Any,
    ) -> None:
        try:
            import submitit
        except ImportError:
            raise MissingExtra(
                "Launching on SLURM needs submitit, which is not installed.",
                remedy="pip install 'pedigree-ml[submitit]'",
            ) from None
        self.jobs = jobs
        self.poll_s = poll_s
        self._executor = submitit.AutoExecutor(folder=os.path.abspath(folder), cluster=cluster)
        self._executor.update_parameters(**parameters)
        self._in_process = self._executor.cluster == "debug"

    def __enter__(self) -> Submitit:
        return self

    def __exit__(self, *exception: object) -> None:
        pass

    def submit(self, order: Order) -> SubmititHandle:
        return SubmititHandle(self._executor.submit(carry_out, order.text()))

    def finished(self, handles: Sequence[SubmititHandle], timeout_s: float) -> list[SubmititHandle]:
        deadline = time.monotonic() + timeout_s
        while True:
            done = [handle for handle in handles if self._in_process or handle.job.done()]
            if done:
                for handle in done:
                    if not handle.stopped:  # submitit waits long for a result that no cancelled job leaves
                        handle.problem = _problem(handle.job)
                return done
            left = deadline - time.monotonic()
            if left <= 0:
                return []
            time.sleep(min(self.poll_s, left))

    def stop(self, handles: Sequence[SubmititHandle], *, kill: bool = False) -> None:  # noqa: ARG002 - scancel kills by itself, after the cluster's grace
        for handle in handles:
            handle.stopped = True
            handle.job.cancel()


def _problem(job: Any) -> str | None:
    """Why the job's supervisor may have left no outcome."""
    try:
        failure = job.exception()
        if failure is not None:
            return f"submitit: {str(failure).strip().splitlines()[-1]}"
        problem: str | None = job.result()
    except Exception as error:  # a lost job is reported in several ways, and each is one job's failure
        return f"submitit: {type(error).__name__}: {error}"
    return problem
