"""One run of a script: its configuration composed or read, validated, kept, and given to its function."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from pedigree.config.entry import arguments, given
from pedigree.config.entry.arguments import Asked
from pedigree.config.variables import CONFIG, JOB, RUN
from pedigree.errors import InvalidConfig, InvalidInput, PedigreeError

if TYPE_CHECKING:
    from pedigree.config.composed import Composed
    from pedigree.config.composing import Dialect, Sources
    from pedigree.config.composing.changes import HasKey
    from pedigree.config.composing.sources import Source
    from pedigree.config.frozen import Frozen
    from pedigree.config.interpolation import Resolvers


class Program(NamedTuple):
    """A function with what it is configured by."""

    function: Callable[..., Any]
    model: type[Any] | None
    directory: str
    name: str
    search: tuple[str | Source, ...] = ()
    dialect: Dialect = "hydra-1.3"
    resolvers: Resolvers | None = None

    @property
    def script(self) -> str:
        return os.path.basename(sys.argv[0]) or "script.py"

    def facts(self) -> dict[str, Any]:
        """What `${hydra:…}` reads of a run, as far as it is known before composing."""
        return {"job": {"name": os.path.splitext(self.script)[0]}, "runtime": {"cwd": os.getcwd()}}

    def sources(self) -> Sources:
        """The search path, files not read yet. Raises InvalidConfig where the folder is not there."""
        from pedigree.config.composing.composition import search_path

        return search_path(self.directory, self.search, self.dialect)

    def composed(self, overrides: Sequence[str], sources: Sources | None = None, **more: Any) -> Composed:
        from pedigree.config.composing import compose

        return compose(
            self.directory,
            self.name,
            overrides,
            sources=self.sources() if sources is None else sources,
            dialect=self.dialect,
            environment={RUN: os.path.abspath("outputs"), **os.environ},  # until the run has a folder
            hydra=self.facts(),
            resolvers=self.resolvers,
            has_key=self._has_key() if overrides else None,
            **more,
        )

    def _has_key(self) -> HasKey | None:
        if self.model is None:
            return None
        from pedigree.config.models import has_key

        return has_key(self.model)

    def frozen(self, overrides: Sequence[str], sources: Sources | None = None) -> Frozen:
        from pedigree.config.frozen import freeze

        return freeze(self.composed(overrides, sources), self.model)

    def call(self, frozen: Frozen) -> Any:
        """What the function gives for this configuration."""
        return self.function(frozen.resolved() if self.model is None else frozen.as_model(self.model))


def run(program: Program, words: Sequence[str]) -> int:
    """Does what the words of the command line ask for, and gives the exit code. Errors of ours become text on stderr."""
    try:
        return _run(program, arguments.read(words))
    except PedigreeError as error:
        from pedigree.config.entry.hiding import hidden

        typed = [*words, *os.environ.get(given.VARIABLE, "").splitlines()]
        print(hidden(f"{program.script}: {error.message}", typed), file=sys.stderr)
        if error.remedy:
            print(hidden(error.remedy, typed), file=sys.stderr)
        return error.exit_code


def _run(program: Program, asked: Asked) -> int:
    # Folders that are typed count from here; the one in the decorator counts from the script.
    program = program._replace(
        directory=asked.directory or program.directory,
        name=asked.name or program.name,
        search=(*program.search, *map(_there, asked.more)),
    )
    overrides = given.gathered(asked.files, os.environ, asked.overrides)
    if asked.help:
        return _help(program)
    if asked.search is not None:
        from pedigree.config.entry import searching

        return searching.run(program, asked, overrides)
    if asked.sweep or asked.resume:
        from pedigree.config.entry import sweeping

        return sweeping.run(program, asked, overrides)
    if asked.what != "defaults":
        _refuse_sweeps(overrides)
    if asked.what == "defaults":
        return _defaults(program, overrides)
    if asked.why is not None:
        return _why(program, asked, overrides)
    source = asked.source or os.environ.get(CONFIG)
    if asked.source is None and asked.what is None and source is not None and _is_of_a_step(source):
        return _step(program, overrides)
    frozen = program.frozen(overrides) if source is None else _read(source, asked, overrides)
    if asked.what is not None:
        return _print(frozen, asked.what)
    if source is None:
        _warn(program, frozen)
    if os.environ.get(JOB):
        os.environ[RUN] = os.environ[JOB]  # one name for the folder of results, sweep or not
    elif not asked.no_run and (source is None or _writes(asked, frozen)):
        _keep(program, asked, frozen)
    result = program.call(frozen)
    if result is not None and os.environ.get(JOB):
        from pedigree.config.launching import report

        report(result)
    return 0


def _is_of_a_step(source: str) -> bool:
    """Whether PEDIGREE_CONFIG names values alone, as in the step of a pipeline, and no frozen file."""
    from pedigree.config.entry.current import is_frozen

    try:
        with open(source, "rb") as file:
            return not is_frozen(file.read(200))
    except OSError:
        return False  # reading it says why


def _step(program: Program, overrides: Sequence[str]) -> int:
    """Runs as the step of a pipeline, whose spec has chosen the configuration and keeps it; writes no folder of a run."""
    from pedigree.config.entry.current import current

    if overrides:
        raise InvalidConfig(
            f"{CONFIG} names the configuration that a pipeline gave to its step, and overrides were given beside it: "
            f"{' '.join(overrides)}.",
            remedy="Write them into the pipeline's spec, config: {overrides: [...]}, so that they count there.",
        )
    program.function(current() if program.model is None else current(program.model))
    return 0


def _there(folder: str) -> str:
    """A folder that --config-dir names. Raises InvalidConfig where it is not there: nobody would miss its files."""
    if not os.path.isdir(folder):
        raise InvalidConfig(
            f"--config-dir names {folder}, and there is no such folder.",
            remedy="Name a folder with more configuration files; --config-path composes from another one alone.",
        )
    return folder


def _refuse_sweeps(overrides: Sequence[str]) -> None:
    """Raises InvalidInput for several values where one run is asked for, with the option that was left out."""
    from pedigree.config.overrides import parse_all

    for one in parse_all(overrides):
        if one.is_sweep:
            raise InvalidInput(
                f"{one.text} asks for several values, and one run is asked for.",
                remedy="Add --multirun to run them all, or put the value in quotes if it is one text: key='a,b'.",
            )


def _read(source: str, asked: Asked, overrides: Sequence[str]) -> Frozen:
    """The frozen file, or that of the folder of a run, which overrides that it does not hold would contradict."""
    from pedigree.config.frozen import read

    frozen = read(os.path.join(source, "config.json") if os.path.isdir(source) else source)
    typed = list(overrides)
    if typed and typed != list(frozen.overrides):
        where = "--from" if asked.source else CONFIG
        raise InvalidConfig(
            f"{where} names {source}, which is frozen, and overrides were given beside it: {' '.join(typed)}.",
            remedy=f"Leave the overrides out to run it as it was, or leave {where} out to compose anew.",
        )
    return frozen


def _warn(program: Program, frozen: Frozen) -> None:
    """Says on stderr what is deprecated, and what of Hydra's settings would have run otherwise."""
    if not _is_main():
        return
    for text in frozen.warnings:
        print(f"{program.script}: {text}", file=sys.stderr)
    job = frozen.hydra.get("job")
    if isinstance(job, dict) and job.get("chdir"):
        print(
            f"{program.script}: hydra.job.chdir: the working folder stays; {RUN} names that of the run.",
            file=sys.stderr,
        )
    if isinstance(job, dict) and job.get("env_set"):
        print(f"{program.script}: hydra.job.env_set sets nothing here; set the variables yourself.", file=sys.stderr)
    sweeper = frozen.hydra.get("sweeper")
    params = sweeper.get("params") if isinstance(sweeper, dict) else None
    if frozen.hydra.get("mode") == "MULTIRUN" or params:
        import shlex

        words = shlex.join(f"{key}={value}" for key, value in params.items()) if isinstance(params, dict) else ""
        print(
            f"{program.script}: this is one run: hydra.mode and hydra.sweeper are for Hydra alone. Add --multirun or --search N"
            + (f" with {words}." if words else "."),
            file=sys.stderr,
        )


def _writes(asked: Asked, frozen: Frozen) -> bool:
    """Whether a rerun has a folder of its own: where one is named, and where the configuration says what goes there."""
    return asked.source is not None and (asked.run is not None or RUN in frozen.environment.variables)


def _keep(program: Program, asked: Asked, frozen: Frozen) -> None:
    """Writes the frozen file into the folder of the run, from rank 0 alone, and tells processes started from here."""
    from pedigree.config.entry import place

    folder = asked.run or place.chosen("run", frozen.hydra, frozen.values, facts=program.facts())
    if not _is_main():
        os.environ[RUN] = os.path.abspath(folder)
        return
    if asked.run is not None:
        os.makedirs(folder, exist_ok=True)
    else:
        folder = place.fresh(folder)
    path = os.path.abspath(os.path.join(folder, "config.json"))
    if asked.run is not None:
        _refuse_other(path, frozen)
    frozen.write(path)
    os.environ[RUN] = os.path.dirname(path)
    os.environ[CONFIG] = path


def _refuse_other(path: str, frozen: Frozen) -> None:
    """Raises InvalidConfig where the folder that was named holds the record of another run."""
    from pedigree.config.frozen import read

    if os.path.exists(path) and read(path).digest != frozen.digest:
        raise InvalidConfig(
            f"{os.path.relpath(path)} is the frozen configuration of another run, and would be written over.",
            remedy="Name another --run-dir, or delete the folder.",
        )


def _is_main() -> bool:
    from pedigree.config.launching.variables import NAMES

    if NAMES.isdisjoint(os.environ):  # no launcher has left a word
        return True
    from pedigree.config.launching import DistEnv

    return DistEnv.from_env().is_main


def _print(frozen: Frozen, what: str) -> int:
    if what == "yaml":
        import yaml

        sys.stdout.write(yaml.dump(frozen.as_dict(), Dumper=_dumper(), sort_keys=False, allow_unicode=True))
    elif what == "json":
        import json

        print(json.dumps(frozen.as_dict(), indent=2, ensure_ascii=False))
    else:
        from pedigree.config.frozen.files import text

        sys.stdout.write(text(frozen))
    return 0


def _dumper() -> Any:
    import yaml

    return getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def _defaults(program: Program, overrides: Sequence[str]) -> int:
    """The files in the order in which they are laid over one another, as Hydra's `--info defaults` shows them."""
    composed = program.composed(overrides, missing="keep", resolved=False)
    for file in composed.files:
        print(file)
    return 0


def _why(program: Program, asked: Asked, overrides: Sequence[str]) -> int:
    from pedigree.config.explanation import why

    assert asked.why is not None
    answer = why(program.frozen(overrides), asked.why)
    if asked.json:
        import json

        print(json.dumps(answer.as_json(), indent=2, ensure_ascii=False))
    else:
        print("\n".join(answer.lines()))
    return 3 if answer.kind == "nothing" else 0  # as `pedigree config why`


def _help(program: Program) -> int:
    print(arguments.USAGE.format(script=program.script, directory=program.directory, name=program.name))
    doc = (program.function.__doc__ or "").strip()
    if doc:
        print(f"{doc}\n")
    try:
        sources = program.sources()
        composed = program.composed((), sources, missing="keep", resolved=False)
    except (InvalidConfig, InvalidInput) as error:
        print(f"(the configuration does not compose: {error.message})")
        return 0
    groups = [(key, option) for key, option in composed.choices.items() if not key.startswith("hydra")]
    if groups:
        print("Groups")
        for key, option in groups:
            shown = "(none)" if option is None else option
            there = ", ".join(sources.options(key.partition("@")[0]))
            print(f"  {key}={shown}  of {there}" if there else f"  {key}={shown}  (optional, and not there)")
        print()
    if composed.raw:
        import yaml

        print("Keys")
        text = yaml.dump(composed.raw, Dumper=_dumper(), sort_keys=False, allow_unicode=True)
        print("".join(f"  {line}\n" for line in text.splitlines()))
    return 0
