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


def test_repairs_follow_the_probabilities_and_suggestions_obey() -> None:
    """Breaks: the repair without probabilities; suggestions not mended."""
    rng = np.random.default_rng(0)
    true = np.zeros((400, 5), np.int8)
    kind = rng.integers(0, 4, 400)
    for at, columns in enumerate([[0, 1], [0, 2], [3], [3, 4]]):
        for column in columns:
            true[kind == at, column] = 1
    probabilities = np.clip(np.where(true == 1, 0.85, 0.15) + rng.normal(0, 0.12, true.shape), 0.01, 0.99)
    given_ = true.copy()
    given_[np.flatnonzero(kind == 0)[:30], 0] = 0  # cats that are no animals, nor anything
    given_[np.flatnonzero(kind == 2)[:20], 0] = 1  # plants that are animals too
    found = labels.analyse_multilabel(given_, probabilities, classes=NAMES)
    violations = found.violations(RULES)
    assert [each.example for each in violations] == np.flatnonzero((given_ != true)[:, 0]).tolist()
    mended = [each.changes == (("animal", bool(true[each.example, 0])),) for each in violations]
    assert np.mean(mended) == 1.0
    suggested = found.suggestions(RULES)
    assert RULES.violations(suggested, NAMES) == ()
    assert (suggested != true).sum() < 0.3 * (given_ != true).sum()
    assert set(np.unique(suggested)) == {0, 1}


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_suggestions_never_break_a_rule(seed: int) -> None:
    """Breaks: suggestions not mended; mended as if what was turned were still as it was given."""
    rng = np.random.default_rng(seed)
    given_ = rng.integers(-1, 2, (40, 5)).astype(np.int8)
    given_[:2] = [[0] * 5, [1] * 5]
    found = labels.analyse_multilabel(given_, rng.random((40, 5)), classes=NAMES)
    suggested = found.suggestions(RULES, by="predicted_neq_given")
    assert RULES.violations(suggested, NAMES) == ()
    assert ((suggested < 0) == (given_ < 0)).all()
    # Of all 2^5 labels that obey, none is reached from what was turned by a more probable change.
    turned = found.suggestions(by="predicted_neq_given")
    for row in np.flatnonzero((suggested != turned).any(axis=1)):
        right = np.where(turned[row] == given_[row], found.wrong[row], 1 - found.wrong[row])  # of the other value
        others = np.array(list(product((0, 1), repeat=5)))
        others = np.where(turned[row] < 0, -1, others)
        obeying = [at for at, each in enumerate(others) if not RULES.violations(each[None], NAMES)]
        costs = [-np.log(right[each != turned[row]]).sum() for each in others[obeying]]
        assert -np.log(right[suggested[row] != turned[row]]).sum() <= min(costs) + 1e-9
