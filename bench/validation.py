"""What it costs to validate a configuration, beside Pydantic alone in the same run: CPU, the least of many runs in turns.

    python bench/validation.py [--runs 200] [--json FILE]

`pydantic` is `model_validate` of the same fields with Pydantic's own base class. `ours` is `validate`: near-strict, with
the values written plain and an origin for each. `secrets` is the same with a secret in every group of twenty, half of
them from an interpolation. `defaults` leaves out half of the values. Bar: at most 1 ms beyond Pydantic for 2,001 leaves
that are all right. Exits with 1 when it is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

from pydantic import BaseModel, create_model

from pedigree.config.interpolation import Origin as Interpolated
from pedigree.config.models import Config, Secret, validate
from pedigree.config.origins import Origin, spread

BAR_MS = 1.0
KINDS: tuple[tuple[type, Any], ...] = ((float, 0.5), (int, 3), (str, "some text"), (bool, True), (float, 1e-3))


def model(base: type[BaseModel], leaves: int, secret: bool = False) -> type[BaseModel]:
    """Groups of twenty leaves, each group a class of its own."""
    groups: dict[str, Any] = {}
    for start in range(0, leaves, 20):
        size = min(20, leaves - start)
        fields: dict[str, Any] = {f"leaf{number}": KINDS[number % 5] for number in range(size)}
        if secret:
            fields["leaf2"] = (Secret[str], ...)
        groups[f"group{start // 20}"] = (create_model(f"Group{start // 20}", __base__=base, **fields), ...)
    return cast(type[BaseModel], create_model("Whole", __base__=base, **groups))


def values(leaves: int, every: int = 1, secret: bool = False) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for start in range(0, leaves, 20):
        size = min(20, leaves - start)
        group = {f"leaf{number}": KINDS[number % 5][1] for number in range(0, size, every)}
        if secret:
            group["leaf2"] = "env:TOKEN" if start % 40 else "what the variable holds"
        made[f"group{start // 20}"] = group
    return made


def brought(tree: Mapping[str, Any]) -> dict[tuple[Any, ...], Interpolated]:
    one = Interpolated("${oc.env:TOKEN}", (), frozenset({"TOKEN"}), True)
    return {(name, "leaf2"): one for name, group in tree.items() if group["leaf2"] != "env:TOKEN"}


def least_ms(work: Callable[[], Any]) -> float:
    start = time.process_time()
    work()
    return (time.process_time() - start) * 1000


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=200, help="runs per case, taken in turns")
    parser.add_argument("--json", metavar="FILE", help="write the figures to FILE too")
    arguments = parser.parse_args()
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, least CPU of {arguments.runs} runs\n")
    print(
        f"{'leaves':>6} {'pydantic ms':>12} {'ours ms':>8} {'beyond ms':>10} {'defaults ms':>12} {'secrets ms':>11}  bar"
    )
    figures: dict[str, dict[str, float]] = {}
    met = True
    file = Origin("file", "conf/run.yaml", 1, 1)
    for leaves in (62, 2_001):
        theirs, plain = model(BaseModel, leaves), model(Config, leaves)
        secret = model(Config, leaves - leaves % 20, secret=True)
        given, half = values(leaves), values(leaves, every=2)
        hidden = values(leaves - leaves % 20, secret=True)
        origins, half_origins, hidden_origins = spread(given, file), spread(half, file), spread(hidden, file)
        interpolations = brought(hidden)
        cases: dict[str, Callable[[], Any]] = {
            "pydantic": lambda m=theirs, v=given: m.model_validate(v),  # type: ignore[misc]
            "ours": lambda m=plain, v=given, o=origins: validate(m, v, o),  # type: ignore[misc]
            "defaults": lambda m=plain, v=half, o=half_origins: validate(m, v, o),  # type: ignore[misc]
            "secrets": lambda m=secret, v=hidden, o=hidden_origins, i=interpolations: validate(  # type: ignore[misc]
                m, v, o, interpolations=i
            ),
        }
        assert validate(plain, given, origins).values == given
        times: dict[str, list[float]] = {name: [] for name in cases}
        for _ in range(arguments.runs):
            for name, work in cases.items():
                times[name].append(least_ms(work))
        least = {name: min(found) for name, found in times.items()}
        figures[str(leaves)] = least
        beyond = least["ours"] - least["pydantic"]
        met = met and beyond <= BAR_MS
        print(
            f"{leaves:>6,} {least['pydantic']:>12.2f} {least['ours']:>8.2f} {beyond:>10.2f}"
            f" {least['defaults']:>12.2f} {least['secrets']:>11.2f}  {'met' if beyond <= BAR_MS else 'MISSED'}"
        )
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(figures, indent=1) + "\n")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
