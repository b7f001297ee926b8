"""What is frozen, what runs again after which edit, and what says so."""

from __future__ import annotations

import json
import os

import pytest

from pedigree.pipeline import configs, engine, explain, jobs, lineage, pipelines, spouts, status
from pedigree.pipeline.planning import Surroundings
from pedigree.pipeline.process import Stop
from tests.pipeline.configs.steps import SPECS, notes, pedigree, ran
from tests.pipeline.project import Project


def test_a_step_reads_the_values_and_nothing_else(project: Project) -> None:
    """Break: write the frozen file itself into /pfs; the places of the values are then seen."""
    project.apply(SPECS)
    project.run()
    assert project.read("train@master:/seen") == "model:\n  depth: 4\n  width: 0.5\nrate: 0.001\nsteps: 300\n"
    assert project.read("evaluate@master:/seen") == "batch: 16\nmodel:\n  depth: 4\n  width: 0.5\n"


@pytest.mark.parametrize("level", ["auto", "rewriting"])
def test_every_datum_finds_its_configuration_at_every_level(project: Project, level: str) -> None:
    """One workplace after another is used again. Break: leave the file of the last datum where it is."""
    project.put("in", {name: name for name in "bcdef"})
    spec = SPECS.partition("---")[0].replace("glob: /", "glob: '/*'")
    project.write("main.py", "import os, yaml\nfound = open(os.environ['PEDIGREE_CONFIG']).read()\n"
        "assert found == open('/pfs/.config.yaml').read()\n"
        "for name in os.listdir('/pfs/in'):\n    open(f'/pfs/out/{name}', 'w').write(str(yaml.safe_load(found)['steps']))\n")  # fmt: skip
    project.apply(spec.replace("[cp, /pfs/.config.yaml, /pfs/out/seen]", "[python3, main.py]"))
    report = project.run(isolation=level, workers=2)
    assert report.ok, report.jobs[0].error
    assert [project.read(f"train@master:/{name}") for name in "abcdef"] == ["300"] * 6


def test_a_spout_has_its_configuration(project: Project) -> None:
    """Break: give the file in `_try` alone, which is of datums."""
    project.apply(
        "pipeline: {name: source}\nspout: {}\nconfig: {name: train}\ntransform: {cmd: [sh, -c, 'cp $PEDIGREE_CONFIG /pfs/out/seen']}\n"
    )
    pipeline = pipelines.get(project.store, "source").pipeline
    spouts.run(Surroundings(project.store), pipeline, stop=Stop(), on_event=project.events.append)
    assert "steps: 300" in project.read("source@master:/seen")
    head = project.store.head("source", "master")
    assert head is not None
    assert head.made_by["config"] == pipeline.config_digest


def test_what_changes_no_value_runs_nothing_again(project: Project) -> None:
    """A comment, keys in another order, a file of another name, a value that is written where it was inherited.

    Break: leave `frozen` in the digest of a pipeline.
    """
    project.apply(SPECS)
    assert ran(project) == ["evaluate", "train"]
    project.write("conf/model/unet.yaml", "# as in the paper\ndepth: 4\n\nwidth: 0.50   # half\n")
    os.rename(project.folder / "conf/model/unet.yaml", project.folder / "conf/model/small.yaml")
    for name in ("train", "evaluate"):
        path = project.folder / f"conf/{name}.yaml"
        path.write_text(path.read_text().replace("model: unet", "model: small"))
    assert [item.change for item in project.apply(SPECS)] == ["unchanged", "unchanged"]
    report = project.run()
    assert (report.state, notes(project)) == ("up to date", [])
    # An edit of the spec that comes to the same values is a new version, of which every datum is reused.
    changed = project.apply(SPECS.replace("['batch=16']", "[batch=8, batch=16]"))[1]
    assert (changed.change, changed.notes) == ("updated", ("config comes to the same values by another way",))
    assert ran(project) == []


def test_a_value_runs_exactly_what_holds_it_again_and_explain_names_its_line(project: Project) -> None:
    """Break: leave the configuration's digest out of identity.py."""
    project.apply(SPECS)
    project.run()
    project.write("conf/train.yaml", "# longer\ndefaults:\n  - model: unet\n  - _self_\nrate: 1e-3\nsteps: 500\n")
    applied = project.apply(SPECS)
    line = "config steps: 300 (conf/train.yaml:4:8) -> 500 (conf/train.yaml:6:8)"
    assert [(item.change, item.notes) for item in applied] == [("updated", (line,)), ("unchanged", ())]
    assert status.status(project.store)[1].reasons == (line,)
    assert explain.explain_pipeline(project.store, "train") == (line,)
    assert ran(project) == ["train"]
    assert [item.reason for item in explain.explain(project.store, "train")] == [f"ran: {line}"]
    assert jobs.get(project.store, "train").reasons == (line,)
    project.write("conf/model/unet.yaml", "width: 1.0\n")
    applied = project.apply(SPECS)
    assert [item.notes for item in applied] == [
        ("config model.depth: 4 (conf/model/unet.yaml:2:8) is gone", "config model.width: 0.5 -> 1.0 (conf/model/unet.yaml:1:8)")
    ] * 2  # fmt: skip
    assert ran(project) == ["evaluate", "train"]


def test_going_back_to_earlier_values_runs_nothing(project: Project) -> None:
    """Break: put the number of the version into the digest of the configuration."""
    project.apply(SPECS)
    project.run()
    text = (project.folder / "conf/train.yaml").read_text()
    project.write("conf/train.yaml", text.replace("300", "500"))
    project.apply(SPECS)
    assert ran(project) == ["train"]
    project.write("conf/train.yaml", text)
    project.apply(SPECS)
    assert ran(project) == []
    assert "steps: 300" in project.read("train@master:/seen")


def test_an_override_is_named_where_it_is_what_changed(project: Project) -> None:
    """Break: tell the place of the value that lost."""
    project.apply(SPECS)
    project.run()
    applied = project.apply(SPECS.replace("batch=16", "batch=32"))
    assert applied[1].notes == ("config batch: 16 (the override batch=16) -> 32 (the override batch=32)",)


def test_a_run_takes_what_was_applied_and_says_when_the_files_differ(project: Project) -> None:
    """Break: compose anew in the run, or say nothing."""
    project.apply(SPECS)
    project.run()
    project.write("conf/train.yaml", "defaults: [model: unet, _self_]\nrate: 1e-3\nsteps: 500\n")
    assert project.run().state == "up to date"
    said = (
        "conf/train.yaml changed since train was applied, and it has the configuration of then: `pedigree apply` takes the "
        "change over."
    )
    assert notes(project) == [said]
    assert [item.reasons for item in status.status(project.store)] == [(), (said,)]
    project.put("in", {"b": "two"})
    project.run()
    assert "steps: 300" in project.read("train@master:/seen")
    assert notes(project) == [said]
    assert said.partition(":")[0] in pedigree(project, "run", "--quiet").stderr
    project.write("conf/train.yaml", "defaults: [model: unet, _self_]\nrate: 1e-3\nsteps: 300 # as it was\n")
    project.run()
    assert notes(project) == []
    (project.folder / "conf/train.yaml").unlink()
    project.run()
    assert notes(project) == [said]


@pytest.mark.parametrize(
    ("search", "written", "new", "text"),
    [
        ("", "conf/train.yaml", "conf/local/mine.yaml", "steps: 7\n"),  # an optional one
        ("extra", "extra/local/mine.yaml", "conf/local/mine.yaml", "steps: 7\n"),  # one that is found first
        ("pkg://mine.conf", "src/mine/conf/local/mine.yaml", "src/mine/conf/local/mine.yaml", "steps: 7\n"),
    ],
)
def test_a_file_that_comes_into_being_or_is_in_a_package_is_an_edit_too(
    project: Project, search: str, written: str, new: str, text: str
) -> None:
    """Break: look at none but the files that were read, or not at those of packages."""
    project.write("src/mine/__init__.py", "")
    project.write(written, "steps: 3\n")
    project.write("conf/train.yaml", "defaults:\n  - optional local: mine\nrate: 1\n")
    spec = SPECS.partition("---")[0].replace(
        "{name: train}\ntransform", f"{{name: train, search: [{search}]}}\ntransform"
    )
    project.apply(spec)
    project.run()
    assert notes(project) == []
    project.write(new, text)
    assert project.run().state == "up to date"
    (said,) = notes(project)
    assert said.startswith(f"{new} changed since train was applied")
    project.apply(spec)
    assert ran(project) == ["train"]
    assert notes(project) == []


def test_a_commit_names_its_configuration_for_ever(project: Project) -> None:
    """Break: look the configuration up by the pipeline's name."""
    project.apply(SPECS)
    project.run()
    first = project.store.head("train", "master")
    assert first is not None
    project.write("conf/model/unet.yaml", "width: 1.0\ndepth: 4\n")
    project.apply(SPECS)
    project.run()
    frozen = configs.of_commit(project.store, first)
    assert frozen is not None
    assert first.made_by["config"] == frozen.digest
    assert frozen.values["model"] == {"width": 0.5, "depth": 4}
    assert frozen.origins["model"]["width"].text == "conf/model/unet.yaml:1:8"
    node = next(iter(lineage.lineage(project.store, f"train@{first.id}").nodes.values()))
    assert node.to_json()["config"] == frozen.digest
    text = configs.file_of_commit(project.store, first)
    assert text is not None
    assert json.loads(text)["digest"] == frozen.digest


def test_the_frozen_file_of_a_commit_can_be_had_and_asked(project: Project) -> None:
    """Break: print the registered pipeline's in place of the commit's."""
    project.apply(SPECS)
    project.run()
    project.write("conf/train.yaml", "steps: 500\n")
    project.apply(SPECS)
    project.write("frozen.json", pedigree(project, "inspect", "train@master", "--config").stdout)
    why = pedigree(project, "config", "why", "steps", "--frozen", "frozen.json").stdout
    assert "300" in why
    assert "conf/train.yaml:4:8" in why
    assert "conf/train (" in pedigree(project, "pipeline", "inspect", "train").stdout
    without = pedigree(project, "inspect", "in@master", "--config")
    assert (without.returncode, "without a configuration" in without.stderr) == (3, True)


def test_a_pipeline_without_a_configuration_is_as_it_was(project: Project) -> None:
    """Its step has no such file and no such variable, its commit names none. Break: give every step the variable."""
    project.apply(
        "pipeline: {name: p}\ninput: {pfs: {repo: in, glob: /}}\n"
        "transform: {cmd: [sh, -c, 'ls -A /pfs > /pfs/out/seen; env | grep -c PEDIGREE_ >> /pfs/out/seen || true']}\n"
    )
    project.run()
    assert project.read("p@master:/seen") == "in\nout\n0\n"
    head = project.store.head("p", "master")
    assert head is not None
    assert "config" not in head.made_by
    assert configs.of_commit(project.store, head) is None


def test_dry_runs_and_previews_compose_and_keep_nothing(project: Project) -> None:
    """Break: write the records of configurations before the dry run returns."""
    path = str(project.write("pipelines.yaml", SPECS))
    applied = pipelines.apply(project.store, [path], dry_run=True)
    assert applied[0].pipeline.config is not None
    assert len(applied[0].pipeline.config.digest) == 64
    assert len(engine.preview(project.store, path)) == 1
    assert list(project.store.records.keys(configs.CONFIG)) == []
