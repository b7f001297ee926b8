"""Migrating values: the post's scenarios, chains, nested models, defaults that stay, origins and names."""

from __future__ import annotations

import json
from typing import Any, Literal

import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st
from pydantic import BaseModel

from pedigree.config.origins import Origin, at
from pedigree.config.versions import Add, Default, Drop, Family, Map, Rename, load, migrate, number
from pedigree.config.versions.shapes import same
from pedigree.errors import InvalidConfig
from tests.config.versions.models import Closed, ExperimentV2, ResNetV1, ResNetV2, ResNetV3, given, resnet


def values(text: str, model: Any) -> Any:
    return migrate(*given(text), model).values


def test_a_file_of_the_present_version_stays_as_it_is() -> None:
    """Scenario 1. Break: migrating on from the target version."""
    migrated = migrate(*given("version: 3\nnew_context: 512\n"), ResNetV3)
    assert migrated.values == {"version": 3, "new_context": 512}
    assert migrated.steps == ()
    assert migrated.old_names == {}
    assert migrated.kept == ()


def test_a_renamed_key_keeps_its_value_and_its_place() -> None:
    """Scenario 2: context became new_context. Break: giving a moved value a fresh origin without `shadowed`."""
    migrated = migrate(*given("version: 2\ncontext: 600\n"), ResNetV3)
    assert migrated.values == {"version": 3, "new_context": 600}
    origin = at(migrated.origins, ("new_context",))
    assert origin.kind == "migration"
    assert "renamed 'context' to 'new_context'" in origin.name
    assert origin.shadowed == Origin("file", "conf/experiment.yaml", 2, 10)
    assert migrated.old_names == {("new_context",): ("context",)}
    assert migrated.since == {("new_context",): 3}


def test_dropped_keys_go_and_a_split_one_becomes_two() -> None:
    """Scenario 4. Break: Drop that leaves the key."""
    migrated = migrate(*given("version: 1\ndebug: true\nsize: 28x14\nlr_ms: 50\n"), ResNetV2)
    assert migrated.values == {"version": 2, "height": 28, "width": 14, "lr": 0.05}
    assert migrated.first_name(("width",)) == ("size",)


def test_what_an_old_file_leaves_out_keeps_the_old_default() -> None:
    """Scenario 5. Break: leaving the old defaults out, so that the file gets 512."""
    instance, migrated = load(*given("version: 2\n"), ResNetV3)
    assert instance.new_context == 256
    assert migrated.kept == (("new_context",),)
    assert at(migrated.origins, ("new_context",)).losers()[-1] == Origin("default", "ResNetV2.context")
    assert "layers" not in migrated.values  # whose default is the same: the new model's own stands


def test_v1_goes_to_v3_in_one() -> None:
    """Break: filling in only the defaults of the file's own version: then v2's context of 256 is lost on the way."""
    assert values("{version: 1, size: 8x9}", ResNetV3) == {"version": 3, "height": 8, "width": 9, "new_context": 256}


def test_a_saved_configuration_runs_again_as_it_was() -> None:
    """Scenario 6: dump, save, load gives the same instance and no step. Break: migrating on from the target version."""
    first, _ = load(*given("version: 1\nsize: 28x14\n"), ResNetV3)
    saved = json.loads(first.model_dump_json())
    again, migrated = load(saved, None, ResNetV3)
    assert again == first
    assert migrated.steps == ()


@drawn(
    st.fixed_dictionaries(
        {},
        optional={
            "version": st.sampled_from([1, "1", "v1", 1.0]),
            "layers": st.integers(1, 99),
            "size": st.builds("{}x{}".format, st.integers(1, 64), st.integers(1, 64)),
            "lr_ms": st.sampled_from([50, 100, 200]),
            "debug": st.booleans(),
        },
    )
)
def test_two_migrations_in_a_row_give_what_one_gives(config: dict[str, Any]) -> None:
    """migrate(migrate(c, v2), v3) == migrate(c, v3). Break: filling in defaults of the file's own version only."""
    at_once = migrate(config, None, ResNetV3).values
    assert same(at_once, migrate(migrate(config, None, ResNetV2).values, None, ResNetV3).values)
    assert same(at_once, migrate(at_once, None, ResNetV3).values)


def test_a_default_that_was_kept_once_counts_as_set() -> None:
    """A file of v1 left lr out; v2 kept 1 for it, and v3 adopts only for files that leave it out.

    Break: comparing defaults with those of the last version alone.
    """
    family = Family("k", unversioned=1)

    @family.version()
    class One(Closed):
        version: Literal[1] = 1
        lr: int = 1

    @family.version(Default("lr", was=1, now=2))
    class Two(Closed):
        version: Literal[2] = 2
        lr: int = 2

    @family.version(Default("lr", was=2, now=3, adopt=True))
    class Three(Closed):
        version: Literal[3] = 3
        lr: int = 3

    assert values("{}", Three) == {"version": 3, "lr": 1} == migrate(values("{}", Two), None, Three).values
    assert values("version: 2", Three) == {"version": 3}
    assert One.model_fields


def test_models_inside_have_versions_of_their_own() -> None:
    """The outer goes first, and every inner one from where it is. Break: not walking into lists."""
    migrated = migrate(
        *given("version: 2\nmodel: {version: 2, context: 300}\nmodels: [{size: 1x2}, {version: 3}]\n"), ExperimentV2
    )
    assert migrated.values["model"] == {"version": 3, "new_context": 300}
    assert migrated.values["models"] == [
        {"version": 3, "height": 1, "width": 2, "new_context": 256},
        {"version": 3},
    ]
    assert migrated.old_names["models", 0, "width"] == ("models", 0, "size")
    assert {(step.family, step.at) for step in migrated.steps} == {("resnet", ("model",)), ("resnet", ("models", 0))}


def test_names_lead_back_through_outer_and_inner_renames() -> None:
    """Break: asking for the whole path only, not for what it lies in, when a name is looked up."""
    migrated = migrate(*given("version: 1\nnet: {version: 2, context: 300}\noptimizer: {lr: .3}\n"), ExperimentV2)
    assert migrated.old_names["model", "new_context"] == ("net", "context")
    assert migrated.old_names["training", "optimizer", "lr"] == ("optimizer", "lr")
    assert migrated.values["training"] == {"epochs": 10, "optimizer": {"lr": 0.3}}
    assert at(migrated.origins, ("model", "new_context")).losers()[-1].line == 2


def test_a_name_moves_with_the_mapping_around_it() -> None:
    """Break: not re-keying names of what lies in a mapping that moves."""
    family = Family("n")
    family.step(1)

    @family.version(Rename("opt.lr", "opt.rate"), Rename("opt", "training"))
    class Two(BaseModel):
        version: Literal[2]

    assert migrate({"version": 1, "opt": {"lr": 1}}, None, Two).old_names == {
        ("training",): ("opt",),
        ("training", "rate"): ("opt", "lr"),
    }


def test_nothing_that_was_given_changes() -> None:
    """Break: working on the values themselves instead of a copy."""
    config, origins = given("version: 1\nnet: {size: 1x2}\n")
    migrate(config, origins, ExperimentV2)
    assert (config, origins) == given("version: 1\nnet: {size: 1x2}\n")


def test_models_without_versions_are_left_alone() -> None:
    """Break: demanding a version of every model."""

    class Plain(BaseModel):
        a: int = 1

    assert values("a: 2", Plain) == {"a": 2}


def test_a_default_may_be_adopted() -> None:
    """Default(adopt=True) gives old files the new default, unless they set the key. Break: ignoring adopt."""
    family = Family("a", unversioned=1)

    @family.version()
    class One(Closed):
        version: Literal[1] = 1
        lr: float = 0.1

    @family.version(Default("lr", was=0.1, now=0.2, adopt=True))
    class Two(Closed):
        version: Literal[2] = 2
        lr: float = 0.2

    assert load({}, None, Two)[0].lr == 0.2
    assert load({"lr": 0.1}, None, Two)[0].lr == 0.1


def test_a_step_outlives_its_model() -> None:
    """Old models may be deleted; `defaults` keeps theirs. Break: taking defaults from models only."""
    family = Family("b")
    family.step(1, defaults={"opt.lr": 0.1})
    family.step(2, Rename("opt.lr", "lr"))

    @family.version(Add("new", 1), Drop("gone"))
    class Three(Closed):
        version: Literal[3]
        lr: float = 0.3
        new: int

    assert values("{version: 1, gone: 1}", Three) == {"version": 3, "lr": 0.1, "new": 1}
    assert values("{version: 2, lr: 0.5}", Three) == {"version": 3, "lr": 0.5, "new": 1}


@pytest.mark.parametrize(("text", "meant"), [("1", 1), ("1.0", 1), ("'1'", 1), ("v1", 1), ("12", 12), ("0", 0)])
def test_a_version_is_written_in_four_ways(text: str, meant: int) -> None:
    """Break: int(value) alone, which fails on "v1"."""
    found = number(given(text)[0])
    assert found == meant
    assert type(found) is int


@pytest.mark.parametrize(
    "text", ["true", "false", "1.5", "-1", "null", "one", "1.0.0", "'1.0'", "V1", "[1]", ".inf", "v01"]
)
def test_all_else_is_no_version(text: str) -> None:
    """Break: letting booleans through, which are integers in Python."""
    with pytest.raises(InvalidConfig, match="is none.*set at conf/experiment.yaml:1:11"):
        values(f"{{version: {text}}}", ResNetV3)


def test_the_version_is_a_number_afterwards() -> None:
    """Break: leaving "v3", which Literal[3] refuses."""
    assert load(*given("version: v3"), ResNetV3)[0].version == 3


def test_registering_twice_or_without_a_number_is_refused() -> None:
    """Break: letting the second model of a number win."""
    with pytest.raises(InvalidConfig, match="claims it too"):

        @resnet.version()
        class Other(Closed):
            version: Literal[1] = 1

    with pytest.raises(InvalidConfig, match="has no field"):
        resnet.version()(Closed)
    assert resnet.models[1] is ResNetV1

    class Float(BaseModel):
        version: Literal[1, 2] = 1

    with pytest.raises(InvalidConfig, match="one whole number"):
        Family("f").version()(Float)


def test_map_changes_values_that_were_left_out_too() -> None:
    """A default of 100 ms is 0.1 s. Break: mapping only what the file set."""
    family = Family("m", unversioned=1)

    @family.version()
    class One(Closed):
        version: Literal[1] = 1
        wait: int = 100

    @family.version(Map("wait", lambda value: value / 1000))
    class Two(Closed):
        version: Literal[2] = 2
        wait: float = 5.0

    assert values("{}", Two) == {"version": 2, "wait": 0.1}
    assert isinstance(One.model_fields, dict)
