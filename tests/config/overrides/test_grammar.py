"""The parser against Hydra's own, on texts written by hand, made from a grammar, and spoilt at random."""

from __future__ import annotations

import os

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.config.overrides.oracle import disagreement
from tests.config.overrides.texts import TEXTS

#: Examples per law; `OVERRIDE_EXAMPLES=20000` for a long run.
EXAMPLES = int(os.environ.get("OVERRIDE_EXAMPLES", "400"))
laws = settings(max_examples=EXAMPLES, deadline=None, derandomize="OVERRIDE_EXAMPLES" not in os.environ)

BLANK = st.sampled_from(["", "", "", " ", "  ", "\t"])
SCALARS = [
    *[
        "a",
        "b",
        "x-1",
        "_",
        "0",
        "1",
        "-2",
        "+3",
        "1_0",
        "007",
        "1.",
        ".5",
        "1e3",
        "-1.5e-2",
        "inf",
        "-nan",
        "true",
        "False",
        "null",
    ],
    *[
        "a b",
        "a:b",
        "s3://x/y",
        "x: ",
        "*",
        "a.b",
        "???",
        "@x",
        "$x",
        "${a}",
        "${a.b:c,d}z",
        "\\,",
        "\\\\",
        "\\ ",
        "\\x",
        "x\\: ",
    ],
    *["'q'", '"q"', "''", "'a\\'b'", '"a\\\\"', "'a,b'", "'1'", "'${a}'", "'it\"s'"],
]
KEYS = ["a", "a.b", "a/b", "a@b", "a@b.c", "a/b@_global_", "", "@p", "a@", "$a", "a.0.b", "a-b", "1.2", "a.$b_c"]
FUNCTIONS = ["choice", "range", "interval", "glob", "sort", "shuffle", "tag", "int", "float", "str", "bool", "nope"]
NAMES = [
    "",
    "",
    "",
    "",
    "start=",
    "stop = ",
    "step=",
    "end=",
    "include=",
    "exclude=",
    "reverse=",
    "sweep=",
    "list=",
    "value=",
    "x=",
]


@st.composite
def calls(draw: st.DrawFn, inside: st.SearchStrategy[str]) -> str:
    arguments = draw(st.lists(st.tuples(st.sampled_from(NAMES), inside), max_size=4))
    comma = f"{draw(BLANK)},{draw(BLANK)}"
    body = comma.join(name + value for name, value in arguments)
    return f"{draw(st.sampled_from(FUNCTIONS))}{draw(BLANK)}({draw(BLANK)}{body}{draw(BLANK)})"


def brackets(inside: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    keys = st.sampled_from(["a", "1", "1.5", "null", "true", "a b", "a.b/c", "$x", "\\:", "'a'", "${a}", ""])
    entries = st.lists(
        st.tuples(keys, BLANK, BLANK, inside).map(lambda parts: f"{parts[0]}{parts[1]}:{parts[2]}{parts[3]}"),
        max_size=3,
    )
    lists = st.lists(inside, max_size=3)
    return (
        st.tuples(BLANK, lists, BLANK, BLANK).map(lambda p: f"[{p[0]}{(p[3] + ',').join(p[1])}{p[2]}]")
        | st.tuples(BLANK, entries, BLANK, BLANK).map(lambda p: "{" + p[0] + f",{p[3]}".join(p[1]) + p[2] + "}")
        | calls(inside)
    )


ELEMENTS = st.recursive(st.sampled_from(SCALARS), brackets, max_leaves=8)
VALUES = ELEMENTS | st.lists(ELEMENTS, max_size=4).map(",".join) | st.lists(ELEMENTS, max_size=3).map(" , ".join)
OVERRIDES = st.builds(
    lambda prefix, key, equal, value, end: f"{prefix}{key}{equal}{value}{end}",
    st.sampled_from(["", "", "", "+", "++", "~"]),
    st.sampled_from(KEYS),
    st.sampled_from(["=", "=", "=", "=", "= "]),
    VALUES,
    BLANK,
)
NUMBERS = st.sampled_from(["0", "1", "3", "-2", "0.5", "-0.25", "1e1", "0.1", "true", "inf", "nan", "7", "2.5"])
#: Calls with arguments that mostly fit.
FITTING = st.recursive(
    st.lists(NUMBERS, min_size=1, max_size=4).map(lambda items: f"choice({','.join(items)})")
    | st.lists(NUMBERS, min_size=1, max_size=3).map(lambda items: f"range({','.join(items)})")
    | st.tuples(NUMBERS, NUMBERS).map(lambda items: f"interval({','.join(items)})")
    | st.lists(NUMBERS, min_size=1, max_size=4).map(",".join),
    lambda inside: (
        st.tuples(
            st.sampled_from(["sort", "shuffle", "int", "float", "str", "bool"]),
            inside,
            st.sampled_from(["", "", ",reverse=true"]),
        ).map(lambda parts: f"{parts[0]}({parts[1]}{parts[2] if parts[0] == 'sort' else ''})")
        | inside.map(lambda body: f"tag(t,'u v',{body})")
    ),
    max_leaves=4,
)
ALPHABET = st.sampled_from([*"ab01_-./:=,@~+ \t()[]{}'\"\\$%*?|é#\n", "${", "}", "\\\\", "1e", "inf", "null"])


@pytest.mark.parametrize("text", TEXTS)
def test_every_text_written_by_hand_means_what_it_means_to_hydra(text: str) -> None:
    """Break: halve all backslashes of a quoted string, not only those before its mark."""
    assert disagreement(text) is None


@laws
@given(OVERRIDES)
@example("a=choice(b\\ ,c)")
def test_a_text_made_from_the_grammar_means_what_it_means_to_hydra(text: str) -> None:
    """Break: let `.5` be a string."""
    assert disagreement(text) is None


@laws
@given(FITTING.map(lambda body: f"a={body}"))
@example("a=sort(range(1,6,2),reverse=true)")
def test_sweeps_ordered_cast_and_tagged_yield_what_hydra_yields(text: str) -> None:
    """Break: keep the tags of a choice that is cast."""
    assert disagreement(text) is None


@laws
@given(
    OVERRIDES | st.sampled_from(TEXTS),
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 2), ALPHABET), min_size=1, max_size=3),
)
@example("a='x'", [(4, 0, "\\")])
def test_a_text_spoilt_at_random_is_refused_or_read_as_hydra_does(text: str, edits: list[tuple[int, int, str]]) -> None:
    """Break: end a quoted string at a mark with a backslash before it."""
    for place, removed, added in edits:
        at = place % (len(text) + 1)
        text = text[:at] + added + text[at + removed :]
    assert disagreement(text) is None


@laws
@given(
    st.lists(ALPHABET, max_size=12).map(lambda parts: "a=" + "".join(parts))
    | st.lists(ALPHABET, max_size=6).map("".join)
)
def test_any_characters_are_refused_or_read_as_hydra_does(text: str) -> None:
    """Break: keep the blanks behind an unquoted value."""
    assert disagreement(text) is None
