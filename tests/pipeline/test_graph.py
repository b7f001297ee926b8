"""Pipelines that do not fit together are refused before any is registered."""

from __future__ import annotations

import pytest

from pedigree.errors import InvalidSpec
from pedigree.pipeline.graph import check_graph, find_circle
from pedigree.pipeline.model import Combined, CronInput, PfsInput, Pipeline, Transform


def reads(name: str, *repos: str, cron: str = "") -> Pipeline:
    inputs: list[PfsInput | CronInput] = [PfsInput(repo, repo) for repo in repos]
    if cron:
        inputs.append(CronInput("tick", cron, "@daily"))
    return Pipeline(name, Transform(("true",)), Combined("cross", tuple(inputs)))


def test_pipelines_may_come_in_any_order_and_read_what_is_registered() -> None:
    check_graph([reads("c", "b"), reads("b", "a", "old"), reads("t", cron="t_tick")], [reads("old", "a")], ["a"])


def test_a_repository_that_nobody_makes_is_refused_with_the_nearest_name() -> None:
    """Break: look at the new pipelines' names only, or at none."""
    with pytest.raises(InvalidSpec, match="reads the repository 'imagse'") as caught:
        check_graph([reads("p", "imagse")], [], ["images"])
    assert "Did you mean 'images'?" in str(caught.value.remedy)


def test_two_new_pipelines_of_one_name_are_refused() -> None:
    """Break: build the dictionary of pipelines first, which keeps one in silence."""
    with pytest.raises(InvalidSpec, match="Two pipelines are named 'p'"):
        check_graph([reads("p", "a"), reads("p", "b")], [], ["a", "b"])


def test_a_circle_is_refused_even_through_registered_pipelines() -> None:
    """Updating `a` to read `c` closes a circle with two old ones. Break: check the new pipelines alone."""
    old = [reads("a", "in"), reads("b", "a"), reads("c", "b")]
    check_graph([reads("a", "in")], old, ["in"])
    with pytest.raises(InvalidSpec, match=r"in a circle: (a -> b -> c -> a|b -> c -> a -> b|c -> a -> b -> c)\."):
        check_graph([reads("a", "c")], old, ["in"])


def test_a_pipeline_may_not_write_where_a_cron_ticks() -> None:
    with pytest.raises(InvalidSpec, match="repository of the ticks of 'p'"):
        check_graph([reads("p", cron="p_tick"), reads("p_tick", "a")], [], ["a"])


def test_a_chain_of_thousands_is_no_circle_and_no_recursion() -> None:
    """Break: search by recursion."""
    chain = {f"p{n}": reads(f"p{n}", f"p{n + 1}") for n in range(3000)}
    assert find_circle(chain) == []
    chain["p3000"] = reads("p3000", "p2999")
    assert sorted(find_circle(chain)) == ["p2999", "p3000"]
