"""What needs a GPU: saved there and loaded on the CPU, and resumed there with the same bytes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from pedigree.errors import CheckpointMismatch
from pedigree.training import load_checkpoint, save_checkpoint
from tests.training.checkpoint.test_resume import OPTIMIZERS, SCHEDULERS, resumed, straight
from tests.training.checkpoint.trainings import Training

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


def make(device: str) -> Training:
    return Training(OPTIMIZERS["Adam"], SCHEDULERS["StepLR"], device=device)


def test_a_training_on_a_gpu_ends_with_the_same_bytes(tmp_path: Path) -> None:
    """Dropout there draws from the device's own state. Break: leave the states of CUDA out."""
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.backends.cudnn.benchmark = False
    try:
        wanted = straight(lambda: make("cuda"), 12)
        for stop in (0, 1, 7):
            assert resumed(lambda: make("cuda"), 12, stop, tmp_path / str(stop)) == wanted
    finally:
        torch.use_deterministic_algorithms(before)


def test_saved_on_a_gpu_it_loads_on_the_cpu(tmp_path: Path) -> None:
    """Weights and moments go where the parts are, with the same bits. Break: put tensors on the device that they came from."""
    there = make("cuda")
    there.advance()
    save_checkpoint(tmp_path, 1, there.parts, user={"x": torch.ones(2, device="cuda")})
    here = make("cpu")
    at = load_checkpoint(tmp_path, here.parts)
    assert at.user["x"].device.type == "cuda"
    for one, other in zip(there.model.state_dict().values(), here.model.state_dict().values(), strict=True):
        assert other.device.type == "cpu"
        assert torch.equal(one.cpu(), other)
    for one, other in zip(there.optimizer.state.values(), here.optimizer.state.values(), strict=True):
        assert other["exp_avg"].device.type == "cpu"
        assert torch.equal(one["exp_avg"].cpu(), other["exp_avg"])
    here.advance()


def test_a_generator_of_a_gpu_does_not_fit_one_of_the_cpu(tmp_path: Path) -> None:
    """Break: take the state's bytes for those of another algorithm."""
    save_checkpoint(tmp_path, 1, {"noise": torch.Generator("cuda")})
    with pytest.raises(CheckpointMismatch, match="torch.Generator on cuda there and of torch.Generator on cpu here"):
        load_checkpoint(tmp_path, {"noise": torch.Generator()})
