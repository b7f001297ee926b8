"""An Override as a value, and the cost of having the parser at hand."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pedigree.config import overrides
from pedigree.config.overrides import Operation, Quoted


def test_an_override_keeps_its_key_as_written_and_its_quotes_beside_the_plain_value() -> None:
    """Break: drop the package's dots; lose which strings were quoted."""
    override = overrides.parse("++a/b@c.d=['1',2]")
    assert (override.operation, override.key, override.package) == (Operation.FORCE_ADD, "a/b", "c.d")
    assert (override.value, override.written) == (["1", 2], [Quoted("1", "'"), 2])
    assert override.names_group is True
    assert overrides.parse("a.b=1").names_group is None
    assert overrides.parse("a.0.b=1").parts == ["a", "0", "b"]


@pytest.mark.parametrize(
    ("text", "refers"),
    [
        ("a=${b}", True),
        ("a='x${b.c}y'", True),
        ("a='\\${b}'", False),
        ("a='\\\\${b}'", True),
        ("a=b", False),
        ("a=[${b}]", False),
    ],
)
def test_a_string_that_refers_to_other_values_is_known(text: str, refers: bool) -> None:
    """Break: count an escaped `${` as a reference."""
    assert overrides.parse(text).is_interpolation is refers


def test_importing_the_parser_loads_nothing_heavy() -> None:
    """Break: import dataclasses, yaml or hydra."""
    code = "import sys; import pedigree.config.overrides; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {
        "hydra",
        "omegaconf",
        "yaml",
        "pydantic",
        "dataclasses",
        "inspect",
        "difflib",
        "decimal",
        "random",
    } & set(loaded)
