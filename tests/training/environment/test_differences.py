"""compare_environments(): both values, the group, the grade and its reason."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from pedigree.training import Difference, Environment, capture_environment, compare_environments
from pedigree.training.environment.captured import of_facts
from pedigree.training.environment.grades import _RULES, grade


@pytest.fixture(scope="module")
def base() -> Environment:
    """A real capture, with a card and settings of torch as one that has them."""
    facts = capture_environment().facts
    facts["code"] = {"commit": "1" * 40, "diff": None, "untracked": {}}
    facts["cpu"]["flags"] = ["avx2", "fma", "lm"]
    facts["gpu"] = {
        "devices": [{"name": "NVIDIA H100", "memory_mib": "81559", "vbios": "1"}],
        "driver": "580.1",
        "torch": {"cuda": "13.0", "cudnn": 91900},
    }
    facts["threads"] = {"pools": [_pool("openblas", 2), _pool("openmp", 2)], "torch": {"intra_op": 2, "inter_op": 2}}
    facts["numerics"] = {"torch": {"deterministic": True, "cudnn_benchmark": False, "matmul_precision": "ieee"}}
    facts["variables"] = {"OMP_NUM_THREADS": "2"}
    return of_facts(facts)


def _pool(library: str, threads: int) -> dict[str, Any]:
    return {"library": library, "threads": threads, "architecture": "Haswell"}


def _changed(base: Environment, change: Callable[[dict[str, Any]], Any]) -> list[Difference]:
    facts = base.facts
    change(facts)
    found = compare_environments(base, of_facts(facts))
    json.dumps(found.as_json(), allow_nan=False)
    assert len(found.lines()) == 1 + len(found.by_group()) + len(found.differences)
    return list(found.differences)


@pytest.mark.parametrize(
    ("change", "group", "name", "values", "expected"),
    [
        (lambda f: f["code"].update(commit="2" * 40), "code", "commit", ("1" * 40, "2" * 40), "may"),
        (lambda f: f["packages"]["numpy"].update(version="0.1"), "packages", "numpy", (None, "0.1"), "likely"),
        (lambda f: f["packages"]["ruff"].update(version="0.1"), "packages", "ruff", (None, "0.1"), "unlikely"),
        (lambda f: f["interpreter"].update(hash_seed="7"), "interpreter", "hash_seed", (None, "7"), "may"),
        (lambda f: f["system"].update(libc="glibc 9"), "system", "libc", (None, "glibc 9"), "may"),
        (lambda f: f["system"].update(kernel="9"), "system", "kernel", (None, "9"), "unlikely"),
        (lambda f: f["cpu"].update(flags=["fma", "lm"]), "cpu", "flags (vector)", (["avx2"], []), "likely"),
        (lambda f: f["cpu"].update(flags=["avx2", "fma"]), "cpu", "flags (other)", (["lm"], []), "unlikely"),
        (lambda f: f["gpu"]["devices"][0].update(name="T4"), "gpu", "devices[0].name", ("NVIDIA H100", "T4"), "likely"),
        (lambda f: f["gpu"]["devices"][0].update(vbios="2"), "gpu", "devices[0].vbios", ("1", "2"), "unlikely"),
        (lambda f: f["gpu"]["torch"].update(cudnn=90000), "gpu", "torch.cudnn", (91900, 90000), "likely"),
        (lambda f: f["threads"]["torch"].update(intra_op=1), "threads", "torch.intra_op", (2, 1), "may"),
        (lambda f: f["threads"]["pools"][0].update(threads=1), "threads", "pools.openblas.threads", (2, 1), "may"),
        (lambda f: f["numerics"]["torch"].update(matmul_precision="tf32"), "numerics", "torch.matmul_precision", ("ieee", "tf32"), "likely"),
        (lambda f: f["variables"].update(MKL_CBWR="AVX2"), "variables", "MKL_CBWR", (None, "AVX2"), "likely"),
        (lambda f: f["variables"].clear(), "variables", "OMP_NUM_THREADS", ("2", None), "may"),
    ],
)  # fmt: skip
def test_one_change_is_one_difference(
    base: Environment, change: Callable[[dict[str, Any]], Any], group: str, name: str, values: Any, expected: str
) -> None:
    """Group, name, both values, grade, and a reason that is not the fallback.

    Break: flags compared as one list give one difference of all flags; pools by position take OpenMP for OpenBLAS.
    """
    (found,) = _changed(base, change)
    assert (found.group, found.name, found.grade) == (group, name, expected)
    assert found.b == values[1]
    if values[0] is not None or group == "variables":
        assert found.a == values[0]
    assert found.reason != "nothing is known about it"
    assert found.reason in found.line()


def test_nothing_differs_from_itself(base: Environment) -> None:
    """Identical, no line but one, no worst. Break: groups that are the same told as differences."""
    found = compare_environments(base, base)
    assert found.identical
    assert found.lines() == ["the environments are the same"]
    assert found.worst is None


def test_what_matters_most_comes_first(base: Environment) -> None:
    """Within a group by grade; `worst` over all; the summary counts. Break: sorting by name alone."""
    facts = base.facts
    facts["packages"]["torch"]["version"] = "1"
    facts["packages"]["attrs"]["version"] = "1"
    facts["packages"]["ruff"]["version"] = "1"
    facts["system"]["kernel"] = "9"
    found = compare_environments(base, of_facts(facts))
    assert [one.name for one in found.by_group()["packages"]] == ["torch", "attrs", "ruff"]
    assert found.worst == "likely"
    assert found.summary == (
        "4 differences: 1 likely to change results, 1 may change results, 2 unlikely to change results"
    )


def test_one_more_card_or_library_moves_no_other(base: Environment) -> None:
    """A second card, and a pool before the others, are one difference each, told whole. Break: pools by their position."""
    (card,) = _changed(base, lambda f: f["gpu"]["devices"].append({"name": "T4", "ecc": "Enabled"}))
    assert (card.name, card.a, card.b) == ("devices[1]", None, {"name": "T4", "ecc": "Enabled"})
    (pool,) = _changed(base, lambda f: f["threads"]["pools"].insert(0, _pool("mkl", 2)))
    assert pool.name == "pools.mkl"


def test_a_library_not_imported_is_told_once(base: Environment) -> None:
    """torch's settings on one side only are one difference, not forty. Break: leaves compared one by one."""
    found = _changed(base, lambda f: (f["numerics"].clear(), f["threads"].pop("torch"), f["gpu"].pop("torch")))
    assert [(one.group, one.name) for one in found] == [("gpu", "torch"), ("threads", "torch"), ("numerics", "torch")]


def test_packages_of_one_version_with_other_bytes(base: Environment) -> None:
    """The same version with another digest says so, with the edited file. Break: comparing versions alone."""
    (found,) = _changed(base, lambda f: f["packages"]["numpy"].update(files="f" * 64, edited=["numpy/x.py"]))
    assert found.grade == "may"
    assert "edited after installing" in found.reason
    assert "ffffffffffff" in found.b
    assert "numpy/x.py edited" in found.b


def test_a_diff_is_told_by_its_digest(base: Environment) -> None:
    """The text of uncommitted code is in neither value. Break: the whole text in a line of the report."""
    first = {"digest": "a", "size_bytes": 3, "text": "one"}
    facts = base.facts
    facts["code"]["diff"] = first
    found = _changed(of_facts(facts), lambda f: f["code"]["diff"].update(digest="b", text="two"))
    assert [one.name for one in found] == ["diff.digest"]


def test_every_rule_can_be_reached() -> None:
    """No rule stands behind one that takes its paths away. Break: `gpu.*` before the rules of the GPU."""
    for pattern, expected, reason in _RULES:
        path = pattern.replace("*", "x")
        assert grade(path) == (expected, reason), pattern
