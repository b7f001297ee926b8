"""What each job of a sweep does: a command, or a function in a process of its own."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pedigree.errors import InvalidConfig

_WORKER = "pedigree.config.launching.worker"


@dataclass(frozen=True, slots=True)
class Work:
    """In `arguments`, `{config}` is put for the path of the job's frozen file and `{job}` for that of its folder.

    `ranks`: as many processes for each job, with the variables of torchrun; None for one process without them.
    """

    arguments: tuple[str, ...]
    directory: str
    ranks: int | None = None
    grace_s: float = 10.0

    def command(self, folder: str, config: str) -> tuple[str, ...]:
        """What is executed for this job."""
        places = {"{config}": config, "{job}": folder}
        return tuple(re.sub(r"\{config\}|\{job\}", lambda found: places[found[0]], one) for one in self.arguments)


def command(
    arguments: Sequence[str],
    *,
    directory: str | os.PathLike[str] = ".",
    ranks: int | None = None,
    grace_s: float = 10.0,
) -> Work:
    """Jobs that run this command, without a shell, in `directory`.

    The job finds its frozen file at `{config}` among the arguments and in the variable PEDIGREE_CONFIG. Exit code 0 is
    success. When it is to end it gets SIGTERM, and after `grace_s` SIGKILL.
    """
    words: list[object] = list(arguments)
    if isinstance(arguments, str) or not words or not all(isinstance(one, str) and one for one in words):
        raise InvalidConfig(
            f"The command of a job is {arguments!r}; it must be a list of its words.",
            remedy='Give a list: ["python", "train.py", "{config}"].',
        )
    if ranks is not None and ranks < 1:
        raise InvalidConfig(f"A job cannot have {ranks} ranks.", remedy="Give 1 or more, or None for a plain process.")
    return Work(tuple(arguments), os.path.abspath(directory), ranks, grace_s)


def function(
    call: Callable[[str], Any],
    *,
    directory: str | os.PathLike[str] = ".",
    ranks: int | None = None,
    grace_s: float = 10.0,
) -> Work:
    """Jobs that call this function with the path of their frozen file, in a new interpreter each.

    What it returns, unless None, becomes the job's result. It must stand at the top of a module or of the script
    that runs; a script runs again up to its `if __name__ == "__main__":`, as with `multiprocessing`.
    """
    module, name = getattr(call, "__module__", None), getattr(call, "__qualname__", "")
    source = getattr(sys.modules.get(module or ""), "__file__", None)
    if module is None or not name.isidentifier() or source is None:
        raise InvalidConfig(
            f"{call!r} cannot be found by another process.",
            remedy="Define the function at the top of a module, with a name.",
        )
    source = os.path.abspath(source)
    root = os.path.dirname(source)
    if module == "__main__":
        target = f"{source}:{name}"
    else:
        target = f"{module}:{name}"
        levels = module.count(".") + (os.path.basename(source) == "__init__.py")
        for _ in range(levels):
            root = os.path.dirname(root)
    if "{" in target + root:
        raise InvalidConfig(
            f"The path {root} holds a brace, which marks places.", remedy="Move the code to a folder without one."
        )
    arguments = (sys.executable, "-P", "-m", _WORKER, target, root, "{config}")
    return Work(arguments, os.path.abspath(directory), ranks, grace_s)
