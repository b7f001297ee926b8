"""One training of one or more nets side by side, by a method that says what each minimises."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from pedigree.errors import CheckpointMismatch, InvalidInput
from pedigree.training.checkpoint.checkpoints import Checkpoints
from pedigree.training.checkpoint.finite import check_finite
from pedigree.training.determinism import deterministic
from pedigree.training.loading import kept
from pedigree.training.robust.checks import class_numbers, same_length
from pedigree.training.robust.history import Epoch, History
from pedigree.training.robust.recipe import Recipe, told
from pedigree.training.robust.samples import Samples, digest
from pedigree.training.seeds import seed_everything
from pedigree.training.streams import derive

Build = Callable[[], torch.nn.Module]
#: How many samples a net looks at together when it is only asked.
_ASKED = 1024
_HASH_SEED = "PYTHONHASHSEED"


class Objective(NamedTuple):
    """What a net minimises in a batch, and how much each sample counted in it, in [0, 1] or more."""

    loss: torch.Tensor
    weights: torch.Tensor


class Step(NamedTuple):
    """One batch: the epoch, the samples' numbers (on the CPU), the logits of each net and the labels (on the device)."""

    epoch: int
    rows: torch.Tensor
    logits: Sequence[torch.Tensor]
    labels: torch.Tensor


@dataclass(frozen=True, slots=True)
class Method:
    """What a method adds to plain training. `settings` decide the result and are compared with those of a checkpoint."""

    name: str
    settings: Mapping[str, Any]
    objective: Callable[[Step], Sequence[Objective]]
    nets: int = 1
    #: Whatever has state, for the checkpoints.
    parts: Mapping[str, Any] = field(default_factory=dict)
    #: The samples that an epoch trains on, None for all.
    rows: Callable[[int], torch.Tensor | None] = lambda _: None


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """Trained nets, as they were after the last epoch. `predict` averages them."""

    nets: tuple[torch.nn.Module, ...]
    history: History
    #: (nets, n) float32: how much each sample counted in the last epoch; 0 where it was not trained on.
    weights: NDArray[np.float32]
    #: The method's own pieces with their state: a selector, a loss, a selection of clean samples.
    parts: Mapping[str, Any]

    def predict(self, inputs: Any) -> NDArray[np.float64]:
        """Probabilities (n, classes), softmax in float64, the mean over the nets."""
        return sum((probabilities(net, Samples.of(inputs)) for net in self.nets), np.zeros(())) / len(self.nets)


def weighted_mean(losses: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """sum(weights * losses) / sum(weights); 0 where all weights are 0."""
    return (losses * weights).sum() / weights.sum().clamp(min=1e-6)


def fit(
    build: Build,
    inputs: Any,
    labels: Any,
    recipe: Recipe,
    make: Callable[[int, torch.Tensor], Method],
    *,
    test: tuple[Any, Any] | None = None,
    truth: Any = None,
) -> Fitted:
    """Train nets that `build` makes (the k-th from the stream (seed, "net", k)) on n samples by the method that `make(classes, labels)` gives.

    `classes` is the number of outputs of a net. `test` is (inputs, labels) to measure accuracy on after each epoch; `truth`, the
    true labels, only says which share of what was trained on was right. Neither changes what is trained. The global
    generators and torch's settings are put back afterwards; deterministic algorithms stand while it trains.

    Raises InvalidInput for labels outside or lengths that differ, NonFinite for a loss that is no number, CheckpointMismatch for the
    checkpoints of another training.
    """
    samples = Samples.of(inputs)
    if len(samples) == 0:
        raise InvalidInput("There are no samples.", remedy="Give one at least.")
    with _isolated(recipe):
        nets = [_built(build, recipe, 0, samples)]
        classes = _outputs(nets[0], samples, recipe)
        given = class_numbers(labels, classes)
        same_length(len(given), "labels", len(samples))
        right = None if truth is None else class_numbers(truth, classes, what="true labels") == given
        watched = None if test is None else (Samples.of(test[0]), class_numbers(test[1], classes, what="test labels"))
        if watched is not None:
            same_length(len(watched[1]), "test labels", len(watched[0]), "test samples")
        method = make(classes, given)
        nets += [_built(build, recipe, number, samples) for number in range(1, method.nets)]
        run = _Run(nets, samples, given, recipe, method, watched)
        seed_everything(derive(recipe.seed, "robust", method.name))
        with _checkpoints(run) as checkpoints:
            rows = run.resume(checkpoints)
            while len(rows) < recipe.epochs * method.nets:
                epoch = len(rows) // method.nets
                rows += run.epoch(epoch, right, watched)
                if checkpoints is not None:
                    checkpoints.save(
                        epoch + 1,
                        metrics=[[row.loss, row.kept, row.kept_right, row.test_accuracy] for row in rows],
                        user={"identity": run.identity, "weights": run.weights},
                    )
    return Fitted(tuple(nets), History(tuple(rows)), run.weights.numpy(), method.parts)


def outputs_of(build: Build, inputs: Any, recipe: Recipe) -> int:
    """How many classes the net that `build` makes tells apart."""
    samples = Samples.of(inputs)
    with _isolated(recipe):
        return _outputs(_built(build, recipe, 0, samples), samples, recipe)


def probabilities(net: torch.nn.Module, samples: Samples) -> NDArray[np.float64]:
    """Softmax in float64 of what the net says in eval mode, (n, classes), computed where the net is."""
    device = str(next((one.device for one in [*net.parameters(), *net.buffers()]), "cpu"))
    was = net.training
    net.eval()
    try:
        with torch.no_grad():
            found = [net(part).double().softmax(dim=1).cpu() for part in samples.parts(_ASKED, device)]
    finally:
        net.train(was)
    return torch.cat(found).numpy()


class _Run:
    def __init__(
        self,
        nets: list[torch.nn.Module],
        samples: Samples,
        labels: torch.Tensor,
        recipe: Recipe,
        method: Method,
        watched: tuple[Samples, torch.Tensor] | None,
    ) -> None:
        self.nets, self.samples, self.recipe, self.method = nets, samples, recipe, method
        self.labels = labels.to(recipe.device)
        self.weights = torch.zeros(method.nets, len(labels))
        self.optimizers = [recipe.optimizer(net.parameters()) for net in nets]
        self.schedules = [recipe.schedule(one) for one in self.optimizers] if recipe.schedule else []
        for part in method.parts.values():
            if isinstance(part, torch.nn.Module):
                part.to(recipe.device)
        #: What decides the result and is not in the parts. Without checkpoints nobody asks.
        self.identity = {} if recipe.checkpoints is None else self._identity(labels, watched)

    def _identity(self, labels: torch.Tensor, watched: tuple[Samples, torch.Tensor] | None) -> dict[str, Any]:
        method, recipe, optimizer = self.method, self.recipe, self.optimizers[0]
        groups = [{name: one for name, one in group.items() if name != "params"} for group in optimizer.param_groups]
        return {
            "method": method.name,
            **{name: repr(value) for name, value in method.settings.items()},
            "seed": recipe.seed,
            "batch_size": recipe.batch_size,
            "labels": digest(labels),
            "inputs": self.samples.digest(),
            "test set": None if watched is None else [watched[0].digest(), digest(watched[1])],
            "optimizer": [told(type(optimizer)), told(groups)],
            "schedule": [[told(type(one)), told(one.state_dict())] for one in self.schedules[:1]],
            "augment": told(recipe.augment),
        }

    @property
    def parts(self) -> dict[str, Any]:
        named: dict[str, list[Any]] = {"net": self.nets, "optimizer": self.optimizers, "schedule": self.schedules}
        own = {f"{name} {number}": part for name, parts in named.items() for number, part in enumerate(parts)}
        return own | {name: part for name, part in self.method.parts.items() if hasattr(part, "state_dict")}

    def resume(self, checkpoints: Checkpoints | None) -> list[Epoch]:
        at = None if checkpoints is None else checkpoints.load()
        if at is None:
            return []
        differ = [name for name in self.identity if at.user["identity"].get(name) != self.identity[name]]
        if differ:
            raise CheckpointMismatch(
                f"The checkpoint {at.path} is of another training: {', '.join(differ)} differ.",
                remedy="Name another folder, or give the inputs, labels and settings that it began with.",
                path=at.path,
            )
        trained = len(at.metrics) // self.method.nets
        if trained > self.recipe.epochs:
            raise CheckpointMismatch(
                f"The checkpoint {at.path} has {trained} epochs, and {self.recipe.epochs} are asked for.",
                remedy="Name another folder, or ask for as many epochs at least.",
                path=at.path,
            )
        self.weights.copy_(at.user["weights"])
        count = self.method.nets
        return [Epoch(number // count, number % count, *values) for number, values in enumerate(at.metrics)]

    def epoch(
        self, epoch: int, right: torch.Tensor | None, watched: tuple[Samples, torch.Tensor] | None
    ) -> list[Epoch]:
        self.weights.zero_()
        sums, batches = [0.0] * len(self.nets), 0
        for net in self.nets:
            net.train()
        for rows, inputs in self.samples.batches(self.recipe, epoch, self.method.rows(epoch)):
            logits = [net(inputs) for net in self.nets]
            labels = self.labels[rows.to(self.labels.device)]
            objectives = self.method.objective(Step(epoch, rows, logits, labels))
            # All losses come from the nets as they were before this batch, so the order of the updates says nothing.
            for number, (objective, optimizer) in enumerate(zip(objectives, self.optimizers, strict=True)):
                sums[number] += check_finite(
                    objective.loss, epoch, name=f"loss of net {number}", model=self.nets[number]
                )
                optimizer.zero_grad()
                objective.loss.backward()  # type: ignore[no-untyped-call]  # torch's gap
                optimizer.step()
                self.weights[number, rows] = objective.weights.detach().float().cpu()
            batches += 1
        for schedule in self.schedules:
            schedule.step()
        return [
            self._row(epoch, number, sums[number] / max(batches, 1), right, watched) for number in range(len(self.nets))
        ]

    def _row(
        self,
        epoch: int,
        number: int,
        loss: float,
        right: torch.Tensor | None,
        watched: tuple[Samples, torch.Tensor] | None,
    ) -> Epoch:
        weights = self.weights[number].double()
        total = float(weights.sum())
        accuracy = None
        if watched is not None:
            answers = probabilities(self.nets[number], watched[0]).argmax(axis=1)
            accuracy = int((answers == watched[1].numpy()).sum()) / len(answers)
        share = None if right is None or total == 0.0 else float(weights[right].sum()) / total
        return Epoch(epoch, number, loss, total / len(weights), share, accuracy)


def _checkpoints(run: _Run) -> Any:
    folder = run.recipe.checkpoints
    return nullcontext(None) if folder is None else Checkpoints(folder, run.parts)


def _built(build: Build, recipe: Recipe, number: int, samples: Samples) -> torch.nn.Module:
    """The net of this number, with its lazy layers made: an optimiser must find their weights."""
    seed_everything(derive(recipe.seed, "net", number))
    net = build().to(recipe.device)
    _outputs(net, samples, recipe)
    return net


def _outputs(net: torch.nn.Module, samples: Samples, recipe: Recipe) -> int:
    was = net.training
    net.eval()
    with torch.no_grad():
        first = samples.one(0)
        found = net(torch.as_tensor(first)[None].to(recipe.device))
    net.train(was)
    if found.ndim != 2 or found.shape[1] < 2:
        raise InvalidInput(
            f"The net gives {tuple(found.shape)} for one sample.",
            remedy="It must give one logit per class, (batch, classes), for two classes at least.",
        )
    return int(found.shape[1])


@contextmanager
def _isolated(recipe: Recipe) -> Iterator[None]:
    """Deterministic algorithms, and what `seed_everything` sets put back afterwards: a function is no script."""
    device = torch.device(recipe.device)
    gpus = [device] if device.type == "cuda" else []
    decided = nullcontext() if recipe.determinism is None else deterministic(recipe.determinism)
    seed_of_children = os.environ.get(_HASH_SEED)
    with decided, kept(), torch.random.fork_rng(gpus):
        try:
            yield
        finally:
            if seed_of_children is None:
                os.environ.pop(_HASH_SEED, None)
            else:
                os.environ[_HASH_SEED] = seed_of_children
