"""What can be asked after a run: status, explain, lineage in all its forms."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pedigree.errors import PathNotFound
from pedigree.pipeline import explain, jobs, lineage, status
from pedigree.pipeline.manifests import DIRECT, Manifest, PathIndex
from tests.pipeline.project import COPY, Project

CHAIN = (
    COPY
    + """
---
pipeline: {name: joined}
input: {pfs: {repo: copy, glob: /}}
transform: {cmd: [sh, -c, 'cat /pfs/copy/* > /pfs/out/all']}
"""
)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project(tmp_path)
    project.put("in", {"a": "one", "b": "two"})
    project.apply(CHAIN)
    project.run()
    return project


def test_status_says_what_is_out_of_date_and_why(project: Project) -> None:
    """Break: leave upstream pipelines out of account; `joined` is then called up to date."""
    assert [item.state for item in status.status(project.store)] == [status.UP_TO_DATE, status.UP_TO_DATE]
    project.put("in", {"a": "changed"})
    first, second = status.status(project.store)
    assert (first.name, first.state) == ("copy", status.OUT_OF_DATE)
    assert first.reasons[0].startswith("input in moved to ")
    assert (second.state, second.upstream) == (status.OUT_OF_DATE, ("copy",))


def test_status_waits_for_input_and_remembers_a_failure(tmp_path: Path) -> None:
    """Break: call every pipeline without a head "never run"."""
    project = Project(tmp_path)
    project.store.create_repository("in")
    project.apply(
        "pipeline: {name: p}\ninput: {pfs: {repo: in, glob: /}}\ntransform: {cmd: ['false']}\ndatum_tries: 1\n"
    )
    assert status.status(project.store)[0].state == status.WAITING
    project.put("in", {"a": "x"})
    assert status.status(project.store)[0].state == status.NEVER_RUN
    project.run()
    assert status.status(project.store)[0].state == status.FAILED


def test_explain_names_the_file_that_changed(project: Project) -> None:
    """Break: compare with the job itself instead of the one before."""
    project.put("in", {"a": "changed"})
    project.run()
    ran, reused = explain.explain(project.store, "copy")
    assert (ran.label, ran.state, ran.reason) == ("in:/a", jobs.PROCESSED, "ran: in:/a changed")
    assert (reused.label, reused.reason) == ("in:/b", "reused: nothing that it depends on changed")


def test_explain_shows_the_lines_of_code_that_changed(tmp_path: Path) -> None:
    """Break: keep only the digest of the code."""
    project = Project(tmp_path)
    project.put("in", {"a": "x"})
    project.write("main.py", "value = 1\nopen('/pfs/out/r', 'w').write(str(value))\n")
    project.apply("pipeline: {name: p}\ninput: {pfs: {repo: in, glob: /}}\ntransform: {cmd: [python3, main.py]}\n")
    project.run()
    project.write("main.py", "value = 2\nopen('/pfs/out/r', 'w').write(str(value))\n")
    project.run()
    (found,) = explain.explain(project.store, "p")
    (change,) = found.changes
    assert (change.part, change.detail) == ("code", "code main.py:1 changed")
    assert "-value = 1" in change.lines
    assert "+value = 2" in change.lines


def test_lineage_of_a_file_leads_to_exactly_the_files_that_it_was_made_from(project: Project) -> None:
    """Break: follow every datum of the job instead of those that wrote the file."""
    graph = lineage.lineage(project.store, "copy@master:/a")
    assert sorted(f"{node.repo}:/{node.path}" for node in graph.nodes.values()) == ["copy:/a", "in:/a"]
    graph = lineage.lineage(project.store, "joined@master:/all")
    found = {f"{node.repo}:/{node.path}" for node in graph.nodes.values()}
    assert {"joined:/all", "copy:/"} <= found


def test_lineage_downstream_finds_everything_made_of_a_file(project: Project) -> None:
    """Break: match the paths of inputs exactly, so that a folder input is missed."""
    graph = lineage.lineage(project.store, "in@master:/b", "down")
    assert {f"{node.repo}:/{node.path}" for node in graph.nodes.values()} == {"in:/b", "copy:/b", "joined:/all"}


def test_many_questions_to_a_manifest_have_the_answers_of_a_few(project: Project) -> None:
    """The index that answers many is of the same files as the datums themselves, folders and the root included.

    Break: leave the folders above a path, or the files below it, out of `PathIndex.overlapping`.
    """
    commit = project.store.resolve("joined@master").commit
    few, many = Manifest(project.store, commit.made_by["manifest"]), Manifest(project.store, commit.made_by["manifest"])
    asked = ["all", "", "nothing", "al"]
    for _ in range(DIRECT):
        list(many.writers("all"))
    assert [list(many.writers(path)) for path in asked] == [list(few.writers(path)) for path in asked]
    source = project.store.resolve("copy@master").commit.id
    assert [len(list(few.readers(source, path))) for path in ("a", "", "a/b")] == [1, 1, 1]
    assert list(few.readers("0" * 64, "a")) == []


@given(
    st.lists(st.lists(st.sampled_from(["a", "ab", "b"]), max_size=3).map("/".join)),
    st.lists(st.sampled_from(["a", "ab", "b"]), max_size=4),
)
def test_overlapping_paths_are_equal_above_or_below(paths: list[str], asked: list[str]) -> None:
    """Against a loop over all. Break: search for `path` instead of `path + "/"`, so that `ab` lies below `a`."""
    path = "/".join(asked)
    expected = [
        number for number, other in enumerate(paths) if _parts(other)[: len(asked)] == asked[: len(_parts(other))]
    ]
    assert PathIndex((other, number) for number, other in enumerate(paths)).overlapping(path) == expected


def _parts(path: str) -> list[str]:
    return path.split("/") if path else []


def test_lineage_of_a_path_that_is_not_there_is_an_error(project: Project) -> None:
    """Break: draw a node for whatever was asked."""
    with pytest.raises(PathNotFound, match="There is no /aa in copy@master"):
        lineage.lineage(project.store, "copy@master:/aa")


def test_lineage_of_a_commit_names_spec_code_and_environment(project: Project) -> None:
    """Break: leave `made_by` out of the nodes."""
    graph = lineage.lineage(project.store, "joined@master")
    assert [node.repo for node in graph.nodes.values()] == ["joined", "copy", "in"]
    value = graph.to_json()
    root = next(node for node in value["nodes"] if node["id"] == value["root"])
    assert {"spec", "code", "environment", "isolation", "command"} <= root.keys()
    assert json.loads(json.dumps(value)) == value
    text = graph.to_text(width=200)
    assert text.splitlines()[1].startswith("└── copy@")
    assert graph.to_dot().count("->") == 2


HOSTILE = "<img src=x onerror=alert(1)>@TEXT@</script>.txt"


def test_the_lineage_page_draws_every_node_in_a_real_browser(project: Project, tmp_path: Path) -> None:
    """Names from the store are text there: a file called like markup, or like a mark of our own, does not become an element.

    Break: put labels into the page with innerHTML; or fill the page's marks one after another; or break the
    script's syntax: then no card is drawn.
    """
    reference = _hostile(project)
    found = _in_browser(lineage.lineage(project.store, reference).to_html(), tmp_path)
    assert len(re.findall(r'<section class="card (?:put|made)', found)) == 2
    assert len(re.findall(r'<button class="file', found)) == 2
    assert "<img" not in found
    assert "Went into" in found
    assert found.count("├") + found.count("└") == 1  # the tree for readers without scripts, once


def test_choosing_a_file_on_the_page_leaves_what_it_is_connected_with(project: Project, tmp_path: Path) -> None:
    """Of two files one remains, in each card, and the lines to what has nothing to do with it fade.

    Break: follow edges in one direction only; or leave the rows of a card as they are.
    """
    commits = {name: project.store.resolve(name).commit for name in ("in", "copy", "joined")}
    nodes = [("in", "f007"), ("in", "f008"), ("copy", "f007"), ("copy", "f008"), ("joined", "all")]
    graph = lineage.Graph(f"joined@{commits['joined'].id}:/all", "up")
    for repo, path in nodes:
        identity = f"{repo}@{commits[repo].id}:/{path}"
        graph.nodes[identity] = lineage.Node(identity, "file", repo, commits[repo].id, "master", path)
    identities = list(graph.nodes)
    graph.edges = [
        lineage.Edge(identities[one], identities[other], "i") for one, other in ((0, 2), (1, 3), (2, 4), (3, 4))
    ]
    page = graph.to_html().replace("</body>", "<script>choose(2);</script></body>")
    found = _in_browser(page, tmp_path)
    assert re.findall(r'title="(f00\d|all)"', found) == ["f007", "f007", "all"]
    assert found.count("1 of 2 paths") == 2


def test_the_page_of_many_files_names_each_commit_once(project: Project) -> None:
    """Break: write what a commit names into each of its files; a page of 300 files was 700 kB."""
    page = lineage.lineage(project.store, "joined@master:/all").to_html()
    assert page.count(project.store.resolve("copy@master").commit.tree) == 1


WHOLE = """
pipeline: {name: whole}
input: {pfs: {repo: in, glob: '/*'}}
transform: {cmd: [sh, -c, 'for f in /pfs/in/*; do cp "$f" /pfs/out/; done']}
"""


def _hostile(project: Project) -> str:
    name = HOSTILE.replace("/", "")
    project.put("in", {name: "three"})
    project.apply(WHOLE, "whole.yaml")
    project.run()
    return f"whole@master:/{name}"


def _in_browser(page: str, folder: Path) -> str:
    """The document after its scripts have run."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        if os.environ.get("CI"):
            pytest.fail("chromium must be there in CI")
        pytest.skip("needs chromium")
    file = folder / "lineage.html"
    file.write_text(page)
    done = subprocess.run(
        [
            browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            f"--user-data-dir={folder / 'profile'}", "--dump-dom", file.as_uri(),
        ],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    return done.stdout
