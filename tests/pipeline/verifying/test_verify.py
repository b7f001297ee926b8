"""Verify, on real steps in the real sandbox: what it finds, what it does not fall for, what it leaves."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

import pedigree
from pedigree.errors import Damaged, PathNotFound
from pedigree.pipeline import lineage
from pedigree.pipeline.verifying import verify
from pedigree.pipeline.verifying.verdict import DIFFERENT, IDENTICAL, UNPROVEN, Verdict
from pedigree.pipeline.verifying.verdicts import of
from pedigree.store import Store, fsck, gc, trees
from tests.cli.terminal import command, environment
from tests.pipeline.project import COPY, Project

CLOCK = """
pipeline: {name: clock}
input: {pfs: {repo: copy, glob: /*}}
transform:
  cmd: [sh]
  stdin: ['for f in /pfs/copy/*; do date +%s%N > /pfs/out/$(basename $f).time; echo same > /pfs/out/$(basename $f).kept; done']
"""

COUNT = """
pipeline: {name: count}
input: {pfs: {repo: clock, glob: /}}
transform: {cmd: [sh], stdin: ['cat /pfs/clock/*.time | wc -l > /pfs/out/n']}
"""

SEEDED = """
import json, os, random
random.seed(os.environ.get("PEDIGREE_SEED"))
name = sorted(os.listdir("/pfs/in"))[0]
json.dump({"name": name, "loss": [1, random.random()]}, open("/pfs/out/" + name + ".json", "w"))
"""

TRAIN = """
pipeline: {name: train}
input: {pfs: {repo: in, glob: /*}}
transform: {cmd: [python3, train.py]}
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


@pytest.fixture
def copied(project: Project) -> Project:
    project.put("in", {"a": "one", "b": "two"})
    project.apply(COPY)
    project.run()
    return project


def state(verdict: Verdict) -> tuple[str, int, int, int]:
    return verdict.state, verdict.identical, verdict.different, verdict.unproven


def test_what_is_made_again_the_same_is_identical_and_every_datum_really_ran(copied: Project) -> None:
    """Break: take the result of a datum from the cache; the events then tell of no start."""
    told: list[object] = []
    verdict = verify(copied.store, "copy@master", on_event=told.append)
    assert state(verdict) == (IDENTICAL, 2, 0, 0)
    assert verdict.ok
    assert sum(type(event).__name__ == "DatumStarted" for event in told) == 2
    assert (verdict.isolation, verdict.version, verdict.environment) == ("bubblewrap", pedigree.__version__, ())


def test_a_step_that_writes_the_time_is_different_and_the_verdict_names_datum_and_file(copied: Project) -> None:
    """Break: compare the sizes of files only; the times are all of one length."""
    copied.apply(CLOCK, "clock.yaml")
    copied.run()
    verdict = verify(copied.store, "clock@master")
    assert state(verdict) == (DIFFERENT, 0, 2, 0)
    first = verdict.findings[0]
    assert first.label in ("copy:/a", "copy:/b")
    (file,) = first.files
    assert file.path == f"{first.label[-1]}.time"
    stored = copied.read(f"clock@master:/{file.path}")
    assert (file.how, file.stored_bytes) == ("content", len(stored))
    assert file.first_byte is not None
    assert repr(stored.strip())[-5:] in file.excerpt[0]
    assert f"datum {first.datum[:12]} ({first.label}) different\n    /{file.path} differs" in verdict.to_text()


def test_an_unset_seed_is_found_and_a_set_one_passes(project: Project) -> None:
    """Break: give the step no PEDIGREE_SEED of the recorded spec, or say nothing of a spec without a seed."""
    project.put("in", {"a": "one"})
    project.write("train.py", SEEDED)
    project.apply(TRAIN + "seed: 7\n")
    project.run()
    assert verify(project.store, "train@master").ok
    project.apply(TRAIN)
    project.run()
    verdict = verify(project.store, "train@master")
    assert [(item.label, item.files[0].path) for item in verdict.findings] == [("in:/a", "a.json")]
    assert verdict.findings[0].files[0].excerpt[0].startswith("/loss/1: 0.")
    assert [(item.kind, item.places) for item in verdict.suspects] == [("seed", ("train.py:3",))]
    assert "sets no seed: train.py:3 reads PEDIGREE_SEED" in verdict.suspects[0].text


def test_edited_and_deleted_files_of_the_project_change_nothing(project: Project) -> None:
    """Break: take the code's files of now (`Surroundings.code`) instead of the commit's code tree."""
    project.put("in", {"a": "one"})
    script = project.write("train.py", SEEDED)
    project.apply(TRAIN + "seed: 7\n")
    project.run()
    script.write_text("raise SystemExit(1)")
    assert verify(project.store, "train@master").ok
    script.unlink()
    (project.folder / "pipelines.yaml").unlink()
    assert verify(project.store, "train@master").ok


def test_a_later_spec_and_later_inputs_do_not_matter_to_an_earlier_commit(copied: Project) -> None:
    """Break: plan with the registered pipeline, or with the heads of its input branches."""
    copied.put("in", {"a": "other", "c": "three"})
    copied.apply(COPY.replace("tr a-z A-Z", "rev"))
    copied.run()
    assert state(verify(copied.store, "copy@master^")) == (IDENTICAL, 2, 0, 0)
    assert state(verify(copied.store, "copy@master")) == (IDENTICAL, 3, 0, 0)


def test_upstream_goes_to_the_inputs_and_names_the_first_cause(copied: Project) -> None:
    """`count` itself comes out the same, since it only counts lines. Break: call the last commit the cause."""
    copied.apply(CLOCK, "clock.yaml")
    copied.apply(COUNT, "count.yaml")
    copied.run()
    assert verify(copied.store, "count@master").ok
    verdict = verify(copied.store, "count@master", upstream=True)
    assert [(item.repo, item.state) for item in (*verdict.upstream, verdict)] == [
        ("copy", IDENTICAL),
        ("clock", DIFFERENT),
        ("count", IDENTICAL),
    ]
    assert (verdict.overall, verdict.ok) == (DIFFERENT, False)
    assert verdict.cause is not None
    assert verdict.cause.repo == "clock"
    assert verdict.inputs == (f"in@{copied.store.head('in').id[:12]}",)  # type: ignore[union-attr]  # it has one
    assert f"the cause is upstream, in {verdict.cause.name}; {verdict.name} itself is identical" in verdict.to_text()
    assert of(copied.store, verdict.cause.commit)[0]["state"] == DIFFERENT


def test_upstream_of_a_path_takes_only_what_was_read_for_it(copied: Project) -> None:
    """Break: make every datum of an upstream commit again."""
    copied.apply(CLOCK, "clock.yaml")
    copied.run()
    verdict = verify(copied.store, "clock@master:/a.kept", upstream=True)
    assert [(item.repo, item.chosen, item.total) for item in (*verdict.upstream, verdict)] == [
        ("copy", 1, 2),
        ("clock", 1, 2),
    ]
    assert verdict.upstream[0].ok
    with pytest.raises(PathNotFound):
        verify(copied.store, "clock@master:/c.kept")


@pytest.mark.slow
def test_a_sample_is_a_function_of_its_seed_and_says_what_it_took(project: Project) -> None:
    """Break: leave the seed out of the choice; all samples are then the same."""
    project.put("in", {f"f{number:02}": "x" for number in range(40)})
    project.apply(COPY)
    project.run()
    one = verify(project.store, "copy@master", sample="5%")
    assert (one.state, one.chosen, one.total, len(one.datums)) == (IDENTICAL, 2, 40, 2)
    assert verify(project.store, "copy@master", sample="2").datums == one.datums
    assert verify(project.store, "copy@master", sample="2", seed=1).datums != one.datums
    assert "(of 40, sampled by 5% with seed 0)" in one.to_text()


def test_another_clone_of_the_project_verifies_from_the_store_alone(project: Project, tmp_path: Path) -> None:
    """Break: read the code from `store.project`, which has nothing there."""
    project.put("in", {"a": "one"})
    project.write("train.py", SEEDED)
    project.apply(TRAIN + "seed: 7\n")
    project.run()
    other = tmp_path / "other/clone"
    shutil.copytree(project.folder / ".pedigree", other / ".pedigree", symlinks=True)
    with pedigree.open(other) as store:
        assert verify(store, "train@master", upstream=True).ok


def test_a_step_is_told_what_it_was_told_by_the_job_that_computed_it(project: Project) -> None:
    """Also where a later commit reused the result. Break: give it the ids of the commit's own run."""
    project.put("in", {"a": "one"})
    project.apply(
        """
pipeline: {name: ids}
input: {pfs: {repo: in, glob: /*}}
transform:
  cmd: [sh]
  stdin: ['echo $PACH_JOB_ID $PACH_DATUM_ID $in_COMMIT $PPS_SPEC_COMMIT $FILESET_ID > /pfs/out/$(basename $in)']
"""
    )
    project.run()
    project.put("in", {"b": "two"})
    project.run()
    assert state(verify(project.store, "ids@master")) == (IDENTICAL, 2, 0, 0)
    first, second = project.read("ids@master:/a").split(), project.read("ids@master:/b").split()
    assert first[0] != second[0]
    assert first[2] != second[2]


def large(project: Project) -> str:
    """A pipeline that digests a file large enough to lie alone, which is linked unread; the object's digest."""
    project.put("in", {"a": "x" * (9 << 20)})
    project.apply(COPY.replace("tr a-z A-Z <", "sha256sum <"))
    project.run()
    entry = trees.get(project.store.resolve("in@master").commit.tree, "a", project.store.objects.read)
    assert entry is not None
    return entry.digest


def test_a_damaged_input_is_damage_and_no_difference(project: Project) -> None:
    """Other bytes under the old stamp reach the step. Break: leave `check_step` out; the verdict is then "different"."""
    path = Path(project.store.objects.alone_file(large(project)))
    stamp = path.stat()
    path.chmod(0o644)
    with path.open("r+b") as file:
        file.write(b"y")
    path.chmod(stamp.st_mode)
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    with pytest.raises(Damaged, match="damaged"):
        verify(project.store, "copy@master")
    assert of(project.store, project.store.resolve("copy@master").commit.id) == []


def test_a_damaged_stored_output_is_damage_although_the_step_makes_it_right(project: Project) -> None:
    """Break: compare digests only and never read the stored bytes."""
    project.put("in", {"a": "x" * (9 << 20)})
    project.apply(COPY)
    project.run()
    entry = trees.get(project.store.resolve("copy@master").commit.tree, "a", project.store.objects.read)
    assert entry is not None
    path = Path(project.store.objects.alone_file(entry.digest))
    path.chmod(0o644)
    with path.open("r+b") as file:
        file.write(b"y")
    with pytest.raises(Damaged):
        verify(project.store, "copy@master")


def rows(store: Store) -> dict[str, list[tuple[object, ...]]]:
    """The whole database but verdicts."""
    tables = [name for (name,) in store.database.rows("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return {
        table: list(store.database.rows(f"SELECT * FROM {table}" + " WHERE kind != 'verdict'" * (table == "records")))
        for table in tables
    }


def test_nothing_but_the_verdict_is_left_in_the_store(copied: Project) -> None:
    """Break: collect the outputs into a batch and publish it."""
    copied.apply(CLOCK, "clock.yaml")
    copied.run()
    before = rows(copied.store)
    verify(copied.store, "clock@master", upstream=True)
    assert rows(copied.store) == before
    assert list((copied.store.folder / "work").iterdir()) == [copied.store.folder / "work/lock"]
    assert fsck.check(copied.store) == []


def test_verdicts_add_up_are_shown_and_survive_gc_while_the_commit_keeps_its_id(copied: Project) -> None:
    """Break: replace the earlier verdict by the later one."""
    before = copied.store.resolve("copy@master").commit
    verify(copied.store, "copy@master")
    verify(copied.store, "copy@master:/a")
    gc.collect(copied.store)
    after = copied.store.resolve("copy@master").commit
    assert after == before
    found = of(copied.store, after.id)
    assert [(item["path"], item["identical"], item["state"]) for item in found] == [
        ("", 2, IDENTICAL),
        ("a", 1, IDENTICAL),
    ]
    assert found[0]["time"] < found[1]["time"]
    graph = lineage.lineage(copied.store, "copy@master")
    assert graph.nodes[graph.root].facts["verdict"].startswith("identical 2")
    assert ", identical 2" in graph.to_text()


def test_what_nothing_made_cannot_be_rebuilt(copied: Project) -> None:
    """Break: call a commit without datums identical."""
    verdict = verify(copied.store, "in@master")
    assert (verdict.state, verdict.ok) == (UNPROVEN, False)
    assert "Somebody put it in" in verdict.to_text()


@pytest.mark.parametrize(
    ("kind", "key", "sentence"),
    [
        ("spec", "spec", "Its spec .* is not in the store"),
        ("config", "", "Its frozen configuration .* is not in the store"),
    ],
)
def test_what_was_not_recorded_is_named_and_is_no_pass(project: Project, kind: str, key: str, sentence: str) -> None:
    """Break: take the registered pipeline where the spec of the commit is not there."""
    project.put("in", {"a": "one"})
    project.write("conf/config.yaml", "rate: 0.5\n")
    project.apply(COPY + "config: {}\n")
    project.run()
    assert verify(project.store, "copy@master").ok
    names = project.store.records.keys(kind)
    project.store.records.delete(kind, *names)
    verdict = verify(project.store, "copy@master")
    assert state(verdict) == (UNPROVEN, 0, 0, 0)
    assert re.search(sentence, verdict.reasons[0])


def test_network_and_secrets_are_no_proof_even_when_all_is_the_same(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their values are not recorded. Break: count such a datum as identical."""
    monkeypatch.setenv("PEDIGREE_SECRET_TOKEN_WORD", "hush")
    project.put("in", {"a": "one"})
    project.apply(COPY + "network: true\n")
    secret = COPY.replace("name: copy", "name: hushed") + "  secrets: [{name: token, key: word, env_var: TOKEN}]\n"
    project.apply(secret, "secret.yaml")
    project.run()
    verdict = verify(project.store, "copy@master")
    assert state(verdict) == (UNPROVEN, 0, 0, 1)
    assert "it came out the same, but its step has the network" in verdict.findings[0].reason
    assert "secrets (token), whose values are not recorded" in verify(project.store, "hushed@master").to_text()
    monkeypatch.delenv("PEDIGREE_SECRET_TOKEN_WORD")
    gone = verify(project.store, "hushed@master")
    assert state(gone) == (UNPROVEN, 0, 0, 1)
    assert "needs the secret token/word" in gone.findings[0].reason


def test_a_commit_that_holds_something_else_than_its_datums_wrote_is_different(copied: Project) -> None:
    """Every datum comes out the same. Break: leave `whole.check` out."""
    store, head = copied.store, copied.store.resolve("copy@master").commit
    with store.objects.batch() as batch:
        tree = trees.edit(head.tree, {"b": trees.Entry("f", 5, batch.add(b"false"))}, batch.reader(), batch.add)
        store.commit_output(
            "copy", "master", tree, provenance=head.provenance, made_by=head.made_by, run=head.run, batch=batch
        )
    for reference in ("copy@master", "copy@master:/b"):
        verdict = verify(store, reference)
        assert (verdict.state, verdict.different) == (DIFFERENT, 0)
        assert "the commit does not hold what its datums wrote" in verdict.findings[0].reason
        assert verdict.findings[0].files[0].path == "b"
    assert verify(store, "copy@master:/a").ok


def test_recovered_datums_are_made_again_too(project: Project) -> None:
    """Break: expect every datum of a commit to be processed."""
    project.put("in", {"a": "one"})
    project.apply(
        "pipeline: {name: never}\ninput: {pfs: {repo: in, glob: /*}}\ndatum_tries: 1\n"
        "transform: {cmd: [sh, -c, 'exit 3'], err_cmd: ['true']}\n"
    )
    assert project.run().jobs[0].recovered == 1
    assert state(verify(project.store, "never@master")) == (IDENTICAL, 1, 0, 0)


@pytest.mark.slow
def test_a_step_that_was_cut_off_is_no_difference(project: Project) -> None:
    """A timeout says how busy the machine is. Break: call every failure different."""
    project.put("in", {"a": "one"})
    slow = COPY.replace("for f", "sleep 3; for f") + "datum_tries: 1\n"
    project.apply(slow)
    assert project.run().ok
    head = project.store.resolve("copy@master").commit
    # The same commit, of a spec that gives the step less time: no part of an identity.
    (applied,) = project.apply(slow + "datum_timeout: 1s\n")
    job = next(iter(project.store.records.items("job")))
    project.store.records.put("job", job[0], {**job[1], "spec": applied.pipeline.digest})
    verdict = verify(project.store, f"copy@{head.id}")
    assert state(verdict) == (UNPROVEN, 0, 0, 1)
    assert "longer than its datum_timeout of 1 s" in verdict.findings[0].reason


def test_a_result_of_before_a_reprocess_is_compared_with_its_own_files(copied: Project) -> None:
    """Break: compare with the cached result of the identity, which the later run replaced."""
    copied.apply(CLOCK, "clock.yaml")
    copied.run()
    old = {name: copied.read(f"clock@master:/{name}") for name in ("a.time", "b.time")}
    copied.run(reprocess=True)
    verdict = verify(copied.store, "clock@master^")
    for finding in verdict.findings:
        assert repr(old[finding.files[0].path].strip())[-5:] in finding.files[0].excerpt[0]


@pytest.mark.slow
def test_killed_in_the_middle_it_leaves_a_sound_store_and_no_verdict(project: Project) -> None:
    """Break: keep the verdict of a datum as soon as it is known."""
    project.put("in", {"a": "one", "b": "two"})
    # `a` ends at once and `b` does not, so that the kill comes when one of the two is known.
    project.apply(COPY.replace("for f", "test ! -e /pfs/in/b || sleep 3; for f"))
    project.run()
    before = rows(project.store)
    project.store.close()
    for moment_s in (0.1, 1.5):
        started = subprocess.Popen(
            command("verify", "copy@master", "--jobs", "2"),
            cwd=project.folder,
            env=environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert started.stderr is not None
        started.stderr.readline()  # it says what it is about to do
        time.sleep(moment_s)
        started.send_signal(signal.SIGKILL)
        assert started.wait() == -signal.SIGKILL
        started.stderr.close()
    with pedigree.open(project.folder) as store:
        assert rows(store) == before
        assert of(store, store.resolve("copy@master").commit.id) == []
        assert fsck.check(store) == []
        assert verify(store, "copy@master").ok
        assert [path.name for path in (store.folder / "work").iterdir()] == ["lock"]


def test_a_verdict_is_json_with_its_findings(copied: Project) -> None:
    """Break: leave a dataclass inside."""
    copied.apply(CLOCK, "clock.yaml")
    copied.run()
    verdict = verify(copied.store, "clock@master", upstream=True)
    value = json.loads(json.dumps(verdict.to_json()))
    assert (value["overall"], value["cause"]) == (DIFFERENT, verdict.name)
    assert [item["repo"] for item in value["upstream"]] == ["copy"]
    assert value["findings"][0]["files"][0]["how"] == "content"
