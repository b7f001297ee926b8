"""harden: how the model fares against attacks and bad photographs, before and, if asked for, after learning from attacks.

    python harden.py

Reads the model, the training part (for fine-tuning alone) and pets of the validation part; the test part is not for this. Writes `model/`,
`robustness.csv` and `robustness.png`. Without fine-tuning, which is how conf/harden.yaml comes, `model/` is the same bytes.
"""

from __future__ import annotations

import csv
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from attacks import fgsm, losses_each, pgd, starts
from corruptions import corrupted
from devices import chosen
from hardening import harden
from models import load, save
from pairs import Pairs, read_pairs
from robustness import draw
from scores import confusion, scores
from settings_harden import Attacks, Harden
from torch import Tensor
from unet import CLASSES, UNet

from pedigree import config, training
from pedigree.errors import PedigreeError

PFS = Path("/pfs")
# What the model sees of a batch: floats in [0, 1] on the model's device.
Change = Callable[[UNet, Pairs], Tensor]


def some(pairs: Pairs, count: int, seed: int) -> Pairs:
    """At most `count` of the pairs, in their order: those with the smallest hash of seed and name."""
    ranked = training.sample_bits(seed, "harden", 0, pairs.names, 1)[:, 0].argsort(kind="stable")
    taken = sorted(ranked[:count].tolist())
    return Pairs([pairs.names[index] for index in taken], pairs.images[taken], pairs.classes[taken])


def on_device(model: UNet, part: Pairs) -> tuple[Tensor, Tensor]:
    """Images as floats in [0, 1] and classes, where the model is."""
    device = next(model.parameters()).device
    return part.images.to(device, torch.float32) / 255, part.classes.to(device)


def untouched(model: UNet, part: Pairs) -> Tensor:
    return on_device(model, part)[0]


def by_fgsm(epsilon: float) -> Change:
    return lambda model, part: fgsm(model, *on_device(model, part), epsilon / 255)


def by_pgd(epsilon: float, how: Attacks, seed: int) -> Change:
    def change(model: UNet, part: Pairs) -> Tensor:
        images, truth = on_device(model, part)
        made = starts(part.names, images.shape[1:], seed=seed, count=how.restarts)
        return pgd(model, images, truth, epsilon / 255, steps=how.steps, starts=[one.to(images.device) for one in made])

    return change


def by_corruption(kind: str, severity: int, seed: int) -> Change:
    def change(model: UNet, part: Pairs) -> Tensor:
        return untouched(model, part._replace(images=corrupted(part.images, part.names, kind, severity, seed=seed)))

    return change


def changes(settings: Harden, seed: int) -> list[tuple[str, str, float, Change]]:
    """All that the model is tried with, as (kind, name, strength, change) in the order of robustness.csv."""
    attacks, corruptions = settings.attacks, settings.corruptions
    return [
        ("clean", "clean", 0, untouched),
        *(("attack", "fgsm", epsilon, by_fgsm(epsilon)) for epsilon in attacks.epsilons),
        *(("attack", "pgd", epsilon, by_pgd(epsilon, attacks, seed)) for epsilon in attacks.epsilons),
        *(
            ("corruption", kind, severity, by_corruption(kind, severity, seed))
            for kind in corruptions.kinds
            for severity in corruptions.severities
        ),
    ]


def measure(model: UNet, pairs: Pairs, batch: int, change: Change) -> dict[str, Any]:
    """IoU of each class, their mean, accuracy, and the mean of the loss over pets, on changed photographs.

    IoU is counted over all pixels of all pets at once; None for a class that neither truth nor prediction has.
    """
    table, loss = torch.zeros(len(CLASSES), len(CLASSES), dtype=torch.int64), 0.0
    for start in range(0, len(pairs.names), batch):
        part = Pairs(*(values[start : start + batch] for values in pairs))
        images, truth = change(model, part), part.classes.to(next(model.parameters()).device)
        with torch.no_grad():
            logits = model(images)
            loss += float(losses_each(logits, truth).double().sum())
        table += confusion(logits.argmax(dim=1), truth, len(CLASSES)).cpu()
    found = scores(table, CLASSES)
    each = {f"iou_{name}": found["iou"][name] for name in CLASSES}
    return each | {"mean_iou": found["mean_iou"], "accuracy": found["accuracy"], "loss": loss / len(pairs.names)}


def measured(model: UNet, name: str, pairs: Pairs, settings: Harden, seed: int) -> list[dict[str, Any]]:
    """The rows of robustness.csv for one model, called `name` there."""
    rows = []
    for kind, change_name, strength, change in changes(settings, seed):
        row: dict[str, Any] = {"model": name, "kind": kind, "name": change_name, "strength": strength}
        rows.append(row | measure(model, pairs, settings.batch, change))
        print(f"{name}, {change_name} {strength:g}: mean IoU {rows[-1]['mean_iou']:.4f}", flush=True)
    return rows


def write_rows(path: Path, rows: list[dict[str, Any]]) -> None:
    """A CSV file of them; what is None is empty."""
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, [*rows[0]], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def main() -> None:
    settings = config.current(Harden)
    seed, threads = int(os.environ["PEDIGREE_SEED"]), int(os.environ["OMP_NUM_THREADS"])
    device = chosen(settings.device, "conf/harden.yaml")
    training.seed_everything(seed)
    training.deterministic("full", threads=threads)
    given, out = PFS / "model/model", PFS / "out"
    model = load(given).to(device, memory_format=torch.channels_last)
    pairs = some(read_pairs(PFS / "validation/validation"), settings.pets, seed)
    rows = measured(model, "given", pairs, settings, seed)

    if settings.fine_tuning.steps:
        pets = read_pairs(PFS / "training/training")
        kept = os.environ.get("PEDIGREE_CHECKPOINTS")
        try:
            course = harden(model, pets, settings.fine_tuning, seed=seed, checkpoints=Path(kept) if kept else None)
        except PedigreeError as error:
            sys.exit(f"{error.message} {error.remedy or ''}")
        rows += measured(model, "hardened", pairs, settings, seed)
        write_rows(out / "fine_tuning.csv", [{"step": step, **row} for step, row in course.items()])
        save(out / "model", model, pets.images.shape[2:])
    else:
        shutil.copytree(given, out / "model", copy_function=shutil.copyfile)
    write_rows(out / "robustness.csv", rows)
    draw(out / "robustness.png", rows, len(pairs.names))


if __name__ == "__main__":
    main()
