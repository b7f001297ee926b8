"""Which ranks put corrupted masks first: average precision on real photographs with a real network, for every rank.

    python -m bench.labels_segmentation_quality [DATA] [--seeds 3] [--steps 900] [--model unet|weak] [--keep FOLDER]

DATA holds images.tar.gz and annotations.tar.gz as in bench/streets.py; without it, $PEDIGREE_SHARED_DATA/streets is taken. A fifth of
the masks (road, background, border) is corrupted, in turn by dropping a region, by giving it another class, and by
shifting it by 3 to 6 pixels; three models, each trained on two thirds of the masks as they then are, give the probabilities of the others.
`unet` is the U-Net of examples/pets (width 0.35, 96 x 64 pixels, cross-entropy), `weak` are random trees on colours of single
pixels and their surroundings, on every third photograph. The precision of a kind is among its masks and the clean ones.
Ranks: those of `MaskAnalysis.scores`, of which softmin and num_pixel_issues are cleanlab's. Exits with 1 where the default is
not above softmin on the mean of the kinds. With --keep what was trained is kept, and used again.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
import tarfile
from pathlib import Path
from typing import Any

import numpy as np

PETS = Path(__file__).resolve().parents[1] / "examples/pets"
SIZE, CLASSES = (64, 96), 3
KINDS = ("drop", "swap", "shift")
PARTS, SHARE = 3, 0.2


def photographs(folder: Path) -> tuple[Any, Any]:
    """(n, h, w, 3) images and (n, h, w) classes, reduced to SIZE."""
    from PIL import Image

    files: dict[str, bytes] = {}
    for name in ("images", "annotations"):
        with tarfile.open(folder / f"{name}.tar.gz") as archive:
            for member in archive:
                if member.isfile() and member.name.endswith((".jpg", ".png")):
                    file = archive.extractfile(member)
                    assert file is not None
                    files[Path(member.name).name] = file.read()
    images, masks = [], []
    for name in sorted(name for name in files if name.endswith(".jpg")):
        image = Image.open(io.BytesIO(files[name])).convert("RGB").resize(SIZE[::-1], Image.Resampling.BILINEAR)
        mask = Image.open(io.BytesIO(files[name[:-3] + "png"])).resize(SIZE[::-1], Image.Resampling.NEAREST)
        images.append(np.asarray(image))
        masks.append(np.asarray(mask).astype(np.int64) - 1)
    return np.stack(images), np.stack(masks)


def corrupted(mask: Any, kind: str, rng: np.random.Generator) -> Any:
    """The mask with one of its regions (0.8 to 25 or 35 % of the image) dropped, of another class, or shifted; None where none fits."""
    from scipy import ndimage

    mask = mask.copy()
    height, width = mask.shape
    regions = []
    for number in range(CLASSES):
        labelled, count = ndimage.label(mask == number, np.ones((3, 3)))
        for one in range(1, count + 1):
            region = labelled == one
            if 0.008 * mask.size <= region.sum() <= (0.25 if kind == "drop" else 0.35) * mask.size:
                regions.append((number, region))
    if not regions:
        return None
    number, region = regions[rng.integers(len(regions))]
    ring = ndimage.binary_dilation(region, iterations=2) & ~region
    around = int(np.bincount(mask[ring], minlength=CLASSES).argmax()) if ring.any() else number
    if around == number:
        return None
    if kind == "drop":
        mask[region] = around
    elif kind == "swap":
        others = [other for other in range(CLASSES) if other != number]
        mask[region] = others[rng.integers(len(others))]
    else:
        far = int(rng.integers(3, 7))
        down, right = [(far, 0), (-far, 0), (0, far), (0, -far), (far, far), (-far, -far)][rng.integers(6)]
        rows, columns = np.nonzero(region)
        inside = (rows + down >= 0) & (rows + down < height) & (columns + right >= 0) & (columns + right < width)
        mask[region] = around
        mask[rows[inside] + down, columns[inside] + right] = number
    return mask


def noisy(truth: Any, rng: np.random.Generator) -> tuple[Any, Any]:
    """The masks with SHARE of them corrupted, and of each its kind from 1 on, 0 where it is clean."""
    given, kinds = truth.copy(), np.zeros(len(truth), int)
    done = 0
    for at in rng.permutation(len(truth)):
        if done >= round(SHARE * len(truth)):
            break
        number = done % len(KINDS)
        new = corrupted(truth[at], KINDS[number], rng)
        if new is not None and (new != truth[at]).mean() > 0.004:
            given[at], kinds[at] = new, number + 1
            done += 1
    return given, kinds


def network(images: Any, masks: Any, others: Any, steps: int, seed: int) -> Any:
    """Probabilities of the other images by a U-Net that was trained on the images."""
    sys.path.insert(0, str(PETS))
    import torch
    from unet import UNet, initialise

    torch.set_num_threads(1)
    torch.manual_seed(seed)
    model = UNet(0.35, [64, 48, 32, 24, 16])
    model.head = torch.nn.Conv2d(16, CLASSES, 1)
    initialise(model)
    model = model.to(memory_format=torch.channels_last)
    rate = 3e-3
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps)
    chance = torch.Generator().manual_seed(seed)
    pictures = torch.from_numpy(images.transpose(0, 3, 1, 2).copy())
    truth = torch.from_numpy(masks)
    for _ in range(steps):
        batch = torch.randint(len(images), (8,), generator=chance)
        x, y = pictures[batch], truth[batch]
        if torch.rand(1, generator=chance) < 0.5:
            x, y = x.flip(3), y.flip(2)
        down, right = torch.randint(-4, 5, (2,), generator=chance).tolist()
        x, y = x.roll((down, right), (2, 3)), y.roll((down, right), (1, 2))
        x = (x.float() / 255).contiguous(memory_format=torch.channels_last)
        loss = torch.nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    model.eval()
    with torch.no_grad():
        parts = torch.from_numpy(others.transpose(0, 3, 1, 2).copy()).split(16)
        return torch.cat([model(part.float() / 255).softmax(1) for part in parts]).numpy()


def trees(images: Any, masks: Any, others: Any, seed: int) -> Any:
    """The same by random trees, which see a pixel and the means around it."""
    from scipy import ndimage
    from sklearn.ensemble import ExtraTreesClassifier

    def seen(pictures: Any) -> Any:
        values = pictures.astype(np.float32) / 255
        around = [ndimage.uniform_filter(values, (0, 2 * far + 1, 2 * far + 1, 0)) for far in (2, 5, 10)]
        places = np.indices(SIZE).transpose(1, 2, 0)[None] / np.array(SIZE)
        return np.concatenate([values, *around, np.broadcast_to(places, (*values.shape[:3], 2))], axis=3)

    x, y = seen(images).reshape(-1, 14), masks.ravel()
    chosen = np.random.default_rng(seed).choice(len(x), 15_000, replace=False)
    model = ExtraTreesClassifier(40, min_samples_leaf=5, random_state=seed).fit(x[chosen], y[chosen])
    found = model.predict_proba(seen(others).reshape(-1, 14)).reshape(len(others), *SIZE, CLASSES)
    return found.transpose(0, 3, 1, 2)


def crossed(images: Any, truth: Any, model: str, steps: int, seed: int) -> dict[str, Any]:
    """Given masks, their kinds, and the probabilities of models that did not see them."""
    rng = np.random.default_rng(seed)
    given, kinds = noisy(truth, rng)
    part = rng.integers(0, PARTS, len(truth))
    values = np.zeros((len(truth), CLASSES, *SIZE), np.float16)
    for number in range(PARTS):
        seen, others = part != number, part == number
        if model == "unet":
            values[others] = network(images[seen], given[seen], images[others], steps, seed * 10 + number)
        else:
            values[others] = trees(images[seen], given[seen], images[others], seed * 10 + number)
    return {"given": given.astype(np.uint8), "kind": kinds, "p": values, "truth": truth.astype(np.uint8)}


def average_precision(wrong: Any, scores: Any) -> float:
    """With the lowest scores first."""
    hits = wrong[np.argsort(scores, kind="stable")]
    return float((np.cumsum(hits) / np.arange(1, len(hits) + 1))[hits].mean())


def judged(found: dict[str, Any]) -> dict[str, list[float]]:
    """Of each rank its average precision for each kind."""
    from pedigree import labels
    from pedigree.labels.segmentation.ranks import RANKS

    values = found["p"].astype(np.float32)
    values /= values.sum(axis=1, keepdims=True)
    analysis = labels.analyse_masks(found["given"], values, least_area=16)
    kinds, table = found["kind"], {}
    for rank in RANKS:
        scores = analysis.scores(rank)
        table[rank] = [
            average_precision(kinds[among] == number, scores[among])
            for number in range(1, len(KINDS) + 1)
            for among in [(kinds == 0) | (kinds == number)]
        ]
    return table


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    shared = os.environ.get("PEDIGREE_SHARED_DATA")
    parser.add_argument("data", type=Path, nargs="?", default=Path(shared) / "streets" if shared else None)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=900)
    parser.add_argument("--images", type=int, help="only so many, to try it out")
    parser.add_argument("--model", choices=["unet", "weak"], default="unet")
    parser.add_argument("--keep", type=Path, help="a folder for what was trained")
    options = parser.parse_args()
    if options.data is None or not (options.data / "images.tar.gz").is_file():
        print("labels_segmentation_quality: no archives (give their folder, or set PEDIGREE_SHARED_DATA); not measured")
        return 0
    images, truth = photographs(options.data)
    chosen = slice(0, options.images, 3 if options.model == "weak" else 1)
    images, truth = images[chosen], truth[chosen]
    tables = []
    for seed in range(options.seeds):
        path = None if options.keep is None else options.keep / f"{options.model}-{seed}.npz"
        if path is not None and path.exists():
            with np.lib.npyio.NpzFile(path, allow_pickle=False) as kept:
                found = {name: kept[name] for name in ("given", "kind", "p", "truth")}
        else:
            found = crossed(images, truth, options.model, options.steps, seed)
            if path is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
                np.savez(path, **found)
        right = (found["p"].argmax(axis=1) == found["truth"]).mean()
        print(f"seed {seed}: {right:.3f} of the pixels predicted right", file=sys.stderr, flush=True)
        tables.append(judged(found))
    print(
        f"| rank | {' | '.join(KINDS)} | mean | lowest and highest mean of {options.seeds} seeds |\n|---|---|---|---|---|---|"
    )
    means = {rank: np.mean([table[rank] for table in tables], axis=0) for rank in tables[0]}
    for rank, values in sorted(means.items(), key=lambda item: -item[1].mean()):
        each = [float(np.mean(table[rank])) for table in tables]
        numbers = " | ".join(f"{value:.3f}" for value in (*values, values.mean()))
        print(f"| {rank} | {numbers} | {min(each):.3f}, {max(each):.3f} |")
    return 0 if means["clear_evidence"].mean() > means["softmin"].mean() else 1


if __name__ == "__main__":
    sys.exit(main())
