"""Points of a sweep against Hydra's basic sweeper, and what no sweep can list."""

from __future__ import annotations

from random import Random

import pytest
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper

from pedigree.config import overrides
from pedigree.config.overrides import Interval
from pedigree.errors import InvalidInput
from tests.config.overrides.oracle import PARSER

PRODUCTS = [
    ["a=1,2", "b=x", "c=choice(p,q)"],
    ["+a=1,2", "++b@c=range(3)", "~d", "~e=1,2"],
    ["g/h=x,y", "a='x y',\"it's\",[1, 2],{a: b}", "b= z "],
    ["a=true,null,1e3,1_0,${x}", "b=range(0,1,0.25)", "c="],
    ["a=range(3,1)", "b=1,2"],
    [],
]


@pytest.mark.parametrize("texts", PRODUCTS)
def test_points_are_those_of_hydra_in_its_order(texts: list[str]) -> None:
    """Break: let the first override move fastest."""
    expected = [list(point) for point in BasicSweeper.split_arguments(PARSER.parse_overrides(texts), None)[0]]
    parsed = overrides.parse_all(texts)
    assert list(overrides.points(parsed)) == expected
    assert overrides.count(parsed) == len(expected)


def test_counting_a_sweep_makes_none_of_its_points() -> None:
    """Break: count by listing: this would take 10**60 steps."""
    assert overrides.count(overrides.parse_all(["a=range(1000000)"] * 10)) == 10**60


def test_a_glob_selects_from_the_names_it_is_given_in_their_order() -> None:
    """Break: ignore `exclude`; match names regardless of case."""
    [override] = overrides.parse_all(["+db=glob([m*,'pg'],exclude=*_old)"])
    asked: list[str] = []

    def names(key: str) -> list[str]:
        asked.append(key)
        return ["sqlite", "pg", "mysql", "mysql_old", "Maria"]

    assert list(overrides.points([override], names=names)) == [["+db=pg"], ["+db=mysql"]]
    assert overrides.count([override], names=names) == 2
    assert set(asked) == {"db"}


def test_a_shuffled_sweep_has_one_order_for_each_generator_and_none_by_chance() -> None:
    """Break: shuffle with the global generator."""
    sweep = overrides.parse_all(["a=shuffle(range(100))"])
    first = list(overrides.points(sweep))
    assert first == list(overrides.points(sweep))
    assert first != list(overrides.points(sweep, rng=Random(1)))
    assert sorted(first) == sorted([f"a={number}"] for number in range(100))
    assert overrides.parse("a=shuffle([1,2,3,4,5,6])") == overrides.parse("a=shuffle([1,2,3,4,5,6])")


def test_an_interval_is_a_value_for_optimisers_and_no_plain_sweep() -> None:
    """Break: list the two ends."""
    override = overrides.parse("lr=tag(log,interval(1e-5,1))")
    assert override.value == Interval(1e-5, 1.0, frozenset({"log"}))
    with pytest.raises(InvalidInput) as caught:
        overrides.count([override])
    assert str(caught.value) == (
        "The sweep lr=tag(log,interval(1e-5,1)) is a continuous space, which a plain sweep cannot list.\n"
        "Give values, choice(…) or range(…); an interval is for an optimiser."
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a=range(1,3,0)", "has a step of 0 and never ends"),
        ("a=range(inf)", "is not finite"),
        ("a=range(1,nan)", "is not finite"),
        ("a=range(1000001)", "has more than 1000000 values"),
        ("a=range(0,1,1e-300)", "has more than 1000000 values"),
        ("a=glob(*)", "needs the names of a group, and none are known here"),
    ],
)
def test_a_sweep_that_cannot_be_listed_is_refused_before_it_is_begun(text: str, problem: str) -> None:
    """Break: begin an endless range."""
    with pytest.raises(InvalidInput, match=problem):
        overrides.count([overrides.parse(text)])
    with pytest.raises(InvalidInput, match=problem):
        overrides.points([overrides.parse(text)])


def test_spelling_a_value_and_reading_it_gives_it_back() -> None:
    """Break: leave out the backslash before a comma."""
    for value in ["a,b", "x\\", "a: b ", [1, [2.5, None, True]], {"a b": {"c": -1e100}}, "[x]", "$(y)"]:
        assert overrides.parse(f"k={overrides.spell(value)}").value == value
