"""Pointers name places one to one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from pedigree.config.frozen.digests import text_of
from pedigree.config.frozen.pointers import built, key_of, leaves, part, parts, path, pointer, shown, spelled
from tests.config.frozen.strategies import configurations, keys, scalars


def same(one: Any, other: Any) -> bool:
    """Equal in type too, and NaN equal to itself."""
    if isinstance(one, dict) and isinstance(other, dict):
        return [*map(spelled, one)] == [*map(spelled, other)] and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and text_of(one) == text_of(other)


@given(keys, keys)
def test_a_key_is_spelled_in_one_way_and_read_back(one: Any, other: Any) -> None:
    """Break: text that begins with `!` spelled as it is."""
    assert same(key_of(spelled(one)), one)
    assert (spelled(one) == spelled(other)) == same(one, other)
    assert parts(part(one)) == [spelled(one)]


@given(configurations)
def test_leaves_hold_all_of_a_configuration(found: dict[Any, Any]) -> None:
    """Break: no leaf for an empty list."""
    assert same(built(leaves(found)), found)


@given(configurations)
def test_a_pointer_leads_to_its_leaf(found: dict[Any, Any]) -> None:
    """Break: `~0` put back before the others, so that `~01` becomes `/`."""
    for place, value in leaves(found).items():
        here: Any = found
        for step in path(place):
            here = here[step]
        assert same(here, value)
        assert pointer(path(place), found) == place


@given(scalars)
def test_an_item_and_a_number_as_key_have_different_pointers(value: Any) -> None:
    """Break: items spelled as whole numbers are."""
    assert leaves({"a": [value]}).keys() != leaves({"a": {0: value}}).keys() != leaves({"a": {"0": value}}).keys()


def test_what_spells_no_key_is_refused() -> None:
    """Break: an unknown `!` taken as text."""
    with pytest.raises(ValueError, match="spells no key"):
        key_of("!what 1")


def test_people_see_dots() -> None:
    """Break: the pointer itself is shown."""
    assert shown("/model/layers/!0/a b") == "model.layers.0.a b"
