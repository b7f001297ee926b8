"""Installing recorded versions into a new environment, with pip.

Only wheels are taken: building a source distribution runs its program with whatever compilers and build tools are newest now, and what
comes out is seldom what it was. Who wants that builds the wheel and offers it through PIP_FIND_LINKS. Indexes, proxies and
certificates are those of pip's own settings and PIP_ variables; those that would change *what* is installed are not let through.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from pedigree.errors import EnvironmentUnavailable
from pedigree.pipeline.interpreter import Interpreter

#: Settings of pip that choose other versions, other places or other files than those recorded.
_UNWANTED = (
    "USER", "TARGET", "PREFIX", "ROOT", "REQUIREMENT", "EDITABLE", "PYTHON", "NO_BINARY", "ONLY_BINARY", "PRE", "UPGRADE", "DRY_RUN",
    "REPORT", "REQUIRE_VIRTUALENV", "REQUIRE_HASHES", "NO_DEPS", "FORCE_REINSTALL", "IGNORE_INSTALLED", "NO_COMPILE", "LOG", "QUIET",
    "VERBOSE", "PLATFORM", "ABI", "IMPLEMENTATION", "PYTHON_VERSION", "CONSTRAINT",
)  # fmt: skip
_GONE = re.compile(r"No matching distribution found for ([A-Za-z0-9._-]+)==(\S+)")
_OFFERED = re.compile(r"\(from versions: ([^)]*)\)")
_NAMED = 20
_LAST_LINES = 6


def install(
    wanted: Mapping[str, str],
    target: Interpreter,
    *,
    sources: Mapping[str, Mapping[str, str]],
    scratch: Path,
    held: int,
) -> dict[str, dict[str, str]]:
    """Install name -> version without dependencies; `file` and `sha256` of the wheels, by name, as pip reports them.

    `sources` say where a distribution came from that no index gave. `scratch` is an existing folder for files that may go
    afterwards; `held` a descriptor that pip is to hold open as long as it runs. Raises EnvironmentUnavailable, which
    names every distribution that is not to be had.
    """
    pip = _pip(target, scratch)
    gone: dict[str, str] = {}
    left = dict(wanted)
    while left:
        report = scratch / "report.json"
        done = _run(pip, left, target, report, held, dry=bool(gone))
        if done.returncode == 0:
            if gone:
                break
            return _wheels(report)
        said = done.stdout.decode("utf-8", "replace")
        missing = _GONE.search(said)
        name = None if missing is None else _normal(missing[1])
        if name is None or name not in left:
            raise EnvironmentUnavailable(
                f"pip could not install the recorded distributions (exit code {done.returncode}): {_tail(said)}",
                remedy="Mend what pip says; its own settings and PIP_ variables (PIP_INDEX_URL, PIP_FIND_LINKS) apply.",
            )
        version = left.pop(name)
        offered = _OFFERED.search(said)
        gone[name] = _why(name, version, sources.get(name), "" if offered is None else offered[1])
    if gone:
        raise _unavailable(gone, len(wanted), wanted)
    return {}


def _unavailable(gone: Mapping[str, str], number: int, wanted: Mapping[str, str]) -> EnvironmentUnavailable:
    shown = "; ".join(list(gone.values())[:_NAMED]) + ("; and more" if len(gone) > _NAMED else "")
    first = next(iter(gone))
    return EnvironmentUnavailable(
        f"{len(gone):,} of the {number:,} recorded distributions that are to be installed are not to be had: {shown}.",
        remedy="Name an index or a folder that has their wheels in PIP_EXTRA_INDEX_URL or PIP_FIND_LINKS and verify again; "
        f"`pip wheel --no-deps {first}=={wanted[first]} -w wheels` builds one from source, for PIP_FIND_LINKS=wheels.",
        missing=dict(gone),
    )


def _why(name: str, version: str, source: Mapping[str, str] | None, offered: str) -> str:
    text = f"{name} {version}"
    if source is not None:
        at = f" at {source['revision'][:12]}" if source.get("revision") else ""
        return f"{text} (it was installed from {source['url']}{at}, not from an index)"
    if "+" in version:
        return f"{text} (a local version, which only the index or the folder that it was built for has)"
    versions = [one for one in offered.split(", ") if one and one != "none"]
    if versions:
        return f"{text} (wheels that fit are there of {', '.join(versions[-5:])})"
    return f"{text} (no index that pip knows has a wheel of it that fits)"


def _run(
    pip: list[str], left: Mapping[str, str], target: Interpreter, report: Path, held: int, *, dry: bool
) -> subprocess.CompletedProcess[bytes]:
    requirements = report.with_name("requirements.txt")
    requirements.write_text("".join(f"{name}=={version}\n" for name, version in sorted(left.items())))
    report.unlink(missing_ok=True)
    command = [*pip, "--python", target.executable, "--no-input", "--disable-pip-version-check", "install"]
    command += ["--no-deps", "--only-binary", ":all:", "--no-warn-script-location", "--progress-bar", "off"]
    command += ["--report", str(report), "--requirement", str(requirements), *(["--dry-run"] if dry else [])]
    variables = {
        name: value
        for name, value in os.environ.items()
        if name.removeprefix("PIP_") not in _UNWANTED and not name.startswith("PYTHON")
    }
    # A file of settings may hold constraints or --user too; variables win over it.
    variables |= {"PIP_CONSTRAINT": os.devnull, "PIP_USER": "0", "PIP_REQUIRE_VIRTUALENV": "0", "PIP_NO_COLOR": "1"}
    return subprocess.run(
        command,
        env=variables,
        cwd=report.parent,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        pass_fds=(held,),
        check=False,
    )


def _pip(target: Interpreter, scratch: Path) -> list[str]:
    """pip of the running interpreter; where it has none, as those that uv makes, one that comes with Python, in `scratch`."""
    if find_spec("pip") is not None:
        return [sys.executable, "-m", "pip"]
    folder = scratch / "pip"
    made = subprocess.run(
        [target.base_executable, "-I", "-m", "venv", str(folder)], capture_output=True, check=False, cwd=scratch
    )
    if made.returncode:
        raise EnvironmentUnavailable(
            f"There is no pip: neither in {sys.prefix}, nor does {target.base_executable} bring one.",
            remedy=f"Install it: `{sys.executable} -m ensurepip`, or `uv pip install pip`.",
        )
    return [f"{folder}/bin/python", "-m", "pip"]


def _wheels(report: Path) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for item in json.loads(report.read_text())["install"]:
        info = item["download_info"]
        archive = info.get("archive_info", {})
        # `hash` is what pip wrote before `hashes` was specified.
        sha256 = archive.get("hashes", {}).get("sha256") or archive.get("hash", "").removeprefix("sha256=")
        if sha256:
            file = info["url"].partition("#")[0].partition("?")[0].rpartition("/")[2]
            found[_normal(item["metadata"]["name"])] = {"file": file, "sha256": sha256}
    return found


def _normal(name: str) -> str:
    """As the facts spell it."""
    return name.lower().replace("_", "-").replace(".", "-")


def _tail(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR")]
    return " ".join((errors or lines)[-_LAST_LINES:]) or "it said nothing"
