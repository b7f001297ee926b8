"""The grammar: what a text means is what OmegaConf says it means."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pedigree.config.interpolation import resolve
from pedigree.errors import InvalidInput
from tests.config.interpolation.oracle import AROUND, REFUSED, load_yaml, ours, same, theirs

STRINGS = Path(__file__).with_name("strings.txt").read_text(encoding="utf-8").splitlines()

#: Pieces that mean something to the grammar, so that random texts get far into it.
PIECES = [
    *("${", "}", "${x}", "${show:", "${same:", "'", '"', "\\", ",", ":", "[", "]", "{", " ", "a", "1", "1.5", "x", "d"),
    *(".", "d.k", "${.x}", "null", "True", "-", "+", "$", "=", "/", "%", "_", "e", "inf", "(", ")", "é", "\t", "\n"),
    *("0", "l[0]", "${d}", "\\${", "\\'", '\\"', "\\,", "nan", "a b", ".5", "1e3", "#", "*", "@", "?", "|", "a-b:"),
]
WRAPPED = [
    *("%s", "${show:%s}", "${same:%s}", "${%s}", "a${show:%s}b", "${show:'%s'}", '${show:"%s"}', "${show:[%s]}"),
    *("${show:{%s}}", "${show:{a:%s}}", "${x}%s", "\\\\${show:x,%s}", "${oc.decode:'%s'}", "${d.%s}"),
]


def both(text: str) -> tuple[object, object]:
    tree = {**AROUND, "t": text}
    left, right = theirs(tree), ours(tree)
    return (left["t"] if left != REFUSED else left), (right["t"] if right != REFUSED else right)


@pytest.mark.parametrize("text", STRINGS)
def test_a_text_written_by_hand_means_what_omegaconf_says(text: str) -> None:
    """Break: let white space before a colon end an unquoted argument."""
    left, right = both(text)
    assert same(left, right), (text, left, right)


@pytest.mark.slow
@settings(max_examples=1500, deadline=None)
@given(st.sampled_from(WRAPPED), st.lists(st.sampled_from(PIECES), max_size=8).map("".join))
@example("${show:%s}", "a :b")
@example('${show:"%s"}', '\\\\\\"${x}\\\\')
def test_a_random_text_means_what_omegaconf_says(around: str, inside: str) -> None:
    """Break: unescape every backslash in quotes, not only those before a quote or an interpolation."""
    text = around.replace("%s", inside)
    left, right = both(text)
    assert same(left, right), (text, left, right)


@settings(max_examples=300, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_a_text_without_an_interpolation_stays_as_it_is(text: str) -> None:
    """Break: take the backslashes out of every text."""
    if "${" not in text:
        assert ours({"t": text}) == {"t": text}


@settings(max_examples=300, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), st.text("\\${}'\"", max_size=12))
def test_no_text_does_more_than_resolve_or_be_refused(one: str, other: str) -> None:
    """Break: look at the character behind the end of the text without asking whether there is one."""
    for text in (f"${{{one}", f"${{show:{one}{other}}}", other + one, f"${{show:'{one}'}}{other}"):
        ours({"t": text})


def test_brackets_may_be_nested_sixty_deep_and_no_deeper() -> None:
    """OmegaConf manages 50 and fails on 100, in its stack. Break: drop the count of levels."""
    deep = "${show:" + "[" * 60 + "]" * 60 + "}"
    assert resolve({"t": "${len:" + "[" * 60 + "]" * 60 + "}"}).tree == {"t": 1}
    assert ours({"t": deep}) != REFUSED
    for opening, closing in (("[", "]"), ("{a:", "}"), ("${len:", "}"), ("${a.", "}")):
        with pytest.raises(InvalidInput, match="nested more than 64 deep"):
            resolve({"t": "${len:" + opening * 5_000 + closing * 5_000 + "}"})


def test_a_long_hostile_text_is_read_in_linear_time() -> None:
    """Break: search for the closing quote again from each opening one."""
    start = time.process_time()
    for text in (
        "${" * 50_000,
        "\\" * 300_000 + "${",
        "${a:" + " " * 300_000,
        "${a:'" + "\\'" * 150_000,
        "${a:" + "\\ " * 100_000,
    ):
        with pytest.raises(InvalidInput):
            resolve({"t": text})
    assert time.process_time() - start < 2


@pytest.mark.parametrize("text", ["a[", "a]b", "a[b]c", "]"])
def test_a_path_made_at_run_time_must_have_matching_brackets(text: str) -> None:
    """OmegaConf drops what follows the bracket and reads something else. Break: ignore the rest of the path."""
    with pytest.raises(InvalidInput, match="has a bracket out of place"):
        resolve({"t": f"${{oc.select:'{text}',7}}", "a": 1}, load_yaml=load_yaml)
