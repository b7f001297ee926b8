"""Every benchmark, one after another: `python -m bench [NAME...]`. Prints the tables that RESULTS.md records."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

NAMES = (
    "startup",
    "put",
    "trees",
    "run",
    "step",
    "verifying",
    "bundle",
    "suspects",
    "overrides",
    "interpolation",
    "compose",
    "validation",
    "freezing",
    "sweeping",
    "entry",
    "checking",
    "compare",
    "checkpoints",
    "determinism",
    "recording",
    "dynamics",
    "neighbourhood",
    "annotators",
    "robust_training",
    "labels_filters",
    "labels_memory",
    "labels_multilabel",
    "labels_segmentation",
    "labels_segmentation_quality",
    "streets",
    "label_report",
    "label_noise",
)

NEED_DATA = frozenset(
    {"dynamics", "label_noise", "labels_segmentation_quality", "neighbourhood", "robust_training", "streets"}
)


def main() -> int:
    """1 when a bar is missed. Some need data that are no part of the project: PEDIGREE_SHARED_DATA names them."""
    missed = []
    for name in sys.argv[1:] or NAMES:
        if name in NEED_DATA and "PEDIGREE_SHARED_DATA" not in os.environ:
            print(f"\n## {name}: skipped, PEDIGREE_SHARED_DATA is not set")
            continue
        print(f"\n## {name}", flush=True)
        if subprocess.run([sys.executable, Path(__file__).with_name(f"{name}.py")]).returncode:
            missed.append(name)
    if missed:
        print(f"\nBars missed by: {', '.join(missed)}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
