"""A study: Optuna's account of a search, of which the file on disk always holds a whole state.

Optuna writes one ask, report or pruning in several transactions. A process killed between two of them would leave an account from
which other parameters, or another pruning, follow. So the account is in memory here (SQLite, as Optuna's own storage makes it), and
`publish` puts a copy of all of it into the file's place by one rename.

What Optuna decides is a pure function of the account: each ask has a sampler of its own, seeded by the number of the trial, so
that no random state has to survive; the name of the study, from which Hyperband draws the brackets, is fixed.
"""

from __future__ import annotations

import json
import math
import os
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import optuna
from optuna.distributions import BaseDistribution
from optuna.pruners import HyperbandPruner
from optuna.samplers import TPESampler
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState
from settings_tune import Search
from sqlalchemy.pool import StaticPool

from pedigree import training
from pedigree.errors import CheckpointMismatch, CorruptCheckpoint

NAME = "pets"
RECIPE = "recipe"
LOOK = "look:"  # of the attributes of a trial that hold all numbers of a look, by step
SEEDS = 2**32  # NumPy's legacy generator, which Optuna draws from, takes no larger seed
EPOCH = "1970-01-01 00:00:00.000000"


class Tried(NamedTuple):
    """A trial: `state` is running, complete, pruned or diverged; `looks` are its numbers by step, none where it diverged."""

    number: int
    params: dict[str, Any]
    state: str
    value: float | None
    looks: dict[int, dict[str, float]]


class Study:
    """The trials so far, and what comes next. `space` and `today` (the parameters of trial 0) have the same names."""

    def __init__(
        self,
        file: Path,
        search: Search,
        space: Mapping[str, BaseDistribution],
        today: Mapping[str, Any],
        recipe: Mapping[str, Any],
        seed: int,
    ) -> None:
        """Go on with the study in the file, or begin one where there is none.

        Raises CheckpointMismatch where the study there has another recipe, and CorruptCheckpoint where it is none; the file
        is left as it is.
        """
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.file, self.search, self._space, self._seed = file, search, dict(space), seed
        self._memory = sqlite3.connect(":memory:")
        # Sorted, so that the order in which a configuration was written is not in the bytes of the study.
        recipe = json.loads(json.dumps(recipe, sort_keys=True))
        begun = file.exists()
        if begun:
            _copy_into(self._memory, file)
        self._study = _opened(self._memory, file if begun else None, search)
        if not begun:
            self._study.set_user_attr(RECIPE, recipe)
            self._study.enqueue_trial(dict(sorted(today.items())))
        _compare(file, self._study.user_attrs.get(RECIPE), recipe)
        # Hyperband makes its brackets when it is first asked; the sampler looks at them before that.
        self._study.pruner.prune(self._study, optuna.trial.create_trial(state=TrialState.RUNNING))

    @property
    def trials(self) -> list[Tried]:
        """All trials that have been asked for, in the order of their numbers."""
        return [_tried(trial) for trial in self._frozen()]

    @property
    def running(self) -> list[Tried]:
        return [trial for trial in self.trials if trial.state == "running"]

    @property
    def best(self) -> Tried | None:
        """The complete trial of the best value, of equal ones the first; None where there is none yet."""
        complete = [trial for trial in self.trials if trial.state == "complete"]
        return min(complete, key=lambda trial: self._rank(trial.value or 0.0), default=None)

    def ask(self) -> list[Tried]:
        """The next trials, as many as run together; none when the study is finished."""
        asked = len(self._frozen())
        for number in range(asked, min(asked + self.search.together, self.search.trials)):
            self._study.sampler = TPESampler(
                seed=training.derive(self._seed, "ask", number) % SEEDS, n_startup_trials=self.search.startup
            )
            self._study.ask(self._space)
        return self.running

    def next_look(self) -> int:
        """The step at which the running trials are looked at next."""
        done = max(max(trial.looks, default=0) for trial in self.running)
        return next(step for step in self.search.looks if step > done)

    def tell(self, number: int, step: int, numbers: Mapping[str, float] | None) -> Tried:
        """What a trial showed at a step (None: it diverged), and what it is from now on.

        Hyperband compares with what was told before, so the order of the calls matters: that of the trials' numbers.
        """
        value = math.nan if numbers is None else numbers[self.search.metric]
        frozen = self._frozen()[number]
        trial = optuna.Trial(self._study, frozen._trial_id)  # Optuna has no other way to a trial of an earlier process
        trial.report(value, step)
        if numbers is None or not math.isfinite(value):
            trial.set_user_attr("diverged", True)
            self._study.tell(number, state=TrialState.PRUNED)
        else:
            trial.set_user_attr(f"{LOOK}{step}", dict(numbers))
            if step == self.search.steps:
                self._study.tell(number, value)
            elif trial.should_prune():
                self._study.tell(number, state=TrialState.PRUNED)
        return self.trials[number]

    def importances(self) -> dict[str, float]:
        """The part of each parameter in the variance of the value, by fANOVA over the complete trials; largest first.

        Empty where there are fewer than two, or all have the same value. Source: Hutter et al. 2014, "An Efficient Approach
        for Assessing Hyperparameter Importance", equation 11.
        """
        complete = [trial for trial in self.trials if trial.state == "complete"]
        if len({trial.value for trial in complete}) < 2:
            return {}
        evaluator = optuna.importance.FanovaImportanceEvaluator(seed=training.derive(self._seed, "importance") % SEEDS)
        return optuna.importance.get_param_importances(self._study, evaluator=evaluator)

    def publish(self) -> None:
        """Put all that is known into the file, on disk, or leave it as it was."""
        part = self.file.with_name(f"{self.file.name}.part")
        part.unlink(missing_ok=True)
        target = sqlite3.connect(part)
        self._memory.backup(target)  # its commit syncs the file
        target.close()
        os.replace(part, self.file)
        folder = os.open(self.file.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)

    def export(self, file: Path) -> None:
        """Write the study as a new SQLite file that Optuna opens, with all times of day set to 1970."""
        copy = sqlite3.connect(":memory:")
        self._memory.backup(copy)
        copy.execute("UPDATE trials SET datetime_start = ?", (EPOCH,))
        copy.execute("UPDATE trials SET datetime_complete = ? WHERE datetime_complete IS NOT NULL", (EPOCH,))
        copy.commit()
        copy.execute("VACUUM INTO ?", (str(file),))
        copy.close()

    def _frozen(self) -> list[FrozenTrial]:
        return [trial for trial in self._study.get_trials(deepcopy=False) if trial.state != TrialState.WAITING]

    def _rank(self, value: float) -> float:
        return value if is_loss(self.search) else -value


def is_loss(search: Search) -> bool:
    """Whether small values of the metric are good."""
    return search.metric.startswith("loss/")


def _copy_into(memory: sqlite3.Connection, file: Path) -> None:
    source = sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)
    try:
        source.backup(memory)
        found = memory.execute("PRAGMA integrity_check").fetchone()[0]
    except sqlite3.DatabaseError as error:
        raise _corrupt(file, str(error)) from error
    finally:
        source.close()
    if found != "ok":
        raise _corrupt(file, found.splitlines()[0])


def _opened(memory: sqlite3.Connection, file: Path | None, search: Search) -> optuna.Study:
    pruner = HyperbandPruner(
        min_resource=search.min_steps, max_resource=search.steps, reduction_factor=search.reduction
    )
    direction = "minimize" if is_loss(search) else "maximize"
    try:
        storage = RDBStorage("sqlite://", engine_kwargs={"poolclass": StaticPool, "creator": lambda: memory})
        known = optuna.get_all_study_names(storage)
        if file is not None and known != [NAME]:
            raise _mismatch(file, f"is none that tune made: the file has {known}, not [{NAME!r}]")
        return optuna.create_study(
            storage=storage, study_name=NAME, load_if_exists=True, pruner=pruner, direction=direction
        )
    except (RuntimeError, optuna.exceptions.StorageInternalError) as error:  # of another schema, or no schema at all
        if file is None:
            raise
        raise _corrupt(file, str(error).splitlines()[0]) from error


def _compare(file: Path, stored: Mapping[str, Any] | None, recipe: Mapping[str, Any]) -> None:
    if stored is None:
        raise _mismatch(file, "is none that tune made: it does not say what was searched")
    before, now = _flat(stored), _flat(recipe)
    differing = [name for name in sorted({*before, *now}) if before.get(name) != now.get(name)]
    if differing:
        told = [f"{name} was {before.get(name, 'absent')}, is {now.get(name, 'absent')}" for name in differing]
        raise _mismatch(file, f"is of another search: {'; '.join(told)}", differing=differing)


def _flat(values: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in values.items():
        flat |= _flat(value, f"{above}{name}.") if isinstance(value, Mapping) else {f"{above}{name}": value}
    return flat


def _mismatch(file: Path, what: str, **objects: Any) -> CheckpointMismatch:
    return CheckpointMismatch(
        f"The study in {file} {what}.",
        remedy="Put these values back to go on with it, or begin a new one in another folder (PEDIGREE_CHECKPOINTS). "
        "The file was left as it is.",
        path=str(file),
        **objects,
    )


def _corrupt(file: Path, why: str) -> CorruptCheckpoint:
    return CorruptCheckpoint(
        f"{file} cannot be read as an Optuna study: {why}.",
        remedy="Restore it, or move it away to begin a new study. The file was left as it is.",
        path=str(file),
    )


def _tried(trial: FrozenTrial) -> Tried:
    attributes = trial.user_attrs
    looks = {int(name.removeprefix(LOOK)): attributes[name] for name in attributes if name.startswith(LOOK)}
    state = "diverged" if "diverged" in attributes else trial.state.name.lower()
    value = trial.value if trial.state == TrialState.COMPLETE else None
    return Tried(trial.number, dict(sorted(trial.params.items())), state, value, dict(sorted(looks.items())))
