"""Pages that are run: every block of a page of docs/, in order, in a folder of its own."""

from __future__ import annotations

import contextlib
import io
import os
import re
import subprocess
import sys
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"

#: A block with its language, what stands behind it, and the output below where there is one.
BLOCK = re.compile(r"^```(\w+)(?: ([^\n]+))?\n(.*?)^```\n(?:\n```\n(.*?)^```\n)?", re.DOTALL | re.MULTILINE)
EXITS = {None: 0, "differ": 1, "refused": 2, "nothing": 3}


def run(page: str, folder: Path) -> int:
    """Runs the page in the folder, which is the working one, and gives the number of things run.

    A block with the name of a file behind its language writes that file. `$ ` is typed, in `console`; `refused` behind it
    says that the exit code is 2, `differ` 1, `nothing` 3. `python` without a name is executed, all of it in one
    interpreter. What is printed is compared, and nothing but blanks at the ends of lines is normalised.
    """
    names: dict[str, object] = {"__name__": "guide"}
    done = 0
    for language, behind, body, output in BLOCK.findall((DOCS / page).read_text()):
        if language == "console":
            for part in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
                command, _, expected = part.partition("\n")
                done += 1
                code, printed = typed(command, folder)
                assert printed == expected, f"{page}: $ {command}"
                assert code == EXITS[behind or None], f"{page}: $ {command}"
        elif behind:
            path = folder / behind
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(body)
        elif language == "python":
            done += 1
            stream = io.StringIO()
            with contextlib.redirect_stdout(stream):
                exec(compile(body, page, "exec", dont_inherit=True), names)  # noqa: S102  (the page of this repository)
            assert stream.getvalue() == output, f"{page}: {body}"
    return done


def typed(command: str, folder: Path) -> tuple[int, str]:
    """Exit code and both outputs of a command, with a bare environment."""
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "COLUMNS": "160",
    }
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return done.returncode, re.sub(r"[ \t]+$", "", done.stdout, flags=re.MULTILINE)
