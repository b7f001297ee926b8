"""A checkpoint of something else: told in one sentence, and nothing is changed."""

from __future__ import annotations

import itertools
import random
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from pedigree.errors import CheckpointMismatch, CheckpointNotFound, UnsupportedState
from pedigree.training import Checkpoints, load_checkpoint, save_checkpoint


def layers(*widths: int, dtype: torch.dtype = torch.float32) -> nn.Sequential:
    return nn.Sequential(*(nn.Linear(a, b, dtype=dtype) for a, b in itertools.pairwise(widths)))


def refused(folder: Path, parts: dict[str, Any]) -> str:
    """The message; and nothing of the parts or the process has changed."""
    before = [part.state_dict() for part in parts.values() if isinstance(part, nn.Module)]
    kept = [{key: value.clone() for key, value in state.items()} for state in before]
    drawn = torch.get_rng_state()
    with pytest.raises(CheckpointMismatch) as caught:
        load_checkpoint(folder, parts)
    assert caught.value.remedy
    for state, now in zip(kept, before, strict=True):
        assert all(torch.equal(state[key], now[key]) for key in state)
    assert torch.equal(torch.get_rng_state(), drawn)
    return caught.value.message


def test_another_model_is_told_with_the_first_differences(tmp_path: Path) -> None:
    """Names, shapes and types, the first three and the count. Break: compare names only; shapes only; put back before comparing all."""
    save_checkpoint(tmp_path, 1, {"model": layers(2, 3, 4)})
    message = refused(tmp_path, {"model": layers(2, 5, 4)})
    assert "3 of 4 entries differ: `0.weight` is [3, 2] float32 there and [5, 2] float32 here; `0.bias`" in message
    message = refused(tmp_path, {"model": layers(2, 3, 4, dtype=torch.bfloat16)})
    assert "4 of 4 entries differ" in message
    assert "`0.weight` is [3, 2] float32 there and [3, 2] bfloat16 here" in message
    assert message.endswith("; and 1 more.")
    message = refused(tmp_path, {"model": layers(2, 3, 4, 5)})
    assert "2 of 6 entries differ: `2.weight` ([5, 4] float32) is only here" in message
    message = refused(tmp_path, {"model": layers(2, 3)})
    assert "2 of 4 entries differ: `1.weight` ([4, 3] float32) is only there" in message


@pytest.mark.parametrize("prefix", ["module", "_orig_mod"])
def test_a_wrapped_model_is_told_as_such(prefix: str, tmp_path: Path) -> None:
    """Break: leave out the comparison without the wrapper's prefix."""
    inner = layers(2, 3)
    save_checkpoint(tmp_path, 1, {"model": nn.Sequential(OrderedDict([(prefix, inner)]))})
    assert "when it was saved only: give the model inside as the part" in refused(tmp_path, {"model": inner})
    save_checkpoint(tmp_path, 2, {"model": inner})
    assert "here only: give the model inside" in refused(
        tmp_path, {"model": nn.Sequential(OrderedDict([(prefix, inner)]))}
    )


def test_weights_tied_on_one_side_only_are_told(tmp_path: Path) -> None:
    """Untied weights that differ would be loaded into one, the last winning. Break: leave out the comparison of ties."""
    tied, untied = layers(3, 3, 3), layers(3, 3, 3)
    tied[1].weight = tied[0].weight
    save_checkpoint(tmp_path, 1, {"model": untied})
    assert "other weights are tied: `0.weight` and `1.weight` are one tensor here, and two there" in refused(
        tmp_path, {"model": tied}
    )
    save_checkpoint(tmp_path, 2, {"model": tied})
    assert "are one tensor there, and two here" in refused(tmp_path, {"model": untied})
    load_checkpoint(tmp_path, {"model": tied})
    assert tied[1].weight is tied[0].weight


def test_another_optimiser_is_told(tmp_path: Path) -> None:
    """Class, groups, and parameters. Break: leave out each comparison."""
    model = layers(2, 3)
    weight, bias = model.parameters()
    save_checkpoint(tmp_path, 1, {"optimizer": torch.optim.Adam([weight, bias])})
    message = refused(tmp_path, {"optimizer": torch.optim.SGD([weight, bias], lr=1)})
    assert "optimizer: it is the state of Adam there and of SGD here" in message
    message = refused(tmp_path, {"optimizer": torch.optim.Adam([{"params": [weight]}, {"params": [bias]}])})
    assert "its groups have 2 parameters there and 1, 1 here" in message
    message = refused(tmp_path, {"optimizer": torch.optim.Adam([bias, weight])})
    assert "2 parameters differ: parameter 0 of group 0 is [3, 2] float32 there and [3] float32 here" in message
    message = refused(tmp_path, {"optimizer": model})
    assert "optimizer: it is the state of Adam there and of Sequential here" in message


def test_parts_on_one_side_only_are_told(tmp_path: Path) -> None:
    """Break: load what is there and say nothing."""
    model = layers(2, 3)
    optimizer = torch.optim.SGD(model.parameters(), lr=1)
    save_checkpoint(tmp_path, 1, {"model": model, "optimizer": optimizer})
    assert "it has the part 'optimizer' (SGD), which was not given here" in refused(tmp_path, {"model": model})
    message = refused(tmp_path, {"model": model, "optimizer": optimizer, "ema": model})
    assert "it has no part 'ema'; it has model, optimizer" in message


def test_a_missing_random_state_is_told_and_can_be_done_without(tmp_path: Path) -> None:
    """A generator that is not there, or of another kind, stops an exact resume; without exactness it is a note. Break: skip it silently."""
    save_checkpoint(tmp_path, 1, {"noise": np.random.default_rng(1)})
    assert "it has no random state 'flips'; it has noise" in refused(
        tmp_path, {"noise": np.random.default_rng(2), "flips": random.Random(3)}
    )
    other = np.random.Generator(np.random.MT19937(2))
    message = refused(tmp_path, {"noise": other})
    assert "numpy.random.Generator over PCG64 there and of numpy.random.Generator over MT19937 here" in message
    at = load_checkpoint(tmp_path, {"noise": other}, exact=False)
    assert "MT19937" in at.notes[0]
    assert other.random() == np.random.Generator(np.random.MT19937(2)).random()


def test_random_states_of_a_gpu_that_is_not_here_are_told(tmp_path: Path) -> None:
    """Break: restore as many as there are and say nothing."""
    import json

    from blake3 import blake3

    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    path = Path(save_checkpoint(tmp_path, 1, {}, user={"x": torch.ones(1)}))
    state = json.loads((path / "state.json").read_text())
    state["random"]["cuda"] = [state["random"]["torch"]]
    state["user"]["x"]["device"] = "cuda:0"
    (path / "state.json").write_text(json.dumps(state))
    rows = [
        f"{blake3((path / name).read_bytes()).hexdigest()}  {name}\n" for name in ("state.json", "tensors.safetensors")
    ]
    (path / "digests").write_text("".join(rows))
    message = refused(tmp_path, {})
    assert "it has random states of 1 CUDA devices, and there are 0 here" in message
    assert "tensors of its values were on cuda:0, which is not here" in message
    at = load_checkpoint(tmp_path, {}, exact=False)
    assert len(at.notes) == 2
    assert at.user["x"].device.type == "cpu"


def test_another_number_of_threads_is_a_note(tmp_path: Path) -> None:
    """Sums may differ then, and nothing else says so. Break: do not keep the number."""
    save_checkpoint(tmp_path, 1, {})
    torch.set_num_threads(2)  # put back by the fixture
    assert load_checkpoint(tmp_path, {}).notes == (
        "it was saved with 1 threads of torch, and here are 2 threads of torch: sums may differ in their last bits",
    )


def test_a_step_that_is_not_there_is_told(tmp_path: Path) -> None:
    """Break: load the last one instead."""
    model = layers(2, 3)
    assert Checkpoints(tmp_path / "none", {"model": model}).load() is None
    with pytest.raises(CheckpointNotFound, match="There is no checkpoint in"):
        load_checkpoint(tmp_path / "none", {"model": model})
    save_checkpoint(tmp_path, 5, {"model": model})
    with pytest.raises(CheckpointNotFound, match="no checkpoint of step 4") as caught:
        load_checkpoint(tmp_path, {"model": model}, step=4)
    assert caught.value.remedy == "The last ones there are of steps 5."


def test_parts_without_state_and_models_without_weights_are_told(tmp_path: Path) -> None:
    """Break: take anything for a part."""
    with pytest.raises(UnsupportedState, match="The part 'rate' is a float, which has no state_dict"):
        save_checkpoint(tmp_path, 1, {"rate": 0.1})
    with pytest.raises(UnsupportedState, match="model/weight is not initialised yet"):
        save_checkpoint(tmp_path, 1, {"model": nn.LazyLinear(3)})
