"""Reading code for what may come out otherwise: each sign, and what looks like one and is none."""

from __future__ import annotations

import pytest

from pedigree.pipeline.verifying import chance
from pedigree.pipeline.verifying.chance import (
    CLOCK,
    CORES,
    DRAW,
    ENTROPY,
    GIVEN,
    NUMPY,
    ORDER,
    RANDOM,
    SEED,
    TORCH,
    WORKER,
)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("import random as r; r.shuffle(x)", [(DRAW, RANDOM)]),
        ("from random import choice; choice(x)", [(DRAW, RANDOM)]),
        ("import numpy as np; np.random.rand(3)", [(DRAW, NUMPY)]),
        ("from numpy.random import default_rng; default_rng().normal()", [(ENTROPY, "")]),
        ("import numpy as np; np.random.default_rng(7).normal()", []),
        ("import numpy as np; np.random.seed(None)", [(ENTROPY, "")]),
        ("import numpy as np; np.random.seed(1)", [(SEED, NUMPY)]),
        ("import random; rng = random.Random(seed); rng.random()", []),
        ("import torch; torch.randn(3)", [(DRAW, TORCH)]),
        ("import torch; torch.randn(3, generator=g)", []),
        ("from torch import nn; nn.Conv2d(3, 8, 3)", [(DRAW, TORCH)]),
        ("from torch import nn; nn.ReLU(); nn.init.zeros_(w)", []),
        ("from torch import nn; nn.init.kaiming_normal_(w)", [(DRAW, TORCH)]),
        ("w.uniform_(0, 1)", [(DRAW, TORCH)]),
        ("from torch.utils.data import DataLoader; DataLoader(d, num_workers=n)", [(WORKER, TORCH)]),
        ("from torch.utils.data import DataLoader; DataLoader(d, num_workers=0)", []),
        ("from torch.utils.data import DataLoader; DataLoader(d, num_workers=2, generator=g)", []),
        ("from torch.utils.data import DataLoader; DataLoader(d, num_workers=2, worker_init_fn=f)", []),
        ("from torch.utils.data import DataLoader; DataLoader(d, shuffle=True)", [(DRAW, TORCH)]),
        ("from pedigree.training import seed_everything; seed_everything(1)", [(SEED, one) for one in chance.EVERY]),
        ("import torch; torch.default_generator.set_state(s)", [(SEED, TORCH)]),
        ("import time; time.time()", [(CLOCK, "")]),
        ("from datetime import datetime; datetime.now()", [(CLOCK, "")]),
        ("import os; os.cpu_count(); os.sched_getaffinity(0)", [(CORES, ""), (CORES, "")]),
        ("import os; os.listdir(p)", [(ORDER, "")]),
        ("import os; sorted(os.listdir(p))", []),
        ("from pathlib import Path; sorted(x for x in Path(p).iterdir())", []),
        ("import os; os.environ['PEDIGREE_SEED']", [(GIVEN, "")]),
        ("import uuid; uuid.uuid4()", [(ENTROPY, "")]),
        ("def random(): pass\nrandom()", []),
        ("def broken(:", []),
    ],
)
def test_each_sign_is_told_from_what_only_looks_like_one(line: str, expected: list[tuple[str, str]]) -> None:
    """Break: resolve no `import ... as`; take generator= or sorted() for nothing; or read seed(None) as a seed."""
    assert [(sign.kind, sign.library) for sign in chance.signs({"a.py": line})] == expected


def test_a_sign_has_its_line_and_a_shell_its_own_signs() -> None:
    """Break: count lines from 0, or look for `date` inside other words."""
    (sign,) = chance.signs({"a.py": "import time\n\n\ntime.time()\n"})
    assert (sign.place, sign.what) == ("a.py:4", "time.time()")
    found = chance.signs({"b.sh": "update x\ndate +%s > t\necho $RANDOM | shuf\nsort -n\n"})
    assert [(sign.kind, sign.place) for sign in found] == [(CLOCK, "b.sh:2"), (ENTROPY, "b.sh:3")]


def test_imports_are_found_with_their_first_place() -> None:
    """Break: name the module that is imported last."""
    files = {"a.py": "import os\nimport torch.nn as nn\n", "b.py": "from torch import x\nfrom . import y\n"}
    assert chance.imported(files) == {"os": "a.py:1", "torch": "a.py:2"}
