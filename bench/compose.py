"""What composing a configuration costs, against Hydra in the same run and against one pass over the files.

    python bench/compose.py [--runs 9]

CPU time of reading the files, composing and resolving, interleaved, medians of the ratios. The floor is PyYAML's C parser
alone over the same files: it makes events of their bytes and nothing of them. Both engines are asked for the same, and
agree on it. Exits with 1 above a bar.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from omegaconf import OmegaConf

from pedigree.config.composing import compose

#: Leaves, groups, and the most that composing may cost, as a part of Hydra's.
CASES = ((62, 5, 1 / 40), (2001, 5, 1 / 15))
OVERRIDES = ("group1=option1", "rate=0.3", "+group2.added=[1,2]", "~group3.part0.key1")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=9)
    options = parser.parse_args()
    print(
        "| case | Hydra | Pedigree | of Hydra's | one parse of the files | times that | bar |\n|---|---|---|---|---|---|---|"
    )
    missed = False
    for leaves, groups, bar in CASES:
        with tempfile.TemporaryDirectory() as folder:
            _write(Path(folder), leaves, groups)
            missed |= _case(folder, leaves, groups, bar, options.runs)
    return 1 if missed else 0


def _case(folder: str, leaves: int, groups: int, bar: float, runs: int) -> bool:
    composed = compose(folder, overrides=OVERRIDES)
    assert composed.values == _hydra(folder)
    found = _leaves(composed.values)
    assert found == leaves, found
    texts = [Path(name).read_bytes() for name in composed.files]
    theirs, mine, floor = [], [], []
    for _ in range(runs):
        theirs.append(_cost(lambda: _hydra(folder)))
        mine.append(_cost(lambda: [compose(folder, overrides=OVERRIDES) for _ in range(5)]) / 5)
        floor.append(_cost(lambda: [_parse(texts) for _ in range(5)]) / 5)
    ratio = statistics.median(other / own for other, own in zip(theirs, mine, strict=True))
    over = statistics.median(own / least for own, least in zip(mine, floor, strict=True))
    print(
        f"| {leaves:,} leaves, {groups} groups | {statistics.median(theirs):.1f} ms | {statistics.median(mine):.2f} ms "
        f"| 1/{ratio:.0f} | {statistics.median(floor):.2f} ms | {over:.1f} | <= 1/{1 / bar:.0f}: "
        f"{'met' if ratio >= 1 / bar else 'missed'} |"
    )
    return ratio < 1 / bar


def _write(folder: Path, leaves: int, groups: int) -> None:
    """A primary with two leaves of its own and groups of nested parts: numbers, words, lists and interpolations."""
    rng = random.Random(leaves)
    # One leaf goes by an override and two items come by another.
    left = leaves - 2 - 2 + 1
    for number in range(groups):
        share = left // (groups - number)
        left -= share
        for option in range(3):
            lines = []
            for key in range(share):
                if key % 4 == 0:
                    lines.append(f"part{key // 4}:")
                kinds = ["abc", "17", "1e-3", "true", "two words", "'quoted'"]
                if number:
                    kinds.append("${group0.part0.key0}")
                lines.append(f"  key{key % 4}: {rng.choice(kinds)}")
            path = folder / f"group{number}" / f"option{option}.yaml"
            path.parent.mkdir(exist_ok=True)
            path.write_text("\n".join(lines) + "\n")
    listed = "".join(f"  - group{number}: option0\n" for number in range(groups))
    (folder / "config.yaml").write_text(f"defaults:\n{listed}  - _self_\nname: run\nrate: 0.1\n")


def _hydra(folder: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with initialize_config_dir(os.path.abspath(folder), version_base="1.3"):
            return OmegaConf.to_container(hydra_compose("config", overrides=list(OVERRIDES)), resolve=True)


def _parse(texts: list[bytes]) -> int:
    """How many events the files hold."""
    return sum(1 for text in texts for _ in yaml.parse(text, Loader=yaml.CSafeLoader))


def _leaves(value: Any) -> int:
    if isinstance(value, (dict, list)):
        return sum(map(_leaves, value.values() if isinstance(value, dict) else value))
    return 1


def _cost(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return (time.process_time() - start) * 1000


if __name__ == "__main__":
    sys.exit(main())
