"""The README tells the truth: its tour is typed as it stands, and prints what it says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

README = Path(__file__).parents[2] / "README.md"

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


def test_the_tour_prints_what_the_readme_says(tmp_path: Path) -> None:
    """Break: change one word of a message, or one line of the tour."""
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "LANG": "C.UTF-8",
        "COLUMNS": "160",
    }
    found = list(commands(README.read_text()))
    assert len(found) >= 12
    for command, expected in found:
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert done.returncode == 0, f"$ {command}\n{done.stdout}"
        assert steady(done.stdout) == steady(expected), f"$ {command}"


def test_every_page_that_the_readme_names_is_there() -> None:
    """Break: rename a page without looking here."""
    for target in re.findall(r"\]\(([^)#]+)\)", README.read_text()):
        if "://" not in target:
            assert (README.parent / target).exists(), target
