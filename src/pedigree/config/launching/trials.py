"""What became of a search: its trials, the best of them, and a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pedigree.errors import NotFound


@dataclass(frozen=True, slots=True)
class Trial:
    """`state` is done, failed or running; `parameters` has the texts of choices, and numbers."""

    number: int
    state: str
    value: float | None
    parameters: dict[str, Any]
    job: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class SearchReport:
    """The trials by number. `direction` is minimize or maximize."""

    trials: tuple[Trial, ...]
    direction: str
    path: str

    @property
    def best(self) -> Trial:
        """The trial with the best value; of equals the first. Raises NotFound where none is done."""
        done = [trial for trial in self.trials if trial.state == "done" and trial.value is not None]
        if not done:
            problems = list(dict.fromkeys(trial.problem for trial in self.trials if trial.problem))
            told = "".join(f"\n  {problem}" for problem in problems[:5])
            raise NotFound(
                f"None of the {len(self.trials)} trials of {self.path} is done.{told}",
                remedy="The log of each is in its folder, jobs/*/log-1.txt.",
            )
        sign = 1 if self.direction == "minimize" else -1
        return min(done, key=lambda trial: sign * (trial.value or 0.0))

    def rows(self) -> list[dict[str, Any]]:
        """One flat dict a trial, with every parameter: for a table of pandas, polars or a file."""
        return [
            {"number": one.number, "state": one.state, "value": one.value, **one.parameters, "job": one.job}
            for one in self.trials
        ]

    def table(self, *, limit: int = 20) -> str:
        """The best trials first, as text; those that failed last."""
        sign = 1 if self.direction == "minimize" else -1
        ranked = sorted(self.trials, key=lambda one: (one.value is None, sign * (one.value or 0.0), one.number))[:limit]
        keys = list(dict.fromkeys(key for one in ranked for key in one.parameters))
        lines = [["trial", "state", "value", *keys]]
        for one in ranked:
            value = "" if one.value is None else f"{one.value:.6g}"
            lines.append([str(one.number), one.state, value, *(_cell(one.parameters.get(key)) for key in keys)])
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        return "\n".join(
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
        )


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
