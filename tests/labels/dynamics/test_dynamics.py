"""Scores from signals are those of the papers, and find labels that were turned."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet
import pytest
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pedigree import labels, training
from pedigree.errors import InvalidInput, NewerFormat, NotFound
from pedigree.labels.dynamics import cartography, reading, tables
from pedigree.labels.names import SIGNAL_RANKS

#: Logits of class 0 less those of class 1, per epoch; the third sample is never right, the fourth never presented.
MARGINS = [[1.0, 2.0, 3.0, 4.0], [1.0, -1.0, 1.0, -2.0], [-1.0, -1.0, -3.0, -3.0]]


def recorded(folder: Path, **options: Any) -> str:
    made = training.Recorder(4, 2, early_epochs=2, **options)
    for epoch in range(4):
        logits = torch.tensor([[row[epoch], 0.0] for row in MARGINS])
        made.record([0, 1, 2], logits, [0, 0, 0], epoch=epoch)
    return made.save(folder)


def sigmoid(values: list[float]) -> list[float]:
    return [1 / (1 + math.exp(-value)) for value in values]


def test_scores_are_the_formulas_of_the_papers(tmp_path: Path) -> None:
    """By hand, from the logits; float32 behind them, so to 1e-6. NaN for the sample never presented.

    Break: divide by the epochs of all; the deviation of a sample (n - 1); never learnt as 0 forgotten; norms of all epochs; a loss as it is; issues only where never learnt.
    """
    found = labels.read_signals(recorded(tmp_path))
    p = np.array([sigmoid(row) for row in MARGINS])
    wanted = {
        "aum": np.mean(MARGINS, axis=1),
        "confidence": p.mean(axis=1),
        "correctness": [1.0, 0.5, 0.0],
        "loss": np.log(p).mean(axis=1),
        "last_loss": np.log(p[:, -1]),
        "el2n": -(math.sqrt(2) * (1 - p[:, :2])).mean(axis=1),
        "forgetting": [0.0, -2.0, -4.0],
    }
    assert {*wanted} == {*SIGNAL_RANKS}
    for name, values in wanted.items():
        scores = found.scores(name)
        np.testing.assert_allclose(scores[:3], values, rtol=1e-6, atol=1e-7, err_msg=name)
        assert math.isnan(scores[3])
        assert found.worst(by=name).tolist() == [2, 1, 0]
    np.testing.assert_allclose(found.variability[:3], p.std(axis=1), rtol=1e-5, atol=1e-7)
    assert found.labels.tolist() == [0, 0, 0, -1]
    assert found.first_learnt.tolist() == [0, 0, -1, -1]
    assert found.worst(2).tolist() == [2, 1]
    assert found.issues().tolist() == [False, True, True, False]
    with pytest.raises(InvalidInput, match="no rank 'margin' of signals"):
        found.scores("margin")


def test_ties_go_to_the_lower_index(tmp_path: Path) -> None:
    """Break: an unstable sort (NumPy's default, from 17 samples on)."""
    made = training.Recorder(500, 2)
    made.record(range(500), torch.arange(500).remainder(2).outer(torch.tensor([1.0, 0.0])), [0] * 500, epoch=0)
    assert labels.read_signals(Path(made.save(tmp_path)).parent).worst().tolist() == [
        *range(0, 500, 2),
        *range(1, 500, 2),
    ]


def test_the_table_holds_every_presented_sample_whatever_it_is_ranked_by(tmp_path: Path) -> None:
    """One that came after the epochs of el2n was left out. Break: write `worst` alone; add the samples never presented."""
    made = training.Recorder(4, 2, early_epochs=1)
    made.record([0, 3], torch.tensor([[2.0, 0.0], [-1.0, 0.0]]), [0, 0], epoch=0)
    made.record([0, 1, 3], torch.tensor([[2.0, 0.0], [1.0, 0.0], [-1.0, 0.0]]), [0, 0, 0], epoch=1)
    found = labels.read_signals(made.save(tmp_path))
    assert found.worst(by="el2n").tolist() == [3, 0]
    tables.write(found, str(tmp_path), by="el2n")
    table = pyarrow.parquet.read_table(tmp_path / "signals.parquet")
    assert table["index"].to_pylist() == [3, 0, 1]
    assert table["rank"].to_pylist() == [1, 2, 3]


def test_what_cannot_be_read_says_why(tmp_path: Path) -> None:
    """Break, one for each: leave its check out."""
    path = Path(recorded(tmp_path, probabilities=True))
    whole = path.read_bytes()

    def refused(data: bytes, kind: type[Exception], message: str) -> None:
        path.write_bytes(data)
        with pytest.raises(kind, match=message):
            labels.read_signals(tmp_path)

    refused(whole[:-1], InvalidInput, "cut short")
    refused(whole[:400], InvalidInput, "cut short, or of another kind")
    refused(whole.replace(b'"version":"1"', b'"version":"2"'), NewerFormat, "version 2; this Pedigree reads version 1")
    refused(whole.replace(b"pedigree signals", b"pedigree signets"), InvalidInput, "its format is 'pedigree signets'")
    refused(whole.replace(b'"loss_last"', b'"lost_last"'), InvalidInput, "no array 'loss_last'")
    refused(whole.replace(b'"samples":"4"', b'"samples":"5"'), InvalidInput, r"has the shape \[4\] for 5 samples")
    path.unlink()
    with pytest.raises(NotFound, match="no signals at"):
        labels.read_signals(tmp_path)
    training.Recorder(4, 2, rank=0, ranks=2).save(tmp_path)
    with pytest.raises(NotFound, match="only files of single ranks"):
        labels.read_signals(tmp_path)
    with pytest.raises(InvalidInput, match="one rank of several"):
        labels.read_signals(tmp_path / "signals-0000-of-0002.safetensors")


def blobs(wrong: int) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]]:
    """Features, true labels, and labels of which the first so many are turned."""
    rng = np.random.default_rng(3)
    true = rng.integers(0, 3, 400)
    features = rng.normal(0, 1, (400, 5)).astype(np.float32)
    features[np.arange(400), true] += 4
    given = true.copy()
    given[:wrong] = (true[:wrong] + 1) % 3
    return features, true, given


def trained(given: NDArray[np.int64], classes: int, folder: Path, **options: Any) -> labels.Signals:
    """A linear model on the blobs, 8 epochs, recorded."""
    features = torch.from_numpy(blobs(0)[0])
    targets = torch.from_numpy(given)
    made = training.Recorder(400, classes, **options)
    model = torch.nn.Linear(5, classes)
    torch.nn.init.zeros_(model.weight)
    torch.nn.init.zeros_(model.bias)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for epoch in range(8):
        for at in torch.arange(400).reshape(10, 40):
            optimizer.zero_grad()
            logits = model(features[at])
            torch.nn.functional.cross_entropy(logits, targets[at]).backward()  # type: ignore[no-untyped-call]  # torch's
            optimizer.step()
            made.record(at, logits, targets[at], epoch=epoch)
    return labels.read_signals(made.save(folder))


def test_turned_labels_are_the_worst_and_the_analysis_finds_them(tmp_path: Path) -> None:
    """40 of 400, one training. Break: rank by variability; analyse the means of another sample."""
    _, true, given = blobs(40)
    found = trained(given, 3, tmp_path, probabilities=True, names=["a", "b", "c"])
    assert (found.worst(40) < 40).mean() > 0.9
    for by in ("confidence", "loss"):
        assert (found.worst(40, by=by) < 40).mean() > 0.9, by
    analysis = found.analyse()
    assert analysis.data.names == ("a", "b", "c")
    issues = analysis.issues()
    assert issues[:40].mean() > 0.9
    assert issues[40:].mean() < 0.03
    assert (analysis.largest[:40] == true[:40]).mean() > 0.9


def test_an_analysis_needs_the_means_and_passes_over_samples_never_presented(tmp_path: Path) -> None:
    """Break: hand rows of zeros to the analysis."""
    with pytest.raises(InvalidInput, match="mean probabilities of this training were not recorded"):
        labels.read_signals(recorded(tmp_path)).analyse()
    made = training.Recorder(3, 2, probabilities=True)
    made.record([0, 2], torch.tensor([[1.0, 0.0], [0.0, 1.0]]), [0, 1], epoch=0)
    analysis = labels.read_signals(made.save(tmp_path)).analyse()
    assert np.isnan(analysis.scores()).tolist() == [False, True, False]


def test_threshold_samples_are_a_share_of_their_own() -> None:
    """n / (K + 1) of them, another part takes others, the seed decides; and the rows of a seed never change.

    Break: take the same for each part; draw with NumPy's choice, which may change; take void samples.
    """
    given = np.arange(100) % 4
    given[:10] = -1
    parts = [labels.threshold_samples(given, 4, seed=5, part=part) for part in range(5)]
    assert [len(part.rows) for part in parts] == [18] * 5
    assert sorted(np.concatenate([part.rows for part in parts]).tolist()) == list(range(10, 100))
    first = parts[0]
    assert first.rows[:6].tolist() == GOLDEN
    assert (first.labels[first.rows] == 4).all()
    kept = np.setdiff1d(np.arange(100), first.rows)
    assert (first.labels[kept] == given[kept]).all()
    assert labels.threshold_samples(given, 4, seed=6).rows.tolist() != first.rows.tolist()
    with pytest.raises(InvalidInput, match="have no part 5 of 18 threshold samples"):
        labels.threshold_samples(given, 4, seed=5, part=5)
    with pytest.raises(InvalidInput, match="class numbers below 3"):
        labels.threshold_samples(given, 3, seed=5)


GOLDEN = [19, 22, 28, 35, 36, 47]


def test_two_trainings_with_threshold_samples_judge_every_label(tmp_path: Path) -> None:
    """The first training judges all but its threshold samples, the second these; turned labels fall below the cut.

    Break: judge threshold samples by the training in which they posed as a class; take the cut of the first run for both.
    """
    _, _, given = blobs(40)
    runs = []
    for part in range(2):
        made = labels.threshold_samples(given, 3, seed=1, part=part)
        runs.append((trained(made.labels, 4, tmp_path / str(part)), made.rows))
    one, both = labels.aum_issues(runs[0]), labels.aum_issues(*runs)
    rows = runs[0][1]
    rest = np.setdiff1d(np.arange(400), rows)
    assert not one[rows].any()
    assert (one[rest] == both[rest]).all()
    assert both[rows[rows < 40]].mean() > 0.8
    assert both[:40].mean() > 0.8
    assert both[40:].mean() < 0.2
    cuts = [float(np.percentile(found.aum[at], 99)) for found, at in runs]
    assert (both[rest] == (runs[0][0].aum < cuts[0])[rest]).all()
    assert (both[rows] == (runs[1][0].aum < cuts[1])[rows]).all()
    head, arrays = reading.read(tmp_path / "1")
    arrays["margin_sum"] += 1000.0 * arrays["presentations"]
    assert (labels.aum_issues(runs[0], (labels.Signals(head, arrays), runs[1][1])) == both).all(), (
        "each has its own cut"
    )
    with pytest.raises(InvalidInput, match="0 runs"):
        labels.aum_issues()


def test_regions_part_the_samples(tmp_path: Path) -> None:
    """A third is ambiguous, the rest easy or hard by its mean probability. Break: the least variable third; a cut at the median."""
    _, _, given = blobs(40)
    found = trained(given, 3, tmp_path)
    region = labels.regions(found)
    assert np.bincount(region).tolist()[1] == 400 // 3
    rest = region != 1
    assert found.variability[region == 1].min() >= found.variability[rest].max()
    assert ((found.confidence >= 0.5)[rest] == (region == 0)[rest]).all()
    assert (labels.regions(found, share=1.0) == 1).all()
    never = training.Recorder(3, 2)
    never.record([1], torch.zeros(1, 2), [0], epoch=0)
    assert labels.regions(labels.read_signals(never.save(tmp_path))).tolist() == [-1, 0, -1]
    with pytest.raises(InvalidInput, match="share of ambiguous"):
        labels.regions(found, share=1.5)


def test_the_map_shows_every_sample_or_an_even_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Points by region, rings around the marked, the same bytes each time. Break: thin to the first samples; forget the rings."""
    _, _, given = blobs(40)
    found = trained(given, 3, tmp_path)
    figure = labels.data_map(found, marked=found.worst(7))
    sizes = points(figure)
    assert sum(sizes[:3]) == 400
    assert sizes[3] == 7
    figure.savefig(tmp_path / "a.png")
    labels.data_map(found, marked=found.worst(7)).savefig(tmp_path / "b.png")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    monkeypatch.setattr(cartography, "_POINTS", 90)
    thin = labels.data_map(found)
    assert "400 samples; 80 are drawn" in thin.axes[0].get_title()
    assert sum(points(thin)) == 80


def points(figure: Figure) -> list[int]:
    """How many each collection of the map has."""
    return [np.asarray(one.get_offsets()).shape[0] for one in figure.axes[0].collections]
