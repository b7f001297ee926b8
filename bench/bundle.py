"""A bundle is about as large as its objects, and packing and unpacking one goes about as fast as tar and git do the same.

    python bench/bundle.py [--large 4] [--small 5000] [--rounds 3]

One commit of `--large` files of 64 MiB and `--small` files of 4 KiB, all random. Whole commands, in turn: `pedigree bundle` beside
`tar -cf` of the same files and `git bundle create` of the same in a repository (whose objects are compressed when they are added,
before the clock starts); `pedigree replay --no-verify` beside `tar -xf` and `git clone` of the bundle. Each ends with `sync -f`, since
ours is durable when it returns. Memory is the peak of the process.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

PEDIGREE = str(Path(sys.executable).parent / "pedigree")
#: Bars: overhead of the file over its objects, and times of the peer that checks every byte as we do (git).
OVERHEAD, TIMES = 1.02, 1.5


def run(*command: str, cwd: Path) -> tuple[float, str]:
    """Seconds until the command had ended and its bytes were on the disk, and what it said."""
    started = time.perf_counter()
    done = subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True)
    subprocess.run(["sync", "-f", "."], cwd=cwd, check=True)
    return time.perf_counter() - started, done.stdout


def prepare(folder: Path, large: int, small: int) -> None:
    """The files, a store with them, a git repository with them."""
    rng = random.Random(1)
    files = folder / "files"
    files.mkdir()
    for number in range(large):
        (files / f"large{number}").write_bytes(rng.randbytes(64 << 20))
    for number in range(small):
        place = files / f"d{number % 50}"
        place.mkdir(exist_ok=True)
        (place / f"{number}").write_bytes(rng.randbytes(4096))
    store = folder / "store"
    store.mkdir()
    run(PEDIGREE, "init", cwd=store)
    run(PEDIGREE, "put", "-q", "data:/", "../files/", cwd=store)
    run("git", "init", "-q", ".", cwd=files)
    run("git", "add", ".", cwd=files)
    run("git", "-c", "user.name=x", "-c", "user.email=x@y", "commit", "-qm", "x", cwd=files)
    run("git", "repack", "-adq", cwd=files)


def fresh(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)


def peak_mib(work: Callable[[], object]) -> float:
    """Most memory, in MiB, of a process forked for the work."""
    child = os.fork()
    if child == 0:
        work()
        os._exit(0)
    _, _, usage = os.wait4(child, 0)
    return usage.ru_maxrss / 1024


def memory(folder: Path) -> dict[str, float]:
    """Peaks of packing and unpacking, each in a process that has loaded what it needs."""
    import pedigree
    from pedigree.pipeline.bundling import bundle, replay

    def pack() -> None:
        with pedigree.open(folder / "store") as store:
            bundle(store, "data@master", folder / "memory.bundle", overwrite=True)

    def unpack() -> None:
        with pedigree.init(folder / "memory") as store, open(folder / "memory.bundle", "rb") as stream:
            replay(store, stream, "memory.bundle", verify=False)

    return {"bundle": peak_mib(pack), "replay": peak_mib(unpack)}


def main() -> int:
    """1 when a bar is missed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--large", type=int, default=4)
    parser.add_argument("--small", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    times: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory(prefix="pedigree-bench-") as name:
        folder = Path(name)
        prepare(folder, arguments.large, arguments.small)
        for _ in range(arguments.rounds):
            for file in ("x.bundle", "x.tar", "x.git", "replayed", "untarred", "cloned"):
                fresh(folder / file)
            (folder / "untarred").mkdir()
            commands = {
                "bundle": (PEDIGREE, "-C", "store", "bundle", "data@master", "-o", "../x.bundle", "--json"),
                "tar -cf": ("tar", "-cf", "x.tar", "--exclude=.git", "files"),
                "git bundle": ("git", "-C", "files", "bundle", "create", "-q", "../x.git", "--all"),
                "replay --no-verify": (PEDIGREE, "replay", "x.bundle", "-o", "replayed", "--no-verify", "-q"),
                "tar -xf": ("tar", "-xf", "x.tar", "-C", "untarred"),
                "git clone": ("git", "clone", "-q", "x.git", "cloned"),
            }
            for what, command in commands.items():
                seconds, said = run(*command, cwd=folder)
                times.setdefault(what, []).append(seconds)
                if what == "bundle":
                    made = json.loads(said)
        peaks = memory(folder)
        sizes = {file: (folder / file).stat().st_size for file in ("x.bundle", "x.tar", "x.git")}
    ratio = made["size_bytes"] / made["object_bytes"]
    print("| | s (median) | MB/s | size / bytes of files |\n|---|---|---|---|")
    best = {what: sorted(found)[len(found) // 2] for what, found in times.items()}
    files = {"bundle": "x.bundle", "tar -cf": "x.tar", "git bundle": "x.git"}
    held = arguments.large * (64 << 20) + arguments.small * 4096
    for what, seconds in best.items():
        size = f"{sizes[files[what]] / held:.3f}" if what in files else ""
        print(f"| {what} | {seconds:.2f} | {held / seconds / 1e6:.0f} | {size} |")
    packing, unpacking = best["bundle"] / best["git bundle"], best["replay --no-verify"] / best["git clone"]
    print(f"\n{ratio:.4f} times the bytes of its {made['objects']:,} objects; bar <= {OVERHEAD}")
    print(
        f"bundle {packing:.2f} times git bundle, {best['bundle'] / best['tar -cf']:.2f} times tar; bar <= {TIMES} of git"
    )
    print(
        f"replay --no-verify {unpacking:.2f} times git clone, {best['replay --no-verify'] / best['tar -xf']:.2f} times tar"
    )
    print(f"peak memory: {peaks['bundle']:.0f} MiB packing, {peaks['replay']:.0f} MiB unpacking")
    return 0 if ratio <= OVERHEAD and packing <= TIMES and unpacking <= TIMES else 1


if __name__ == "__main__":
    sys.exit(main())
