"""Streams are pure functions of seed and names, the same for ever, and independent."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pedigree import training
from pedigree.canonical import digest_of
from pedigree.errors import InvalidInput

NAMES = st.lists(st.text(st.characters(codec="utf-8"), max_size=5) | st.integers(-5, 2**70), min_size=1, max_size=3)


def test_derived_seeds_are_what_they_were_in_the_first_version() -> None:
    """Golden values, never to be changed. Break: shift by two bits, or read the digest big-endian."""
    assert training.derive(0, "a") == 2559383241100632043
    assert training.derive(42, "augment") == GOLDEN["derive"]
    assert training.derive(2**63 - 1, "fold", 3) == GOLDEN["derive, large"]


def test_the_bits_of_generators_are_what_they_were_in_the_first_version() -> None:
    """Golden values, never to be changed. Break: take bytes 16 to 31 as the key; put the high halves first."""
    assert training.rng(42, "augment").bit_generator.random_raw(2).tolist() == GOLDEN["rng"]
    assert torch.randint(2**31, (3,), generator=training.torch_generator(42, "augment")).tolist() == GOLDEN["torch"]


def test_the_construction_is_the_one_that_is_documented() -> None:
    """Written again from the text of the module. Break: leave the names' types out of the encoding."""
    digest = bytes.fromhex(digest_of("pedigree.stream/1", [7, "fold", 3]))
    assert training.derive(7, "fold", 3) == int.from_bytes(digest[:8], "little") // 2
    key = int.from_bytes(digest[:16], "little")
    assert training.rng(7, "fold", 3).random() == np.random.Generator(np.random.Philox(key=key)).random()


@given(st.integers(0, 2**63 - 1), NAMES, NAMES)
def test_other_names_give_another_seed(seed: int, one: list[str | int], other: list[str | int]) -> None:
    """Break: join the names by "/" before they are digested."""
    same = one == other and [type(name) for name in one] == [type(name) for name in other]
    assert (training.derive(seed, *one) == training.derive(seed, *other)) == same
    assert 0 <= training.derive(seed, *one) < 2**63


def test_a_whole_number_and_its_text_are_two_names() -> None:
    """Break: str() each name."""
    assert (
        len({training.derive(1, "1"), training.derive(1, 1), training.derive(1, "a", "b"), training.derive(1, "ab")})
        == 4
    )


def test_numbers_of_numpy_are_the_same_names_and_seeds_as_pythons() -> None:
    """Break: refuse what is not exactly int."""
    number: Any = np.int64(5)
    other: Any = np.int32(3)
    assert training.derive(number, "epoch", other) == training.derive(5, "epoch", 3)


def test_another_process_derives_the_same() -> None:
    """Break: mix hash() of the names in."""
    code = "from pedigree import training as t; print(t.derive(9, 'x'), t.rng(9, 'x').random())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(training.derive(9, "x")), str(training.rng(9, "x").random())]


def test_torch_generators_differ_where_only_the_upper_half_of_a_seed_would() -> None:
    """torch keeps 32 bits of a CPU seed: that is shown first. Break: seed with manual_seed(derive(...) & 0xFFFFFFFF)."""
    plain = [torch.rand(4, generator=torch.Generator().manual_seed(seed)) for seed in (1, 1 + 2**32)]
    assert torch.equal(*plain)
    state = training.torch_generator(1, "x").get_state().numpy().view(np.uint64)[3:627]
    assert len(set(state.tolist())) > 600
    raw = np.random.Philox(key=_key("pedigree.torch/1", [1, "x"])).random_raw(312)
    assert state.tolist() == [half for word in raw.tolist() for half in (word & 0xFFFFFFFF, word >> 32)]


def test_a_torch_generator_draws_uniformly_from_its_first_number_on() -> None:
    """The mean of 4,000 first draws is within 5 standard errors of a half. Break: leave the words at zero."""
    first = torch.stack([torch.rand(2, generator=training.torch_generator(3, "try", i)) for i in range(2000)])
    assert abs(first.mean().item() - 0.5) < 5 * (1 / 12) ** 0.5 / 4000**0.5
    assert abs(np.corrcoef(first[:, 0], first[:, 1])[0, 1]) < 5 / 2000**0.5


def test_a_torch_generator_continues_from_its_saved_state() -> None:
    """Break: write a state that torch rearranges when it reads it."""
    one, other = training.torch_generator(1, "x"), torch.Generator()
    torch.randn(1001, generator=one)
    other.set_state(one.get_state())
    assert torch.equal(torch.randn(99, generator=one), torch.randn(99, generator=other))


def _key(kind: str, value: list[object]) -> int:
    return int.from_bytes(bytes.fromhex(digest_of(kind, value))[:16], "little")


@pytest.mark.parametrize("seed", [True, np.True_, 1.0, "1", None, -1, 2**63, torch.tensor(1)])
def test_what_is_no_seed_is_refused_with_its_value(seed: object) -> None:
    """Break: int() the seed."""
    with pytest.raises(InvalidInput, match=r"The seed must be .*got "):
        training.derive(seed, "x")  # type: ignore[arg-type]  # that is the test


@pytest.mark.parametrize("names", [(), (1.5,), (True,), (None,), (b"x",), ("\ud800",)])
def test_what_is_no_name_is_refused(names: tuple[object, ...]) -> None:
    """Break: encode names by repr."""
    with pytest.raises(InvalidInput):
        training.derive(1, *names)  # type: ignore[arg-type]  # that is the test


def test_importing_training_imports_neither_torch_nor_numpy() -> None:
    """Break: import numpy at the top of the package."""
    code = "import sys; from pedigree import training; training.derive; print({'torch', 'numpy', 'typing'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "torch" not in done.stdout
    assert "numpy" not in done.stdout


def test_jax_keys_hold_64_bits_of_the_stream() -> None:
    """In a process of its own: JAX starts threads, and tests that fork come after this one. Break:
    jax.random.key(derive(...)), which keeps 32 bits.
    """
    program = (
        "import jax\nfrom pedigree import training\nprint(*jax.random.key_data(training.jax_key(1, 'x')).tolist())\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    digest = bytes.fromhex(digest_of("pedigree.jax/1", [1, "x"]))
    expected = [int.from_bytes(digest[:4], "little"), int.from_bytes(digest[4:8], "little")]
    assert [int(word) for word in done.stdout.split()] == expected


GOLDEN: dict[str, Any] = {
    "derive": 2908007228723224128,
    "derive, large": 1255613643808757905,
    "rng": [18200667452642976127, 5911203069102806585],
    "torch": [1062610122, 2119921678, 1916396962],
}
