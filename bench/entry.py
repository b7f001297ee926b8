"""What a script of three groups costs from its first line to its last: @config.main against @hydra.main.

    python bench/entry.py [--runs 15]

Whole processes that take turns, CPU time of each, median of the ratios. Both compose four files with one
override, and write what they composed to a folder of the run; ours validates it too. Exits with 1 above a bar.
Completion of an override by `pedigree __complete_script`, as a shell asks for it, is measured beside them.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench import conf

BAR = 0.55
BAR_COMPLETION_MS = 60

OURS = """
from pydantic import BaseModel
from pedigree import config

class Part(config.Config, extra="allow"):
    pass

class Settings(config.Config):
    name: str
    lr: float
    group0: Part
    group1: Part
    group2: Part

@config.main(Settings)
def train(settings):
    assert settings.lr == 0.5

if __name__ == "__main__":
    train()
"""
HYDRAS = """
import hydra

@hydra.main(version_base="1.3", config_path="conf", config_name="config")
def train(settings):
    assert settings.lr == 0.5

if __name__ == "__main__":
    train()
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=15)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as folder:
        conf.write(Path(folder, "conf"), 3, 26)
        Path(folder, "ours.py").write_text(OURS)
        Path(folder, "hydras.py").write_text(HYDRAS)
        ours, theirs, empty, completion, waited = [], [], [], [], []
        command = [str(Path(sys.executable).with_name("pedigree"))]
        for number in range(runs + 1):
            empty.append(_cpu([sys.executable, "-c", "pass"], folder))
            ours.append(_cpu([sys.executable, "ours.py", "lr=0.5"], folder))
            theirs.append(_cpu([sys.executable, "hydras.py", "lr=0.5"], folder))
            start = time.perf_counter()
            completion.append(_cpu([*command, "__complete_script", "ours.py", "group1=op"], folder))
            waited.append((time.perf_counter() - start) * 1000)
            if number == 0:  # writes the byte code
                for times in (ours, theirs, empty, completion, waited):
                    times.clear()
    ratio = statistics.median(one / other for one, other in zip(ours, theirs, strict=True))
    tab = statistics.median(waited)
    print("| case | measured | bar |\n|---|---|---|")
    print(f"| python -c pass | {statistics.median(empty):.0f} ms | |")
    print(f"| @hydra.main, 3 groups | {statistics.median(theirs):.0f} ms | |")
    print(f"| @config.main, 3 groups, validated | {statistics.median(ours):.0f} ms, {ratio:.2f}x | <= {BAR}x |")
    print(f"| completion, CPU {statistics.median(completion):.0f} ms | {tab:.0f} ms | <= {BAR_COMPLETION_MS} ms |")
    return 0 if ratio <= BAR and tab <= BAR_COMPLETION_MS else 1


def _cpu(command: list[str], folder: str) -> float:
    """CPU milliseconds of a process and what it started."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    ran = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert ran.returncode == 0, ran.stderr
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000


if __name__ == "__main__":
    sys.exit(main())
