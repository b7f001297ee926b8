"""Configurations for hypothesis: every kind of leaf and of key, nested."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from pedigree.config.frozen.environment import literal
from pedigree.config.frozen.pointers import built, leaves

texts = st.one_of(
    st.sampled_from(
        ["", "1", "1.0", "true", "null", "!int 1", "!", "/", "~", "~2", "a/b", "a\nb", "${x}", "\\${x}", "é"]
    ),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
)
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=True), texts, st.sampled_from([0.0, -0.0, 1, 1.0])
)
keys = st.one_of(texts, st.integers(-3, 3), st.booleans(), st.floats(allow_nan=False, width=16))
values: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=3)),
    max_leaves=12,
)
#: What a composed configuration can be: a mapping at the top. As `raw` it must be `literal`, lest texts be resolved.
configurations = st.dictionaries(keys, values, max_size=5)

#: The same with keys that are text without signs, as they are written in files and overrides.
names = st.text("abcdefgh_", min_size=1, max_size=4).filter(lambda name: name not in ("y", "n", "on", "off"))
plain_values: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text("abc1.: #-'\"~", max_size=6)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(names, inner, max_size=3)),
    max_leaves=12,
)
plain_configurations = st.dictionaries(names, plain_values, max_size=5)


def raw(found: Any) -> Any:
    return literal(found)


def with_leaf(found: Any, place: str, value: Any) -> Any:
    """The same with another leaf at the pointer."""
    return built(leaves(found) | {place: value})
