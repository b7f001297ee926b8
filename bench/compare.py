"""What it costs to find two files identical, against reading both once; and to find where two large files of tensors part.

    python bench/compare.py [--megabytes 512] [--runs 5]

Wall time with the files in the page cache, where the comparison has the least to hide behind; medians, the ways taken in turn.
Peak memory is of a process that compares, less one that only imports the same. Exits with 1 when a bar is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

BAR_TIMES, BAR_MB = 1.25, 150.0

_CHILD = """
import json, sys, time
import numpy
from pedigree.training import compare
from pedigree.training.comparing import arrays, safetensors
def peak():  # ru_maxrss begins with what the parent held
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
base = peak()
start = time.perf_counter()
found = compare(sys.argv[1], sys.argv[2])
took = time.perf_counter() - start
print(json.dumps({"s": took, "mb": (peak() - base) / 1024, "summary": found.summary}))
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--megabytes", type=int, default=512)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    from pedigree.training import compare

    size = options.megabytes << 20
    missed = False
    print("| case | measured | bar |\n|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="pedigree-bench-") as folder:
        a, b, c = (f"{folder}/{name}.safetensors" for name in "abc")
        _tensors(a, size, every=0)
        _tensors(b, size, every=0)
        _tensors(c, size, every=10_000)
        for path in (a, b, c):
            _read(path)  # into the page cache
        ways: dict[str, Callable[[], object]] = {
            "read": lambda: (_read(a), _read(b)),
            "compare": lambda: compare(a, b),
            "cmp": lambda: subprocess.run(["cmp", a, b], check=True),
        }
        times: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(options.runs):
            for name, way in ways.items():
                start = time.perf_counter()
                way()
                times[name].append(time.perf_counter() - start)
        middle = {name: statistics.median(found) for name, found in times.items()}
        ratio = middle["compare"] / middle["read"]
        missed |= ratio > BAR_TIMES
        speed = 2 * size / middle["compare"] / 1e9
        print(
            f"| two identical files of {options.megabytes} MiB: times reading both once ({middle['read']:.3f} s) | "
            f"{ratio:.2f} ({middle['compare']:.3f} s, {speed:.1f} GB/s) | <= {BAR_TIMES} |"
        )
        print(
            f"| the same with `cmp` of GNU diffutils | {middle['cmp'] / middle['read']:.2f} ({middle['cmp']:.3f} s) | |"
        )
        for words, other in (("identical", b), ("one float in 10,000 changed", c)):
            found = json.loads(subprocess.check_output([sys.executable, "-c", _CHILD, a, other], text=True))
            missed |= found["mb"] > BAR_MB
            print(
                f"| peak memory of comparing two of {options.megabytes} MiB, {words} | {found['mb']:.0f} MB | < {BAR_MB:.0f} MB |"
            )
            if other == c:
                print(
                    f"| time of that: {found['summary']} | {found['s']:.2f} s ({2 * size / found['s'] / 1e9:.2f} GB/s) | |"
                )
    return 1 if missed else 0


def _read(path: str) -> None:
    buffer = bytearray(1 << 19)
    with open(path, "rb", buffering=0) as file:
        while file.readinto(buffer):
            pass


def _tensors(path: str, size: int, *, every: int) -> None:
    """Four float32 tensors; with `every` one element in so many is one ULP larger."""
    import numpy as np

    rng = np.random.default_rng(0)
    length = size // 16
    header = {
        f"layer{number}.weight": {
            "dtype": "F32",
            "shape": [length // 1024, 1024],
            "data_offsets": [number * length * 4, (number + 1) * length * 4],
        }
        for number in range(4)
    }
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for _ in range(4):
            values = rng.standard_normal(length, dtype=np.float32)
            if every:
                values[::every] = np.nextafter(values[::every], np.float32(np.inf))
            file.write(values.tobytes())
        os.fsync(file.fileno())


if __name__ == "__main__":
    sys.exit(main())
