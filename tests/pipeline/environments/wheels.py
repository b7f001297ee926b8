"""Wheels made by hand and a small Python environment to install them into, without a network."""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

from pedigree.pipeline import interpreter
from pedigree.pipeline.interpreter import Interpreter


def wheel(folder: Path, name: str, version: str, files: Mapping[str, str], *, claims: str | None = None) -> Path:
    """Write a wheel; `claims` is a text whose digest its RECORD gives for every file, whatever they hold."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    everything = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(
        f"{where},sha256={_digest(text if claims is None or where not in files else claims)},{len(text)}\n"
        for where, text in everything.items()
    )
    with zipfile.ZipFile(path, "w") as archive:
        for where, text in {**everything, f"{info}/RECORD": f"{record}{info}/RECORD,,\n"}.items():
            archive.writestr(zipfile.ZipInfo(where, (1980, 1, 1, 0, 0, 0)), text)
    return path


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


def environment(folder: Path) -> Interpreter:
    """A virtual environment with nothing in it."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    found = interpreter.ask(f"{folder}/bin/python")
    assert found is not None
    return found


def put(python: Interpreter, path: Path) -> None:
    """Install a wheel as pip does, in a hundredth of the time; what there was of it before goes."""
    site = Path(python.sites[0])
    name = path.name.partition("-")[0]
    for old in site.glob(f"{name}-*.dist-info"):
        for line in (old / "RECORD").read_text().splitlines():
            (site / line.split(",")[0]).unlink(missing_ok=True)
        old.rmdir()
    shutil.rmtree(site / "__pycache__", ignore_errors=True)
    with zipfile.ZipFile(path) as archive:
        archive.extractall(site)
    (record,) = site.glob(f"{name}-*.dist-info/RECORD")
    record.touch()


def pip(python: Interpreter, *words: str) -> None:
    command = [sys.executable, "-m", "pip", "--python", python.executable, "--quiet", *words]
    subprocess.run(command, check=True, capture_output=True)
