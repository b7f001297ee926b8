"""train: the U-Net on the training part, watched on the validation part; the same bits each time.

    python train.py

Numbers come from conf/train.yaml, seed and number of threads from pets.yaml; torch is held to its deterministic algorithms, and nothing written holds a
time or a host's name.
"""

from __future__ import annotations

import csv
import json
import os
import sys
from pathlib import Path

import torch
from devices import chosen
from events import write_scalars
from fitting import Rows, fit
from models import build_seeded, save
from pairs import read_pairs
from safetensors import SafetensorError
from safetensors.torch import load_file
from settings import Train
from unet import UNet

from pedigree import config, training
from pedigree.errors import PedigreeError

PFS = Path("/pfs")


def write_history(path: Path, rows: Rows) -> None:
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
    training.seed_everything(seed)
    training.deterministic("full", threads=threads)
    pets, watched = read_pairs(PFS / "training/training"), read_pairs(PFS / "validation/validation")
    print(f"{len(pets.names)} pets to train on, {len(watched.names)} to watch", flush=True)

    model = build_seeded({"model": settings.model.model_dump()}, seed)
    if settings.model.pretrained:
        load_pretrained(model, Path(settings.model.pretrained))
    model = model.to(device, memory_format=torch.channels_last)
    kept = os.environ.get("PEDIGREE_CHECKPOINTS")
    try:
        rows = fit(model, pets, watched, settings.training, seed=seed, checkpoints=Path(kept) if kept else None)
    except PedigreeError as error:
        sys.exit(f"{error.message} {error.remedy or ''}")

    out = PFS / "out"
    save(out / "model", model, pets.images.shape[2:])
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
    facts |= {"training": pets.names, "validation": watched.names}
    (out / "training.json").write_text(json.dumps(facts, indent=1) + "\n")


if __name__ == "__main__":
    main()
