"""weights: those of a published encoder, fetched, and put into ours.

    python weights.py [OVERRIDE...]      fetch what model.pretrained of conf/train.yaml names, ready for `code.include`

A step has no network: fetch on the machine itself, and let the step have the file by `code: {include: [...]}` in pets.yaml.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import mobilenet
import torch
import vgg
from safetensors import SafetensorError
from safetensors.torch import load_file
from settings import Pretrained, Train
from torch import Tensor, nn

from pedigree import config
from pedigree.errors import PedigreeError
from pedigree.store.fetch import download

PICKLES = (b"PK\x03\x04", b"\x80")  # how torch.save begins: a zip since torch 1.6, a bare pickle before
SHOWN = 3  # of what does not fit


def read_weights(wanted: Pretrained) -> dict[str, Tensor]:
    """The tensors of the file by name. Ends the step with one line where it is missing, another one, or a pickle."""
    path = Path(wanted.file)
    if not path.is_file():
        fetch = "Run `python weights.py`" if wanted.url else "Put it there"
        sys.exit(
            f"{path}: no such file for this step. {fetch}, and add it to `code.include` of this pipeline in pets.yaml; or set "
            "model.pretrained to null"
        )
    with path.open("rb") as file:
        begins = file.read(4)
        file.seek(0)
        found = "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()
    if begins.startswith(PICKLES):
        sys.exit(
            f"{path}: a pickle, which may run code when it is read. If you trust whoever made it: from safetensors.torch import "
            f'save_file; save_file(torch.load("{path.name}", weights_only=True), "{path.stem}.safetensors")'
        )
    if wanted.checksum and found != wanted.checksum:
        sys.exit(f"{path}: has the {found}, and model.pretrained.checksum is {wanted.checksum}. Fetch it again")
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        sys.exit(f"{path}: no whole safetensors file ({error}). Fetch it again")


def mismatches(own: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> list[str]:
    """What keeps `given` from being the state `own`: missing, unknown, of another shape; in the order of our tensors."""
    found = []
    for name, tensor in own.items():
        if name not in given:
            found.append(f"{name} is missing")
        elif given[name].shape != tensor.shape:
            found.append(f"{name} is {tuple(given[name].shape)} there and {tuple(tensor.shape)} here")
    return found + [f"{name} is not known here" for name in given if name not in own]


def fit_into(encoder: nn.Module, state: Mapping[str, Tensor], unused: Iterable[str]) -> None:
    """Take the weights of a whole network; tensors whose names begin with one of `unused` are left aside.

    Raises ValueError naming the first tensors that do not fit, and changes nothing then.
    """
    counters = "num_batches_tracked"  # of BatchNorm; older files have none, and they decide nothing here
    own = {name: tensor for name, tensor in encoder.state_dict().items() if not name.endswith(counters)}
    given = {
        name: tensor
        for name, tensor in state.items()
        if not name.startswith(tuple(unused)) and not name.endswith(counters)
    }
    if wrong := mismatches(own, given):
        more = f", and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
        raise ValueError(f"the weights do not fit this encoder: {'; '.join(wrong[:SHOWN])}{more}")
    with torch.no_grad():
        for name, tensor in given.items():
            own[name].copy_(tensor)


def load_pretrained(encoder: mobilenet.Encoder | vgg.Encoder, wanted: Pretrained) -> None:
    """Give the encoder the weights in the file; ends the step with one line where they cannot be had or do not fit."""
    state = read_weights(wanted)
    try:
        fit_into(encoder, state, encoder.unused)
    except ValueError as error:
        sys.exit(
            f"{wanted.file}: {error}. `encoder` and `width` in conf/model must be those of the file; 1.0 is the width of "
            "published weights"
        )


def fetch(wanted: Pretrained | None, *, allow_private: bool = False) -> None:
    """Download the file unless it is there with its checksum. Raises FetchFailed, ForbiddenAddress."""
    if wanted is None or wanted.url is None:
        sys.exit("conf/train.yaml: model.pretrained names no url to fetch from. Set model.pretrained.url")
    download(wanted.url, wanted.file, checksum=wanted.checksum, allow_private=allow_private)
    print(f"{wanted.file}: {Path(wanted.file).stat().st_size} bytes, {wanted.checksum}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Fetch the weights that model.pretrained names.")
    parser.add_argument("overrides", nargs="*", help="such as model=vgg19")
    parser.add_argument("--allow-private", action="store_true", help="from a server on this machine or its network")
    arguments = parser.parse_args()
    try:
        frozen = config.freeze(config.compose("conf", "train", arguments.overrides), Train)
        fetch(frozen.as_model(Train, os.environ).model.pretrained, allow_private=arguments.allow_private)
    except PedigreeError as error:
        sys.exit(f"{error.message} {error.remedy or ''}")


if __name__ == "__main__":
    main()
