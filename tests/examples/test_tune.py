"""Tuning: the same trials and the same bytes however many run at once, however often it was killed, or one clear error."""

from __future__ import annotations

import csv
import json
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

optuna = pytest.importorskip("optuna")
pytest.importorskip("matplotlib")
pytest.importorskip("sklearn")

from pydantic import ValidationError  # noqa: E402  # after the check that Optuna is there

from pedigree.errors import Busy, CheckpointMismatch, CorruptCheckpoint, StepFailed  # noqa: E402

from . import toy_search  # noqa: E402
from .steps import PETS, load  # noqa: E402
from .toy_search import Toy  # noqa: E402

ROOT = PETS.parents[1]
SHORT: dict[str, Any] = {"trials": 5, "together": 2, "steps": 4, "min_steps": 2}


def rows(found: dict[str, bytes]) -> list[dict[str, str]]:
    return list(csv.DictReader(found["trials.csv"].decode().splitlines()))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of the toy's search, never interrupted, one trial at a time."""
    folder = tmp_path_factory.mktemp("whole")
    return toy_search.search(folder / "out", folder / "kept", 1, Toy(folder / "log"))


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The file of a study of which three trials run."""
    folder = tmp_path_factory.mktemp("begun")
    study = toy_search.study(folder)
    assert [trial.number for trial in study.ask()] == [0, 1, 2]
    study.publish()
    assert [trial.number for trial in toy_search.study(folder).running] == [0, 1, 2]
    return (folder / "study.sqlite").read_bytes()


@pytest.mark.slow
def test_trials_are_the_same_however_many_run_at_once(whole: dict[str, bytes], tmp_path: Path) -> None:
    """Two at once, whose steps take times by chance, write the bytes that one at a time writes; no step is computed twice,
    and the order in which the space was written does not matter. Break: tell the trials in the order in which they come; let
    the export keep the times."""
    assert {row["state"] for row in rows(whole)} == {"complete", "pruned"}
    turned = dict(reversed(toy_search.SEARCH["space"].items()))
    found = toy_search.search(tmp_path / "out", tmp_path / "kept", 2, Toy(tmp_path / "log"), space=turned)
    assert [name for name in whole if found[name] != whole[name]] == []
    assert found.keys() == whole.keys()
    assert max(Counter((tmp_path / "log").read_text().splitlines()).values()) == 1


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_search_killed_at_random_moments_ends_with_the_same_bytes(whole: dict[str, bytes], tmp_path: Path) -> None:
    """Ten times SIGKILL, and whatever is left then runs to the end. A trial computes what lies after its checkpoint again, no
    more often than it was killed. Break: one sampler for all asks; publish no look until the next trials are
    asked for."""
    out, kept, chance = tmp_path / "out", tmp_path / "kept", random.Random()
    command = [sys.executable, "-m", "tests.examples.toy_search", str(out), str(kept), "2"]
    killed = 0
    for _ in range(10):
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for _line in zip(range(chance.randint(1, 12)), process.stdout, strict=False):
                pass
            time.sleep(chance.random() * 0.05)
            process.kill()
            killed += process.wait() == -signal.SIGKILL
        if out.exists():
            break
    if not out.exists():
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    assert killed >= 3
    found = {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}
    assert [name for name in whole if found.get(name) != whole[name]] == []
    computed = Counter(tmp_path.joinpath("log").read_text().splitlines())
    assert max(computed.values()) <= 1 + killed
    assert not list(kept.glob("trials/*"))


@pytest.mark.slow
def test_the_first_trial_is_today_and_the_best_is_no_worse(whole: dict[str, bytes]) -> None:
    """Trial 0 has the values of the training; optimal_hp.json is the complete trial of the best value, and only what is
    tuned; Optuna opens the exported study and says the same. Break: do not enqueue today's values; take the worst."""
    table = rows(whole)
    assert {name: float(table[0][name]) for name in toy_search.TODAY} == toy_search.TODAY
    complete = [row for row in table if row["state"] == "complete"]
    best = max(complete, key=lambda row: float(row["iou/mean"]))
    assert float(best["iou/mean"]) > float(table[0]["iou/mean"])
    optimal = json.loads(whole["optimal_hp.json"])
    assert optimal == {name: float(best[name]) for name in sorted(toy_search.TODAY)}
    assert isinstance(optimal["batch"], int)
    assert all(row["iou/mean"] == row["iou/mean@8"] for row in complete)
    assert len(table) == toy_search.SEARCH["trials"]


@pytest.mark.slow
def test_the_exported_study_is_one_of_optunas(whole: dict[str, bytes], tmp_path: Path) -> None:
    """Its trials and best are those of trials.csv, and no time in it is of this day. Break: export without the trials'
    values; keep the times."""
    file = tmp_path / "study.sqlite"
    file.write_bytes(whole["study.sqlite"])
    study = optuna.load_study(study_name="pets", storage=f"sqlite:///{file}")
    table = rows(whole)
    assert [trial.state.name.lower() for trial in study.trials] == [row["state"] for row in table]
    assert study.best_params == json.loads(whole["optimal_hp.json"])
    with sqlite3.connect(file) as database:
        times = database.execute("SELECT datetime_start, datetime_complete FROM trials").fetchall()
    assert {moment for pair in times for moment in pair} == {"1970-01-01 00:00:00.000000"}


@pytest.mark.slow
def test_a_trial_whose_loss_is_no_number_is_left_and_the_search_goes_on(tmp_path: Path) -> None:
    """It is called diverged, from there on it has no values, and no look of it is the best."""
    found = toy_search.search(tmp_path / "out", tmp_path / "kept", 2, Toy(tmp_path / "log", above=0.1), **SHORT)
    table = rows(found)
    diverged = [row for row in table if row["state"] == "diverged"]
    assert [row["trial"] for row in diverged] == [
        row["trial"] for row in table if float(row["learning_rate"]) > 0.1 and row["state"] != "pruned"
    ]
    assert diverged
    assert all(row["iou/mean"] == row["iou/mean@4"] == "" for row in diverged)
    assert json.loads(found["optimal_hp.json"])["learning_rate"] <= 0.1


@pytest.mark.slow
def test_a_search_in_which_every_trial_diverges_says_so(tmp_path: Path) -> None:
    """There is no best, and no importance. Break: take the first trial for the best."""
    found = toy_search.study(tmp_path / "kept", **{**SHORT, "min_steps": 4})
    load("lockstep").search(found, Toy(tmp_path / "log", above=0.0), tmp_path / "kept", 2)
    assert {trial.state for trial in found.trials} == {"diverged"}
    assert found.best is None
    assert found.importances() == {}


@pytest.mark.slow
def test_a_trial_whose_process_dies_is_named_and_run_again(tmp_path: Path) -> None:
    """One that is killed for its memory, say: the error names the trial and the signal, and the next try ends with the bytes of
    a search that met no such thing. Break: call it diverged."""
    plain = toy_search.search(tmp_path / "plain", tmp_path / "unharmed", 2, Toy(tmp_path / "log"), trials=4)
    deadly, kept = tmp_path / "deadly", tmp_path / "kept"
    deadly.touch()
    toy = Toy(tmp_path / "log", dies=deadly)
    with pytest.raises(StepFailed, match=r"^The process of trial \d ended with SIGKILL\.\n.* run again to go on"):
        toy_search.search(tmp_path / "out", kept, 2, toy, trials=4)
    assert toy_search.search(tmp_path / "out", kept, 2, toy, trials=4) == plain


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda: {"trials": 9}, r"search\.trials was 10, is 9\."),
        (
            lambda: {"space": {**toy_search.SEARCH["space"], "batch": {"kind": "int", "low": 2, "high": 10}}},
            r"search\.space\.batch\.high was 16, is 10; search\.space\.batch\.step was 2, is 1\.",
        ),
        (
            lambda: {"space": {name: toy_search.SEARCH["space"][name] for name in ("batch", "learning_rate")}},
            r"search\.space\.weight_decay\.high was 0\.1, is absent; .*weight_decay\.low was 0\.0, is absent",
        ),
        (lambda: {"metric": "loss/training"}, r"search\.metric was iou/mean, is loss/training\."),
        (lambda: {"recipe": {"data": "5f"}}, r"data was absent, is 5f\."),
    ],
    ids=["trials", "range", "parameter", "metric", "data"],
)
def test_a_study_of_another_search_is_refused_and_kept(
    change: Callable[[], dict[str, Any]], told: str, begun: bytes, tmp_path: Path
) -> None:
    """The error names what differs and nothing else, and the file has the bytes it had. Break: compare the space alone;
    begin anew in the same file."""
    (tmp_path / "study.sqlite").write_bytes(begun)
    with pytest.raises(CheckpointMismatch, match=told) as caught:
        toy_search.study(tmp_path, **change())
    assert "PEDIGREE_CHECKPOINTS" in (caught.value.remedy or "")
    assert (tmp_path / "study.sqlite").read_bytes() == begun


def test_a_file_that_is_no_study_of_ours_is_refused_and_kept(begun: bytes, tmp_path: Path) -> None:
    """Text, a damaged study, one cut short, a file of another tool, a study of Optuna's that tune did not make. Break: begin a
    study wherever there are no trials."""
    file = tmp_path / "study.sqlite"
    cases: dict[str, bytes] = {
        "file is not a database": b"trial,value\n" * 400,
        "cannot be read as an Optuna study": begun[:20_000] + bytes(30_000) + begun[50_000:],
        "malformed|cannot be read": begun[: len(begun) // 2],
    }
    for told, data in cases.items():
        file.write_bytes(data)
        with pytest.raises(CorruptCheckpoint, match=told):
            toy_search.study(tmp_path)
        assert file.read_bytes() == data
    for name in (None, "no-name-1", "pets"):
        file.unlink()
        with sqlite3.connect(file) as database:
            database.execute("CREATE TABLE notes (text)")
        if name is not None:
            optuna.create_study(storage=f"sqlite:///{file}", study_name=name)
        data = file.read_bytes()
        with pytest.raises(CheckpointMismatch, match="is none that tune made"):
            toy_search.study(tmp_path)
        assert file.read_bytes() == data


def test_two_searches_in_one_folder_exclude_each_other(tmp_path: Path) -> None:
    """The second ends at once. Break: take no lock."""
    import fcntl

    found = toy_search.study(tmp_path)
    with (tmp_path / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(Busy, match="Another process searches in"):
            load("lockstep").search(found, Toy(tmp_path / "log"), tmp_path, 1)


@pytest.mark.parametrize(
    ("space", "told"),
    [
        ({"momentum": {"kind": "float", "low": 0, "high": 1}}, r"momentum cannot be tuned; .*learning_rate"),
        ({"steps": {"kind": "int", "low": 1, "high": 9}}, "steps cannot be tuned"),
        ({"augment": {"kind": "float", "low": 0, "high": 1}}, "augment holds further fields"),
        (
            {"batch": {"kind": "int", "low": 0, "high": 16}},
            "batch: training takes no 0: Input should be greater than 0",
        ),
        ({"batch": {"kind": "float", "low": 4, "high": 16}}, "batch is a whole number: kind: int"),
        ({"batch": {"kind": "int", "low": 5, "high": 13, "step": 2}}, r"batch does not hold training\.batch, 8"),
        ({"learning_rate": {"kind": "categorical", "choices": [0.1, "high"]}}, "training takes no 'high'"),
        ({"learning_rate": {"kind": "float", "low": 0.1, "high": 0.01}}, "low 0.1 is not below high 0.01"),
        ({"weight_decay": {"kind": "float", "low": 0, "high": 1, "log": True}}, "low 0.0 has no logarithm"),
        ({"batch": {"kind": "int", "low": 4, "high": 13, "step": 4}}, "high 13 is not low 4 and a multiple of step 4"),
        ({"batch": {"kind": "int", "low": 4, "high": 12, "step": 4, "log": True}}, "step 4 and log exclude each other"),
        ({}, "at least 1 item"),
    ],
)
def test_a_space_that_training_does_not_have_is_refused(space: dict[str, Any], told: str) -> None:
    """Before anything runs, with the parameter's name. Break: check names only; leave today's values to Optuna, which warns."""
    from pedigree import config

    values = config.compose(PETS / "conf", "tune").values
    load("settings_tune").Tune.model_validate(values)
    with pytest.raises(ValidationError, match=told):
        load("settings_tune").Tune.model_validate({**values, "search": {**values["search"], "space": space}})


def test_every_option_of_the_search_composes() -> None:
    """full, quick and thorough fit the model."""
    from pedigree import config

    for name in sorted(path.stem for path in (PETS / "conf/search").glob("*.yaml")):
        load("settings_tune").Tune.model_validate(config.compose(PETS / "conf", "tune", [f"search={name}"]).values)


def pairs(folder: Path, count: int, seed: int) -> Path:
    """Drawn pairs as `transform` writes them, of 64 pixels."""
    import numpy as np
    from PIL import Image

    chance = np.random.default_rng(seed)
    for number in range(count):
        pet = folder / f"pet_{number:02}"
        pet.mkdir(parents=True)
        mask = np.full((64, 64), 2, dtype=np.uint8)
        row, column = chance.integers(8, 30, 2)
        mask[row : row + 24, column : column + 24] = 3
        mask[row + 3 : row + 21, column + 3 : column + 21] = 1
        image = np.stack([mask * 60, mask * 40, 255 - mask * 70], axis=2) + chance.integers(0, 30, (64, 64, 3))
        Image.fromarray(image.clip(0, 255).astype(np.uint8)).save(pet / "image.png")
        Image.fromarray(mask).save(pet / "mask.png")
    return folder


PROGRAM = """
import sys
from pathlib import Path
sys.path.insert(0, {pets!r})
from settings_tune import Tune
from tune import tune

if __name__ == "__main__":
    out, kept, cores = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    out.mkdir()
    settings = Tune.model_validate_json(Path("settings.json").read_text())
    tune(settings, Path("training"), Path("validation"), out, kept, 11, cores)
"""


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_real_trainings_give_the_same_bytes_at_once_and_killed_and_in_turn(tmp_path: Path) -> None:
    """Of the network itself, by the program's own function: two at once, and a search that is killed after a look
    and goes on one at a time."""
    pytest.importorskip("torch")
    from pedigree import config

    pairs(tmp_path / "training", 8, 1)
    pairs(tmp_path / "validation", 3, 2)
    overrides = [
        "search=quick",
        "training.batch=4",
        "search.space.batch.high=8",
        "search.trials=2",
        "model.width=0.35",
        "model.dropout=0.1",
    ]
    values = config.compose(PETS / "conf", "tune", [*overrides, "model.decoder=[16,16,8,8,8]"]).values
    (tmp_path / "settings.json").write_text(json.dumps(values))
    (tmp_path / "program.py").write_text(PROGRAM.format(pets=str(PETS)))

    def run(name: str, kept: str, cores: int, *, until: str = "") -> dict[str, bytes]:
        command = [sys.executable, "program.py", name, kept, str(cores)]
        with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for line in process.stdout:
                if until and line.startswith(until):
                    process.kill()
        assert until or process.returncode == 0
        out = tmp_path / name
        return {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}

    both = run("both", "kept-both", 2)
    assert {"optimal_hp.json", "trials.csv", "history.png", "importance.png", "study.sqlite"} < both.keys()
    assert run("killed", "kept-killed", 2, until="trial 1, step 2") == {}
    assert (tmp_path / "kept-killed/study.sqlite").exists()
    assert run("again", "kept-killed", 1) == both
