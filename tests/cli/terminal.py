"""A project in a temporary folder and the real command, run in it as a person would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple


class Said(NamedTuple):
    """What a command answered. `out` and `err` are text; bytes that are no UTF-8 come as escapes."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


class Project:
    """A folder in which `project("put", "images:/", "photos")` runs `pedigree put images:/ photos`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(
        self, *words: str, stdin: bytes = b"", code: int | None = 0, env: dict[str, str] | None = None
    ) -> Said:
        done = subprocess.run(
            command(*words),
            cwd=self.folder,
            input=stdin,
            capture_output=True,
            env=environment(env),
            timeout=120,
            check=False,
        )
        said = Said(
            done.returncode,
            done.stdout.decode("utf-8", "backslashreplace"),
            done.stderr.decode("utf-8", "backslashreplace"),
        )
        assert code is None or said.code == code, f"pedigree {' '.join(words)} gave {said}"
        return said

    def write(self, path: str, text: str | bytes) -> Path:
        place = self.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(text.encode() if isinstance(text, str) else text)
        return place


def command(*words: str) -> list[str]:
    """The installed command, as pip's wrapper starts it, or the same entry point where there is no wrapper."""
    installed = Path(sys.executable).with_name("pedigree")
    if installed.exists():
        return [str(installed), *words]
    return [sys.executable, "-c", "import sys; from pedigree.cli.main import main; sys.exit(main())", *words]


def environment(more: dict[str, str] | None = None) -> dict[str, str]:
    """This process's variables without those that change what commands print, and with `more`."""
    hidden = {"NO_COLOR", "FORCE_COLOR", "COLUMNS", "PEDIGREE_AUTHOR"}
    kept = {name: value for name, value in os.environ.items() if name not in hidden}
    return {**kept, "PEDIGREE_AUTHOR": "Ada", **(more or {})}


def at_terminal(folder: Path, *words: str, columns: int = 80, env: dict[str, str] | None = None) -> tuple[int, str]:
    """Exit code and screen text of a command that has a terminal of that width on all three descriptors."""
    import fcntl
    import pty
    import struct
    import termios

    parent, child = pty.openpty()
    fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen(
        command(*words),
        cwd=folder,
        stdin=child,
        stdout=child,
        stderr=child,
        env=environment({"TERM": "xterm-256color", **(env or {})}),
        start_new_session=True,
    )
    os.close(child)
    pieces = []
    while True:
        try:
            piece = os.read(parent, 65536)
        except OSError:  # Linux answers EIO once the other side is closed
            break
        if not piece:
            break
        pieces.append(piece)
    os.close(parent)
    return process.wait(timeout=60), b"".join(pieces).decode("utf-8", "backslashreplace").replace("\r\n", "\n")
