"""Adversarial fine-tuning: training goes on, half on photographs that were attacked a moment before."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import torch
from attacks import pgd
from augment import Augmented
from fitting import Rows, rate_at
from losses import bce_jaccard
from pairs import Pairs
from settings_harden import FineTuning
from torch import Tensor
from unet import UNet

from pedigree import training


class WithStart(Augmented):
    """Augmented pairs, each with a random start for PGD: (image, classes, start), a start like the image in [-1, 1).

    The start is, like the augmentation, a pure function of seed, epoch and pet.
    """

    def sample(self, index: int, draw: training.Draw) -> tuple[Tensor, Tensor, Tensor]:  # type: ignore[override]
        image, classes = super().sample(index, draw)
        start = torch.from_numpy(draw.rng("pgd").random(image.shape, dtype="float32") * 2 - 1)
        return image, classes, start


def harden(model: UNet, pairs: Pairs, how: FineTuning, *, seed: int, checkpoints: Path | None = None) -> Rows:
    """Fine-tune the model in place; step (from 1) to the losses on clean and on attacked photographs, and the rate.

    What is minimised is (1 - share) loss(clean) + share loss(attacked): Goodfellow et al. 2015 (arXiv:1412.6572), section 6,
    with PGD as the attack. An attack sees the model as it predicts; both losses see it as it trains, so that batch
    normalisation learns from clean and attacked photographs in turn. Optimiser and rate are those of `fitting.fit`.

    Weights and rows are a pure function of all arguments but `checkpoints`, under `deterministic("full", threads=...)`. With
    a folder for them, one is kept after each epoch, and a training that finds one goes on from it.
    Raises NonFinite when a loss is no number; CheckpointMismatch for the checkpoint of another model.
    """
    device = next(model.parameters()).device
    optimizer = torch.optim.AdamW(model.parameters(), lr=how.learning_rate, weight_decay=how.weight_decay)
    batch = min(how.batch, len(pairs.names))
    loader = training.Loader(
        WithStart(pairs, how.augment), batch, seed=seed, ids=pairs.names, drop_last=True, isolate=False
    )
    torch.default_generator.set_state(training.torch_generator(seed, "dropout").get_state())
    rows: Rows = {}
    with ExitStack() as stack:
        kept = None
        if checkpoints is not None:
            parts = {"model": model, "optimizer": optimizer, "loader": loader}
            kept = stack.enter_context(training.Checkpoints(checkpoints, parts, keep_last=1))
            if at := kept.load():
                rows = at.metrics
                print(f"going on after step {at.step} of {how.steps}", flush=True)
        model.train()
        while len(rows) < how.steps:
            for tensors in loader:
                images, truth, start = (tensor.to(device) for tensor in tensors)
                rows[len(rows) + 1] = _step(model, optimizer, images, truth, start, how, rows)
                if kept is not None and len(rows) % len(loader) == 0:
                    kept.save(len(rows), metrics=rows)
                if len(rows) == how.steps:
                    break
    model.eval()
    return rows


def _step(
    model: UNet,
    optimizer: torch.optim.Optimizer,
    images: Tensor,
    truth: Tensor,
    start: Tensor,
    how: FineTuning,
    rows: Rows,
) -> dict[str, float]:
    step = len(rows)
    rate = how.learning_rate * rate_at(step, how.steps)
    for group in optimizer.param_groups:
        group["lr"] = rate
    images = images.contiguous(memory_format=torch.channels_last)
    attacked = pgd(model, images, truth, how.epsilon / 255, steps=how.attack_steps, starts=[start])
    clean, adversarial = bce_jaccard(model(images), truth), bce_jaccard(model(attacked), truth)
    loss = (1 - how.share) * clean + how.share * adversarial
    training.check_finite(loss, step + 1, last=rows[step]["loss/clean"] if step else None, model=model)
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]  # torch's
    optimizer.step()
    if (step + 1) % 10 == 0 or step + 1 == how.steps:
        print(
            f"step {step + 1} of {how.steps}: clean {clean.item():.4f}, attacked {adversarial.item():.4f}", flush=True
        )
    return {"loss/clean": clean.item(), "loss/attacked": adversarial.item(), "rate": rate}
