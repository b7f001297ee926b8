"""`pedigree labels apply`: decisions become a commit, once, and not on labels that they are not about."""

from __future__ import annotations

import json
from typing import Any

from tests.cli.terminal import Project


def decide(project: Project, name: str, *items: dict[str, Any], place: str = "/labels.csv", who: str = "Ada") -> str:
    """Write a file of decisions about the pets as they are now."""
    found = project("inspect", f"pets@master:{place}", "--json").json
    head = {
        "kind": "label-decisions", "version": 1, "digest": found["digest"], "layout": "table", "samples": 120,
        "label_column": "label", "id_column": "id", "classes": ["cat", "dog", "eel"], "place": f"pets@master:{place}",
    }  # fmt: skip
    common = {"who": who, "when": "2026-11-27T10:00:00Z"}
    project.write(name, "".join(json.dumps(line) + "\n" for line in [head, *({**common, **item} for item in items)]))
    return name


def label(project: Project, row: int) -> str:
    return (project.folder / "labels.csv").read_text().splitlines()[row + 1].split(",")[1]


def other(given: str) -> str:
    return "dog" if given == "cat" else "cat"


def relabel(project: Project, row: int) -> dict[str, Any]:
    given = label(project, row)
    return {"id": f"s{row}", "given": given, "decision": "relabel", "labels": [other(given)], "why": "it\nbarks"}


def test_decisions_become_one_commit_that_says_who_and_why(labelled: Project) -> None:
    """One cell and one row differ; log, inspect and lineage tell it; again: no commit. Break: leave the message empty."""
    change = relabel(labelled, 3)
    drop = {"id": "s5", "given": label(labelled, 5), "decision": "drop", "who": "Bob"}
    keep = {"id": "s6", "given": label(labelled, 6), "decision": "keep"}
    name = decide(labelled, "d.jsonl", change, drop, keep)
    shown = labelled("labels", "apply", name, "pets@master", "--dry-run")
    assert [line.split()[:3] for line in shown.lines[1:]] == [
        ["s3", change["given"], change["labels"][0]],
        ["s5", drop["given"], "(goes)"],
    ]
    assert len(labelled("log", "pets", "--json").json) == 1
    done = labelled("labels", "apply", name, "pets@master", "--json").json
    lines = (labelled.folder / "labels.csv").read_text().splitlines(keepends=True)
    lines[4] = lines[4].replace(change["given"], change["labels"][0])
    assert labelled("cat", "pets:/labels.csv").out == "".join(line for line in lines if not line.startswith("s5,"))
    (kept,) = labelled("glob", "pets@master:/.decisions/*").lines
    assert labelled("cat", f"pets@master:{kept}").out.count("\n") == 4
    text = labelled("inspect", "pets@master").out
    assert "Applied 3 decisions about the labels in /labels.csv: 1 relabelled, 1 dropped, 1 left as labelled" in text
    assert f"s3: {change['given']} -> {change['labels'][0]} (Ada, 2026-11-27T10:00:00Z: it barks)" in text
    assert kept in text
    assert "Applied 3 decisions" in labelled("log", "pets").out
    assert "Applied 3 decisions" in labelled("lineage", "pets@master").out
    again = labelled("labels", "apply", name, "pets@master")
    assert "applied already" in again.err
    assert labelled("log", "pets", "--json").json[0]["id"] == done["commit"]["id"]
    assert len(labelled("log", "pets", "--json").json) == 2


def test_labels_that_changed_since_are_refused_and_named(labelled: Project) -> None:
    """--onto applies what still fits. Break: compare the digest alone and forget the given labels under --onto."""
    three, four = relabel(labelled, 3), relabel(labelled, 4)
    name = decide(labelled, "d.jsonl", three, four)
    text = (labelled.folder / "labels.csv").read_text()
    third = "eel" if three["given"] != "eel" else "dog"
    labelled.write("labels.csv", text.replace(f"s3,{three['given']},", f"s3,{third},"))
    labelled("put", "pets:/", "labels.csv")
    said = labelled("labels", "apply", name, "pets@master", code=4)
    assert f"1 of 2 decisions no longer fit: s3 (was {three['given']}, is {third})." in said.err
    assert "--onto" in said.err
    done = labelled("labels", "apply", name, "pets@master", "--onto", "--json").json
    assert ([item["id"] for item in done["changes"]], done["unfit"]) == (["s4"], ["s3"])
    assert f"s3,{third}," in labelled("cat", "pets:/labels.csv").out


def test_what_cannot_be_applied_is_one_message_and_no_commit(labelled: Project) -> None:
    """Unknown ids, unknown classes, twice-decided samples, reviewers who differ. Break: make a class of any label."""
    three = relabel(labelled, 3)
    for number, (item, code, words) in enumerate(
        (
            ({**three, "id": "s300"}, 3, "no sample 's300'"),
            ({**three, "labels": ["dgo"]}, 2, "Did you mean 'dog'"),
            ({**three, "given": "horse"}, 2, "says that it was labelled 'horse'"),
        )
    ):
        said = labelled("labels", "apply", decide(labelled, f"{number}.jsonl", item), "pets@master", code=code)
        assert words in said.err
    ada = decide(labelled, "ada.jsonl", three, {**three, "decision": "keep", "when": "2026-11-26T10:00:00Z"})
    assert "decides s3 more than once" in labelled("labels", "apply", ada, "pets@master", "--dry-run").err
    bob = decide(labelled, "bob.jsonl", {**three, "decision": "drop"}, who="Bob")
    said = labelled("labels", "apply", ada, bob, "pets@master", code=4)
    assert f"s3: {three['given']} -> {three['labels'][0]} (Ada), {three['given']} goes (Bob)" in said.err
    assert len(labelled("log", "pets", "--json").json) == 1
    labelled("labels", "apply", ada, bob, "pets@master", "--prefer", "Bob")
    assert "s3," not in labelled("cat", "pets:/labels.csv").out


def test_files_move_between_the_folders_of_their_classes(empty: Project) -> None:
    """No bytes are stored anew; a taken name tells the old class. Break: overwrite the file that is there."""
    for path in ("cat/1.txt", "cat/2.txt", "cat/3.txt", "dog/1.txt", "dog/a/1.txt"):
        empty.write(f"photos/{path}", f"picture {path}")
    empty.write("photos/readme.txt", "hello")
    empty("init")
    empty("put", "pets:/train", "photos")
    paths = sorted(["cat/1.txt", "cat/2.txt", "cat/3.txt", "dog/1.txt", "dog/a/1.txt"])
    from pedigree.labels.report import samples

    head = {
        "kind": "label-decisions", "version": 1, "digest": samples.folder_digest(paths), "layout": "folder",
        "classes": ["cat", "dog"], "place": "pets@master:/train",
    }  # fmt: skip
    items = [
        {"id": "cat/1.txt", "given": "cat", "decision": "relabel", "labels": ["dog"]},
        {"id": "cat/2.txt", "given": "cat", "decision": "drop"},
        {"id": "cat/3.txt", "given": "cat", "decision": "both", "labels": ["cat", "dog"]},
        {"id": "dog/a/1.txt", "given": "dog", "decision": "relabel", "labels": ["cat"]},
    ]
    empty.write("d.jsonl", "".join(json.dumps(line) + "\n" for line in [head, *items]))
    shown = empty("labels", "apply", "d.jsonl", "pets@master", "--both", "join", "--dry-run")
    assert "/train/cat/1.txt -> /train/dog/1-from-cat.txt" in shown.lines
    empty("labels", "apply", "d.jsonl", "pets@master", "--both", "join")
    files = {
        line: empty("cat", f"pets:{line}").out
        for line in empty("glob", "pets@master:/train/**").lines
        if line.endswith(".txt")
    }
    assert files == {
        "/train/cat/3.txt": "picture cat/3.txt",
        "/train/cat/a/1.txt": "picture dog/a/1.txt",
        "/train/dog/1-from-cat.txt": "picture cat/1.txt",
        "/train/dog/1.txt": "picture dog/1.txt",
        "/train/dog/3.txt": "picture cat/3.txt",
        "/train/readme.txt": "hello",
    }
    assert "applied already" in empty("labels", "apply", "d.jsonl", "pets@master", "--both", "join").err
    head["digest"] = samples.folder_digest(sorted(name[len("/train/") :] for name in files if name.count("/") > 2))
    bad = {"id": "dog/1.txt", "given": "dog", "decision": "relabel", "labels": ["../../etc"]}
    empty.write("bad.jsonl", json.dumps(head) + "\n" + json.dumps(bad))
    said = empty("labels", "apply", "bad.jsonl", "pets@master", "--new-class", "../../etc", code=2)
    assert "can be no folder" in said.err
