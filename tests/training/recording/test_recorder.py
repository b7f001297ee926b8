"""What the recorder keeps of each sample is what its presentations say, however they were cut into batches, ranks and processes."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from pedigree.errors import InvalidInput
from pedigree.training import Checkpoints, Recorder, merge_signals
from pedigree.training.recording import files, recorder

SAMPLES, CLASSES, EPOCHS = 23, 4, 5
Batch = tuple[int, NDArray[np.int64], torch.Tensor, NDArray[np.int64]]

rng = np.random.default_rng(7)
LABELS = rng.integers(0, CLASSES, SAMPLES)


def presentations(seed: int = 0) -> list[Batch]:
    """Batches of 6, some samples twice in an epoch and some not at all; every third logit a tie of the two largest."""
    made = np.random.default_rng(seed)
    batches = []
    for epoch in range(EPOCHS):
        order = made.integers(0, SAMPLES - 1, 30)
        logits = made.normal(0, 2, (30, CLASSES)).astype(np.float32)
        logits[::3] = np.round(logits[::3])
        batches += [
            (epoch, order[at : at + 6], torch.from_numpy(logits[at : at + 6]), LABELS[order[at : at + 6]])
            for at in range(0, 30, 6)
        ]
    return batches


def recorded(batches: list[Batch], **options: Any) -> Recorder:
    made = Recorder(SAMPLES, CLASSES, early_epochs=3, probabilities=True, **options)
    for epoch, indices, logits, labels in batches:
        made.record(indices, logits, labels, epoch=epoch)
    return made


def saved(made: Recorder, folder: Path) -> bytes:
    return Path(made.save(folder)).read_bytes()


def model(batches: list[Batch]) -> dict[str, Any]:
    """Sample by sample, from lists of everything: what the recorder may not keep."""
    seen: dict[int, list[tuple[int, list[float], int]]] = defaultdict(list)
    for epoch, indices, logits, labels in batches:
        for at, row, label in zip(indices.tolist(), logits.double().tolist(), labels.tolist(), strict=True):
            seen[at].append((epoch, row, label))
    found: defaultdict[str, list[Any]] = defaultdict(list)
    for sample in range(SAMPLES):
        margins, losses, norms, right, epochs, rows = [], [], [], [], [], []
        for epoch, row, label in seen[sample]:
            total = math.fsum(math.exp(z) for z in row)
            p = [math.exp(z) / total for z in row]
            margins.append(row[label] - max(z for j, z in enumerate(row) if j != label))
            losses.append(-math.log(p[label]))
            if epoch < 3:
                norms.append(math.dist(p, [float(j == label) for j in range(CLASSES)]))
            right.append(margins[-1] > 0)
            epochs.append(epoch)
            rows.append(p)
        found["margin_sum"].append(math.fsum(margins))
        found["probability_sum"].append(math.fsum(math.exp(-loss) for loss in losses))
        found["probability_square_sum"].append(math.fsum(math.exp(-2 * loss) for loss in losses))
        found["loss_sum"].append(math.fsum(losses))
        found["loss_last"].append(losses[-1] if losses else math.nan)
        found["error_norm_sum"].append(math.fsum(norms))
        found["error_norm_count"].append(len(norms))
        found["label"].append(seen[sample][0][2] if epochs else -1)
        found["presentations"].append(len(epochs))
        found["epochs"].append(len(set(epochs)))
        found["correct"].append(sum(right))
        found["forgotten"].append(sum(a and not b for a, b in itertools.pairwise(right)))
        found["first_learnt"].append(epochs[right.index(True)] if any(right) else -1)
        found["last_epoch"].append(epochs[-1] if epochs else -1)
        found["undefined"].append(0)
        found["correct_last"].append(int(right[-1]) if right else 0)
        found["mean_probabilities"].append(np.mean(rows, axis=0) if rows else np.full(CLASSES, 1 / CLASSES))
    return found


def test_every_number_is_what_the_presentations_say(tmp_path: Path) -> None:
    """Against lists of all presentations; float32 logits, so sums agree to 1e-6.

    Break: count a tie as right (margin >= 0); take the presentations of one look in the order of samples; count forgetting from the epoch before only;
    keep norms in all epochs.
    """
    batches = presentations()
    _, found = files.read(recorded(batches).save(tmp_path))
    wanted = model(batches)
    assert {*found} == {*wanted}
    for name, values in wanted.items():
        np.testing.assert_allclose(found[name], np.array(values), rtol=1e-5, atol=1e-5, err_msg=name)
    assert wanted["presentations"][-1] == 0
    assert max(wanted["presentations"]) > max(wanted["epochs"])
    assert {0, 1, -1} <= {*wanted["forgotten"], *wanted["first_learnt"]}


def parts(batches: list[Batch], size: int) -> Iterator[Batch]:
    for epoch, indices, logits, labels in batches:
        for at in range(0, len(indices), size):
            yield epoch, indices[at : at + size], logits[at : at + size], labels[at : at + size]


def test_the_file_is_the_same_however_batches_are_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One by one (accumulated gradients), and looked at after every batch or only where an epoch ends.

    Break: add with `+=` where a sample stands twice; keep the running mean of rows over a look.
    """
    batches = presentations()
    whole = saved(recorded(batches), tmp_path)
    assert saved(recorded(list(parts(batches, 1))), tmp_path) == whole
    monkeypatch.setattr(recorder, "_WAITING_SAMPLES", 1)
    assert saved(recorded(batches), tmp_path) == whole


def test_resumed_is_straight_through(tmp_path: Path) -> None:
    """Through a checkpoint in the middle of an epoch, twice, on one rank and on one of two.

    Break: leave the open epoch out of the history.
    """
    batches = presentations()
    settings: list[dict[str, Any]] = [{}, {"rank": 1, "ranks": 2}]
    for options in settings:
        whole = saved(recorded(batches, **options), tmp_path)
        folder = tmp_path / str(len(options))
        for start, end in ((0, 7), (7, 13), (13, None)):
            made = Recorder(SAMPLES, CLASSES, early_epochs=3, probabilities=True, **options)
            with Checkpoints(folder, {"recorder": made}) as checkpoints:
                assert (checkpoints.load() is not None) == (start > 0)
                for epoch, indices, logits, labels in batches[start:end]:
                    made.record(indices, logits, labels, epoch=epoch)
                checkpoints.save(end or len(batches))
        assert saved(made, tmp_path) == whole


def test_nothing_is_waited_for_but_the_first_batch() -> None:
    """On torch's meta device, where whoever asks for a value fails.

    Break: look whether a label is in range before it is used; copy the indices of each batch to the CPU.
    """
    made = Recorder(64, 3, probabilities=True)
    made._looked = True
    for _ in range(20):
        made.record(
            torch.empty(16, dtype=torch.int64, device="meta"),
            torch.empty(16, 3, dtype=torch.bfloat16, device="meta"),
            torch.empty(16, dtype=torch.int32, device="meta"),
            epoch=0,
        )
    assert made._waiting == 320
    with pytest.raises((NotImplementedError, RuntimeError)):
        made.flush()


def test_what_waits_belongs_to_the_recorder() -> None:
    """Break: keep the loader's own tensors, which it fills again."""
    made = Recorder(SAMPLES, CLASSES)
    made.record([0], torch.zeros(1, CLASSES), [0], epoch=0)
    indices, labels = torch.tensor([3, 4]), torch.tensor([1, 2])
    made.record(indices, torch.zeros(2, CLASSES), labels, epoch=0)
    indices += 1
    labels.zero_()
    made.flush()
    assert made.tallies.arrays["presentations"][:6].tolist() == [1, 0, 0, 1, 1, 0]
    assert made.tallies.arrays["label"][:6].tolist() == [0, -1, -1, 1, 2, -1]


def test_half_precision_and_one_logit(tmp_path: Path) -> None:
    """bfloat16 logits count as the float32 numbers that they are; one logit is that of class 1 of two.

    Break: compute in the precision of the logits; give class 0 the logit.
    """
    batches = [(e, i, z.bfloat16(), y) for e, i, z, y in presentations()]
    with torch.autocast("cpu", torch.bfloat16):
        half = saved(recorded(batches), tmp_path)
    assert half == saved(recorded([(e, i, z.float(), y) for e, i, z, y in batches]), tmp_path)

    one, two = Recorder(4, 2), Recorder(4, 2)
    z, y = torch.tensor([1.0, -2.0, 0.5, 3.0]), torch.tensor([1, 1, 0, 0])
    one.record(range(4), z.unsqueeze(1), y, epoch=0)
    two.record(range(4), torch.stack((torch.zeros(4), z), 1), y, epoch=0)
    assert saved(one, tmp_path) == saved(two, tmp_path)
    assert one.tallies.arrays["margin_sum"].tolist() == [1.0, -2.0, -0.5, -3.0]


def shared(batches: list[Batch], ranks: int) -> list[list[Batch]]:
    """Each batch dealt to the ranks by turns, so that a sample moves between ranks from epoch to epoch."""
    return [[(e, i[rank::ranks], z[rank::ranks], y[rank::ranks]) for e, i, z, y in batches] for rank in range(ranks)]


def by_rank(batches: list[Batch], ranks: int) -> list[Batch]:
    """Epoch by epoch, and within an epoch rank by rank."""
    dealt = shared(batches, ranks)
    return [batch for epoch in range(EPOCHS) for one in dealt for batch in one if batch[0] == epoch]


@pytest.mark.parametrize("ranks", [2, 3])
def test_merged_ranks_are_one_recorder(ranks: int, tmp_path: Path) -> None:
    """Counts exactly, sums to the rounding of float64, mean rows to that of float32.

    Break: add the ranks' forgetting and nothing between them; let the first rank's last loss stand; count an epoch for each rank.
    """
    batches = presentations()
    for rank, own in enumerate(shared(batches, ranks)):
        recorded(own, rank=rank, ranks=ranks).save(tmp_path)
    _, found = files.read(merge_signals(tmp_path))
    _, wanted = files.read(recorded(by_rank(batches, ranks)).save(tmp_path / "one"))
    assert {*found} == {*wanted}
    for name in wanted:
        if wanted[name].dtype.kind in "iu":
            np.testing.assert_array_equal(found[name], wanted[name], err_msg=name)
        else:
            np.testing.assert_allclose(found[name], wanted[name], rtol=1e-6, atol=1e-7, err_msg=name)


def test_files_of_ranks_that_do_not_belong_together(tmp_path: Path) -> None:
    """Break: merge the files that are there; take the head of the first."""
    with pytest.raises(InvalidInput, match="no files of ranks"):
        merge_signals(tmp_path)
    recorded(presentations()[:2], rank=1, ranks=2).save(tmp_path)
    with pytest.raises(InvalidInput, match="signals-0000-of-0002.safetensors is missing"):
        merge_signals(tmp_path)
    Recorder(SAMPLES, CLASSES + 1, rank=0, ranks=2).save(tmp_path)
    with pytest.raises(InvalidInput, match="are not of one training: another classes"):
        merge_signals(tmp_path)


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        (([0, 1], torch.zeros(2, 3), [0, 1]), r"shape \(batch, 4\), got \(2, 3\)"),
        (([0, 1, 2], torch.zeros(2, 4), [0, 1]), "2 rows of logits, 3 indices and 2 labels"),
        (
            ([0, 1], torch.zeros(2, 4), torch.rand(2, 4)),
            r"labels must be whole numbers, one per sample, got \(2, 4\) float32",
        ),
        (
            ([0, 23], torch.zeros(2, 4), [0, 1]),
            "1 of 2 recorded positions are outside the data set of 23: 23, in epoch 0",
        ),
        (([-1, 2], torch.zeros(2, 4), [0, 1]), "positions are outside the data set of 23: -1"),
        (([5, 6], torch.zeros(2, 4), [0, 9]), "1 of 2 recorded labels are no class from 0 to 3: 9 of sample 6"),
        (([5, 5], torch.zeros(2, 4), [0, 2]), "sample 5 had 0 and has 2 in epoch 0"),
    ],
)
def test_mistakes_are_named(batch: tuple[Any, torch.Tensor, Any], message: str) -> None:
    """Break, one for each: leave its check out."""
    made = Recorder(SAMPLES, CLASSES)
    with pytest.raises(InvalidInput, match=message):
        made.record(*batch, epoch=0)
    assert made.tallies.arrays["presentations"].sum() == 0
    assert (made.tallies.arrays["label"] == -1).all()


def test_epochs_and_settings_that_do_not_fit() -> None:
    """Break: let an epoch go back, also after a resumption; load the state of another recorder."""
    made = recorded(presentations())
    again = recorded([])
    again.load_state_dict(made.state_dict())
    for one in (made, again):
        with pytest.raises(InvalidInput, match="Epoch 1 comes after epoch 4"):
            one.record([0], torch.zeros(1, 4), [int(LABELS[0])], epoch=1)
    with pytest.raises(InvalidInput, match="another early_epochs and another probabilities"):
        Recorder(SAMPLES, CLASSES).load_state_dict(made.state_dict())
    with pytest.raises(InvalidInput, match="Rank 2 does not exist among 2"):
        Recorder(SAMPLES, CLASSES, rank=2, ranks=2)


def test_logits_that_are_not_finite_and_void_labels(tmp_path: Path) -> None:
    """Break: add them, after which every sum of the sample is NaN; take void for class 0."""
    made = Recorder(4, 3, probabilities=True)
    logits = torch.tensor([[1.0, 0, 0], [math.nan, 0, 0], [math.inf, 0, 0], [0, 0, 2.0]])
    made.record(range(4), logits, [0, 1, 1, -100], epoch=0)
    with pytest.warns(UserWarning, match="2 presentations had logits that are not finite.*first is of sample 1"):
        _, found = files.read(made.save(tmp_path))
    assert found["undefined"].tolist() == [0, 1, 1, 0]
    assert found["presentations"].tolist() == [1, 0, 0, 0]
    assert found["label"].tolist() == [0, 1, 1, -1]
    assert np.isfinite(found["margin_sum"]).all()


@pytest.mark.parametrize("damage", ["cut", "other", "newer"])
def test_files_that_cannot_be_read(damage: str, tmp_path: Path) -> None:
    """Break: read as many numbers as are left."""
    path = Path(recorded(presentations()).save(tmp_path))
    data = path.read_bytes()
    data = {
        "cut": data[: len(data) // 2],
        "other": b"PK\x03\x04" + data,
        "newer": data.replace(b'"version":"1"', b'"version":"2"'),
    }[damage]
    path.write_bytes(data)
    message = {
        "cut": "no file of signals",
        "other": "cut short, or of another kind",
        "newer": "version 2; this Pedigree reads version 1",
    }
    with pytest.raises(Exception, match=message[damage]):
        files.read(str(path))
