"""What tune writes: the best parameters, every trial as a row, and two pictures. No file holds a time of day."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path

from events import write_scalars
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from study import Study, Tried, is_loss

BLUE, GREY, ORANGE = "#1f5fa8", "#8a8a8a", "#d9822b"


def write(out: Path, study: Study, best: Tried) -> None:
    """`optimal_hp.json`, `trials.csv`, `study.sqlite`, `tensorboard/trial-NNN/`, `history.png` and `importance.png`."""
    (out / "optimal_hp.json").write_text(json.dumps(best.params, indent=1) + "\n")
    write_trials(out / "trials.csv", study)
    study.export(out / "study.sqlite")
    for trial in study.trials:
        if trial.looks:
            write_scalars(out / f"tensorboard/trial-{trial.number:03}", trial.looks)
    draw_history(out / "history.png", study)
    draw_importance(out / "importance.png", study)


def write_trials(path: Path, study: Study) -> None:
    """One row per trial: number, state, value (of complete ones), steps done, parameters, and the metric at every look."""
    metric, looks = study.search.metric, study.search.looks
    names = sorted(study.search.space)
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("trial", "state", metric, "steps", *names, *(f"{metric}@{step}" for step in looks)))
        for trial in study.trials:
            seen = [trial.looks[step][metric] if step in trial.looks else None for step in looks]
            params = [trial.params[name] for name in names]
            writer.writerow((trial.number, trial.state, trial.value, max(trial.looks, default=0), *params, *seen))


def draw_history(path: Path, study: Study) -> None:
    """The value of every trial by its number, and the best so far as a line; what was pruned is shown where it ended."""
    metric, trials = study.search.metric, study.trials
    better = min if is_loss(study.search) else max
    figure, axes = _figure(4.5)
    complete = [trial for trial in trials if trial.value is not None]
    pruned = [trial for trial in trials if trial.state == "pruned"]
    values = {trial.number: trial.value for trial in complete if trial.value is not None}
    best = [better(value for number, value in values.items() if number <= last) for last in values]
    axes.plot(
        [*values, trials[-1].number], [*best, *best[-1:]], color=BLUE, drawstyle="steps-post", label="best so far"
    )
    axes.scatter([*values], [*values.values()], color=BLUE, zorder=3, label=f"after all {study.search.steps} steps")
    if pruned:
        ends = [max(trial.looks) for trial in pruned]
        lasts = [trial.looks[end][metric] for trial, end in zip(pruned, ends, strict=True)]
        numbers = [trial.number for trial in pruned]
        axes.scatter(numbers, lasts, facecolors="white", edgecolors=GREY, zorder=3, label="pruned, where it ended")
        for number, last, end in zip(numbers, lasts, ends, strict=True):
            axes.annotate(f"step {end}", (number, last), (0, -12), textcoords="offset points", ha="center", fontsize=8)
    for trial in trials:
        if trial.state == "diverged":
            axes.axvline(trial.number, color=ORANGE, linestyle=":", label=f"trial {trial.number} diverged")
    axes.set(
        xlabel="trial (0 has today's values)", ylabel=f"{metric} of the validation part", title="Optimisation history"
    )
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.margins(y=0.15)
    axes.legend(loc="best", frameon=False)
    _save(figure, path)


def draw_importance(path: Path, study: Study) -> None:
    """The part of each parameter in the variance of the value, as bars; a sentence where it cannot be told."""
    found: Mapping[str, float] = study.importances()
    count = sum(trial.value is not None for trial in study.trials)
    names = [*found] or sorted(study.search.space)
    figure, axes = _figure(1.5 + 0.5 * len(names))
    bars = axes.barh(names, [found.get(name, 0.0) for name in names], color=BLUE, height=0.6)
    axes.bar_label(bars, [f"{found[name]:.2f}" if found else "" for name in names], padding=4)
    axes.invert_yaxis()
    axes.set(xlim=(0, 1.1), title="Importance of the parameters")
    axes.set_xlabel(f"part of the variance of {study.search.metric} (fANOVA over {count} complete trials)")
    if not found:
        text = "cannot be told: fewer than two complete trials, or all of one value"
        axes.text(0.55, (len(names) - 1) / 2, text, ha="center", va="center")
    _save(figure, path)


def _figure(height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(8, height), layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _save(figure: Figure, path: Path) -> None:
    figure.savefig(path, dpi=100, metadata={"Software": None})  # which names the version of matplotlib
