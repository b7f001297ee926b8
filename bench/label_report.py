"""What `pedigree labels find` and `pedigree labels apply` take for a million samples: CPU, peak memory, sizes of the results.

    python bench/label_report.py [--samples 1000000] [--classes 10] [--decisions 1000]

Made-up probabilities, a tenth of the labels turned, a CSV table with ids and a column of text. No peer writes these results, so
that the bars are ours: the page opens at once (PAGE_MB), memory stays below that of the table in Python's own objects (PEAK_MB).
Exits with 1 when one is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

PAGE_MB, PEAK_MB = 8.0, 1024.0


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--samples", type=int, default=1_000_000)
    parser.add_argument("--classes", type=int, default=10)
    parser.add_argument("--decisions", type=int, default=1000)
    options = parser.parse_args()
    print("| step | CPU s | peak MiB | |\n|---|---:|---:|---|")
    with tempfile.TemporaryDirectory(prefix="pedigree-bench-") as name:
        folder = Path(name)
        _draw(folder, options.samples, options.classes)
        _pedigree(folder, "init")
        _pedigree(folder, "put", "-q", "data:/", "labels.csv")
        find = ["labels", "find", "--labels", "data@master:/labels.csv", "--probabilities", "p.npy", "-o", "out"]
        cpu, peak = _pedigree(folder, *find)
        sizes = {path.name: path.stat().st_size / 1e6 for path in (folder / "out").iterdir() if path.is_file()}
        told = ", ".join(f"{name} {size:.1f} MB" for name, size in sorted(sizes.items()))
        print(f"| find, {options.samples:,} x {options.classes} | {cpu:.1f} | {peak:.0f} | {told} |")
        _decide(folder, options.decisions)
        applied, most = _pedigree(folder, "labels", "apply", "decisions.jsonl", "data@master")
        print(f"| apply {options.decisions:,} decisions | {applied:.1f} | {most:.0f} | |")
        return int(sizes["report.html"] > PAGE_MB or max(peak, most) > PEAK_MB)


def _draw(folder: Path, count: int, classes: int) -> None:
    import numpy as np

    rng = np.random.default_rng(0)
    true = rng.integers(0, classes, count)
    given = np.where(rng.random(count) < 0.1, (true + 1) % classes, true)
    logits = rng.normal(0, 1, (count, classes)).astype(np.float32)
    logits[np.arange(count), true] += 3
    odds = np.exp(logits)
    np.save(folder / "p.npy", odds / odds.sum(axis=1, keepdims=True))
    with open(folder / "labels.csv", "w") as file:
        file.write("id,label,note\n")
        file.writelines(f"sample-{at:07d},class{label},note {at}\n" for at, label in enumerate(given))


def _decide(folder: Path, count: int) -> None:
    import pyarrow.parquet

    group = pyarrow.parquet.ParquetFile(folder / "out/issues.parquet").read_row_group(0, ["id", "given", "suggested"])
    head = json.loads((folder / "out/summary.json").read_text())["decisions"]
    rows = group.slice(0, count).to_pylist()
    common = {"decision": "relabel", "who": "Ada", "when": "2026-11-27T10:00:00Z"}
    lines = [head, *({"id": row["id"], "given": row["given"], "labels": [row["suggested"]], **common} for row in rows)]
    (folder / "decisions.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def _pedigree(folder: Path, *words: str) -> tuple[float, float]:
    """CPU seconds and peak MiB of a command, measured by the kernel for this one child."""
    process = subprocess.Popen(
        [sys.executable, "-m", "pedigree.cli.main", *words],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    said = process.stderr.read().decode()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stderr.close()
    assert process.returncode == 0, said
    return usage.ru_utime + usage.ru_stime, _mebibytes(usage)


def _mebibytes(usage: resource.struct_rusage) -> float:
    return usage.ru_maxrss / 1024


if __name__ == "__main__":
    sys.exit(main())
