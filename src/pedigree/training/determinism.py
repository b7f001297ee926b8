"""Training that gives the same bits again: every switch of torch that decides it, set together, recorded, and put back.

"full" is bit for bit the same on the same hardware, with the same versions and the same number of threads. With
`across_threads=True` the number of threads on the CPU does not matter either, at a price. "close" is the same up to
rounding: nothing is allowed that computes with fewer bits, and operations without a deterministic form run, with a warning.
"""

from __future__ import annotations

import atexit
import functools
import os
from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import Literal, ParamSpec, TypeVar, get_args

import torch

from pedigree.errors import InvalidInput, NoDeterministicForm, TooLate
from pedigree.training import knobs, parallel
from pedigree.training.alternatives import alert, alternative
from pedigree.training.settings import Settings, present
from pedigree.training.streams import checked

Level = Literal["full", "close"]
P = ParamSpec("P")
T = TypeVar("T")


#: What stands. A caller who drops what `deterministic` returned means it to stand: without this, the generators behind the
#: settings would be closed with it, which puts everything back.
_STANDING: list[ExitStack] = []


def _put_back() -> None:
    """While Python is still whole: later, what puts the settings back cannot import any more, and says so."""
    while _STANDING:
        _STANDING.pop().close()


atexit.register(_put_back)


def deterministic(
    level: Level = "full", *, threads: int | None = None, across_threads: bool = False, tf32: bool | None = None
) -> Determinism:
    """Set everything that decides whether results repeat, now; as torch.set_grad_enabled does.

    Three ways: `deterministic("full")` at the top of a script, for the rest of it (`.settings` is what stands);
    `with deterministic("full") as settings:`, which puts everything back; and as a decorator, which undoes the call's
    own setting and sets it again around every call of the function.

    - `threads`: the number of torch's threads on the CPU; None leaves it. It is part of the recipe: results at 2 and at 4
      threads differ in their last bits, and a machine with 2 cores can run 4 threads to rebuild what 4 made.
    - `across_threads` ("full" only): the same bits on any number of threads. Float32 and float64 matrix products under
      MKL_CBWR=AVX2,STRICT and exact operations on all threads, everything else on one. Meant for where products
      dominate: convolutions run on one thread, for which `threads=1` is the simpler way. Not for code under torch.compile, and not for work that other Python
      threads do. Raises TooLate where MKL was used before it could be told.
    - `tf32`: whether GPUs may compute float32 products with TF32. None leaves it as it is for "full", and turns it off for
      "close". The bits repeat on the same GPU either way, and differ from those of other GPUs. What torch does of itself
      (convolutions with it, products without) costs 2 % over no determinism on an H100; without it the deterministic
      convolutions take four times as long there.

    An operation without a deterministic form raises NoDeterministicForm, which names it and what to use instead; from the
    plain function torch's own RuntimeError comes through, and `alternative(name)` knows the rest. Raises TooLate for "full"
    where CUDA was started without CUBLAS_WORKSPACE_CONFIG. Settings belong to the process, not to the Python thread.
    """
    return Determinism(level, threads, across_threads, tf32)


class Determinism:
    """What `deterministic` returns: settings that stand until `restore`, the end of the `with`, or of a decorated call."""

    def __init__(self, level: Level, threads: int | None, across_threads: bool, tf32: bool | None) -> None:
        if level not in get_args(Level):
            raise InvalidInput(f"There is no level {level!r}.", remedy='Write "full" or "close".')
        if across_threads and level != "full":
            raise InvalidInput(
                'across_threads goes with "full": bits that are not the same on one number of threads are not on any.',
                remedy='Write deterministic("full", across_threads=True).',
            )
        if threads is not None and checked("number of threads", threads) == 0:
            raise InvalidInput("0 threads compute nothing.", remedy="Take 1 or more.")
        self._level, self._threads, self._across, self._tf32 = level, threads, across_threads, tf32
        self._stack: ExitStack | None = None
        self._set()

    settings: Settings

    def restore(self) -> None:
        """Put everything back as it was; nothing where that is done already."""
        stack, self._stack = self._stack, None
        if stack is not None:
            if stack in _STANDING:
                _STANDING.remove(stack)
            stack.close()

    def __enter__(self) -> Settings:
        if self._stack is None:
            self._set()
        return self.settings

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.restore()
        if isinstance(error, RuntimeError) and (name := alert(str(error))):
            raise explained(name) from error

    def __call__(self, function: Callable[P, T]) -> Callable[P, T]:
        self.restore()

        @functools.wraps(function)
        def within(*args: P.args, **kwargs: P.kwargs) -> T:
            # A new one per call: a function may call itself.
            with Determinism(self._level, self._threads, self._across, self._tf32):
                return function(*args, **kwargs)

        return within

    def _set(self) -> None:
        full, backends, notes = self._level == "full", torch.backends, []
        with ExitStack() as stack:  # where something below raises, what was set is put back
            if os.environ.get(knobs.CUBLAS) not in knobs.CUBLAS_VALUES:
                if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]  # torch's gap
                    notes.append(f"{knobs.CUBLAS} was not set before CUDA started")
                    if full:
                        raise TooLate(
                            f"CUDA was started in this process without {knobs.CUBLAS}, which cuBLAS reads once.",
                            remedy=f"Call deterministic() before anything runs on a GPU, or start with {knobs.CUBLAS}=:4096:8.",
                        )
                else:
                    stack.enter_context(knobs.variable(knobs.CUBLAS, knobs.CUBLAS_VALUES[0]))
            if self._threads is not None:
                stack.enter_context(knobs.called(torch.set_num_threads, torch.get_num_threads(), int(self._threads)))
            if self._across:
                self._any_threads(stack, notes)
            stack.enter_context(knobs.algorithms(warn_only=not full))
            stack.enter_context(knobs.turned(torch.utils.deterministic, "fill_uninitialized_memory", full))
            stack.enter_context(knobs.turned(backends.cudnn, "deterministic", full))
            stack.enter_context(knobs.turned(backends.cudnn, "benchmark", False))
            stack.enter_context(knobs.turned(backends.mkldnn, "deterministic", full))
            tf32 = False if self._tf32 is None and not full else self._tf32
            if tf32 is not None:
                stack.enter_context(knobs.precision(tf32))
            for name in (
                "allow_fp16_reduced_precision_reduction",
                "allow_bf16_reduced_precision_reduction",
                "allow_fp16_accumulation",
            ):
                stack.enter_context(knobs.turned(backends.cuda.matmul, name, False))
            self.settings = present(self._level, self._across, tuple(notes))
            self._stack = stack.pop_all()
        _STANDING.append(self._stack)

    def _any_threads(self, stack: ExitStack, notes: list[str]) -> None:
        if not parallel.mkl_cbwr_set():
            stack.enter_context(knobs.variable("MKL_CBWR", parallel.CBWR))
        strict = parallel.strict_mkl()
        if strict is False:
            raise TooLate(
                "MKL was used in this process before MKL_CBWR was set, which it reads once.",
                remedy=f"Call deterministic(across_threads=True) before the first matrix product, or start with MKL_CBWR={parallel.CBWR}.",
            )
        if strict is None:
            notes.append("torch has no MKL here: matrix products run on one thread")
        stack.enter_context(parallel.OneThread(products=bool(strict)))


def explained(name: str) -> NoDeterministicForm:
    """The error for an operation that torch has no deterministic form of, by its name in torch's message."""
    known = alternative(name)
    if known is None:
        return NoDeterministicForm(
            f"{name} has no deterministic form in torch {torch.__version__}.",
            remedy='Run it on the CPU, or outside deterministic("full"); "close" lets it run with a warning.',
            operation=name,
        )
    return NoDeterministicForm(
        f"{known.operation} ({name} in torch) has no deterministic form {known.where}.",
        remedy=f'{known.instead}. "close" lets it run with a warning.',
        operation=known.operation,
    )
