"""What it costs to find label errors, against cleanlab with n_jobs=1: CPU time, and memory beside the probabilities.

    python bench/labels_filters.py [--runs 5] [CASE...]

Cases: 50000x10, 1000000x100, 200000x1000 (float32). Ours and the peer's in turn in one process, medians of CPU seconds after one call
that compiles; the peak is of a fresh process for each, above what it held with the data loaded. One label in ten is drawn anew
and the model is a poor one (half of the given labels do not have the largest probability), so that there is much to prune.
Exits with 1 when a bar is missed.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

#: Case, least ratio for prune by noise rate, most MiB.
BARS = {"50000x10": (3.0, None), "1000000x100": (8.0, 64.0), "200000x1000": (8.0, 100.0)}
BAR_ALL = 1.5
FILTERS = ("prune_by_noise_rate", "prune_by_class", "both", "confident_learning", "predicted_neq_given")
RANKS = ("blend", "self_confidence", "normalized_margin")
PEERS_RANKS = ("self_confidence", "normalized_margin", "confidence_weighted_entropy")

_CHILD = """
import json, sys, warnings
import numpy as np
warnings.simplefilter("ignore")
from bench.labels_filters import peak, ours, theirs
given = np.lib.format.open_memmap(sys.argv[2] + "/given.npy").copy()
matrix = np.lib.format.open_memmap(sys.argv[2] + "/matrix.npy")
matrix = np.array(matrix)
small = np.ascontiguousarray(matrix[:3000])
run = {"ours": ours, "theirs": theirs}[sys.argv[1]]
run(given[:3000] % matrix.shape[1], small)
base = peak(reset=True)
run(given, matrix)
print(json.dumps(peak() - base))
"""


def drawn(count: int, classes: int) -> tuple[Any, Any]:
    import numpy as np

    rng = np.random.default_rng(0)
    true = rng.integers(0, classes, count)
    given = np.where(rng.random(count) < 0.1, rng.integers(0, classes, count), true)
    matrix = np.empty((count, classes), np.float32)
    for start in range(0, count, 20_000):
        part = true[start : start + 20_000]
        logits = rng.standard_normal((len(part), classes), dtype=np.float32)
        logits[np.arange(len(part)), part] += (6 * rng.random(len(part))).astype(np.float32)
        exponentials = np.exp(logits)
        matrix[start : start + len(part)] = exponentials / exponentials.sum(1, keepdims=True)
    return given, matrix


def ours(given: Any, matrix: Any) -> Any:
    from pedigree import labels

    return labels.analyse(given, matrix).issues("prune_by_noise_rate")


def everything(given: Any, matrix: Any, ranks: tuple[str, ...] = RANKS) -> Any:
    from pedigree import labels

    found = labels.analyse(given, matrix)
    return [found.issues(by) for by in FILTERS], [found.scores(by) for by in ranks]


def theirs(given: Any, matrix: Any) -> Any:
    from cleanlab import filter as peer

    return peer.find_label_issues(given, matrix, filter_by="prune_by_noise_rate", n_jobs=1)


def peak(*, reset: bool = False) -> float:
    """Most memory that this process held, in MiB; `reset` begins anew from what it holds."""
    if reset:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("cases", nargs="*", default=list(BARS))
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    import numpy as np

    missed = False
    print("| case | measured | bar |\n|---|---|---|")
    for case in options.cases:
        given, matrix = drawn(*map(int, case.split("x")))
        small = given[:3000] % matrix.shape[1], np.ascontiguousarray(matrix[:3000])
        ways: dict[str, Callable[[Any, Any], Any]] = {"ours": ours, "theirs": theirs, "everything": everything}
        ways["with entropy"] = lambda labels_, values: everything(labels_, values, PEERS_RANKS)
        ways["one pass"] = lambda _, values: values.max()
        times: dict[str, list[float]] = {name: [] for name in ways}
        results = {}
        for way in ways.values():
            way(*small)
        for _ in range(options.runs):
            for name, way in ways.items():
                start = time.process_time()
                results[name] = way(given, matrix)
                times[name].append(time.process_time() - start)
        middle = {name: statistics.median(found) for name, found in times.items()}
        least, most = BARS[case]
        ratio, share = middle["theirs"] / middle["ours"], middle["everything"] / middle["ours"]
        missed |= ratio < least or share > BAR_ALL
        other = int((results["ours"] != results["theirs"]).sum())
        print(
            f"| {case} prune by noise rate, times faster than cleanlab ({middle['theirs']:.3f} s; {results['theirs'].sum():,} issues, "
            f"{other:,} other) | {ratio:.1f} ({middle['ours']:.4f} s) | >= {least:.0f} |"
        )
        print(
            f"| the same in passes of `matrix.max()` ({middle['one pass']:.4f} s) | {middle['ours'] / middle['one pass']:.1f} | |"
        )
        print(
            f"| five filters and three ranks in times of that one | {share:.2f} ({middle['everything']:.3f} s) | <= {BAR_ALL} |"
        )
        entropy = middle["with entropy"]
        print(
            f"| the same with cleanlab's ranks, one of them of entropies | {entropy / middle['ours']:.2f} ({entropy:.3f} s) | |"
        )
        if most is not None:
            with tempfile.TemporaryDirectory(prefix="pedigree-bench-") as folder:
                np.save(f"{folder}/given.npy", given)
                np.save(f"{folder}/matrix.npy", matrix)
                del given, matrix, results
                held = {name: _held(name, folder) for name in ("ours", "theirs")}
            missed |= held["ours"] > most
            print(f"| MiB beside the data (cleanlab {held['theirs']:.0f}) | {held['ours']:.0f} | <= {most:.0f} |")
    return 1 if missed else 0


def _held(name: str, folder: str) -> float:
    root = Path(__file__).parents[1]
    found: float = json.loads(
        subprocess.check_output([sys.executable, "-c", _CHILD, name, folder], cwd=root, text=True)
    )
    return found


if __name__ == "__main__":
    sys.exit(main())
