"""A model as files: `weights.safetensors`, and `model.json`, which says how to build what the weights belong to."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from unet import CLASSES, UNet, initialise

from pedigree import training


def build(card: Mapping[str, Any]) -> UNet:
    """The model that a card (the content of `model.json`) describes; its parameters come from torch's random state."""
    settings = card["model"]
    return UNet(
        width=float(settings["width"]),
        decoder=[int(count) for count in settings["decoder"]],
        encoder=settings["encoder"],
        dropout=float(settings["dropout"]),
    )


def build_seeded(card: Mapping[str, Any], seed: int) -> UNet:
    """`build` with parameters that are a pure function of the seed; torch's random state stays as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.set_state(training.torch_generator(seed, "weights").get_state())
        model = build(card)
        initialise(model)
        return model


def save(folder: Path, model: UNet, size: Sequence[int]) -> None:
    """Write the model into a new folder; `size` is (height, width) of the images that it was trained on."""
    folder.mkdir(parents=True)
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    save_file(tensors, folder / "weights.safetensors")
    card = {"model": model.settings, "classes": CLASSES, "size": list(size)}
    (folder / "model.json").write_text(json.dumps(card, indent=1) + "\n")


def load(folder: Path) -> UNet:
    """The model that `save` left in `folder`, on the CPU and in evaluation mode."""
    model = build(json.loads((folder / "model.json").read_text()))
    model.load_state_dict(load_file(folder / "weights.safetensors"))
    return model.eval().to(memory_format=torch.channels_last)
