"""docs/guides/label-errors.md prints what it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs import typed


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_guide_prints_what_it_says(tmp_path: Path) -> None:
    """From wrong labels to a cleaned commit, with the accuracy before and after. Break: change a number of the page."""
    typed.check("docs/guides/label-errors.md", tmp_path, 19, variables={"OMP_NUM_THREADS": "1"})
