"""A sweep from a script's command line: every point composed, validated and frozen before the first one starts."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pedigree.errors import InvalidConfig, InvalidInput, StepFailed, meant

if TYPE_CHECKING:
    from pedigree.config.entry.arguments import Asked
    from pedigree.config.entry.program import Program
    from pedigree.config.frozen import Frozen
    from pedigree.config.launching import Progress, Report, Sweep, Work

_LAUNCHERS = ("local", "submitit", "ray")


def run(program: Program, asked: Asked, overrides: Sequence[str]) -> int:
    """Lays out the sweep, or opens the one to go on with, and runs what is not done. Gives the exit code."""
    from pedigree.config.launching import open_sweep

    check(asked)
    if asked.resume is not None:
        if overrides:
            raise InvalidInput(
                f"--resume goes on with the points of {asked.resume}, and overrides were given: {' '.join(overrides)}.",
                remedy="Leave them out, or begin another sweep with --multirun.",
            )
        sweep = open_sweep(asked.resume)
    else:
        sweep = _planned(program, asked, overrides)
    jobs = f"{len(sweep.jobs)} job{'' if len(sweep.jobs) == 1 else 's'}"
    print(f"{jobs} in {os.path.relpath(sweep.path)}", file=sys.stderr)
    try:
        with launcher(asked, sweep.path) as chosen:
            report = sweep.run(chosen, failed=asked.retry, fail_fast=asked.fail_fast, progress=Bar(len(sweep.jobs)))
    except KeyboardInterrupt:
        return stopped(f"--resume {os.path.relpath(sweep.path)}")
    return _told(report, sweep, asked)


def stopped(words: str) -> int:
    """Says how to go on after Ctrl-C, which has stopped the jobs by now, and gives the exit code of SIGINT."""
    print(f"\nStopped. Go on with {words}.", file=sys.stderr)
    return 130


def frozen_points(program: Program, overrides: Sequence[str]) -> list[Frozen]:
    """Every point of the sweep, frozen, from one reading of the files. Raises InvalidConfig naming the bad points."""
    from pedigree.config.entry.hiding import hidden
    from pedigree.config.overrides import parse_all, points

    sources = program.sources()
    found: list[Frozen] = []
    problems: list[str] = []
    asked = parse_all(overrides)
    for point in points(asked, names=lambda group: sources.options(group.strip("/"))):
        try:
            found.append(program.frozen(point, sources))
        except InvalidInput as error:
            problems.append(hidden(f"{' '.join(point)}\n  " + error.message.replace("\n", "\n  "), point))
    if problems:
        shown = "\n".join(problems[:10]) + (f"\nand {len(problems) - 10} more" if len(problems) > 10 else "")
        raise InvalidConfig(
            f"{len(problems)} of {len(problems) + len(found)} points of the sweep are wrong; none was started.\n{shown}",
            remedy="Correct the overrides or the files.",
        )
    return found


def _planned(program: Program, asked: Asked, overrides: Sequence[str]) -> Sweep:
    from pedigree.config.entry import place
    from pedigree.config.launching import plan

    points = frozen_points(program, overrides)
    folder = asked.run or free(place.chosen("sweep", points[0].hydra, points[0].values, facts=program.facts()))
    return plan(folder, points, work(program, asked))


def work(program: Program, asked: Asked) -> Work:
    """The script itself, once for each job: PEDIGREE_CONFIG names the job's own frozen file, which it reads."""
    from pedigree.config.launching import command

    return command([sys.executable, *_started(program)], ranks=asked.ranks)


def _started(program: Program) -> list[str]:
    """How this interpreter was told of the script: `python -m package.train` is no file that could be run alone."""
    spec = getattr(sys.modules.get("__main__"), "__spec__", None)
    if spec is not None and program.function.__module__ == "__main__":
        return ["-m", spec.name.removesuffix(".__main__")]
    return [os.path.abspath(sys.argv[0])]


def free(path: str) -> str:
    """The path, or the first of `path-2`, `path-3`, … where nothing is."""
    number, found = 1, path
    while os.path.lexists(found):
        number += 1
        found = f"{path}-{number}"
    return found


def check(asked: Asked) -> None:
    """Raises InvalidInput for a launcher that is none, before anything is laid out."""
    if asked.launcher is not None and asked.launcher not in _LAUNCHERS:
        raise InvalidInput(
            f"There is no launcher {asked.launcher!r}.",
            remedy=f"{'Did you mean submitit? ' if 'slurm' in asked.launcher.lower() else meant(asked.launcher, _LAUNCHERS)}Use one of: {', '.join(_LAUNCHERS)}.",
        )


def launcher(asked: Asked, folder: str) -> Any:
    """The launcher that was asked for, to be used in a `with` block; what it writes for itself goes below `folder`."""
    from pedigree.config import launching

    settings = _settings(asked.settings)
    if asked.launcher == "submitit":
        cluster = settings.pop("cluster", None)
        return launching.Submitit(os.path.join(folder, "submitit"), cluster=cluster, jobs=asked.jobs, **settings)
    if asked.launcher == "ray":
        return launching.OnRay(**settings)
    return launching.Local(jobs=asked.jobs or 1, **settings)


def _settings(texts: Sequence[str]) -> dict[str, Any]:
    """What `--with KEY=VALUE` gives to the launcher, typed as values of overrides are."""
    from pedigree.config.overrides import parse_all

    return {one.key: one.value for one in parse_all(texts)}


class Bar:
    """Progress on stderr: one line that changes on a terminal, a line for each job that ended elsewhere."""

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs
        self.terminal = sys.stderr.isatty()

    def __call__(self, progress: Progress) -> None:
        ended = progress.job.state not in ("running", "pending")
        done = sum(progress.counts.get(state, 0) for state in ("done", "failed", "stopped"))
        if self.terminal:
            import shutil

            # A line that wraps would leave its first half behind at each redraw.
            room = shutil.get_terminal_size().columns - 1
            width = min(30, room // 3)
            full = round(width * done / max(1, self.jobs))
            bar = "━" * full + " " * (width - full)
            line = f"{bar} {done}/{self.jobs}  {progress.text}"
            sys.stderr.write(f"\r\x1b[K{line if len(line) <= room else line[: room - 1] + '…'}")
            if done == self.jobs:
                sys.stderr.write("\n")
            sys.stderr.flush()
        elif ended:
            print(progress.text, file=sys.stderr)


def _told(report: Report, sweep: Sweep, asked: Asked) -> int:
    if asked.json:
        import json

        rows = [
            {
                "job": job.name,
                "state": job.state,
                "overrides": list(job.overrides),
                "digest": job.digest,
                "result": job.result,
            }
            for job in report.jobs
        ]
        print(json.dumps(rows, indent=2, ensure_ascii=False))
    else:
        for job in report.jobs:
            result = "" if job.result is None else f"  {_shown(job.result)}"
            print(f"{job.state:8}{job.name}{result}")
    try:
        report.check()
    except StepFailed as error:
        print(f"{error.message}\nGo on with --resume {os.path.relpath(sweep.path)} --retry-failed.", file=sys.stderr)
        return error.exit_code
    return 0 if report.complete else 1


def _shown(result: Any) -> str:
    """A result for a terminal: six digits tell points of a sweep apart, and `--json` has them all."""
    if isinstance(result, dict):
        return ", ".join(f"{key} {_shown(value)}" for key, value in result.items())
    return f"{result:.6g}" if isinstance(result, float) else str(result)
