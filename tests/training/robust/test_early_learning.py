"""The early-learning loss is its formula, and so is its gradient."""

from __future__ import annotations

import math

import pytest
import torch

from pedigree import training
from pedigree.errors import InvalidInput, NonFinite

SIZE, CLASSES, STRENGTH, MOMENTUM = 20, 4, 3.0, 0.7


def batch(seed: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    draw = training.torch_generator(seed, "batch")
    logits = torch.randn(8, CLASSES, generator=draw).requires_grad_()
    return logits, torch.randint(0, CLASSES, (8,), generator=draw), torch.randperm(SIZE, generator=draw)[:8]


def written_out(logits: torch.Tensor, labels: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Cross-entropy and the term, sample by sample from exponentials, in float64."""
    total = torch.zeros((), dtype=torch.float64)
    for row, label, aim in zip(logits.double(), labels.tolist(), target.double(), strict=True):
        chances = row.exp() / row.exp().sum()
        total = total - chances[label].log() + STRENGTH * (1 - sum(chances[k] * aim[k] for k in range(CLASSES))).log()
    return total / len(labels)


def test_loss_targets_and_gradient_are_those_of_the_formula_over_several_steps() -> None:
    """Float32 against float64: 1e-5. Break: a sign; the old target in the term; a gradient through the target; beta and 1 - beta swapped."""
    loss = training.EarlyLearningLoss(SIZE, CLASSES, strength=STRENGTH, momentum=MOMENTUM)
    targets = torch.zeros(SIZE, CLASSES, dtype=torch.float64)
    for step in range(5):
        logits, labels, rows = batch(step)
        found = loss(logits, labels, rows)
        found.backward()
        own = logits.detach().double()
        targets[rows] = MOMENTUM * targets[rows] + (1 - MOMENTUM) * own.softmax(dim=1)
        other = logits.detach().clone().requires_grad_()
        expected = written_out(other, labels, targets[rows])
        torch.autograd.backward(expected)
        assert found.item() == pytest.approx(expected.item(), rel=1e-5)
        torch.testing.assert_close(logits.grad, other.grad, rtol=1e-4, atol=1e-6)
        torch.testing.assert_close(loss.targets.double(), targets, rtol=1e-5, atol=1e-7)


def test_the_gradient_is_that_of_the_closed_form() -> None:
    """dL/dz = p - y - strength * p * (t - <p, t>) / (1 - <p, t>) (Liu et al. 2020, Lemma on the gradient). Break: scale by 1 / classes."""
    loss = training.EarlyLearningLoss(SIZE, CLASSES, strength=STRENGTH, momentum=MOMENTUM)
    logits, labels, rows = batch(9)
    loss(logits, labels, rows).backward()
    p, t = logits.detach().softmax(dim=1), loss.targets[rows]
    inner = (p * t).sum(dim=1, keepdim=True)
    expected = p - torch.nn.functional.one_hot(labels, CLASSES) - STRENGTH * p * (t - inner) / (1 - inner)
    torch.testing.assert_close(logits.grad, expected / len(labels), rtol=1e-4, atol=1e-6)


def test_strength_0_is_cross_entropy() -> None:
    """Break: leave a constant in."""
    logits, labels, rows = batch(1)
    loss = training.EarlyLearningLoss(SIZE, CLASSES, strength=0.0)
    assert loss(logits, labels, rows).item() == torch.nn.functional.cross_entropy(logits, labels).item()


def test_a_wrong_label_of_what_was_learnt_is_pulled_back() -> None:
    """The net says class 0 with 0.9 and its target too; the label is 1. The gradient on class 1's logit is smaller than that of cross-entropy,
    and of class 0's too. Break: the sign of the term."""
    logits = torch.tensor([[math.log(0.9), math.log(0.1)]], requires_grad=True)
    loss = training.EarlyLearningLoss(1, 2)
    loss.targets[0] = torch.tensor([0.9, 0.1])
    loss(logits, torch.tensor([1]), torch.tensor([0])).backward()
    assert logits.grad is not None
    assert abs(float(logits.grad[0, 1])) < 0.9 * 0.6


def test_a_certain_net_gives_a_finite_loss_and_gradient() -> None:
    """Break: leave the least out: the logarithm of 0."""
    logits = torch.tensor([[90.0, -90.0]], requires_grad=True)
    loss = training.EarlyLearningLoss(1, 2, momentum=0.0)
    found = loss(logits, torch.tensor([0]), torch.tensor([0]))
    found.backward()
    assert math.isfinite(found.item())
    assert logits.grad is not None
    assert bool(torch.isfinite(logits.grad).all())


def test_eval_mode_changes_no_target() -> None:
    """Break: update always."""
    loss = training.EarlyLearningLoss(SIZE, CLASSES)
    loss.eval()
    loss(*batch(1))
    assert not bool(loss.targets.any())


def test_bad_input_is_named() -> None:
    """Break: let a row of -1 write to the last sample."""
    loss = training.EarlyLearningLoss(3, 2)
    logits, labels, rows = torch.zeros(2, 2), torch.tensor([0, 1]), torch.tensor([0, 1])
    with pytest.raises(InvalidInput, match=r"A row of the batch is 3\."):
        loss(logits, labels, torch.tensor([0, 3]))
    with pytest.raises(InvalidInput, match=r"A row of the batch is -1\."):
        loss(logits, labels, torch.tensor([-1, 0]))
    with pytest.raises(InvalidInput, match=r"A label of the batch is 2\."):
        loss(logits, torch.tensor([0, 2]), rows)
    with pytest.raises(InvalidInput, match="twice in the batch"):
        loss(logits, labels, torch.tensor([1, 1]))
    with pytest.raises(InvalidInput, match=r"Logits of shape \(2, 3\), 2 labels and 2 rows do not fit"):
        loss(torch.zeros(2, 3), labels, rows)
    with pytest.raises(NonFinite, match=r"1 of 2 rows of logits are not finite: nan of sample 1"):
        loss(torch.tensor([[0.0, 0.0], [0.0, math.nan]]), labels, rows)
    with pytest.raises(InvalidInput, match="momentum must be from 0 to below 1"):
        training.EarlyLearningLoss(3, 2, momentum=1.0)
