"""Search: Optuna asks, jobs of a sweep answer."""

from __future__ import annotations

import math
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pedigree import canonical
from pedigree.config.launching import naming
from pedigree.config.launching.contract import Launcher, Order
from pedigree.config.launching.driving import drive
from pedigree.config.launching.folder import Outcome
from pedigree.config.launching.manifest import Manifest, refreshed
from pedigree.config.launching.planning import new_folder, write_job
from pedigree.config.launching.points import Point
from pedigree.config.launching.results import as_number
from pedigree.config.launching.spaces import Space, space
from pedigree.config.launching.sweep import Progress, Sweep, open_sweep
from pedigree.config.launching.trials import SearchReport, Trial
from pedigree.config.launching.work import Work
from pedigree.errors import InvalidConfig, InvalidInput, MissingExtra

if TYPE_CHECKING:
    import optuna

_STUDY = "search"


def search(
    directory: str | os.PathLike[str],
    overrides: Sequence[str],
    compose_point: Callable[[list[str]], Point],
    work: Work,
    launcher: Launcher,
    *,
    trials: int,
    objective: str | None = None,
    direction: str = "minimize",
    seed: int = 0,
    check: bool = True,
    hidden: Callable[[str], bool] | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> SearchReport:
    """Draw `trials` points from the space that the overrides give (`spaces.py`), run each, and learn from the results.

    Each point is composed, validated and frozen by `compose_point` before its job starts, and the job reads its own
    frozen file, as in a sweep. A job reports its value with `report`: a number, or a dict in which `objective` names
    one. A job that fails, reports none or nan, or whose point does not compose, is a failed trial; it counts as one of
    the `trials`. With `check`, the ends and options of the space are composed first, one after another, so that a
    key that does not exist is an error before anything is made.

    Drawn by Optuna's TPE, seeded anew for each trial from `seed` and its number: with one job at a time a search that
    was killed and goes on draws what it would have drawn. With several at once it depends on who ends first.
    Calling it again with the same folder goes on, up to the present `trials`; space, objective, direction and seed must
    be the same. Raises InvalidConfig where they are not, Busy while another process runs it, and what `compose_point`
    raises in the check.
    """
    try:
        import optuna  # noqa: F401 - asked for before anything is made
    except ImportError:
        raise MissingExtra(
            "Searching needs optuna, which is not installed.", remedy="pip install 'pedigree-ml[optuna]'"
        ) from None
    if direction not in {"minimize", "maximize"}:
        raise InvalidConfig(f"The direction is {direction!r}.", remedy="Say minimize or maximize.")
    drawn = space(overrides)
    for corner in drawn.corners() if check else ():
        compose_point(corner)
    directory = os.path.abspath(directory)
    settings = {
        "space": [naming.masked(text, hidden) for text in overrides],
        "objective": objective,
        "direction": direction,
        "seed": seed,
    }
    if not os.path.lexists(directory):
        with new_folder(directory) as part:
            Manifest(work, (), {"search": settings}).write(part)
    sweep = open_sweep(directory)
    _same(sweep, settings)
    sweep.work = work
    with sweep.alone(), _study(sweep, direction) as study:
        sweep.refresh()
        run = _Search(sweep, study, drawn, compose_point, launcher, trials, objective, seed, hidden, progress)
        try:
            drive(launcher, run.following, run.ended)
        finally:
            sweep.write()
        return SearchReport(tuple(run.report()), direction, directory)


def _same(sweep: Sweep, settings: dict[str, Any]) -> None:
    begun = sweep.extra.get("search")
    if begun is None:
        raise InvalidConfig(f"{sweep.path} is a sweep of planned points.", remedy="Give the search another folder.")
    for key, value in settings.items():
        if begun[key] != value:
            raise InvalidConfig(
                f"The search in {sweep.path} was begun with {key} {begun[key]!r}; now it is {value!r}.",
                remedy="Go on with what it was begun with, or give the new search another folder.",
            )


@contextmanager
def _study(sweep: Sweep, direction: Any) -> Iterator[optuna.Study]:
    import optuna

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)  # what it says of files of ours is nothing to the user
    storage = None
    try:
        storage = optuna.storages.RDBStorage(f"sqlite:///{os.path.join(sweep.path, 'study.sqlite')}")
        yield optuna.create_study(study_name=_STUDY, storage=storage, direction=direction, load_if_exists=True)
    finally:
        optuna.logging.set_verbosity(before)
        if storage is not None:
            storage.remove_session()
            storage.engine.dispose()


@dataclass
class _Search:
    """One call of `search`. A trial's job has its number at the front of its name."""

    sweep: Sweep
    study: optuna.Study
    space: Space
    compose_point: Callable[[list[str]], Point]
    launcher: Launcher
    trials: int
    objective: str | None
    seed: int
    hidden: Callable[[str], bool] | None
    progress: Callable[[Progress], None] | None
    names: dict[int, str] = field(init=False)
    begun: list[optuna.trial.FrozenTrial] = field(init=False)

    def __post_init__(self) -> None:
        self.names = {_number(name): name for name in self.sweep.jobs}
        self.begun = [trial for trial in self._all() if not trial.state.is_finished()]

    def following(self) -> Order | None:
        """The job of a trial that was begun and not told, else of a new one; None once there are enough."""
        while True:
            if self.begun:
                trial = self.begun.pop(0)
                number, parameters = trial.number, trial.params
            elif len(self._all()) < self.trials:
                number, parameters = self._ask()
            else:
                return None
            if number not in self.names and not self._compose(number, parameters):
                continue
            name = self.names[number]
            job = refreshed(self.sweep.path, self.sweep.jobs[name])
            self.sweep.jobs[name] = job
            if job.state in {"done", "failed"}:
                self._tell(name)
                continue
            order = self.sweep.order(name, self.launcher)
            self._show(replace(job, state="running", problem=""))
            return order

    def ended(self, order: Order, outcome: Outcome) -> bool:
        job = self.sweep.ended(order, outcome)
        self._show(job)
        if job.state in {"done", "failed"}:
            self._tell(job.name)
        return True

    def report(self) -> Iterator[Trial]:
        import optuna

        for trial in self._all():
            name = self.names.get(trial.number, "")
            done = trial.state == optuna.trial.TrialState.COMPLETE
            state = "done" if done else "failed" if trial.state.is_finished() else "running"
            problem = str(trial.user_attrs.get("problem", ""))
            yield Trial(trial.number, state, trial.value if done else None, dict(trial.params), name, problem)

    def _all(self) -> list[optuna.trial.FrozenTrial]:
        return self.study.get_trials(deepcopy=False)

    def _ask(self) -> tuple[int, dict[str, Any]]:
        import optuna

        number = len(self._all())
        seed = int(canonical.digest_of("seed of a trial", [self.seed, number])[:8], 16)
        self.study.sampler = optuna.samplers.TPESampler(seed=seed, constant_liar=True)
        trial = self.study.ask(self.space.drawn)
        return trial.number, trial.params

    def _compose(self, number: int, parameters: dict[str, Any]) -> bool:
        """Freeze the trial's point and make its job; False when the trial failed of that."""
        drawn = self.space.overrides(parameters)
        try:
            point = self.compose_point(drawn)
        except InvalidInput as error:
            self._fail(number, error.message)
            return False
        shown = [naming.masked(one, self.hidden) for one in drawn]
        name = naming.name(number, shown[len(self.space.fixed) :])
        shutil.rmtree(self.sweep.folder(name).path, ignore_errors=True)  # made, and never started: it is in no manifest
        self.sweep.jobs[name] = write_job(self.sweep.path, name, point, shown)
        self.sweep.write()
        self.names[number] = name
        return True

    def _tell(self, name: str) -> None:
        job = self.sweep.jobs[name]
        if job.state == "failed":
            self._fail(_number(name), job.problem)
            return
        found = job.result
        if self.objective is not None:
            found = found.get(self.objective) if isinstance(found, dict) else None
        value = as_number(found)
        if value is None or math.isnan(value):
            what = "the number" if self.objective is None else f"a number {self.objective!r}"
            self._fail(_number(name), f"It reported {str(job.result)[:80]}, not {what} to judge it by.")
        else:
            self.study.tell(_number(name), value)

    def _fail(self, number: int, problem: str) -> None:
        import optuna

        identity = self.study._storage.get_trial_id_from_study_id_trial_number(self.study._study_id, number)
        self.study._storage.set_trial_user_attr(identity, "problem", problem)
        self.study.tell(number, state=optuna.trial.TrialState.FAIL)

    def _show(self, job: Any) -> None:
        self.sweep.jobs[job.name] = job
        if self.progress is not None:
            self.progress(Progress(job, Counter(one.state for one in self.sweep.jobs.values())))


def _number(name: str) -> int:
    return int(name.partition("-")[0])
