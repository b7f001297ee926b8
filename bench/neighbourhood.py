"""What the graph of neighbours costs, and what is found with it on MNIST and Fashion-MNIST, beside cleanlab and scikit-learn.

    PEDIGREE_SHARED_DATA=... python bench/neighbourhood.py [--examples 8000] [--only speed,outliers,errors,duplicates]

CPU seconds, the ways taken in turn, medians; peak memory of a process of its own, less one that only imports and holds the features.
Features are the first 50 principal components, and what a small convolutional net makes of a picture before its last layer
(64 numbers, trained on other pictures). Exits with 1 when a bar is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from pedigree import labels

_CHILD = """
import json, sys, time
import numpy as np
import sklearn.neighbors
from pedigree import labels
from pedigree.labels.neighbourhood import kernels, search
values = np.lib.format.open_memmap(sys.argv[2], mode="r")[: int(sys.argv[3])]
values = np.array(values)
def peak():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
def run(part):
    if sys.argv[1] == "pedigree":
        return labels.neighbours(part, 10)
    found = sklearn.neighbors.NearestNeighbors(n_neighbors=10, metric="cosine").fit(part)
    return found.kneighbors()
run(values[:200])
base = peak()
start = time.process_time()
run(values)
print(json.dumps({"s": time.process_time() - start, "mb": (peak() - base) / 1024}))
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--examples", type=int, default=8000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", default="speed,outliers,errors,duplicates")
    options = parser.parse_args()
    if "PEDIGREE_SHARED_DATA" not in os.environ:
        print("PEDIGREE_SHARED_DATA names no folder with mnist/mnist.npz and fashion-mnist/fashion_mnist.npz")
        return 0
    missed = False
    for name in options.only.split(","):
        print(f"\n### {name}\n")
        missed |= {"speed": speed, "outliers": outliers, "errors": errors, "duplicates": duplicates}[name](options)
    return 1 if missed else 0


def pictures(name: str, part: str = "train") -> tuple[Any, Any]:
    """Pictures (n, 784) float32 from 0 to 1, and labels."""
    path = Path(os.environ["PEDIGREE_SHARED_DATA"]) / name / f"{name.replace('-', '_')}.npz"
    with zipfile.ZipFile(path) as archive:
        found = [np.lib.format.read_array(archive.open(f"{axis}_{part}.npy")) for axis in "xy"]
    return found[0].reshape(len(found[0]), -1).astype(np.float32) / 255, found[1].astype(int)


def components(fitted: Any, *others: Any, size: int = 50) -> list[Any]:
    from sklearn.decomposition import PCA

    model = PCA(size, svd_solver="covariance_eigh").fit(fitted)
    return [model.transform(values) for values in (fitted, *others)]


def small_net(train: Any, given: Any, *others: Any, epochs: int = 3) -> list[tuple[Any, Any]]:
    """(features, logits) of each of `others` by a small convolutional net trained on `train`."""
    import torch
    from torch import nn

    torch.manual_seed(0)
    torch.set_num_threads(1)
    body = nn.Sequential(
        nn.Unflatten(1, (1, 28, 28)),
        *(nn.Conv2d(1, 16, 3, 2, 1), nn.ReLU(), nn.Conv2d(16, 32, 3, 2, 1), nn.ReLU()),
        *(nn.Flatten(), nn.Linear(32 * 49, 64), nn.ReLU()),
    )
    head = nn.Linear(64, 10)
    optimiser = torch.optim.Adam([*body.parameters(), *head.parameters()], 2e-3)
    inputs, targets = torch.from_numpy(train), torch.from_numpy(given)
    for _ in range(epochs):
        for rows in torch.randperm(len(inputs)).split(64):
            loss = nn.functional.cross_entropy(head(body(inputs[rows])), targets[rows])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    with torch.no_grad():
        found = [body(torch.from_numpy(values)) for values in others]
        return [(one.numpy(), head(one).numpy()) for one in found]


def speed(options: Any) -> bool:
    train, _ = pictures("mnist")
    values = components(train)[0].astype(np.float32)
    print("| 50 features, k = 10, cosine | CPU s | peak extra memory | |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="pedigree-bench-") as folder:
        path = f"{folder}/features.npy"
        np.save(path, values)
        medians = {}
        for count in (20_000, 60_000):
            found: dict[str, list[dict[str, float]]] = {"pedigree": [], "scikit-learn": []}
            for _ in range(options.runs if count == 20_000 else 1):
                for way in found:
                    if way == "pedigree" or count == 20_000:
                        words = [sys.executable, "-c", _CHILD, way, path, str(count)]
                        found[way].append(json.loads(subprocess.check_output(words, text=True)))
            for way, runs in found.items():
                if runs:
                    seconds = medians[way, count] = statistics.median(run["s"] for run in runs)
                    memory = statistics.median(run["mb"] for run in runs)
                    print(f"| {way}, {count:,} | {seconds:.2f} | {memory:.0f} MB | |")
        ratio = medians["scikit-learn", 20_000] / medians["pedigree", 20_000]
        print(f"| scikit-learn's own cosine search (the peer's default) over ours | {ratio:.1f} | | >= 3 |")
        graph = labels.neighbours(values[:20_000])
        for name, way in {
            "outliers": lambda: labels.outliers(graph).scores,
            "duplicates": lambda: labels.duplicates(graph),
        }.items():
            way()
            start = time.process_time()
            way()
            print(f"| {name} from the graph, 20,000 | {time.process_time() - start:.3f} | | |")
    return ratio < 3


def outliers(options: Any) -> bool:
    from cleanlab.outlier import OutOfDistribution
    from sklearn.metrics import roc_auc_score

    count, missed = options.examples, False
    print("| known | strange | features | score | AUROC |\n|---|---|---|---|---|")
    for known, strange in (("mnist", "fashion-mnist"), ("fashion-mnist", "mnist")):
        train, given = pictures(known)
        new = np.concatenate((pictures(known, "test")[0][:2000], pictures(strange, "test")[0][:2000]))
        truth = np.repeat([1, 0], 2000)
        nets = small_net(train[count : 2 * count], given[count : 2 * count], train[:count], new)
        (seen, seen_logits), (unseen, logits) = nets

        def row(features: str, score: str, values: Any, truth: Any = truth, pair: Any = (known, strange)) -> float:
            area = float(roc_auc_score(truth, values))
            print(f"| {pair[0]} | {pair[1]} | {features} | {score} | {area:.4f} |")
            return area

        for features, reference, asked in (
            ("components", *components(train[:count], new)),
            ("net", seen, unseen),
        ):
            for metric in ("cosine", "euclidean"):
                fitted = labels.outliers(labels.neighbours(reference, metric=metric))
                ours = row(features, f"distance, {metric}", fitted.score_new(asked, reference).distances * -1)
                if metric == "cosine":
                    theirs = OutOfDistribution()
                    theirs.fit(features=reference, verbose=False)
                    peer = row(features, "cleanlab", theirs.score(features=asked))
                    missed |= abs(ours - peer) > 0.002
        probabilities, known_probabilities = softmax(logits), softmax(seen_logits)
        thresholds = labels.analyse(given[:count], known_probabilities).thresholds
        theirs = OutOfDistribution()
        theirs.fit(pred_probs=known_probabilities, labels=given[:count], verbose=False)
        row("net", "adjusted entropy", labels.entropy_scores(probabilities, thresholds))
        row("net", "adjusted entropy, cleanlab", theirs.score(pred_probs=probabilities))
        row("net", "largest probability", labels.confidence_scores(probabilities))
        row("net", "energy", labels.energy_scores(logits))
    return missed


def softmax(logits: Any) -> Any:
    powers = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def turned(given: Any, seed: int, rate: float = 0.2) -> Any:
    """Labels of which a fifth are wrong, four of five of these in the class after their own."""
    rng = np.random.default_rng(seed)
    wrong = rng.random(len(given)) < rate
    other = np.where(rng.random(len(given)) < 0.8, (given + 1) % 10, (given + rng.integers(1, 10, len(given))) % 10)
    return np.where(wrong, other, given)


def errors(options: Any) -> bool:
    from cleanlab.rank import get_label_quality_scores
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import average_precision_score
    from sklearn.model_selection import cross_val_predict

    print("| data | features | score | average precision, mean of 3 seeds |\n|---|---|---|---|")
    for name in ("mnist", "fashion-mnist"):
        train, true = pictures(name)
        train, true = train[: options.examples], true[: options.examples]
        values = components(train)[0]
        for metric, k in (("cosine", 10), ("cosine", 20), ("euclidean", 10)):
            graph = labels.neighbours(values, k, metric=metric)
            found: dict[str, list[float]] = {}
            votes = []
            for seed in range(3):
                given = turned(true, seed)
                agreement = labels.agreement(graph, given)
                for rank in ("similarity", "agreement", "ratio"):
                    area = average_precision_score(given != true, -agreement.scores(rank))
                    found.setdefault(rank, []).append(area)
                hits = agreement.issues & (given != true)
                votes.append((hits.sum() / agreement.issues.sum(), hits.sum() / (given != true).sum()))
            for rank, areas in found.items():
                print(f"| {name} | components, {metric}, k = {k} | {rank} | {np.mean(areas):.3f} |")
            precision, recall = np.mean(votes, axis=0)
            print(
                f"| {name} | components, {metric}, k = {k} | vote: precision, recall | {precision:.3f}, {recall:.3f} |"
            )
        areas = []
        for seed in range(3):
            given = turned(true, seed)
            model = LogisticRegression(max_iter=200)
            matrix = cross_val_predict(model, values / values.std(), given, cv=3, method="predict_proba")
            areas.append(average_precision_score(given != true, -get_label_quality_scores(given, matrix)))
        print(
            f"| {name} | components | cleanlab, self-confidence of a 3-fold logistic regression | {np.mean(areas):.3f} |"
        )
    return False


def planted(name: str, count: int, copies: int = 600) -> tuple[Any, Any, Any]:
    """Pictures with near-copies at their end (a third each shifted, noisy, of another brightness), what they copy, and kinds."""
    rng = np.random.default_rng(0)
    train, _ = pictures(name)
    train = train[:count]
    source = rng.choice(count, copies, replace=False)
    kinds = np.repeat(["shifted by a pixel", "noise of 0.05", "brightness 0.7 to 1.3"], copies // 3)
    made = train[source].reshape(-1, 28, 28).copy()
    for at, kind in enumerate(kinds):
        if kind.startswith("shifted"):
            made[at] = np.roll(made[at], rng.choice([-1, 1]), axis=rng.integers(2))
        elif kind.startswith("noise"):
            made[at] = np.clip(made[at] + rng.normal(0, 0.05, (28, 28)), 0, 1)
        else:
            made[at] = np.clip(made[at] * rng.uniform(0.7, 1.3), 0, 1)
    return np.concatenate((train, made.reshape(copies, -1))), source, kinds


def duplicates(options: Any) -> bool:
    from cleanlab.datalab.internal.issue_manager.duplicate import NearDuplicateIssueManager
    from cleanlab.internal.neighbor.knn_graph import create_knn_graph_and_index

    print(
        "| data | features | way | precision | recall, of which shifted, noise, brightness | leaks: precision, recall |"
    )
    print("|---|---|---|---|---|---|")
    missed = False
    for name in ("mnist", "fashion-mnist"):
        every, source, kinds = planted(name, options.examples)
        # Every second copy stands in the test split, all originals in the training split.
        splits = np.repeat("train", len(every))
        splits[options.examples :: 2] = "test"
        net = small_net(*(one[20_000:28_000] for one in pictures(name)), every)[0][0]
        for features, values in (("components", components(every)[0]), ("pixels", every), ("net", net)):
            graph = labels.neighbours(values)
            found = labels.duplicates(graph, splits=splits)
            ours = {tuple(pair) for pair in found.pairs.tolist()}
            dropped = found.leaking("test")
            truth = set(source[::2].tolist())
            hits = len(truth & set(dropped.tolist()))
            leaks = f"{hits / max(len(dropped), 1):.2f}, {hits / len(truth):.2f}"
            precision = pair_row(name, features, "here", ours, source, kinds, options.examples, leaks)
            missed |= features != "net" and precision < 0.9
            peer_graph, _ = create_knn_graph_and_index(np.asarray(values, np.float64), n_neighbors=10)
            nearest = np.median(peer_graph.data.reshape(len(every), -1)[:, 0])
            sets = NearDuplicateIssueManager._neighbors_within_radius(peer_graph, 0.13, nearest)
            theirs = {(min(at, other), max(at, other)) for at, one in enumerate(sets) for other in one.tolist()}
            pair_row(name, features, "cleanlab", theirs, source, kinds, options.examples, "")
    return missed


def pair_row(
    name: str, features: str, way: str, pairs: set[tuple[int, ...]], source: Any, kinds: Any, count: int, leaks: str
) -> float:
    truth = {(int(one), count + at): kinds[at] for at, one in enumerate(source)}
    hits = [truth[pair] for pair in pairs if pair in truth]
    precision = len(hits) / max(len(pairs), 1)
    each = ", ".join(f"{hits.count(kind) / (len(kinds) // 3):.2f}" for kind in dict.fromkeys(kinds))
    print(f"| {name} | {features} | {way} | {precision:.3f} | {len(hits) / len(truth):.3f}: {each} | {leaks} |")
    return precision


if __name__ == "__main__":
    sys.exit(main())
