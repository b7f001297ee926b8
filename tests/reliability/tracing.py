"""strace: which calls a command makes, and what happens when one of them kills or fails."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.reliability.subject import command, environment

#: Calls that change what is on the disk.
CHANGING = [
    "write",
    "pwrite64",
    "writev",
    "pwritev",
    "fsync",
    "fdatasync",
    "syncfs",
    "sync_file_range",
    "rename",
    "renameat",
    "renameat2",
    "link",
    "linkat",
    "symlink",
    "symlinkat",
    "unlink",
    "unlinkat",
    "rmdir",
    "mkdir",
    "mkdirat",
    "ftruncate",
    "fallocate",
    "copy_file_range",
    "sendfile",
    "fchmod",
    "fchmodat",
    "chmod",
    "utimensat",
]

#: Those that make bytes or names durable.
SYNCING = {"fsync", "fdatasync", "syncfs"}

_LINE = re.compile(r"^(\d+) +(\w+)\((.*)\) += (-?\d+|\?)(.*)$", re.DOTALL)
_ESCAPES = re.compile(r"(?:\\x[0-9a-f]{2})+")


class Call(NamedTuple):
    """One call of the command: its name, the arguments as strace spells them, and the result.

    `number` counts the calls of that name in that thread from 1, as strace's `when` does.
    """

    name: str
    arguments: str
    result: int
    number: int
    injected: bool

    def paths(self) -> list[str]:
        """The file of each descriptor and each string among the arguments, in order; data strings too."""
        return [
            bytes.fromhex(found.replace("\\x", "")).decode("utf-8", "surrogateescape")
            for found in _ESCAPES.findall(self.arguments)
        ]

    def strings(self) -> list[bytes]:
        """The strings among the arguments, in order."""
        found = re.findall(r'"((?:\\x[0-9a-f]{2})*)"', self.arguments)
        return [bytes.fromhex(text.replace("\\x", "")) for text in found]

    def descriptor(self) -> int:
        """The file descriptor that is the first argument, or -1."""
        found = re.match(r"(\d+)<", self.arguments)
        return int(found[1]) if found else -1


def need_strace() -> None:
    """Skip where there is no strace, or it may not trace; fail where CI promised it."""
    usable = shutil.which("strace") is not None
    if usable:
        probe = subprocess.run(["strace", "-f", "-o", "/dev/null", "true"], capture_output=True, check=False)
        usable = probe.returncode == 0
    if not usable and os.environ.get("CI"):
        pytest.fail("strace is missing or may not trace; the reliability tests cannot be left out in CI")
    if not usable:
        pytest.skip("strace is missing or may not trace here: apt-get install strace")


def trace(words: tuple[str, ...], project: Path, *, calls: list[str] | None = None) -> tuple[list[Call], int]:
    """Run the command under strace; its calls in order, and its exit status. Data is kept in full."""
    return _run(words, project, ["-e", "trace=" + ",".join(calls or CHANGING)])[:2]


def inject(words: tuple[str, ...], project: Path, name: str, effect: str, number: int) -> tuple[list[Call], int, str]:
    """Run the command so that its call `name` of that number meets `effect`, strace's `signal=` or `error=`.

    Returns the calls, the exit status (negative: killed by that signal) and what it said on stderr.
    """
    calls = sorted({name, *CHANGING} & set(CHANGING))
    return _run(words, project, ["-e", "trace=" + ",".join(calls), "-e", f"inject={name}:{effect}:when={number}"])


def _run(words: tuple[str, ...], project: Path, options: list[str]) -> tuple[list[Call], int, str]:
    output = project.parent / f"{project.name}.trace"
    done = subprocess.run(
        ["strace", "-f", "-y", "-xx", "-s", "100000000", "-o", str(output), *options, *command(words)],
        cwd=project,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    calls = parse(output.read_text("ascii"))
    output.unlink()
    return calls, done.returncode, done.stderr


def parse(text: str) -> list[Call]:
    """The completed calls of a trace written by `strace -f -y -xx`."""
    counts: dict[tuple[str, str], int] = {}
    begun: dict[str, str] = {}
    calls = []
    for line in text.splitlines():
        pid, _, rest = line.partition(" ")
        rest = rest.lstrip()
        if rest.endswith(" <unfinished ...>"):
            begun[pid] = rest.removesuffix(" <unfinished ...>")
            continue
        if rest.startswith("<... "):
            rest = begun.pop(pid, "") + rest.partition(" resumed>")[2]
        found = _LINE.match(f"{pid} {rest}")
        if found is None:
            continue
        name = found[2]
        counts[pid, name] = counts.get((pid, name), 0) + 1
        result = -1 if found[4] == "?" else int(found[4])
        calls.append(Call(name, found[3], result, counts[pid, name], "INJECTED" in found[5]))
    return calls
