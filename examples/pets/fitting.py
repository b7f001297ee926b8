"""Fitting: the training loop, whose result is the same bits whenever, with however many workers and interruptions it runs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch
from augment import Augmented
from losses import bce_jaccard
from pairs import Pairs
from scores import confusion, scores
from settings import Training
from torch import Tensor
from unet import CLASSES, UNet

from pedigree import training as reproducible
from pedigree.errors import CheckpointMismatch

#: step (from 1) to its numbers: the loss of every step, the scores where the validation part was looked at.
Rows = dict[int, dict[str, float]]
#: Settings that decide how a training goes on and not what comes out of it.
CHANGES_NOTHING = {"workers", "checkpoint_every"}


def rate_at(step: int, steps: int) -> float:
    """The learning rate at this step as a part of its peak: a tenth of the steps up, then a cosine down to 0."""
    warm = max(1, steps // 10)
    return (step + 1) / warm if step < warm else (1 + math.cos(math.pi * (step - warm) / (steps - warm))) / 2


def deterministic(threads: int) -> reproducible.Determinism:
    """`training.deterministic("full", threads=threads)`, without filling new memory.

    The filling makes NaN of what an operation reads and nobody wrote. No operation of ours reads such memory: the bits are
    the same with and without it (a test compares), and it took 4 to 8 % of the time of a training.
    """
    held = reproducible.deterministic("full", threads=threads)
    torch.utils.deterministic.fill_uninitialized_memory = False
    return held


def watch(model: UNet, pairs: Pairs, batch: int) -> dict[str, Any]:
    """Loss and scores on all of `pairs`; the model is left in the mode that it was in."""
    device = next(model.parameters()).device
    table, loss, trains = torch.zeros(len(CLASSES), len(CLASSES), dtype=torch.int64), 0.0, model.training
    model.eval()
    with torch.no_grad():
        for start in range(0, len(pairs.names), batch):
            truth = pairs.classes[start : start + batch].to(device)
            logits = model(pairs.images[start : start + batch].to(device, torch.float32) / 255)
            loss += float(bce_jaccard(logits, truth)) * len(truth)
            table += confusion(logits.argmax(dim=1), truth, len(CLASSES)).cpu()
    model.train(trains)
    return {"loss": loss / len(pairs.names), **scores(table, CLASSES)}


def fit(
    model: UNet,
    training: Pairs,
    validation: Pairs,
    settings: Training,
    *,
    seed: int,
    checkpoints: Path | None = None,
    on_watch: Callable[[int, dict[str, float]], None] | None = None,
) -> Rows:
    """Train the model in place; its weights and the rows are a pure function of model, pairs, settings and seed.

    (And of torch, the processor and the number of threads: call it under `deterministic(threads)`.) The
    number of workers, kills and resumptions do not enter. Each epoch goes through the pairs in a new order; what does
    not fill a batch is left out of it.

    With a folder for `checkpoints`, one is kept after each epoch, or every `checkpoint_every` steps, and a training that
    finds one goes on from it. `on_watch(step, row)` is called wherever the validation part was looked at; what it raises
    ends the training. It is not called again for steps before the checkpoint.

    Raises NonFinite when the loss is no number; CheckpointMismatch for a checkpoint of another model, of other settings,
    pairs or another seed.
    """
    device = next(model.parameters()).device
    optimizer = torch.optim.AdamW(model.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay)
    loader = reproducible.Loader(
        Augmented(training, settings.augment),
        min(settings.batch, len(training.names)),
        seed=seed,
        ids=training.names,
        drop_last=True,
        isolate=False,  # the augmentation draws from nothing global
        num_workers=settings.workers,
    )
    # What dropout draws is the seed's as well, whatever was drawn before.
    torch.default_generator.set_state(reproducible.torch_generator(seed, "dropout").get_state())
    rows: Rows = {}
    every = settings.checkpoint_every or len(loader)
    recipe = _recipe(settings, seed, training, validation)
    with ExitStack() as stack:
        kept = None
        if checkpoints is not None:
            parts = {"model": model, "optimizer": optimizer, "loader": loader}
            kept = stack.enter_context(reproducible.Checkpoints(checkpoints, parts, keep_last=1))
            if at := kept.load():
                _check_recipe(at, recipe)
                rows = at.metrics
                print(f"going on after step {at.step} of {settings.steps}", flush=True)
        model.train()
        for images, truth in _batches(loader, settings.steps - len(rows)):
            step = len(rows) + 1
            rate = settings.learning_rate * rate_at(step - 1, settings.steps)
            for group in optimizer.param_groups:
                group["lr"] = rate
            loss = bce_jaccard(model(images.to(device, memory_format=torch.channels_last)), truth.to(device))
            last = rows[step - 1]["loss/training"] if rows else None
            row = {"loss/training": reproducible.check_finite(loss, step, last=last, model=model), "rate": rate}
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]  # torch's
            optimizer.step()
            rows[step] = row
            if step % settings.watch_every == 0 or step == settings.steps:
                row |= _watched(model, validation, settings.batch)
                numbers = ", ".join(f"{name} {number:.4f}" for name, number in row.items() if name != "rate")
                print(f"step {step} of {settings.steps}: {numbers}", flush=True)
                if on_watch is not None:
                    on_watch(step, row)
            if kept is not None and step % every == 0:
                kept.save(step, metrics=rows, user=recipe)
    return rows


def _recipe(settings: Training, seed: int, training: Pairs, validation: Pairs) -> dict[str, Any]:
    """What decides the rest of a training besides the checkpoint's own parts, as plain values."""
    names = {"training": training.names, "validation": validation.names}
    return {**settings.model_dump(exclude=CHANGES_NOTHING), "seed": seed, **names}


def _check_recipe(at: reproducible.Loaded, recipe: dict[str, Any]) -> None:
    was = at.user or {}
    other = [name for name in recipe if was.get(name) != recipe[name]]
    if other:
        told = ", ".join(f"{name} {was.get(name)!r:.60} (now {recipe[name]!r:.60})" for name in other)
        raise CheckpointMismatch(
            f"The checkpoint {at.path} is of a training with {told}.",
            remedy="Name another folder, or remove this one to begin anew.",
            path=at.path,
        )


def _batches(loader: reproducible.Loader, count: int) -> Iterator[tuple[Tensor, Tensor]]:
    """So many batches, through as many epochs as it takes."""
    while count > 0:
        for batch in loader:
            yield batch
            count -= 1
            if count == 0:
                return


def _watched(model: UNet, validation: Pairs, batch: int) -> dict[str, float]:
    seen = watch(model, validation, batch)
    return {
        "loss/validation": seen["loss"],
        "iou/pet": seen["iou"]["pet"] or 0.0,
        "iou/mean": seen["mean_iou"],
        "f1/mean": seen["mean_f1"],
        "accuracy": seen["accuracy"],
    }
