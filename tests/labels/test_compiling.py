"""The kernels start where nothing can be written, and give the same bytes in every process, with every number of threads."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pedigree import labels
from tests.labels.matrices import drawn

PROGRAM = """
import sys
from pathlib import Path
from pedigree import labels
from tests.labels.matrices import drawn
given, matrix = drawn(3000, 20, kind="float32")
rows = None if sys.argv[1] == "-" else int(sys.argv[1])
print(labels.analyse(given, sys.argv[2] if len(sys.argv) > 2 else matrix, chunk_rows=rows).digest())
"""


def digest(*arguments: str, prefix: tuple[str, ...] = (), **variables: str) -> str:
    command = [*prefix, sys.executable, "-c", PROGRAM, *arguments]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(["src", "."]), **variables}
    root = Path(__file__).parents[2]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.slow
def test_threads_chunks_and_processes_give_the_same_bytes(tmp_path: Path) -> None:
    """Breaks: sum each chunk by itself and then the sums; take the mean of thresholds with NumPy's pairwise sum over a chunk."""
    import numpy as np

    given, matrix = drawn(3000, 20, kind=np.float32)
    np.save(tmp_path / "p.npy", matrix)
    expected = labels.analyse(given, matrix).digest()
    path = str(tmp_path / "p.npy")
    for threads, arguments in (("1", ("-",)), ("2", ("-",)), ("1", ("1", path)), ("2", ("999", path))):
        assert digest(*arguments, NUMBA_NUM_THREADS=threads, OMP_NUM_THREADS=threads) == expected


@pytest.mark.slow
def test_kernels_start_where_nothing_can_be_written(tmp_path: Path) -> None:
    """Neither beside the source nor in a home. Break: ask numba to keep the code, come what may."""
    if shutil.which("bwrap") is None:
        pytest.skip("bubblewrap is not installed")
    import numpy as np

    given, matrix = drawn(3000, 20, kind=np.float32)
    # An empty folder over each __pycache__: what an earlier run has kept would be taken otherwise.
    bare = (
        "bwrap",
        "--ro-bind",
        "/",
        "/",
        "--dev",
        "/dev",
        "--tmpfs",
        str(Path(labels.__file__).parent / "__pycache__"),
    )
    prefix = (*bare, "--remount-ro", str(Path(labels.__file__).parent / "__pycache__"))
    assert digest("-", prefix=prefix, HOME="/nonexistent") == labels.analyse(given, matrix).digest()
