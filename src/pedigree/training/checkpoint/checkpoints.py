"""The checkpoints of one training: saved in the background, thinned out, and gone on from."""

from __future__ import annotations

import math
import operator
import os
from collections.abc import Mapping
from threading import Thread
from types import TracebackType
from typing import Any, Literal, Self

from pedigree.errors import CheckpointNotFound, InvalidInput
from pedigree.training.checkpoint import folder as folders
from pedigree.training.checkpoint import record
from pedigree.training.checkpoint.arena import Arena
from pedigree.training.checkpoint.nested import decode


class Checkpoints:
    """The checkpoints in one folder, for a loop in plain PyTorch:

        with Checkpoints("out/checkpoints", {"model": model, "optimizer": optimizer, "sampler": sampler}) as checkpoints:
            at = checkpoints.load()
            step, metrics = (at.step, at.metrics) if at else (0, [])
            for batch in ...:  # from the sampler, which goes on where it was
                ...
                step += 1
                if step % 100 == 0:
                    checkpoints.save(step, metrics=metrics)

    Law: killed at any moment and run again, this ends with the same bytes as if it had never been killed, in weights, state of the optimiser and
    metrics. It holds when the rest of the training is a function of the parts, the process's random states and what `metrics` and `user` say.

    `parts` maps names to whatever has state: models, optimisers, schedulers, scalers, random generators (torch's, NumPy's, Python's), a sampler or
    loader, or any object with state_dict() and load_state_dict(). Always kept besides: the random states of Python, of NumPy's legacy functions, of
    torch on the CPU and on every CUDA device. A sampler's position must be that of the samples trained on, not of those fetched ahead.

    Save between steps. In the middle of an accumulation of gradients, say `gradients=True`, which keeps them too.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        parts: Mapping[str, Any],
        *,
        keep_last: int | None = 2,
        keep_best: int = 0,
        best: Literal["min", "max"] = "min",
        gradients: bool = False,
        background: bool = True,
    ) -> None:
        """`keep_last` of the checkpoints stay (None: all), and `keep_best` of those that were saved with a score, by `best`; of equal scores
        the earlier. With `background=False`, `save` returns when the checkpoint is on the disk.
        """
        if keep_last is not None and keep_last < 1:
            raise InvalidInput(f"keep_last is {keep_last}.", remedy="Keep at least one, or None for all.")
        if best not in ("min", "max"):
            raise InvalidInput(f"best is {best!r}.", remedy="Say 'min' or 'max'.")
        self.folder = os.fspath(folder)
        self.parts = dict(parts)
        self.keep_last, self.keep_best, self.best = keep_last, keep_best, best
        self.gradients, self.background = gradients, background
        self._arena = Arena()
        self._scores: dict[str, float | None] = {}
        self._lock: int | None = None
        self._thread: Thread | None = None
        self._failure: BaseException | None = None

    @property
    def steps(self) -> list[int]:
        """The steps that there are checkpoints of, earliest first."""
        return sorted({entry.step for entry in folders.entries(self.folder)})

    def save(self, step: int, *, metrics: Any = None, user: Any = None, score: float | None = None) -> None:
        """Keep the state of this moment, of training after so many steps.

        Returns once everything is copied in memory; from then on the parts may change. Writing goes on in a thread, and the next `save` waits for it.
        `metrics` and `user` are any nested values: None, numbers, texts, bytes, lists, tuples, dictionaries, tensors, arrays. `score` is what
        `keep_best` goes by; None and NaN are never best.

        Raises UnsupportedState for what a file cannot hold; DiskFull and StorageFailure, also those of the checkpoint before; Busy when another process
        saves here. Whatever it raises, earlier checkpoints are as they were.
        """
        step = operator.index(step)
        if step < 0:
            raise InvalidInput(f"The step is {step}.", remedy="Count steps from 0.")
        self.wait()
        if self._lock is None:
            self._lock = folders.lock(self.folder)
            folders.sweep(self.folder)
        score = None if score is None else float(score)
        state = record.take(
            step, self.parts, metrics=metrics, user=user, score=score, gradients=self.gradients, arena=self._arena
        )
        self._arena.copy()
        if self.background:
            # No daemon: a script that ends without close() still finishes its last checkpoint.
            self._thread = Thread(target=self._write, args=(step, state, score), name="pedigree-checkpoint")
            self._thread.start()
        else:
            self._write(step, state, score)
            self.wait()

    def load(self, step: int | Literal["best"] | None = None, *, exact: bool = True) -> record.Loaded | None:
        """Put all parts and random states where they were at the last checkpoint, at that of a step, or at the best. See load_checkpoint.

        None, and nothing is changed, where there is no checkpoint at all. Going on from an earlier one than the last, `rewind` first, or a kill before the next
        save would go on from the old last one.
        """
        self.wait()
        found = folders.entries(self.folder)
        if not found and step is None:
            return None
        if step == "best":
            ranked = self._ranked(found)
            if not ranked:
                raise CheckpointNotFound(
                    f"There is no checkpoint with a score in {self.folder}.", remedy="Give one: save(step, score=...)."
                )
            step = ranked[0].step
        return record.load_checkpoint(self.folder, self.parts, step=step, exact=exact)

    def rewind(self, step: int) -> None:
        """Remove the checkpoints after this step."""
        self.wait()
        folders.remove(entry for entry in folders.entries(self.folder) if entry.step > step)

    def wait(self) -> None:
        """Until what was saved is on the disk. Raises what went wrong with it."""
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure

    def close(self) -> None:
        """Wait, and let others save here."""
        try:
            self.wait()
        finally:
            if self._lock is not None:
                os.close(self._lock)
                self._lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _write(self, step: int, state: dict[str, Any], score: float | None) -> None:
        try:
            entry = folders.write(self.folder, step, record.files(state, self._arena))
            self._scores[entry.path] = score
            self._thin(entry)
        except BaseException as error:  # whatever it is, `wait` raises it where the script sees it
            self._failure = error

    def _thin(self, newest: folders.Entry) -> None:
        found = folders.entries(self.folder)
        latest = {entry.step: entry for entry in found}  # of a step saved twice, the second
        current = [*latest.values()]
        kept = {newest, *(current if self.keep_last is None else current[-self.keep_last :])}
        if self.keep_best:
            kept |= {*self._ranked(current)[: self.keep_best]}
        folders.remove(entry for entry in found if entry not in kept)

    def _ranked(self, found: list[folders.Entry]) -> list[folders.Entry]:
        scored = []
        for entry in found:
            if entry.path not in self._scores:
                self._scores[entry.path] = decode(record.read(entry.path).state["score"], _no_tensor)
            score = self._scores[entry.path]
            if score is not None and not math.isnan(score):
                scored.append((score if self.best == "min" else -score, entry))
        return [entry for _, entry in sorted(scored)]


def _no_tensor(name: str) -> Any:
    raise AssertionError(f"a score is a number, not the tensor {name!r}")
