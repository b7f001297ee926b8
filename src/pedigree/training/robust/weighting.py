"""What a look at the labels implies for training again: weights per sample, and labels that were put right.

Everything here takes plain arrays, such as `labels.analyse` of Pedigree gives: `noise` is its noise matrix, P(given s | true y) in
row s and column y, so that columns sum to 1; `issues` the mask of the labels that are probably wrong; `scores` lower where
a label is likelier wrong.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pedigree.errors import InvalidInput
from pedigree.training.robust.checks import NAMED, class_numbers, plain, same_length

Weights = NDArray[np.float64]

#: A column of the noise matrix may miss 1 by this much.
TOLERANCE = 1e-3


def recovery_weights(labels: Any, noise: Any) -> Weights:
    """1 / P(given s | true s) for each label s: for the samples that are left after the wrong labels were taken out.

    A class that lost more of its samples to other labels counts more, as if all of them were still there. Raises InvalidInput
    for a class whose diagonal is 0. Source: Northcutt et al. 2017, "Learning with confident examples" (arXiv:1705.01936).
    """
    matrix = noise_matrix(noise)
    given = class_numbers(labels, len(matrix)).numpy()
    own = matrix.diagonal()
    lost = np.flatnonzero(own <= 0.0)
    lost = lost[np.isin(lost, given)]
    if len(lost):
        raise InvalidInput(
            f"Of class {lost[0]} no sample keeps its label, by the noise matrix.",
            remedy="No weight makes up for that: leave the class out, or look at its labels.",
        )
    return np.asarray(1.0 / np.where(own > 0.0, own, 1.0)[given])


def importance_weights(labels: Any, probabilities: Any, noise: Any) -> Weights:
    """P(true s | x) / P(given s | x) for each label s, cut to [0, 1 / P(given s | true s)]: for training on all samples.

    `probabilities`, (n, K), are those of the *given* labels, out of sample. By the inverse of the noise matrix they give those of the
    true labels: noise^-1 p, negative ones as 0 and summed to 1 again. A label that the rest of the data does not explain as
    noise counts up to 1 / P(s | s), one that it does counts 0. The cut is the most that the ratio can be where the estimates are exact. Raises InvalidInput for
    a matrix that has no inverse. Source: Liu and Tao 2016, "Classification with noisy labels by importance reweighting"
    (arXiv:1411.7718), section 3, for more than two classes by the inverse.
    """
    matrix = noise_matrix(noise)
    given = class_numbers(labels, len(matrix)).numpy()
    chances = np.asarray(plain(probabilities), dtype=np.float64)
    if chances.shape != (len(given), len(matrix)):
        raise InvalidInput(
            f"Probabilities must be one row per label and one column per class, {len(given)} x {len(matrix)}, got {chances.shape}.",
            remedy="Give them out of sample, of a model that was not trained on the row it judges.",
        )
    bad = np.flatnonzero(~(np.isfinite(chances) & (chances >= 0.0)).all(axis=1))
    if len(bad):
        raise InvalidInput(
            f"{len(bad)} rows of probabilities hold what is none, the first row {bad[0]}.",
            remedy="Give softmax outputs, not logits, and nothing undefined.",
            rows=bad[:NAMED].tolist(),
        )
    if np.linalg.cond(matrix) > 1e8:
        raise InvalidInput(
            "The noise matrix has no inverse: two true classes are labelled in the same way.",
            remedy="Merge the classes, or prune instead.",
        )
    true = np.maximum(np.linalg.solve(matrix, chances.T).T, 0.0)
    true /= np.maximum(true.sum(axis=1, keepdims=True), 1e-12)
    rows = np.arange(len(given))
    ratio = true[rows, given] / np.maximum(chances[rows, given], 1e-12)
    most = 1.0 / np.maximum(matrix.diagonal(), 1e-12)
    return np.asarray(np.minimum(ratio, most[given]))


def rank_weights(scores: Any, errors: int) -> Weights:
    """Weights that rise with the rank of the score from 0 at the worst to 1 at rank 2 * errors; together `errors` is missing.

    w = min(1, (r + 1/2) / (2 errors)), where r is 0 for the lowest score and ties go by index. So the estimated number of wrong labels
    is taken out of the training, half of it where the ranking is least sure. Only the order of the scores matters. NaN scores
    (no label) weigh 0, and are not counted. `errors` is 0 to half of the samples.
    """
    given = np.asarray(plain(scores), dtype=np.float64)
    if given.ndim != 1:
        raise InvalidInput(f"Scores must be one per sample, got shape {given.shape}.", remedy="Give one rank's scores.")
    present = ~np.isnan(given)
    if not 0 <= errors <= present.sum() / 2:
        raise InvalidInput(
            f"errors is {errors} of {int(present.sum())} samples.",
            remedy="Ranks can take out half of the samples at most: prune, or look at the estimate.",
        )
    ranks = np.empty(len(given))
    ranks[np.argsort(given, kind="stable")] = np.arange(len(given))
    weights = np.ones(len(given)) if errors == 0 else np.minimum(1.0, (ranks + 0.5) / (2.0 * errors))
    return np.asarray(np.where(present, weights, 0.0))


def relabelled(labels: Any, issues: Any, suggestions: Any) -> NDArray[Any]:
    """The labels with the suggestion in place of each that is an issue; a new array, numbers in the labels' own type.

    Raises InvalidInput for a suggestion that this type cannot hold, such as -1 among labels of uint8.
    """
    given, wrong, others = np.asarray(plain(labels)), boolean(issues, "issues"), np.asarray(plain(suggestions))
    same_length(len(wrong), "issues", len(given), "labels")
    same_length(len(others), "suggestions", len(given), "labels")
    found = np.where(wrong, others, given)
    if given.dtype.kind not in "iufb" or found.dtype.kind not in "iufb":
        return np.asarray(found)  # texts as long as they are
    with np.errstate(invalid="ignore"):  # what does not survive is refused below
        kept = found.astype(given.dtype)
    lost = np.flatnonzero((kept != found) & ~((kept != kept) & (found != found)))
    if len(lost):
        raise InvalidInput(
            f"{len(lost)} suggestions cannot be labels of {given.dtype}: {others[lost[0]]!r} of sample {lost[0]}.",
            remedy="Give labels of a type that holds them, or take the mark for no suggestion out of the issues.",
            rows=lost[:NAMED].tolist(),
        )
    return np.asarray(kept)


def boolean(values: Any, what: str) -> NDArray[np.bool_]:
    """One boolean per sample; raises InvalidInput for anything else, row numbers among them."""
    given = np.asarray(plain(values))
    if given.ndim != 1 or given.dtype != np.bool_:
        raise InvalidInput(
            f"The {what} must be one boolean per sample, got {given.dtype} of shape {given.shape}.",
            remedy="Of row numbers make a mask: mask = numpy.zeros(n, bool); mask[rows] = True.",
        )
    return given


def noise_matrix(noise: Any) -> NDArray[np.float64]:
    """A square matrix whose columns are probabilities; raises InvalidInput for anything else."""
    matrix = np.asarray(plain(noise), dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or len(matrix) < 2:
        raise InvalidInput(
            f"A noise matrix has a row and a column for each class, got shape {matrix.shape}.",
            remedy="Give P(given s | true y) in row s and column y.",
        )
    sums = matrix.sum(axis=0)
    bad = np.flatnonzero(~((matrix >= 0.0).all(axis=0) & (np.abs(sums - 1.0) <= TOLERANCE)))
    if len(bad):
        raise InvalidInput(
            f"Column {bad[0]} of the noise matrix sums to {sums[bad[0]]:.6g}.",
            remedy="Columns are true classes and sum to 1; transpose it if rows do.",
            rows=bad[:NAMED].tolist(),
        )
    return matrix
