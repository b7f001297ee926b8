"""The format page: a stranger reads the store by it, and its tables are the store's."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import pedigree
from pedigree.store import Store, schema, trees
from pedigree.store.database import FORMAT

PAGE = Path(__file__).parents[2] / "docs" / "formats" / "store.md"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store with small and large objects, a tree of several nodes, links, odd names and provenance."""
    store = pedigree.init(tmp_path)
    store.create_repository("images")
    with store.commit("images", "two levels") as change:
        for number in range(600):
            change.write(f"many/{number}", b"%d" % number, executable=number % 7 == 0)
        change.write("large", b"x" * (1 << 20))
        change.link("a link", "many/1")
        change.write("naïve/日本語 🐈", b"")
    store.create_repository("out", kind="output")
    source = store.resolve("images").commit
    provenance = [{"name": "ïn", "repo": "images", "commit": source.id}]
    store.commit_output("out", "master", source.tree, provenance=provenance, made_by={"job": "ö", "n": 1}, run="a" * 32)
    return store


def reader(store: Store, folder: Path, repo: str) -> subprocess.CompletedProcess[str]:
    (program,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert "pedigree." not in program
    path = folder / "reader.py"
    path.write_text(program)
    command = [sys.executable, str(path), str(store.folder), repo, "master"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("repo", ["images", "out"])
def test_a_stranger_reads_a_commit_by_the_page_alone(store: Store, tmp_path: Path, repo: str) -> None:
    """Break: change the spelling of a seal, of an id or of a node."""
    done = reader(store, tmp_path, repo)
    assert done.stderr == ""
    tree = store.resolve(repo).commit.tree
    expected = [
        f"{entry.kind} {entry.size} {entry.digest} {path}" for path, entry in trees.scan(tree, store.objects.read)
    ]
    assert len(expected) == 603
    assert done.stdout.splitlines() == expected


def test_the_stranger_notices_a_changed_row(store: Store, tmp_path: Path) -> None:
    """Break: leave the checks out of the program on the page."""
    store.database.execute("UPDATE commits SET message = 'three levels' WHERE repo = 'images'")
    assert "a seal does not match" in reader(store, tmp_path, "images").stderr


def test_the_page_lists_the_tables_that_there_are() -> None:
    """Break: add a column without saying so on the page."""
    text = PAGE.read_text()
    assert f"Format number: {FORMAT} " in text
    for table, columns in schema.SEALED.items():
        assert f"| `{table}` | {', '.join(columns)} | sealed" in text
    for table in re.findall(r"CREATE TABLE (\w+)", schema.DDL):
        assert f"`{table}`" in text
