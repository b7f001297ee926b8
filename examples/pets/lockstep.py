"""Lockstep: the search, in which trials that run together are compared at the same steps, in the order of their numbers.

When a trial is pruned depends on others, so what is asked for next would depend on which process was faster. Here all trials asked
for together are brought to the same step; then they are told and judged by number. How many of them compute at once changes nothing.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from study import Study, Tried
from workers import Numbers, Work, Workers

from pedigree.errors import Busy


def search(study: Study, work: Work, folder: Path, at_once: int) -> None:
    """Run the study to its end, from wherever it is.

    `folder` outlives a killed process: the study is published there at every look, what trials measured before others had
    is noted, and their checkpoints are kept. Raises as `Workers.measure` does; Busy when another process uses the folder.
    """
    with _alone(folder):
        trials, noted = folder / "trials", _Noted(folder / "looking.json")
        if not study.file.exists():  # what else lies here is of another study
            shutil.rmtree(trials, ignore_errors=True)
            noted.clear()
        for trial in study.trials:
            if trial.state != "running":
                shutil.rmtree(trials / f"trial-{trial.number:03}", ignore_errors=True)
        _print_state(study)
        with Workers(work, trials, at_once) as workers:
            while asked := study.running or study.ask():
                step = study.next_look()
                if not asked[0].looks:
                    study.publish()
                    _print_asked(asked)
                known = noted.read(step)
                missing = {trial.number: trial.params for trial in asked if trial.number not in known}
                for number, numbers in workers.measure(missing, step):
                    known[number] = numbers
                    noted.write(step, known)
                told = [study.tell(trial.number, step, known[trial.number]) for trial in asked]
                study.publish()
                for trial in told:
                    _print_told(study, trial, step)
                    if trial.state != "running":
                        workers.stop(trial.number)


class _Noted:
    """What the running trials showed at one step, until all of them are told. None stands for one that diverged."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def clear(self) -> None:
        self._file.unlink(missing_ok=True)

    def read(self, step: int) -> dict[int, Numbers | None]:
        """Nothing where the notes are of another step or there are none."""
        if not self._file.exists():
            return {}
        noted = json.loads(self._file.read_text())
        return {int(number): numbers for number, numbers in noted["trials"].items()} if noted["step"] == step else {}

    def write(self, step: int, trials: Mapping[int, Numbers | None]) -> None:
        part = self._file.with_name(f"{self._file.name}.part")
        with part.open("w") as file:
            json.dump({"step": step, "trials": trials}, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, self._file)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    import fcntl

    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Busy(
                f"Another process searches in {folder}.",
                remedy="Wait for it, or give PEDIGREE_CHECKPOINTS another folder.",
            ) from error
        yield


def _print_state(study: Study) -> None:
    search, trials = study.search, study.trials
    looks = ", ".join(map(str, search.looks))
    print(f"{search.trials} trials, {search.together} together, by {search.metric} at steps {looks}", flush=True)
    if trials:
        finished = sum(trial.state != "running" for trial in trials)
        print(f"going on with a study of which {finished} trials are finished", flush=True)


def _print_asked(asked: list[Tried]) -> None:
    for trial in asked:
        print(f"trial {trial.number}: {_shown(trial.params)}{'' if trial.number else ' (today)'}", flush=True)


def _print_told(study: Study, trial: Tried, step: int) -> None:
    search, best = study.search, study.best
    value = f"{trial.looks[step][search.metric]:.4f}" if step in trial.looks else "no number"
    then = {"running": "", "complete": ", complete"}.get(trial.state, f", {trial.state}")
    if best is not None and best.number == trial.number:
        then += ", the best so far"
    print(f"trial {trial.number}, step {step} of {search.steps}: {search.metric} {value}{then}", flush=True)


def _shown(params: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}" for name, value in params.items()
    )
