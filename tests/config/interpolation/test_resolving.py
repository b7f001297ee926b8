"""Whole trees: values, circles, bounds, independence, origins, resolvers."""

from __future__ import annotations

import copy
import threading
import time
import tracemalloc
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pedigree.config.interpolation import Bounds, Resolvers, resolve, resolve_at
from pedigree.errors import AlreadyExists, InvalidInput
from tests.config.interpolation.oracle import REFUSED, ours, same, theirs

KEYS = ["a", "b", "c"]
PATHS = st.builds(
    lambda dots, keys: "." * dots + ".".join(keys),
    st.integers(0, 3),
    st.lists(st.sampled_from([*KEYS, "0", "1"]), min_size=1, max_size=3),
)
TEXTS = st.one_of(
    PATHS.map(lambda path: f"${{{path}}}"),
    PATHS.map(lambda path: f"to ${{{path}}}"),
    PATHS.map(lambda path: f"${{oc.select:{path},7}}"),
    PATHS.map(lambda path: f"${{same:${{{path}}}}}"),
    PATHS.map(lambda path: f"${{oc.dict.keys:{path}}}"),
    PATHS.map(lambda path: f"${{oc.create:{{a: ${{{path}}}}}}}"),
    st.tuples(PATHS, PATHS).map(lambda paths: f"${{{paths[0]}}}-${{{paths[1]}}}"),
    st.sampled_from(["???", "\\${a}", "text", "a", "b.c", "${a.${b}}", "${${c}}", "${show:[${a},'${b}']}"]),
)
TREES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.floats(), TEXTS, TEXTS, TEXTS),
    lambda inner: st.one_of(st.dictionaries(st.sampled_from(KEYS), inner, max_size=3), st.lists(inner, max_size=2)),
    max_leaves=8,
)


@pytest.mark.slow
@settings(max_examples=1500, deadline=None)
@given(st.dictionaries(st.sampled_from(KEYS), TREES, min_size=1, max_size=3))
def test_a_random_tree_resolves_to_what_omegaconf_makes_of_it(tree: dict[str, Any]) -> None:
    """What OmegaConf refuses we refuse, but for a circle through one container that a resolver reads only in part.

    Break: look relative paths up from the place of the reader, not of the value.
    """
    before = copy.deepcopy(tree)
    left, right = theirs(tree), ours(tree)
    assert same(left, right), (tree, left, right)
    assert same(tree, before)


def test_what_a_reference_brings_is_independent_of_what_it_names() -> None:
    """Break: put the container itself at both places."""
    tree = resolve({"a": {"b": [1]}, "c": "${a}", "d": "${c}", "e": "${oc.create:{x:[1]}}", "f": "${e}"}).tree
    tree["c"]["b"].append(2)
    tree["e"]["x"].append(2)
    assert tree["a"] == tree["d"] == {"b": [1]}
    assert tree["f"] == {"x": [1]}


def test_every_text_is_resolved_once() -> None:
    """Break: forget the value of a leaf after its first reader."""
    calls: list[int] = []

    def count() -> int:
        calls.append(1)
        return len(calls)

    table = Resolvers.standard().adding("count", count, deterministic=False)
    found = resolve({"a": "${b}", "b": "${count:}", "c": ["${b}", "${a}"], "d": {"x": "${..c}"}}, resolvers=table)
    assert found.tree == {"a": 1, "b": 1, "c": [1, 1], "d": {"x": [1, 1]}}
    assert not found.origins[("c", 1)].deterministic


def test_only_what_a_value_needs_is_resolved() -> None:
    """Break: build the whole tree and take the value out of it."""
    tree = {"bad": "${nowhere}", "a": {"b": ["${x}", "${..d}"], "d": "${bad}"}, "x": 1, "whole": "${a}", "l": "${a.b}"}
    assert resolve_at(tree, "a.b[0]").tree == 1
    assert resolve_at(tree, ("x",)).tree == 1
    with pytest.raises(InvalidInput, match="the top has no key 'nowhere'"):
        resolve_at(tree, "a")
    with pytest.raises(InvalidInput, match="has no key 'zzz'"):
        resolve_at(tree, "a.zzz")


@pytest.mark.parametrize(
    "tree",
    [
        {"a0": "ha" * 50, **{f"a{n}": f"${{a{n - 1}}}" * 10 for n in range(1, 30)}},
        {"a0": ["ha"] * 10, **{f"a{n}": [f"${{a{n - 1}}}"] * 10 for n in range(1, 30)}},
        {"a0": {"x": 1}, **{f"a{n}": dict.fromkeys("abcdefgh", f"${{a{n - 1}}}") for n in range(1, 30)}},
        {"a0": [1] * 10, **{f"a{n}": f"${{same:[{','.join([f'${{a{n - 1}}}'] * 10)}]}}" for n in range(1, 30)}},
        {"a0": "ha" * 50, **{f"a{n}": f"${{oc.decode:'{f'${{a{n - 1}}}' * 10}'}}" for n in range(1, 30)}},
    ],
)
def test_a_text_that_laughs_a_billion_times_is_refused_early(tree: dict[str, Any]) -> None:
    """Break: charge copies by one, whatever they hold."""
    table = Resolvers.standard().adding("same", lambda value: value)
    tracemalloc.start()
    start = time.process_time()
    try:
        with pytest.raises(InvalidInput, match="grows beyond|make more than|at most|are the most"):
            resolve(tree, resolvers=table)
        assert tracemalloc.get_traced_memory()[1] < 200e6
    finally:
        tracemalloc.stop()
    assert time.process_time() - start < 10


def test_a_tree_that_contains_itself_is_refused() -> None:
    """Break: leave the depth of containers unbounded."""
    tree: dict[str, Any] = {"a": {}}
    tree["a"]["b"] = tree
    with pytest.raises(InvalidInput, match="nested more than 100 deep"):
        resolve(tree)


@pytest.mark.parametrize("order", [1, -1])
def test_a_chain_is_too_long_whichever_end_is_met_first(order: int) -> None:
    """Break: count only the interpolations that are open at the moment."""
    links = [(f"k{n}", f"${{k{n + 1}}}") for n in range(100)]
    assert resolve(dict([*links, ("k100", "end")][::order])).tree["k0"] == "end"
    with pytest.raises(InvalidInput, match="more than 20 interpolations lead to one another"):
        resolve(dict([*links, ("k100", "end")][::order]), bounds=Bounds(hops=20))


def test_origins_say_what_was_read_and_what_came_from_the_environment() -> None:
    """Break: note variables only on the leaf that names them."""
    found = resolve(
        {
            "db": {"token": "${oc.env:TOKEN}", "port": "${oc.env:PORT,5432}", "url": "x-${.token}"},
            "copy": "${db}",
            "plain": "${copy.port}!",
            "quiet": "${name}",
            "name": "n",
        },
        environment={"TOKEN": "s3cret"},
    )
    assert found.tree["copy"] == {"token": "s3cret", "port": "5432", "url": "x-s3cret"}
    assert found.variables == {"TOKEN", "PORT"}
    assert found.origins[("db", "token")].text == "${oc.env:TOKEN}"
    assert found.origins[("db", "url")].variables == {"TOKEN"}
    assert found.origins[("db", "url")].reads == (("db", "token"),)
    assert found.origins[("copy", "token")].text == "${db.token}"
    assert found.origins[("copy", "token")].variables == {"TOKEN"}
    assert found.origins[("plain",)].reads == (("copy",), ("db", "port"))
    assert found.origins[("plain",)].variables == {"PORT"}
    assert found.origins[("quiet",)] == ("${name}", (("name",),), frozenset(), True)
    assert found.origin(("copy", "other")) == found.origins[("copy",)]
    assert found.origin(("name",)) is None


@pytest.mark.parametrize(
    "text",
    [
        "${oc.decode:${oc.env:TOKEN}}",
        "${expr:'${oc.env:TOKEN}'}",
        "${d.${oc.env:TOKEN}}",
        "${fails:${oc.env:TOKEN}}",
        "${expr:'int(token)'}",
        "${${oc.env:TOKEN}:1}",
        "${oc.select:'${oc.env:TOKEN}',1}",
    ],
)
def test_no_message_shows_a_value_of_the_environment(text: str) -> None:
    """Neither the message nor a cause or context behind it. Break: quote the text that oc.decode was given."""

    def fails(value: str) -> None:
        raise RuntimeError(value)

    tree = {"t": text, "d": {"k": 1}, "token": "${oc.env:TOKEN}"}
    with pytest.raises(InvalidInput) as caught:
        resolve(tree, environment={"TOKEN": "s3cret[ }"}, resolvers=Resolvers.standard().adding("fails", fails))
    error: BaseException | None = caught.value
    while error is not None:
        assert "s3cret" not in str(error)
        error = error.__cause__ or error.__context__


def test_the_moment_is_one_for_the_whole_configuration() -> None:
    """Break: read the clock at each call."""
    moment = datetime(2026, 11, 27, 5, 4, 3, tzinfo=UTC)
    found = resolve({"a": "${now:%Y-%m-%d}", "b": "x/${now:%H-%M-%S}"}, now=moment)
    assert found.tree == {"a": "2026-11-27", "b": "x/05-04-03"}
    assert not found.origins[("b",)].deterministic


def test_hydras_settings_are_those_that_were_given() -> None:
    """Break: look into the tree's own key hydra."""
    tree = {"a": "${hydra:job.name}", "b": "${hydra:list.1}", "hydra": {"job": {"name": "no"}}}
    found = resolve(tree, hydra={"job": {"name": "train"}, "list": [1, 2]})
    assert (found.tree["a"], found.tree["b"]) == ("train", 2)


def test_a_resolver_may_ask_for_what_is_around_it() -> None:
    """Break: hand the raw tree over, with its interpolations."""

    def around(name: str, *, _root_: Any, _parent_: Any, _node_: Any) -> list[Any]:
        return [_root_["x"], _parent_[name], len(_root_["l"]), _root_["l"][-1], _node_.path, _node_.text]

    table = Resolvers.standard().adding("around", around)
    found = resolve({"x": "${y}", "y": 3, "g": {"v": "${around:w}", "w": "${x}"}, "l": [1, "${y}"]}, resolvers=table)
    assert found.tree["g"]["v"] == [3, 3, 2, 3, ["g", "v"], "${around:w}"]
    assert set(found.origins[("g", "v")].reads) == {("x",), ("g", "w"), ("l", 1)}


def test_a_resolver_gets_arguments_of_its_own() -> None:
    """Break: pass the container of the tree."""
    table = Resolvers.standard().adding("drain", lambda value: [value.pop("k"), len(value)])
    assert resolve({"a": "${drain:${d}}", "d": {"k": 1}}, resolvers=table).tree == {"a": [1, 0], "d": {"k": 1}}


def test_tables_are_values() -> None:
    """Break: add to the table itself."""
    first = Resolvers.standard()
    second = first.adding("twice", lambda number: 2 * number)
    assert "twice" in second
    assert "twice" not in first
    assert len(second) == len(first) + 1
    with pytest.raises(AlreadyExists, match="There is a resolver 'twice' already"):
        second.adding("twice", len)
    assert resolve(
        {"a": "${twice:2}"}, resolvers=second.adding("twice", len, replace=True).adding("z", len) and second
    ).tree
    with pytest.raises(InvalidInput, match="'1x' is not the name of a resolver"):
        first.adding("1x", len)


def test_a_cached_resolver_runs_once_for_equal_arguments() -> None:
    """Break: leave the argument out of what is remembered."""
    calls: list[Any] = []

    def count(value: object) -> int:
        calls.append(value)
        return len(calls)

    table = Resolvers.standard().adding("c", count, cache=True)
    assert resolve({"a": "${c:1}", "b": "${c:1}", "d": "${c:2}"}, resolvers=table).tree == {"a": 1, "b": 1, "d": 2}


def test_threads_do_not_disturb_one_another() -> None:
    """Break: keep the stack of open leaves in the module."""
    wrong: list[Any] = []

    def work(number: int) -> None:
        for _ in range(50):
            tree = {"a": "${b}", "b": "${c.d}", "c": {"d": number}, "e": "${expr:'b * 2'}", "f": "${c}"}
            if resolve(tree).tree != {
                "a": number,
                "b": number,
                "c": {"d": number},
                "e": number * 2,
                "f": {"d": number},
            }:
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_deprecated_values_are_reported_and_not_printed() -> None:
    """Break: warn through the warnings of the process."""
    found = resolve({"new": 1, "old": "${oc.deprecated:new}", "g": {"o": "${oc.deprecated:new,'$OLD_KEY went'}"}})
    assert found.tree["old"] == 1
    assert found.warnings == ((("old",), "'old' is deprecated: use 'new'"), (("g", "o"), "g.o went"))


@pytest.mark.parametrize("value", [{1}, object(), b"x", 1j, {(1, 2): 3}])
def test_a_resolver_gives_plain_values_only(value: object) -> None:
    """Break: put whatever comes into the tree."""
    with pytest.raises(InvalidInput, match="no configuration holds|a key is a tuple"):
        resolve({"a": "${give:}"}, resolvers=Resolvers.standard().adding("give", lambda: value))
    assert resolve({"a": "${give:}"}, resolvers=Resolvers.standard().adding("give", lambda: (1, {"x": (2,)}))).tree == {
        "a": [1, {"x": [2]}]
    }


def test_refused_is_no_value() -> None:
    """The comparison would hide a refusal otherwise. Break: let `ours` return None for it."""
    assert ours({"a": "${b}"}) == REFUSED
    assert theirs({"a": "${b}"}) == REFUSED
