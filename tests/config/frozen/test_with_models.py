"""Freezing with a model: defaults, secrets, migrations, and the instance that a rerun gets."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import Field

from pedigree.config.explanation import why
from pedigree.config.frozen import diff, files, freeze
from pedigree.config.frozen.record import Frozen
from pedigree.config.models import Config, Secret
from pedigree.config.versions import Family, Map, Rename
from pedigree.errors import InvalidConfig
from tests.config.frozen import making


def with_default(default: float, **more: Any) -> Any:
    """A model that each edit of its code gives another default, or another field."""

    class Optimizer(Config):
        name: str = "sgd"
        lr: float = default

    class Training(Config):
        optimizer: Optimizer = Optimizer()
        epochs: int = 10

    if more:

        class Longer(Training):
            patience: int = more["patience"]

        Longer.__qualname__ = Training.__qualname__
        return Longer
    return Training


class Paths(Config):
    root: Path
    cache: str = ""
    wait: timedelta = timedelta(seconds=1)
    token: Secret[str] = Secret("env:HF_TOKEN")
    sizes: dict[str, float] = Field(default_factory=dict)


nets = Family("nets", unversioned=1)


@nets.version()
class NetV1(Config):
    version: Literal[1] = 1
    folder: str
    size: str = "1"


@nets.version(Rename("folder", "data_folder"), Map("size", lambda size: int(size) * 2))
class NetV2(Config):
    version: Literal[2] = 2
    data_folder: str
    size: int = 2


def frozen(model: type[Any], text: str, *overrides: str, **environment: str) -> Frozen:
    """As a rerun has it: from the file."""
    whole = making.composed(("conf/config.yaml", text), overrides=overrides, environment=environment)
    made = freeze(whole, model)
    again = files.parsed(files.data(made), "run.json")
    assert again == made
    return again


def test_a_default_made_explicit_changes_the_intent_alone() -> None:
    """Break: values as composed are digested."""
    model = with_default(0.1)
    implicit = frozen(model, "epochs: 3")
    explicit = frozen(model, "epochs: 3\noptimizer: {lr: 0.1}")
    assert implicit.values == {"optimizer": {"name": "sgd", "lr": 0.1}, "epochs": 3}
    assert implicit.digest == explicit.digest
    assert implicit.intent != explicit.intent
    assert not diff(implicit, explicit)


def test_a_changed_default_changes_the_digest_alone() -> None:
    """Break: the intent takes every leaf."""
    before, after = frozen(with_default(0.1), "epochs: 3"), frozen(with_default(0.2), "epochs: 3")
    assert before.digest != after.digest
    assert before.intent == after.intent
    assert [(one.pointer, one.cause) for one in diff(before, after).changes] == [("/optimizer/lr", "default")]
    found = why(before, "optimizer.lr")
    assert found.place is not None
    assert (found.place.origin.kind, found.value) == ("default", 0.1)


def test_the_instance_is_that_of_the_run() -> None:
    """Break: defaults of today fill in what the frozen configuration has."""
    before = frozen(with_default(0.1), "epochs: 3")
    assert before.model == f"{__name__}:with_default.<locals>.Training"
    assert before.as_model(with_default(0.2)).model_dump() == before.values
    instance = before.as_model(with_default(0.1))
    assert (instance.epochs, instance.optimizer.lr) == (3, 0.1)


def test_a_model_that_has_grown_is_refused_unless_accepted() -> None:
    """Break: the values of the instance are not compared."""
    before = frozen(with_default(0.1), "epochs: 3")
    grown = with_default(0.1, patience=5)
    with pytest.raises(InvalidConfig, match=r"gives other values than when this .* frozen: patience has a value more"):
        before.as_model(grown)
    assert before.as_model(grown, changed="accept").patience == 5


PLACES = "root: ${oc.env:DATA}/sets\ncache: ${root}/cache\nwait: ${oc.env:WAIT}\ntoken: ${oc.env:MINE}\n"
HERE = {"DATA": "/private", "WAIT": "1:00:00", "MINE": "hunter2"}


def test_values_of_the_environment_and_secrets_are_read_again() -> None:
    """Break: a value that the model normalised is compared with what is read."""
    made = frozen(Paths, PLACES, **HERE)
    assert made.values["token"] == "env:MINE"
    assert made.secrets == ("/token",)
    assert b"private" not in files.data(made)
    instance = made.as_model(Paths, HERE)
    assert (instance.root, instance.cache) == (Path("/private/sets"), "/private/sets/cache")
    assert instance.wait == timedelta(hours=1)
    assert instance.token.get_secret_value(environment=HERE) == "hunter2"
    with pytest.raises(InvalidConfig, match="wait: .* was another value"):
        made.as_model(Paths, HERE | {"WAIT": "2:00:00"})
    literal = frozen(
        Paths,
        "root: /private/sets\ncache: /private/sets/cache\nwait: 1:00:00\ntoken: env:MINE\n".replace(
            "1:00:00", "'1:00:00'"
        ),
    )
    assert literal.digest == made.digest


def test_a_secret_is_in_no_digest_and_nowhere_in_the_file() -> None:
    """Break: the variable behind a secret is hidden by its name alone, and what is made of it is digested."""
    text = "root: /data\ncache: https://${token}@host\ntoken: ${oc.env:MINE}\n"
    one, other = (frozen(Paths, text, MINE=value) for value in ("hunter2", "hunter3"))
    assert files.data(one) == files.data(other)
    assert b"hunter" not in files.data(one)
    assert one.as_model(Paths, {"MINE": "hunter4"}).cache == "https://hunter4@host"
    assert why(one, "token").as_json()["value"] == "env:MINE"


def test_what_was_typed_for_a_secret_is_not_kept() -> None:
    """Break: overrides are kept as they were typed."""
    made = frozen(Paths, "root: /data\ntoken: env:OLD", "token=hunter2", "token=env:MINE")
    assert made.overrides == ("token=**********", "token=env:MINE")
    assert b"hunter2" not in files.data(made)
    assert "hunter2" not in "".join(why(made, "token").lines())


def test_numbers_take_the_type_of_the_model() -> None:
    """Break: composed values are digested."""
    assert frozen(Paths, "root: a\nsizes: {a: 1}").digest == frozen(Paths, "root: a\nsizes: {a: 1.0}").digest


def test_an_old_configuration_is_frozen_in_the_terms_of_the_new_version() -> None:
    """Break: a reference stays under its old name."""
    made = frozen(NetV2, "version: 1\nfolder: ${oc.env:DATA}/x\nsize: '3'\n", DATA="/private")
    assert made.values == {"version": 2, "data_folder": "${oc.env:DATA}/x", "size": 6}
    assert made.version == 2
    assert made.steps
    assert made.as_model(NetV2, {"DATA": "/private"}).data_folder == "/private/x"
    found = why(made, "data_folder")
    assert found.interpolation == "${oc.env:DATA}/x"
    assert found.steps
    assert found.place is not None
    assert found.place.origin.text == "conf/config.yaml:2:9"


def test_a_frozen_configuration_of_an_old_version_is_migrated_when_it_is_loaded() -> None:
    """Break: old values are validated against the new model."""
    old = frozen(NetV1, "version: 1\nfolder: /x\nsize: '3'\n")
    assert old.as_model(NetV2).model_dump() == {"version": 2, "data_folder": "/x", "size": 6}


def test_a_value_of_the_environment_that_a_migration_computes_with_is_refused() -> None:
    """Break: frozen all the same, and a rerun gets the value that it was before the migration."""
    with pytest.raises(
        InvalidConfig, match=r"conf/config.yaml:3:7: size depends on the environment \(SIZE\) and was chan"
    ):
        frozen(NetV2, "version: 1\nfolder: /x\nsize: ${oc.env:SIZE}\n", SIZE="3")


def test_what_does_not_fit_is_told_with_its_place() -> None:
    """Break: freezing does not validate."""
    with pytest.raises(InvalidConfig, match=r"conf/config.yaml:1:9"):
        frozen(with_default(0.1), "epochs: many")
