"""What a mistake looks like to the person who made it."""

from __future__ import annotations

import time

import pytest

from pedigree.config import overrides
from pedigree.errors import InvalidInput

FUNCTIONS = [
    "append",
    "bool",
    "choice",
    "clear",
    "extend",
    "float",
    "glob",
    "insert",
    "int",
    "interval",
    "json_str",
    "prepend",
    "range",
    "remove",
    "remove_at",
    "shuffle",
    "sort",
    "str",
    "tag",
]
QUOTE = "Put the value in quotes if it is meant as text: key='a, b = c'."
MISTAKES = [
    ("a=1=2", 4, "unexpected `=`, expected the end, or `,` and another value", QUOTE),
    ("lr", 3, "there is no `=`", "Write lr=VALUE, or ~lr to delete."),
    ("a =1", 2, "unexpected ` ` in the key, expected `=`", "Leave out blanks before the `=`."),
    ("a[0]=1", 2, "unexpected `[` in the key, expected `=`", "Write a place in a list with a dot: a.0=…"),
    (
        "a@b:c=1",
        4,
        "unexpected `:` in the key, expected `=`",
        "Hydra 1.1 and newer name the new package only: group@package=option.",
    ),
    ("a=[1,[2,3]", 3, "this `[` is never closed", "Expected `,` or `]` at the end."),
    ("a={x:1", 3, "this `{` is never closed", "Expected `,` or `}` at the end."),
    ("a=int(1", 6, "this `(` is never closed", "Expected `,` or `)` at the end."),
    ("a='x", 3, "this ' is never closed", "Close it; inside, write \\' for '."),
    ("a=[1}", 5, "unexpected `}`, expected `,` or `]`", QUOTE),
    ("a=1,", 5, "the text ends where a value should be", "Complete it, or leave the `,` out."),
    (
        "a=x'y'",
        4,
        "a ' in the middle of a value, expected the end, or `,` and another value",
        "Put quotes around the whole value, or none.",
    ),
    ("a=[1] ", 6, "a blank, expected the end, or `,` and another value", "Leave the blanks at the end out."),
    (
        "a={'k':1}",
        4,
        "a key of `{…}` takes no quotes",
        "Write it bare, with a backslash before special characters: {a\\:b:1}.",
    ),
    (
        "a=${a:${b}}",
        11,
        "unexpected `}`, expected the end, or `,` and another value",
        "Put a value with nested `${…}` in quotes: key='${a:${b}}'.",
    ),
    ("a=${", 4, "`${` needs a name and a closing `}`", QUOTE),
    ("a=f.g(1)", 6, "`(` follows f.g, which is no function", QUOTE),
    (
        "a=choise(1,2)",
        3,
        "there is no function 'choise' (did you mean `choice`?)",
        f"Functions: {', '.join(FUNCTIONS)}. Put a text with `(` in quotes.",
    ),
    ("a=range()", 3, "range() needs `start`", "Usage: range(stop) or range(start, stop, step=1)."),
    (
        "a=range(1,stp=2)",
        11,
        "range() has no argument 'stp' (did you mean `stop`?)",
        "Usage: range(stop) or range(start, stop, step=1).",
    ),
    (
        "a=range(1,b)",
        11,
        "range() needs a number for `stop`, got 'b'",
        "Usage: range(stop) or range(start, stop, step=1).",
    ),
    (
        "a=range(start=1,2)",
        17,
        "a positional argument follows the named argument `start`",
        "Put positional arguments first.",
    ),
    ("a=interval(1,2,3)", 16, "interval() takes at most 2 arguments, got 3", "Usage: interval(start, end)."),
    ("a=choice()", 3, "choice() needs at least one value", "Usage: choice(a, b, …)."),
    ("a=int(1,x)", 9, "'x' cannot be cast to int", "Usage: int(value)."),
    (
        "a=tag(t,1)",
        3,
        "tag() needs a choice(), range() or interval() as its last argument",
        "Usage: tag(name, …, sweep).",
    ),
    (
        "a=[choice(1,2)]",
        4,
        "choice() is a sweep, which cannot stand inside a list",
        "Make it the whole value of the override: key=choice(…).",
    ),
    (
        "a=x,range(3)",
        5,
        "range() is a sweep, which cannot stand inside a list of choices",
        "Make it the whole value of the override: key=range(…).",
    ),
    (
        "+a=append(1)",
        1,
        "`+` and append() do not go together",
        "A list edit changes a list that is already there: a=append(…).",
    ),
    ("a=insert(x,1)", 10, "insert() needs a whole number for `index`, got 'x'", "Usage: insert(index, item)."),
    ("a=extend(1)", 10, "extend() needs a list for `items`, got 1", "Usage: extend([item, …])."),
    ("a=é", 3, "unexpected `é`, expected a value", QUOTE),
]


@pytest.mark.parametrize(("text", "column", "problem", "remedy"), MISTAKES)
def test_a_mistake_is_named_with_its_place_and_a_way_out(text: str, column: int, problem: str, remedy: str) -> None:
    """Break: count columns from 0."""
    with pytest.raises(InvalidInput) as caught:
        overrides.parse(text)
    caret = " " * (column - 1) + "^"
    assert str(caught.value) == f"Column {column} of this override: {problem}.\n  {text}\n  {caret}\n{remedy}"
    assert caught.value.objects == {"override": text, "column": column}


def test_the_caret_stands_under_its_place_in_a_long_text_with_wide_characters_and_tabs() -> None:
    """Break: measure characters instead of columns of the terminal."""
    with pytest.raises(InvalidInput) as caught:
        overrides.parse("a=['語\t'" + "x" * 10)
    assert str(caught.value).splitlines()[1:3] == ["  a=['語·'xxxxxxxxxx", "          ^"]
    with pytest.raises(InvalidInput) as caught:
        overrides.parse("a=" + "x" * 200 + "#" + "y" * 200)
    assert str(caught.value).splitlines()[1:3] == [f"  …{'x' * 60}#{'y' * 29}…", f"  {' ' * 61}^"]


HOSTILE = {
    "lists": "a=" + "[" * 10**5,
    "dicts": "a=" + "{a:" * 10**5,
    "calls": "a=" + "int(" * 10**5,
    "closed": "a=" + "[" * 10**5 + "]" * 10**5,
    "quote": "a='" + "\\'" * 5 * 10**5,
    "references": "a=" + "${" * 5 * 10**5,
    "blanks": "a='x'" + " " * 10**6,
    "digits": "a=" + "1" * 10**6,
    "decimals": "a=" + "1_" * 5 * 10**5 + ".5",
    "backslashes": "a=" + "\\" * 10**6,
    "key": "a." * 5 * 10**5 + "=1",
    "group": "a/" * 5 * 10**5 + "=1",
    "colons": "a={" + " :" * 5 * 10**5,
    "commas": "a=" + "1," * 5 * 10**5,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_text_is_read_or_refused_in_little_time(name: str) -> None:
    """Break: search for the `}` of each `${` anew; drop the limit on depth; write a greedy `*` for `*+`."""
    text = HOSTILE[name]
    start = time.process_time()
    message = ""
    try:
        overrides.parse(text)
    except InvalidInput as error:
        message = str(error)
    overrides.context(text)
    assert len(message) < 600
    assert time.process_time() - start < 3  # 0.1 to 0.8 s where this was written
