"""Directories to check, a model for them, and findings in one line each."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, model_validator

from pedigree.config.checking import Report
from pedigree.config.models import Config, Mismatch, Secret


class Resnet(Config):
    kind: Literal["resnet"]
    depth: int = Field(default=18, ge=1)


class Vit(Config):
    kind: Literal["vit"]
    heads: int


class Data(Config):
    classes: int
    root: str = ""


class Server(Config):
    token: Secret[str] | None = None
    key: SecretStr | None = None


class Experiment(Config):
    model: Resnet | Vit = Field(discriminator="kind")
    data: Data
    server: Server = Server()
    lr: float = 0.1
    title: str = ""
    limit: int = 1000

    @model_validator(mode="after")
    def _enough(self) -> Experiment:
        if self.data.classes > self.limit:
            raise Mismatch("data.classes", "limit", reason="more classes than the limit")
        return self


GOOD = {
    "config.yaml": "defaults:\n  - model: resnet\n  - data: mnist\n  - _self_\nlr: 1e-3\ntitle: ${model.kind} on ${data.root}\n",
    "model/resnet.yaml": "kind: resnet\ndepth: 50\n",
    "model/vit.yaml": "kind: vit\nheads: 3\n",
    "data/mnist.yaml": "classes: 10\nroot: /data\n",
    "data/cifar.yaml": "classes: 100\nroot: /cifar\n",
}


def conf(folder: Path, files: dict[str, str], base: dict[str, str] | None = None) -> Path:
    """A directory with the files of `base`, GOOD if none is given, those of `files` added or in their places."""
    for name, text in {**(GOOD if base is None else base), **files}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def lines(report: Report, folder: Path) -> list[str]:
    """`error model/x.yaml:1:2 model: message`, of the message its first line."""
    return [
        f"{one.severity} {one.place.removeprefix(f'{folder}/')} {one.kind}: {one.message.splitlines()[0]}"
        for one in report.findings
    ]
