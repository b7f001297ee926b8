"""What exporting a commit of many files costs: python bench/exports.py [FILES]

One commit of FILES small files (10,000 unless given) that a pipeline made. Prints seconds and size per format.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import pedigree
from pedigree.pipeline import engine, pipelines
from pedigree.pipeline.exporting import export
from pedigree.pipeline.exporting.exports import FORMATS

SPEC = """
pipeline: {name: copy}
input: {pfs: {repo: in, glob: /}}
transform: {cmd: [cp, -r, /pfs/in/., /pfs/out]}
"""


def main() -> None:
    files = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as folder, pedigree.init(folder) as store:
        with store.commit("in@master", create=True) as change:
            for number in range(files):
                change.write(f"{number % 100:02d}/{number:06d}.txt", f"{number}\n".encode() * 100)
        spec = Path(folder, "spec.yaml")
        spec.write_text(SPEC)
        pipelines.apply(store, [str(spec)])
        engine.run(store)
        print(f"{files:,} files")
        for name in FORMATS:
            started = time.perf_counter()
            document = export(store, "copy@master", [name]).documents[0]
            print(f"{name:<12} {time.perf_counter() - started:6.2f} s  {len(document.data) / 1e6:8.3f} MB")


if __name__ == "__main__":
    main()
