"""`capture_environment`: everything about this process that may decide a result and is not its input."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from pedigree.training.environment import (
    code,
    distributions,
    gpus,
    interpreter,
    numerics,
    processors,
    system,
    threads,
    variables,
)
from pedigree.training.environment.captured import Environment, of_facts


def capture_environment(
    *,
    project: str | os.PathLike[str] | None = None,
    import_torch: bool = False,
    extra_variables: Sequence[str] = (),
    diff_bytes: int = 100_000,
) -> Environment:
    """Interpreter, packages, system, processors, threads, numeric settings, variables and code, as they are now.

    `project` is a folder in a git work tree; the current folder without it. Its uncommitted diff is kept as a digest, and as text
    up to `diff_bytes`: 0 keeps no text, for those whose code may not be copied into records.
    Libraries are asked for their settings only when this process has imported them, since importing torch takes seconds and starts
    threads; `import_torch` imports it. The driver is asked through nvidia-smi where that exists (up to 10 s on a busy machine).
    Of environment variables an allow-list is kept (variables.NAMES), and `extra_variables` by name. No host name, user, process
    number, address, path of a home folder or time is kept, so that captures of equal machines are equal.
    Raises InvalidInput for an extra variable that is called like a secret.
    """
    torch = numerics.torch_module(load=import_torch)
    folder = os.fspath(project) if project is not None else os.getcwd()
    facts: dict[str, Any] = {
        "code": code.facts(folder, diff_bytes=diff_bytes),
        "packages": distributions.facts(),
        "interpreter": interpreter.facts(),
        "system": system.facts(),
        "cpu": processors.facts(),
        "gpu": gpus.facts(torch),
        "threads": threads.facts(torch),
        "numerics": numerics.facts(torch),
        "variables": variables.facts(os.environ, extra_variables),
    }
    return of_facts(facts)
