"""Configurations of pipelines, from the outside: what is frozen, what runs again after which edit, and what says so."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from pedigree.config.documents import read
from pedigree.errors import InvalidConfig, InvalidSpec
from pedigree.pipeline import configs, engine, events, explain, jobs, lineage, pipelines, spouts, status, valuefile
from pedigree.pipeline.planning import Surroundings
from pedigree.pipeline.process import Stop
from tests.pipeline.project import Project

#: Two steps with one group in common; each copies what it is given.
SPECS = """
pipeline: {name: train}
input: {pfs: {repo: in, glob: /}}
config: {name: train}
transform: {cmd: [cp, /pfs/.config.yaml, /pfs/out/seen]}
---
pipeline: {name: evaluate}
input: {pfs: {repo: in, glob: /}}
config: {name: evaluate, overrides: ['batch=16']}
transform: {cmd: [cp, /pfs/.config.yaml, /pfs/out/seen]}
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project(tmp_path)
    project.put("in", {"a": "one"})
    project.write("conf/train.yaml", "defaults:\n  - model: unet\n  - _self_\nsteps: 300\nrate: 1e-3\n")
    project.write("conf/evaluate.yaml", "defaults:\n  - model: unet\n  - _self_\nbatch: 8\n")
    project.write("conf/model/unet.yaml", "width: 0.5\ndepth: 4\n")
    return project


def ran(project: Project) -> list[str]:
    """The pipelines in which a datum ran."""
    return sorted(job.pipeline for job in project.run().jobs if job.processed)


def pedigree(project: Project, *words: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("pedigree")), *words]
    return subprocess.run(command, cwd=project.folder, capture_output=True, text=True)


def notes(project: Project) -> list[str]:
    return [event.text for event in project.events if isinstance(event, events.Note)]


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


# ---------------------------------------------------------------------------------------------------- models

MODEL = """
import pathlib
from typing import Literal
from pedigree.config.models import Config, Secret

pathlib.Path("imported").open("a").write("x")


class Training(Config):
    version: Literal[1] = 1
    steps: int
    warm: int = 10
"""

TYPED = """
pipeline: {name: train}
input: {pfs: {repo: in, glob: /}}
config: {name: typed, model: "settings.py:Training"}
transform: {cmd: [python3, main.py]}
"""

MAIN = """
from pedigree.config.entry.current import current
from typed import Training

found = current(Training)
open("/pfs/out/seen", "w").write(f"{type(found).__name__} {found.steps + found.warm} {current()}")
"""


@pytest.fixture
def typed(project: Project) -> Project:
    project.write("settings.py", MODEL)
    # The step's own: what it reads is checked in the sandbox, where the other's mark could not be left.
    project.write("typed.py", MODEL.replace('pathlib.Path("imported")', '# pathlib.Path("imported")'))
    project.write("main.py", MAIN)
    project.write("conf/typed.yaml", "steps: 3\n")
    return project


def imports(project: Project) -> int:
    return len((project.folder / "imported").read_text())


def test_a_step_has_its_configuration_as_a_model(typed: Project) -> None:
    """Break: freeze what was composed, before the defaults of the model are in."""
    typed.apply(TYPED)
    report = typed.run()
    assert report.ok, report.jobs[0].error
    assert typed.read("train@master:/seen") == "Training 13 {'steps': 3, 'version': 1, 'warm': 10}"


@pytest.mark.slow
def test_a_script_with_config_main_is_a_step_as_it_is(typed: Project) -> None:
    """It composes nothing there, and makes no folder of a run. Break: read the values as a frozen file."""
    typed.write("main.py", MAIN.partition("found")[0].replace("entry.current import current", "entry.main import main")
        + "@main(Training)\ndef train(found):\n    open('/pfs/out/seen', 'w').write(str(found.steps + found.warm))\n\ntrain()\n")  # fmt: skip
    typed.apply(TYPED)
    report = typed.run()
    assert report.ok, report.jobs[0].error
    assert typed.read("train@master:/seen") == "13"
    typed.apply(TYPED.replace("main.py]", "main.py, steps=4]"))
    report = typed.run()
    assert not report.ok
    assert "exit code 2" in str(report.jobs[0].error)


def test_an_override_sets_a_default_of_the_model_that_no_file_names(typed: Project) -> None:
    """And a run, which knows the model's keys no more, does not take the configuration for another. Break: compose
    without the keys of the model.
    """
    spec = TYPED.replace('"settings.py:Training"', '"settings.py:Training", overrides: [warm=20]')
    typed.apply(spec)
    typed.run()
    assert typed.read("train@master:/seen").startswith("Training 23")
    assert not [text for text in notes(typed) if "conf" in text]
    with pytest.raises(InvalidConfig, match="there is no key 'wram'"):
        typed.apply(spec.replace("warm=20", "wram=20"))


def test_only_applying_imports_the_model(typed: Project) -> None:
    """Reading, running, comparing and explaining what is stored runs no code of the user's outside of the sandbox.

    Break: freeze again in `drift`, with the model.
    """
    typed.apply(TYPED)
    assert imports(typed) == 1
    typed.run()
    typed.write("conf/typed.yaml", "steps: 4\n")
    typed.run()
    status.status(typed.store)
    explain.explain(typed.store, "train")
    head = typed.store.head("train", "master")
    assert head is not None
    configs.of_commit(typed.store, head)
    assert imports(typed) == 1
    typed.apply(TYPED)
    assert imports(typed) == 2
    assert "settings" not in sys.modules
    assert not (typed.folder / "__pycache__").exists()


def test_another_default_of_the_model_is_another_value(typed: Project) -> None:
    """And until it is applied, a run says that the model is another. Break: leave the code out of `drift`."""
    typed.apply(TYPED)
    typed.run()
    typed.write("settings.py", MODEL.replace("warm: int = 10", "warm: int = 20"))
    assert typed.run().state == "up to date"
    (said,) = notes(typed)
    assert said.startswith("settings.py changed since train was applied")
    applied = typed.apply(TYPED)
    assert applied[0].notes == ("config warm: 10 -> 20 (the default of Training.warm)",)
    assert ran(typed) == ["train"]


def test_a_default_that_goes_through_a_set_is_the_same_at_each_apply(typed: Project) -> None:
    """Break: leave PYTHONHASHSEED as it is."""
    letters = "tuple({*'abcdefghijklmnop'})"
    typed.write("settings.py", MODEL.replace("warm: int = 10", f"warm: tuple[str, ...] = {letters}"))
    assert [typed.apply(TYPED)[0].change for _ in range(4)] == ["created", "unchanged", "unchanged", "unchanged"]


@pytest.mark.parametrize("name", ["types", "yaml"])
def test_a_file_with_the_name_of_a_module_that_is_needed_is_refused(typed: Project, name: str) -> None:
    """By a word about its name, not by what breaks after it. Break: let it take the place of the other; or put the
    folders of the project on the path before our own imports."""
    typed.write(f"m/{name}.py", MODEL)
    with pytest.raises(InvalidConfig, match=f"m/{name}.py has the name of the module '{name}', which is another's."):
        typed.apply(TYPED.replace("settings.py", f"m/{name}.py"))


def test_a_class_of_a_package_is_found_from_the_root_of_the_code(typed: Project) -> None:
    """Break: put the folder of the spec on the path, and not the root."""
    typed.write("src/mine/__init__.py", "")
    typed.write("src/mine/settings.py", MODEL)
    spec = TYPED.replace("settings.py:Training", "mine.settings:Training").replace("main.py", "src/main.py")
    typed.write(
        "specs/pipelines.yaml",
        spec.replace("{name: typed,", "{directory: ../conf, name: typed,") + "code: {root: ..}\n",
    )
    (applied,) = pipelines.apply(typed.store, [str(typed.folder / "specs/pipelines.yaml")])
    assert applied.pipeline.config is not None
    frozen = configs.frozen(typed.store, applied.pipeline.config)
    assert (frozen.model, frozen.values["warm"]) == ("mine.settings:Training", 10)


# --------------------------------------------------------------------------------------------------- mistakes


def refused(project: Project, spec: str) -> InvalidConfig:
    before = [(item.pipeline, item.version) for item in pipelines.registered(project.store)]
    kept = list(project.store.records.keys(configs.CONFIG))
    with pytest.raises(InvalidConfig) as caught:
        project.apply(spec)
    assert [(item.pipeline, item.version) for item in pipelines.registered(project.store)] == before
    assert list(project.store.records.keys(configs.CONFIG)) == kept
    assert caught.value.exit_code == 2
    return caught.value


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        (
            "conf/typed.yaml",
            "steps: many\n",
            "steps: expected a whole number, got the text 'many'\n    conf/typed.yaml:1:8",
        ),
        ("conf/typed.yaml", "steps: 3\nwram: 3\n", "wram: unknown key; did you mean 'warm'?\n    conf/typed.yaml:2:7"),
        ("conf/typed.yaml", "steps: ???\n", "conf/typed.yaml:1:8"),
        ("conf/typed.yaml", "steps: 3\nsteps: 4\n", "conf/typed.yaml:2:1"),
        ("conf/typed.yaml", "defaults: [model: unett]\nsteps: 3\n", "unet"),
        ("settings.py", "Training = 3\n", "settings.py:Training is 3, and no class."),
        ("settings.py", "import nothing_here\n", "No module named 'nothing_here' (settings.py:1)."),
        ("settings.py", "raise SystemExit(3)\n", "Importing settings.py ended the program with 3."),
        ("settings.py", "class Trainings: ...\n", "settings.py has no class 'Training'."),
    ],
)
def test_what_is_wrong_is_told_with_its_place_and_nothing_changes(
    typed: Project, name: str, text: str, said: str
) -> None:
    """Break: register the pipelines before their configurations are frozen."""
    typed.apply(TYPED)
    typed.write(name, text)
    error = refused(typed, TYPED)
    assert said in str(error), str(error)
    assert str(error).startswith(f"{typed.folder}/pipelines.yaml:4: the config of train: ")
    assert error.remedy


def test_all_that_is_wrong_is_told_at_once(project: Project) -> None:
    """Break: raise at the first."""
    project.write("conf/train.yaml", "steps: ${nowhere}\n")
    project.write("conf/evaluate.yaml", "batch: [\n")
    text = str(refused(project, SPECS))
    assert "pipelines.yaml:4: the config of train: conf/train.yaml:1:8" in text
    assert "pipelines.yaml:9: the config of evaluate: conf/evaluate.yaml:" in text
    shared = refused(project, SPECS.replace("name: train, ", "").replace("{name: train}\ntransform", "{directory: nil}\ntransform").replace("{name: evaluate, overrides: ['batch=16']}", "{directory: nil}"))  # fmt: skip
    assert str(shared).count("nil") == 1


def test_the_command_line_says_it_in_two_lines_and_ends_with_2(project: Project) -> None:
    """Break: let the error of composing be a traceback."""
    project.apply(SPECS)
    project.write("conf/train.yaml", "defaults: [model: unett]\n")
    done = pedigree(project, "apply", "pipelines.yaml")
    assert done.returncode == 2
    assert "pipelines.yaml:4: the config of train: " in done.stderr
    assert "unet" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("config", "field", "said"),
    [
        ("{directory: /etc}", "config.directory", "relative to the folder of the spec"),
        ("{model: settings}", "config.model", "package.module:Class or path/to/file.py:Class, got 'settings'"),
        ("{name: ''}", "config.name", "config.name is empty"),
        ("{directry: conf}", "config.directry", "there is no field 'directry' in config"),
        ("{dialect: hydra-2}", "config.dialect", "must be hydra-1.3 or hydra-1.4"),
        ("conf", "config", "config must be a mapping"),
    ],
)
def test_a_spec_that_asks_for_no_configuration_that_could_be_is_refused(
    project: Project, config: str, field: str, said: str
) -> None:
    """Break: take whatever the field holds, as before there was this layer."""
    with pytest.raises(InvalidSpec, match="pipelines.yaml:4: ") as caught:
        project.apply(SPECS.replace("{name: train}\ntransform", f"{config}\ntransform"))
    assert said in str(caught.value)
    assert caught.value.objects["field"] == field


# ------------------------------------------------------------------------------------- environment and secrets


def test_a_configuration_sees_the_variables_of_its_step_and_no_others(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Break: compose with the environment of the process."""
    monkeypatch.setenv("PLACE", "of this machine")
    project.write("conf/train.yaml", "place: ${oc.env:PLACE}\nseed: ${oc.env:PEDIGREE_SEED,none}\n")
    spec = SPECS.partition("---")[0]
    error = refused(project, spec)
    assert "conf/train.yaml:1:8: place: the environment variable PLACE is not set." in str(error)
    assert (error.remedy or "").startswith("Add it to transform.env of the spec")
    project.apply(spec.replace("transform: {", "seed: 7\ntransform: {env: {PLACE: here}, "))
    project.run()
    assert project.read("train@master:/seen") == 'place: "here"\nseed: "7"\n'


SECRET = "xyzzy-5f3759df"
WITH_SECRET = """
pipeline: {name: train}
input: {pfs: {repo: in, glob: /}}
config: {name: secret, model: "settings.py:Fetching"}
transform:
  cmd: [python3, fetch.py]
  secrets: [{name: hub, key: token, env_var: HUB}]
"""
FETCHING = """
from pedigree.config.models import Config, Secret

class Fetching(Config):
    token: Secret[str]
    note: str = ""
"""
FETCH = """
import hashlib
from pedigree.config.entry.current import current
from settings import Fetching

token = current(Fetching).token
open("/pfs/out/seen", "w").write(f"{token} {hashlib.sha256(token.get_secret_value().encode()).hexdigest()}")
"""


@pytest.fixture
def secret(project: Project) -> Project:
    path = project.store.folder / "secrets/hub/token"
    path.parent.mkdir(parents=True)
    path.write_text(SECRET)
    path.chmod(0o600)
    project.write("settings.py", FETCHING)
    project.write("fetch.py", FETCH)
    return project


@pytest.mark.parametrize("reference", ["env:HUB", "${oc.env:HUB}"])
def test_a_secret_is_read_in_the_step_and_is_never_in_the_store(secret: Project, reference: str) -> None:
    """Break: give the step the values as they were composed."""
    import hashlib

    secret.write("conf/secret.yaml", f"token: {reference}\n")
    secret.apply(WITH_SECRET)
    report = secret.run()
    assert report.ok, report.jobs[0].error
    assert secret.read("train@master:/seen") == f"env:HUB {hashlib.sha256(SECRET.encode()).hexdigest()}"
    holders = [
        path.relative_to(secret.store.folder).as_posix()
        for path in secret.store.folder.rglob("*")
        if path.is_file() and SECRET.encode() in path.read_bytes()
    ]
    assert holders == ["secrets/hub/token"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("token: env:HUB\nnote: ${oc.env:HUB}\n", "conf/secret.yaml:2:7: note is read from HUB, a secret of the step"),
        (
            "token: env:HUB\nnote: Bearer ${oc.env:HUB}\n",
            "conf/secret.yaml:2:7: note is read from HUB, a secret of the step",
        ),
        (
            "token: env:OTHER\n",
            "conf/secret.yaml:1:8: token is a secret in the variable OTHER, which the step is not given.",
        ),
        ("token: swordfish\n", "token: a secret is not written down"),
    ],
)
def test_a_secret_that_would_be_stored_or_missing_is_refused(secret: Project, text: str, said: str) -> None:
    """Break: leave out either check of secrets in freezing.py."""
    secret.write("conf/secret.yaml", text)
    message = str(refused(secret, WITH_SECRET))
    assert said in message, message
    assert "swordfish" not in message
    without = WITH_SECRET.replace(', model: "settings.py:Fetching"', "")
    if "HUB}" in text:
        assert said in str(refused(secret, without))


# ------------------------------------------------------------------------------------------------ the values

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters(codec="utf-8"))
KEYS = st.text(st.characters(codec="utf-8"), max_size=6) | st.sampled_from(["no", "y", "1", "1e3", "null", "- a", "<<"])
TREES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=20
)


def same(one: Any, other: Any) -> bool:
    """Equal, and of the same types all through: 1 is not 1.0 and not True."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float):
        return math.copysign(1, one) == math.copysign(1, other) and one == other
    return bool(one == other)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(KEYS, TREES, max_size=5))
def test_every_reader_reads_the_values_that_were_written(values: dict[str, Any]) -> None:
    """PyYAML and our reader, whatever the texts look like. Break: write texts without quotes."""
    text = valuefile.text(values)
    assert same(yaml.safe_load(text), values)
    assert same(read(text.encode(), "x").values, values)
    assert valuefile.text(dict(reversed(values.items()))) == text


def test_dry_runs_and_previews_compose_and_keep_nothing(project: Project) -> None:
    """Break: write the records of configurations before the dry run returns."""
    path = str(project.write("pipelines.yaml", SPECS))
    applied = pipelines.apply(project.store, [path], dry_run=True)
    assert applied[0].pipeline.config is not None
    assert len(applied[0].pipeline.config.digest) == 64
    assert len(engine.preview(project.store, path)) == 1
    assert list(project.store.records.keys(configs.CONFIG)) == []
