"""`config.current`: which file it reads, as what, and what it says where there is none."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest

from pedigree import config
from pedigree.config.composing import Sources, compose
from pedigree.config.composing.sources import Files
from pedigree.config.frozen import freeze
from pedigree.config.models import Config, Secret
from pedigree.errors import InvalidConfig


class Training(Config):
    version: Literal[1] = 1
    steps: int
    rate: float = 0.01
    token: Secret[str] | None = None


def test_values_alone_become_the_model_and_plain_values_without_one(tmp_path: Path) -> None:
    """Break: hand out the values that the reader shares."""
    file = tmp_path / "values.yaml"
    file.write_text("steps: 3\ntoken: env:HUB\n")
    known = {"PEDIGREE_CONFIG": str(file), "HUB": "xyzzy"}
    found = config.current(Training, environment=known)
    assert (found.steps, found.rate, str(found.token)) == (3, 0.01, "env:HUB")
    assert found.token is not None
    assert found.token.get_secret_value(environment=known) == "xyzzy"
    assert config.current(environment=known) == {"steps": 3, "token": "env:HUB"}
    file.write_text("a: &one [1]\nb: *one\n")
    plain = config.current(environment=known)
    plain["a"].append(2)
    assert plain["b"] == [1]


def test_a_frozen_file_gives_what_was_frozen_in_its_environment(tmp_path: Path) -> None:
    """Break: read the frozen file as a file of values."""
    file = tmp_path / "frozen.json"
    text = "steps: 5\nrate: ${oc.decode:${oc.env:RATE}}\n"
    made = compose(name="a", sources=Sources([Files({"a.yaml": text})]), environment={"RATE": "0.5"})  # fmt: skip
    freeze(made, Training).write(file)
    known = {"PEDIGREE_CONFIG": str(file), "RATE": "0.5"}
    assert config.current(Training, environment=known).rate == 0.5
    assert config.current(environment=known)["rate"] == 0.5
    with pytest.raises(InvalidConfig, match="The environment is not the one"):
        config.current(Training, environment={**known, "RATE": "0.6"})


def test_a_wrong_value_is_told_with_its_line(tmp_path: Path) -> None:
    """Break: validate without the origins."""
    file = tmp_path / "values.yaml"
    file.write_text("rate: 0.1\nsteps: many\n")
    with pytest.raises(InvalidConfig, match=r"values\.yaml:2:8"):
        config.current(Training, environment={"PEDIGREE_CONFIG": str(file)})


def test_where_there_is_none_it_says_what_to_do(tmp_path: Path) -> None:
    """Break: let the error of opening the file be the message."""
    with pytest.raises(InvalidConfig, match="PEDIGREE_CONFIG is not set, and /pfs/.config.yaml is not there") as caught:
        config.current(environment={})
    assert "`config:`" in str(caught.value)
    missing = str(tmp_path / "nothing.yaml")
    with pytest.raises(InvalidConfig, match="PEDIGREE_CONFIG names .*nothing.yaml, which cannot be read: No such file"):
        config.current(Training, environment={"PEDIGREE_CONFIG": missing})


def test_the_name_is_the_function_however_it_was_imported_before() -> None:
    """Break: call the module `pedigree.config.current`; importing it puts the module in place of the function."""
    import pedigree.config.entry.current

    assert callable(config.current)
    assert config.current is pedigree.config.entry.current.current
