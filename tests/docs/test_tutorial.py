"""docs/tutorial.md prints what it says, in an environment of its own, since it upgrades a package there."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from tests.docs import typed
from tests.docs.typed import steady


def same(text: str) -> str:
    """Without what differs between processors: figures with decimals, sizes of archives, and names made of digests."""
    text = re.sub(r"pets-[0-9a-f]{8}", "TAG", text)
    text = re.sub(r"[▲▼] .*", "CHANGE", text)
    text = re.sub(r"-?\d+\.\d{3,}(e-?\d+)?", "FIGURE", text)
    text = re.sub(r"[\d,]+ bytes", "SIZE", text)
    text = re.sub(r"\d+ min \d+ s", "1 s", text)
    text = re.sub(r"[0-9.]+ when it was made", "OLD when it was made", text)
    return steady(re.sub(r" +", " ", text))


def environment_at(folder: Path) -> None:
    """This environment once more, its files linked; scripts name the new place."""
    shutil.copytree(sys.prefix, folder, symlinks=True, copy_function=os.link)
    for path in [*folder.glob("bin/*"), folder / "pyvenv.cfg"]:
        if path.is_symlink() or not path.is_file():
            continue
        data = path.read_bytes()
        if sys.prefix.encode() in data:
            path.unlink()  # the link, not the file of the other environment
            path.write_bytes(data.replace(sys.prefix.encode(), str(folder).encode()))
            path.chmod(0o755)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_tutorial_prints_what_it_says(tmp_path: Path) -> None:
    """Break: change a count, or give `train` the whole of `transform`."""
    environment_at(tmp_path / "venv")
    project = tmp_path / "pets"
    shutil.copytree(typed.ROOT / "examples/pets", project, ignore=shutil.ignore_patterns("__pycache__", ".pedigree"))
    variables = {
        "PATH": f"{tmp_path / 'venv/bin'}:{os.environ['PATH']}",
        "HOME": os.environ.get("HOME", str(tmp_path)),  # pip may be told there where packages come from
        **{name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_"))},
    }
    typed.check("docs/tutorial.md", project, 26, same=same, variables=variables)
