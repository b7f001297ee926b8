"""A small training, run in a process of its own: `python subject.py THREADS WAY` prints the digest of the weights."""

from __future__ import annotations

import hashlib
import sys

import torch
from torch import nn

from pedigree import training


def trained() -> str:
    """The digest of the weights after 4 steps of a conv net with every kind of layer that changes with threads."""
    training.seed_everything(1)
    model = nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1),
        nn.BatchNorm2d(16),
        nn.SiLU(),
        nn.Conv2d(16, 16, 3, padding=1, groups=16),
        nn.GELU(approximate="tanh"),
        nn.ConvTranspose2d(16, 4, 2, stride=2),
    )
    images = torch.rand(8, 3, 32, 32)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(4):
        optimizer.zero_grad()
        model(images).sigmoid().pow(2.5).mean().backward()
        optimizer.step()
    sha = hashlib.sha256()
    for tensor in model.state_dict().values():
        sha.update(tensor.numpy().tobytes())
    return sha.hexdigest()


if __name__ == "__main__":
    count, way = sys.argv[1:]
    if way == "late":
        torch.rand(99, 99) @ torch.rand(99, 99)
    with training.deterministic("full", threads=int(count), across_threads=way != "plain"):
        print(trained())
