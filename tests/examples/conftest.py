"""While a test of this folder runs, the steps can be imported by their bare names."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.examples.steps import importable


@pytest.fixture(autouse=True, scope="module")
def _steps() -> Iterator[None]:
    with importable():
        yield
