"""What it costs to freeze the points of a sweep, and to write, read and compare what was frozen: CPU, the least of many.

    python bench/freezing.py [--runs 15] [--json FILE]

A third of the leaves are interpolations; every leaf has a place of its own, and a tenth
lost to an override. Bars: a point of 62 leaves in at most 0.3 ms, without writing it; and in the file of 2,001 leaves
the places cost at most what the values cost. Exits with 1 when one is missed.
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

from pedigree.config.composed import Composed
from pedigree.config.frozen import diff, files, freeze
from pedigree.config.interpolation import resolve
from pedigree.config.origins import OWN, Origin

POINTS = 198
BAR_MS = 0.3


def tree(leaves: int) -> dict[str, Any]:
    """Groups of ten leaves; every third leaf refers to one of another group."""
    made: dict[str, Any] = {}
    for number in range(leaves):
        to = number * 7 % leaves
        to -= to % 3 == 2
        value: Any = number if number % 2 else f"text {number}"
        if number % 3 == 2:
            value = f"${{group{to // 10}.leaf{to % 10}}}"
        made.setdefault(f"group{number // 10}", {})[f"leaf{number % 10}"] = value
    return made


def composed(leaves: int, point: int) -> Composed:
    """The configuration of one point: a leaf of the first group has the number of the point."""
    raw = tree(leaves)
    raw["group0"]["leaf0"] = point
    line = 0
    origins: dict[Any, Any] = {OWN: Origin("file", "conf/config.yaml", 1, 1)}
    for group, inside in raw.items():
        places: dict[Any, Any] = {OWN: Origin("file", f"conf/{group}/base.yaml", 1, 1)}
        for key in inside:
            line += 1
            place = Origin("file", f"conf/{group}/base.yaml", line, 8)
            places[key] = Origin("override", f"{group}.{key}={line}", 0, 0, place) if line % 10 == 0 else place
        origins[group] = places
    resolved = resolve(raw)
    return Composed(resolved.tree, raw, origins, interpolations=resolved.origins)


def least_ms(work: Callable[[], Any], runs: int) -> float:
    least = float("inf")
    for _ in range(runs):
        start = time.process_time()
        work()
        least = min(least, time.process_time() - start)
    return least * 1000


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=15, help="runs per case")
    parser.add_argument("--json", metavar="FILE", help="write the figures to FILE too")
    arguments = parser.parse_args()
    runs = arguments.runs
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, least CPU of {runs} runs\n")
    points = [composed(62, point) for point in range(POINTS)]
    frozen = [freeze(one) for one in points]
    assert len({one.digest for one in frozen}) == POINTS
    sweep = least_ms(lambda: [freeze(one) for one in points], runs) / POINTS
    figures: dict[str, float] = {"freeze_62_ms": sweep}
    print(f"{'freeze, one of 198 points of 62 leaves':<42} {sweep:>8.3f} ms   <= {BAR_MS} ms")
    sizes: dict[str, int] = {}
    for leaves in (62, 2_001):
        one, other = freeze(composed(leaves, 0)), freeze(composed(leaves, 1))
        content = files.data(one)
        cases: dict[str, Callable[[], Any]] = {
            "write": lambda one=one: files.data(one),  # type: ignore[misc]  # bound in the loop
            "read": lambda content=content: files.parsed(content, "run.json"),  # type: ignore[misc]  # as above
            "diff": lambda one=one, other=other: diff(one, other),  # type: ignore[misc]  # as above
        }
        if leaves > 62:
            whole = composed(leaves, 0)
            cases = {"freeze": lambda whole=whole: freeze(whole), **cases}  # type: ignore[misc]  # as above
        for name, work in cases.items():
            figures[f"{name}_{leaves}_ms"] = least_ms(work, runs)
            print(f"{f'{name}, {leaves} leaves':<42} {figures[f'{name}_{leaves}_ms']:>8.3f} ms")
        found = json.loads(content)
        sizes = {
            "values": len(json.dumps(found["values"], indent=1)),
            "places": len(json.dumps(found["origins"], separators=(",", ":"))),
            "interpolations": len(json.dumps(found["interpolations"])),
        }
    print(f"\nbytes of the file of 2,001 leaves: {', '.join(f'{name} {size}' for name, size in sizes.items())}")
    met = sweep <= BAR_MS and sizes["places"] <= sizes["values"]
    print("met" if met else "MISSED")
    if arguments.json:
        Path(arguments.json).write_text(json.dumps({"cpu": figures, "bytes": sizes, "met": met}, indent=2) + "\n")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
