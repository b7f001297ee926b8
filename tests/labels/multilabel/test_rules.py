"""Rules find what breaks them, name the cheapest repair, and are refused where they contradict each other."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pedigree import labels
from pedigree.errors import InvalidInput
from pedigree.labels.multilabel.repair import Repairs, is_broken
from pedigree.labels.multilabel.rules import Rule

NAMES = ("animal", "cat", "dog", "plant", "tree")
RULES = labels.Rules(
    parents={"cat": "animal", "dog": ["animal"], "tree": "plant"},
    exclusive=[["animal", "plant"]],
    required=[["animal", "plant"]],
)


def test_each_violation_names_its_rules_and_a_repair() -> None:
    """Breaks: a parent that is unknown taken for absent; `required` broken by an unknown cell."""
    given_ = np.array(
        [
            [1, 1, 0, 0, 0],  # obeys
            [0, 1, 0, 0, 0],  # a cat that is no animal; neither animal nor plant
            [1, 0, 0, 1, 1],  # both
            [0, 0, 0, 0, 0],  # neither
            [-1, 1, 0, 0, 0],  # nobody knows
            [0, 0, 0, -1, 0],  # nobody knows
        ]
    )
    found = RULES.violations(given_, NAMES)
    assert [(each.example, [str(rule) for rule in each.rules], each.changes) for each in found] == [
        (1, ["'cat' implies 'animal'", "at least one of 'animal', 'plant'"], (("animal", True),)),
        (2, ["at most one of 'animal', 'plant'"], (("animal", False),)),
        (3, ["at least one of 'animal', 'plant'"], (("animal", True),)),
    ]
    assert str(found[1]) == "example 2: at most one of 'animal', 'plant': take out 'animal'"
    assert RULES.violations([["cat"]], NAMES)[0].changes == (("animal", True),)
    assert RULES.violations([["cat"]])[0].changes == (("animal", True),)


@st.composite
def systems(draw: st.DrawFn) -> tuple[Any, list[int], list[float]]:
    """Rules over six classes, labels and costs: any child and parent (a lower number, so without a cycle), any groups."""
    kinds = st.one_of(
        st.tuples(st.just("implies"), st.tuples(st.integers(3, 5), st.integers(0, 2))),
        st.tuples(st.just("implies"), st.tuples(st.integers(1, 2), st.just(0))),
        st.tuples(
            st.sampled_from(["exclusive", "required"]), st.lists(st.integers(0, 5), min_size=2, max_size=4, unique=True)
        ),
    )
    rules = [(Rule(kind, tuple(columns)), tuple(columns)) for kind, columns in draw(st.lists(kinds, max_size=6))]
    state = draw(st.lists(st.sampled_from([0, 1, 1, -1]), min_size=6, max_size=6))
    return rules, state, draw(st.lists(st.sampled_from([0.0, 0.5, 1.0, 2.5, 7.0]), min_size=6, max_size=6))


@settings(max_examples=120, deadline=None)
@given(systems())
def test_no_other_change_is_cheaper(system: tuple[Any, list[int], list[float]]) -> None:
    """All 2^6 changes are tried. Breaks: the first option alone followed; a cell changed twice."""
    rules, state, costs = system
    cheapest = None
    known = [column for column in range(6) if state[column] >= 0]
    for flips in product((False, True), repeat=len(known)):
        changed = list(state)
        for column, flip in zip(known, flips, strict=True):
            changed[column] ^= flip
        if not any(is_broken(rule.kind, columns, changed) for rule, columns in rules):
            cost = sum(costs[column] for column, flip in zip(known, flips, strict=True) if flip)
            cheapest = cost if cheapest is None else min(cheapest, cost)
    found = Repairs(rules).cheapest(state, costs)
    if cheapest is None:
        assert found is None
        return
    assert found is not None
    assert sum(costs[column] for column in found) == cheapest
    mended = [found.get(column, value) for column, value in enumerate(state)]
    assert not any(is_broken(rule.kind, columns, mended) for rule, columns in rules)


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({"parents": {"a": "b", "b": "c", "c": "a"}}, "A class is its own ancestor: 'a' -> 'b' -> 'c' -> 'a'."),
        ({"parents": {"a": "a"}}, "A class is its own ancestor: 'a' -> 'a'."),
        (
            {"parents": {"a": "b", "b": "c"}, "exclusive": [["c", "x", "a"]]},
            "No example can have 'a': it implies 'c', and the two exclude each other.",
        ),
        (
            {"parents": {"a": ["b", "c"]}, "exclusive": [["b", "c"]]},
            "No example can have 'a': with it come 'b' and 'c', which exclude each other.",
        ),
        (
            {"exclusive": [["a", "b"]], "required": [["a"], ["b"]]},
            "No labels can meet all required groups: what they ask for excludes each other.",
        ),
        ({"exclusive": [["a"]]}, "A group of exclusive has 1 classes: ['a']."),
        ({"required": [[]]}, "A group of required has 0 classes: []."),
        ({"exclusive": "ab"}, "exclusive is 'ab', which is no list of groups."),
        ({"exclusive": [["a", "b", "a"]]}, "'a' stands twice in a group of exclusive."),
        ({"parents": {"a": [["b"]]}}, "['b'] in the parents of 'a' is no class."),
    ],
)
def test_rules_that_contradict_each_other_are_refused(rules: dict[str, Any], message: str) -> None:
    """Break: without the check of ancestors (a cycle then never ends, a class that nothing can have is offered)."""
    with pytest.raises(InvalidInput) as raised:
        labels.Rules(**rules)
    assert raised.value.message == message


def test_rules_are_read_from_yaml_and_json(tmp_path: Path) -> None:
    """Break: the keys of the file not checked."""
    (tmp_path / "rules.yaml").write_text(
        "parents: {cat: animal, dog: [animal], tree: plant}\nexclusive: [[animal, plant]]\nrequired:\n- [animal, plant]\n"
    )
    (tmp_path / "rules.json").write_text(
        '{"parents": {"cat": "animal", "dog": ["animal"], "tree": "plant"}, "exclusive": [["animal", "plant"]], "required": [["animal", "plant"]]}'
    )
    assert labels.Rules.read(tmp_path / "rules.yaml") == labels.Rules.read(tmp_path / "rules.json") == RULES
    (tmp_path / "empty.yaml").write_text("")
    assert labels.Rules.read(tmp_path / "empty.yaml") == labels.Rules()
    for text, message in {
        "exclusiv: []": "has the key 'exclusiv', which declares no rules.\nDid you mean 'exclusive'?",
        "[1, 2]": "holds a list, which declares no rules.",
        "parents: [a]": "parents is no mapping.",
        "a: [": "is no YAML or JSON",
    }.items():
        (tmp_path / "wrong.yaml").write_text(text)
        with pytest.raises(InvalidInput) as raised:
            labels.Rules.read(tmp_path / "wrong.yaml")
        assert message in str(raised.value)


def test_a_class_that_the_labels_do_not_have_is_named() -> None:
    """Break: rules about unknown classes left out."""
    with pytest.raises(InvalidInput, match="The rules name 'tree', which is no class") as raised:
        RULES.violations([[0]], ["animal", "cat", "dog", "plant", "trees"])
    assert "Did you mean 'trees'?" in str(raised.value)
