"""docs/reference/cli.md says what the help texts say."""

from __future__ import annotations

from pathlib import Path

import pytest

from pedigree.cli import reference

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "cli.md"


def test_the_reference_page_is_what_the_help_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page in docs equals the one written from the help texts now. Break: change a word of any help text."""
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "88")
    assert PAGE.read_text() == reference.page(), (
        "write it anew: python -m pedigree.cli.reference > docs/reference/cli.md"
    )
