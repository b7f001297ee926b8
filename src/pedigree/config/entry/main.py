"""`@config.main`: a function that takes a configuration becomes a script with a command line."""

from __future__ import annotations

import functools
import gc
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from types import FunctionType
from typing import TYPE_CHECKING, Any

from pedigree.errors import InvalidConfig, InvalidInput

if TYPE_CHECKING:
    from pedigree.config.composing import Dialect
    from pedigree.config.composing.sources import Source
    from pedigree.config.interpolation import Resolvers


class Main:
    """The function with its command line: call it without arguments to read `sys.argv`, or with a configuration.

    `run(words)` does what those words ask for and gives the exit code.
    """

    def __init__(self, function: Callable[..., Any], program: Any) -> None:
        functools.update_wrapper(self, function)
        self.function = function
        self.program = program

    def __call__(self, *configuration: Any) -> Any:
        if configuration:
            return self.function(*configuration)
        # What was imported up to here stays to the end of the script. Out of the collector's sight, it costs no time in
        # any later collection: not while the configuration is made, not in training, not at the exit (25 ms of 220).
        gc.freeze()
        code = self.run(sys.argv[1:])
        if code:
            raise SystemExit(code)
        return None

    def run(self, words: Sequence[str]) -> int:
        from pedigree.config.entry.program import run

        return run(self.program, words)


def main(
    model: type[Any] | None = None,
    *,
    directory: str | os.PathLike[str] = "conf",
    name: str = "config",
    search: Iterable[str | Source] = (),
    dialect: Dialect = "hydra-1.3",
    resolvers: Resolvers | None = None,
) -> Callable[[Callable[..., Any]], Main]:
    """Makes a script of a function of one argument, the configuration: an instance of `model`, or plain values.

    `directory` counts from the file that the function is in. The script composes its configuration from the overrides
    on its command line, validates it before anything runs, and writes it, frozen, to `outputs/DATE/TIME/config.json`,
    from rank 0 alone; `--help` tells what else it takes. The folder is in PEDIGREE_RUN. Processes that the function
    starts find the frozen file in PEDIGREE_CONFIG and do not compose again. `search`, `dialect` and `resolvers` are those of
    `compose`. Raises InvalidInput where it decorates something else than a function.

    >>> @config.main(Training)
    ... def train(settings: Training) -> float: ...
    """
    if isinstance(model, FunctionType):
        raise InvalidInput("@config.main needs its brackets.", remedy="Write @config.main() or @config.main(Model).")

    def decorate(function: Callable[..., Any]) -> Main:
        from pedigree.config.entry.program import Program

        code = getattr(function, "__code__", None)
        if code is None:
            raise InvalidConfig(f"@config.main decorates a function, and {function!r} is none.", remedy="Write a def.")
        folder = os.path.join(os.path.dirname(os.path.abspath(code.co_filename)), os.fspath(directory))
        shown = os.path.relpath(folder)
        place = folder if shown.startswith("..") else shown
        program = Program(function, model, place, name, tuple(search), dialect, resolvers)
        return Main(function, program)

    return decorate
