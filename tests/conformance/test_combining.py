"""Pachyderm's combinations of inputs (shared pachyderm-semantics, section 3), by cases and by laws."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pedigree.pipeline.datums import Datum
from pedigree.pipeline.model import CronInput, Input
from tests.conformance.plans import Repositories, combine, paths, pfs

TWO = Repositories(a=["1", "2", "3"], b=["2", "3", "4"], c=["3", "5"], none=[])


def key(repo: str, *, outer: bool = False) -> Input:
    return pfs(repo, "/(*)", join_on="$1", outer_join=outer)


def test_a_cross_has_every_combination_the_last_operand_changing_fastest() -> None:
    """Break: let the first operand change fastest."""
    found = paths(TWO.plan(combine("cross", pfs("a"), pfs("c"))))
    assert found == ["a:1 c:3", "a:1 c:5", "a:2 c:3", "a:2 c:5", "a:3 c:3", "a:3 c:5"]


@pytest.mark.parametrize("empty", ["none", "missing"])
def test_a_cross_with_an_empty_operand_has_no_datums(empty: str) -> None:
    """Break: leave empty operands out of the product."""
    assert TWO.plan(combine("cross", pfs("a"), pfs(empty))) == []


def test_a_union_is_its_operands_one_after_another() -> None:
    assert paths(TWO.plan(combine("union", pfs("a"), pfs("c")))) == ["a:1", "a:2", "a:3", "c:3", "c:5"]


def test_equal_datums_of_a_union_collapse_to_one() -> None:
    """Two globs that match one file make one datum of it. Break: concatenate without looking for seen ids."""
    found = TWO.plan(combine("union", pfs("a", "/1"), pfs("a", "/*")))
    assert sorted(paths(found)) == ["a:1", "a:2", "a:3"]


def test_equal_files_under_two_names_are_two_datums() -> None:
    """Break: leave the input's name out of the datum id."""
    assert len(TWO.plan(combine("union", pfs("a", name="x"), pfs("a", name="y")))) == 6


def test_an_inner_join_keeps_the_keys_that_every_operand_has() -> None:
    """Break: keep inputs without outer_join when an operand is missing."""
    found = paths(TWO.plan(combine("join", key("a"), key("b"))))
    assert sorted(found) == ["a:2 b:2", "a:3 b:3"]


def test_a_three_way_join_needs_all_three() -> None:
    assert paths(TWO.plan(combine("join", key("a"), key("b"), key("c")))) == ["a:3 b:3 c:3"]


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        (True, False, ["a:1", "a:2 b:2", "a:3 b:3"]),
        (False, True, ["a:2 b:2", "a:3 b:3", "b:4"]),
        (True, True, ["a:1", "a:2 b:2", "a:3 b:3", "b:4"]),
    ],
)
def test_an_outer_join_also_keeps_the_unmatched_inputs_of_its_outer_operands(
    left: bool, right: bool, expected: list[str]
) -> None:
    """Break: drop every key that is not in all operands."""
    found = paths(TWO.plan(combine("join", key("a", outer=left), key("b", outer=right))))
    assert sorted(found) == expected


def test_a_multiway_outer_join_combines_the_outer_operands_that_have_the_key() -> None:
    """Key 2 is in a and b only: both outer, so they meet without c. Break: one datum per outer input."""
    found = paths(TWO.plan(combine("join", key("a", outer=True), key("b", outer=True), key("c"))))
    assert sorted(found) == ["a:1", "a:2 b:2", "a:3 b:3 c:3", "b:4"]


def test_an_operand_whose_branch_has_no_commit_still_counts_as_an_operand() -> None:
    """Break: leave operands without a commit out of the join, which would turn inner into outer."""
    assert TWO.plan(combine("join", key("a"), key("missing"))) == []
    assert len(TWO.plan(combine("join", key("a", outer=True), key("missing")))) == 3


def test_files_of_one_key_in_one_operand_are_multiplied_not_merged() -> None:
    repos = Repositories(a=["x1", "x2", "y1"], b=["x9"])
    node = combine("join", pfs("a", "/(?)?", join_on="$1"), pfs("b", "/(?)?", join_on="$1"))
    assert sorted(paths(repos.plan(node))) == ["a:x1 b:x9", "a:x2 b:x9"]


def test_a_group_is_one_datum_per_key_with_all_its_files() -> None:
    """Break: product instead of concatenation."""
    repos = Repositories(a=["x1", "x2", "y1"], b=["x9", "z1"])
    node = combine("group", pfs("a", "/(?)?", group_by="$1"), pfs("b", "/(?)?", group_by="$1"))
    assert sorted(paths(repos.plan(node))) == ["a:x1 a:x2 b:x9", "a:y1", "b:z1"]


def test_a_capture_that_did_not_take_part_is_the_empty_key() -> None:
    """Break: turn an unmatched capture into the text None."""
    repos = Repositories(a=["k1.txt", "plain"])
    node = combine("group", pfs("a", "/@(k?(1).txt|plain)", group_by="$2"))
    keys = {item.path: item.group_by for datum in repos.plan(node) for item in datum.inputs}
    assert keys == {"k1.txt": "1", "plain": ""}


def test_a_join_of_a_group_by_other_keys_flattens_the_inner_datums() -> None:
    """A group of a join is keyed by each input's own group_by. Break: key the inner datum as a whole."""
    repos = Repositories(a=["x1", "y2"], b=["x1", "y2"])
    inner = combine(
        "join",
        pfs("a", "/(?)(?)", join_on="$2", group_by="$1"),
        pfs("b", "/(?)(?)", join_on="$2", group_by="all"),
    )
    found = sorted(sorted(text.split()) for text in paths(repos.plan(combine("group", inner))))
    assert found == [["a:x1"], ["a:y2"], ["b:x1", "b:y2"]]


def test_an_input_that_a_nested_cross_repeats_is_in_its_group_once() -> None:
    """Break: flatten the operands without looking for repeats."""
    found = TWO.plan(combine("group", combine("cross", pfs("a"), pfs("c"))))
    assert len(found) == 1
    assert sorted(paths(found)[0].split()) == ["a:1", "a:2", "a:3", "c:3", "c:5"]


def test_a_union_inside_a_cross_repeats_no_datum() -> None:
    node = combine("cross", combine("union", pfs("a", "/1"), pfs("a")), pfs("c"))
    assert len(TWO.plan(node)) == 6


def test_a_cron_is_one_datum_per_tick() -> None:
    repos = Repositories(p_t=["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"])
    found = repos.plan(CronInput(name="t", repo="p_t", spec="@daily"))
    assert paths(found) == ["t:2026-01-01T00:00:00Z", "t:2026-01-02T00:00:00Z"]


def test_a_pipeline_without_input_has_no_datums() -> None:
    assert TWO.plan(None) == []


NAMES = st.lists(st.sampled_from(["1", "2", "3", "k1", "k2", "deep/1", "deep/2"]), unique=True)


def ids(datums: list[Datum]) -> list[str]:
    return [datum.id for datum in datums]


@settings(max_examples=40, deadline=None)
@given(NAMES, NAMES, NAMES, st.tuples(st.booleans(), st.booleans(), st.booleans()))
def test_a_join_is_what_its_definition_says(
    a: list[str], b: list[str], c: list[str], outer: tuple[bool, bool, bool]
) -> None:
    """The oracle runs over all keys of all operands. Break: sort a key's operands by file count."""
    repos = Repositories(a=a, b=b, c=c)
    operands = [pfs(n, "/(*)", join_on="$1", outer_join=o) for n, o in zip("abc", outer, strict=True)]
    top = [sorted({path.partition("/")[0] for path in files}) for files in (a, b, c)]
    expected = set()
    for name in {name for files in top for name in files}:
        have = [name in files for files in top]
        kept = [place for place in range(3) if have[place] and (all(have) or outer[place])]
        if kept:
            expected.add(" ".join(f"{'abc'[place]}:{name}" for place in kept))
    assert set(paths(repos.plan(combine("join", *operands)))) == expected


@settings(max_examples=40, deadline=None)
@given(NAMES, NAMES)
def test_cross_counts_are_products_and_a_join_is_part_of_the_cross(a: list[str], b: list[str]) -> None:
    repos = Repositories(a=a, b=b)
    left, right = pfs("a", "/(*)", join_on="$1"), pfs("b", "/(*)", join_on="$1")
    crossed = repos.plan(combine("cross", left, right))
    assert len(crossed) == len(repos.plan(left)) * len(repos.plan(right))
    assert set(ids(repos.plan(combine("join", left, right)))) <= set(ids(crossed))
    expected = list(product(paths(repos.plan(left)), paths(repos.plan(right))))
    assert paths(crossed) == [" ".join(pair) for pair in expected]


@settings(max_examples=40, deadline=None)
@given(NAMES, NAMES)
def test_a_group_puts_every_match_into_exactly_one_datum(a: list[str], b: list[str]) -> None:
    """Break: drop the keys that only one operand has."""
    repos = Repositories(a=a, b=b)
    left, right = pfs("a", "/**(?)", group_by="$1"), pfs("b", "/**(?)", group_by="$1")
    grouped = [item for datum in repos.plan(combine("group", left, right)) for item in datum.inputs]
    single = [item for node in (left, right) for datum in repos.plan(node) for item in datum.inputs]
    assert sorted(grouped) == sorted(single)


@settings(max_examples=40, deadline=None)
@given(NAMES, NAMES, st.sampled_from(["cross", "union", "join", "group"]))
def test_the_order_of_operands_in_the_spec_changes_nothing(a: list[str], b: list[str], kind: str) -> None:
    """Ids and order are those of the operands sorted by name. Break: plan without `sorted_input`."""
    repos = Repositories(a=a, b=b)
    left = pfs("a", "/(*)", join_on="$1", group_by="$1")
    right = pfs("b", "/(*)", join_on="$1", group_by="$1")
    one = repos.plan(combine(kind, left, right))  # type: ignore[arg-type]  # a sampled literal
    other = repos.plan(combine(kind, right, left))  # type: ignore[arg-type]
    assert ids(one) == ids(other)


@settings(max_examples=20, deadline=None)
@given(NAMES)
def test_a_union_of_an_input_with_itself_is_the_input(a: list[str]) -> None:
    repos = Repositories(a=a)
    assert ids(repos.plan(combine("union", pfs("a"), pfs("a")))) == ids(repos.plan(pfs("a")))
