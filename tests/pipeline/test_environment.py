"""The environment's fingerprint: what changes it, and what must not."""

from __future__ import annotations

import base64
import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pedigree.pipeline import environment, installed, interpreter, tripwire
from pedigree.pipeline.model import PfsInput, Pipeline, Resources, Transform


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder of distributions on the path, holding demo 1.0."""
    folder = tmp_path / "site-packages"
    (folder / "demo").mkdir(parents=True)
    (folder / "demo/__init__.py").write_text("x = 1\n")
    (tmp_path / "library").mkdir()
    monkeypatch.setattr(sys, "path", ["", str(folder)])
    monkeypatch.setattr(os, "__file__", str(tmp_path / "library/os.py"))
    _install(folder, "demo", "1.0", "demo/__init__.py,sha256=abc,3\n")
    return folder


def _install(site: Path, name: str, version: str, record: str, direct: str = "") -> Path:
    folder = site / f"{name}-{version}.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\nVersion: 9\n")
    (folder / "RECORD").write_text(record)
    if direct:
        (folder / "direct_url.json").write_text(direct)
    return folder


def test_two_looks_at_one_environment_are_equal_also_from_the_cache(site: Path, tmp_path: Path) -> None:
    """Break: put a time or the hardware into the fingerprint."""
    first = environment.capture(cache=tmp_path)
    again = environment.capture(cache=tmp_path)
    assert first == again == environment.capture()
    assert first.facts["distributions"].keys() == {"demo"}
    assert first.facts["distributions"]["demo"]["version"] == "1.0"
    assert "cores" in first.hardware


def test_a_cached_look_reads_no_distribution(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Break: never recall."""
    cache = tmp_path / "cache"
    cache.mkdir()
    time.sleep(0.1)  # what is younger than a tick of the clock is looked at again
    first = environment.capture(cache=cache)
    monkeypatch.setattr(installed, "facts", None)
    assert environment.capture(cache=cache) == first


def test_installing_upgrading_and_other_files_change_it(site: Path, tmp_path: Path) -> None:
    """Same version with other files too. Break: fingerprint names and versions only, or stamp nothing."""
    seen = {environment.capture(cache=tmp_path).fingerprint}
    _install(site, "other", "2.0", "")
    seen.add(environment.capture(cache=tmp_path).fingerprint)
    os.rename(site / "other-2.0.dist-info", site / "other-2.1.dist-info")
    (site / "other-2.1.dist-info/METADATA").write_text("Name: other\nVersion: 2.1\n")
    seen.add(environment.capture(cache=tmp_path).fingerprint)
    for path in (site / "demo-1.0.dist-info").iterdir():
        path.unlink()
    (site / "demo-1.0.dist-info").rmdir()
    _install(site, "demo", "1.0", "demo/__init__.py,sha256=abd,3\n")
    seen.add(environment.capture(cache=tmp_path).fingerprint)
    assert len(seen) == 4


def _same_size_and_time(path: Path) -> None:
    before = path.stat()
    path.write_text(path.read_text().replace("1", "2"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


EDITS: dict[str, Callable[[Path], object]] = {
    "a file of a distribution": lambda site: _same_size_and_time(site / "demo/__init__.py"),
    "a file of a distribution, gone": lambda site: (site / "demo/__init__.py").unlink(),
    "a module of nobody": lambda site: _same_size_and_time(site / "loose.py"),
    "a module of nobody, new": lambda site: (site / "sitecustomize.py").write_text(""),
    "a path file": lambda site: (site / "start.pth").write_text("import loose"),
    "the standard library": lambda site: _same_size_and_time(site.parent / "library/random.py"),
}


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("find", [True, False])
def test_an_edit_of_what_is_installed_is_noticed_and_undone_is_the_same_again(
    tmp_path: Path, site: Path, monkeypatch: pytest.MonkeyPatch, edit: str, find: bool
) -> None:
    """In place, of the same size, with the old time; with and without `find`; a touch is none.

    Break: trust RECORD; leave out `loose` or the library; or watch the folders' times only.
    """
    if not find:
        monkeypatch.setattr(tripwire.Tripwire, "_start", lambda _: (0, 0))
    cache = tmp_path / "cache"
    for path in ("demo/__init__.py", "loose.py", "../library/random.py"):
        (site / path).parent.mkdir(exist_ok=True)
        (site / path).write_text("x = 1\n")
    cache.mkdir()
    _record(site)
    time.sleep(0.1)
    kept = {path: path.read_text() for path in (site / "demo/__init__.py", site / "loose.py")}
    first = environment.capture(cache=cache)
    time.sleep(0.1)
    os.utime(site / "loose.py")
    assert environment.capture(cache=cache) == first
    EDITS[edit](site)
    changed = environment.capture(cache=cache)
    assert changed.fingerprint != first.fingerprint
    assert changed == environment.capture()
    for module, text in kept.items():
        module.write_text(text)
    (site / "../library/random.py").write_text("x = 1\n")
    for name in ("sitecustomize.py", "start.pth"):
        (site / name).unlink(missing_ok=True)
    assert environment.capture(cache=cache) == first


def _record(site: Path) -> None:
    """Write demo's RECORD as an installer does, last and with true digests."""
    digest = base64.urlsafe_b64encode(hashlib.sha256((site / "demo/__init__.py").read_bytes()).digest()).rstrip(b"=")
    (site / "demo-1.0.dist-info/RECORD").write_text(f"demo/__init__.py,sha256={digest.decode()},6\n")


def test_data_of_distributions_count_too(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Templates and kernels lie beside site-packages, and a step reads them. Break: leave the data out, or the tripwire."""
    prefix, cache = tmp_path / "venv", tmp_path / "cache"
    template = prefix / "share/jupyter/nbconvert/page.html"
    template.parent.mkdir(parents=True)
    cache.mkdir()
    (prefix / "pyvenv.cfg").write_text("home = /usr/bin\n")
    template.write_text("<p>")
    monkeypatch.setattr(sys, "prefix", str(prefix))
    time.sleep(0.1)
    first = environment.capture(cache=cache)
    time.sleep(0.1)
    template.write_text("<b>")
    assert environment.capture(cache=cache).fingerprint != first.fingerprint
    template.write_text("<p>")
    assert environment.capture(cache=cache).fingerprint == first.fingerprint
    (prefix / "pyvenv.cfg").unlink()  # a system's Python: /usr/share is the operating system's
    assert "data" not in environment.capture().facts


def test_who_installed_it_and_where_does_not_count(site: Path) -> None:
    """Break: digest the whole RECORD."""
    before = environment.capture().fingerprint
    (site / "demo-1.0.dist-info/RECORD").write_text(
        "../../../bin/demo,sha256=machine,9\ndemo-1.0.dist-info/INSTALLER,sha256=uv,2\n"
        "demo/__init__.py,sha256=abc,3\ndemo/__pycache__/x.pyc,,\ndemo-1.0.dist-info/RECORD,,\n"
    )
    assert environment.capture().fingerprint == before


def test_an_editable_installation_is_code_not_environment(site: Path) -> None:
    """Break: count it by its version."""
    before = environment.capture().fingerprint
    _install(site, "mine", "0.1", "", '{"dir_info": {"editable": true}, "url": "file:///x"}')
    assert environment.capture().fingerprint == before


def test_the_first_distribution_of_a_name_counts(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As import does. Break: let a later folder win."""
    later = tmp_path / "later" / "site-packages"
    later.mkdir(parents=True)
    _install(later, "Demo", "3.0", "")
    monkeypatch.setattr(sys, "path", [*sys.path, str(later)])
    assert environment.capture().facts["distributions"]["demo"]["version"] == "1.0"


def test_a_torn_cache_is_ignored(site: Path, tmp_path: Path) -> None:
    """Break: let the JSON error through."""
    first = environment.capture(cache=tmp_path)
    (tmp_path / "environment.json").write_text('{"stamp"')
    assert environment.capture(cache=tmp_path) == first


@pytest.mark.parametrize(("cpu", "threads"), [(None, "1"), (1.0, "1"), (1.5, "2"), (4, "4"), (0.25, "1")])
def test_threads_follow_the_spec_and_not_the_machine(cpu: float | None, threads: str) -> None:
    """Break: count the machine's cores."""
    pipeline = Pipeline("p", Transform(("x",)), PfsInput("in", "in"), resource_limits=Resources(cpu=cpu))
    found = environment.variables(pipeline)
    assert {found[name] for name in environment.THREADS} == {threads}


def test_programs_of_the_virtual_environment_come_first() -> None:
    """Break: inherit PATH."""
    assert environment.search_path(interpreter.running()).split(":")[0] == os.path.dirname(sys.executable)


def test_hardware_names_what_libraries_choose_their_code_by_and_is_cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """No driver is asked, no library loaded. Break: ask nvidia-smi, or import torch."""
    monkeypatch.setattr(subprocess, "Popen", None)
    loaded = set(sys.modules)
    found = environment.hardware()
    assert {"machine", "processor", "flags", "memory_bytes", "cores"} <= found.keys()
    assert found["flags"] == sorted(found["flags"])
    assert not {"torch", "numpy"} & (set(sys.modules) - loaded)
