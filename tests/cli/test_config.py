"""`pedigree config`, each verb once as people type it, and what it says when something is wrong."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from pedigree.cli.completion import SCRIPTS_OF_CONFIG
from tests.cli.terminal import Project

MODEL = """
from typing import Literal
from pedigree import config

versions = config.Family("training")

@versions.version()
class OldTraining(config.Config):
    version: Literal[1] = 1
    model: dict[str, int]
    rate: float = 0.1

@versions.version(config.Rename("rate", "lr"))
class Training(config.Config):
    version: Literal[2] = 2
    model: dict[str, int]
    lr: float = 0.1
"""


@pytest.fixture
def conf(empty: Project) -> Project:
    empty.write("conf/config.yaml", "defaults: [{model: small}, _self_]\nversion: 2\nlr: 0.5  # of the paper\n")
    empty.write("conf/model/small.yaml", "width: 8\n")
    empty.write("conf/model/big.yaml", "width: 80\n")
    empty.write("models.py", MODEL)
    return empty


def test_show_composes_and_validates(conf: Project) -> None:
    """Break: print the raw tree."""
    assert conf("config", "show", "model=big").out == "model:\n  width: 80\nversion: 2\nlr: 0.5\n"
    shown = conf("config", "show", "--model", "models.py:Training", "--json")
    assert json.loads(shown.out) == {"model": {"width": 8}, "version": 2, "lr": 0.5}
    assert conf("config", "show", "--files", "model=big").out == "conf/model/big.yaml\nconf/config.yaml\n"
    typo = conf("config", "show", "modle=big", code=2)
    assert "Did you mean 'model'?" in typo.err
    wrong = conf("config", "show", "lr=fast", "--model", "models.py:Training", code=2)
    assert "lr: expected a number, got the text 'fast'" in wrong.err


def test_a_model_that_is_not_there_is_told_with_the_nearest(conf: Project) -> None:
    """Break: let AttributeError and ImportError pass."""
    assert "Did you mean 'Training'?" in conf("config", "show", "--model", "models.py:Trainin", code=2).err
    assert (
        "There is no file model.py to take a model from." in conf("config", "show", "--model", "model.py:X", code=2).err
    )
    assert "names no class" in conf("config", "show", "--model", "models", code=2).err
    conf.write("broken.py", "1/0\n")
    broken = conf("config", "show", "--model", "broken.py:X", code=2)
    assert "Importing broken.py failed: ZeroDivisionError" in broken.err


def test_why_answers_with_places(conf: Project) -> None:
    """Break: ask the composed tree of another option."""
    told = conf("config", "why", "model.width", "model=big").out
    assert told == "model.width = 80\n  set at conf/model/big.yaml:1:8\n         | width: 80\n"
    found = json.loads(conf("config", "why", "lr", "lr=3", "--json").out)
    assert found["lost"][0]["text"] == "conf/config.yaml:3:5"
    nothing = conf("config", "why", "model.widht", code=3)
    assert "did you mean model.width?" in nothing.out


def test_freeze_and_diff(conf: Project) -> None:
    """Break: give exit code 0 for a difference."""
    conf("config", "freeze", "-o", "a.json")
    conf("config", "freeze", "-o", "b.json", "lr=1")
    told = conf("config", "diff", "a.json", "b.json", "--exit-code", code=1)
    assert "- 0.5  (conf/config.yaml:3:5)" in told.out
    assert "+ 1  (the override lr=1)" in told.out
    conf("config", "diff", "a.json", "a.json", "--exit-code")
    assert "lr = 1\n  set by the override lr=1" in conf("config", "why", "lr", "--frozen", "b.json").out
    (conf.folder / "run").mkdir()
    conf("config", "freeze", "lr=3", "-o", "run/config.json")
    assert "lr = 3\n" in conf("config", "why", "lr", "--frozen", "run").out


def test_groups(conf: Project) -> None:
    """Break: leave the chosen option out."""
    assert json.loads(conf("config", "groups", "--json").out) == [
        {"group": "model", "option": "small", "options": ["big", "small"]}
    ]


def test_check_finds_what_no_run_has_met_yet(conf: Project) -> None:
    """Break: check the primary configuration alone."""
    good = conf("config", "check", "--model", "models.py:Training")
    assert good.out == "2 configurations of 3 files checked: nothing found.\n"
    conf.write("conf/model/odd.yaml", "width: wide\n")
    bad = conf("config", "check", "--model", "models.py:Training", code=2)
    assert bad.out.startswith("conf/model/odd.yaml:1:8: error: model.width: expected a whole number")
    assert "    Seen in: config model=odd\n" in bad.out
    assert json.loads(conf("config", "check", "--model", "models.py:Training", "--json", code=2).out)["ok"] is False


def test_schemas_for_editors(conf: Project) -> None:
    """Break: write the schemas and not the mapping."""
    told = conf("config", "schema", "--model", "models.py:Training", "--vscode", "--json")
    assert json.loads(told.out)["vscode"]["changed"]
    assert (conf.folder / ".schemas" / "_primary_.json").exists()
    assert "conf/*.yaml" in (conf.folder / ".vscode" / "settings.json").read_text()
    versions = json.loads(conf("config", "schema", "--model", "models.py:Training", "--versions").out)
    assert "OldTraining" in json.dumps(versions)


def test_migrate_keeps_comments_and_tells_first(conf: Project) -> None:
    """Break: write with --dry-run too."""
    path = conf.write("old.yaml", "version: 1  # the first\nmodel: {width: 3}\nrate: 0.5  # of the paper\n")
    look = conf("config", "migrate", "old.yaml", "--model", "models.py:Training", "--check", code=1)
    assert ("+lr: 0.5  # of the paper" in look.out, path.read_text()[:10]) == (True, "version: 1")
    conf("config", "migrate", "old.yaml", "--model", "models.py:Training")
    assert path.read_text() == "version: 2  # the first\nmodel: {width: 3}\nlr: 0.5  # of the paper\n"
    assert "## Version 2" in conf("config", "changelog", "models.py:Training").out
    none = conf("config", "changelog", "json:JSONDecoder", code=2)
    assert "json:JSONDecoder is no versioned model." in none.err


def test_overrides_complete(conf: Project) -> None:
    """Also those of a script, which is read and not run. Break: complete keys of the default options only."""
    conf.write("train.py", "from pedigree import config\n@config.main()\ndef train(c): ...\nraise SystemExit('ran')\n")
    assert conf("__complete", "config", "show", "model=").out.split() == ["model=big", "model=small"]
    assert conf("__complete", "config", "why", "model.").out.split() == ["model.width"]
    assert conf("__complete_script", "train.py", "model=big", "model.w").out.split() == ["model.width="]


def test_options_of_a_script_complete(conf: Project) -> None:
    """Break: complete nothing that begins with a dash."""
    conf.write("train.py", "from pedigree import config\n@config.main()\ndef train(c): ...\n")
    assert conf("__complete_script", "train.py", "--pri").out.split() == ["--print"]


@pytest.mark.parametrize(("word", "split"), [("model=", ["model", "="]), ("model=s", ["model", "=", "s"])])
def test_bash_completes_an_option_after_its_equals_sign(conf: Project, word: str, split: list[str]) -> None:
    """bash splits words at = and replaces only what follows. Break: offer `=small` where the cursor is behind the =."""
    conf.write("train.py", "from pedigree import config\n@config.main()\ndef train(c): ...\n")
    line = f"python train.py {word}"
    words = " ".join(f"'{one}'" for one in ("python", "train.py", *split))
    script = (
        f'pedigree() {{ {sys.executable} -m pedigree.cli.main "$@"; }}\n{SCRIPTS_OF_CONFIG["bash"]}\n'
        f"compopt() {{ :; }}\nCOMP_LINE='{line}'; COMP_POINT=${{#COMP_LINE}}\n"
        f"COMP_WORDS=({words}); COMP_CWORD={1 + len(split)}\n"
        "_pedigree_script\nprintf '%s\\n' \"${COMPREPLY[@]}\""
    )
    ran = subprocess.run(["bash", "--norc", "-c", script], cwd=conf.folder, capture_output=True, text=True, check=False)
    assert ran.stdout.split() == (["big", "small"] if word == "model=" else ["small"]), ran.stderr
