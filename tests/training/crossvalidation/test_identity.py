"""A model's identity changes with whatever makes it, and with nothing else."""

from __future__ import annotations

import contextlib
import importlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pedigree.errors import InvalidInput
from pedigree.training.crossvalidation.identity import fingerprint


def identity(value: Any) -> str:
    return fingerprint(value, strict=True)


@pytest.mark.parametrize("way", ["global", "import inside", "from inside"])
def test_modules_of_the_users_own_count_by_their_files_and_values(
    way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The module called, one that it imports in a function, and an attribute set since. Break: name and version; do not look at imports, at those of the module, or at attributes."""
    name = f"mend_{way.replace(' ', '_')}"
    monkeypatch.syspath_prepend(tmp_path)
    below, own = tmp_path / f"{name}_below.py", tmp_path / f"{name}.py"
    below.write_text("DEPTH = 1\n")
    own.write_text(f"WIDTH = 1\ndef make():\n    from {name}_below import DEPTH\n    return WIDTH, DEPTH\n")
    texts = {
        "global": f"import {name}\ndef make():\n    return {name}.make(), {name}.WIDTH",
        "import inside": f"def make():\n    import {name}\n    return {name}.make(), {name}.WIDTH",
        "from inside": f"def make():\n    from {name} import make\n    return make()",
    }
    (tmp_path / f"{name}_notebook.py").write_text(texts[way])
    names = vars(importlib.import_module(f"{name}_notebook"))
    first = identity(names["make"])
    assert identity(names["make"]) == first
    module: Any = importlib.import_module(name)
    module.WIDTH = 2
    second = identity(names["make"])
    module.WIDTH = 1
    assert identity(names["make"]) == first != second
    if way != "from inside":
        own.write_text(own.read_text().replace("return WIDTH", "return WIDTH + 1"))
        assert identity(names["make"]) != first
        own.write_text(own.read_text().replace("return WIDTH + 1", "return WIDTH"))
        assert identity(names["make"]) == first
        alone = identity(module)
        below.write_text("DEPTH = 1 + 1\n")
        assert identity(names["make"]) != first
        assert identity(module) != alone


def no_gradient(number: int) -> Callable[[], int]:
    @torch.no_grad()
    def make() -> int:
        return number

    return make


def managed(number: int) -> Any:
    @contextlib.contextmanager
    def make() -> Iterator[int]:
        yield number

    return make


@pytest.mark.parametrize("made", [no_gradient, managed])
def test_what_an_installed_decorator_wraps_is_looked_into(made: Callable[[int], Any]) -> None:
    """Break: the decorator's name and version."""
    assert identity(made(1)) == identity(made(1))
    assert identity(made(1)) != identity(made(2))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([1], [2]),
        ({"rate": 1}, {"rate": 2}),
        (np.zeros(2), np.ones(2)),
        (torch.no_grad()(lambda _: 1), torch.no_grad()(lambda _: 2)),
        (staticmethod(lambda: 1), staticmethod(lambda: 2)),
        (property(lambda _: 1), property(lambda _: 2)),
    ],
)
def test_every_member_of_a_class_counts(one: Any, other: Any) -> None:
    """Break: functions, numbers and texts alone."""

    def classes(member: Any) -> type:
        return type("Model", (), {"member": member, "__module__": __name__})

    assert identity(classes(one)) == identity(classes(one))
    assert identity(classes(one)) != identity(classes(other))


def test_a_member_without_a_form_is_refused() -> None:
    """Break: leave it out."""
    with pytest.raises(InvalidInput, match="depends on a _thread.lock"):
        identity(type("Model", (), {"member": threading.Lock(), "__module__": __name__}))


class Scaled(torch.nn.Module):
    def __init__(self, scale: float) -> None:
        super().__init__()
        self.scale = scale
        self.inner = torch.nn.ReLU()


def test_plain_attributes_and_hooks_of_a_torch_module_count() -> None:
    """Of itself, and of a part. Break: its repr and weights; look at the outermost alone; leave out hooks."""
    assert identity(Scaled(1.0)) == identity(Scaled(1.0)) != identity(Scaled(2.0))
    nested = [identity(torch.nn.Sequential(Scaled(scale))) for scale in (1.0, 1.0, 2.0)]
    assert nested[0] == nested[1] != nested[2]
    hooked = Scaled(1.0)
    hooked.register_forward_hook(lambda _, __, found: found * 2)
    assert identity(hooked) != identity(Scaled(1.0))
    identity(torch.nn.LSTM(2, 2))  # holds weak references
