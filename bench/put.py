"""What putting files costs: `pedigree put` beside a plain sha256 loop, git, dvc, and cp + b3sum, in the same run.

    python bench/put.py [--rounds 5] [--files 10000] [--big-gib 2] [--dvc PATH_TO_DVC] [--work FOLDER]

CPU seconds are user + system of the whole child process, start-up included, from getrusage. The subjects take turns
within each round, so that a busy machine is busy for all of them. Prints tables in Markdown for RESULTS.md.

Peers: git from the PATH; dvc where `--dvc` says (pip install dvc into a virtual environment of its own); b3sum from the
PATH, else the blake3 package with all its threads, which is the same code behind another door.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

LOOP = """
import hashlib, os, sys
for name in os.listdir(sys.argv[1]):
    with open(os.path.join(sys.argv[1], name), "rb") as file:
        hashlib.sha256(file.read()).hexdigest()
"""
B3SUM = """
import sys
from blake3 import blake3
print(blake3(max_threads=blake3.AUTO).update_mmap(sys.argv[1]).hexdigest())
"""
#: Byte code is compiled once, as it is for every installed package.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"} | {
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "DVC_NO_ANALYTICS": "1",
}
GIT = ["git", "-c", "user.name=bench", "-c", "user.email=bench@example.invalid"]
PEDIGREE = [sys.executable, "-m", "pedigree.cli.main"]


class Cost(NamedTuple):
    cpu_s: float
    wall_s: float


def run(*command: str, cwd: Path) -> Cost:
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, cwd=cwd, check=True, env=ENVIRONMENT, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(cpu_s, time.perf_counter() - begun)


def together(*costs: Cost) -> Cost:
    return Cost(sum(cost.cpu_s for cost in costs), sum(cost.wall_s for cost in costs))


def pedigree() -> list[str]:
    found = Path(sys.executable).with_name("pedigree")
    return [str(found)] if found.exists() else PEDIGREE


class Peer(NamedTuple):
    """A tool that keeps the folder `data` of its project."""

    begin: list[list[str]]
    keep: list[list[str]]
    version: Callable[[Path], str]  #: what it holds for data/0, to see whether an edit was noticed


def peers(dvc: str | None) -> dict[str, Peer]:
    def shown(command: list[str]) -> Callable[[Path], str]:
        return lambda project: (
            subprocess.run(command, cwd=project, env=ENVIRONMENT, capture_output=True, text=True, check=True).stdout
        )

    found = {
        "pedigree": Peer(
            [[*pedigree(), "init"]],
            [[*pedigree(), "put", "data:/", "data"]],
            shown([*pedigree(), "ls", "-r", "--json", "data"]),
        )
    }
    if shutil.which("git"):
        found["git"] = Peer(
            [["git", "init", "-q"]],
            [[*GIT, "add", "data"], [*GIT, "commit", "-q", "--allow-empty", "-m", "x"]],
            shown([*GIT, "ls-tree", "HEAD:data"]),
        )
    if dvc:
        found["dvc"] = Peer(
            [["git", "init", "-q"], [dvc, "init", "-q"]], [[dvc, "add", "-q", "data"]], shown(["cat", "data.dvc"])
        )
    return found


def begin(work: Path, name: str, peer: Peer, files: int) -> Path:
    project = work / name
    shutil.rmtree(project, ignore_errors=True)
    (project / "data").mkdir(parents=True)
    for number in range(files):
        (project / "data" / str(number)).write_bytes(os.urandom(4096))
    for command in peer.begin:
        subprocess.run(command, cwd=project, env=ENVIRONMENT, check=True, capture_output=True)
    return project


def small_files(work: Path, found: dict[str, Peer], files: int, rounds: int) -> None:
    start: list[float] = []
    loop: list[float] = []
    first: dict[str, list[Cost]] = {name: [] for name in found}
    again: dict[str, list[Cost]] = {name: [] for name in found}
    for _ in range(rounds):
        start.append(run(sys.executable, "-c", "pass", cwd=work).cpu_s)
        for name, peer in found.items():
            project = begin(work, name, peer, files)
            if name == "pedigree":
                loop.append(run(sys.executable, "-c", LOOP, str(project / "data"), cwd=work).cpu_s)
            time.sleep(0.1)  # so that no file is of the tick in which it is read
            first[name].append(together(*(run(*command, cwd=project) for command in peer.keep)))
            (project / "data" / "7").write_bytes(os.urandom(4096))
            time.sleep(0.1)
            again[name].append(together(*(run(*command, cwd=project) for command in peer.keep)))
    plain, pass_s = statistics.median(loop), statistics.median(start)
    print(f"\n{files:,} files of 4 KiB, medians of {rounds}; a plain sha256 loop takes {plain:.3f} s of CPU, ")
    print(f"`python -c pass` {pass_s:.3f} s.\n")
    print("| | put: CPU s | x loop | wall s | again, 1 changed: CPU s | beyond interpreter start | wall s |")
    print("|---|---|---|---|---|---|---|")
    for name in found:
        cpu, wall = (statistics.median(column) for column in zip(*first[name], strict=True))
        ratio = statistics.median(cost.cpu_s / base for cost, base in zip(first[name], loop, strict=True))
        more, more_wall = (statistics.median(column) for column in zip(*again[name], strict=True))
        print(f"| {name} | {cpu:.3f} | {ratio:.2f} | {wall:.2f} | {more:.3f} | {more - pass_s:.3f} | {more_wall:.2f} |")


def big_file(work: Path, gib: float, rounds: int) -> None:
    project = work / "big"
    shutil.rmtree(project, ignore_errors=True)
    project.mkdir()
    source = project / "big.bin"
    block = os.urandom(64 << 20)
    with source.open("wb") as file:
        for number in range(round(gib * 16)):
            file.write(number.to_bytes(8, "little") + block[8:])
    subprocess.run(["sync"], check=True)
    summing = [shutil.which("b3sum") or "", str(source)]
    if not summing[0]:
        summing = [sys.executable, "-c", B3SUM, str(source)]
    plain, synced, ours = [], [], []
    for _ in range(rounds):
        copy = project / "copy.bin"
        copied = together(run("cp", str(source), str(copy), cwd=project), run(*summing, cwd=project))
        plain.append(copied)
        synced.append(together(copied, run("sync", "-f", str(copy), cwd=project)))
        copy.unlink()
        shutil.rmtree(project / ".pedigree", ignore_errors=True)
        subprocess.run(["sync"], check=True)
        run(*pedigree(), "init", cwd=project)
        ours.append(run(*pedigree(), "put", "big:/", "big.bin", cwd=project))
        shutil.rmtree(project / ".pedigree")
        subprocess.run(["sync"], check=True)
    print(f"\nOne file of {gib:g} GiB, medians of {rounds}.\n")
    print("| | wall s | CPU s | pedigree's speed against it |")
    print("|---|---|---|---|")
    took = statistics.median(cost.wall_s for cost in ours)
    for label, costs in (("cp, b3sum", plain), ("cp, b3sum, sync -f", synced), ("pedigree put (durable)", ours)):
        wall = statistics.median(cost.wall_s for cost in costs)
        ratio = statistics.median(theirs.wall_s / mine.wall_s for theirs, mine in zip(costs, ours, strict=True))
        print(f"| {label} | {wall:.2f} | {statistics.median(c.cpu_s for c in costs):.2f} | {ratio:.2f} |")
    print(f"\n{gib * 1024 / took:.0f} MiB/s into the store.")
    shutil.rmtree(project)


def edits(work: Path, found: dict[str, Peer]) -> None:
    print("\nWhat is noticed, at the level of put.\n")
    print("| | edit | edit of the same size, mtime set back | touch |")
    print("|---|---|---|---|")
    for name, peer in found.items():
        project = begin(work, name, peer, 20)
        file, cells = project / "data" / "0", []

        def keep(project: Path = project, peer: Peer = peer) -> str:
            time.sleep(0.1)
            for command in peer.keep:
                run(*command, cwd=project)
            time.sleep(1.1)  # past the tick of every tool's clock
            return peer.version(project)

        def backdated(file: Path = file) -> None:
            before = file.stat()
            file.write_bytes(os.urandom(before.st_size))
            os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))

        def edited(file: Path = file) -> None:
            file.write_bytes(b"edited")

        held = keep()
        for change, wanted in (
            (edited, True),
            (backdated, True),
            (lambda other=project / "data" / "1": os.utime(other), False),
        ):
            change()
            now = keep()
            noticed = now != held
            word = "noticed" if noticed else ("nothing stored" if not wanted else "**missed**")
            cells.append(word if noticed == wanted else f"**{word.strip('*')}**")
            held = now
        print(f"| {name} | {' | '.join(cells)} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--big-gib", type=float, default=2.0, help="0 leaves that part out")
    parser.add_argument("--dvc", default=shutil.which("dvc"))
    parser.add_argument("--work", type=Path, help="a folder on the disk to measure; a temporary one unless given")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.work) as folder:
        found = peers(options.dvc)
        small_files(Path(folder), found, options.files, options.rounds)
        edits(Path(folder), found)
        if options.big_gib:
            big_file(Path(folder), options.big_gib, options.rounds)


if __name__ == "__main__":
    main()
