"""What it costs to compose, validate and freeze every point of a sweep, against composing each by Hydra.

    python bench/sweeping.py [--runs 5]

198 points over 62 leaves in five groups. CPU time, medians; the two take turns in the same run. Hydra composes 22
of the points in each, which is what it takes for each: it shares nothing between them. Exits with 1 above the bar.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from omegaconf import OmegaConf

from bench import conf
from pedigree.config.composing import compose
from pedigree.config.composing.composition import search_path
from pedigree.config.frozen import freeze
from pedigree.config.overrides import parse_all, points

SWEEP = [
    "lr=" + ",".join(f"{n}e-4" for n in range(1, 12)),
    "group1=glob(*)",
    "group2=option0,option1,option2",
    "name=bench",
    "group3=option0,option1",
]
BAR = 1 / 100


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    ratios, mine, theirs = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        conf.write(Path(folder, "conf"), 5, 62)
        directory = str(Path(folder, "conf"))
        model = conf.model(5, 62)
        freeze(compose(directory), model)  # the validator of a model is made once
        for _ in range(options.runs):
            start = time.process_time()
            sources = search_path(directory, (), "hydra-1.3")
            asked = list(points(parse_all(SWEEP), names=sources.options))
            frozen = [freeze(compose(directory, "config", point, sources=sources), model) for point in asked]
            mine.append((time.process_time() - start) * 1000)
            assert len(frozen) == 198
            some = asked[::9]
            start = time.process_time()
            with initialize_config_dir(directory, version_base="1.3"):
                found = [hydra_compose("config", overrides=point) for point in some]
            theirs.append((time.process_time() - start) * 1000 * len(asked) / len(some))
            ratios.append(theirs[-1] / mine[-1])
            for one, other in zip(frozen[::9], found, strict=True):
                assert one.as_dict() == OmegaConf.to_container(other, resolve=True)
    ratio = statistics.median(ratios)
    print("| case | measured | bar |\n|---|---|---|")
    print(f"| 198 points, Hydra composes | {statistics.median(theirs):,.0f} ms | |")
    print(
        f"| 198 points, composed, validated, frozen | {statistics.median(mine):.0f} ms, 1/{ratio:.0f} | <= 1/{1 / BAR:.0f} |"
    )
    return 0 if 1 / ratio <= BAR else 1


if __name__ == "__main__":
    sys.exit(main())
