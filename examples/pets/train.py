"""train and model: the U-Net on the training part, watched on the validation part; the same bits each time.

    python train.py

`train` is the quick experiment and `model` the whole training: one program, conf/train.yaml and conf/model.yaml. What
`tune` found is laid over the settings of `model`. Seed and number of threads come from pets.yaml; torch is held to its
deterministic algorithms, and nothing written holds a time or a host's name. Where the step has a folder for them
(`checkpoints: true` in pets.yaml), a training that was killed goes on from its last checkpoint, to the same bytes.
"""

from __future__ import annotations

import csv
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import torch
from devices import chosen
from events import write_scalars
from fitting import CHANGES_NOTHING, Rows, deterministic, fit
from models import build_seeded, save
from pairs import Pairs, read_pairs
from settings import Train, Training
from unet import CLASSES
from weights import load_pretrained

from pedigree import config, training
from pedigree.errors import PedigreeError

PFS = Path("/pfs")


def tuned(settings: Training, path: Path) -> Training:
    """The settings with the values of `optimal_hp.json` laid over them; ends the step where one is none of ours."""
    try:
        values = json.loads(path.read_text())
        found: Training = config.validate(Training, {**settings.model_dump(), **values}).instance
    except (ValueError, TypeError, PedigreeError) as error:
        told = " ".join(str(error).split())
        sys.exit(
            f"tune/{path.name}: {told} It holds settings.Training's own names; tune again, or mend its search space"
        )
    print("tuned: " + ", ".join(f"{name} {value}" for name, value in values.items()), flush=True)
    return found


def check_classes(parts: Mapping[str, Pairs]) -> None:
    """End the step where a class has no pixel in any pet of a part: it could be neither learnt nor scored."""
    shown = [(CLASSES[index], part) for part, pairs in parts.items() for index in pairs.classes.unique().tolist()]
    missing = training.split_report(*zip(*shown, strict=True), classes=CLASSES).missing
    if missing:
        told = ", ".join(f"{part} has no pixel of {' and '.join(names)}" for part, names in missing.items())
        sys.exit(f"{told}, in any of its pets. Put more photographs, or look at the masks")


def write_history(path: Path, rows: Rows) -> None:
    """The same numbers as the TensorBoard log, as CSV."""
    columns = ["step", *rows[max(rows)]]
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows({"step": step, **numbers} for step, numbers in rows.items())


def main() -> None:
    settings = config.current(Train)
    seed, threads = int(os.environ["PEDIGREE_SEED"]), int(os.environ["OMP_NUM_THREADS"])
    if (best := PFS / "tune/optimal_hp.json").is_file():
        settings = settings.model_copy(update={"training": tuned(settings.training, best)})
    device = chosen(settings.device, "conf/train.yaml")
    training.seed_everything(seed)
    deterministic(threads)
    pets, watched = read_pairs(PFS / "training/training"), read_pairs(PFS / "validation/validation")
    print(f"{len(pets.names)} pets to train on, {len(watched.names)} to watch", flush=True)

    check_classes({"training": pets, "validation": watched})
    model = build_seeded({"model": settings.model.model_dump()}, seed)
    if settings.model.pretrained:
        load_pretrained(model.encoder, settings.model.pretrained)
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
        "settings": settings.model_dump(exclude={"training": CHANGES_NOTHING}),
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
