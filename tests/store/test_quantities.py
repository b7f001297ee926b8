"""Durations, sizes and cores as specs write them."""

from __future__ import annotations

import pytest

from pedigree.store.quantities import cores, duration_s, size_bytes


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("1.5h", 5400), ("2h45m", 9900), ("300ms", 0.3), ("1m30s", 90), (".5s", 0.5)],
)
def test_a_duration_is_the_sum_of_its_parts(text: str, seconds: float) -> None:
    """Break: read "ms" as minutes followed by seconds."""
    assert duration_s(text) == pytest.approx(seconds, rel=1e-12)


@pytest.mark.parametrize("text", ["", "5", "s", "5x", "5s ", "-5s", "0s", "5s5", "1h 5m"])
def test_a_text_that_is_no_duration_is_refused(text: str) -> None:
    """Break: search for parts instead of demanding that they fill the text."""
    with pytest.raises(ValueError, match="a duration above zero"):
        duration_s(text)


@pytest.mark.parametrize(
    ("value", "size"),
    [
        (1024, 1024),
        ("64Mi", 64 * 2**20),
        ("1G", 10**9),
        ("3M", 3 * 10**6),
        ("1.5k", 1500),
        ("1e3", 1000),
        ("0.3Ki", 308),
    ],
)
def test_sizes_are_binary_with_an_i_and_decimal_without(value: str | int, size: int) -> None:
    """Break: take M for 2**20."""
    assert size_bytes(value) == size


@pytest.mark.parametrize("value", ["", "Mi", "5 Mi", "5Xi", 0, -1, "nan", float("nan"), float("inf"), "1e99"])
def test_what_is_no_size_is_refused(value: str | float) -> None:
    with pytest.raises(ValueError, match="a size above zero"):
        size_bytes(value)


def test_cores_may_be_thousandths() -> None:
    """Break: read the m of "500m" as mega or as nothing."""
    assert (cores("500m"), cores(2), cores("0.5")) == (0.5, 2.0, 0.5)
    with pytest.raises(ValueError, match="cores above zero"):
        cores("2Mi")
