"""Evaluation in examples/pets: the figures against closed forms, and the report as a reader gets it."""

from __future__ import annotations

import csv
import json
import math
import os
import re
import shutil
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from PIL import Image  # noqa: E402

import pedigree.config  # noqa: E402
from tests.pipeline.project import Project  # noqa: E402

from .steps import load  # noqa: E402  # after the check that torch is there

NAMES = ("pet", "background", "border")


def test_figures_are_those_of_the_table_of_pixels() -> None:
    """Four pixels, by hand: precision 1/2 and 1, loss -mean ln p, confidence 0.625. Break: precision over the true pixels
    of a class, which is recall."""
    assessing = load("assessing")
    likely = torch.tensor([[0.5, 0.25, 0.25], [0.5, 0.3, 0.2], [0.2, 0.75, 0.05], [0.0, 0.75, 0.25]])
    truth = torch.tensor([[[0, 1], [1, 1]]])
    seen = assessing.look(likely.T.reshape(1, 3, 2, 2), truth)
    found = assessing.measure(seen, truth, NAMES, 10)
    assert found["accuracy"] == 0.75
    assert found["precision"] == {"pet": 0.5, "background": 1.0, "border": None}
    assert found["mean_precision"] == 0.75
    assert found["iou"] == {"pet": 0.5, "background": 2 / 3, "border": None}
    assert found["loss"] == pytest.approx(-(math.log(0.5) + math.log(0.3) + 2 * math.log(0.75)) / 4, rel=1e-6)
    assert found["confidence"] == 0.625
    # 0.5 sure: half is right; 0.75 sure: both are
    assert found["ece"] == pytest.approx((2 * 0.0 + 2 * 0.25) / 4)


def test_an_impossible_pixel_leaves_the_loss_finite() -> None:
    """A probability of 0 for the true class counts as 1e-12. Break: take the logarithm as it is."""
    assessing = load("assessing")
    likely = torch.tensor([1.0, 0.0, 0.0]).reshape(1, 3, 1, 1)
    seen = assessing.look(likely, torch.ones(1, 1, 1, dtype=torch.int64))
    assert seen.surprise.item() == pytest.approx(-math.log(1e-12))


def test_a_bin_holds_what_is_up_to_its_end() -> None:
    """Confidence 0.8 is in the bin above 0.7, 1.0 in the last; bins without pixels are left out. Break: floor for ceil."""
    assessing = load("assessing")
    confidence = torch.tensor([[[0.75, 0.8, 0.81, 1.0]]], dtype=torch.float64)
    right = torch.tensor([[[True, False, True, True]]])
    seen = assessing.Seen(torch.zeros(1, 1, 4), confidence, right, torch.zeros(1, 1, 4))
    rows = assessing.reliability(seen, 10)
    assert [(row["above"], row["up_to"], row["pixels"], row["accuracy"]) for row in rows] == [
        (0.7, 0.8, 2, 0.5),
        (0.8, 0.9, 1, 1.0),
        (0.9, 1.0, 1, 1.0),
    ]
    assert rows[0]["confidence"] == pytest.approx(0.775)


def test_pets_are_ranked_by_iou_then_by_name() -> None:
    """What has no pixel of a pet comes last. Break: take None for 1.0."""
    assert load("assessing").rank([0.5, None, 0.9, 0.5], ["b", "c", "d", "a"]) == [2, 3, 0, 1]


def test_the_grid_shows_photograph_truth_prediction_and_confidence(tmp_path: Path) -> None:
    """Each pixel of the model is a square of the grid; a guess is dark, certainty white. Break: exchange truth and
    prediction; shade the other way round."""
    pictures, assessing, pairs_of = load("pictures"), load("assessing"), load("pairs").Pairs
    images = torch.full((2, 3, 64, 64), 10, dtype=torch.uint8)
    images[1] = 250
    truth = torch.ones(2, 64, 64, dtype=torch.int64)
    truth[:, :32] = 0
    predicted = truth.clone()
    predicted[0, :16] = 2
    confidence = torch.ones(2, 64, 64)
    confidence[0] = 1 / 3
    seen = assessing.Seen(predicted, confidence, predicted == truth, confidence)
    pictures.write_grid(tmp_path / "grid.png", pairs_of(["bad", "good"], images, truth), seen, [0.5, 1.0], [1, 0], 8)
    side, caption = 64 * pictures.SCALE, pictures.CAPTION
    with Image.open(tmp_path / "grid.png") as grid:
        assert grid.size == (4 * side, caption + 2 * (caption + side))
        assert grid.info == {}
        at = [
            [
                grid.getpixel((column * side + side // 2, caption + row * (caption + side) + caption + side // 8))
                for column in range(4)
            ]
            for row in range(2)
        ]
    pet, _, border = (tuple(colour) for colour in pictures.COLOURS.tolist())
    assert at == [[(250,) * 3, pet, pet, (255,) * 3], [(10,) * 3, pet, border, (103, 0, 31)]]


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A /pfs with a small model of random weights, a calibration, and seven test pets of three breeds."""
    pfs = tmp_path_factory.mktemp("pfs")
    torch.manual_seed(1)
    model = load("unet").UNet(0.35, [8, 8, 8, 8, 8])
    (pfs / "model").mkdir()
    load("models").save(pfs / "model/model", model, (64, 64))
    (pfs / "calibration").mkdir()
    steps = {"x": [0.0, 0.3, 0.6, 1.0], "y": [0.05, 0.3, 0.8, 0.9]}
    card = {
        "version": 1,
        "classes": list(NAMES),
        "temperature": 1.5,
        "floor": 1e-6,
        "isotonic": dict.fromkeys(NAMES, steps),
    }
    (pfs / "calibration/calibration.json").write_text(json.dumps(card))
    generator = torch.Generator().manual_seed(7)
    for number, pet in enumerate(
        ["beagle_1", "beagle_2", "great_pug_1", "great_pug_2", "great_pug_10", "a<b_1", "a<b_2"]
    ):
        folder = pfs / "test/test" / pet
        folder.mkdir(parents=True)
        pixels = torch.randint(0, 256, (64, 64, 3), generator=generator, dtype=torch.uint8)
        mask = torch.full((64, 64), 2, dtype=torch.uint8)
        mask[8 : 40 + number, 8:40], mask[12 : 36 + number, 12:36] = 3, 1
        Image.fromarray(pixels.numpy()).save(folder / "image.png")
        Image.fromarray(mask.numpy()).save(folder / "mask.png")
    return pfs


def evaluated(pfs: Path, target: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Run the step on the inputs; its /pfs/out, in `target`."""
    step = load("evaluate")
    shutil.copytree(pfs, target)
    (target / "out").mkdir()
    value = load("settings_evaluate").Evaluate(version=1, batch=4, pictures=3, cases=2, bins=10, device="cpu")
    monkeypatch.setattr(step, "PFS", target)
    monkeypatch.setattr(pedigree.config, "current", lambda model: value)
    monkeypatch.setattr(pedigree.training, "deterministic", lambda *given, **more: None)  # it is of the whole process
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR"):
        monkeypatch.setenv(name, os.environ.get(name, ""))  # what the step sets, the test puts back
    for name in ("REPORT_RESULTS", "REPORT_CASES", "REPORT_COUNT"):
        monkeypatch.setenv(name, "")
    step.main()
    return target / "out"


@pytest.mark.slow
def test_the_report_is_whole_and_the_same_bytes_each_time(
    inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every file twice, in two places: no time, path, version or random id is in it, and nothing of the page is elsewhere.

    Breaks: keep papermill's metadata; keep the random ids of the cells; leave the scripts of nbconvert's own page in.
    """
    first, second = (evaluated(inputs, tmp_path / name, monkeypatch) for name in ("one", "another place"))
    files = sorted(path.name for path in first.iterdir())
    assert files == [
        "Report.html", "Report.ipynb", "breeds.csv", "evaluation_result.csv", "metrics.json", "pets.csv", "pictures.png",
        "reliability.csv",
    ]  # fmt: skip
    assert [name for name in files if (first / name).read_bytes() != (second / name).read_bytes()] == []
    page = (first / "Report.html").read_text()
    assert re.findall(r"https?://(?!www\.w3\.org/2000/svg)[^\s\"'<]+", page) == []
    assert re.search(r"<script|<link|@import|url\(", page) is None
    assert page.count("data:image/png;base64,") == 16  # two worst and two best, four pictures each
    assert "a&lt;b_1" in page or "A&lt;b" in page
    assert "a<b" not in page
    metrics = json.loads((first / "metrics.json").read_text())
    for number in (metrics["calibrated"]["mean_iou"], metrics["mean_iou"]):
        assert f"{number:.3f}" in page
    book = json.loads((first / "Report.ipynb").read_text())
    assert [cell["execution_count"] for cell in book["cells"] if cell["cell_type"] == "code"] == [1, 2, 3, 4, 5, 6]
    assert str(tmp_path) not in json.dumps(book) + page


@pytest.mark.slow
def test_the_tables_say_the_same_as_the_metrics(inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """evaluation_result.csv has every figure of metrics.json; pets and breeds add up. Break: calibrated columns from the
    original's predictions; a breed cut at the first underscore."""
    out = evaluated(inputs, tmp_path / "pfs", monkeypatch)
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["pixels"] == 7 * 64 * 64 == metrics["calibrated"]["pixels"]
    assert sorted(metrics["files"]) == ["calibration.json", "model.json", "weights.safetensors"]

    def table(name: str) -> list[dict[str, str]]:
        with (out / name).open(newline="") as file:
            return list(csv.DictReader(file))

    lines = table("evaluation_result.csv")
    assert len(lines) == 3 * 3 + 7
    for line in lines:
        for model, found in (("original", metrics), ("calibrated", metrics["calibrated"])):
            value = found[line["metric"]] if line["class"] == "all" else found[line["metric"]][line["class"]]
            assert line[model] == ("" if value is None else str(value))
    pets, breeds = table("pets.csv"), table("breeds.csv")
    assert [(line["breed"], line["pets"]) for line in breeds] == [("a<b", "2"), ("beagle", "2"), ("great_pug", "3")]
    for column, whole in (("accuracy", metrics), ("calibrated_accuracy", metrics["calibrated"])):
        assert sum(float(line[column]) for line in pets) / 7 == pytest.approx(whole["accuracy"])
        assert sum(float(line[column]) * int(line["pets"]) for line in breeds) / 7 == pytest.approx(whole["accuracy"])
    assert metrics["accuracy"] != metrics["calibrated"]["accuracy"] or metrics["loss"] != metrics["calibrated"]["loss"]


@pytest.mark.slow
def test_a_cell_that_fails_ends_the_step_with_its_error(tmp_path: Path) -> None:
    """Break: write the half notebook as the report."""
    reporting = load("reporting")
    assert reporting.__file__ is not None
    template = json.loads((Path(reporting.__file__).parent / "report.ipynb").read_text())
    template["cells"][1]["source"] = "print('so far')\nraise ValueError('no such pet')"
    (tmp_path / "report.ipynb").write_text(json.dumps(template))
    with pytest.raises(SystemExit, match=r"report\.ipynb, cell 2: ValueError: no such pet"):
        reporting.execute(tmp_path / "report.ipynb", {})


@pytest.mark.slow
def test_a_notebook_runs_in_a_step_which_may_write_nowhere_but_its_output(tmp_path: Path) -> None:
    """No network, the code read-only, no home. Breaks: TCP, which a step has not; the sockets beside the code."""
    project = Project(tmp_path)
    source = Path(load("reporting").__file__ or "")
    project.write("reporting.py", source.read_text())
    cell: dict[str, object] = {
        "cell_type": "code",
        "id": "a",
        "metadata": {},
        "source": "6 * 7",
        "outputs": [],
        "execution_count": None,
    }
    project.write("small.ipynb", json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    project.write(
        "step.py",
        "from pathlib import Path\nimport reporting\n"
        "reporting.write(reporting.execute(Path('/code/small.ipynb'), {}), Path('/pfs/out/done.ipynb'))\n",
    )
    project.put("in", {"a": ""})
    project.apply(
        "pipeline: {name: out}\ninput: {pfs: {repo: in, glob: /}}\ntransform: {cmd: [python, step.py]}\n"
        "code: {include: [small.ipynb]}\ndatumTries: 1\n"
    )
    assert project.run().state == "success"
    (done,) = json.loads(project.read("out@master:/done.ipynb"))["cells"]
    assert done["outputs"][0]["data"] == {"text/plain": ["42"]}


def test_a_calibration_of_other_classes_is_one_line(
    inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Break: let the error of the library be a traceback of the step."""
    pfs = tmp_path / "pfs"
    shutil.copytree(inputs, pfs)
    place = pfs / "calibration/calibration.json"
    place.write_text(place.read_text().replace('"border"', '"edge"'))
    with pytest.raises(SystemExit, match="calibrates the classes"):
        evaluated(pfs, tmp_path / "again", monkeypatch)
