"""The recorder as one callback of Lightning's Trainer."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from pedigree.errors import InvalidInput
from pedigree.training.recording.merging import merge_signals
from pedigree.training.recording.recorder import Recorder

if TYPE_CHECKING:
    import lightning.pytorch as pl
else:
    from pedigree.training.lightning import pl

#: Of what a training step returned and its batch: positions in the data set, logits, labels.
Reading = Callable[[Any, Any], tuple[Any, Any, Any]]


class LightningRecorder(pl.Callback):
    """Records every training batch, and saves when training ends:

        trainer = Trainer(max_epochs=30, callbacks=[LightningRecorder("out/signals", len(dataset), classes=10)])

    `training_step` returns a dictionary with `loss`, and with `indices`, `logits` and `labels` of the batch; or `read(outputs, batch)`
    gives these three from what it returned and the batch. Further options are those of Recorder. In a training of several processes
    each records its own samples, and the first merges the files at the end, which takes a folder that all of them see.

    Its state is that of the recorder, so that LightningCheckpoints and Lightning's own checkpoints resume it. `recorder` is the
    Recorder, from the start of `fit`.
    """

    def __init__(
        self, folder: str | os.PathLike[str], samples: int, classes: int, *, read: Reading | None = None, **options: Any
    ) -> None:
        self.folder, self.read = os.fspath(folder), read or _given
        self._make: Callable[..., Recorder] = lambda **where: Recorder(samples, classes, **options, **where)
        #: Of one process until `fit` says how many there are; made here, so that mistakes are seen here.
        self.recorder = self._make()

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:  # noqa: ARG002  # Lightning's signature
        if stage == "fit":
            self.recorder = self._make(rank=trainer.global_rank, ranks=trainer.world_size)

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,  # noqa: ARG002  # as above
        outputs: Any,
        batch: Any,
        batch_idx: int,  # noqa: ARG002  # as above
    ) -> None:
        indices, logits, labels = self.read(outputs, batch)
        self.recorder.record(indices, logits, labels, epoch=trainer.current_epoch)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:  # noqa: ARG002  # as above
        self.recorder.save(self.folder)
        if trainer.world_size > 1:
            trainer.strategy.barrier("signals are saved")
            if trainer.is_global_zero:
                merge_signals(self.folder)
            trainer.strategy.barrier("signals are merged")

    def state_dict(self) -> dict[str, Any]:
        return self.recorder.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.recorder.load_state_dict(state_dict)


def _given(outputs: Any, batch: Any) -> tuple[Any, Any, Any]:  # noqa: ARG001  # what `read` is given
    wanted = ("indices", "logits", "labels")
    if not isinstance(outputs, Mapping) or any(name not in outputs for name in wanted):
        there = ", ".join(map(str, outputs)) if isinstance(outputs, Mapping) else type(outputs).__name__
        raise InvalidInput(
            f"training_step must return a dictionary with loss, indices, logits and labels, got {there}.",
            remedy='Return {"loss": loss, "indices": indices, "logits": logits, "labels": labels}, or say `read=`.',
        )
    return outputs["indices"], outputs["logits"], outputs["labels"]
