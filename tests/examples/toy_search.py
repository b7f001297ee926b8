"""A search of seconds: trials that are formulas, in real workers, under a real study. Also a program, to be killed.

python -m tests.examples.toy_search OUT CHECKPOINTS AT_ONCE
"""

from __future__ import annotations

import json
import math
import os
import random
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pedigree.errors import NonFinite
from tests.examples.steps import importable, load

SEARCH: dict[str, Any] = {
    "version": 1,
    "metric": "iou/mean",
    "trials": 10,
    "together": 3,
    "steps": 8,
    "min_steps": 2,
    "reduction": 2,
    "startup": 2,
    "threads": 1,
    "space": {
        "learning_rate": {"kind": "float", "low": 0.001, "high": 1.0, "log": True},
        "weight_decay": {"kind": "float", "low": 0.0, "high": 0.1},
        "batch": {"kind": "int", "low": 2, "high": 16, "step": 2},
    },
}
TODAY: dict[str, Any] = {"batch": 8, "learning_rate": 0.01, "weight_decay": 0.01}


@dataclass(frozen=True)
class Toy:
    """Values are a formula of the parameters and the step; how long a step takes is left to chance.

    `log` gets a line for every step that is computed. Parameters of which `diverges` says so lead to no number at step 3;
    at the step of `dies` the first process that comes there is killed.
    """

    log: Path
    pause_s: float = 0.003
    above: float = math.inf
    dies: Path | None = None

    def prepare(self) -> Callable[[Mapping[str, Any], Path, Callable[[int, Mapping[str, float]], None]], None]:
        chance = random.Random()

        def run(params: Mapping[str, Any], folder: Path, look: Callable[[int, Mapping[str, float]], None]) -> None:
            folder.mkdir(parents=True, exist_ok=True)
            at = folder / "at"  # every second step is kept, as an epoch may be several looks
            for step in range(int(at.read_text()) + 1 if at.exists() else 1, SEARCH["steps"] + 1):
                time.sleep(chance.random() * 2 * self.pause_s)
                with self.log.open("a") as log:
                    log.write(json.dumps([params, step]) + "\n")
                if params["learning_rate"] > self.above and step == 3:
                    raise NonFinite("The loss became NaN.")
                if self.dies is not None and step == 5 and self.dies.exists():
                    self.dies.unlink()
                    os.kill(os.getpid(), 9)
                off = math.log10(params["learning_rate"] / 0.05) ** 2 + params["weight_decay"] + params["batch"] / 50
                look(step, {"iou/mean": (1 - math.exp(-step / 3)) / (1 + off), "loss/training": off / step})
                if step % 2 == 0:
                    part = folder / "part"
                    part.write_text(str(step))
                    part.rename(at)

        return run


def settings(**changed: Any) -> Any:
    return load("settings_tune").Search.model_validate(SEARCH | changed)


def study(kept: Path, recipe: Mapping[str, Any] | None = None, **changed: Any) -> Any:
    """The study in the folder. The recipe is that of the search unless one is given."""
    kept.mkdir(parents=True, exist_ok=True)
    search = settings(**changed)
    space = load("space").distributions(search.space)
    recipe = {"search": search.model_dump(mode="json"), **(recipe or {})}
    return load("study").Study(kept / "study.sqlite", search, space, TODAY, recipe, 7)


def search(out: Path, kept: Path, at_once: int, toy: Toy, **changed: Any) -> dict[str, bytes]:
    """Search, write what was found, and give it by file name."""
    found = study(kept, **changed)
    load("lockstep").search(found, toy, kept, at_once)
    out.mkdir()
    load("tuned").write(out, found, found.best)
    return {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}


if __name__ == "__main__":
    out, kept, at_once = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    with importable():
        search(out, kept, at_once, Toy(kept.with_name("log"), pause_s=0.02))
