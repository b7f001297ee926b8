"""The recorder: a line in the training loop, and a file of per-sample signals at the end."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pedigree.errors import InvalidInput
from pedigree.training.recording import files
from pedigree.training.recording.observation import observe
from pedigree.training.recording.tallies import Tallies
from pedigree.training.streams import checked

#: torch's `ignore_index`: the label of samples that have none.
VOID = -100
#: What is waiting on the device is copied when it has so many samples or bytes, or its epoch ends.
_WAITING_SAMPLES, _WAITING_BYTES = 1 << 14, 8 << 20
#: How many offending samples a message names.
_NAMED = 5
_FORMAT = 1


class Recorder:
    """Keeps, of each of n samples, what a training shows of its label, in a fixed number of bytes a sample (85):

        recorder = training.Recorder(len(dataset), classes=10)
        for epoch in range(epochs):
            for images, labels, indices in loader:
                logits = model(images)
                ...
                recorder.record(indices, logits, labels, epoch=epoch)
        recorder.save("out/signals")

    `pedigree.labels.read_signals` makes scores of the file. `indices` are positions in the data set, from 0 to n - 1, whatever the order of
    the loader. `early_epochs`: the error norms of so many first epochs are kept (EL2N). `probabilities=True` keeps the mean of each
    sample's probabilities too, n x classes float32. `names` are the classes' names, for whoever reads the file.

    With several processes (`rank`, `ranks`) each records what it trains on and saves to the same folder; `merge_signals` makes one
    file of theirs. A forgetting event may then lie between two ranks, so that each keeps three bits per sample and epoch besides.

    Law: the file is the same, bit for bit, however the presentations are cut into batches, with any number of recorders saved and
    loaded in between (`state_dict`: the recorder is a part for Checkpoints). Nothing is waited for: what a batch shows stays on its
    device until 16,384 samples or 8 MiB are together, or the epoch ends; the first batch alone is looked at at once, for mistakes.
    """

    def __init__(
        self,
        samples: int,
        classes: int,
        *,
        early_epochs: int = 10,
        probabilities: bool = False,
        names: Sequence[str | int] | None = None,
        void: int = VOID,
        rank: int = 0,
        ranks: int = 1,
    ) -> None:
        """A sample with the label `void` is left out. Raises InvalidInput for sizes that make no data set."""
        self.samples, self.classes = checked("number of samples", samples), checked("number of classes", classes)
        self.early_epochs, self.probabilities = checked("number of early epochs", early_epochs), bool(probabilities)
        self.rank, self.ranks, self.void = checked("rank", rank), checked("number of ranks", ranks), int(void)
        if self.classes < 2 or self.samples < 1:
            raise InvalidInput(
                f"A recorder of {samples} samples and {classes} classes has nothing to record.",
                remedy="Give the size of the data set, and two classes at least; one logit counts as two classes.",
            )
        if not self.rank < self.ranks:
            raise InvalidInput(f"Rank {rank} does not exist among {ranks}.", remedy="Ranks count from 0 to ranks - 1.")
        self.names = None if names is None else tuple(names)
        if self.names is not None and len({*self.names}) != self.classes:
            raise InvalidInput(
                f"There are {len({*self.names})} different names for {classes} classes.", remedy="Name each class once."
            )
        self.tallies = Tallies(self.samples, self.classes, means=self.probabilities, ranks=self.ranks)
        self._epoch = -1
        self._looked = False
        self._clear()

    def _clear(self) -> None:
        self._indices: list[torch.Tensor] = []
        self._labels: list[torch.Tensor] = []
        self._columns: list[torch.Tensor] = []
        self._rows: list[torch.Tensor] = []
        self._waiting = 0

    def record(self, indices: Any, logits: torch.Tensor, labels: Any, *, epoch: int) -> None:
        """One batch: positions (batch,), logits (batch, classes) on any device and of any float type, given labels (batch,).

        Logits (batch,) or (batch, 1) of a binary classifier are those of class 1, that of class 0 being 0. Call it once for each forward
        pass that is trained on; with accumulated gradients, once for each part. Epochs count from 0 and do not go back. A presentation
        whose logits are not finite is counted as `undefined` and nothing else.

        Raises InvalidInput for shapes that do not fit, at once; for positions or labels out of range, and a sample whose label is not
        what it was (positions in the batch in place of positions in the data set), when the waiting batches are looked at.
        """
        if self._epoch != epoch:
            self._begin(epoch)
        if logits.ndim == 1 or (logits.ndim == 2 and logits.shape[1] == 1 and self.classes == 2):
            one = logits.detach().reshape(-1)
            logits = torch.stack((torch.zeros_like(one), one), 1)
        positions, given = _vector(indices, "indices"), _vector(labels, "labels")
        if logits.ndim != 2 or logits.shape[1] != self.classes:
            raise InvalidInput(
                f"Logits must have the shape (batch, {self.classes}), got {tuple(logits.shape)}.",
                remedy="Give the model's outputs before softmax; a recorder is made for one number of classes.",
            )
        if not len(logits) == len(positions) == len(given):
            raise InvalidInput(
                f"A batch has {len(logits)} rows of logits, {len(positions)} indices and {len(given)} labels.",
                remedy="Give one position in the data set and one label for each row.",
            )
        # A loader may use its memory again, and a script may write into its labels: what waits is ours.
        self._indices.append(positions.clone())
        self._labels.append(given.clone())
        given = given.to(logits.device, torch.int64, non_blocking=True)
        seen = observe(logits, given, norms=epoch < self.early_epochs, rows=self.probabilities)
        self._columns.append(seen.columns)
        if seen.rows is not None:
            self._rows.append(seen.rows)
        self._waiting += len(logits)
        width = 32 + (4 * self.classes if self.probabilities else 0)
        if not self._looked or self._waiting >= _WAITING_SAMPLES or self._waiting * width >= _WAITING_BYTES:
            self.flush()
            self._looked = True

    def _begin(self, epoch: int) -> None:
        number = checked("epoch", epoch)
        if number < self._epoch:
            raise InvalidInput(
                f"Epoch {number} comes after epoch {self._epoch}.",
                remedy="Record in the order of training; a second training has a recorder of its own.",
            )
        self.flush()
        self._epoch = number

    def flush(self) -> None:
        """Copy what waits on the device and add it. Raises what `record` could not know yet; that batch is then not added."""
        if not self._waiting:
            return
        indices, labels, columns, rows = self._indices, self._labels, self._columns, self._rows
        self._clear()
        at, given = _together(indices).astype(np.int64), _together(labels).astype(np.int64)
        values = _together(columns)
        probabilities = _together(rows) if rows else None
        labelled = given != self.void
        if not labelled.all():
            at, given, values = at[labelled], given[labelled], values[labelled]
            probabilities = None if probabilities is None else probabilities[labelled]
        self._check(at, given)
        norms = self._epoch < self.early_epochs
        self.tallies.add(self._epoch, at, values, probabilities, norms=norms)

    def _check(self, at: NDArray[np.int64], given: NDArray[np.int64]) -> None:
        outside = (at < 0) | (at >= self.samples)
        if outside.any():
            raise InvalidInput(
                f"{int(outside.sum())} of {len(at)} recorded positions are outside the data set of {self.samples}: "
                f"{_named(at[outside])}, in epoch {self._epoch}.",
                remedy="Give each sample's position in the data set, from 0.",
                rows=at[outside][:_NAMED].tolist(),
            )
        outside = (given < 0) | (given >= self.classes)
        if outside.any():
            raise InvalidInput(
                f"{int(outside.sum())} of {len(at)} recorded labels are no class from 0 to {self.classes - 1}: "
                f"{_named(given[outside])} of sample {_named(at[outside])}, in epoch {self._epoch}.",
                remedy="Say `void=` for what marks a sample without a label.",
                rows=at[outside][:_NAMED].tolist(),
            )
        known = self.tallies.arrays["label"]
        before = known[at]
        # Within one look too: the first label of a sample stands, and the others are held against it.
        known[at[::-1]] = np.where(before < 0, given, before)[::-1]
        changed = known[at] != given
        if changed.any():
            first = int(np.flatnonzero(changed)[0])
            sample, was = int(at[first]), int(known[at[first]])
            known[at] = before
            raise InvalidInput(
                f"{int(changed.sum())} of {len(at)} samples have another label than before: sample {sample} had {was} and has "
                f"{int(given[first])} in epoch {self._epoch}.",
                remedy="Give positions in the data set and not in the batch; where labels are changed on purpose, begin a new recorder.",
                rows=at[changed][:_NAMED].tolist(),
            )

    def save(self, folder: str | os.PathLike[str]) -> str:
        """Write the file of this rank into the folder, and give its path. The same presentations give the same bytes.

        Whole or not at all, at any time, as often as wanted. Warns of presentations whose logits were not finite.
        """
        self.flush()
        arrays = dict(self.tallies.arrays)
        undefined = int(arrays["undefined"].sum())
        if undefined:
            warnings.warn(
                f"{undefined} presentations had logits that are not finite and are left out; the first is of sample "
                f"{int(np.flatnonzero(arrays['undefined'])[0])}.",
                stacklevel=2,
            )
        history = self.tallies.history
        if history is not None:
            arrays["history"] = history.stacked()
            arrays["history_epochs"] = np.array(history.epochs, np.int32)
        path = os.path.join(os.fspath(folder), files.name_of(self.rank, self.ranks))
        files.write(path, self.head(), arrays)
        return path

    def head(self) -> dict[str, str]:
        """What stands in the file's head besides format and version."""
        head = {
            "samples": str(self.samples),
            "classes": str(self.classes),
            "early_epochs": str(self.early_epochs),
            "rank": str(self.rank),
            "ranks": str(self.ranks),
        }
        if self.names is not None:
            head["names"] = json.dumps(list(self.names), ensure_ascii=False)
        return head

    def state_dict(self) -> dict[str, Any]:
        """Everything recorded so far, as tensors that share the recorder's memory."""
        self.flush()
        state: dict[str, Any] = {"format": _FORMAT, "epoch": self._epoch, "head": self.head()}
        state["arrays"] = {name: torch.from_numpy(array) for name, array in self.tallies.arrays.items()}
        history = self.tallies.history
        if history is not None:
            state["history"] = {"epochs": list(history.epochs), "planes": torch.from_numpy(history.stacked())}
        return state

    def load_state_dict(self, state: Any) -> None:
        """Go on from there. Raises InvalidInput, changing nothing, for the state of a recorder of another size or settings."""
        if not isinstance(state, dict) or state.get("format") != _FORMAT:
            raise InvalidInput(
                f"This is no state of a recorder in format {_FORMAT}: {state!r:.200}",
                remedy="Give what state_dict() of a Recorder returned.",
            )
        here, there = self.head(), state["head"]
        other = [name for name in {**there, **here} if here.get(name) != there.get(name)]
        if {*state["arrays"]} != {*self.tallies.arrays}:
            other.append("probabilities")
        if other:
            raise InvalidInput(
                f"The state is of a recorder with another {' and another '.join(other)}.",
                remedy="Make the recorder with the values that it had.",
            )
        self._clear()
        self._epoch, self._looked = int(state["epoch"]), False
        for name, tensor in state["arrays"].items():
            self.tallies.arrays[name][...] = tensor.cpu().numpy()
        if self.tallies.history is not None:
            kept = state["history"]
            self.tallies.history.load(kept["epochs"], kept["planes"].cpu().numpy())


def _vector(values: Any, what: str) -> torch.Tensor:
    found = values.detach() if isinstance(values, torch.Tensor) else torch.as_tensor(np.asarray(values))
    if found.ndim != 1 or found.is_floating_point() or found.is_complex() or found.dtype == torch.bool:
        raise InvalidInput(
            f"The {what} must be whole numbers, one per sample, got {tuple(found.shape)} {str(found.dtype).removeprefix('torch.')}.",
            remedy="Mixed or smoothed labels have no given class: record the forward pass of the samples as they are.",
        )
    return found


def _together(tensors: list[torch.Tensor]) -> NDArray[Any]:
    one = (
        torch.cat(tensors) if len({tensor.device for tensor in tensors}) == 1 else torch.cat([t.cpu() for t in tensors])
    )
    return np.asarray(one.cpu().numpy())


def _named(values: NDArray[np.int64]) -> str:
    return ", ".join(map(str, values[:_NAMED].tolist())) + (", …" if len(values) > _NAMED else "")
