"""Values of the environment: kept as what reads them, and the same again in a rerun."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pedigree.config.frozen import files, freeze
from pedigree.config.frozen.environment import is_secret_name, literal
from pedigree.config.frozen.record import Frozen
from pedigree.config.interpolation import resolve
from pedigree.errors import InvalidConfig, InvalidInput
from tests.config.frozen import making
from tests.config.frozen.strategies import texts

TEXT = r"""
root: ${oc.env:DATA}
data:
  train: ${..root}/train
  workers: ${oc.decode:${oc.env:WORKERS,4}}
  classes: [cat, "${oc.env:EXTRA,none}"]
copy: ${data}
batch: ${expr:'data.workers * 8'}
first: ${data.classes[0]}
second: ${copy.classes[1]}-${len:${data.classes}}
run: ${root}/${now:%H%M}
settings: ${oc.decode:${oc.env:SETTINGS,'{a:[1,2]}'}}
braces: \${root}
mixed: \${root}/${oc.env:DATA}
name: pets
day: ${now:%d}
file: ${oc.env:DATA}/${name}-${day}
"""
HERE = {"DATA": "/secret/place", "EXTRA": "ox"}


def frozen(environment: dict[str, str], text: str = TEXT) -> Frozen:
    """As a rerun has it: from the file."""
    whole = freeze(making.composed(("conf/config.yaml", text), environment=environment))
    return files.parsed(files.data(whole), "run.json")


def test_a_rerun_has_the_values_that_the_run_had() -> None:
    """Break: what a reference reads is not kept."""
    assert frozen(HERE).resolved(HERE) == making.composed(("conf/config.yaml", TEXT), environment=HERE).values


def test_values_of_the_environment_are_not_written() -> None:
    """Break: what a text reads is kept as the value that it gave, of the environment or not."""
    content = files.data(freeze(making.composed(("conf/config.yaml", TEXT), environment=HERE)))
    assert b"/secret/place" not in content
    assert b'"ox' not in content
    found = frozen(HERE).as_dict()
    assert found["root"] == "${oc.env:DATA}"
    assert found["copy"]["classes"] == ["cat", "${data.classes[1]}"]
    assert found["settings"].startswith("${oc.decode:")
    assert found["first"] == "cat"
    assert "/secret/place" not in str(frozen(HERE).flat())


def test_a_moment_is_kept_where_a_value_of_the_environment_needs_it() -> None:
    """Break: the moment of the rerun is taken."""
    assert frozen(HERE).resolved(HERE)["run"] == "/secret/place/0830"
    assert frozen(HERE).environment.now == "2026-11-27T08:30:00"


def test_another_environment_is_another_run() -> None:
    """Break: what the environment gives now is taken."""
    with pytest.raises(InvalidConfig) as caught:
        frozen(HERE).resolved(HERE | {"WORKERS": "5"})
    assert caught.value.message == (
        "The environment is not the one that this configuration was frozen in:\n"
        "  data.workers: ${oc.decode:${oc.env:WORKERS,4}} was another value; it depends on WORKERS (set now)\n"
        "  copy.workers: ${data.workers} was another value; it depends on WORKERS (set now)\n"
        "  batch: ${expr:'data.workers * 8'} was another value; it depends on WORKERS (set now)"
    )
    assert caught.value.remedy == "Set the variables as they were, or accept what they are now, which is another run."
    with pytest.raises(InvalidConfig, match=r"EXTRA \(not set now\)"):
        frozen(HERE).resolved({"DATA": "/secret/place"})
    accepted = frozen(HERE).resolved(HERE | {"WORKERS": "5"}, changed="accept")
    assert (accepted["batch"], accepted["copy"]["workers"]) == (40, 5)


def test_a_variable_that_is_not_set_is_named() -> None:
    """Break: an absent variable is an empty text."""
    with pytest.raises(InvalidInput, match="the environment variable DATA is not set"):
        frozen(HERE).resolved({})
    assert frozen(HERE).environment.variables == ("DATA", "EXTRA", "SETTINGS", "WORKERS")


def test_of_a_secret_nothing_is_kept() -> None:
    """Break: its digest is kept, with which a guess can be confirmed."""
    text = "token: ${oc.env:HF_TOKEN}\nurl: https://${token}@host"
    one, other = frozen({"HF_TOKEN": "first"}, text), frozen({"HF_TOKEN": "second"}, text)
    assert files.data(one) == files.data(other)
    assert one.resolved({"HF_TOKEN": "third"})["url"] == "https://third@host"


@pytest.mark.parametrize("name", ["HF_TOKEN", "API_KEY", "DB_PASSWORD", "AWS_SECRET_ACCESS_KEY", "wandb_api_key"])
def test_names_of_secrets_are_known(name: str) -> None:
    """Break: the case of the name matters."""
    assert is_secret_name(name)


@pytest.mark.parametrize("name", ["HOME", "MONKEY", "PWD", "DATA_ROOT", "KEYBOARD", "AUTHOR"])
def test_names_that_hold_such_a_word_inside_another_are_not(name: str) -> None:
    """Break: any part of a name."""
    assert not is_secret_name(name)


def test_without_the_moment_a_value_that_needs_it_cannot_be_frozen() -> None:
    """Break: frozen all the same, and no rerun can read it."""
    whole = making.composed(("conf/config.yaml", TEXT), environment=HERE)
    with pytest.raises(InvalidConfig, match="depends on the environment and on the moment of composing"):
        freeze(whole._replace(now=None))


def test_what_stood_in_a_text_with_braces_is_no_reference_in_a_rerun() -> None:
    r"""Break: `\${root}` kept as `${root}` among what is read again."""
    text = "word: \\${oc.env:NOT}\nline: ${word} ${oc.env:DATA}"
    assert frozen(HERE, text).resolved(HERE) == {"word": "${oc.env:NOT}", "line": "${oc.env:NOT} /secret/place"}


@given(st.one_of(texts, st.text(st.sampled_from("\\${}a:"), max_size=12)))
def test_a_literal_resolves_to_its_text(text: str) -> None:
    """Break: backslashes before `${` are not doubled."""
    assert resolve({"a": literal(text)}).tree == {"a": text}


@given(st.dictionaries(st.sampled_from(["A", "B", "C"]), st.text("ab1/ ", max_size=4)), st.data())
def test_any_reading_of_the_environment_is_read_again(environment: dict[str, str], data: st.DataObject) -> None:
    """Break: a path that was read through another interpolation is not followed."""
    names = ["a", "b", "c", "d"]
    choices = [
        "x",
        "${oc.env:A,none}",
        "${oc.env:B,none}-${oc.env:C,none}",
        "[1, '${oc.env:A,none}']",
        "{k: '${oc.env:B,none}'}",
    ]
    lines = []
    for index, name in enumerate(names):
        before = names[:index]
        links = [text for one in before for text in (f"${{{one}}}", f"<${{{one}}}>", f"{{k: '${{{one}}}'}}")]
        value: Any = data.draw(st.sampled_from([*choices, *links]))
        lines.append(f"{name}: {value if value[0] in '[{' else repr(value)}")
    text = "\n".join(lines)
    whole = making.composed(("conf/config.yaml", text), environment=environment)
    assert frozen(environment, text).resolved(environment) == whole.values
