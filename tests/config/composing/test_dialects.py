"""The dialect of Hydra 1.4, by the answers that 1.4.0rc3 gave (with OmegaConf 2.4.1rc1) on 27 November 2026.

Two Hydras cannot stand in one environment, so the answers are written down; those of 1.3 are asked for.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pedigree.config.composing import compose
from pedigree.errors import InvalidConfig
from tests.config.composing.oracle import Both, Refused, exactly, write

REFUSED = None
_OPTIONS = {
    "db/x.yaml": "k: 1\n",
    "db/y.yaml": "k: 2\n",
    "db/z.yaml": "k: 3\n",
    "srv/a/b.yaml": "s: 1\n",
    "srv/a/c.yaml": "s: 2\n",
}
_Y = "# @package _global_\ndefaults: [{override /db: y}]\n"
_Z = "# @package _global_\ndefaults: [{override /db: z}]\n"

#: The primary, further files, overrides, what 1.4 gives, and what 1.3 does where that is another thing.
CASES: list[tuple[str, dict[str, str], list[str], Any, Any]] = [
    ("defaults: [{db: x}, {override db: y}, {override db: z}]", {}, [], {"db": {"k": 3}}, {"db": {"k": 2}}),
    ("defaults: [{db: x}, {o: a}, {p: b}]", {"o/a.yaml": _Y, "p/b.yaml": _Z}, [], {"db": {"k": 3}}, {"db": {"k": 3}}),
    ("defaults: [{db: x}, {o: a}, {override db: y}]", {"o/a.yaml": _Z}, [], {"db": {"k": 2}}, {"db": {"k": 2}}),
    (
        "defaults: [{db: x}, {o: a}, {override db: x}]",
        {"o/a.yaml": _Y.replace("[", "[b, "), "o/b.yaml": _Z},
        ["db=z"],
        {"db": {"k": 3}},
        {"db": {"k": 3}},
    ),
    ("defaults: [{o: a}, {db: x}]", {"o/a.yaml": _Y}, [], REFUSED, REFUSED),
    ("defaults: [{override db: y}]", {}, ["+db=x"], REFUSED, {"db": {"k": 2}}),
    ("defaults: [{srv: a/b}]", {}, [], {"srv": {"a": {"s": 1}}}, {"srv": {"s": 1}}),
    ("defaults: [{srv: a/b}, {override srv/a: c}]", {}, [], {"srv": {"a": {"s": 2}}}, REFUSED),
    ("defaults: [{o: a}]", {"o/a.yaml": "defaults: [{../db@q: x}]\n"}, [], REFUSED, {"o": {"q": {"k": 1}}}),
    ("defaults: [{o: a}]", {"o/a.yaml": "defaults: [../db/x@q]\n"}, [], REFUSED, {"o": {"q": {"k": 1}}}),
    ("defaults: [{db@p._group_: x}]", {}, [], {"p": {"_group_": {"k": 1}}}, {"p": {"db": {"k": 1}}}),
    ("defaults: [{db@_group_.p: x}]", {}, [], {"db": {"p": {"k": 1}}}, {"db": {"p": {"k": 1}}}),
    ("i: 1\nj: 2", {}, ["~i=null"], REFUSED, {"j": 2}),
    ("defaults: [{db: w}]", {"db/w.yml": "k: 1\n"}, [], REFUSED, REFUSED),
]  # fmt: skip


@pytest.mark.parametrize(("primary", "files", "given", "newer", "older"), CASES, ids=[one[0] for one in CASES])
def test_each_dialect_composes_as_its_hydra(
    primary: str, files: dict[str, str], given: list[str], newer: Any, older: Any, tmp_path: Path
) -> None:
    """Break: of two overrides let the first win in 1.4; read `srv: a/b` in 1.4 as an option of `srv`."""
    both = Both(write(tmp_path, {"config.yaml": primary + "\n", **_OPTIONS, **files}))
    assert both.disagreement(given) is None
    found = both.ours(given)
    assert found == older if older is not REFUSED else isinstance(found, Refused)
    if newer is REFUSED:
        with pytest.raises(InvalidConfig):
            compose(str(tmp_path), overrides=given, dialect="hydra-1.4")
    else:
        assert exactly(compose(str(tmp_path), overrides=given, dialect="hydra-1.4").raw) == exactly(newer)
