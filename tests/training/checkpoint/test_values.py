"""Nested values: what goes into a checkpoint comes out of it, in types, order and bits."""

from __future__ import annotations

import json
import math
import struct
from collections import Counter, OrderedDict, deque
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file

from pedigree.errors import UnsupportedState
from pedigree.training import load_checkpoint, save_checkpoint
from pedigree.training.checkpoint.arena import DTYPES, PARTS

NAN = struct.unpack("<f", b"\x01\x00\xc0\x7f")[0]


def through(value: Any, folder: Path) -> Any:
    save_checkpoint(folder, 0, {}, user=value)
    return load_checkpoint(folder, {}).user


def same(one: Any, other: Any) -> bool:
    """The same types, order and bits."""
    if type(one) is not type(other):
        return False
    if isinstance(one, torch.Tensor):
        alike = (one.dtype, one.shape, one.stride()) == (other.dtype, other.shape, other.stride())
        return alike and _bytes(one) == _bytes(other)
    if isinstance(one, (np.ndarray, np.generic)):
        return (one.dtype, one.shape, one.tobytes()) == (other.dtype, other.shape, other.tobytes())
    if isinstance(one, dict):
        return len(one) == len(other) and all(
            same(a, c) and same(b, d) for (a, b), (c, d) in zip(one.items(), other.items(), strict=True)
        )
    if isinstance(one, (list, tuple, deque)):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    if isinstance(one, complex):
        return same(one.real, other.real) and same(one.imag, other.imag)
    if isinstance(one, float):
        return struct.pack("d", one) == struct.pack("d", other) or (math.isnan(one) and math.isnan(other))
    return bool(one == other)


def _bytes(tensor: torch.Tensor) -> bytes:
    flat = tensor.detach().resolve_conj().resolve_neg().contiguous().reshape(-1)
    return bytes(flat.view(torch.uint8).tolist()) if flat.numel() else b""


scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**130), 2**130)
    | st.floats()
    | st.text(max_size=6)
    | st.binary(max_size=6)
    | st.complex_numbers()
    | st.sampled_from(
        [torch.float16, torch.device("cpu"), torch.Size([2, 0]), np.float32(1.5), np.int64(-3), np.bool_(True)]
    )
    | st.builds(lambda n: torch.arange(float(n)), st.integers(0, 4))
)
keys = (
    st.text(max_size=4)
    | st.sampled_from(["$tensor", "$", "a/b"])
    | st.integers()
    | st.booleans()
    | st.none()
    | st.tuples(st.integers())
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(keys, inner, max_size=4)
        | st.dictionaries(st.text(max_size=3), inner, max_size=4).map(OrderedDict)
        | st.lists(inner, max_size=3).map(lambda items: deque(items, 5))
        | st.dictionaries(st.integers(), st.integers(1, 5), max_size=3).map(Counter)
    ),
    max_leaves=12,
)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=60, deadline=None
)
@given(values)
@example({"b": 1, "a": (2, [3.5])})
@example({"$tensor": "user"})
@example({"$": None, 1: {"a": -0.0, "": math.nan}})
def test_whatever_is_saved_comes_back(tmp_path_factory: pytest.TempPathFactory, value: Any) -> None:
    """load(save(x)) is x. Break: sort the keys; write tuples as lists; take a dictionary with the key `$tensor` for a tensor."""
    assert same(through(value, tmp_path_factory.mktemp("value")), value)


@pytest.mark.filterwarnings("ignore:ComplexHalf support is experimental:UserWarning")
@pytest.mark.parametrize("dtype", [*DTYPES, *PARTS], ids=str)
def test_every_type_of_tensor_comes_back(dtype: torch.dtype, tmp_path: Path) -> None:
    """Each type in every shape, also of no dimension and no element; and any library reads the file. Break: leave out the complex types; the scalar."""
    raw = torch.randint(
        0,
        2 if dtype is torch.bool else 256,
        (4 * 16 * 3,),
        dtype=torch.uint8,
        generator=torch.Generator().manual_seed(3),
    )
    flat = raw.view(dtype) if dtype is not torch.bool else raw.to(torch.bool)
    kept = {
        "vector": flat,
        "scalar": flat[0].clone(),
        "empty": flat[:0].reshape(0, 3),
        "matrix": flat[:6].reshape(2, 3),
    }
    found = through(kept, tmp_path)
    assert same(found, kept)
    read = load_file(tmp_path / "step-000000000000" / "tensors.safetensors")
    assert bytes(read["user/vector"].reshape(-1).view(torch.uint8).tolist()) == bytes(raw.tolist())


def test_views_of_any_kind_come_back(tmp_path: Path) -> None:
    """Transposed, sliced, expanded, conjugated, negated, channels last: values always, and strides where memory is dense.

    Break: forget the strides; read the memory instead of the values.
    """
    base = torch.randn(4, 6, dtype=torch.complex64)
    image = torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last)
    found = through([base.T, base.conj(), base.conj().imag, base[::2, 1::2], base[0].expand(3, 6), image], tmp_path)
    wanted = [base.T, base.conj(), base.conj().imag, base[::2, 1::2], base[0].expand(3, 6), image]
    assert all(torch.equal(one, other) for one, other in zip(found, wanted, strict=True))
    assert found[0].stride() == base.T.stride()
    assert found[5].is_contiguous(memory_format=torch.channels_last)


def test_one_tensor_under_two_names_is_kept_once_and_stays_one(tmp_path: Path) -> None:
    """Break: know tensors by their address alone, without shape and strides; read each name by itself."""
    whole = torch.arange(6.0)
    found = through({"a": whole, "b": whole, "part": whole[:3]}, tmp_path)
    found["a"][0] = 9
    assert found["b"][0] == 9
    assert found["part"].tolist() == [0, 1, 2]
    names = load_file(tmp_path / "step-000000000000" / "tensors.safetensors")
    assert sorted(name for name in names if name.startswith("user/")) == ["user/a", "user/part"]


def test_names_that_look_alike_do_not_meet(tmp_path: Path) -> None:
    """The way a -> b and the key "a/b" have one name. Break: let the later tensor take the name."""
    value = {"a/b": torch.tensor(1), "a": {"b": torch.tensor(2)}, 3: torch.tensor(3), "3": torch.tensor(4)}
    assert same(through(value, tmp_path), value)


def test_arrays_come_back(tmp_path: Path) -> None:
    """Columns first, reversed, read-only, zero-dimensional, empty; each its own copy. Break: hand torch the array as it is."""
    frozen = np.arange(3)
    frozen.flags.writeable = False
    value = [
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.arange(5)[::-1],
        frozen,
        np.array(2.5),
        np.zeros((0, 2), np.complex128),
    ]
    found = through(value, tmp_path)
    assert same(found, value)
    assert found[0].flags.f_contiguous
    found[2][0] = 7


def test_tensors_lie_where_torch_puts_its_own(tmp_path: Path) -> None:
    """At multiples of 64 bytes: a dot product elsewhere has other bits. Break: hand out the memory of the file."""
    value = [torch.arange(float(count)) for count in range(1, 40)]
    assert all(tensor.data_ptr() % 64 == 0 for tensor in through(value, tmp_path))


class _Own(torch.Tensor):
    pass


@pytest.mark.filterwarnings("ignore:Sparse CSR tensor support:UserWarning")
@pytest.mark.parametrize(
    ("value", "message"),
    [
        (
            lambda: torch.eye(2).to_sparse(),
            "user/x is a sparse tensor (sparse_coo), which a safetensors file cannot hold.",
        ),
        (lambda: torch.eye(2).to_sparse_csr(), "user/x is a sparse tensor (sparse_csr)"),
        (lambda: torch.empty(2, device="meta"), "user/x is on the meta device"),
        (lambda: torch.eye(2).as_subclass(_Own), "user/x is a _Own, a tensor class"),
        (lambda: {1, 2}, "user/x is a builtins.set, which a checkpoint cannot hold: {1, 2}."),
        (lambda: np.array(["a"]), "user/x is a NumPy value of type <U1"),
        (lambda: np.array([1.0], ">f8"), "user/x is a NumPy value of type >f8"),
        (lambda: [0, len], "user/x/1 is a builtins.builtin_function_or_method"),
    ],
)
def test_what_no_file_can_hold_is_told_with_its_place(value: Any, message: str, tmp_path: Path) -> None:
    """Nothing is turned into something else, and nothing is written. Break: leave out each check."""
    with pytest.raises(UnsupportedState) as caught:
        save_checkpoint(tmp_path / "new", 0, {}, user={"x": value()})
    assert message in caught.value.message
    assert caught.value.remedy
    assert not (tmp_path / "new").exists()


def test_a_value_that_contains_itself_is_told(tmp_path: Path) -> None:
    """Break: leave the circle to Python's recursion limit."""
    circle: list[Any] = []
    circle.append({"again": circle})
    with pytest.raises(UnsupportedState, match="user/0/again contains itself"):
        save_checkpoint(tmp_path, 0, {}, user=circle)


def test_state_is_json_that_says_where_tensors_are(tmp_path: Path) -> None:
    """A stranger reads step, metrics and weights with two libraries. Break: write infinity as JSON does not know it."""
    save_checkpoint(tmp_path, 3, {"model": torch.nn.Linear(2, 1)}, metrics=[{"loss": math.inf}])

    def refuse(text: str) -> Any:
        raise AssertionError(text)

    text = (tmp_path / "step-000000000003" / "state.json").read_text()
    state = json.loads(text, parse_constant=refuse)
    assert (state["step"], state["metrics"]) == (3, [{"loss": {"$float": "inf"}}])
    assert state["parts"]["model"]["state"]["weight"] == {"$tensor": "model/weight"}
