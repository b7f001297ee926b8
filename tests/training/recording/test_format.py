"""The page on the format is enough to read a file of signals."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

from pedigree.training.recording import files
from pedigree.training.recording.tallies import FIELDS
from tests.training.recording.test_recorder import presentations, recorded

PAGE = Path(__file__).parents[3] / "docs" / "formats" / "signals.md"


def test_a_stranger_reads_the_file_with_the_page_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page's own code, the safetensors library and ours read the same numbers; every array is explained.

    Break: begin the arrays before the head's end; leave an array out of the page; write arrays in columns.
    """
    path = recorded(presentations()).save(tmp_path)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)
    with np.errstate(invalid="ignore"):
        exec(compile(code, PAGE.name, "exec"), names)  # noqa: S102  (the page of this repository)
    library = safetensors.numpy.load_file(path)
    head, ours = files.read(path)
    assert {*ours} == {*names["arrays"]} == {*library} == {*FIELDS, "mean_probabilities"}
    for name, array in ours.items():
        np.testing.assert_array_equal(array, names["arrays"][name])
        np.testing.assert_array_equal(array, library[name])
    assert head == names["facts"]
    explained = {
        word for row in PAGE.read_text().splitlines() if row.startswith("| `") for word in re.findall(r"`(\w+)`", row)
    }
    assert {*ours, *head, "history", "history_epochs"} <= explained
