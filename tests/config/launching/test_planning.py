"""Laying out a sweep: names, frozen files, and nothing by halves."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pedigree.config import launching
from pedigree.config.launching import naming
from pedigree.errors import AlreadyExists, Damaged, InvalidConfig, NewerFormat, PathNotFound
from tests.config.launching.frozen import Frozen

WORK = launching.command(["true"])


def test_each_job_has_a_folder_with_its_frozen_file_named_for_what_sets_it_apart(tmp_path: Path) -> None:
    """Break: keep overrides in the name that all points share."""
    points = [Frozen([f"x={x}", "+opt=adam", f"db/server={x}"]) for x in range(3)]
    sweep = launching.plan(tmp_path / "s", points, WORK)
    assert list(sweep.jobs) == [f"{x:04d}-x={x},db_server={x}" for x in range(3)]
    for point, job in zip(points, sweep.jobs.values(), strict=True):
        written = json.loads(Path(sweep.folder(job.name).config).read_text())
        assert written["digest"] == point.digest == job.digest
        assert job.state == "pending"
    assert launching.open_sweep(tmp_path / "s") == sweep


@given(st.lists(st.lists(st.text(max_size=40), max_size=4), min_size=1, max_size=20))
@example([["x=" + "y" * 300], ["x=" + "Y" * 300]])
def test_names_are_safe_bounded_and_unique_for_any_overrides(points: list[list[str]]) -> None:
    """Break: leave out the number; do not cut; let a slash through."""
    names = naming.names(points)
    assert len({name.casefold() for name in names}) == len(points)
    for name in names:
        assert re.fullmatch(r"\d{4}[A-Za-z0-9._=,+-]*", name)
        assert len(name) <= naming.MAX_LENGTH


@pytest.mark.parametrize(
    ("override", "hidden"),
    [
        ("db.password=hunter2", True),
        ("+api_token='hunter2'", True),
        ("dbPassword=hunter2", True),
        ("aws.secret_access_key=hunter2", True),
        ("++openai.api_key=hunter2", True),
        ("db={host: a, password: hunter2}", True),
        ("db={'api_key':hunter2}", True),
        ("pin=hunter2", True),  # the model says so
        ("max_tokens=512", False),
        ("tokenizer=bpe", False),
        ("model.key=hunter", False),
        ("~x", False),
    ],
)
def test_secrets_are_in_no_name_and_no_manifest(override: str, hidden: bool, tmp_path: Path) -> None:
    """Break: mask by the key alone and not inside of a dict; take any key with `token` in it for one."""
    point = Frozen([])
    point.overrides = (override,)
    other = Frozen(["x=1"])
    sweep = launching.plan(tmp_path / "s", [point, other], WORK, hidden=lambda key: key == "pin")
    names, manifest = " ".join(sweep.jobs), (tmp_path / "s" / "sweep.json").read_text()
    assert ("hunter2" in names, "hunter2" in manifest) == (False, False)
    [job, _] = sweep.jobs.values()
    assert job.overrides == ((f"{override.partition('=')[0]}=***",) if hidden else (override,))


def test_a_plan_that_fails_leaves_nothing(tmp_path: Path) -> None:
    """Break: leave what was filled so far."""

    class Unwritable(Frozen):
        def write(self, path: Any) -> None:
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        launching.plan(tmp_path / "s", [Frozen(["x=1"]), Unwritable(["x=2"])], WORK)
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_planned_or_opened_is_said(tmp_path: Path) -> None:
    """Break: plan over what is there."""
    with pytest.raises(InvalidConfig, match="A sweep of no points has nothing to run."):
        launching.plan(tmp_path / "s", [], WORK)
    with pytest.raises(PathNotFound, match="There is no sweep in"):
        launching.open_sweep(tmp_path / "s")
    launching.plan(tmp_path / "s", [Frozen(["x=1"])], WORK)
    with pytest.raises(AlreadyExists, match="There is something at"):
        launching.plan(tmp_path / "s", [Frozen(["x=1"])], WORK)
    manifest = tmp_path / "s" / "sweep.json"
    manifest.write_text(manifest.read_text().replace('"version": 1', '"version": 2'))
    with pytest.raises(NewerFormat, match="has version 2; this version of Pedigree reads 1"):
        launching.open_sweep(tmp_path / "s")
    manifest.write_text("{}")
    with pytest.raises(Damaged, match="is no manifest of a sweep"):
        launching.open_sweep(tmp_path / "s")


def test_a_command_that_is_no_list_and_a_function_that_nobody_finds_are_refused() -> None:
    """Break: take a text for the list of its letters."""
    with pytest.raises(InvalidConfig, match="it must be a list of its words"):
        launching.command("python train.py")
    with pytest.raises(InvalidConfig, match="cannot have 0 ranks"):
        launching.command(["true"], ranks=0)
    with pytest.raises(InvalidConfig, match="cannot be found by another process"):
        launching.function(lambda path: path)


def test_a_name_has_few_digits_of_a_number_that_was_drawn() -> None:
    """A search named folders by sixteen digits of each key. Break: the override as it is."""
    drawn = ["lr=0.004947941348534067", "momentum=-1.5802663303341415e-05", "size=0.125", "id=v1.0000000"]
    assert naming.name(3, drawn) == "0003-lr=0.004948,momentum=-1.58e-05,size=0.125,id=v1.0000000"
