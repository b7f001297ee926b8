"""Memory of looking at a file of probabilities that is mapped, whatever the size of chunks: anonymous memory, and whether results differ.

    python bench/labels_memory.py [--rows 1000000] [--classes 100]

A fresh process for each kind of file and each size of chunks maps the file, looks, and gives the digest of every filter, rank and
count. Anonymous memory is what the process itself holds (RssAnon), without pages of the file, which the system takes back when it
needs them; its most, sampled every 2 ms. Exits with 1 when a digest differs or the bar is missed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

BAR_MIB = 300.0

_CHILD = """
import json, sys, threading, time
from pathlib import Path
import numpy as np
from pedigree import labels
given = np.lib.format.open_memmap(sys.argv[1]).copy()
rows = None if sys.argv[3] == "-" else int(sys.argv[3])
most, done = 0, False
def watch():
    global most
    while not done:
        text = Path("/proc/self/status").read_text()
        most = max(most, int(text.partition("RssAnon:")[2].split()[0]))
        time.sleep(0.002)
thread = threading.Thread(target=watch, daemon=True)
thread.start()
start = time.process_time()
found = labels.analyse(given, sys.argv[2], chunk_rows=rows)
found.issues()
took = time.process_time() - start
digest = found.digest()
done = True
thread.join()
print(json.dumps([most / 1024, took, digest]))
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--classes", type=int, default=100)
    options = parser.parse_args()
    import numpy as np

    sys.path.insert(0, str(Path(__file__).parents[1]))
    from bench.labels_filters import drawn

    missed = False
    print("| file | rows of a chunk | anonymous MiB | CPU s | bar |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="pedigree-bench-") as folder:
        given, matrix = drawn(options.rows, options.classes)
        np.save(f"{folder}/given.npy", given)
        half = np.lib.format.open_memmap(f"{folder}/float16.npy", "w+", np.float16, matrix.shape)
        for start in range(0, len(half), 50_000):
            half[start : start + 50_000] = matrix[start : start + 50_000]
            matrix[start : start + 50_000] = half[start : start + 50_000]
        np.save(f"{folder}/float32.npy", matrix)
        del given, matrix, half
        digests = set()
        for kind in ("float32", "float16"):
            for rows in ("-", "1000", "65536", str(options.rows)):
                command = [sys.executable, "-c", _CHILD, f"{folder}/given.npy", f"{folder}/{kind}.npy", rows]
                found = subprocess.check_output(command, cwd=Path(__file__).parents[1], text=True)
                most, took, digest = json.loads(found)
                digests.add(digest)
                # All of a float16 file as one chunk is what was asked for.
                free = kind == "float16" and rows == str(options.rows)
                missed |= most > BAR_MIB and not free
                print(f"| {kind} | {rows} | {most:.0f} | {took:.2f} | {'' if free else f'<= {BAR_MIB:.0f}'} |")
    missed |= len(digests) != 1
    print(f"\nDigests of all results: {len(digests)}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
