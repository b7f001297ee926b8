"""Every global random generator of this process, seeded from one number.

A process has one global state per library, which any import may use. Prefer `rng`, `torch_generator` and the loader's
`Draw`, which no library can disturb; seed the globals for everything that draws from them anyway.
"""

from __future__ import annotations

import importlib.util
import os
import random
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from pedigree.training.streams import checked, cpu_state, derive

#: What this process was started with, as far as we can know: PYTHONHASHSEED acts at the start and never after.
_HASH_SEED_AT_START = os.environ.get("PYTHONHASHSEED")
_OURS: list[str] = []


@dataclass(frozen=True, slots=True)
class Seeded:
    """What `seed_everything` did. `seeded` names each generator; `not_seeded` says of each other why, and what helps."""

    seed: int
    seeded: tuple[str, ...]
    not_seeded: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The same as plain JSON values."""
        return {**asdict(self), "seeded": list(self.seeded), "not_seeded": dict(self.not_seeded)}


def seed_everything(seed: int) -> Seeded:
    """Seed the global generators of `random`, NumPy, torch on all devices, and TensorFlow and Keras if they are imported.

    - `random.seed(seed)` and `torch.manual_seed(seed)`: a script that wrote these itself gets the same numbers. Of a seed
      of 2**32 or more torch's CPU generator would drop the upper bits; its state is then set from the whole seed.
    - NumPy's legacy global is seeded with 128 bits of `derive(seed, "numpy", ...)`, not with the seed: after
      `np.random.seed(n)` and `torch.manual_seed(n)` both run the same MT19937, and the noise of one is the noise of the
      other (their 32-bit draws are equal).
    - torch and NumPy are imported for it where they are installed, since seeding what is imported later would be too late.
    - Keras 3 keeps a generator of its own beside its backend's, which a backend's seed does not reach once it is made; it is
      made anew, from 32 bits of `derive(seed, "keras")`.
    - PYTHONHASHSEED is set for children, unless this process had one from its start. This process's own order of sets of
      texts was fixed when it started; `not_seeded` says so.
    - JAX has no global state: `jax_key(seed, "purpose")`.

    The seed is an int in [0, 2**63). Raises InvalidInput for anything else, booleans among them, before anything is changed.
    """
    seed = checked("seed", seed)
    seeded, left = ["random"], {}
    # Before the others: it seeds them too, with its own 32 bits.
    keras = _keras(seed)
    random.seed(seed)
    for name, seeding in (("numpy", _numpy), ("torch", _torch)):
        if name in sys.modules or importlib.util.find_spec(name):
            seeded += seeding(seed)
        else:
            left[name] = "not installed"
    if "tensorflow" in sys.modules:
        sys.modules["tensorflow"].random.set_seed(seed)
        seeded.append("tensorflow")
    seeded += keras
    if "jax" in sys.modules:
        left["jax"] = 'has no global generator: pass jax_key(seed, "purpose") to what draws'
    children, note = _hash_seed(seed)
    seeded += children
    if note:
        left["PYTHONHASHSEED of this process"] = note
    return Seeded(seed, tuple(seeded), left)


def _keras(seed: int) -> list[str]:
    keras = sys.modules.get("keras")
    seeding = getattr(getattr(keras, "utils", None), "set_random_seed", None)
    if seeding is None:
        return []
    seeding(derive(seed, "keras") & 0xFFFFFFFF)
    return ["keras"]


def _numpy(seed: int) -> list[str]:
    import numpy as np

    words = [derive(seed, "numpy", part) & 0xFFFFFFFF for part in range(4)]
    np.random.seed(words)
    return ["numpy"]


def _torch(seed: int) -> list[str]:
    import torch

    torch.manual_seed(seed)  # every device that torch was built for; those not yet started are seeded when they are
    if seed >> 32:
        # Not from `derive`'s kind: torch_generator(seed, ...) has a name in its digest, and this has none.
        from pedigree.canonical import digest_of

        torch.default_generator.set_state(cpu_state(bytes.fromhex(digest_of("pedigree.torch/1", [seed]))))
    made = ["torch cpu"]
    # device_count asks the driver's management library; is_available would start CUDA, and then no worker could be forked.
    made += [f"torch cuda:{number}" for number in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        made.append("torch mps")
    return made


def _hash_seed(seed: int) -> tuple[list[str], str]:
    present = os.environ.get("PYTHONHASHSEED")
    ours = present is not None and present in _OURS and present != _HASH_SEED_AT_START
    if present not in (None, "", "random") and not ours:
        return [], ""  # fixed when this process began, and children get the same: leave it
    text = str(derive(seed, "PYTHONHASHSEED") & 0xFFFFFFFF)
    os.environ["PYTHONHASHSEED"] = text
    _OURS.append(text)
    return ["PYTHONHASHSEED of children"], (
        "fixed at random when it started, so the order of a set of texts differs from run to run: "
        "sort before you iterate, or start Python with PYTHONHASHSEED=0"
    )
