"""Small trainings that use every kind of state: what the tests interrupt, and compare with what was never interrupted."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import nn

BATCH, EPOCH = 8, 5  # samples a step, steps an epoch


class Shuffled:
    """A sampler that is in the middle of an epoch: an order drawn anew for each, and a position in it."""

    def __init__(self, size: int, generator: torch.Generator) -> None:
        self.size, self.generator = size, generator
        self.order: list[int] = []
        self.position = 0

    def batch(self) -> list[int]:
        if self.position + BATCH > len(self.order):
            self.order, self.position = torch.randperm(self.size, generator=self.generator).tolist(), 0
        self.position += BATCH
        return self.order[self.position - BATCH : self.position]

    def state_dict(self) -> dict[str, Any]:
        return {"order": self.order, "position": self.position}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.order, self.position = list(state["order"]), state["position"]


class Net(nn.Module):
    """Convolution, batch norm (buffers, an integer among them), dropout, tied weights, and a running mean that no state dict holds."""

    mean: torch.Tensor

    def __init__(self, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3, dtype=dtype)
        self.norm = nn.BatchNorm2d(4, dtype=dtype)
        self.one = nn.Linear(4 * 36, 4 * 36, dtype=dtype)
        self.two = nn.Linear(4 * 36, 4 * 36, bias=False, dtype=dtype)
        self.two.weight = self.one.weight
        self.out = nn.Linear(4 * 36, 3, dtype=dtype)
        self.register_buffer("mean", torch.zeros(4 * 36, dtype=dtype), persistent=False)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        flat = nn.functional.dropout(self.norm(self.conv(images)).relu().flatten(1), 0.3, self.training)
        if self.training:
            self.mean = 0.9 * self.mean + 0.1 * flat.detach().mean(0)
        result: torch.Tensor = self.out(self.two(self.one(flat - self.mean).relu()))
        return result


class Training:
    """One step at a time; everything is new at first, as in a process that has just begun."""

    def __init__(
        self,
        optimizer: Callable[[list[nn.Parameter]], torch.optim.Optimizer],
        scheduler: Callable[[torch.optim.Optimizer], Any],
        *,
        dtype: torch.dtype = torch.float32,
        device: str = "cpu",
    ) -> None:
        for seed in (torch.manual_seed, random.seed, np.random.seed):
            seed(7)
        self.device, self.dtype = device, dtype
        data = torch.Generator().manual_seed(1)
        self.images = torch.randn(BATCH * EPOCH + 3, 1, 8, 8, generator=data).to(device, dtype)
        self.labels = torch.randint(0, 3, (len(self.images),), generator=data).to(device)
        self.model = Net(dtype).to(device)
        self.optimizer = optimizer([*self.model.parameters()])
        self.scheduler = scheduler(self.optimizer)
        self.scaler = torch.amp.GradScaler(device, init_scale=8.0, growth_interval=3)
        self.order = torch.Generator().manual_seed(2)
        self.sampler = Shuffled(len(self.images), self.order)
        self.noise = np.random.Generator(np.random.PCG64(3))
        self.flips = random.Random(4)
        self.step = 0
        self.metrics: list[dict[str, float]] = []

    @property
    def parts(self) -> dict[str, Any]:
        return {
            "model": self.model,
            "optimizer": self.optimizer,
            "scheduler": self.scheduler,
            "scaler": self.scaler,
            "sampler": self.sampler,
            "order": self.order,
            "noise": self.noise,
            "flips": self.flips,
        }

    def advance(self) -> None:
        images = self.images[picked := self.sampler.batch()]
        # One augmentation from each source of randomness that a script may use.
        images = images + torch.from_numpy(self.noise.normal(0, 0.1, images.shape)).to(images)
        images = images * np.random.uniform(0.9, 1.1) * random.uniform(0.9, 1.1)
        images = images.flip(3) if self.flips.random() < 0.5 else images

        def closure() -> torch.Tensor:
            self.optimizer.zero_grad()
            loss = nn.functional.cross_entropy(self.model(images).float(), self.labels[picked])
            loss.backward()  # type: ignore[no-untyped-call]  # torch's
            return loss

        if isinstance(self.optimizer, torch.optim.LBFGS):
            loss = self.optimizer.step(closure)  # type: ignore[no-untyped-call]  # as above
        else:
            self.optimizer.zero_grad()
            loss = nn.functional.cross_entropy(self.model(images).float(), self.labels[picked])
            self.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]  # as above
            self.scaler.step(self.optimizer)
            self.scaler.update()
        self.step += 1
        value = float(loss.detach())
        if isinstance(self.scheduler, torch.optim.lr_scheduler.ReduceLROnPlateau):
            self.scheduler.step(value)
        else:
            self.scheduler.step()
        self.metrics.append({"loss": value, "lr": float(self.optimizer.param_groups[0]["lr"])})

    def fingerprint(self) -> str:
        """A digest of all final bytes, which shares no code with checkpoints."""
        found = hashlib.sha256()
        for text in _flat(
            {"parts": {name: _state(part) for name, part in self.parts.items()}, "metrics": self.metrics}
        ):
            found.update(text)
        found.update(self.model.mean.float().cpu().numpy().tobytes())
        # What would be drawn next is the state that counts.
        found.update(repr((random.random(), np.random.random(), torch.rand(3).tolist())).encode())
        return found.hexdigest()


def _state(part: Any) -> Any:
    if isinstance(part, torch.Generator):
        return part.get_state()
    if isinstance(part, np.random.Generator):
        return part.bit_generator.state
    return part.getstate() if isinstance(part, random.Random) else part.state_dict()


def _flat(value: Any) -> Iterator[bytes]:
    if isinstance(value, torch.Tensor):
        yield f"{value.dtype} {tuple(value.shape)} {value.device}".encode()
        yield value.detach().cpu().contiguous().view(torch.uint8 if value.dim() else value.dtype).numpy().tobytes()
    elif isinstance(value, dict):
        for key, item in value.items():
            yield repr(key).encode()
            yield from _flat(item)
    elif isinstance(value, (list, tuple)):
        yield type(value).__name__.encode()
        for item in value:
            yield from _flat(item)
    else:
        yield repr(value).encode()
