"""The gate of examples/pets: what goes out, under which name, and what is said of what does not."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

import pedigree.config

from .steps import load

METRICS: dict[str, Any] = {
    "pets": 9,
    "accuracy": 0.91,
    "iou": {"pet": 0.5, "border": None},
    "calibrated": {"accuracy": 0.93, "loss": 0.25, "ece": math.nan},
    "files": {},
}

Released = Callable[..., Path]


@pytest.fixture
def released(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Released:
    """Runs the step on METRICS with gates; /pfs/out."""
    step, settings = load("release"), load("settings_release")

    def run(*gates: dict[str, Any], tag: str | None = None, change: bytes = b"") -> Path:
        for folder in ("metrics", "model/model", "calibration", "out"):
            (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        model, calibration = tmp_path / "model/model", tmp_path / "calibration/calibration.json"
        (model / "weights.safetensors").write_bytes(b"weights")
        (model / "model.json").write_text("{}")
        calibration.write_text('{"temperature": 1.5}')
        files = load("digests").of_files(model, calibration)
        (tmp_path / "metrics/metrics.json").write_text(json.dumps({**METRICS, "files": files}))
        (model / "weights.safetensors").write_bytes(b"weights" + change)
        value = settings.Release(version=1, gates=list(gates), tag=tag)
        monkeypatch.setattr(step, "PFS", tmp_path)
        monkeypatch.setattr(pedigree.config, "current", lambda model: value)
        step.main()
        return tmp_path / "out"

    return run


def test_a_model_that_passes_goes_out_whole_with_its_name(
    released: Released, capsys: pytest.CaptureFixture[str]
) -> None:
    """Model, calibration, the gates with their values, and one line with a name. Break: leave calibration.json behind."""
    out = released(
        {"metric": "calibrated.accuracy", "above": 0.92}, {"metric": "iou.pet", "at_least": 0.5, "at_most": 1}
    )
    said = json.loads((out / "release.json").read_text())
    assert (said["verdict"], said["version"]) == ("passed", 1)
    assert said["gates"] == [
        {"metric": "calibrated.accuracy", "above": 0.92, "value": 0.93},
        {"metric": "iou.pet", "at_least": 0.5, "at_most": 1.0, "value": 0.5},
    ]
    assert sorted(said["files"]) == ["calibration.json", "model.json", "weights.safetensors"]
    assert (out / "TAG").read_text() == said["tag"] + "\n"
    assert said["tag"].startswith("pets-")
    assert len(said["tag"]) == len("pets-") + 8
    assert (out / "model/weights.safetensors").read_bytes() == b"weights"
    assert (out / "calibration.json").read_text() == '{"temperature": 1.5}'
    assert "passed  calibrated.accuracy: 0.93, must be above 0.92" in capsys.readouterr().out


def test_the_name_is_that_of_the_content_or_the_one_that_was_chosen(tmp_path: Path) -> None:
    """Equal releases have equal names, others others. Break: draw it at random, or take it from the weights alone."""
    step, judged = load("release"), load("gates").judge
    gate = load("settings_release").Gate(metric="accuracy", above=0.5)
    passed = judged([gate], METRICS)
    files = {"weights.safetensors": "1", "calibration.json": "2"}
    name = step.record(passed, files, None)["tag"]
    assert step.record(passed, dict(files), None)["tag"] == name
    assert step.record(passed, {**files, "calibration.json": "3"}, None)["tag"] != name
    assert step.record(judged([gate], {**METRICS, "accuracy": 0.92}), files, None)["tag"] != name
    assert step.record(passed, files, "v1")["tag"] == "v1"


@pytest.mark.parametrize(
    ("bound", "value", "passed"),
    [
        ("above", 0.91, False),
        ("at_least", 0.91, True),
        ("below", 0.91, False),
        ("at_most", 0.91, True),
        ("above", 0.9, True),
        ("below", 0.9, False),
        ("at_least", 0.92, False),
        ("at_most", 0.9, False),
    ],
)
def test_a_bound_is_what_its_name_says(bound: str, value: float, passed: bool) -> None:
    """The metric is 0.91; two of four bounds allow equality. Break: `>=` for above."""
    gate = load("settings_release").Gate(metric="accuracy", **{bound: value})
    assert load("gates").judge([gate], METRICS)[0].passed is passed


def test_a_failed_gate_ends_the_step_and_says_every_value(
    released: Released, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is written; what passed is told too. Break: stop at the first gate, or write before judging."""
    gates = (
        {"metric": "accuracy", "above": 0.92},
        {"metric": "calibrated.loss", "below": 0.3},
        {"metric": "pets", "at_least": 10},
    )
    with pytest.raises(SystemExit, match=r"not released: 2 of 3 gates failed\."):
        released(*gates)
    assert capsys.readouterr().out.splitlines() == [
        "FAILED  accuracy: 0.91, must be above 0.92",
        "passed  calibrated.loss: 0.25, must be below 0.3",
        "FAILED  pets: 9, must be at least 10",
    ]
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("metric", ["iou.border", "calibrated.ece"])
def test_what_has_no_value_passes_no_gate(metric: str) -> None:
    """Neither a class that no pixel has, nor NaN. Break: compare `not value < bound`."""
    gate = load("settings_release").Gate(metric=metric, at_most=1.0)
    (judged,) = load("gates").judge([gate], METRICS)
    assert not judged.passed


def test_a_metric_that_there_is_not_is_one_error_with_those_that_there_are(released: Released, tmp_path: Path) -> None:
    """Break: take a missing metric for a failed gate, or for a passed one."""
    with pytest.raises(SystemExit) as told:
        released({"metric": "calibrated.acuracy", "above": 0.92})
    assert told.value.code == (
        "not released: There is no metric 'calibrated.acuracy' in metrics.json. It has pets, accuracy, iou.pet, iou.border, "
        "calibrated.accuracy, calibrated.loss, calibrated.ece. Did you mean 'calibrated.accuracy'? The gates are in "
        "conf/release.yaml."
    )
    assert list((tmp_path / "out").iterdir()) == []


def test_metrics_of_another_model_release_nothing(released: Released, tmp_path: Path) -> None:
    """The weights changed since they were measured. Break: trust that the inputs belong together."""
    with pytest.raises(SystemExit, match=r"not measured with this weights\.safetensors\. `pedigree run`"):
        released({"metric": "calibrated.accuracy", "above": 0.92}, change=b"!")
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"gates": [{"metric": "accuracy"}]}, "no bound: give above, below, at_least or at_most"),
        ({"gates": []}, "at least 1 item"),
        ({"gates": [{"metric": "accuracy", "over": 0.9}]}, "over"),
        ({"gates": [{"metric": "accuracy", "above": math.nan}]}, "finite"),
        ({"tag": "v 1"}, "tag"),
    ],
    ids=["no bound", "no gate", "another bound", "not a number", "no name"],
)
def test_a_gate_that_says_nothing_is_refused_before_anything_runs(given: dict[str, Any], said: str) -> None:
    """Break: allow a gate without a bound, which every model passes."""
    good = {"version": 1, "gates": [{"metric": "accuracy", "above": 0.9}], "tag": None}
    with pytest.raises(ValidationError, match=said):
        load("settings_release").Release.model_validate({**good, **given})
