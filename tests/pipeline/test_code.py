"""The code of a step: the closure of what its command runs, no more and no less, and noticed when it changes."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pedigree.errors import Conflict, InvalidSpec
from pedigree.pipeline import code, hints
from pedigree.pipeline.model import CodeSpec, PfsInput, Pipeline, Transform


def _pipeline(*cmd: str, base: str = "", spec: CodeSpec | None = None, **options: Any) -> Pipeline:
    return Pipeline("p", Transform(cmd, **options), PfsInput("in", "in"), base=base, code=spec or CodeSpec())


def _write(folder: Path, files: dict[str, str]) -> None:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)


def _closure(folder: Path, *cmd: str, **options: Any) -> list[str]:
    return [item.path for item in code.closure_of(_pipeline(*cmd, **options), folder).files]


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder outside of the project that is installed with `pip install -e`."""
    folder, site = tmp_path / "elsewhere", tmp_path / "lib/site-packages"
    _write(folder, {"tool/__init__.py": "from tool import part", "tool/part.py": "", "tool/rest.py": "", "json.py": ""})
    _write(site, {"tool.pth": f"{folder}\n", "hook.pth": "import sys\n", "gone.pth": "/nowhere\n"})
    monkeypatch.setattr("sys.path", [str(site)])
    code._editable.cache_clear()
    yield folder
    code._editable.cache_clear()


def test_an_editable_installation_outside_the_project_is_code(tmp_path: Path, installed: Path) -> None:
    """What a step imports from it exists for the step and is part of the digest, and the standard library is not
    covered by a file of its. Break: follow editable installations inside the project alone (the import fails in the
    sandbox), or mount them (an edit goes unnoticed)."""
    _write(tmp_path / "project", {"train.py": "import json, tool"})
    pipeline = _pipeline("python", "train.py")
    before = code.closure_of(pipeline, tmp_path / "project")
    assert [item.path for item in before.files] == [".project/tool/__init__.py", ".project/tool/part.py", "train.py"]
    (installed / "tool/rest.py").write_text("not imported")
    assert code.closure_of(pipeline, tmp_path / "project").digest == before.digest
    (installed / "tool/part.py").write_text("imported")
    assert code.closure_of(pipeline, tmp_path / "project").digest != before.digest


PROJECT = {
    "train.py": "import os, torch\nfrom lib import model\nfrom lib.data import load as l\nimport plain\n",
    "plain.py": "def later():\n    import lazy\n",
    "lazy.py": "",
    "unused.py": "import lazy",
    "lib/__init__.py": "",
    "lib/model.py": "from . import layers\nfrom .deep.er import thing\nfrom ..lib import sibling\n",
    "lib/layers.py": "",
    "lib/sibling.py": "",
    "lib/data.py": "import importlib\nimportlib.import_module('lib.plugin')\n",
    "lib/plugin.py": "",
    "lib/not_imported.py": "",
    "lib/deep/__init__.py": "__all__ = ['listed']",
    "lib/deep/er.py": "",
    "lib/deep/listed.py": "",
    "space/inside.py": "",
    "package/__init__.py": "",
    "package/__main__.py": "from package import part",
    "package/part.py": "",
    "run.sh": "#!/bin/sh\npython3 train.py && ./other.sh /pfs/in\n",
    "other.sh": "cat labels.txt",
    "labels.txt": "a b",
    "README.md": "train.py",
}
TRAIN = [
    "lazy.py",
    "lib/__init__.py",
    "lib/data.py",
    "lib/deep/__init__.py",
    "lib/deep/er.py",
    "lib/deep/listed.py",
    "lib/layers.py",
    "lib/model.py",
    "lib/plugin.py",
    "lib/sibling.py",
    "plain.py",
    "train.py",
]


@pytest.mark.parametrize(
    ("cmd", "options", "expected"),
    [
        (("python", "train.py"), {}, TRAIN),
        (("python3", "-u", "-X", "dev", "train.py", "--rate", "0.1"), {}, TRAIN),
        (("/usr/bin/python3.11", "/code/train.py"), {}, TRAIN),
        (("python3", "/train.py"), {}, TRAIN),
        (("python3", "/app/train.py"), {}, TRAIN),
        (("sh",), {"stdin": ("cd /code", "python3 ./train.py > /pfs/out/x")}, TRAIN),
        (("sh", "-c", "python3 train.py|tee /pfs/out/log"), {}, TRAIN),
        (("sh", "run.sh"), {}, sorted([*TRAIN, "run.sh", "other.sh", "labels.txt"])),
        (("python", "-m", "package"), {}, ["package/__init__.py", "package/__main__.py", "package/part.py"]),
        (("sh", "-c", "python -m package.part"), {}, ["package/__init__.py", "package/part.py"]),
        (("python", "package"), {}, ["package/__init__.py", "package/__main__.py", "package/part.py"]),
        (("python", "-c", "import lazy, json"), {}, ["lazy.py"]),
        (("python",), {"stdin": ("import lazy", "print(lazy)")}, ["lazy.py"]),
        (("python", "-c", "from space import inside"), {}, ["space/inside.py"]),
        (("cp", "labels.txt", "/pfs/out"), {}, ["labels.txt"]),
        (("echo", "nothing"), {}, []),
        (("cat", "/etc/passwd", "../labels.txt", "/pfs/train.py"), {}, []),
        (("true",), {"err_cmd": ("python", "lazy.py")}, ["lazy.py"]),
    ],
)
def test_the_closure_is_what_the_command_may_load(
    tmp_path: Path, cmd: tuple[str, ...], options: dict[str, Any], expected: list[str]
) -> None:
    """Break: take every file of the folder, or only what argv names."""
    _write(tmp_path, PROJECT)
    assert _closure(tmp_path, *cmd, **options) == sorted(expected)


def test_imports_of_a_script_are_looked_for_beside_it_first(tmp_path: Path) -> None:
    """As Python does. Break: look in the root only, or first."""
    _write(
        tmp_path, {"steps/a.py": "import helper", "steps/helper.py": "import other", "helper.py": "", "other.py": ""}
    )
    assert _closure(tmp_path, "python", "steps/a.py") == ["other.py", "steps/a.py", "steps/helper.py"]


def test_a_circle_of_imports_ends(tmp_path: Path) -> None:
    """Break: follow imports without remembering."""
    _write(tmp_path, {"a.py": "import b", "b.py": "import a"})
    assert _closure(tmp_path, "python", "a.py") == ["a.py", "b.py"]


def test_code_that_does_not_parse_is_still_given_to_the_step(tmp_path: Path) -> None:
    """It says so itself, with its own line. Break: let SyntaxError through."""
    _write(tmp_path, {"a.py": "import b\nif:", "b.py": ""})
    assert _closure(tmp_path, "python", "a.py") == ["a.py"]


def test_files_and_globs_of_the_spec_are_taken_as_written(tmp_path: Path) -> None:
    """Break: add the automatic closure to an explicit list."""
    _write(tmp_path, PROJECT)
    explicit = CodeSpec(files=("train.py", "lib/*.py"), include=("*.txt", "space"))
    assert _closure(tmp_path, "python", "train.py", spec=explicit) == [
        "labels.txt",
        "lib/__init__.py",
        "lib/data.py",
        "lib/layers.py",
        "lib/model.py",
        "lib/not_imported.py",
        "lib/plugin.py",
        "lib/sibling.py",
        "space/inside.py",
        "train.py",
    ]
    assert _closure(tmp_path, "x", spec=CodeSpec(files=("lib/**",)))[0] == "lib/__init__.py"
    assert "lib/deep/er.py" in _closure(tmp_path, "x", spec=CodeSpec(files=("lib/**",)))


@pytest.mark.parametrize("pattern", ["../x.py", "/etc/passwd", "a/../../x"])
def test_a_pattern_cannot_leave_the_root(tmp_path: Path, pattern: str) -> None:
    """Break: join and open."""
    with pytest.raises(InvalidSpec, match="outside") as caught:
        _closure(tmp_path, "true", spec=CodeSpec(include=(pattern,)))
    assert "code.root" in str(caught.value)


def test_a_pattern_that_matches_nothing_is_an_error(tmp_path: Path) -> None:
    """Break: ignore it."""
    with pytest.raises(InvalidSpec, match=r"labels\.csv"):
        _closure(tmp_path, "true", spec=CodeSpec(include=("labels.csv",)))


def test_the_root_may_lie_above_the_spec(tmp_path: Path) -> None:
    """Break: take paths relative to the project."""
    _write(tmp_path, {"src/pkg/__init__.py": "", "pipelines/run.py": "import pkg"})
    options = {"base": "pipelines", "spec": CodeSpec(root="..")}
    assert _closure(tmp_path, "python", "pipelines/run.py", **options) == ["pipelines/run.py", "src/pkg/__init__.py"]


# ---------------------------------------------------------------------------------------------- noticing


def _age(folder: Path) -> None:
    """Make everything older than the clock's tick, as it would be a moment later."""
    moment = time.time_ns() - 10_000_000_000
    for path in [folder, *folder.rglob("*")]:
        os.utime(path, ns=(moment, moment))


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trust stamps however young, so that no test needs to wait for the clock."""
    monkeypatch.setattr(code, "_RACY_NS", -(10**18))


EDITS: dict[str, Any] = {
    "script": lambda root: (root / "train.py").write_text("import plain #"),
    "helper": lambda root: (root / "lib/layers.py").write_text("x = 1"),
    "same size": lambda root: (root / "lib/data.py").write_text(PROJECT["lib/data.py"].replace("plugin", "plugim")),
    "removed": lambda root: (root / "lib/layers.py").unlink(),
    "new local module": lambda root: (root / "torch.py").write_text(""),
    "new part of a package": lambda root: (
        (root / "lib/deep/thing.py").write_text("") or (root / "lib/model.py").write_text("from .deep import thing")
    ),
    "module becomes package": lambda root: (root / "lazy").mkdir() or (root / "lazy/__init__.py").write_text("1"),
    "executable": lambda root: (root / "train.py").chmod(0o755),
    "compiled": lambda root: (root / f"plain{EXTENSION_SUFFIXES[0]}").write_bytes(b"ELF"),
}


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("edit", EDITS)
def test_every_change_of_the_closure_is_noticed_in_spite_of_the_cache(tmp_path: Path, edit: str) -> None:
    """Also a same-size edit with the old time. Break: stamp files by size and mtime only, or no folders."""
    root, cache = tmp_path / "project", tmp_path / "cache"
    _write(root, PROJECT)
    before = code.closure_of(_pipeline("python", "train.py"), root, cache=cache)
    times = {path: path.stat() for path in root.rglob("*")}
    EDITS[edit](root)
    for path, status in times.items():
        if path.exists():
            os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    after = code.closure_of(_pipeline("python", "train.py"), root, cache=cache)
    assert after.digest != before.digest
    assert after == code.closure_of(_pipeline("python", "train.py"), root)


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("path", ["train.py", "steps/train.py", "steps/deep/train.py", "steps/deep/__main__.py"])
def test_a_script_that_comes_after_the_spec_is_noticed(tmp_path: Path, path: str) -> None:
    """With the folders it lies in. Break: remember only folders that there are."""
    root, cache = tmp_path / "project", tmp_path / "cache"
    root.mkdir()
    pipeline = _pipeline("python", path.removesuffix("/__main__.py"))
    assert code.closure_of(pipeline, root, cache=cache).files == ()
    for folder in reversed([root / path, *(root / path).parents]):
        if not folder.exists() and folder != root / path:
            folder.mkdir()
            assert code.closure_of(pipeline, root, cache=cache).files == ()
    (root / path).write_text("")
    assert [item.path for item in code.closure_of(pipeline, root, cache=cache).files] == [path]


def test_a_compiled_module_is_code_and_hides_its_source(tmp_path: Path) -> None:
    """As Python decides it. Break: look for .py alone."""
    compiled = {f"fast{EXTENSION_SUFFIXES[0]}": "", "part/inner.so": "", "part/inner.py": "import other"}
    _write(tmp_path, {"a.py": "import fast\nfrom part import inner", "other.py": "", **compiled})
    assert _closure(tmp_path, "python", "a.py") == sorted(["a.py", f"fast{EXTENSION_SUFFIXES[0]}", "part/inner.so"])


@pytest.mark.parametrize("folder", ["steps", "./steps", "/code/steps"])
def test_scripts_are_looked_for_in_the_working_folder_first(tmp_path: Path, folder: str) -> None:
    """Break: look in the root alone."""
    _write(tmp_path, {"steps/a.py": "", "a.py": "", "b.py": ""})
    assert _closure(tmp_path, "python", "a.py", "b.py", working_dir=folder) == ["b.py", "steps/a.py"]


@pytest.mark.usefixtures("patient")
def test_an_unchanged_closure_is_remembered_and_a_touch_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Break: never remember; or put times into the digest."""
    root, cache = tmp_path / "project", tmp_path / "cache"
    _write(root, PROJECT)
    first = code.closure_of(_pipeline("python", "train.py"), root, cache=cache)
    (root / "unused.py").write_text("changed")
    monkeypatch.setattr(code, "_find", None)
    assert code.closure_of(_pipeline("python", "train.py"), root, cache=cache) == first
    monkeypatch.undo()
    _age(root)
    assert code.closure_of(_pipeline("python", "train.py"), root, cache=cache) == first


def test_a_file_changed_in_the_same_tick_is_not_trusted(tmp_path: Path) -> None:
    """Break: remember stamps that are as young as the look itself."""
    root, cache = tmp_path / "project", tmp_path / "cache"
    _write(root, {"a.py": ""})
    code.closure_of(_pipeline("python", "a.py"), root, cache=cache)
    assert not list(cache.rglob("*.json"))


@pytest.mark.usefixtures("patient")
@given(damage=st.binary(max_size=40))
def test_a_damaged_memory_is_ignored(tmp_path_factory: pytest.TempPathFactory, damage: bytes) -> None:
    """Break: trust what parses."""
    folder = tmp_path_factory.mktemp("x")
    _write(folder / "project", {"a.py": ""})
    pipeline = _pipeline("python", "a.py")
    first = code.closure_of(pipeline, folder / "project", cache=folder / "cache")
    (memory,) = (folder / "cache").rglob("*.json")
    memory.write_bytes(damage)
    assert code.closure_of(pipeline, folder / "project", cache=folder / "cache") == first


def test_code_that_changes_while_the_run_starts_is_not_mixed_up(tmp_path: Path) -> None:
    """Break: store whatever the file holds now under the old digest."""
    import pedigree

    _write(tmp_path, {"a.py": "1"})
    found = code.closure_of(_pipeline("python", "a.py"), tmp_path)
    (tmp_path / "a.py").write_text("2")
    with (
        pedigree.init(tmp_path) as store,
        store.objects.batch() as batch,
        pytest.raises(Conflict, match="changed while"),
    ):
        code.snapshot(found, batch)


# ------------------------------------------------------------------------------------------------- hints


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        ("ModuleNotFoundError: No module named 'lib.not_imported'", "code.include: [lib]"),
        ("ModuleNotFoundError: No module named 'unused'", "code.include: [unused.py]"),
        ("ModuleNotFoundError: No module named 'sklearn'", "neither in the step's code nor installed in"),
        ("FileNotFoundError: [Errno 2] No such file or directory: 'labels.txt'", "code.include: [labels.txt]"),
        ("FileNotFoundError: [Errno 2] No such file or directory: '/code/labels.txt'", "code.include: [labels.txt]"),
        ("python3: can't open file '/code/train.py': [Errno 2] No such file", "code.include: [train.py]"),
        ("cat: labels.txt: No such file or directory", "code.include: [labels.txt]"),
        ("sh: 1: ./run.sh: not found", "code.include: [run.sh]"),
        ("FileNotFoundError: [Errno 2] No such file or directory: '/pfs/in/x'", "not in this datum"),
        ("FileNotFoundError: [Errno 2] No such file or directory: '/etc/hostname'", "put it into a repository"),
        ("FileNotFoundError: [Errno 2] No such file or directory: 'nowhere'", ""),
        ("all fine", ""),
    ],
)
def test_the_last_lines_of_a_step_lead_to_the_file_to_add(tmp_path: Path, printed: str, expected: str) -> None:
    """Break: return no hint."""
    _write(tmp_path, PROJECT)
    found = hints.missing_file(printed, _pipeline("python", "train.py"), tmp_path)
    assert expected in found if expected else found == ""


def test_a_file_outside_of_the_root_is_named_with_what_to_set(tmp_path: Path) -> None:
    """Break: suggest a path that code.include refuses."""
    _write(tmp_path, {"shared/tools.py": "", "steps/a.py": ""})
    found = hints.missing_file(
        f"No such file or directory: '{tmp_path}/shared/tools.py'", _pipeline("x", base="steps"), tmp_path
    )
    assert "code.root" in found


def test_a_gpu_that_landlock_keeps_away_is_told_as_such() -> None:
    """With what torch 2.11 printed on an H100. Break: look for the number of the error alone."""
    printed = (
        "RuntimeError: Unexpected error from cudaGetDeviceCount(). Did you run some cuda functions before calling "
        "NumCudaDevices() that might have already set an error? Error 304: OS call failed or operation not supported on this OS"
    )
    assert hints.forbidden_gpu(printed).startswith("CUDA does not start under Landlock")
    assert hints.forbidden_gpu("ValueError: Error 304") == ""
