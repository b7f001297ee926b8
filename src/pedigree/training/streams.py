"""Independent streams of random numbers, each a pure function of one seed and the names of its purpose.

The construction, stable for ever (tests hold golden values):

1. `digest = BLAKE3-256(kind + "\\n" + canonical JSON of [seed, name, ...])`, 32 bytes. The kind is `pedigree.stream/1` for
   `derive` and `rng`, `pedigree.torch/1` for `torch_generator`, `pedigree.jax/1` for `jax_key`. JSON keeps the name 1 apart
   from "1", and ("a", "b") from ("ab",).
2. `derive` is bytes 0 to 7, little-endian, shifted right by one bit: an integer in [0, 2**63).
3. `rng` is NumPy's Philox-4x64-10 (Salmon et al. 2011) with bytes 0 to 15 as its key, little-endian, and counter 0.
4. `torch_generator` on the CPU is MT19937 whose 624 state words are the Philox stream of that key: each 64-bit output gives
   its low half, then its high half. On other devices torch's generator is itself a Philox with a 64-bit seed, which is what
   `derive` takes from the digest.

Two streams with different names share numbers only if BLAKE3 collides in 128 bits. That is not so for
`torch.Generator().manual_seed(derive(...))` on the CPU: torch keeps 32 bits of a seed there, so that of 77,163 such
streams two are the same with a chance of one half (the square root of 2 ln 2 times 2**32).

What NumPy makes of the bits (normals, choices) may change with NumPy's version (its NEP 19); the bits do not.
"""

from __future__ import annotations

import numbers
from typing import TYPE_CHECKING, Any

from pedigree.canonical import digest_of
from pedigree.errors import InvalidInput, MissingExtra

if TYPE_CHECKING:
    import jax
    import numpy as np
    import torch

#: Seeds, epochs and whole-number sample ids lie in [0, LIMIT): what a signed 64-bit integer of any database holds.
LIMIT = 2**63

Name = str | int

_NEXT_WORDS = slice(
    3, 3 + 624
)  # of a CPU generator's state read as uint64: seed, left and seeded, next, then the words


def derive(seed: int, *names: Name) -> int:
    """A seed in [0, 2**63) for one purpose: `derive(seed, "dropout")`, `derive(seed, "fold", 3)`.

    Equal arguments give equal seeds, in every process, on every machine, in every version; any other arguments give an
    independent one. About 5 µs. Raises InvalidInput for what is no seed or no name, and where there is no name at all.
    """
    return int.from_bytes(_digest("pedigree.stream/1", seed, names)[:8], "little") >> 1


def rng(seed: int, *names: Name) -> np.random.Generator:
    """A NumPy generator for one purpose, independent of every other purpose's. Errors as `derive`."""
    import numpy as np

    return np.random.Generator(philox(_digest("pedigree.stream/1", seed, names)))


def torch_generator(seed: int, *names: Name, device: str | torch.device = "cpu") -> torch.Generator:
    """A torch generator on `device` for one purpose, with its whole state set, not 32 bits of it. Errors as `derive`.

    Its numbers are independent of those of `rng` with the same names. `initial_seed()` tells it apart from others.
    """
    import torch

    digest = _digest("pedigree.torch/1", seed, names)
    made = torch.Generator(device)
    if made.device.type != "cpu":
        return made.manual_seed(int.from_bytes(digest[:8], "little") >> 1)
    made.set_state(cpu_state(digest))
    return made


def jax_key(seed: int, *names: Name) -> jax.Array:
    """A JAX key (threefry, 64 bits of the digest) for one purpose. Errors as `derive`; MissingExtra without JAX.

    `jax.random.key(derive(...))` would keep 32 of those bits unless JAX's 64-bit mode is on.
    """
    try:
        import jax
    except ImportError:
        raise MissingExtra("jax_key needs JAX, which is not installed.", remedy="`pip install jax`.") from None
    import numpy as np

    data = np.frombuffer(_digest("pedigree.jax/1", seed, names)[:8], dtype="<u4")
    key: jax.Array = jax.random.wrap_key_data(jax.numpy.asarray(data.astype(np.uint32)), impl="threefry2x32")
    return key


def checked(what: str, value: Any) -> int:
    """`value` as an int in [0, 2**63); raises InvalidInput, naming `what` it was to be, for anything else."""
    plain = whole(value)
    if plain is None:
        raise InvalidInput(
            f"The {what} must be a whole number, got {value!r} ({type(value).__name__}).",
            remedy=f"Write the {what} as an int from 0 to 2**63 - 1.",
        )
    if not 0 <= plain < LIMIT:
        raise InvalidInput(
            f"The {what} must be from 0 to 2**63 - 1 = {LIMIT - 1}, got {plain}.",
            remedy=f"Take another {what}; derive(seed, name) makes one in range from any text.",
        )
    return plain


def whole(value: Any) -> int | None:
    """`value` as a plain int where it is a whole number of Python or NumPy and no boolean, else None."""
    if isinstance(value, bool):
        return None
    return int(value) if isinstance(value, numbers.Integral) else None


def philox(digest: bytes) -> np.random.Philox:
    """NumPy's Philox with the first 16 bytes of the digest as key and counter 0."""
    import numpy as np

    return np.random.Philox(key=np.frombuffer(digest[:16], dtype="<u8").astype(np.uint64))


def cpu_state(digest: bytes) -> torch.Tensor:
    """The state of a torch CPU generator (bytes, as `Generator.set_state` takes them) that step 4 above describes."""
    return state_of(philox(digest).random_raw(312), int.from_bytes(digest[:8], "little") >> 1)


def state_of(raw: np.ndarray[Any, np.dtype[np.uint64]], initial_seed: int) -> torch.Tensor:
    """The state of a torch CPU generator whose 624 words are the halves of these 312 numbers, low half first."""
    import numpy as np
    import torch

    state = np.zeros(632, dtype=np.uint64)
    state[0] = initial_seed
    state[1] = (1 << 32) | 1  # seeded, and one word left: the first draw mixes all 624 words anew
    state[_NEXT_WORDS.start : _NEXT_WORDS.stop : 2] = raw & 0xFFFFFFFF
    state[_NEXT_WORDS.start + 1 : _NEXT_WORDS.stop : 2] = raw >> 32
    return torch.from_numpy(state.view(np.uint8))


def _digest(kind: str, seed: int, names: tuple[Name, ...]) -> bytes:
    seed = checked("seed", seed)
    if not names:
        raise InvalidInput(
            "A stream needs the name of its purpose, got none.", remedy='Name it: derive(seed, "augment").'
        )
    plain: list[Name] = [seed]
    for name in names:
        if isinstance(name, str):
            plain.append(str(name))
        elif (number := whole(name)) is not None:
            plain.append(number)
        else:
            raise InvalidInput(
                f"The names of a stream are texts and whole numbers, got {name!r} ({type(name).__name__}).",
                remedy="Write it as a text.",
            )
    try:
        return bytes.fromhex(digest_of(kind, plain))
    except UnicodeEncodeError:
        raise InvalidInput(
            f"The names {names!r} hold half a surrogate pair, which has no UTF-8 form.", remedy="Take another name."
        ) from None
