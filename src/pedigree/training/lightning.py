"""Exact resume for Lightning's Trainer, as one callback.

A checkpoint is taken where an epoch begins, before its first random number: there the epoch before is done with everything, schedulers that
watch a metric too, which at the end of an epoch (where Lightning's own ModelCheckpoint saves) have not moved yet.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pedigree.errors import MissingExtra, Unsupported
from pedigree.training.checkpoint.checkpoints import Checkpoints

if TYPE_CHECKING:
    import lightning.pytorch as pl
elif "pytorch_lightning" in sys.modules and "lightning" not in sys.modules:
    import pytorch_lightning as pl  # one library under two names; a script uses one of them
else:
    try:
        import lightning.pytorch as pl
    except ImportError:
        try:
            import pytorch_lightning as pl
        except ImportError as error:
            raise MissingExtra(
                "The callbacks for Lightning need it, and it is not installed.",
                remedy="Install it: pip install 'pedigree-ml[lightning]'.",
            ) from error


class LightningCheckpoints(pl.Callback):
    """Saves every so many epochs and at the end, and goes on from the last checkpoint of the folder when `fit` is called:

        trainer = Trainer(max_epochs=30, callbacks=[LightningCheckpoints("out/checkpoints")], enable_checkpointing=False)
        trainer.fit(module, loader)  # the same line starts and resumes; no ckpt_path

    Law: killed at any moment and run again, `fit` ends with the same bytes as if it had never been killed: weights, optimisers,
    schedulers, scaler, the states of other callbacks (early stopping), and the loop's counts. What it takes to hold: the script does the same before `fit` each time, and
    no hook `on_train_epoch_start` of a callback before this one draws from the random states of the process.

    `parts` are further things with state, as for Checkpoints: generators, a sampler, a datamodule. Further options are those of Checkpoints; `monitor` names the logged
    metric that `keep_best` goes by. Resuming in the middle of an epoch is not offered: Lightning 2.6 fetches ahead of what it trains on, and starts a
    loader that has no state from its beginning. Lightning's own checkpoints are pickles; turn them off, or keep both.

    Raises Unsupported for a training in several processes, and all that Checkpoints.save and load raise.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        parts: Mapping[str, Any] | None = None,
        every_n_epochs: int = 1,
        monitor: str | None = None,
        exact: bool = True,
        **options: Any,
    ) -> None:
        self.folder, self.parts, self.every_n_epochs = folder, dict(parts or {}), every_n_epochs
        self.monitor, self.exact, self.options = monitor, exact, options
        self.checkpoints: Checkpoints | None = None
        self._at, self._resumed = 0, False

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.world_size > 1:
            raise Unsupported(
                f"The training has {trainer.world_size} processes; LightningCheckpoints resumes one.",
                remedy="Use Trainer(devices=1), or Lightning's own checkpoints.",
            )
        self.checkpoints = Checkpoints(self.folder, self._all_parts(trainer, pl_module), **self.options)
        at = self.checkpoints.load(exact=self.exact)
        self._at, self._resumed = (at.step, True) if at else (0, False)

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:  # noqa: ARG002  # Lightning's signature
        if self._resumed:
            # Since on_fit_start, Lightning has begun to read from the loader, twice. Put every generator back, and have it begin once more, as
            # it does at the start of every epoch but the first of a process.
            assert self.checkpoints is not None
            self.checkpoints.load(self._at, exact=self.exact)
            trainer.fit_loop._resuming_from_checkpoint = False
            # And let this epoch be one as any other: else schedulers that watch a metric sit it out.
            trainer.fit_loop.restarting = False
            self._resumed = False
        # Nothing at the very beginning, and nothing where the checkpoint that was just loaded was taken.
        if trainer.global_step > self._at and trainer.current_epoch % self.every_n_epochs == 0:
            self._save(trainer)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:  # noqa: ARG002  # as above
        if trainer.global_step > self._at:
            self._save(trainer)

    def teardown(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:  # noqa: ARG002  # as above
        if self.checkpoints is not None:
            self.checkpoints.close()
            self.checkpoints = None

    def _save(self, trainer: pl.Trainer) -> None:
        assert self.checkpoints is not None
        metrics = {name: float(value) for name, value in trainer.callback_metrics.items()}
        self.checkpoints.save(
            trainer.global_step, metrics=metrics, score=metrics.get(self.monitor) if self.monitor is not None else None
        )
        self._at = trainer.global_step

    def _all_parts(self, trainer: pl.Trainer, module: pl.LightningModule) -> dict[str, Any]:
        parts: dict[str, Any] = {"model": module, "loop": _Loop(trainer.fit_loop)}
        for number, optimizer in enumerate(trainer.optimizers):
            parts[f"optimizer{number}"] = optimizer
        for number, config in enumerate(trainer.lr_scheduler_configs):
            parts[f"scheduler{number}"] = config.scheduler
        scaler = getattr(trainer.precision_plugin, "scaler", None)
        if scaler is not None:
            parts["scaler"] = scaler
        for number, callback in enumerate(one for one in trainer.callbacks if one is not self):  # type: ignore[attr-defined]  # Lightning adds it late
            parts[f"callback{number}"] = callback
        return parts | self.parts


class _Loop:
    """The counts of Lightning's loop: how many epochs and batches were begun, done and finished."""

    def __init__(self, loop: Any) -> None:
        self.loop, self.loaded = loop, False

    def state_dict(self) -> dict[str, Any]:
        state: dict[str, Any] = self.loop.state_dict()
        return state

    def load_state_dict(self, state: dict[str, Any]) -> None:
        if self.loaded:
            return
        self.loop.load_state_dict(state)
        # The loop over batches is not in the middle of anything: it begins an epoch. Otherwise it takes the counts of the epoch before for
        # those of this one, and finds it finished.
        self.loop.epoch_loop.restarting = False
        self.loaded = True
