"""Mistakes in a configuration are told with their place before anything changes."""

from __future__ import annotations

import pytest

from pedigree.errors import InvalidSpec
from tests.pipeline.configs.steps import SPECS, pedigree, refused
from tests.pipeline.configs.typed import TYPED
from tests.pipeline.project import Project


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
