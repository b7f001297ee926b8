"""Two digests: what does not matter changes neither, what does matter changes its own."""

from __future__ import annotations

import random
from typing import Any

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from pedigree.config.frozen import freeze
from pedigree.config.frozen.digests import text_of
from pedigree.config.frozen.pointers import leaves
from pedigree.config.origins import OWN, Origin, spread
from pedigree.errors import InvalidConfig
from tests.config.frozen import making
from tests.config.frozen.strategies import (
    configurations,
    names,
    plain_configurations,
    plain_values,
    raw,
    scalars,
    with_leaf,
)


def shuffled(found: Any, chance: random.Random) -> Any:
    if isinstance(found, dict):
        order = list(found)
        chance.shuffle(order)
        return {key: shuffled(found[key], chance) for key in order}
    return [shuffled(one, chance) for one in found] if isinstance(found, list) else found


@given(plain_configurations, st.randoms(use_true_random=False), st.sampled_from([None, '"']))
def test_a_comment_the_order_of_keys_quotes_and_the_name_of_the_file_change_no_digest(
    found: dict[Any, Any], chance: random.Random, style: str | None
) -> None:
    """Break: leaves digested in the order of the file."""
    one = freeze(making.composed(("conf/config.yaml", yaml.safe_dump(found, sort_keys=False))))
    text = "# a comment\n" + yaml.safe_dump(
        shuffled(found, chance), default_flow_style=True, default_style=style, sort_keys=False, width=20
    )
    other = freeze(making.composed(("elsewhere/of another name.yaml", text)))
    assert (one.digest, one.intent) == (other.digest, other.intent)


@given(
    plain_configurations, names, st.one_of(st.integers(), st.booleans(), st.floats(0.5, 2), st.text("abc", min_size=1))
)
def test_a_value_is_the_same_from_a_file_an_override_and_the_environment(
    found: dict[Any, Any], name: str, value: Any
) -> None:
    """Break: a value of the environment counted by its text."""
    written = yaml.safe_dump({**found, name: value})
    one = freeze(making.composed(("conf/config.yaml", written)))
    spelled = text_of(value) if not isinstance(value, str) else f"'{value}'"
    before = yaml.safe_dump({**found, name: "other"})
    by_override = freeze(making.composed(("conf/config.yaml", before), overrides=(f"{name}={spelled}",)))
    spaced = freeze(making.composed(("conf/config.yaml", before), overrides=(f"++{name}= {spelled}",)))
    by_variable = freeze(
        making.composed(
            ("conf/config.yaml", yaml.safe_dump({**found, name: "${oc.decode:${oc.env:VALUE}}"})),
            environment={"VALUE": spelled},
        )
    )
    assert one.digest == by_override.digest == spaced.digest == by_variable.digest
    assert one.intent == by_override.intent == by_variable.intent


@given(configurations, st.data())
def test_every_change_of_one_leaf_changes_both_digests(found: dict[Any, Any], data: st.DataObject) -> None:
    """Break: what stands in lists is not counted."""
    there = leaves(found)
    assume(found)
    place = data.draw(st.sampled_from(sorted(there)))
    value = data.draw(scalars)
    assume(text_of(value) != text_of(there[place]))
    one = freeze(making.of(raw(found)))
    other = freeze(making.of(raw(with_leaf(found, place, value))))
    assert one.digest != other.digest
    assert one.intent != other.intent


@given(configurations, names, plain_values)
def test_a_key_more_changes_the_digest(found: dict[Any, Any], name: str, value: Any) -> None:
    """Break: empty containers left out."""
    assume(name not in found)
    assert freeze(making.of(raw(found))).digest != freeze(making.of(raw({**found, name: value}))).digest


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, 1.0),
        (1, True),
        (0.0, -0.0),
        ("1", 1),
        (None, "null"),
        ([], {}),
        (["a"], {0: "a"}),
        ({1: "a"}, {"1": "a"}),
        ("NaN", float("nan")),
        (float("inf"), float("-inf")),
        ("é", "e\u0301"),
        ("a/../b", "b"),
        ({True: 1}, {1: 1}),
    ],
)
def test_values_that_code_can_tell_apart_differ(one: Any, other: Any) -> None:
    """Break: 1.0 written as 1."""
    assert freeze(making.of({"a": one})).digest != freeze(making.of({"a": other})).digest


def test_every_nan_is_the_same_and_floats_are_by_their_shortest_text() -> None:
    """Break: the sign of NaN is kept."""
    assert freeze(making.of({"a": float("nan")})).digest == freeze(making.of({"a": -float("nan")})).digest
    texts = [
        freeze(making.composed(("a.yaml", f"a: {text}"))).digest for text in ("1e-3", "0.001", "1.0e-03", "0.0010")
    ]
    assert len(set(texts)) == 1


def test_a_default_is_part_of_the_digest_and_not_of_the_intent() -> None:
    """Break: the intent takes every leaf."""
    from pedigree.config.frozen.digests import copied_and_digested, digest_of_lines, intent_of_lines

    def both(lr: float, how: str) -> tuple[str, str]:
        set_here = Origin("file", "conf/config.yaml", 1, 1)
        origins = {OWN: set_here, "name": set_here, "model": {OWN: set_here, "lr": Origin(how, "Model.lr")}}
        lines = copied_and_digested({"name": "a", "model": {"lr": lr}})[1]
        return digest_of_lines(lines), intent_of_lines(lines, origins)

    assert both(0.1, "default")[0] != both(0.2, "default")[0]
    assert both(0.1, "default")[1] == both(0.2, "default")[1] == both(0.1, "migration")[1]
    assert both(0.1, "default")[0] == both(0.1, "file")[0]
    assert both(0.1, "default")[1] != both(0.1, "file")[1]
    assert both(0.1, "file")[1] != both(0.2, "file")[1]


def test_a_container_that_is_a_default_as_a_whole_is_no_intent() -> None:
    """Break: only leaves that have an origin of their own are left out."""
    from pedigree.config.frozen.digests import copied_and_digested, intent_of_lines

    def intent(values: Any) -> str:
        origins = {OWN: Origin("file", "a.yaml"), "a": Origin("file", "a.yaml"), "b": Origin("default", "Model.b")}
        return intent_of_lines(copied_and_digested(values)[1], origins)

    assert intent({"a": 1, "b": {"c": [1]}}) == intent({"a": 1, "b": {"c": [2, 3]}}) != intent({"a": 2, "b": {}})


def test_a_value_of_the_moment_counts() -> None:
    """Break: what `now` gave is left out of the digest; a seed made of it would make two runs one."""
    text = "seed: ${now:%H%M}\nname: a"
    first = freeze(making.composed(("a.yaml", text)))
    later = freeze(making.composed(("a.yaml", text), now=making.NOW.replace(hour=9)))
    assert first.digest != later.digest
    assert first.varying == (("seed",),)
    assert first.values["seed"] == "0830"


def test_the_mask_of_a_secret_is_refused_when_freezing() -> None:
    """Break: the mask is looked for in files alone."""
    with pytest.raises(
        InvalidConfig, match=r"model\.token: the value is \*{10}, which stands for a secret and is none"
    ):
        freeze(making.of({"model": {"token": "*" * 10}}))


def test_what_is_no_plain_value_is_refused() -> None:
    """Break: the text of any object is digested."""
    whole = making.of({"a": 1})
    with pytest.raises(InvalidConfig, match="A value has the type object, which no frozen configuration holds"):
        freeze(whole._replace(values={"a": object()}))
    with pytest.raises(InvalidConfig, match="which is a tuple"):
        freeze(whole._replace(values={(1, 2): 1}, origins=spread({}, Origin("code", "a"))))


def test_freezing_shares_nothing_with_what_was_composed() -> None:
    """Break: the values are taken as they are."""
    whole = making.of({"a": {"b": [1]}})
    frozen = freeze(whole)
    whole.values["a"]["b"].append(2)
    assert frozen.values == {"a": {"b": [1]}}
    frozen.as_dict()["a"]["b"].append(3)
    assert frozen.values == {"a": {"b": [1]}}
