"""train: the U-Net on the training part, watched on the validation part; the same bits each time.

    python train.py

Numbers come from conf/train.yaml, seed and number of threads from pets.yaml; torch is held to its deterministic algorithms, and nothing written holds a
time or a host's name.
"""

from __future__ import annotations

import csv
import json
import math
import os
import sys
from pathlib import Path
from typing import Any

import torch
from devices import chosen
from events import write_scalars
from losses import bce_jaccard
from pairs import Pairs, read_pairs
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from scores import confusion, scores
from settings import Augment, Train, Training
from torch import Tensor
from torch.nn import functional
from unet import CLASSES, UNet

from pedigree import config

PFS = Path("/pfs")


def make_deterministic(seed: int, threads: int) -> torch.Generator:
    """Fix torch's random state, algorithms and threads; the generator returned drives batches and augmentation.

    Sums depend on the number of threads: it is what pets.yaml says, whatever the machine has. On a GPU cuBLAS needs
    CUBLAS_WORKSPACE_CONFIG as well, which every step has from Pedigree. The generator stays on the processor, so that a
    GPU sees the same batches.
    """
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False  # the fastest algorithm of the moment is another one each time
    torch.manual_seed(seed)
    return torch.Generator().manual_seed(seed)


def rate_at(step: int, steps: int) -> float:
    """The learning rate at this step as a part of its peak: a tenth of the steps up, then a cosine down to 0."""
    warm = max(1, steps // 10)
    return (step + 1) / warm if step < warm else (1 + math.cos(math.pi * (step - warm) / (steps - warm))) / 2


def augmented(images: Tensor, classes: Tensor, how: Augment, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """Mirror, crop and light each pair at random; images are floats in [0, 1], masks stay class indices."""
    count, device = len(images), images.device

    def uniform(low: float, high: float) -> Tensor:
        return torch.empty(count).uniform_(low, high, generator=random).to(device)

    scale = uniform(1 - how.zoom, 1)
    mirror = 1 - 2 * (uniform(0, 1) < how.flip).to(torch.float32)
    shift_x, shift_y = (uniform(-1, 1) * (1 - scale) for _ in range(2))
    zero = torch.zeros(count, device=device)
    window = torch.stack((scale * mirror, zero, shift_x, zero, scale, shift_y), dim=1).view(count, 2, 3)
    grid = functional.affine_grid(window, [count, 1, *images.shape[2:]], align_corners=False)
    images = functional.grid_sample(images, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
    masks = functional.grid_sample(
        classes.unsqueeze(1).to(torch.float32),
        grid,
        mode="nearest",
        padding_mode="reflection",
        align_corners=False,
    )
    contrast, brightness = (1 + uniform(-how.light, how.light).view(-1, 1, 1, 1) for _ in range(2))
    middle = images.mean(dim=(1, 2, 3), keepdim=True)
    images = ((images - middle) * contrast + middle * brightness).clamp(0, 1)
    return images, masks.squeeze(1).to(torch.int64)


def watch(model: UNet, pairs: Pairs, batch: int) -> dict[str, Any]:
    """Loss and scores on all of `pairs`."""
    device = next(model.parameters()).device
    table, loss = torch.zeros(len(CLASSES), len(CLASSES), dtype=torch.int64), 0.0
    model.eval()
    with torch.no_grad():
        for start in range(0, len(pairs.names), batch):
            truth = pairs.classes[start : start + batch].to(device)
            logits = model(pairs.images[start : start + batch].to(device, torch.float32) / 255)
            loss += float(bce_jaccard(logits, truth)) * len(truth)
            table += confusion(logits.argmax(dim=1), truth, len(CLASSES)).cpu()
    model.train()
    return {"loss": loss / len(pairs.names), **scores(table, CLASSES)}


def train(model: UNet, training: Pairs, validation: Pairs, settings: Training, random: torch.Generator) -> Any:
    """Train in place; returns step -> numbers for the log: the loss of every step, the scores where we watched."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay)
    steps, batch, rows = settings.steps, settings.batch, {}
    device = next(model.parameters()).device
    order = torch.empty(0, dtype=torch.int64)
    for step in range(steps):
        if len(order) < batch:  # the next pass through the data; what is left of the last one comes first
            order = torch.cat((order, torch.randperm(len(training.names), generator=random)))
        taken, order = order[:batch], order[batch:]
        images, truth = augmented(
            training.images[taken].to(device, torch.float32) / 255,
            training.classes[taken].to(device),
            settings.augment,
            random,
        )
        rate = settings.learning_rate * rate_at(step, steps)
        for group in optimizer.param_groups:
            group["lr"] = rate
        loss = bce_jaccard(model(images.contiguous(memory_format=torch.channels_last)), truth)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        rows[step + 1] = {"loss/training": loss.item(), "rate": rate}
        if (step + 1) % settings.watch_every == 0 or step + 1 == steps:
            seen = watch(model, validation, batch)
            rows[step + 1] |= {
                "loss/validation": seen["loss"],
                "iou/pet": seen["iou"]["pet"] or 0.0,
                "iou/mean": seen["mean_iou"],
                "f1/mean": seen["mean_f1"],
                "accuracy": seen["accuracy"],
            }
            numbers = ", ".join(f"{name} {number:.4f}" for name, number in rows[step + 1].items() if name != "rate")
            print(f"step {step + 1} of {steps}: {numbers}", flush=True)
    return rows


def write_history(path: Path, rows: dict[int, dict[str, float]]) -> None:
    """The same numbers as the TensorBoard log, as CSV."""
    columns = ["step", *rows[max(rows)]]
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows({"step": step, **numbers} for step, numbers in rows.items())


def load_pretrained(model: UNet, path: Path) -> None:
    """Give the encoder the weights in `path`, a safetensors file; ends the step if it is missing or does not fit."""
    if not path.is_file():
        sys.exit(
            f"{path}: no such file for this step. Add it to `code.include` of train in pets.yaml, or set pretrained: null"
        )
    try:
        model.encoder.load_pretrained(load_file(path))
    except (SafetensorError, ValueError) as error:
        sys.exit(
            f"{path}: {error}. `width` in conf/model/unet.yaml must be that of the file, 1.0 for the published weights"
        )


def main() -> None:
    settings = config.current(Train)
    seed, threads = int(os.environ["PEDIGREE_SEED"]), int(os.environ["OMP_NUM_THREADS"])
    device = chosen(settings.device, "conf/train.yaml")
    random = make_deterministic(seed, threads)
    training, validation = read_pairs(PFS / "training/training"), read_pairs(PFS / "validation/validation")
    print(f"{len(training.names)} pets to train on, {len(validation.names)} to watch", flush=True)

    model = UNet(settings.model.width, list(settings.model.decoder))
    if settings.model.pretrained:
        load_pretrained(model, Path(settings.model.pretrained))
    model = model.to(device, memory_format=torch.channels_last)
    rows = train(model, training, validation, settings.training, random)

    out = PFS / "out"
    (out / "model").mkdir()
    save_file(
        {name: tensor.cpu().contiguous() for name, tensor in model.state_dict().items()},
        out / "model/weights.safetensors",
    )
    card = {"model": model.settings, "classes": CLASSES, "size": list(training.images.shape[2:])}
    (out / "model/model.json").write_text(json.dumps(card, indent=1) + "\n")
    write_history(out / "history.csv", rows)
    write_scalars(out / "tensorboard", rows)
    facts = {
        "settings": settings.model_dump(),
        "seed": seed,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
    }
    if device.type == "cuda":
        facts["gpu"] = torch.cuda.get_device_name(device)
    facts |= {"training": training.names, "validation": validation.names}
    (out / "training.json").write_text(json.dumps(facts, indent=1) + "\n")


if __name__ == "__main__":
    main()
