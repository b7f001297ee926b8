"""One checkpoint: taken from the parts of a training, written, read and put back."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from pedigree.errors import CheckpointMismatch, CheckpointNotFound, NewerFormat
from pedigree.training.checkpoint import folder as folders
from pedigree.training.checkpoint import parts, randomness
from pedigree.training.checkpoint.arena import DTYPES, PARTS, Arena
from pedigree.training.checkpoint.nested import available, decode, encode

FORMAT, VERSION = "pedigree checkpoint", 1


@dataclass(frozen=True)
class Loaded:
    """Where training goes on."""

    step: int
    #: What was handed to `save`, in types, order and bits.
    metrics: Any
    user: Any
    score: float | None
    path: str
    #: Why the rest of the training may differ in bits from one that was never interrupted; empty when nothing is known that would.
    notes: tuple[str, ...]


def save_checkpoint(
    folder: str | os.PathLike[str],
    step: int,
    parts: Mapping[str, Any],
    *,
    metrics: Any = None,
    user: Any = None,
    score: float | None = None,
    gradients: bool = False,
) -> str:
    """Save one checkpoint, and give its path; when it returns, it is on the disk. Checkpoints does this while training goes on.

    See Checkpoints for what the arguments are. Removes nothing.
    """
    arena = Arena()
    state = take(step, parts, metrics=metrics, user=user, score=score, gradients=gradients, arena=arena)
    arena.copy()
    return folders.write(os.fspath(folder), step, files(state, arena)).path


def take(
    step: int, parts_: Mapping[str, Any], *, metrics: Any, user: Any, score: float | None, gradients: bool, arena: Arena
) -> dict[str, Any]:
    """The content of state.json; the tensors are taken by the arena and not copied yet."""
    arena.clear()
    return {
        "format": FORMAT,
        "version": VERSION,
        "step": step,
        "score": encode(score, arena, "score"),
        "made": {"torch": torch.__version__, "threads": torch.get_num_threads()},
        "metrics": encode(metrics, arena, "metrics"),
        "user": encode(user, arena, "user"),
        "random": encode(randomness.of_process(), arena, "random"),
        "parts": {name: parts.take(name, part, arena, gradients) for name, part in parts_.items()},
    }


def files(state: dict[str, Any], arena: Arena) -> dict[str, Iterable[bytes | memoryview]]:
    """The files of a checkpoint, as bytes."""
    text = json.dumps(state, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return {"state.json": [text.encode(), b"\n"], "tensors.safetensors": arena.chunks()}


def load_checkpoint(
    folder: str | os.PathLike[str], parts: Mapping[str, Any], *, step: int | None = None, exact: bool = True
) -> Loaded:
    """Put the parts, and the random states of the process, where they were at that step (the last by default).

    All is read and compared before anything is changed. Parts may be on another device than they were; their tensors go where the parts are.
    With `exact=False`, what cannot be restored here (random states of a GPU that is not there) is a note and no error.

    Raises CheckpointNotFound; CorruptCheckpoint for files cut short or edited; NewerFormat; CheckpointMismatch for a model of other names,
    shapes or types, an optimiser of another class, parts that are missing on one side, and random states that do not fit.
    """
    found = folders.entries(os.fspath(folder))
    if step is not None:
        known = ", ".join(str(entry.step) for entry in found[-5:])
        found = [entry for entry in found if entry.step == step]
        if not found:
            raise CheckpointNotFound(
                f"There is no checkpoint of step {step} in {os.fspath(folder)}.",
                remedy=f"The last ones there are of steps {known}."
                if known
                else "There is none at all; is it the right folder?",
            )
    if not found:
        raise CheckpointNotFound(f"There is no checkpoint in {os.fspath(folder)}.", remedy="Is it the right folder?")
    return put(read(found[-1].path), parts, exact)


class Stored:
    """A checkpoint on the disk whose files are whole."""

    def __init__(self, path: str) -> None:
        self.path = path
        folders.verify(path)
        try:
            with open(os.path.join(path, "state.json"), encoding="utf-8") as file:
                self.state = json.load(file)
            self._file = safe_open(os.path.join(path, "tensors.safetensors"), framework="pt")
            self._known: dict[str, torch.Tensor] = {}
            self._names = frozenset(self._file.keys())  # type: ignore[no-untyped-call]  # safetensors has no types
        except (OSError, ValueError, SafetensorError) as error:
            raise folders.damaged(path, str(error)) from error

    def __call__(self, name: str) -> torch.Tensor:
        if name not in self._names:
            raise folders.damaged(self.path, f"tensors.safetensors has no tensor {name!r}")
        # What was one tensor under two names is one again: writing into it in place must show in both.
        if name not in self._known:
            # A copy, where torch puts its own tensors: the library's lie at any multiple of 8 bytes, and a dot product
            # gives other bits there than at a multiple of 64 (seen with LBFGS, which resumed to other weights).
            self._known[name] = self._file.get_tensor(name).clone()  # type: ignore[no-untyped-call]  # as above
        return self._known[name]

    def kind(self, sign: Mapping[str, Any]) -> str:
        place = self._file.get_slice(sign["$tensor"])  # type: ignore[no-untyped-call]  # as above
        shape = list(place.get_shape())
        if "dtype" in sign:
            return parts.describe(shape[:-1], next(d for d in PARTS if str(d) == f"torch.{sign['dtype']}"))
        return parts.describe(shape, next(dtype for dtype, name in DTYPES.items() if name == place.get_dtype()))


def read(path: str) -> Stored:
    """Open and verify a checkpoint. Raises CorruptCheckpoint and NewerFormat."""
    stored = Stored(path)
    state = stored.state
    if not isinstance(state, dict) or state.get("format") != FORMAT:
        raise folders.damaged(path, "state.json does not say that it is a checkpoint of Pedigree")
    if state.get("version") != VERSION:
        raise NewerFormat(
            f"The checkpoint {path} has format version {state.get('version')!r}; this Pedigree reads version {VERSION}.",
            remedy="Load it with the version of Pedigree that wrote it.",
            found=state.get("version"),
        )
    return stored


def put(stored: Stored, parts_: Mapping[str, Any], exact: bool) -> Loaded:
    """See load_checkpoint."""
    state, records = stored.state, stored.state["parts"]
    found: list[str] = []
    gaps, left = _gaps(state), set[str]()
    for name, part in parts_.items():
        generator = isinstance(part, randomness.GENERATORS)
        if name in records:
            differ = parts.problems(name, part, records[name], stored)
        else:
            differ = [
                f"it has no {'random state' if generator else 'part'} {name!r}; it has {', '.join(records) or 'none'}"
            ]
        if differ and generator:
            left.add(name)
            gaps += differ
        else:
            found += differ
    for name in records:
        if name not in parts_:
            found.append(f"it has the part {name!r} ({records[name]['class']}), which was not given here")
    if found or (exact and gaps):
        told = "; ".join([*found, *(gaps if exact else [])])
        remedy = (
            "Build the same parts as when it was saved, or name another folder."
            if found
            else "load(exact=False) goes on without them; the bits will then differ from a training that was never interrupted."
        )
        raise CheckpointMismatch(f"The checkpoint {stored.path} does not fit: {told}.", remedy=remedy, path=stored.path)
    metrics, user, score = (decode(state[key], stored) for key in ("metrics", "user", "score"))
    for name, part in parts_.items():
        if name not in left:
            parts.put(part, records[name], stored)
    # Last, in case a part's own load_state_dict draws a number.
    randomness.set_process(decode(state["random"], stored))
    return Loaded(state["step"], metrics, user, score, stored.path, (*gaps, *_notes(state["made"])))


def _gaps(state: Mapping[str, Any]) -> list[str]:
    here = torch.cuda.device_count() if randomness.cuda_in_use() or state["random"].get("cuda") else 0
    gaps = randomness.cuda_gap(len(state["random"].get("cuda", ())), here)
    away = sorted(_devices(state))
    return gaps + [f"tensors of its values were on {device}, which is not here" for device in away]


def _devices(value: Any) -> set[str]:
    """The devices of signs that are not here, but for those of parts, whose tensors go where the parts are."""
    kept = [value["metrics"], value["user"]]
    kept += [record["state"] for record in value["parts"].values() if record["kind"] == "state"]
    found: set[str] = set()
    while kept:
        one = kept.pop()
        if isinstance(one, dict):
            if isinstance(device := one.get("device"), str) and "$tensor" in one and not available(device):
                found.add(device)
            kept += one.values()
        elif isinstance(one, list):
            kept += one
    return found


def _notes(made: Mapping[str, Any]) -> list[str]:
    here = {"torch": torch.__version__, "threads": torch.get_num_threads()}
    words = {"torch": "torch {}", "threads": "{} threads of torch"}
    return [
        f"it was saved with {words[key].format(made[key])}, and here are {words[key].format(here[key])}: sums may differ in their last bits"
        for key in here
        if made[key] != here[key]
    ]
