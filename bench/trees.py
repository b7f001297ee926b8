"""What a tree of a million files costs to change by one file, and to compare with the tree before.

    python bench/trees.py [--files 1000000] [--runs 5]

Wall time, medians; peak memory of the whole process, building included. The bar: at most 50 ms each, under 300 MB. Nodes are
kept in one dictionary here, so the store's own disk accesses are not in it; bench/put.py has those. Exits with 1 when a bar
is missed.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import sys
import time
from collections.abc import Iterator

from pedigree.canonical import digest
from pedigree.store import nodes, trees
from pedigree.store.trees import Entry

BAR_MS, BAR_MB = 50.0, 300.0


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--files", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    stored: dict[str, bytes] = {}

    def write(data: bytes) -> str:
        name = digest(data)
        stored[name] = data
        return name

    same = digest(b"the same content everywhere: only the tree is measured")

    def items() -> Iterator[tuple[str, Entry]]:
        for number in range(options.files):
            yield f"folder{number // 1000:04}/file{number % 1000:04}.jpg", Entry("f", 4096, same)

    start = time.perf_counter()
    tree = trees.build(items(), write)
    built = time.perf_counter() - start
    edits, diffs = [], []
    for run in range(options.runs):
        path = f"folder{(run * 397) % (options.files // 1000):04}/file0500.jpg"
        for generation in (nodes._young, nodes._old):
            generation.clear()  # as in a new process
        start = time.perf_counter()
        changed = trees.edit(tree, {path: Entry("f", 1, digest(b"%d" % run))}, stored.__getitem__, write)
        edits.append((time.perf_counter() - start) * 1000)
        start = time.perf_counter()
        found = list(trees.diff(tree, changed, stored.__getitem__))
        diffs.append((time.perf_counter() - start) * 1000)
        assert [item[0] for item in found] == [path]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    edit, diff = statistics.median(edits), statistics.median(diffs)
    print("| case | measured | bar |\n|---|---|---|")
    print(f"| {options.files} files: a commit's tree with one changed file | {edit:.1f} ms | <= {BAR_MS:.0f} ms |")
    print(f"| {options.files} files: diff of two neighbours | {diff:.1f} ms | <= {BAR_MS:.0f} ms |")
    print(
        f"| peak memory, {sum(map(len, stored.values())) >> 20} MB of nodes held included | {peak:.0f} MB | < {BAR_MB:.0f} MB |"
    )
    print(f"| building the first tree | {built:.1f} s | |")
    return 0 if edit <= BAR_MS and diff <= BAR_MS and peak < BAR_MB else 1


if __name__ == "__main__":
    sys.exit(main())
