"""Every reader reads the values that were written."""

from __future__ import annotations

import math
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from pedigree.config.documents import read
from pedigree.pipeline import valuefile

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters(codec="utf-8"))
KEYS = st.text(st.characters(codec="utf-8"), max_size=6) | st.sampled_from(["no", "y", "1", "1e3", "null", "- a", "<<"])
TREES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=20
)


def same(one: Any, other: Any) -> bool:
    """Equal, and of the same types all through: 1 is not 1.0 and not True."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float):
        return math.copysign(1, one) == math.copysign(1, other) and one == other
    return bool(one == other)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(KEYS, TREES, max_size=5))
def test_every_reader_reads_the_values_that_were_written(values: dict[str, Any]) -> None:
    """PyYAML and our reader, whatever the texts look like. Break: write texts without quotes."""
    text = valuefile.text(values)
    assert same(yaml.safe_load(text), values)
    assert same(read(text.encode(), "x").values, values)
    assert valuefile.text(dict(reversed(values.items()))) == text
