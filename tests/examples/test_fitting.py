"""Training: the same bytes with any number of workers and interruptions, and one clear error where it cannot go on."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from pedigree import training  # noqa: E402
from pedigree.errors import CheckpointMismatch, NonFinite  # noqa: E402

from .steps import PETS, load  # noqa: E402  # after the check that torch is there

SEED = 7


def _pairs(count: int, first: int = 0) -> Any:
    """Squares of one colour on another, 32 x 32; the square is the pet."""
    draw = torch.Generator().manual_seed(first)
    images = torch.randint(0, 100, (count, 3, 32, 32), generator=draw, dtype=torch.uint8)
    classes = torch.ones(count, 32, 32, dtype=torch.int64)
    images[:, 0, 8:24, 4:20] += 150
    classes[:, 8:24, 4:20] = 0
    return load("pairs").Pairs([f"pet_{first + number}" for number in range(count)], images, classes)


def _settings(**changed: Any) -> Any:
    augment = {"flip": 0.5, "zoom": 0.25, "light": 0.2, "saturation": 0.2}
    values = {"version": 1, "steps": 7, "batch": 3, "learning_rate": 0.01, "weight_decay": 0.01, "watch_every": 3}
    return load("settings").Training(**{**values, "augment": augment, **changed})


def _model(seed: int = SEED) -> Any:
    card = {"encoder": "mobilenet_v2", "width": 0.1, "decoder": [8, 8, 8, 8, 8], "dropout": 0.2}
    return load("models").build_seeded({"model": card}, seed)


class Killed(Exception):
    """Raised where a kill would strike."""


def _fitted(model: Any = None, data: Any = None, **given: Any) -> tuple[dict[str, Any], Any]:
    """The weights and the rows of a training."""
    settings, seed = given.pop("settings", None) or _settings(), given.pop("seed", SEED)
    model = model or _model()
    with training.deterministic("full", threads=1):
        rows = load("fitting").fit(model, data or _pairs(8), _pairs(3, 100), settings, seed=seed, **given)
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}, rows


def _same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_a_training_killed_and_gone_on_from_gives_the_same_bytes(tmp_path: Path) -> None:
    """Killed between two checkpoints, each time, until it is through: weights (with dropout) and rows as never killed. Break:
    leave the loader's position, or the random state of dropout, out of the checkpoint."""
    torch.manual_seed(1)
    weights, rows = _fitted()
    assert list(rows) == [1, 2, 3, 4, 5, 6, 7]
    assert [step for step, row in rows.items() if "iou/pet" in row] == [3, 6, 7]

    killed = []

    def kill(step: int, row: dict[str, float]) -> None:
        if step not in killed:
            killed.append(step)
            raise Killed

    settings = _settings(checkpoint_every=2)
    while True:
        torch.manual_seed(100 + len(killed))  # what the process drew before does not matter
        try:
            again = _fitted(_model(SEED + len(killed)), checkpoints=tmp_path, settings=settings, on_watch=kill)
        except Killed:
            continue
        break
    assert killed == [3, 6, 7]
    assert again[1] == rows
    assert _same(again[0], weights)


def test_the_seed_decides_and_what_was_drawn_before_does_not() -> None:
    """Break: let dropout draw from torch's state as it stands."""
    torch.manual_seed(1)
    one = _fitted()
    torch.manual_seed(2)
    assert _same(_fitted()[0], one[0])
    assert not _same(_fitted(seed=8)[0], one[0])


def test_no_operation_reads_memory_that_nobody_wrote() -> None:
    """The bits are the same where new memory is filled with NaN, as `_fitted` does, and where it is not, as train.py does.
    Break: add 0 times an `empty_like` of the image to it."""
    one, rows = _fitted()
    fitting, model = load("fitting"), _model()
    with fitting.deterministic(1):
        assert not torch.utils.deterministic.fill_uninitialized_memory
        assert torch.are_deterministic_algorithms_enabled()
        assert fitting.fit(model, _pairs(8), _pairs(3, 100), _settings(), seed=SEED) == rows
    assert _same(model.state_dict(), one)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:This DataLoader will create")  # more workers than this machine has cores
@pytest.mark.parametrize("workers", [1, 2, 4])
def test_the_number_of_workers_does_not_matter(workers: int) -> None:
    """The same bytes as without workers. Break: augment from the global generators."""
    one, rows = _fitted()
    other, found = _fitted(settings=_settings(workers=workers))
    assert found == rows
    assert _same(other, one)


def test_a_checkpoint_of_another_training_is_refused(tmp_path: Path) -> None:
    """Of another model, other settings, other pets: each an error that says which. How many workers load is none. Break:
    go on from whatever lies there."""
    settings = _settings(steps=2, checkpoint_every=1)
    _fitted(checkpoints=tmp_path, settings=settings)
    kept = sorted(path.name for path in tmp_path.iterdir())
    other = _settings(steps=2, checkpoint_every=1, learning_rate=0.5)
    with pytest.raises(CheckpointMismatch, match=r"a training with learning_rate 0\.01 \(now 0\.5\)"):
        _fitted(checkpoints=tmp_path, settings=other)
    with pytest.raises(CheckpointMismatch, match="a training with training "):
        _fitted(checkpoints=tmp_path, settings=settings, data=_pairs(8, 50))
    wide = load("unet").UNet(0.1, [8, 8, 8, 8, 16])
    with pytest.raises(CheckpointMismatch, match="does not fit"):
        _fitted(wide, checkpoints=tmp_path, settings=settings)
    assert sorted(path.name for path in tmp_path.iterdir()) == kept
    _fitted(checkpoints=tmp_path, settings=_settings(steps=2))


def test_a_loss_that_is_no_number_ends_the_training(tmp_path: Path) -> None:
    """It says at which step, and the checkpoint before it stays. Break: check the loss after the optimiser's step."""
    bad = _settings(steps=6, checkpoint_every=1, learning_rate=1e30)
    with pytest.raises(NonFinite, match=r"The loss is (nan|inf) at step [2-6]; the last finite value was"):
        _fitted(checkpoints=tmp_path, settings=bad)
    assert training.Checkpoints(tmp_path, {}).steps


def test_fewer_pets_than_a_batch_still_train() -> None:
    """A batch is then all of them. Break: wait for a full batch for ever."""
    _, rows = _fitted(data=_pairs(2), settings=_settings(steps=2, batch=8))
    assert list(rows) == [1, 2]


def test_watching_leaves_the_model_as_it_was() -> None:
    """In training mode or not, with the statistics of BatchNorm untouched. Break: watch in training mode."""
    watch, model = load("fitting").watch, _model()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    for mode in (True, False):
        model.train(mode)
        assert watch(model, _pairs(3), 2) == watch(model, _pairs(3), 2)
        assert model.training is mode
    assert _same(model.state_dict(), before)


# ------------------------------------------------------------------------------------------------------ augmentation


def test_augmentation_moves_image_and_mask_together() -> None:
    """A picture that shows its own mask still does after it, and without strength nothing moves. Break: draw the
    mask's window anew."""
    augmented, augment = load("augment").augmented, load("settings").Augment
    classes = torch.zeros(32, 32, dtype=torch.int64)
    classes[8:20, 4:26] = 2
    image = (classes / 2).repeat(3, 1, 1).to(torch.float32)
    numbers = [0.1, 0.7, 0.2, 0.9, 0.5, 0.5, 0.5]
    moved, mask = augmented(image, classes, augment(flip=0.5, zoom=0.4, light=0.0), numbers)
    assert not torch.equal(mask, classes)
    assert set(mask.unique().tolist()) <= {0, 2}
    assert ((moved[0] > 0.5) == (mask == 2)).float().mean() > 0.97  # the edge itself is interpolated
    same, still = augmented(image, classes, augment(flip=0.0, zoom=0.0, light=0.0), numbers)
    assert torch.allclose(same, image, atol=1e-5)
    assert torch.equal(still, classes)


def test_augmentation_does_what_kornia_does() -> None:
    """Window, mirror and colours against Kornia's functions: the same pictures up to rounding. Break: shift by the whole
    of what is cropped; mirror the mask alone."""
    kornia = pytest.importorskip("kornia")
    geometry = kornia.geometry.transform
    augmented, how = load("augment").augmented, load("settings").Augment(flip=1, zoom=0.4, light=0.3, saturation=0.5)
    draw = torch.Generator().manual_seed(3)
    image, classes = torch.rand(3, 40, 40, generator=draw), torch.randint(0, 3, (40, 40), generator=draw)
    numbers = [0.5, 0.45, 0.9, 0.3, 0.8, 0.2, 0.9]
    found, mask = augmented(image, classes, how, numbers)

    scale = 1 - 0.4 * 0.45
    # Our window's centre, in pixels from the image's; output pixel p shows input centre + shift + scale (p - centre).
    shift = [20 * (2 * number - 1) * (1 - scale) for number in (0.9, 0.3)]
    centre = 19.5
    matrix = torch.tensor(
        [[[1 / scale, 0, centre - (centre + shift[0]) / scale], [0, 1 / scale, centre - (centre + shift[1]) / scale]]]
    )
    size = {"dsize": (40, 40), "padding_mode": "reflection", "align_corners": True}
    moved = geometry.hflip(geometry.warp_affine(image[None], matrix, mode="bilinear", **size))
    wanted = geometry.hflip(geometry.warp_affine(classes[None, None].float(), matrix, mode="nearest", **size))
    assert torch.equal(mask, wanted[0, 0].to(torch.int64))
    contrast, brightness, saturation = 1 + 0.3 * 0.6, 1 - 0.3 * 0.6, 1 + 0.5 * 0.8
    middle = moved.mean()
    bright = (moved - middle) * contrast + middle * brightness
    grey = kornia.color.rgb_to_grayscale(bright)
    assert torch.allclose(found, ((1 - saturation) * grey + saturation * bright).clamp(0, 1)[0], atol=1e-4)


def test_the_draws_of_a_pet_are_its_own() -> None:
    """The same pet in the same epoch is changed alike whatever else is in the part. Break: number the pets."""
    augmented, pairs = load("augment").Augmented, _pairs(4)
    fewer = type(pairs)(pairs.names[2:], pairs.images[2:], pairs.classes[2:])
    how, draw = _settings().augment, training.Draw

    def sample(data: Any, index: int, epoch: int) -> Any:
        return augmented(data, how).sample(index, draw(SEED, epoch, data.names[index]))[0]

    assert torch.equal(sample(pairs, 3, 5), sample(fewer, 1, 5))
    assert not torch.equal(sample(pairs, 3, 5), sample(pairs, 3, 6))


def test_the_rate_rises_then_falls_to_nothing() -> None:
    """A tenth of the steps up to the peak, then down a cosine. Break: begin at the peak."""
    rate_at = load("fitting").rate_at
    rates = [rate_at(step, 100) for step in range(100)]
    assert rates[:10] == [pytest.approx((step + 1) / 10) for step in range(10)]
    assert max(rates) == rates[9] == 1
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[-1] < 0.001


# ----------------------------------------------------------------------------------------------------- tuned settings


def test_what_tune_found_is_laid_over_the_settings(tmp_path: Path) -> None:
    """The tuned keys change and the others stay; a key that is none of ours, or a value out of range, ends the step. Break:
    build the settings without validating them."""
    tuned, path = load("train").tuned, tmp_path / "optimal_hp.json"
    path.write_text('{"learning_rate": 0.5, "batch": 2}')
    found = tuned(_settings(), path)
    assert (found.learning_rate, found.batch, found.steps) == (0.5, 2, 7)
    bad = [({"learning_rat": 1.0}, "unknown key"), ({"batch": 0}, "expected more than 0"), ([1], "not a mapping")]
    for values, told in bad:
        path.write_text(json.dumps(values))
        with pytest.raises(SystemExit, match=rf"^tune/optimal_hp\.json: .*{told}") as ended:
            tuned(_settings(), path)
        assert "\n" not in str(ended.value)


def test_a_class_that_a_part_lacks_is_named() -> None:
    """One line before any training; with all classes in both parts there is none. Break: look at the training part alone."""
    check, pairs = load("train").check_classes, _pairs(3)
    whole = pairs._replace(classes=torch.arange(3)[:, None, None].expand(3, 32, 32))
    check({"training": whole, "validation": whole})
    with pytest.raises(SystemExit, match=r"^validation has no pixel of border, in any of its pets\. Put more"):
        check({"training": whole, "validation": pairs})


@pytest.mark.slow
def test_the_program_killed_by_a_signal_writes_the_same_files() -> None:
    """train.py as a process, with workers, and with SIGKILL at random steps: every file that it writes is the same.
    Break: record the number of workers in training.json; keep the rows out of the checkpoint."""
    command = [sys.executable, "-m", "bench.pets_resume", "--kills", "3", "--steps", "10"]
    done = subprocess.run(command, cwd=PETS.parents[1], check=False, text=True, capture_output=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("the same bytes: yes, all\n")
