"""Splits by hash: the construction, for ever; and what moves when the fractions change."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from pedigree.errors import InvalidSplit
from pedigree.training import Layout, assign_split, assign_splits

THREE = {"train": 0.7, "val": 0.2, "test": 0.1}
LINE = 1 << 64


@st.composite
def fractions(draw: st.DrawFn, names: str = "abcdef") -> dict[str, Fraction]:
    """One to six splits, in any order, some of them empty."""
    chosen = draw(st.lists(st.sampled_from(names), min_size=1, unique=True))
    weights = draw(
        st.lists(st.integers(0, 20), min_size=len(chosen), max_size=len(chosen)).filter(lambda found: sum(found) > 0)
    )
    return {name: Fraction(weight, sum(weights)) for name, weight in zip(chosen, weights, strict=True)}


def sizes(layout: Layout) -> Counter[str]:
    found: Counter[str] = Counter()
    for start, end, name in layout.pieces:
        found[name] += end - start
    return found


def moved(one: Layout, other: Layout) -> Counter[tuple[str, str]]:
    """How many points of the line go from which name to which, counted piece by piece and not through `at`."""
    found: Counter[tuple[str, str]] = Counter()
    for start, end, name in one.pieces:
        for low, high, now in other.pieces:
            if name != now and min(end, high) > max(start, low):
                found[name, now] += min(end, high) - max(start, low)
    return found


def test_the_construction_is_the_one_that_is_written_down() -> None:
    """A stranger gets the same splits from the two docstrings alone. Break: read the 8 bytes little-endian."""

    def stranger(key: str, seed: int) -> str:
        text = f"pedigree-split-1\n{seed}\ns\n{key}".encode()
        point = int.from_bytes(bytes.fromhex(blake3(text).hexdigest())[:8], "big")
        test = math.floor(Fraction(1, 10) * LINE)
        val = math.floor(Fraction(2, 10) * LINE)
        return "test" if point >= LINE - test else "val" if point >= LINE - test - val else "train"

    for seed in (0, 1, -5, 2**70):
        keys = [f"images/ß{number}.jpg" for number in range(500)]
        assert assign_splits(keys, THREE, seed=seed) == [stranger(key, seed) for key in keys]


def test_splits_are_what_they_were_when_they_were_first_released() -> None:
    """Golden values: this test is never edited. Break: any change of prefix, kinds, widths or places of the pieces."""
    first = [assign_split(f"img{number}", THREE) for number in range(12)]
    assert first == ["test", "test", *["train"] * 8, "test", "train"]
    many = assign_splits(range(100_000), {"a": 0.5, "b": 0.3, "c": 0.2}, seed=11)
    assert blake3("".join(many).encode()).hexdigest() == (
        "413443ed490527489938605cebad532ab28a1789a0547d3c953b34e495fcb194"
    )
    assert Layout({"train": 0.6, "val": 0.2, "test": 0.1, "calib": 0.1}, [THREE]).pieces == (
        (0, 11068046444225730971, "train"),
        (11068046444225730971, 12912720851596686132, "calib"),
        (12912720851596686132, 16602069666338596455, "val"),
        (16602069666338596455, LINE, "test"),
    )


def test_every_way_to_write_a_key_is_its_own_kind() -> None:
    """The text "7", the number 7 and the bytes b"7" are three keys; NumPy's 7 is the number. Break: hash str(key)."""
    half = {"a": 0.5, "b": 0.5}
    numbers = range(64)
    keys: dict[str, list[Any]] = {
        "s": [str(number) for number in numbers],
        "i": [*numbers],
        "b": [str(number).encode() for number in numbers],
        "n": [*np.arange(64)],
        "t": [np.str_(number) for number in numbers],
    }
    rows = {kind: assign_splits(row, half) for kind, row in keys.items()}
    assert rows["n"] == rows["i"]
    assert rows["t"] == rows["s"]
    assert len({tuple(row) for row in rows.values()}) == 3


def test_groups_stay_on_one_side_and_a_key_without_a_group_is_its_own() -> None:
    """All pictures of one animal are on one side. Break: hash the key as well as its group."""
    pictures = [(f"cat{number % 40}_{number}.jpg", f"cat{number % 40}") for number in range(400)]
    found = assign_splits([key for key, _ in pictures], THREE, groups=[group for _, group in pictures], seed=2)
    sides: dict[str, set[str]] = {}
    for (_, group), split in zip(pictures, found, strict=True):
        sides.setdefault(group, set()).add(split)
    assert all(len(where) == 1 for where in sides.values())
    assert set(found) == {*THREE}
    assert [assign_split(key, THREE, seed=2, group=group) for key, group in pictures] == found
    assert assign_splits(["x", "y"], THREE, groups=[None, "x"]) == [assign_split("x", THREE)] * 2


def test_a_split_does_not_depend_on_the_order_of_the_fractions() -> None:
    """A configuration whose keys were sorted on the way gives the same splits. Break: take the names as they come."""
    keys = range(2000)
    turned = dict(reversed(THREE.items()))
    assert assign_splits(keys, THREE) == assign_splits(keys, turned) == assign_splits(keys, dict(sorted(THREE.items())))


def test_shares_are_the_fractions_and_seeds_are_independent() -> None:
    """50,000 keys: each share within 4.5 standard deviations, and what two seeds share as chance would have it. Break: leave the seed out."""
    keys = [f"k{number}" for number in range(50_000)]
    one, other = (assign_splits(keys, THREE, seed=seed) for seed in (1, 2))
    for name, share in THREE.items():
        assert abs(one.count(name) - share * len(keys)) < 4.5 * math.sqrt(len(keys) * share * (1 - share))
    alike = sum(share**2 for share in THREE.values())
    same = sum(a == b for a, b in zip(one, other, strict=True))
    assert abs(same - alike * len(keys)) < 4.5 * math.sqrt(len(keys) * alike * (1 - alike))


@given(fractions())
def test_the_line_is_shared_out_whole(asked: dict[str, Fraction]) -> None:
    """Pieces join from 0 to 2^64, and each name has its fraction to within one point a name. Break: give the largest its own width too."""
    layout = Layout(asked)
    assert layout.pieces[0][0] == 0
    assert layout.pieces[-1][1] == LINE
    assert all(one[1] == other[0] for one, other in zip(layout.pieces, layout.pieces[1:], strict=False))
    assert all(abs(sizes(layout)[name] - share * LINE) <= len(asked) for name, share in asked.items())


@given(fractions(), fractions(), fractions())
def test_with_the_earlier_fractions_as_little_moves_as_can(
    first: dict[str, Fraction], second: dict[str, Fraction], third: dict[str, Fraction]
) -> None:
    """What moves is exactly the total variation distance, and only from names that shrank to names that grew, at each of two changes.

    No assignment with these shares can move less. Break: forget what was asked before the last time.
    """
    chain = [Layout(first), Layout(second, [first]), Layout(third, [first, second])]
    for one, other in itertools.pairwise(chain):
        before, after = sizes(one), sizes(other)
        least = sum(max(0, after[name] - before[name]) for name in after)
        paths = moved(one, other)
        assert sum(paths.values()) == least
        assert all(after[source] < before[source] and after[target] > before[target] for source, target in paths)
    assert sizes(chain[2]) == sizes(Layout(third))


@given(fractions("abc"), fractions("abcdef"))
def test_the_largest_split_gains_nothing_unless_it_grows(one: dict[str, Fraction], other: dict[str, Fraction]) -> None:
    """No test picture becomes a training picture because a split was added. Break: lay the splits out in the order of their names."""
    largest = max(sorted(one), key=one.__getitem__)
    if largest == max(sorted(other), key=other.__getitem__) and other[largest] <= one[largest]:
        assert all(target != largest for _, target in moved(Layout(one), Layout(other)))


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"train": 0.8, "test": 0.1}, "The fractions sum to 0.9, not to 1: train 0.8 + test 0.1."),
        ({"train": 8, "test": 2}, "The fractions sum to 10, not to 1"),
        ({"train": 1.2, "test": -0.2}, "The fraction of split 'test' is negative: -0.2."),
        ({"train": 1.0, "  ": 0.0}, "A split needs a name; got '  '"),
        ({"train": 1.0, 3: 0.0}, "A split needs a name; got 3"),
        ({"train": float("nan")}, "The fraction of split 'train' is nan."),
        ({"train": True}, "The fraction of split 'train' is no number: True."),
        ({"train": "1"}, "The fraction of split 'train' is no number: '1'."),
        ({}, "Splits are a mapping from name to fraction; got {}."),
        ([0.8, 0.2], "Splits are a mapping from name to fraction; got [0.8, 0.2]."),
    ],
)
def test_bad_fractions_are_told(asked: dict[str, float], message: str) -> None:
    """Each has its message, and says what to do. Break: leave out the check of the sum; of the sign; of the name."""
    with pytest.raises(InvalidSplit) as caught:
        assign_split("a", asked)
    assert message in caught.value.message
    assert caught.value.remedy


@pytest.mark.parametrize("key", ["", b"", None, 1.5, True, ("a", 1), "\ud800"])
def test_bad_keys_are_told(key: object) -> None:
    """A key that is no text, integer or bytes is refused, not turned into text. Break: take str(key) of what is left."""
    with pytest.raises(InvalidSplit, match="key"):
        assign_split(key, THREE)  # type: ignore[arg-type]  # on purpose


def test_keys_and_groups_of_different_number_are_told() -> None:
    """Break: zip to the shorter."""
    with pytest.raises(InvalidSplit, match="There are 3 keys and 2 groups"):
        assign_splits("abc", THREE, groups=["x", "y"])


def test_thirds_and_numpy_floats_are_fractions() -> None:
    """Three floats of 1/3 sum to 1 closely enough; NumPy's floats are floats. Break: take repr of the number as it is."""
    third = np.float64(1) / 3
    assert {*assign_splits(range(100), {"a": third, "b": third, "c": third})} == {"a", "b", "c"}
