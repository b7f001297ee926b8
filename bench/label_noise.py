"""How well each method finds labels that were made wrong, and what pruning by it gains: cleanlab in the same run.

    OMP_NUM_THREADS=1 python bench/label_noise.py [--quick] [--count 2000] [--seeds 3] [--pictures FOLDER]

Images of mnist and fashion-mnist with 10 to 40 % class-dependent or human-like noise; probabilities of a small network, held out
by 5 folds. Ranks: average precision, precision among the worst 100 and among the worst k, k the number of errors. Filters: F1,
precision, recall. Pruning: test accuracy of the network trained again without the worst x %, against as many at random (at 20 and 40 % noise). Means over
data sets, rates and seeds. `--quick` takes a minute. Exits with 1 when a bar is missed: the default rank's average precision
below self-confidence in the mean of a data set and kind of noise, the default set's F1 below cleanlab's default, pruning below random
in the mean of the shares.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from noisy_images import DATA, FILES, Images, class_dependent, held_out, human_like, images, probabilities
from numpy.typing import NDArray

from pedigree import labels
from pedigree.labels.analysis import FILTERS, RANKS

KINDS = ("class-dependent", "human-like")
RATES = (0.1, 0.2, 0.3, 0.4)
SHARES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
#: Rates of noise at which pruning is tried.
PRUNED_RATES = (0.2, 0.4)
PEER_RANKS = ("self_confidence", "normalized_margin", "confidence_weighted_entropy")
PEER_FILTERS = ("prune_by_noise_rate", "prune_by_class", "both", "confident_learning", "predicted_neq_given")
#: What pruning goes by.
PRUNED_BY = ("blend", "self_confidence", "random")
Scores = NDArray[np.float64]
Mask = NDArray[np.bool_]
Setting = tuple[str, str, float, int]


def ranked(wrong: Mask, scores: Scores) -> tuple[float, float, float]:
    """Average precision, precision among the worst 100 and among as many as are wrong; of equal scores the lower index first."""
    hits = wrong[np.argsort(scores, kind="stable")]
    places = np.flatnonzero(hits)
    average = float(np.mean(np.arange(1, len(places) + 1) / (places + 1)))
    return average, float(hits[:100].mean()), float(hits[: len(places)].mean())


def flagged(wrong: Mask, mask: Mask) -> tuple[float, float, float]:
    """F1, precision and recall."""
    both = int((wrong & mask).sum())
    return 2 * both / max(int(wrong.sum() + mask.sum()), 1), both / max(int(mask.sum()), 1), both / int(wrong.sum())


def methods(given: Any, matrix: Any) -> tuple[dict[str, Scores], dict[str, Mask]]:
    """Scores of every rank and masks of every filter, ours and cleanlab's."""
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    found = labels.analyse(given, matrix)
    ranks = {name: found.scores(name) for name in RANKS}
    ranks |= {f"cleanlab {name}": get_label_quality_scores(given, matrix, method=name) for name in PEER_RANKS}
    filters = {name: found.issues(name) for name in FILTERS}
    filters |= {f"cleanlab {name}": find_label_issues(given, matrix, filter_by=name, n_jobs=1) for name in PEER_FILTERS}
    return ranks, filters


def settings(seeds: int, quick: bool) -> Iterator[Setting]:
    for name in FILES:
        for kind in KINDS:
            for rate in PRUNED_RATES if quick else RATES:
                for seed in range(seeds):
                    yield name, kind, rate, seed


def pruned(data: Images, given: Any, scores: dict[str, Scores], seed: int) -> dict[tuple[str, float], float]:
    """Test accuracy by (what it is pruned by, share pruned)."""
    found: dict[tuple[str, float], float] = {}
    for name in PRUNED_BY:
        order = np.argsort(scores[name], kind="stable")
        for share in SHARES:
            if share == 0.0 and name != PRUNED_BY[0]:
                found[name, share] = found[PRUNED_BY[0], share]
                continue
            kept = np.sort(order[round(share * len(order)) :])
            said = probabilities(data.train[kept], given[kept], data.test, seed)
            found[name, share] = float((said.argmax(1) == data.test_true).mean())
    return found


def main() -> int:
    """1 when a bar is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="1,000 images, two rates, one seed")
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--pictures", type=Path, help="write average-precision.png and pruning.png to this folder")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    if not DATA.is_dir():
        sys.exit(f"{DATA} is not there; PEDIGREE_SHARED_DATA names the folder of mnist and fashion-mnist.")
    import torch

    torch.set_num_threads(1)
    ranks: dict[str, dict[Setting, Any]] = defaultdict(dict)
    filters: dict[str, dict[Setting, Any]] = defaultdict(dict)
    accuracies: dict[tuple[str, float], dict[Setting, float]] = defaultdict(dict)
    for setting in settings(1 if options.quick else options.seeds, options.quick):
        name, kind, rate, seed = setting
        print(f"{name}, {kind}, {rate:.0%}, seed {seed}", file=sys.stderr, flush=True)
        rng = np.random.default_rng([seed, *map(ord, name + kind), round(rate * 100)])
        data = images(name, 1000 if options.quick else options.count, rng)
        given = class_dependent(data.true, rate, rng) if kind == KINDS[0] else human_like(data, rate, rng)
        wrong = given != data.true
        scores, masks = methods(given, held_out(data.train, given, seed))
        for method, values in scores.items():
            ranks[method][setting] = ranked(wrong, values)
        for method, mask in masks.items():
            filters[method][setting] = flagged(wrong, mask)
        if rate in PRUNED_RATES:
            for key, value in pruned(data, given, scores | {"random": rng.random(len(given))}, seed).items():
                accuracies[key][setting] = value
    missed = report(ranks, filters, accuracies)
    if options.pictures:
        from noisy_pictures import precision_picture, pruning_picture

        options.pictures.mkdir(parents=True, exist_ok=True)
        precision_picture(ranks).savefig(
            options.pictures / "average-precision.png", dpi=80, metadata={"Software": None}
        )
        pruning_picture(accuracies).savefig(options.pictures / "pruning.png", dpi=80, metadata={"Software": None})
    return int(missed)


def mean(values: dict[Setting, Any], *only: Any) -> Any:
    """Over the settings that have all of `only` in them."""
    return np.mean([value for setting, value in values.items() if all(part in setting for part in only)], axis=0)


def report(ranks: Any, filters: Any, accuracies: Any) -> bool:
    """Print the tables; whether a bar is missed."""
    groups = [(name, kind) for name in FILES for kind in KINDS]
    heads = " | ".join(f"{name}, {kind}" for name, kind in groups)
    print(f"\n| rank: average precision | {heads} | all | worst 100 | worst k |\n|---|{'---|' * 7}")
    for method, values in ranks.items():
        cells = " | ".join(f"{mean(values, *group)[0]:.4f}" for group in groups)
        print(f"| {method} | {cells} | {' | '.join(f'{value:.4f}' for value in mean(values))} |")
    ours, theirs = ranks["blend"], ranks["cleanlab self_confidence"]
    below = sum(ours[setting][0] < theirs[setting][0] for setting in ours)
    least = min(ours[setting][0] - theirs[setting][0] for setting in ours)
    print(f"\nblend below self-confidence in {below} of {len(ours)} settings, by {max(-least, 0.0):.4f} at most.")
    print(f"\n| filter: F1 | {heads} | all | precision | recall |\n|---|{'---|' * 7}")
    for method, values in filters.items():
        cells = " | ".join(f"{mean(values, *group)[0]:.3f}" for group in groups)
        print(f"| {method} | {cells} | {' | '.join(f'{value:.3f}' for value in mean(values))} |")
    print(
        f"\n| test accuracy, pruned by | {' | '.join(f'{share:.0%}' for share in SHARES)} |\n|---|{'---|' * len(SHARES)}"
    )
    for kind in KINDS:
        for name in PRUNED_BY:
            cells = " | ".join(f"{mean(accuracies[name, share], kind):.4f}" for share in SHARES)
            print(f"| {kind}, {name} | {cells} |")
    missed = any(mean(ours, *group)[0] < mean(theirs, *group)[0] for group in groups)
    missed |= mean(filters["union"])[0] < mean(filters["cleanlab prune_by_noise_rate"])[0]
    by_rank, by_chance = (
        np.mean([mean(accuracies[name, share]) for share in SHARES[1:]]) for name in ("blend", "random")
    )
    return bool(missed or by_rank < by_chance)


if __name__ == "__main__":
    sys.exit(main())
