"""List edits: what they do to a list, what they refuse, and that they take nothing from Hydra's grammar."""

from __future__ import annotations

from typing import Any

import pytest

from pedigree.config import overrides
from pedigree.config.overrides import ListEdit
from pedigree.config.overrides.edits import EDITS
from pedigree.errors import InvalidInput
from tests.config.overrides.oracle import disagreement, hydra

START = ["a", 1, True, 1.0, "a"]


def edit(text: str) -> ListEdit:
    value = overrides.parse(f"tags={text}").value
    assert type(value) is ListEdit
    return value


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("append(x)", [*START, "x"]),
        ("append('1')", [*START, "1"]),
        ("append([1,'2'])", [*START, [1, "2"]]),
        ("prepend(item=x)", ["x", *START]),
        ("insert(1, x)", ["a", "x", 1, True, 1.0, "a"]),
        ("insert(-1, x)", ["a", 1, True, 1.0, "x", "a"]),
        ("insert(5, x)", [*START, "x"]),
        ("extend([x,y])", [*START, "x", "y"]),
        ("remove(a)", [1, True, 1.0, "a"]),
        ("remove(true)", ["a", 1, 1.0, "a"]),
        ("remove(1.0)", ["a", 1, True, "a"]),
        ("remove_at(-1)", ["a", 1, True, 1.0]),
        ("clear()", []),
    ],
)
def test_an_edit_gives_a_new_list_and_leaves_the_old(text: str, result: list[Any]) -> None:
    """Break: compare items with `==`, so that removing `true` removes 1; edit the list in place."""
    before = list(START)
    assert list(map(repr, edit(text).apply(before))) == list(map(repr, result))
    assert before == START


@pytest.mark.parametrize(
    ("text", "items", "message"),
    [
        (
            "append(x)",
            {"a": 1},
            "append('x') edits a list, and the value there is {'a': 1}.\nGive a whole value instead.",
        ),
        ("append(x)", None, "append('x') edits a list, and the value there is None.\nGive a whole value instead."),
        ("remove(b)", ["a"], "remove('b'): the list has no such item; it is ['a'].\nRemove an item that is there."),
        (
            "remove_at(1)",
            ["a"],
            "remove_at(1): the index is outside the list, which has 1 item.\nCount from 0, or from -1 at the end.",
        ),
        (
            "insert(3,x)",
            [1, 2],
            "insert(3, 'x'): the index is outside the list, which has 2 items.\nCount from 0, or from -1 at the end.",
        ),
    ],
)
def test_an_edit_that_does_not_fit_says_why(text: str, items: Any, message: str) -> None:
    """Break: clamp the index, as list.insert does."""
    with pytest.raises(InvalidInput) as caught:
        edit(text).apply(items)
    assert str(caught.value) == message


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_shadows_only_what_hydra_refuses(name: str) -> None:
    """Break: read `tags=append` as an edit without arguments."""
    for arguments in ("", "x", "1,2", "[x]", "item=1", "index=0,item=x"):
        assert hydra(f"tags={name}({arguments})") is None
        assert hydra(f"tags=[{name}({arguments})]") is None
    for text in (
        f"tags={name}",
        f"tags={name},x",
        f"tags='{name}(x)'",
        f"{name}=1",
        f"tags=[{name}]",
        f"tags={name}:x",
    ):
        assert hydra(text) is not None
        assert disagreement(text) is None


def test_a_json_string_is_ours_alone() -> None:
    """Break: write Python's repr."""
    assert hydra("a=json_str({a:1})") is None
    assert overrides.parse("a=json_str({a:[1,null,'x']})").value == '{"a": [1, null, "x"]}'
    assert overrides.parse("a=json_str(choice([1],{b:true}))").value.values == ["[1]", '{"b": true}']


def test_an_edit_passes_through_a_sweep_as_it_was_written() -> None:
    """Break: spell the edit as a value."""
    parsed = overrides.parse_all(['tags=append("x y")', "a=1,2"])
    assert list(overrides.points(parsed)) == [['tags=append("x y")', "a=1"], ['tags=append("x y")', "a=2"]]
