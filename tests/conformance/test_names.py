"""Which input names a spec may use (shared pachyderm-semantics, section 3, last points)."""

from __future__ import annotations

import pytest

from pedigree.errors import InvalidSpec
from pedigree.pipeline import spec
from pedigree.pipeline.inputs import name_clash, sorted_input
from pedigree.pipeline.model import CronInput, Input, Pipeline
from tests.conformance.plans import combine, pfs


@pytest.mark.parametrize(
    ("node", "clash"),
    [
        (combine("cross", pfs("a"), pfs("a")), "a"),
        (combine("join", pfs("a"), pfs("b", name="a")), "a"),
        (combine("group", pfs("a"), pfs("a")), "a"),
        (combine("union", pfs("a"), pfs("a")), None),
        (combine("cross", pfs("b"), combine("union", pfs("a"), pfs("a"))), None),
        (combine("cross", pfs("a"), combine("union", pfs("a"), pfs("b"))), "a"),
        (combine("cross", combine("union", pfs("a"), pfs("b")), pfs("b")), "b"),
        (combine("union", combine("cross", pfs("a"), pfs("b")), combine("cross", pfs("a"), pfs("b"))), None),
        (combine("cross", pfs("a"), CronInput("a", "p_a", "@daily")), "a"),
        (pfs("a"), None),
    ],
)
def test_a_name_may_repeat_only_where_its_datums_never_meet(node: Input, clash: str | None) -> None:
    """Break: let operands of a union hide their names from what the union is crossed with."""
    assert name_clash(node) == clash


def test_operands_are_sorted_by_name_inside_out_and_stably() -> None:
    """A combination sorts by the name of its first leaf after sorting. Break: sort outer operands first."""
    node = combine("cross", combine("union", pfs("z"), pfs("b")), pfs("c"), pfs("a", name="c", branch="x"))
    expected = combine("cross", combine("union", pfs("b"), pfs("z")), pfs("c"), pfs("a", name="c", branch="x"))
    assert sorted_input(node) == expected


def read(pfs_fields: str) -> Pipeline:
    (found,) = spec.parse(f"pipeline: {{name: p}}\ntransform: {{cmd: [a]}}\ninput: {{pfs: {{glob: /, {pfs_fields}}}}}")
    return found


def test_the_name_of_an_input_is_its_repository_unless_given() -> None:
    assert [item.name for item in read("repo: r").leaves()] == ["r"]
    assert [item.name for item in read("repo: r, name: n").leaves()] == ["n"]


def test_a_repository_named_out_needs_a_name_of_its_own() -> None:
    """Break: check only names that were written."""
    with pytest.raises(InvalidSpec, match="no input may be named out"):
        read("repo: out")
    assert [item.name for item in read("repo: out, name: o").leaves()] == ["o"]


@pytest.mark.parametrize("name", ["a b", "a/b", "..", "é", "a.b"])
def test_a_name_is_letters_digits_underscore_and_hyphen(name: str) -> None:
    """Break: take any text; `..` would leave /pfs."""
    with pytest.raises(InvalidSpec, match="letters, digits, _ and -"):
        read(f"repo: r, name: '{name}'")
