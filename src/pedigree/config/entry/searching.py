"""A search from a script's command line: Optuna chooses points, each is frozen before its job starts."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pedigree.config.entry import place, sweeping
from pedigree.errors import NotFound

if TYPE_CHECKING:
    from pedigree.config.entry.arguments import Asked
    from pedigree.config.entry.program import Program
    from pedigree.config.launching import SearchReport


def run(program: Program, asked: Asked, overrides: Sequence[str]) -> int:
    """Runs the trials that are asked for, or goes on with the search in --resume. Gives the exit code."""
    from pedigree.config.launching import search

    assert asked.search is not None
    sweeping.check(asked)
    folder = asked.resume or asked.run or sweeping.free(place.chosen("sweep", {}, {}, facts=program.facts()))
    if asked.resume is not None and not overrides:
        overrides = _begun(asked.resume)
    sources = program.sources()
    print(f"{asked.search} trials in {os.path.relpath(folder)}", file=sys.stderr)
    try:
        with sweeping.launcher(asked, folder) as launcher:
            report = search(
                folder,
                overrides,
                lambda point: program.frozen(point, sources),
                sweeping.work(program, asked),
                launcher,
                trials=asked.search,
                objective=asked.objective,
                direction="maximize" if asked.maximize else "minimize",
                seed=asked.seed or 0,
                progress=sweeping.Bar(asked.search),
            )
    except KeyboardInterrupt:
        return sweeping.stopped(f"the same words and --resume {os.path.relpath(folder)}")
    return _told(report, asked)


def _begun(folder: str) -> Sequence[str]:
    """The overrides that a search was begun with; none where they have secrets, which are written nowhere."""
    from pedigree.config.launching import open_sweep

    space = open_sweep(folder).extra.get("search", {}).get("space", [])
    return [] if any(one.endswith("=***") for one in space) else space


def _told(report: SearchReport, asked: Asked) -> int:
    if asked.json:
        import json

        print(json.dumps({"folder": report.path, "trials": report.rows()}, indent=2, ensure_ascii=False))
    else:
        print(report.table())
    try:
        best = report.best
    except NotFound as error:
        failed = [trial for trial in report.trials if trial.problem]
        why = f"Trial {failed[0].number}: {failed[0].problem}" if failed else error.remedy or ""
        if "reported" in why and asked.objective is None:
            why += " --objective KEY names a number in a dict."
        print(f"{error.message}\n{why}", file=sys.stderr)
        return 1
    where = os.path.relpath(os.path.join(report.path, "jobs", best.job, "config.json"))
    print(f"The best is trial {best.number}; run it again with --from {where}.", file=sys.stderr)
    return 0
