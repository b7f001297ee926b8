"""Ready trainings on arrays or data sets, one function per method."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F  # noqa: N812  (as everybody calls it)

from pedigree.errors import InvalidInput
from pedigree.training.robust.checks import NAMED, at_least, class_numbers, plain, same_length
from pedigree.training.robust.cross_validation import CleanSelection, Noise, Rows, select_clean
from pedigree.training.robust.early_learning import EarlyLearningLoss
from pedigree.training.robust.fitting import Build, Fitted, Method, Objective, Step, fit, outputs_of, weighted_mean
from pedigree.training.robust.mentor import MentorWeights
from pedigree.training.robust.recipe import Recipe
from pedigree.training.robust.samples import Samples, digest
from pedigree.training.robust.selection import CoTeachingSelector
from pedigree.training.robust.weighting import boolean, recovery_weights, relabelled
from pedigree.training.streams import derive

Test = tuple[Any, Any]


def fit_plain(
    build: Build,
    inputs: Any,
    labels: Any,
    recipe: Recipe,
    *,
    weights: Any = None,
    test: Test | None = None,
    truth: Any = None,
) -> Fitted:
    """Cross-entropy, which every method is compared with; with `weights`, one per sample from 0 on, sum(w * loss) / sum(w) in each batch.

    Weights come from `importance_weights` or `rank_weights`, or are anybody's own. A sample of weight 0 is left out altogether.
    See `fit` for the arguments that all of these functions share.
    """

    def make(_: int, given: torch.Tensor) -> Method:
        own = _weights(weights, len(given))
        rows = None if bool((own > 0).all()) else torch.nonzero(own > 0).flatten()
        settings = {} if weights is None else {"weights": digest(own)}
        return Method("plain", settings, lambda step: [_weighted(step, own)], rows=lambda _: rows)

    return fit(build, inputs, labels, recipe, make, test=test, truth=truth)


def fit_pruned(
    build: Build,
    inputs: Any,
    labels: Any,
    recipe: Recipe,
    issues: Any,
    *,
    noise: Any = None,
    test: Test | None = None,
    truth: Any = None,
) -> Fitted:
    """Cross-entropy on the samples that are no issue. With the noise matrix, P(given s | true y), also weighted by `recovery_weights`."""
    kept = ~boolean(issues, "issues")
    if not kept.any():
        raise InvalidInput("Every sample is an issue.", remedy="Keep some: pass a smaller set of issues.")
    given = np.asarray(plain(labels))
    same_length(len(kept), "issues", len(given), "labels")
    weights = kept.astype(np.float64)
    if noise is not None:
        weights[kept] = recovery_weights(given[kept], noise)
    return fit_plain(build, inputs, labels, recipe, weights=weights, test=test, truth=truth)


def fit_relabelled(
    build: Build,
    inputs: Any,
    labels: Any,
    recipe: Recipe,
    issues: Any,
    suggestions: Any,
    *,
    test: Test | None = None,
    truth: Any = None,
) -> Fitted:
    """Cross-entropy on all samples, with the suggestion in place of each label that is an issue."""
    return fit_plain(build, inputs, relabelled(labels, issues, suggestions), recipe, test=test, truth=truth)


def fit_early_learning(
    build: Build,
    inputs: Any,
    labels: Any,
    recipe: Recipe,
    *,
    strength: float = 3.0,
    momentum: float = 0.7,
    test: Test | None = None,
    truth: Any = None,
) -> Fitted:
    """Early-learning regularisation. `parts["loss"].targets` are what the net settled on for each sample, (n, classes)."""

    def make(classes: int, given: torch.Tensor) -> Method:
        loss = EarlyLearningLoss(len(given), classes, strength=strength, momentum=momentum)

        def objective(step: Step) -> list[Objective]:
            return [Objective(loss(step.logits[0], step.labels, step.rows), torch.ones(len(step.rows)))]

        return Method("early learning", {"strength": strength, "momentum": momentum}, objective, parts={"loss": loss})

    return fit(build, inputs, labels, recipe, make, test=test, truth=truth)


def fit_mentor(
    build: Build,
    inputs: Any,
    labels: Any,
    recipe: Recipe,
    *,
    percentile: float = 0.7,
    width: float = 1.0,
    burn_in: int = 3,
    decay: float = 0.9,
    burn_in_dropout: float = 0.5,
    dropout: float = 0.05,
    test: Test | None = None,
    truth: Any = None,
) -> Fitted:
    """MentorNet's predefined curriculum; see `MentorWeights`. `parts["mentor"].level` is where the losses' percentile came to stand."""
    options = {
        "width": width,
        "burn_in": burn_in,
        "decay": decay,
        "burn_in_dropout": burn_in_dropout,
        "dropout": dropout,
    }

    def make(_: int, __: torch.Tensor) -> Method:
        mentor = MentorWeights(percentile, seed=recipe.seed, **options)  # type: ignore[arg-type]  # a dict has one type of value

        def objective(step: Step) -> list[Objective]:
            losses = F.cross_entropy(step.logits[0].float(), step.labels, reduction="none")
            weights = mentor(losses, step.rows, step.epoch)
            return [Objective(weighted_mean(losses, weights), weights)]

        return Method("mentor", {"percentile": percentile} | options, objective, parts={"mentor": mentor})

    return fit(build, inputs, labels, recipe, make, test=test, truth=truth)


def fit_coteaching(
    build: Build,
    inputs: Any,
    labels: Any,
    recipe: Recipe,
    *,
    tau: float,
    ramp: int = 10,
    test: Test | None = None,
    truth: Any = None,
) -> Fitted:
    """Co-teaching: two nets, each trained on what the other finds easy. `tau` is the expected share of wrong labels.

    From an analysis of the labels it is `found.errors / len(labels)`. `weights` says what each net kept in the last epoch.
    """
    return fit(build, inputs, labels, recipe, lambda _, __: _coteaching(tau, ramp), test=test, truth=truth)


def fit_incv(
    build: Build,
    inputs: Any,
    labels: Any,
    recipe: Recipe,
    *,
    rounds: int = 4,
    selection_epochs: int | None = None,
    noise: Noise = "symmetric",
    rate: float | None = None,
    warm_up: int | None = None,
    ramp: int = 10,
    test: Test | None = None,
    truth: Any = None,
) -> Fitted:
    """INCV, then Co-teaching on what it selected: `parts["selection"]` is the `CleanSelection`.

    `rate` is the share of wrong labels where it is known; otherwise the agreement of the first half says it, which takes nets that are good
    on half of the data: see `noise_rate`. Two nets a round are trained for `selection_epochs` (None: those of the recipe). Then two nets learn from the selected samples, and
    after `warm_up` epochs (None: half of all) from these and the candidates; of each batch as many are kept as a share
    1 - selected_noise, reached over `ramp` epochs, of the selected ones in it. Source: Chen et al. 2019, Algorithms 2 and 3.

    With checkpoints, each of its trainings has a folder below the recipe's.
    """
    samples = Samples.of(inputs)
    classes = outputs_of(build, samples, recipe)
    given = class_numbers(labels, classes)
    same_length(len(given), "labels", len(samples))
    epochs = recipe.epochs if selection_epochs is None else at_least("selection_epochs", selection_epochs, 1)
    warm = recipe.epochs // 2 if warm_up is None else at_least("warm_up", warm_up, 0)

    def learn(trained: Rows, asked: Rows, turn: int, half: int) -> Any:
        own = replace(
            recipe,
            seed=derive(recipe.seed, "incv", turn, half),
            epochs=epochs,
            checkpoints=_below(recipe, f"round-{turn}-half-{half}"),
        )
        weights = np.zeros(len(given))
        weights[trained] = 1.0
        return fit_plain(build, samples, given, own, weights=weights).predict(samples.only(asked))

    selection = select_clean(given, classes, learn, seed=recipe.seed, rounds=rounds, noise=noise, rate=rate)
    own = replace(recipe, checkpoints=_below(recipe, "training"))
    return fit(build, samples, given, own, lambda _, __: _after_incv(selection, warm, ramp), test=test, truth=truth)


def _coteaching(tau: float, ramp: int) -> Method:
    selector = CoTeachingSelector(tau, ramp)

    def objective(step: Step) -> list[Objective]:
        return _exchanged(step, selector, None)

    return Method("co-teaching", selector.state_dict(), objective, nets=2, parts={"selector": selector})


def _after_incv(selection: CleanSelection, warm_up: int, ramp: int) -> Method:
    selector = CoTeachingSelector(selection.selected_noise, ramp)
    trusted = torch.from_numpy(selection.selected)
    wide = torch.from_numpy(selection.selected | selection.candidates)
    if not trusted.any():
        raise InvalidInput(
            "INCV selected no sample: no net agreed with a label of the other half.",
            remedy="Train longer in the selection, or look at the inputs and labels: are they in the same order?",
        )

    def objective(step: Step) -> list[Objective]:
        return _exchanged(step, selector, int(trusted[step.rows].sum()))

    def rows(epoch: int) -> torch.Tensor:
        return torch.nonzero(trusted if epoch < warm_up else wide).flatten()

    settings = {
        "selected": digest(trusted),
        "with candidates": digest(wide),
        "warm_up": warm_up,
    } | selector.state_dict()
    return Method("incv", settings, objective, 2, {"selector": selector, "selection": selection}, rows)


def _exchanged(step: Step, selector: CoTeachingSelector, of: int | None) -> list[Objective]:
    losses = [F.cross_entropy(logits.float(), step.labels, reduction="none") for logits in step.logits]
    chosen = selector(losses[0], losses[1], step.epoch, of=of)
    return [Objective(weighted_mean(own, mask.to(own.dtype)), mask) for own, mask in zip(losses, chosen, strict=True)]


def _weighted(step: Step, own: torch.Tensor) -> Objective:
    losses = F.cross_entropy(step.logits[0].float(), step.labels, reduction="none")
    weights = own[step.rows].to(losses.device)
    return Objective(weighted_mean(losses, weights), weights)


def _weights(weights: Any, count: int) -> torch.Tensor:
    """float32 (count,) from 0 on, not all 0; ones where there are none."""
    if weights is None:
        return torch.ones(count)
    given = np.asarray(plain(weights), dtype=np.float64)
    if given.ndim != 1:
        raise InvalidInput(f"Weights must be one per sample, got shape {given.shape}.", remedy="Give one number each.")
    same_length(len(given), "weights", count)
    bad = np.flatnonzero(~(np.isfinite(given) & (given >= 0.0)))
    if len(bad):
        raise InvalidInput(
            f"{len(bad)} weights are no number from 0 on: {given[bad[0]]} of sample {bad[0]}.",
            remedy="Weigh 0 what is to be left out.",
            rows=bad[:NAMED].tolist(),
        )
    if not given.any():
        raise InvalidInput("All weights are 0.", remedy="Keep some samples.")
    return torch.from_numpy(given.astype(np.float32))


def _below(recipe: Recipe, name: str) -> str | None:
    return None if recipe.checkpoints is None else os.path.join(recipe.checkpoints, name)
