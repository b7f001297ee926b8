"""Attacks by their laws, corruptions by closed forms, and fine-tuning that can be killed."""

from __future__ import annotations

import csv
import io
import itertools
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("scipy")

import numpy as np
import torch
from PIL import Image

from pedigree.errors import NonFinite

from .steps import load  # after the check that torch is there

attacks, corruptions, harden = load("attacks"), load("corruptions"), load("harden")
Pairs = load("pairs").Pairs


class Small(torch.nn.Module):
    """Two convolutions with a bend between them, so that a gradient changes along the way."""

    def __init__(self) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(3)
            self.layers = torch.nn.Sequential(
                torch.nn.Conv2d(3, 8, 3, padding=1), torch.nn.Tanh(), torch.nn.Conv2d(8, 3, 3, padding=1)
            )

    def forward(self, images: Any) -> Any:
        return self.layers(images * 6 - 3) * 3


class Pixelwise(torch.nn.Module):
    """Every pixel by itself: what comes out for an image has the same bits in any batch."""

    def forward(self, images: Any) -> Any:
        return torch.sin(images * 9) * 4


def drawn(count: int, side: int = 12, seed: int = 1) -> tuple[Any, Any]:
    random = torch.Generator().manual_seed(seed)
    images = torch.rand(count, 3, side, side, generator=random)
    return images, torch.randint(0, 3, (count, side, side), generator=random)


def names(count: int) -> list[str]:
    return [f"pet_{number}" for number in range(count)]


def attacked(kind: str, model: Any, images: Any, truth: Any, epsilon: float) -> Any:
    if kind == "fgsm":
        return attacks.fgsm(model, images, truth, epsilon)
    start = attacks.starts(names(len(images)), images.shape[1:], seed=5, count=2)
    return attacks.pgd(model, images, truth, epsilon, steps=8, starts=[one.to(images.dtype) for one in start])


@pytest.mark.parametrize("kind", ["fgsm", "pgd"])
@pytest.mark.parametrize("epsilon", [0.0, 0.004, 0.1, 1.0])
def test_attacks_stay_near_the_photograph_and_in_range(kind: str, epsilon: float) -> None:
    """At most epsilon in every value, up to one rounding of float32, and in [0, 1]; epsilon 0 changes no bit; epsilon is used up. Break: leave
    the projection out of PGD's steps, or the clamp out of `within`."""
    images, truth = drawn(4)
    images[0, 0] = (images[0, 0] > 0.5).to(torch.float32)  # some at the ends of the range
    kept = images.clone()
    moved = attacked(kind, Small(), images, truth, epsilon)
    distance = (moved - images).abs()
    assert distance.max() <= epsilon + 2**-24
    assert distance.max() >= min(epsilon, 0.5)
    assert moved.min() >= 0
    assert moved.max() <= 1
    assert torch.equal(images, kept)
    assert not moved.requires_grad
    if epsilon == 0:
        assert torch.equal(moved, images)


@pytest.mark.slow
def test_fgsm_goes_along_the_gradient_found_by_differences() -> None:
    """The loss of each image alone, differentiated in all 384 values by central differences in float64: where the slope is not
    tiny, the step has its sign. Break: step down the loss, or differentiate the loss of the batch."""

    def loss(logits: Any, classes: Any) -> Any:
        true = torch.nn.functional.one_hot(classes, 3).permute(0, 3, 1, 2).double()
        chance = torch.sigmoid(logits)
        common, both = (chance * true).sum((0, 2, 3)), (chance + true).sum((0, 2, 3))
        return (torch.nn.functional.softplus(logits) - logits * true).mean() - (
            (common + 1) / (both - common + 1)
        ).mean()

    model = Small().double()
    images, truth = drawn(2, side=8)
    images = (images * 0.6 + 0.2).double()
    moved = attacks.fgsm(model, images, truth, 0.01)
    flat, slopes = images.reshape(2, -1), torch.zeros(2, 192, dtype=torch.float64)
    with torch.no_grad():
        for place in range(192):
            change = torch.zeros(2, 192, dtype=torch.float64)
            change[:, place] = 1e-6
            sides = [(flat + sign * change).reshape(images.shape) for sign in (1, -1)]
            for one in range(2):
                up, down = (loss(model(side[one : one + 1]), truth[one : one + 1]) for side in sides)
                slopes[one, place] = (up - down) / 2e-6
    steep = slopes.abs() > 1e-6
    assert steep.float().mean() > 0.95
    steps = (moved - images).reshape(2, -1) / 0.01
    assert torch.allclose(steps[steep], slopes.sign()[steep], atol=1e-9)


@pytest.mark.slow
def test_pgd_is_at_least_as_strong_as_fgsm() -> None:
    """Worse for the model on average, and never better than the photograph as it is, nor with a start more. Break: keep the end with the
    least loss, or let PGD take one step from its random start."""
    model, (images, truth) = Small(), drawn(8)
    for epsilon in (0.004, 0.02, 0.1):
        with torch.no_grad():
            clean = attacks.losses_each(model(images), truth)
            once = attacks.losses_each(model(attacked("fgsm", model, images, truth, epsilon)), truth)
            many = attacks.losses_each(model(attacked("pgd", model, images, truth, epsilon)), truth)
            first = attacks.starts(names(8), images.shape[1:], seed=5, count=1)
            fewer = attacks.losses_each(model(attacks.pgd(model, images, truth, epsilon, steps=8, starts=first)), truth)
        assert many.mean() > once.mean() > clean.mean()
        assert (many >= clean).all()
        assert (many >= fewer).all()


@pytest.mark.parametrize("kind", ["fgsm", "pgd"])
def test_an_image_is_attacked_alike_in_every_company(kind: str) -> None:
    """The soft Jaccard index of a batch would tie its images together: each is attacked by its own loss and its own start. Break: seed a
    start with its photograph's place in the batch."""
    images, truth = drawn(3)
    together = attacked(kind, Pixelwise(), images, truth, 0.02)
    alone = attacked(kind, Pixelwise(), images[:1], truth[:1], 0.02)
    assert torch.equal(together[:1], alone)
    start = attacks.starts(["b", "a"], (3, 4, 4), seed=5, count=2)
    other = attacks.starts(["a"], (3, 4, 4), seed=5, count=2)
    assert all(torch.equal(one[1:], two) for one, two in zip(start, other, strict=True))
    assert not torch.equal(start[0], start[1])
    assert -1 <= min(one.min() for one in start) < -0.8
    assert 0.8 < max(one.max() for one in start) < 1


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["fgsm", "pgd"])
def test_attacking_leaves_no_trace_on_the_model(kind: str) -> None:
    """In the middle of a training: parameters, running statistics, gradients and the mode of each module are as before, and the random state
    too. Break: attack in training mode, call backward(), or end with model.train()."""
    model = load("unet").UNet(0.35, [8, 8, 8, 8, 8])
    model.train()
    model.encoder.features[3].eval()  # a part that somebody froze
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    modes = [module.training for module in model.modules()]
    drawn_state = torch.random.get_rng_state()
    images, truth = drawn(2, side=32)
    state = torch.random.get_rng_state()
    attacked(kind, model, images, truth, 0.01)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert all((parameter.grad == 1).all() for parameter in model.parameters())
    assert all(parameter.requires_grad for parameter in model.parameters())
    assert [module.training for module in model.modules()] == modes
    assert torch.equal(torch.random.get_rng_state(), state)
    assert torch.equal(state, drawn_state)


def photographs() -> Any:
    """Two smooth pictures with an edge, uint8 (2, 3, 64, 48)."""
    down, right = np.meshgrid(np.linspace(0, 1, 64), np.linspace(0, 1, 48), indexing="ij")
    one = np.stack((down, right, down * right)) * 120 + 60
    other = np.stack((right, 1 - down, 0.5 * np.ones_like(down))) * 100 + 40
    other[:, 20:40, 10:30] += 90
    return torch.from_numpy(np.stack((one, other)).astype(np.uint8))


@pytest.mark.parametrize("kind", list(corruptions.KINDS))
def test_a_corruption_grows_with_its_severity_and_is_the_photographs_own(kind: str) -> None:
    """Farther from the photograph with every step; the same for a photograph in any company; another seed, another noise. Break: exchange two
    strengths, or seed the noise with the place in the batch."""
    images = photographs()
    kept = images.clone()
    made = [corruptions.corrupted(images, ["a", "b"], kind, severity, seed=1) for severity in corruptions.SEVERITIES]
    assert all(one.dtype == torch.uint8 and one.shape == images.shape for one in made)
    distances = [float((one.float() - images.float()).abs().mean()) for one in made]
    assert distances[0] > 0.2
    assert all(later > earlier for earlier, later in itertools.pairwise(distances))
    assert torch.equal(images, kept)
    alone = corruptions.corrupted(images[1:], ["b"], kind, 3, seed=1)
    assert torch.equal(alone, made[2][1:])
    other = corruptions.corrupted(images, ["a", "b"], kind, 3, seed=2)
    random = kind not in ("defocus_blur", "brightness", "contrast", "jpeg", "pixelate")
    assert torch.equal(other, made[2]) != random


def test_corruptions_have_their_closed_forms() -> None:
    """Moments of the noises (at 5 standard errors), what brightness, contrast and blur keep, blocks, and the file that Pillow writes. Break: divide
    by the wrong constant, forget to divide a kernel by its sum, or blur along and across."""
    rng = np.random.default_rng(0)
    grey = np.full((128, 128, 3), 0.5)
    count = grey.size
    noisy = corruptions.gaussian_noise(grey, 0.06, rng)
    assert noisy.mean() == pytest.approx(0.5, abs=5 * 0.06 / math.sqrt(count))
    assert noisy.std() == pytest.approx(0.06, abs=5 * 0.06 / math.sqrt(2 * count))
    shot = corruptions.shot_noise(grey, 30, rng)
    assert shot.mean() == pytest.approx(0.5, abs=5 * math.sqrt(0.5 / 30 / count))
    assert shot.var() == pytest.approx(0.5 / 30, rel=0.05)  # a Poisson number's variance is its mean
    hit = corruptions.impulse_noise(grey, 0.06, rng)
    for value in (0.0, 1.0):
        assert (hit == value).mean() == pytest.approx(0.03, abs=5 * math.sqrt(0.03 * 0.97 / count))
    ramp = np.linspace(0.2, 0.6, 64)[:, None, None] * np.ones((64, 64, 3))
    assert np.allclose(corruptions.brightness(ramp, 0.16, rng), ramp + 0.16)
    flat = corruptions.contrast(ramp, 0.35, rng)
    assert (flat.mean(), flat.std()) == (pytest.approx(0.4), pytest.approx(0.35 * ramp.std()))
    foggy = corruptions.fog(ramp, 0.5, rng) - ramp / 2
    assert (foggy.min(), foggy.max()) == (pytest.approx(0.3), pytest.approx(0.5))
    point = np.zeros((65, 65, 3))
    point[32, 32] = 1
    disk = corruptions.defocus_blur(point, 6 / 65, rng)
    assert disk[..., 0].sum() == pytest.approx(1)
    assert disk.max() == pytest.approx(1 / (math.pi * 36), rel=0.01)
    down, right = np.nonzero(disk[..., 0])
    assert 6 <= np.hypot(down - 32, right - 32).max() <= 6 + math.sqrt(2)  # shared among four pixels
    path = corruptions.motion_blur(point, 20 / 65, rng)
    down, right = np.nonzero(path[..., 0])
    assert path[..., 0].sum() == pytest.approx(1)
    assert math.hypot(np.ptp(down), np.ptp(right)) == pytest.approx(20, abs=3)
    weights = path[down, right, 0]
    spread = np.linalg.eigvalsh(np.cov(np.stack((down, right)), aweights=weights, bias=True))
    assert spread[1] == pytest.approx(20**2 / 12, rel=0.05)  # a line's variance along itself
    assert spread[0] < 0.5  # and next to none across
    blocks = corruptions.pixelate(ramp, 0.25, rng).reshape(16, 4, 16, 4, 3)
    assert (blocks == blocks[:, :1, :, :1]).all()
    file = io.BytesIO()
    Image.fromarray(np.rint(ramp * 255).astype(np.uint8)).save(file, "JPEG", quality=15)
    assert np.array_equal(corruptions.jpeg(ramp, 15, rng) * 255, np.asarray(Image.open(file)))


def test_every_kind_can_be_asked_for_and_has_its_strengths() -> None:
    """The names in settings, table and functions are one list. Break: add a kind to one of them."""
    kinds = load("settings_harden").Kind.__args__
    assert list(kinds) == list(corruptions.KINDS) == list(corruptions.STRENGTHS)


def chosen(**values: Any) -> Any:
    """Settings of two attacks and two corruptions on tiny photographs."""
    fine: dict[str, Any] = {
        "version": 1,
        "steps": 0,
        "batch": 4,
        "learning_rate": 0.01,
        "weight_decay": 0.01,
        "epsilon": 2,
    }
    fine |= {"attack_steps": 2, "share": 0.5, "augment": {"flip": 0.5, "zoom": 0.2, "light": 0.2}}
    given = {
        "pets": 6,
        "batch": 4,
        "device": "cpu",
        "attacks": {"version": 1, "epsilons": [1, 8], "steps": 3, "restarts": 1},
        "corruptions": {"version": 1, "kinds": ["fog", "shot_noise"], "severities": [1, 5]},
        "fine_tuning": fine | values,
    }
    return load("settings_harden").Harden(**given)


@pytest.fixture
def tiny() -> Iterator[tuple[Any, Any]]:
    """A model and ten pairs of 32 pixels, under deterministic("full")."""
    from pedigree import training

    with training.deterministic("full", threads=1):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(1)
            model = load("unet").UNet(0.35, [8, 8, 8, 8, 8])
        images, truth = drawn(10, side=32)
        yield model.to(memory_format=torch.channels_last), Pairs(names(10), (images * 255).to(torch.uint8), truth)


def test_clean_figures_are_those_of_the_training_log(tiny: tuple[Any, Any]) -> None:
    """What `fitting.watch` says of the same pairs, for a batch that does not divide them. Break: leave the last batch out."""
    model, pairs = tiny
    watched = load("fitting").watch(model.eval(), pairs, 4)
    found = harden.measure(model, pairs, 4, harden.untouched)
    assert {name: found[f"iou_{name}"] for name in watched["iou"]} == watched["iou"]
    assert (found["mean_iou"], found["accuracy"]) == (watched["mean_iou"], watched["accuracy"])


def test_the_pets_tried_out_are_chosen_by_their_names() -> None:
    """A pet more puts out one at most; the order stays. Break: take the first ones."""
    images, truth = drawn(20, side=4)
    twenty = Pairs(names(20), images, truth)
    some = harden.some(twenty, 6, 1)
    assert some.names != names(6)
    assert some.names == [name for name in twenty.names if name in some.names]
    assert torch.equal(some.images[2], images[int(some.names[2].removeprefix("pet_"))])
    fewer = harden.some(Pairs(names(19), images[:19], truth[:19]), 6, 1)
    assert len({*some.names} - {*fewer.names}) <= 1
    assert harden.some(twenty, 99, 1).names == twenty.names


@pytest.mark.slow
def test_fine_tuning_goes_on_from_where_it_was_killed(
    tiny: tuple[Any, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed in the middle of an epoch and run again, the weights and the rows have the bits of a run without."""
    import copy

    hardening, (model, pairs) = load("hardening"), tiny
    how = chosen(steps=7).fine_tuning
    straight = copy.deepcopy(model)
    rows = hardening.harden(straight, pairs, how, seed=2)
    assert list(rows) == list(range(1, 8))
    step = hardening._step

    def killed(*arguments: Any) -> Any:
        if len(arguments[-1]) == 5:  # after two epochs of two batches and one batch
            raise KeyboardInterrupt
        return step(*arguments)

    torn = copy.deepcopy(model)
    with monkeypatch.context() as patch:
        patch.setattr(hardening, "_step", killed)
        with pytest.raises(KeyboardInterrupt):
            hardening.harden(torn, pairs, how, seed=2, checkpoints=tmp_path / "kept")
    torch.manual_seed(99)  # another process
    again = copy.deepcopy(model)
    assert hardening.harden(again, pairs, how, seed=2, checkpoints=tmp_path / "kept") == rows
    for name, tensor in straight.state_dict().items():
        assert torch.equal(tensor, again.state_dict()[name]), name


def test_a_loss_that_is_no_number_ends_fine_tuning(tiny: tuple[Any, Any]) -> None:
    """What is no number is refused."""
    model, pairs = tiny
    model.head.bias.data.fill_(math.nan)
    with pytest.raises(NonFinite):
        load("hardening").harden(model, pairs, chosen(steps=2).fine_tuning, seed=2)


@pytest.mark.slow
def test_the_step_passes_the_model_on_or_hardens_it(
    tiny: tuple[Any, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without fine-tuning the model's files are the same bytes; with it, attacks do less. All files are the same bytes twice."""
    model, _ = tiny
    models = load("models")
    images, truth = drawn(16, side=32)
    images = 0.6 * images + 0.4 * torch.nn.functional.one_hot(truth, 3).permute(0, 3, 1, 2)
    for part, taken in (("training", range(10)), ("validation", range(10, 16))):
        for number in taken:
            folder = tmp_path / part / part / f"pet_{number}"
            folder.mkdir(parents=True)
            Image.fromarray((images[number] * 255).to(torch.uint8).permute(1, 2, 0).numpy()).save(folder / "image.png")
            Image.fromarray((truth[number] + 1).to(torch.uint8).numpy()).save(folder / "mask.png")
    models.save(tmp_path / "model/model", model, (32, 32))
    monkeypatch.setattr(harden, "PFS", tmp_path)
    monkeypatch.setenv("PEDIGREE_SEED", "3")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")

    def run(name: str, steps: int) -> dict[str, bytes]:
        config = tmp_path / f"{name}.yaml"
        config.write_text(json.dumps(chosen(steps=steps).model_dump(mode="json")))
        monkeypatch.setenv("PEDIGREE_CONFIG", str(config))
        (tmp_path / "out").mkdir()
        harden.main()
        (tmp_path / "out").rename(tmp_path / name)
        files = sorted(path for path in (tmp_path / name).rglob("*") if path.is_file())
        return {str(path.relative_to(tmp_path / name)): path.read_bytes() for path in files}

    passed = run("passed", 0)
    assert [*passed] == ["model/model.json", "model/weights.safetensors", "robustness.csv", "robustness.png"]
    for name in ("model.json", "weights.safetensors"):
        assert passed[f"model/{name}"] == (tmp_path / "model/model" / name).read_bytes()
    tuned = run("tuned", 20)
    assert tuned == run("again", 20)
    assert tuned["model/weights.safetensors"] != passed["model/weights.safetensors"]
    rows = list(csv.DictReader(io.StringIO(tuned["robustness.csv"].decode())))
    assert [(row["kind"], row["name"], float(row["strength"])) for row in rows[:9]] == [
        ("clean", "clean", 0),
        *(("attack", name, epsilon) for name in ("fgsm", "pgd") for epsilon in (1, 8)),
        *(("corruption", kind, severity) for kind in ("fog", "shot_noise") for severity in (1, 5)),
    ]
    losses = {(row["model"], row["name"], float(row["strength"])): float(row["loss"]) for row in rows}
    assert len(losses) == 18
    assert losses["hardened", "pgd", 8] < losses["given", "pgd", 8]
    assert losses["hardened", "pgd", 8] > losses["hardened", "fgsm", 1] > losses["hardened", "clean", 0]
