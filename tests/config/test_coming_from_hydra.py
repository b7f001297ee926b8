"""docs/guides/coming-from-hydra.md is true: Hydra is asked, and we are."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pedigree import config
from pedigree.errors import InvalidInput
from tests.config import pages
from tests.config.composing.oracle import Both, Refused, write

PAGE = pages.DOCS / "guides" / "coming-from-hydra.md"


def rows(section: str) -> list[str]:
    """The first cell of each row of the table in a section."""
    text = PAGE.read_text().partition(f"## {section}\n")[2].partition("\n## ")[0]
    cells = [line.split("|")[1].strip() for line in text.splitlines() if line.startswith("| ")]
    return [cell for cell in cells if cell not in ("there", "what")]


def test_the_scripts_of_the_page_print_what_stands_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Break: change one value on the page."""
    monkeypatch.chdir(tmp_path)
    assert pages.run("guides/coming-from-hydra.md", tmp_path) == 6


# Composing

FILES = {
    "config.yaml": "defaults: [{db: mysql}, _self_]\nlr: 0.1\nn: null\nm: 1\ntags: [a]\n",
    "db/mysql.yaml": "host: h\n",
    "db/pg.yaml": "host: p\n",
    "twice.yaml": "a: 1\na: 2\n",
    "lists.yaml": "defaults: [{db: [mysql, pg]}]\n",
    "refs.yaml": "d: {a: 1}\nref: ${d}\nbad: ${nope}\nflag: true\nlist: [1, 2]\n",
    "numbers.yaml": "deep: {1: a}\n",
    "sub/primary.yaml": "z: 1\n",
    "grp/n.yaml": "q: 1\n",
    "launcher.yaml": "defaults: [_self_, {override hydra/launcher: nosuch}]\na: 1\n",
    "keys.yaml": "a: {1: x, true: y}\n",
    "binary.yaml": "a: !!binary aGk=\n",
    "merge.yaml": "a: &a {x: 1}\nb: &b {y: 2}\nc: {<<: [*a, *b]}\n",
    "made.yaml": "tags: [a]\nlength: ${len:${tags}}\ntwice: ${expr:'2 * length'}\n",
}
REFUSED = object()
COMPOSES = object()

#: By the first cell: configuration, overrides, what Hydra does, what we do, each REFUSED, COMPOSES or (key, value).
COMPOSING: dict[str, tuple[str, list[str], Any, Any]] = {
    "a value that is still `???`": ("config", ["m=???"], ("m", "???"), REFUSED),
    "an interpolation that leads nowhere, a variable that is not set": ("config", ["m=${nope}"], COMPOSES, REFUSED),
    "`~key` where the value is null": ("config", ["~n"], REFUSED, COMPOSES),
    "`++group=option`": ("config", ["++db=pg"], REFUSED, REFUSED),
    "`group@group=option`, the group's own package spelt out": (
        "config",
        ["db@db=pg"],
        REFUSED,
        ("db", {"host": "p"}),
    ),
    "`hydra/launcher=joblib` without that plugin, `hydra.nosuch=1`": (
        "config",
        ["hydra.nosuch=1", "hydra/launcher=no_such"],
        REFUSED,
        COMPOSES,
    ),
    "`tags=append(x)`": ("config", ["tags=append(x)"], REFUSED, ("tags", ["a", "x"])),
    "two equal keys in one mapping": ("twice", [], REFUSED, REFUSED),
    "`${len:${list}}`, `${expr:'2 * a'}`": (
        "made",
        [],
        COMPOSES,
        ("twice", 2),
    ),
}


CORNERS: dict[str, tuple[str, list[str], Any, Any]] = {
    "`~list.0`": ("refs", ["~list.0"], REFUSED, ("list", [2])),
    "`db=null`": ("config", ["db=null"], REFUSED, COMPOSES),
    "`~db` where its option is a list": ("lists", ["~db"], REFUSED, COMPOSES),
    "`~key` where the value is an interpolation that leads nowhere": ("refs", ["~bad"], REFUSED, COMPOSES),
    "`deep.1=x` where 1 is a number": ("numbers", ["deep.1=x"], REFUSED, ("deep", {1: "x"})),
    "`+group=option` from a primary configuration in a folder": ("sub/primary", ["+grp=n"], REFUSED, COMPOSES),
    "`+hydra=x`, `override hydra/launcher: nosuch`": ("launcher", [], REFUSED, ("a", 1)),
    "`hydra.searchpath=null`": ("config", ["hydra.searchpath=null"], REFUSED, COMPOSES),
    "a mapping with the keys 1 and true": ("keys", [], ("a", {1: "y"}), REFUSED),
    "`!!binary` and other tags": ("binary", [], ("a", b"hi"), REFUSED),
    "`+group/x=y` where there is no such group": ("config", ["+group/x=y"], ("group/x", "y"), REFUSED),
    "`~key=1` where the value is true": ("refs", ["~flag=1"], COMPOSES, REFUSED),
    "`~ref.a` where `ref` is `${d}`": ("refs", ["~ref.a"], ("d", {}), REFUSED),
    "`<<: [*a, *b]`": ("merge", [], ("c", {"x": 1, "y": 2}), ("c", {"y": 2, "x": 1})),
}


def _outcome(found: Any) -> Any:
    return REFUSED if isinstance(found, Refused) else COMPOSES


@pytest.mark.parametrize("row", [*COMPOSING, *CORNERS])
def test_what_composes_otherwise(row: str, tmp_path: Path) -> None:
    """Break: any row the other way round."""
    name, given, theirs, ours = (COMPOSING | CORNERS)[row]
    both = Both(write(tmp_path, FILES))
    hydra = both.hydra(given, name)
    try:
        mine: Any = config.compose(tmp_path, name, given, environment={}, resolved=row in COMPOSING).values
    except InvalidInput as error:
        mine = Refused(error)
    for found, expected in ((hydra, theirs), (mine, ours)):
        if isinstance(expected, tuple):
            assert repr(found[expected[0]]) == repr(expected[1])  # the order of keys counts
        else:
            assert _outcome(found) is expected, found


def test_an_unknown_key_with_a_model_is_refused(tmp_path: Path) -> None:
    """Break: a model that takes any key."""

    class Settings(config.Config):
        lr: float

    write(tmp_path, {"config.yaml": "lr: 1\n"})
    assert Both(tmp_path).hydra(["+modle=vit"]) == {"lr": 1, "modle": "vit"}
    with pytest.raises(InvalidInput, match="modle: unknown key"):
        config.freeze(config.compose(tmp_path, overrides=["+modle=vit"]), Settings)


def test_hydra_resolves_nothing_of_ours_and_each_row_has_a_case(tmp_path: Path) -> None:
    """`${len:…}` composes in Hydra and fails where it is read. Break: a row of the page without a case here."""
    both = Both(write(tmp_path, FILES))
    assert isinstance(both.hydra([], "made", resolve=True), Refused)
    assert isinstance(both.hydra(["m=${nope}"], resolve=True), Refused)
    known = [*COMPOSING, "an unknown key with a model, `+modle=vit` too"]
    assert rows("What composes otherwise") == [*known, *CORNERS]


# The command line

HYDRA = """\
import hydra
@hydra.main(version_base="1.3", config_path="conf", config_name="config")
def train(cfg):
    print("ran", cfg.lr)
train()
"""
OURS = """\
from pedigree import config
@config.main()
def train(cfg):
    print("ran", cfg["lr"])
train()
"""


@pytest.fixture
def both_scripts(tmp_path: Path) -> Path:
    return write(
        tmp_path,
        {
            **{f"conf/{name}": text for name, text in FILES.items()},
            "conf/other.yaml": "lr: 7\n",
            "extra/db/new.yaml": "host: new\n",
            "sub/config.yaml": "lr: 8\n",
            "there.py": HYDRA,
            "here.py": OURS,
        },
    )


def ran(script: Path, *words: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, script.name, *words], cwd=script.parent, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def _same(*words: str, prints: str = "ran") -> Callable[[Path], None]:
    def check(folder: Path) -> None:
        for script in ("there.py", "here.py"):
            code, text = ran(folder / script, *words)
            assert code == 0, text
            assert prints in text

    return check


def _multirun(folder: Path) -> None:
    assert ran(folder / "there.py", "lr=1", "-m", "m=1,2")[0] != 0
    code, text = ran(folder / "here.py", "lr=1", "-m", "m=1,2")
    assert code == 0
    assert "2 done" in text


def _answered(word: str, *said: str) -> Callable[[Path], None]:
    def check(folder: Path) -> None:
        code, text = ran(folder / "here.py", *word.split())
        assert code == 2
        for one in said:
            assert one in text

    return check


def _printed(folder: Path) -> None:
    _same("--cfg", "job", "--resolve", prints="lr: 0.1")(folder)
    text = ran(folder / "here.py", "--cfg", "job", "m=${oc.env:PATH}", "+k=${lr}")[1]
    assert "m: ${oc.env:PATH}\n" in text
    assert "k: 0.1\n" in text


def _config_path(folder: Path) -> None:
    assert ran(folder / "here.py", "-cp", "sub", "--no-run-dir")[1] == "ran 8\n"
    inner = write(folder, {"deep/here.py": OURS, "deep/there.py": HYDRA, "deep/conf/config.yaml": "lr: 9\n"})
    for script, printed in (("here.py", "ran 8\n"), ("there.py", "not found")):
        done = subprocess.run(
            [sys.executable, f"deep/{script}", "-cp", "sub"], cwd=inner, capture_output=True, text=True, check=False
        )
        assert printed in done.stdout + done.stderr


def _package(folder: Path) -> None:
    assert 'db.host = "h"' in ran(folder / "here.py", "--why", "db")[1]


def _rerun(folder: Path) -> None:
    assert ran(folder / "here.py", "lr=5", "--run-dir", "one") == (0, "ran 5\n")
    assert ran(folder / "here.py", "--from", "one") == (0, "ran 5\n")


def _completion(folder: Path) -> None:
    code, text = pages.typed("pedigree completion --scripts bash", folder)
    assert code == 0
    assert "complete" in text


def _run_dir(folder: Path) -> None:
    for script in ("there.py", "here.py"):
        ran(folder / script, f"hydra.run.dir=by-{script}")
        assert (folder / f"by-{script}").is_dir()


def _launcher(folder: Path) -> None:
    code, text = ran(
        folder / "here.py",
        "-m",
        "lr=1",
        "--launcher",
        "submitit",
        "--with",
        "cluster=debug",
        "--with",
        "timeout_min=60",
    )
    assert code == 0, text


def _search(folder: Path) -> None:
    assert "--search N" in ran(folder / "here.py", "--help")[1]


COMMANDS: dict[str, Callable[[Path], None]] = {
    "`-m`, `--multirun`": _multirun,
    "`--cfg job`, `--cfg job --resolve`": _printed,
    "`--cfg hydra`, `--hydra-help`": _answered("--hydra-help", "There is no option"),
    "`--info defaults`, `--info config`": _answered("--info defaults", "--print defaults", "--why KEY"),
    "`--config-name`, `-cn`": _same("-cn", "other", prints="ran 7"),
    "`--config-dir`, `-cd`": _same("-cd", "extra", "db=new"),
    "`--config-path`, `-cp`": _config_path,
    "`--package`, `-p`": _package,
    "`--experimental-rerun`": _rerun,
    "`--shell-completion install=bash`": _completion,
    "`hydra.run.dir=...`": _run_dir,
    "`hydra/launcher=submitit_slurm hydra.launcher.timeout_min=60`": _launcher,
    "`hydra/sweeper=optuna`": _search,
}


@pytest.mark.parametrize("row", COMMANDS)
def test_on_the_command_line(row: str, both_scripts: Path) -> None:
    """Break: `--config-dir` in the place of the script's folder."""
    COMMANDS[row](both_scripts)


def test_each_row_on_the_command_line_has_a_case() -> None:
    """Break: a row of the page without a case here."""
    assert rows("On the command line") == [*COMMANDS]


# What a run leaves


def test_what_a_run_leaves(both_scripts: Path) -> None:
    """The rows of the page, one after another. Break: write into a folder of `hydra.run.dir` that is there."""
    assert len(rows("What a run leaves")) == 6
    folder = both_scripts
    for script in ("there.py", "here.py"):
        for _ in range(2):
            assert ran(folder / script, f"hydra.run.dir={script}.d", "db.host=${oc.env:PATH}")[0] == 0
    theirs, ours = folder / "there.py.d", folder / "here.py.d"
    assert sorted(path.name for path in theirs.rglob("*") if path.is_file()) == [
        "config.yaml",
        "hydra.yaml",
        "overrides.yaml",
        "there.log",
    ]
    assert "${oc.env:PATH}" in (theirs / ".hydra" / "config.yaml").read_text()
    assert not (folder / "there.py.d-2").exists()
    assert [path.name for path in ours.iterdir()] == ["config.json"]
    assert (folder / "here.py.d-2" / "config.json").is_file()
    kept = json.loads((ours / "config.json").read_text())
    assert kept["values"]["lr"] == 0.1
    assert kept["choices"] == {"db": "mysql"}
    assert kept["overrides"] == ["hydra.run.dir=here.py.d", "db.host=${oc.env:PATH}"]
    assert ran(folder / "here.py", "--from", "here.py.d", "--run-dir", "here.py.d")[0] == 0

    words = ["-m", "db=mysql,pg", "hydra.sweep.dir=sweep", "hydra.sweep.subdir=x"]
    assert ran(folder / "here.py", *words)[0] == 0
    assert sorted(path.name for path in (folder / "sweep" / "jobs").iterdir()) == ["0000-db=mysql", "0001-db=pg"]
    assert (folder / "sweep" / "jobs" / "0000-db=mysql" / "log-1.txt").read_text() == "ran 0.1\n"


def test_a_secret_is_in_three_files_of_hydra_and_in_none_of_ours(both_scripts: Path) -> None:
    """Break: keep overrides as they were typed."""
    write(both_scripts, {"conf/config.yaml": "lr: 1\ntoken: env:T\n", "models.py": MODEL})
    write(
        both_scripts, {"here.py": OURS.replace("config.main()", "config.main(Settings)").replace('cfg["lr"]', "cfg.lr")}
    )
    script = (both_scripts / "here.py").read_text()
    (both_scripts / "here.py").write_text("from models import Settings\n" + script)
    assert ran(both_scripts / "there.py", "token=hunter2", "hydra.run.dir=out")[0] == 0
    found = [path.name for path in (both_scripts / "out" / ".hydra").iterdir() if "hunter2" in path.read_text()]
    assert sorted(found) == ["config.yaml", "hydra.yaml", "overrides.yaml"]
    code, text = ran(both_scripts / "here.py", "token=hunter2", "--run-dir", "ours")
    assert code == 2
    assert "hunter2" not in text
    assert ran(both_scripts / "here.py", "token=env:OTHER", "--run-dir", "ours")[0] == 0
    assert "env:OTHER" in (both_scripts / "ours" / "config.json").read_text()


MODEL = """\
from pedigree import config

class Settings(config.Config):
    lr: float
    token: config.Secret[str]
"""


# What is not there


def test_hydra_settings_that_are_kept_and_not_used(both_scripts: Path) -> None:
    """As the page lists them. Break: change the working folder for `hydra.job.chdir`."""
    write(both_scripts, {"here.py": OURS.replace('"ran", cfg["lr"]', "__import__('os').getcwd()")})
    words = [
        "hydra.job.chdir=true",
        "hydra.job.env_set={A:b}",
        "hydra.mode=MULTIRUN",
        "hydra.sweeper.params={lr:'1,2'}",
    ]
    code, text = ran(both_scripts / "here.py", *words, "--run-dir", "out")
    assert code == 0
    assert f"{both_scripts}\n" in text
    assert "this is one run" in text
    assert "the working folder stays" in text
    assert "hydra.job.env_set sets nothing" in text
    kept = json.loads((both_scripts / "out" / "config.json").read_text())["hydra"]
    assert kept["job"] == {"chdir": True, "env_set": {"A": "b"}}
    assert kept["mode"] == "MULTIRUN"


def test_facts_of_a_run_that_can_be_read(both_scripts: Path) -> None:
    """`job.name`, `runtime.cwd`, `runtime.choices`; no `job.num`. Break: leave out the choices."""
    wanted = "+a=${hydra:job.name}", "+b=${hydra:runtime.cwd}", "+c=${hydra:runtime.choices.db}"
    text = ran(both_scripts / "here.py", *wanted, "--print")[1]
    assert f"a: here\nb: {both_scripts}\nc: mysql\n" in text
    assert ran(both_scripts / "here.py", "+d=${hydra:job.num}", "--no-run-dir")[0] == 2


def test_a_target_is_a_key_like_any_other(tmp_path: Path) -> None:
    """Break: call what it names."""
    write(tmp_path, {"config.yaml": "made: {_target_: os.system, command: touch canary}\n"})
    frozen = config.freeze(config.compose(tmp_path))
    assert frozen.as_dict() == {"made": {"_target_": "os.system", "command": "touch canary"}}
    frozen.write(tmp_path / "frozen.json")
    assert config.read(tmp_path / "frozen.json").resolved() == frozen.as_dict()
    assert not Path("canary").exists()
