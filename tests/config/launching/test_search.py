"""Search: spaces, trials, and going on."""

from __future__ import annotations

from pathlib import Path

import pytest

from pedigree.config import launching
from pedigree.config.launching import Local, Progress, SearchReport, space
from pedigree.errors import InvalidConfig, InvalidInput, NotFound
from tests.config.launching import jobs
from tests.config.launching.frozen import Frozen, compose_point

SPACE = ["x=interval(-10,10)", "opt=a,b", "n=3"]


def searched(folder: Path, trials: int, *, seed: int = 0, jobs_at_once: int = 1) -> SearchReport:
    return launching.search(
        folder / "search",
        SPACE,
        compose_point,
        launching.function(jobs.quadratic),
        Local(jobs=jobs_at_once),
        trials=trials,
        objective="loss",
        seed=seed,
    )


def test_overrides_say_the_space() -> None:
    """Break: draw whole numbers as floats; include the end of a range; take `'1'` for the number 1."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    found = space(
        [
            "lr=tag(log,interval(1e-5,1e-1))",
            "drop=interval(0,0.5)",
            "n=int(interval(1,8))",
            "m=tag(log,int(interval(1,256)))",
            "k=range(16,128,16)",
            "f=range(1,0,-0.25)",
            "+model/opt@o=adam,'1',[1,2],null",
            "q=3",
        ]
    )
    assert found.fixed == ("q=3",)
    assert found.drawn == {
        "lr": FloatDistribution(1e-5, 1e-1, log=True),
        "drop": FloatDistribution(0.0, 0.5),
        "n": IntDistribution(1, 8),
        "m": IntDistribution(1, 256, log=True),
        "k": IntDistribution(16, 112, step=16),
        "f": FloatDistribution(0.25, 1.0, step=0.25),
        "+model/opt@o": CategoricalDistribution(["adam", "'1'", "[1,2]", "null"]),
    }
    assert found.overrides({"lr": 0.001, "n": 4, "+model/opt@o": "'1'"}) == [
        "q=3",
        "lr=0.001",
        "n=4",
        "+model/opt@o='1'",
    ]
    assert len(found.corners()) == 1 + 6 + 3


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["a=1"], "Nothing is left for the search to draw: a=1."),
        (["a=glob(*)"], "The space a=glob(*) depends on the files that are there."),
        (["a=tag(lgo,interval(1,2))"], "The space a=tag(lgo,interval(1,2)) has the tag 'lgo'.\nDid you mean 'log'? "),
        (["a=tag(log,choice(1,2))"], "is a choice, which has no scale"),
        (["a=tag(log,range(1,5))"], "has steps and a logarithmic scale at once"),
        (["a=tag(log,interval(0,1))"], "has a logarithmic scale from 0.0."),
        (["a=interval(2,1)"], "goes from 2.0 down to 1.0."),
        (["a=interval(0,inf)"], "is not finite"),
        (["a=range(3,1)"], "is empty"),
        (["a=x,x"], "offers a value twice"),
        (["a=x,y", "a=interval(0,1)"], "gives a second space to the same key"),
        (["a=interval(1"], "a=interval(1"),
    ],
)
def test_what_nothing_can_be_drawn_from_is_refused(texts: list[str], message: str) -> None:
    """Break: ignore a tag that is not known: the scale is then linear, and nobody learns of it."""
    with pytest.raises(InvalidInput) as caught:
        space(texts)
    assert message in str(caught.value)


def test_a_search_finds_the_better_half_and_names_the_best(tmp_path: Path) -> None:
    """Break: tell every value with the opposite sign."""
    report = searched(tmp_path, 12, jobs_at_once=2)
    assert [trial.number for trial in report.trials] == list(range(12))
    for trial in report.trials:
        expected = (trial.parameters["x"] - 2) ** 2 + (trial.parameters["opt"] == "b")
        assert trial.value == pytest.approx(expected, rel=1e-12)
        assert trial.job.startswith(f"{trial.number:04d}-x=")
    assert report.best.value == min(trial.value for trial in report.trials if trial.value is not None)
    assert report.table().splitlines()[1].split()[0] == str(report.best.number)
    assert report.rows()[3]["x"] == report.trials[3].parameters["x"]


@pytest.mark.slow
def test_a_search_that_goes_on_draws_what_it_would_have_drawn(tmp_path: Path) -> None:
    """Break: seed the sampler once in each process."""
    straight = searched(tmp_path / "a", 12)
    searched(tmp_path / "b", 5)

    def stop(told: Progress) -> None:
        if told.job.name.startswith("0008") and told.job.state == "running":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        launching.search(
            tmp_path / "b" / "search",
            SPACE,
            compose_point,
            launching.function(jobs.quadratic),
            Local(),
            trials=12,
            objective="loss",
            progress=stop,
        )
    resumed = searched(tmp_path / "b", 12)
    assert resumed.trials == straight.trials
    assert searched(tmp_path / "c", 2, seed=1).trials != straight.trials[:2]


@pytest.mark.slow
def test_trials_that_fail_are_told_as_failed_and_the_search_goes_on(tmp_path: Path) -> None:
    """Break: tell a missing value as 0."""

    def composed(overrides: list[str]) -> Frozen:
        frozen = compose_point(overrides)
        if 8 < float(frozen.values["x"]) < 10:
            raise InvalidConfig("x does not fit")
        return frozen

    report = launching.search(
        tmp_path / "s",
        ["x=interval(-10,10)"],
        composed,
        launching.function(jobs.partly),
        Local(jobs=2),
        trials=16,
        objective="loss",
        direction="maximize",
    )
    assert len(report.trials) == 16
    seen = set()
    for trial in report.trials:
        x = trial.parameters["x"]
        if 0 <= x <= 5:
            assert (trial.state, trial.value, trial.problem) == ("done", x, "")
            continue
        assert (trial.state, trial.value) == ("failed", None)
        expected = (
            "It ended with exit code 1."
            if x < -5
            else "It reported {'other': 1}, not a number 'loss' to judge it by."
            if x < 0
            else "x does not fit"
            if x > 8
            else "It reported {'loss': 'nan'}, not a number 'loss' to judge it by."
        )
        assert trial.problem == expected
        seen.add(expected)
    assert len(seen) >= 3, "the seed draws from too few parts"
    assert report.best.value == max(trial.value for trial in report.trials if trial.value is not None)


def test_a_key_that_does_not_exist_is_an_error_before_anything_is_made(tmp_path: Path) -> None:
    """Break: count it as a failed trial, every time."""
    with pytest.raises(InvalidConfig, match="There is no key xx"):
        launching.search(
            tmp_path / "s", ["xx=interval(0,1)"], compose_point, launching.function(jobs.quadratic), Local(), trials=3
        )
    assert not (tmp_path / "s").exists()


def test_another_search_cannot_go_on_in_the_same_folder(tmp_path: Path) -> None:
    """Break: mix trials of two spaces in one study."""
    searched(tmp_path, 1)
    with pytest.raises(InvalidConfig, match="was begun with seed 0; now it is 1"):
        searched(tmp_path, 1, seed=1)
    launching.plan(tmp_path / "other" / "search", [Frozen(["x=1"])], launching.command(["true"]))
    with pytest.raises(InvalidConfig, match="is a sweep of planned points"):
        searched(tmp_path / "other", 1)
    with pytest.raises(NotFound, match="None of the 0 trials"):
        _ = SearchReport((), "minimize", "s").best


def test_a_search_keeps_secrets_out_of_its_files(tmp_path: Path) -> None:
    """Break: record the overrides as they were typed."""
    report = launching.search(
        tmp_path / "s",
        ["x=interval(0,1)", "db.password=hunter2"],
        Frozen,
        launching.function(jobs.quadratic),
        Local(),
        trials=1,
        objective="loss",
    )
    assert report.best.number == 0
    for path in (tmp_path / "s").rglob("*"):
        assert "hunter2" not in path.name
        if path.is_file() and path.name != "config.json":
            assert b"hunter2" not in path.read_bytes()
