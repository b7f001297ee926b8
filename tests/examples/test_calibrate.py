"""Calibration of pixels: isotonic regression and temperature against other implementations, and what is reported of them."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
sklearn = pytest.importorskip("sklearn.isotonic")

import numpy as np  # noqa: E402
import torch  # noqa: E402
from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from hypothesis.extra.numpy import arrays  # noqa: E402

from pedigree.errors import Damaged, InvalidInput, InvalidSplit, NewerFormat, NonFinite  # noqa: E402

from .steps import load  # noqa: E402  # after the check that torch is there

calibrate, calibrating, reliability = load("calibrate"), load("calibrating"), load("reliability")
pixels = st.integers(1, 60).flatmap(
    lambda count: st.tuples(
        arrays(np.float64, count, elements=st.floats(0, 1)), arrays(np.bool_, count), arrays(np.float64, 9, elements=st.floats(0, 1))
    )
)  # fmt: skip


class Colours(torch.nn.Module):
    """A model whose logits are the colours of the photograph, -4 to 4, so that a test can paint what it predicts."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = torch.nn.Parameter(torch.tensor(8.0))

    def forward(self, images: Any) -> Any:
        return (images - 0.5) * self.scale


def drawn(pets: int, seed: int = 0, side: int = 16) -> Any:
    """Pairs whose colours say more or less what the mask is."""
    random = torch.Generator().manual_seed(seed)
    classes = torch.randint(0, 3, (pets, side, side), generator=random)
    hint = torch.nn.functional.one_hot(classes, 3).permute(0, 3, 1, 2) * 60
    images = (torch.randint(0, 196, (pets, 3, side, side), generator=random) + hint).to(torch.uint8)
    return load("pairs").Pairs([f"pet_{number}" for number in range(pets)], images, classes)


def chosen(**values: Any) -> Any:
    given = {"version": 1, "folds": 5, "pixels_per_pet": 100, "batch": 4, "device": "cpu"}
    return load("settings_calibrate").Calibrate(**(given | values))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(pixels)
def test_isotonic_of_counts_is_scikit_learns_of_every_pixel(drawn_pixels: tuple[Any, Any, Any]) -> None:
    """Fitted to counts on the grid, and to each rounded pixel by scikit-learn: the same predictions, anywhere. 1e-9 for sums in
    another order. Break: leave out sample_weight, or divide the grid by GRID + 1."""
    chances, true, asked = drawn_pixels
    truth = np.where(true, 0, 1)
    counts = calibrate.counted(np.stack((chances, 1 - chances), axis=1), truth)
    x, y = calibrate.isotonic(counts[:, 0])
    other = sklearn.IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip")
    other.fit(np.rint(chances * 4096) / 4096, true.astype(np.float64))
    np.testing.assert_allclose(np.interp(asked, x, y), other.predict(asked), rtol=0, atol=1e-9)
    assert (np.diff(x) > 0).all()


def test_calibrated_probabilities_are_probabilities() -> None:
    """Each class through its own knots, never below the floor, with sum 1; worked out by hand. Break: divide by the sum before the
    floor, or give class 1 the knots of class 2."""
    knots = tuple((np.array([0.0, 1.0]), np.array([0.0, top])) for top in (1.0, 0.5, 0.0))
    made = calibrating.Calibration(("pet", "background", "border"), 2.0, knots)
    logits = torch.tensor([0.2, 0.3, 0.5]).log().view(1, 3, 1, 1)
    chances = made.apply(logits)
    assert chances.dtype == torch.float32
    whole = 0.2 + 0.15 + 1e-6
    assert chances.flatten().tolist() == pytest.approx([0.2 / whole, 0.15 / whole, 1e-6 / whole], rel=1e-6)
    roots = [math.sqrt(one) for one in (0.2, 0.3, 0.5)]
    assert made.scaled(logits).flatten().tolist() == pytest.approx([one / sum(roots) for one in roots], rel=1e-6)
    many = made.apply(torch.randn(2, 3, 5, 7, generator=torch.Generator().manual_seed(1)) * 30)
    assert many.shape == (2, 3, 5, 7)
    assert torch.allclose(many.sum(dim=1), torch.ones(2, 5, 7), atol=1e-6)
    assert many.min() > 0
    with pytest.raises(InvalidInput, match="logits have 2 classes, the calibration 3"):
        made.apply(torch.zeros(1, 2, 4, 4))


def test_the_temperature_has_the_least_log_loss() -> None:
    """Against scipy's bounded search on the loss itself, to 1e-4; logits twice as sure need twice the temperature. Break: bisect
    towards the other end, or over the loss's value at the ends."""
    minimize_scalar = pytest.importorskip("scipy.optimize").minimize_scalar

    random = np.random.default_rng(4)
    logits = random.normal(size=(3000, 3)) * 3
    told = np.array([random.choice(3, p=np.exp(row / 2.5) / np.exp(row / 2.5).sum()) for row in logits])

    def loss(warmth: float) -> float:
        scaled = logits / warmth
        return float(np.mean(np.log(np.exp(scaled).sum(axis=1)) - scaled[np.arange(3000), told]))

    found = calibrate.temperature(logits, told)
    assert found == pytest.approx(minimize_scalar(loss, bounds=(0.1, 20), method="bounded").x, rel=1e-4)
    assert found == pytest.approx(2.5, rel=0.1)  # what the classes were drawn with
    assert calibrate.temperature(2 * logits, told) == pytest.approx(2 * found, rel=1e-9)
    assert calibrate.temperature(logits, logits.argmax(axis=1)) == pytest.approx(1 / 128)  # nothing to doubt


def test_figures_of_four_pixels_worked_out_by_hand() -> None:
    """Two bins. The likeliest class is promised 0.9, 0.8 (right), 0.6 (wrong), 0.5 (right, and in the lower bin): (|2 - 2.3| + |1 - 0.5|) / 4.
    Break: put an edge's probability into the bin above, or take the mean of the bins' errors for their weighted sum."""
    chances = np.array([[0.9, 0.05, 0.05], [0.1, 0.8, 0.1], [0.6, 0.4, 0.0], [0.5, 0.25, 0.25]])
    truth = np.array([0, 1, 1, 0])
    seen = reliability.Reliability(("pet", "background", "border"), bins=2)
    seen.add(chances, truth)
    figures = seen.figures()
    assert figures["ece"] == pytest.approx((abs(2 - 2.3) + abs(1 - 0.5)) / 4)
    pet = abs(1 - 1.5) + abs(1 - 0.6)  # 0.9 and 0.6 above; 0.1 and 0.5 below
    background = abs(1 - 0.8) + abs(1 - 0.7)  # 0.8 above; 0.05, 0.4 and 0.25 below
    assert figures["classwise_ece"] == pytest.approx((pet + background + 0.4) / 4 / 3)
    brier = (0.01 + 0.0025 * 2) + (0.04 + 0.01 * 2) + (0.36 + 0.36) + (0.25 + 0.0625 * 2)
    assert figures["brier"] == pytest.approx(brier / 4)
    assert figures["nll"] == pytest.approx(-math.log(0.9 * 0.8 * 0.4 * 0.5) / 4)
    assert figures["accuracy"] == 3 / 4


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.integers(0, 2**32 - 1), st.integers(1, 80), st.integers(0, 80))
def test_figures_are_those_of_a_plain_second_implementation(seed: int, count: int, cut: int) -> None:
    """Pixel by pixel, in Python's floats, and however the pixels are cut into batches. Break: count the first batch alone."""
    random = np.random.default_rng(seed)
    chances = random.dirichlet((0.5, 0.5, 0.5), count)
    truth = random.integers(0, 3, count)
    seen = reliability.Reliability("abc")
    seen.add(chances[:cut], truth[:cut])
    seen.add(chances[cut:], truth[cut:])

    def error(promised: list[float], true: list[bool]) -> float:
        bins: dict[int, list[tuple[float, bool]]] = {}
        for chance, came in zip(promised, true, strict=True):
            place = next(index for index in range(15) if chance * 15 <= index + 1)
            bins.setdefault(place, []).append((chance, came))
        return sum(
            len(own) * abs(sum(p for p, _ in own) / len(own) - sum(t for _, t in own) / len(own))
            for own in bins.values()
        ) / len(promised)

    tops = chances.max(axis=1).tolist()
    figures = seen.figures()
    assert figures["ece"] == pytest.approx(error(tops, (chances.argmax(axis=1) == truth).tolist()), abs=1e-12)
    each = [error(chances[:, index].tolist(), (truth == index).tolist()) for index in range(3)]
    assert figures["classwise_ece"] == pytest.approx(sum(each) / 3, abs=1e-12)
    distances = [
        sum((chance - (index == true)) ** 2 for index, chance in enumerate(row))
        for row, true in zip(chances.tolist(), truth.tolist(), strict=True)
    ]
    assert figures["brier"] == pytest.approx(sum(distances) / count)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(0, 2**32 - 1), st.floats(1e-3, 1e3), st.integers(1, 30))
def test_a_calibration_comes_back_from_its_file_to_the_last_bit(
    tmp_path_factory: pytest.TempPathFactory, seed: int, warmth: float, count: int
) -> None:
    """Break: write numbers with 12 digits."""
    random = np.random.default_rng(seed)
    knots = tuple((np.unique(random.random(count)), np.sort(random.random(count))) for _ in range(3))
    made = calibrating.Calibration(("pet", "background", "border"), warmth, knots)
    path = tmp_path_factory.mktemp("calibration") / "calibration.json"
    calibrating.write(path, made)
    back = calibrating.read(path)
    assert (back.classes, back.temperature, back.floor) == (made.classes, made.temperature, made.floor)
    for (x, y), (other_x, other_y) in zip(made.isotonic, back.isotonic, strict=True):
        assert x.tobytes() == other_x.tobytes()
        assert y.tobytes() == other_y.tobytes()


SOUND = {
    "version": 1,
    "classes": ["pet", "background", "border"],
    "temperature": 1.5,
    "floor": 1e-6,
    "isotonic": {name: {"x": [0.0, 1.0], "y": [0.0, 1.0]} for name in ("pet", "background", "border")},
}


@pytest.mark.parametrize(
    ("change", "kind", "told"),
    [
        ({"version": 2}, NewerFormat, "is a calibration of version 2; this program reads version 1"),
        ({"version": None}, Damaged, "no calibration: it has no version"),
        ({"classes": ["cat", "dog"]}, InvalidInput, "calibrates the classes ['cat', 'dog']; the model has ['pet',"),
        ({"classes": ["background", "pet", "border"]}, InvalidInput, "calibrates the classes ['background', 'pet',"),
        ({"temperature": 0.0}, Damaged, "its temperature is 0.0, not a number above 0"),
        ({"temperature": float("nan")}, Damaged, "its temperature is nan"),
        ({"temperature": True}, Damaged, "its temperature is True"),
        ({"isotonic": {"pet": {"x": [0.0], "y": [0.5]}}}, Damaged, "class background has no lists x and y"),
        ({"isotonic": {"pet": {"x": [0.5, 0.5], "y": [0.0, 1.0]}}}, Damaged, "the knots of class pet are no ascending"),
        ({"isotonic": {"pet": {"x": [0.0, 1.0], "y": [1.0, 0.0]}}}, Damaged, "the knots of class pet are no ascending"),
        ({"isotonic": {"pet": {"x": [0.0, 1.0], "y": [0.0, 1.5]}}}, Damaged, "the knots of class pet are no ascending"),
        ({"isotonic": {"pet": {"x": [0.0, 1.0], "y": [0.0]}}}, Damaged, "the knots of class pet are no ascending"),
        ({"isotonic": {"pet": {"x": [], "y": []}}}, Damaged, "the knots of class pet are no ascending"),
        ({"isotonic": {"pet": {"x": ["a"], "y": ["b"]}}}, Damaged, "class pet has no lists x and y of numbers"),
    ],
)
def test_a_file_that_is_no_calibration_of_this_model_is_refused(
    tmp_path: Path, change: dict[str, Any], kind: type[Exception], told: str
) -> None:
    """Each with what is wrong with it. Break: leave out any one check of `read`."""
    path = tmp_path / "calibration.json"
    path.write_text(json.dumps(SOUND))
    assert calibrating.read(path).temperature == 1.5
    path.write_text(json.dumps(SOUND | change))
    with pytest.raises(kind) as caught:
        calibrating.read(path)
    assert told in str(caught.value)


def test_a_file_cut_anywhere_is_refused(tmp_path: Path) -> None:
    """And one that is not there. Break: catch nothing but OSError."""
    path, whole = tmp_path / "calibration.json", json.dumps(SOUND)
    with pytest.raises(Damaged, match="no calibration: .*No such file"):
        calibrating.read(path)
    for end in range(len(whole)):
        path.write_text(whole[:end])
        with pytest.raises(Damaged, match="is no calibration"):
            calibrating.read(path)


def test_a_pet_is_measured_with_what_other_pets_made() -> None:
    """Exchange two classes in the masks of one fold: what is used on that fold stays the same to the bit, what is used on others
    changes. Break: fit with all folds, or leave out another fold than the pet's."""
    pairs, how = drawn(10), chosen()
    folds = calibrate.dealt(pairs.names, how.folds, 7)

    def others(classes: Any) -> list[Any]:
        seen = calibrate.Seen(folds)
        for number, logits, truth in calibrate.predicted(Colours(), pairs._replace(classes=classes), 4):
            seen.add(number, logits, truth, np.arange(50))
        return [seen.fitted(without=fold) for fold in range(5)]

    changed = pairs.classes.clone()
    mine = torch.from_numpy(folds == 2)
    changed[mine] = torch.tensor([1, 0, 2])[changed[mine]]
    for fold, (one, other) in enumerate(zip(others(pairs.classes), others(changed), strict=True)):
        same = one.temperature == other.temperature and all(
            np.array_equal(a, b)
            for x, y in zip(one.isotonic, other.isotonic, strict=True)
            for a, b in zip(x, y, strict=True)
        )
        assert same == (fold == 2)


def test_calibration_mends_a_model_that_is_too_sure(tmp_path: Path) -> None:
    """The whole of it on painted photographs: better in every figure, the same for any batch, all pixels counted once."""
    pairs = drawn(11)
    whole, measured = calibrate.calibrated(Colours(), pairs, chosen(batch=3), 7)
    again, other = calibrate.calibrated(Colours(), pairs, chosen(batch=11), 7)
    assert {name: one.figures() for name, one in measured.items()} == {
        name: one.figures() for name, one in other.items()
    }
    calibrating.write(tmp_path / "a", whole)
    calibrating.write(tmp_path / "b", again)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    before = measured["before"].figures()
    for name in ("isotonic", "temperature"):
        after = measured[name].figures()
        for figure in ("ece", "classwise_ece", "brier", "nll"):
            assert after[figure] < before[figure]
        assert measured[name].pixels == 11 * 16 * 16
    assert measured["temperature"].figures()["accuracy"] == before["accuracy"]  # a temperature moves no maximum


def test_pets_are_dealt_evenly_and_at_random() -> None:
    """Fold sizes differ by one at most, whatever the names; another seed deals otherwise."""
    names = [f"pet_{number}" for number in range(23)]
    folds = calibrate.dealt(names, 5, 1)
    assert sorted(np.bincount(folds).tolist()) == [4, 4, 5, 5, 5]
    assert not np.array_equal(folds, np.arange(23) % 5)
    assert not np.array_equal(folds, calibrate.dealt(names, 5, 2))
    assert calibrate.dealt(names[:3], 5, 1).max() == 2


def test_a_part_that_cannot_calibrate_is_named(tmp_path: Path) -> None:
    """No pet, one pet, no pixel of a class, a model that gives NaN, a model of other classes."""
    with pytest.raises(SystemExit, match="no pair of image.png and mask.png here"):
        load("pairs").read_pairs(tmp_path)
    with pytest.raises(InvalidSplit, match="The calibration part has 1 pet; what is fitted"):
        calibrate.calibrated(Colours(), drawn(1), chosen(), 7)
    pairs = drawn(6)
    with pytest.raises(InvalidSplit, match="No pixel of pet or border in the calibration part: nothing says"):
        calibrate.calibrated(Colours(), pairs._replace(classes=torch.ones_like(pairs.classes)), chosen(), 7)
    lonely = pairs.classes.clamp(max=1)
    lonely[0, 0, 0] = 2
    with pytest.raises(InvalidSplit, match="No pixel of border in the calibration part without one fold"):
        calibrate.calibrated(Colours(), pairs._replace(classes=lonely), chosen(), 7)
    model = Colours()
    model.scale.data.fill_(math.nan)
    with pytest.raises(NonFinite, match="The model's output for pet_0 is not finite"):
        calibrate.calibrated(model, pairs, chosen(), 7)
    (tmp_path / "model.json").write_text(json.dumps({"classes": ["cat", "dog", "border"]}))
    with pytest.raises(
        SystemExit, match=r"the model has the classes \['cat', 'dog', 'border'\], the photographs \['pet'"
    ):
        calibrate.check_classes(tmp_path)
