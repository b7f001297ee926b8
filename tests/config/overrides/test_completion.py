"""What is being typed at the cursor."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pedigree.config import overrides
from tests.config.overrides.texts import TEXTS

#: The text with `|` for the cursor, the kind, what is typed, and more.
CASES: list[tuple[str, str, str, dict[str, Any]]] = [
    ("|", "key", "", {"start": 0}),
    ("+mod|", "key", "mod", {"start": 1, "key": "mod"}),
    ("~model/ba|", "key", "model/ba", {}),
    ("db@back|", "package", "back", {"key": "db", "package": "back"}),
    ("++db@b.c=my|", "value", "my", {"key": "db", "package": "b.c", "start": 9}),
    ("lr=|", "value", "", {"key": "lr", "function": None}),
    ("lr=ra|", "value", "ra", {"functions": ("range",)}),
    ("lr=cho|(1,2)", "function", "cho", {"functions": ("choice",)}),
    ("db=mysql, pg|", "value", "pg", {"start": 10}),
    ("a=[x, {k: [1, y|", "value", "y", {}),
    ("a={x:1, na|", "entry", "na", {"start": 8}),
    ("a={x:1|", "value", "1", {}),
    ("a=range(1, st|", "value", "st", {"function": "range", "argument": 1}),
    ("a=range(step=0.|", "value", "0.", {"function": "range", "argument": "step", "start": 13}),
    ("a=tag(x,sort(3,re|", "value", "re", {"function": "sort", "argument": 1}),
    ("a='it is, |", "value", "it is, ", {"quote": "'", "functions": ()}),
    ("a='x'|", "nothing", "", {}),
    ("a=[1]|", "nothing", "", {}),
    ("a=${x}/b|", "value", "${x}/b", {}),
]


@pytest.mark.parametrize(("text", "kind", "typed", "more"), CASES)
def test_the_cursor_is_known_to_be_in_a_key_a_package_a_value_or_a_call(
    text: str, kind: str, typed: str, more: dict[str, Any]
) -> None:
    """Break: begin the word at the last blank; forget which call is open."""
    cursor = text.index("|")
    found = overrides.context(text.replace("|", ""), cursor)
    assert (found.kind, found.typed) == (kind, typed)
    for name, value in more.items():
        assert getattr(found, name) == value


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.sampled_from(TEXTS) | st.text(alphabet="a=[]{}(),:'\"\\$ +~@/."), st.integers(-5, 70))
def test_what_is_typed_ends_at_the_cursor_whatever_the_text(text: str, cursor: int) -> None:
    """Break: skip a backslash and the character behind it, past the cursor."""
    found = overrides.context(text, cursor)
    cursor = max(0, min(cursor, len(text)))
    assert text[found.start : cursor] == found.typed
