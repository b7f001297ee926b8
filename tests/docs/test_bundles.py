"""docs/guides/bundles.md prints what it says, and the reader of docs/formats/bundle.md reads a bundle."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from pedigree.pipeline.bundling import bundle
from pedigree.store import trees
from tests.docs import typed
from tests.docs.typed import steady
from tests.pipeline.project import COPY, Project

DOCS = Path(__file__).parents[2] / "docs"


def same(text: str) -> str:
    """Sizes depend on how many packages there are; what is said on stderr comes when it comes."""
    text = re.sub(r"\d+\.\d kB", "SIZE", text)
    return "\n".join(sorted(steady(text).splitlines()))


@pytest.mark.slow
def test_the_guide_prints_what_it_says(tmp_path: Path) -> None:
    """Break: change a number on the page."""
    typed.check("docs/guides/bundles.md", tmp_path, 11, same=same)


@pytest.mark.slow
def test_a_stranger_reads_a_bundle_with_the_program_of_the_format_page(tmp_path: Path) -> None:
    """Its sums, ids and objects agree, and it prints what the tree holds."""
    project = Project(tmp_path / "project")
    project.put("in", {f"{number}": f"{number}\n" * 100 for number in range(20)} | {"large": "x" * 2_000_000})
    project.apply(COPY)
    project.run()
    bundle(project.store, "copy@master", tmp_path / "x.bundle")
    (program,) = re.findall(r"```python\n(.*?)```", (DOCS / "formats/bundle.md").read_text(), flags=re.DOTALL)
    (tmp_path / "reader.py").write_text(program)
    done = subprocess.run(
        [sys.executable, "reader.py", "x.bundle"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    tree = project.store.resolve("copy@master").commit.tree
    expected = [
        f"{entry.kind} {entry.size} {entry.digest} {path}"
        for path, entry in trees.scan(tree, project.store.objects.read)
    ]
    assert done.stdout.splitlines() == expected
