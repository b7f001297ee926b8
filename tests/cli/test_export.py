"""`pedigree export` at the command line: what goes where, exit codes, completion."""

from __future__ import annotations

import json

from tests.cli.terminal import Project

SPEC = 'pipeline: {name: count}\ntransform: {cmd: [sh, -c, "ls /pfs/images/* > /pfs/out/n"]}\ninput: {pfs: {repo: images, glob: /}}\n'


def test_streams_files_and_exit_codes(project: Project) -> None:
    """The document on stdout and nothing else there; with -o what was written on stderr, or as JSON on stdout.

    Break: say "Wrote" on stdout.
    """
    project.write("specs.yaml", SPEC)
    project("apply", "specs.yaml")
    project("run", "-q")
    printed = project("export", "count@master", "--format", "cyclonedx")
    assert (printed.json["bomFormat"], printed.err) == ("CycloneDX", "")
    said = project("export", "count@master", "--format", "cyclonedx", "-o", "deep/bom.json")
    assert (project.folder / "deep/bom.json").read_text() == printed.out
    assert said.out == ""
    assert "Wrote deep/bom.json (cyclonedx" in said.err
    assert "There is no verdict on it: `pedigree verify count@" in said.err
    told = project("export", "images@master", "--all", "-o", "papers", "--json").json
    assert sorted(told["left_out"]) == ["openlineage", "slsa"]
    assert [one["format"] for one in told["written"]] == ["prov", "cyclonedx", "card-md", "card-html"]
    assert told["written"][0]["path"] == "papers/prov.json"
    assert "Export what a pipeline made" in project("export", "images@master", "--format", "slsa", code=3).err
    assert "--format takes slsa" in project("export", "count@master", code=2).err
    assert "Say where with -o" in project("export", "count@master", "--all", code=2).err
    project.write("notes.md", "## Limitatons\nnone\n")
    wrong = project("export", "count@master", "--format", "card-md", "--notes", "notes.md", code=2)
    assert "notes.md:1: a card has no section 'Limitatons'" in wrong.err
    project.write("taken", "")
    assert "Cannot write taken/x" in project("export", "count@master", "--format", "prov", "-o", "taken/x", code=6).err
    assert project("__complete", "export", "count@master", "--format", "card").lines == ["card-html", "card-md"]
    assert json.loads((project.folder / "papers/prov.json").read_text())["entity"]
