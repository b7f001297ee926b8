"""What it costs to resolve a configuration, against OmegaConf in the same run: CPU, the least of many runs in turns.

    python bench/interpolation.py [--runs 15] [--json FILE]

A third of the leaves are interpolations: half of them a reference alone, the others text around one. `cold` forgets
every parsed text before each run. Bar: at least 15 times faster than `OmegaConf.create` and `to_container`
with `resolve=True`, from a plain tree to a plain tree, both cold and warm. Exits with 1 when it is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from pedigree.config.interpolation import grammar, resolve

TIMES = 15.0


def tree(leaves: int) -> dict[str, Any]:
    """Groups of ten leaves; every third leaf refers to one of another group."""
    made: dict[str, Any] = {}
    for number in range(leaves):
        group = made.setdefault(f"group{number // 10}", {})
        to = number * 7 % leaves
        to -= to % 3 == 2
        other = f"group{to // 10}.leaf{to % 10}"
        value: Any = number if number % 2 else f"text {number}"
        if number % 3 == 2:
            value = f"${{{other}}}" if number % 2 else f"from ${{{other}}} to {number}"
        group[f"leaf{number % 10}"] = value
    return made


def least_ms(work: Callable[[], Any], before: Callable[[], Any]) -> float:
    before()
    start = time.process_time()
    work()
    return (time.process_time() - start) * 1000


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=15, help="runs per case, taken in turns")
    parser.add_argument("--json", metavar="FILE", help="write the figures to FILE too")
    arguments = parser.parse_args()
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, least CPU of {arguments.runs} runs\n")
    print(f"{'leaves':>6} {'OmegaConf ms':>13} {'cold ms':>8} {'warm ms':>8} {'x cold':>7} {'x warm':>7}  bar")
    figures: dict[str, dict[str, float]] = {}
    met = True
    for leaves in (62, 2_001):
        plain = tree(leaves)

        def peer(plain: dict[str, Any] = plain) -> Any:
            return OmegaConf.to_container(OmegaConf.create(plain), resolve=True)

        def ours(plain: dict[str, Any] = plain) -> Any:
            return resolve(plain).tree

        assert ours() == peer()
        cases: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
            "omegaconf": (peer, lambda: None),
            "cold": (ours, grammar.forget),
            "warm": (ours, lambda: None),
        }
        times: dict[str, list[float]] = {name: [] for name in cases}
        for _ in range(arguments.runs):
            for name, (work, before) in cases.items():
                times[name].append(least_ms(work, before))
            ours()
        least = {name: min(values) for name, values in times.items()}
        figures[str(leaves)] = least
        cold, warm = least["omegaconf"] / least["cold"], least["omegaconf"] / least["warm"]
        good = min(cold, warm) >= TIMES
        met &= good
        print(
            f"{leaves:>6} {least['omegaconf']:>13.2f} {least['cold']:>8.3f} {least['warm']:>8.3f} {cold:>7.1f} {warm:>7.1f}"
            f"  >= {TIMES:g} x  {'met' if good else 'MISSED'}"
        )
    if arguments.json:
        Path(arguments.json).write_text(json.dumps({"cpu_ms": figures, "met": met}, indent=2) + "\n")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
