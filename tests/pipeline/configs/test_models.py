"""Steps whose configuration has a model."""

from __future__ import annotations

import sys

import pytest

from pedigree.errors import InvalidConfig
from pedigree.pipeline import configs, explain, pipelines, status
from tests.pipeline.configs.steps import notes, ran
from tests.pipeline.configs.typed import MAIN, MODEL, TYPED
from tests.pipeline.project import Project


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
