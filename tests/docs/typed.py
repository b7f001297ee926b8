"""Pages whose console blocks are typed as they stand, in order, and whose output is compared with what stands below."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]

#: What differs from run to run or from machine to machine, and what stands for it.
VARYING = [
    (r"/\S*/\.pedigree", "PLACE"),
    (r"\b[0-9a-f]{32}\b", "ID"),
    (r"\b[0-9a-f]{12}\b", "ID"),
    (r"\b(code|environment) [0-9a-f]{8}\b", r"\1 ID"),
    (r"\b[0-9.]+ s\b", "TIME"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d", "DATE"),
]


def commands(text: str) -> Iterator[tuple[str, str]]:
    """Every command of the console blocks with the output that follows it; a here-document belongs to its command."""
    for block in re.findall(r"```console\n(.*?)```", text, flags=re.DOTALL):
        lines = block.splitlines()
        while lines:
            command = lines.pop(0).removeprefix("$ ")
            if command.endswith("<<'END'"):
                while not command.endswith("\nEND"):
                    command += "\n" + lines.pop(0)
            output = []
            while lines and not lines[0].startswith("$ "):
                output.append(lines.pop(0))
            yield command, "\n".join(output)


def steady(text: str) -> str:
    for pattern, replacement in VARYING:
        text = re.sub(pattern, replacement, text)
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def check(
    page: str,
    folder: Path,
    count: int,
    *,
    same: Callable[[str], str] = steady,
    variables: Mapping[str, str] | None = None,
) -> None:
    """Type every command of the page (relative to the repository) in the folder; there are `count` of them.

    Both outputs are compared together, after `same` took out of them what may differ. `variables` are laid over a bare
    environment, in which the interpreter of the tests comes first on PATH.
    """
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "COLUMNS": "160",
        **(variables or {}),
    }
    found = list(commands((ROOT / page).read_text()))
    assert len(found) == count
    for command, expected in found:
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert same(done.stdout) == same(expected), f"$ {command} (exit code {done.returncode})"
