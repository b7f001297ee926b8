"""What exports say is true of the commit, says nothing of secrets and machine, and is the same each time."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import uuid
from typing import Any

import pytest

from pedigree.errors import CommitClosed, CorruptObject, InvalidInput, NoProvenance, NotFound
from pedigree.pipeline.exporting import export, gathering, naming, slsa
from pedigree.pipeline.exporting.exports import FORMATS
from pedigree.pipeline.verifying import verdicts, verify
from tests.pipeline.exporting.conftest import CANARIES, NOTES, lines
from tests.pipeline.project import COPY, Project

pytestmark = pytest.mark.slow  # the project of conftest.py runs and verifies for some seconds


def exported(project: Project, place: str, kind: str, **options: Any) -> str:
    return export(project.store, place, [kind], **options).documents[0].data.decode()


def test_digests_are_those_of_the_files(project: Project, documents: dict[str, str]) -> None:
    """SHA-256 by hashlib over what `read` gives. Break: hash the digest instead of the bytes."""
    statement, _ = lines(documents["slsa"])
    for subject in statement["subject"]:
        data = project.read(f"model@master:/{subject['name']}").encode()
        assert subject["digest"]["sha256"] == hashlib.sha256(data).hexdigest()
    assert [one["name"] for one in statement["subject"]] == project.files("model@master")
    bill = json.loads(documents["cyclonedx"])
    hashes = {one["name"]: one["hashes"][0]["content"] for one in bill["metadata"]["component"]["components"]}
    assert hashes == {one["name"]: one["digest"]["sha256"] for one in statement["subject"]}


def test_no_secret_and_nothing_of_this_machine_is_in_any_format(project: Project, documents: dict[str, str]) -> None:
    """Not even of what the model was made from or what was made from it, nor where the command repeats a value.

    Break: write the spec's `env` as it is; write `overrides`; blot out nothing; write the author.
    """
    evaluated = {one.format: one.data.decode() for one in export(project.store, "evaluate@master").documents}
    host = socket.gethostname()
    own = [str(project.folder), os.path.expanduser("~") + "/", project.store.author()]
    for name, text in [*documents.items(), *evaluated.items()]:
        for place, secret in CANARIES.items():
            assert secret not in text, f"{place} is in {name}"
        for word in [*own, *([host] if len(host) > 5 else [])]:
            assert word not in text, f"{word} is in {name}"
    external = lines(documents["slsa"])[0]["predicate"]["buildDefinition"]["externalParameters"]
    assert external["spec"]["env"]["DATABASE"] == "(withheld)"
    assert external["spec"]["cmd"] == ["python3", "train.py", "--token", "(withheld)"]
    assert external["spec"]["config"] == {"model": "", "name": "train"}  # without overrides
    assert external["config"] == {
        "login": {"password": "(withheld)", "token": "(withheld)"},
        "max_tokens": 512,
        "rate": 0.5,
    }


def test_variables_and_authors_only_where_asked_for(project: Project) -> None:
    """And those named like a secret not even then. Break: let `variables` write all."""
    text = exported(project, "model@master", "slsa", variables=True)
    env = lines(text)[0]["predicate"]["buildDefinition"]["externalParameters"]["spec"]["env"]
    assert env == {"API_KEY": "(withheld)", "DATABASE": CANARIES["variable"], "MODE": "quick"}
    assert project.store.author() in exported(project, "model@master", "prov", authors=True)


def test_the_same_commit_gives_the_same_bytes(
    project: Project, documents: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the clock and the zone say. Break: put the time of writing into the bill."""
    monkeypatch.setattr("time.time", lambda: 5.0)
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    from pedigree.pipeline.exporting.notes import parse

    again = export(project.store, "model@master", notes=parse(NOTES))
    assert {one.format: one.data.decode() for one in again.documents} == documents


def test_provenance_names_seed_configuration_inputs_and_packages(project: Project, documents: dict[str, str]) -> None:
    """Break: leave what the inputs were made from out of the dependencies."""
    predicate = lines(documents["slsa"])[0]["predicate"]
    definition = predicate["buildDefinition"]
    assert definition["externalParameters"]["seed"] == 7
    commit, parts = (project.store.resolve(f"{repo}@master").commit for repo in ("model", "parts"))
    found = {one["name"]: one for one in definition["resolvedDependencies"]}
    assert found["input training"]["digest"] == {"pedigreeCommit": parts.id, "pedigreeTree": parts.tree}
    assert found["upstream"]["uri"].startswith("pedigree://photos@")
    assert found["code"]["digest"]["pedigreeCode"] == commit.made_by["code"]
    assert found["config"]["digest"]["pedigreeConfig"] == commit.made_by["config"]
    assert found["pydantic"]["uri"].startswith("pkg:pypi/pydantic@2")
    assert predicate["runDetails"]["metadata"]["finishedOn"] == naming.seconds(commit.finished or 0)


def test_events_start_and_complete_each_job_in_order_under_repeatable_ids(project: Project) -> None:
    """Break: random run ids; the jobs in the order of their names."""
    events = lines(exported(project, "evaluate@master", "openlineage"))
    told = [(one["eventType"], one["job"]["name"]) for one in events]
    assert told == [(kind, name) for name in ("parts", "model", "evaluate") for kind in ("START", "COMPLETE")]
    assert [one["eventTime"] for one in events] == sorted(one["eventTime"] for one in events)
    commit = project.store.resolve("model@master").commit
    space = uuid.uuid5(uuid.NAMESPACE_URL, "pkg:pypi/pedigree-ml")
    assert events[2]["run"]["runId"] == str(uuid.uuid5(space, f"job:{commit.run}/model"))
    (test,) = events[-1]["run"]["facets"]["test"]["tests"]
    assert (test["status"], test["expected"]) == ("skip", "1 datums identical")  # the model's secrets are not recorded
    columns = events[3]["outputs"][0]["facets"]["schema"]["fields"]
    assert columns == [{"fields": [{"name": "step"}, {"name": "loss"}], "name": "history.csv", "type": "table"}]


def test_the_result_of_a_verdict(project: Project) -> None:
    """PASSED for what is identical, WARNED for what cannot be rebuilt. Break: PASSED unless something is different."""
    good = lines(exported(project, "parts@master", "slsa"))[1]["predicate"]
    assert (good["result"], good["failedTests"], good["warnedTests"]) == ("PASSED", [], [])
    open_ = lines(exported(project, "evaluate@master", "slsa"))[1]["predicate"]
    assert open_["result"] == "WARNED"
    assert [one.split("@")[0] for one in open_["passedTests"]] == ["rebuild parts", "rebuild evaluate"]
    claim = json.loads(exported(project, "evaluate@master", "cyclonedx"))["declarations"]["claims"][0]
    assert "evidence" not in claim


def test_a_verdict_on_a_path_or_a_sample_claims_no_more(tmp_path: Any) -> None:
    """Its statement is about the files under the path; a sample never passes. Break: take all files as subjects."""
    project = Project(tmp_path)
    project.put("in", {"a": "a", "b": "b"})
    project.apply(COPY)
    project.run()
    assert len(lines(exported(project, "copy@master", "slsa"))) == 1  # no verdict, no statement of one
    verify(project.store, "copy@master:/a")
    statement = lines(exported(project, "copy@master", "slsa"))[1]
    assert [one["name"] for one in statement["subject"]] == ["a"]
    assert len(lines(exported(project, "copy@master:/b", "slsa"))) == 1
    verify(project.store, "copy@master", sample="1")
    assert lines(exported(project, "copy@master", "slsa"))[1]["predicate"]["result"] == "WARNED"
    assert "**sampled**" in exported(project, "copy@master", "card-md")
    commit = project.store.resolve("copy@master").commit.id
    worse = verdicts.of(project.store, commit)[-1] | {"state": "different", "overall": "different"}
    project.store.records.put(verdicts.VERDICT, commit, {"verdicts": [worse]})
    assert lines(exported(project, "copy@master", "slsa"))[1]["predicate"]["result"] == "FAILED"
    project.store.close()


def test_what_nobody_made_has_no_provenance_and_still_a_bill(project: Project) -> None:
    """Break: write a statement of provenance without a build."""
    for name in ("slsa", "openlineage"):
        with pytest.raises(NoProvenance, match=f"no provenance that {name} could tell. Somebody put it in") as caught:
            export(project.store, "photos@master", [name])
        assert "--down" in str(caught.value)
    done = export(project.store, "photos@master")
    assert set(done.left_out) == {"slsa", "openlineage"}
    assert [one.format for one in done.documents] == ["prov", "cyclonedx", "card-md", "card-html"]


def test_what_cannot_be_exported_says_why(project: Project, tmp_path: Any) -> None:
    """Break: export an open commit, or one without files, as if it were whole."""
    with pytest.raises(InvalidInput, match="no format 'spdx'"):
        export(project.store, "model@master", ["spdx"])
    with pytest.raises(NotFound, match="no /modle"):
        export(project.store, "model@master:/modle")
    other = Project(tmp_path)
    other.put("in", {"a": "a"})
    other.put("in", {"a": None})  # now it is empty
    opened = other.store.start_commit("in@master")
    with pytest.raises(CommitClosed, match="still open"):
        export(other.store, f"in@{opened.id}")
    other.store.discard_commit("in@master")
    with pytest.raises(InvalidInput, match="holds no files"):
        next(slsa.statements(gathering.gather(other.store, "in@master")))
    other.store.close()


def test_a_digest_is_never_stated_of_other_bytes(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Large objects are opened without reading them; here they are read. Break: do not compare with the object's name."""
    import io

    monkeypatch.setattr(project.store.objects, "open", lambda digest: io.BytesIO(b"other bytes"))
    with pytest.raises(CorruptObject, match="not what its name says"):
        gathering.gather(project.store, "parts@master")


def test_a_deleted_input_is_named(tmp_path: Any) -> None:
    """Break: leave what is gone out of the dependencies."""
    project = Project(tmp_path)
    project.put("in", {"a": "a"})
    project.apply(COPY)
    project.run()
    gone = project.store.resolve("in@master").commit.id
    real = project.store.commit_by_id
    from pedigree.errors import CommitNotFound

    def lost(identity: str) -> Any:
        if identity == gone:
            raise CommitNotFound("gone")
        return real(identity)

    project.store.commit_by_id = lost  # type: ignore[method-assign]  # a store never loses an input while its output is there
    done = export(project.store, "copy@master")
    assert done.provenance.gone == (naming.uri("in", gone),)
    for one in done.documents:
        if one.format in ("slsa", "openlineage", "prov", "card-md"):
            assert gone in one.data.decode(), one.format
    project.store.close()


def test_every_format_has_a_file_of_its_own() -> None:
    """Break: give two formats one name, so that `--all` loses one."""
    assert len({one.file for one in FORMATS.values()}) == len(FORMATS)
