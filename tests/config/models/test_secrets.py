"""Secrets: fetched when asked for, and shown nowhere."""

from __future__ import annotations

import copy
import json
import logging
import pickle  # noqa: TID251  (what people do to a configuration)
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pydantic
import pytest
from pydantic import BaseModel, Field, SecretStr

from pedigree.config.interpolation import resolve
from pedigree.config.models import MASK, Config, Secret, dump, redact, validate
from pedigree.config.origins import Origin, spread
from pedigree.errors import InvalidConfig

WORD = "hunter2"


class Hub(Config):
    token: Secret[str] | None = None
    port: Secret[int] | None = None
    plain: str | None = None
    rate: int = 1


class Run(Config):
    hub: Hub = Hub()
    hubs: dict[str, Hub] = Field(default_factory=dict)
    either: Secret[str] | int = 0


def test_a_secret_is_fetched_anew_each_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Break: keep the value that was fetched."""
    file = tmp_path / "token"
    file.write_text(WORD + "\n")
    for reference, change in (
        ("env:PEDIGREE_TEST_TOKEN", lambda: monkeypatch.setenv("PEDIGREE_TEST_TOKEN", "other")),
        (f"file:{file}", lambda: file.write_text("other")),
        (f"command:cat {file}", lambda: file.write_text("third")),
    ):
        monkeypatch.setenv("PEDIGREE_TEST_TOKEN", WORD)
        secret = validate(Hub, {"token": reference}).instance.token
        before = secret.get_secret_value()
        change()
        assert secret.get_secret_value() != before
        assert secret.reference == reference


def test_a_secret_has_its_type() -> None:
    """Break: give the text whatever T is."""
    port = validate(Hub, {"port": {"env": "PORT"}}).instance.port
    assert port.get_secret_value(environment={"PORT": "8080"}) == 8080
    words: Secret[list[str]] = validate(dict[str, Secret[list[str]]], {"a": "env:WORDS"}).instance["a"]
    assert words.get_secret_value(environment={"WORDS": '["x", "y"]'}) == ["x", "y"]
    with pytest.raises(InvalidConfig, match="env:PORT is not of the type int") as caught:
        port.get_secret_value(environment={"PORT": WORD})
    assert WORD not in "".join(traceback.format_exception(caught.value))


def test_a_secret_that_is_not_there_says_where_it_should_be(tmp_path: Path) -> None:
    """Break: give None, or an empty text."""
    for reference, message in (
        ("env:PEDIGREE_NONE", "variable PEDIGREE_NONE, which a secret is read from, is not set"),
        (f"file:{tmp_path}/none", "none, which a secret is read from, cannot be read: No such file"),
        ("command:false", "'false', which a secret is read from, gave none: it ended with 1"),
        ("command:/no/such/program x", "gave none: No such file"),
    ):
        with pytest.raises(InvalidConfig, match=message):
            Secret(reference).get_secret_value()
    with pytest.raises(InvalidConfig, match="it took longer than 0.1 s"):
        Secret("command:sleep 5").get_secret_value(timeout_s=0.1)


def test_a_command_meets_no_shell(tmp_path: Path) -> None:
    """Break: the text as it was typed, with `shell=True`. (As it is kept, each word in quotes, a shell would do no harm.)"""
    secret = validate(Hub, {"token": f"command:echo 'a  b' $HOME; touch {tmp_path}/made"}).instance.token
    assert secret.get_secret_value() == f"a  b $HOME; touch {tmp_path}/made"
    assert not (tmp_path / "made").exists()


SPELLINGS = ["env:TOKEN", "env: TOKEN", {"env": "TOKEN"}, "${oc.env:TOKEN}", "${oc.env:TOKEN,null}"]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_of_a_variable_is_written_the_same(spelling: Any) -> None:
    """Break: write a reference as it was given, so that equal configurations have different digests."""
    assert validate(Hub, {"token": spelling}).values["token"] == "env:TOKEN"


def test_what_an_interpolation_brought_from_the_environment_is_a_reference_again() -> None:
    """Break: `mark_environment` that does not follow `${shared.token}` to what it reads."""
    raw = {
        "shared": {"token": "${oc.env:TOKEN}", "whole": {"token": "${oc.env:TOKEN}"}},
        "hub": {"token": "${shared.token}", "plain": "${oc.env:TOKEN}"},
        "hubs": {"a": {"token": "${oc.env:TOKEN,null}"}, "b": "${shared.whole}"},
        "either": "${oc.env:TOKEN}",
    }
    resolved = resolve(raw, environment={"TOKEN": WORD})
    values = {key: item for key, item in resolved.tree.items() if key != "shared"}
    found = validate(Run, values, interpolations=resolved.origins)
    assert found.values["hub"] == {"token": "env:TOKEN", "port": None, "plain": WORD, "rate": 1}
    assert [found.values["hubs"][name]["token"] for name in "ab"] == ["env:TOKEN"] * 2
    assert found.values["either"] == "env:TOKEN"
    assert values["hub"]["token"] == WORD, "what was given is not changed"
    assert found.secrets == (("hub", "token"), ("hubs", "a", "token"), ("hubs", "b", "token"), ("either",))


@pytest.mark.parametrize("text", ["Bearer ${oc.env:TOKEN}", "${oc.env:TOKEN,none}", "${oc.env:TOKEN}${oc.env:TOKEN}"])
def test_a_variable_with_something_around_it_is_no_reference(text: str) -> None:
    """Break: take the first variable in the text for the reference, and lose the rest."""
    resolved = resolve({"token": text}, environment={"TOKEN": WORD})
    with pytest.raises(InvalidConfig, match=r"one environment variable, whole and without a default") as caught:
        validate(Hub, resolved.tree, interpolations=resolved.origins)
    assert WORD not in everything(caught.value)


LEAKS: list[Any] = [
    {"hub": {"token": WORD}},
    {"hub": {"token": [WORD]}},
    {"hub": {"token": {"env": WORD, "file": WORD}}},
    {"hub": {"token": {"vault": WORD}}},
    {"hub": {"tokn": WORD}},
    {"hub": {"token": WORD, "rate": "x"}},
    {"hub": WORD},
    {"hub": [WORD]},
    {"hubs": {"a": {"token": WORD}}},
    {"hubs": {"a": WORD}},
    {"either": WORD},
    {"either": {"a": WORD}},
    {"hub": {"port": f"env:not a name {WORD}"}},
    {"hub": {"token": f"command:'{WORD}"}},
]


def everything(error: InvalidConfig) -> str:
    """All that anybody could come to see of an error."""
    shown = [str(error), repr(error), repr(error.objects), repr(error.__context__), repr(error.__cause__)]
    # A traceback shows the source of this test too, so only what the error itself says is looked at.
    shown += list(traceback.TracebackException.from_exception(error).format_exception_only())
    return "\n".join([*shown, repr(pickle.dumps(error))])


@pytest.mark.parametrize("values", LEAKS)
def test_what_was_written_for_a_secret_is_refused_and_not_repeated(values: Any) -> None:
    """Break: show the value received; raise from Pydantic's error; name the override of an unknown key whole."""
    with pytest.raises(InvalidConfig) as caught:
        validate(Run, values, spread(values, Origin("override", f"hub.token={WORD}")))
    assert WORD not in everything(caught.value)


def test_what_a_variable_holds_is_not_shown_where_it_does_not_fit() -> None:
    """Break: `_shown` without a look at the interpolations."""
    resolved = resolve({"rate": "${oc.env:TOKEN}"}, environment={"TOKEN": WORD})
    with pytest.raises(
        InvalidConfig, match=r"rate: expected a whole number, got what \$\{oc.env:TOKEN\} gives"
    ) as caught:
        validate(Hub, resolved.tree, interpolations=resolved.origins)
    assert WORD not in everything(caught.value)


class Own(BaseModel):
    token: SecretStr


class Other(BaseModel):
    token: pydantic.Secret[str]


@pytest.mark.parametrize("model", [Hub, Own, Other])
def test_a_mask_is_not_read(model: Any) -> None:
    """Break: take the mask for a literal; leave SecretStr to Pydantic, which reads its own mask back."""
    with pytest.raises(InvalidConfig, match="mask of a secret that was never written down"):
        validate(model, {"token": MASK})


def test_a_secret_given_in_code_is_written_as_the_mask(caplog: pytest.LogCaptureFixture) -> None:
    """Break: `reference` of a given secret that is its value; `__str__` left to `object`; `vars` with a dict."""
    hub = Hub(token=Secret.given(WORD))
    assert hub.token is not None
    assert hub.token.get_secret_value() == WORD
    assert dump(hub)["token"] == MASK
    logging.getLogger("test").warning("%s %r %s", hub, hub.token, f"{hub.token}")
    shown = [repr(hub), str(hub.model_dump()), hub.model_dump_json(), json.dumps(dump(hub)), caplog.text]
    assert WORD not in " ".join(shown)
    assert copy.deepcopy(hub) == hub
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(hub)


def test_a_field_that_was_never_validated_does_not_leak_either() -> None:
    """Break: `_written` that leaves what is no Secret to Pydantic."""
    hub = Hub.model_construct(token=WORD)
    assert WORD not in json.dumps(dump(hub))


def test_a_reference_is_pickled_and_the_value_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """Break: fetch the value to pickle it."""
    monkeypatch.setenv("PEDIGREE_TEST_TOKEN", WORD)
    hub = validate(Hub, {"token": "env:PEDIGREE_TEST_TOKEN"}).instance
    assert hub.token.get_secret_value() == WORD
    data = pickle.dumps(hub)
    assert WORD.encode() not in data
    assert pickle.loads(data) == hub  # noqa: S301  (what this test wrote itself)


def test_origins_of_a_secret_do_not_repeat_an_override() -> None:
    """The literal that lost is masked too, and so where the same override set a neighbour.

    Break: `redact_origins` that looks at the winner only, or at the secret's own place only.
    """
    loser = Origin("override", f"hub.token={WORD}")
    both = Origin("override", f"hub={{token: {WORD}, rate: 3}}", shadowed=loser)
    values = {"hub": {"token": "env:X", "rate": 3}}
    origins = spread(values, both)
    origins["hub"]["token"] = Origin("file", "conf/run.yaml", 1, 1, both)
    found = validate(Run, values, origins)
    assert WORD not in repr(found.origins)
    assert found.origins["hub"]["rate"].name == f"hub={MASK}"
    assert found.origins["hub"]["token"].losers()[1].name == f"hub.token={MASK}"
    assert WORD in repr(origins), "what was given is not changed"


def redactions() -> Iterator[tuple[str, str]]:
    yield f"hub.token={WORD}", f"hub.token={MASK}"
    yield f"++hub.token='{WORD}'", f"++hub.token={MASK}"
    yield f"hub={{token: {WORD}}}", f"hub={MASK}"
    yield f"hub.token.deeper={WORD}", f"hub.token.deeper={MASK}"
    yield f"hub={{file: a, token: {WORD}}}", f"hub={MASK}"
    yield f"hub=[{{token: {WORD}}}]", f"hub={MASK}"
    yield f"hub=append({{token: {WORD}}})", f"hub={MASK}"
    yield f"hub.token=${{oc.env:X,{WORD}}}", f"hub.token={MASK}"
    yield f"hub.token=${{oc.decode:{WORD}}}", f"hub.token={MASK}"
    for kept in (
        "hub=local",
        "hub.rate=3",
        "hub.token=env:X",
        "hub.token='${oc.env:X}'",
        "hub.token=${oc.env:X,null}",
        "hub.token=${other.token}",
        "hub.token={file: /run/a}",
        "hub.token={command: [pass, show, a]}",
        "~hub.token",
        "hub.token=null",
    ):
        yield kept, kept


@pytest.mark.parametrize(("typed", "shown"), list(redactions()))
def test_overrides_are_repeated_without_secrets(typed: str, shown: str) -> None:
    """Break: `_reaches` that compares the whole key only, or takes a mapping alone for what holds a secret; a mapping
    that begins with `file`, or a `${`, taken for a reference whatever follows."""
    assert redact([typed], [("hub", "token")]) == (shown,)
