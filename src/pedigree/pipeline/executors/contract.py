"""The contract between the engine and whatever runs datums: a task goes in, a result comes out.

An executor never writes to the store's database and never decides what runs: the engine does both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from pedigree.pipeline.datums import Datum
    from pedigree.pipeline.model import Pipeline
    from pedigree.pipeline.outputs import Outputs
    from pedigree.store.batch import Batch
    from pedigree.store.trees import Entry

#: processed: an output exists. recovered: a try failed and `err_cmd` succeeded, no output. failed: neither.
State = Literal["processed", "failed", "recovered"]


@dataclass(frozen=True, slots=True)
class DatumTask:
    """Everything needed to run one datum, without asking the engine again.

    `code_tree` is the tree digest of the files of /code ("" for none); its objects and those of the inputs are
    published. `env` are variables for the step beyond those that `step.variables` derives; secrets are not in
    it. `checkpoints` is a folder of this machine that outlives the task; None: an empty one is made for it if its pipeline
    wants one. `output_commit` is shown to the step as PACH_OUTPUT_COMMIT_ID. `log_path` is written from the start of
    the first try on; its folder exists.
    """

    identity: str
    datum: Datum
    pipeline: Pipeline
    code_tree: str
    env: Mapping[str, str]
    job_id: str
    run_id: str
    output_commit: str
    log_path: Path
    checkpoints: Path | None = None


@dataclass(slots=True)
class DatumResult:
    """What became of one task. Times in seconds, `started` since the epoch (UTC), `seconds` over all tries.

    `exit_code` is of the last try: None when it was killed (`reason` says by what) or never started.
    `reason` is empty when processed, otherwise one or two sentences for a person.
    """

    task: DatumTask
    state: State
    tries: int
    exit_code: int | None
    started: float
    seconds: float
    reason: str = ""
    remedy: str = ""
    isolation: str = ""
    max_rss_bytes: int = 0
    cpu_seconds: float = 0.0
    log_bytes: int = 0
    outputs: Outputs | None = field(default=None, repr=False)

    def collect(self, batch: Batch) -> dict[str, Entry]:
        """The output files by store path, sorted; their bytes are in `batch` afterwards.

        Call it once, inside `on_result`: the folder of the outputs is gone when that returns. Empty unless the
        state is processed.
        """
        return {} if self.outputs is None else self.outputs.collect(batch)


class Executor(Protocol):
    """Runs tasks, many at once, in any order."""

    def run(self, tasks: Iterable[DatumTask], on_result: Callable[[DatumResult], None]) -> None:
        """Run every task; return when all results were handed over.

        `tasks` is consumed as workers become free, one at a time in any thread, so it may be lazy, long, and block. `on_result` is called in the
        thread that called `run`, one result at a time, in the order of completion; while it runs the other
        datums go on, and only when many results wait do the workers. A task may run several times
        (its tries, or again after a crash), so a step must be repeatable. An exception from `on_result`, from
        `tasks` or from the store stops all running steps and is raised here. Nothing of a step is left running
        when `run` returns or raises.
        """
        ...

    def stop(self) -> None:
        """Kill every running step at once, from any thread or a signal handler; `run` then returns early.

        Tasks that were running or waiting have no result. Idempotent, and final: a stopped executor runs nothing.
        """
        ...
