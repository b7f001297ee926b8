"""What it costs to say anything at all: CPU of commands against `python -c pass`, medians, all in one run.

    python bench/startup.py [--runs 21] [--json FILE]

Bar: `pedigree --help`, as pip's console script starts it, at most 3 times the CPU (user + system) of `python
-c pass` of the same interpreter; tab completion at most 60 ms of CPU. Byte code is written first, as pip does
when it installs. Exits with 1 when a bar is missed.
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import pedigree

HELP_TIMES = 3.0
COMPLETION_MS = 60.0

SCRIPT = "import sys; from pedigree.cli.main import main; sys.exit(main())"


def cpu_ms(command: list[str], folder: str) -> float:
    """User and system time of one run of the command, in milliseconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, check=True, env=environment())
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000


def environment() -> dict[str, str]:
    """Variables of a user's shell: byte code is cached, and nothing of coverage or tracing is on."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COV_"))}


def project(folder: str, pedigree_command: list[str]) -> None:
    """A store with one repository of three files."""
    place = Path(folder, "photos", "cats")
    place.mkdir(parents=True)
    for name in ("a", "b", "c"):
        (place / name).write_text(name)
    for words in (["init"], ["put", "images:/", "photos", "-q"]):
        subprocess.run([*pedigree_command, *words], cwd=folder, check=True, env=environment(), capture_output=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=21, help="runs per command, taken in turns")
    parser.add_argument("--json", metavar="FILE", help="write the figures to FILE too")
    arguments = parser.parse_args()
    compileall.compile_dir(str(Path(pedigree.__file__).parent), quiet=1)
    installed = Path(sys.executable).with_name("pedigree")
    ours = [str(installed)] if installed.exists() else [sys.executable, "-c", SCRIPT]
    cases = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "pedigree --help": [*ours, "--help"],
        "pedigree put --help": [*ours, "put", "--help"],
        "pedigree __complete ls images@": [*ours, "__complete", "ls", "images@"],
        "pedigree ls images": [*ours, "ls", "images"],
    }
    times: dict[str, list[float]] = {name: [] for name in cases}
    with tempfile.TemporaryDirectory() as folder:
        project(folder, ours)
        for _ in range(arguments.runs):  # in turns, so that what else the machine does falls on all alike
            for name, command in cases.items():
                times[name].append(cpu_ms(command, folder))
    medians = {name: statistics.median(values) for name, values in times.items()}
    base = medians["python -c pass"]
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, median CPU of {arguments.runs} runs\n")
    print(f"{'command':<32} {'CPU ms':>8} {'x pass':>7}  bar")
    bars = {
        "pedigree --help": (HELP_TIMES * base, f"<= {HELP_TIMES:g} x"),
        "pedigree __complete ls images@": (COMPLETION_MS, f"<= {COMPLETION_MS:g} ms"),
    }
    met = True
    for name, value in medians.items():
        limit, text = bars.get(name, (float("inf"), ""))
        met &= value <= limit
        verdict = text and f"{text}  {'met' if value <= limit else 'MISSED'}"
        print(f"{name:<32} {value:>8.1f} {value / base:>7.2f}  {verdict}".rstrip())
    if arguments.json:
        Path(arguments.json).write_text(json.dumps({"cpu_ms": medians, "met": met}, indent=2) + "\n")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
