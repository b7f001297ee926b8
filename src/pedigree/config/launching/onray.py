"""The launcher of Ray clusters."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from pedigree.config.launching.contract import Order
from pedigree.config.launching.remote import carry_out
from pedigree.errors import MissingExtra


@dataclass(eq=False, slots=True)
class RayHandle:
    reference: Any
    problem: str | None = None


class OnRay:
    """A Ray task for each job, on whichever node has room for it.

    `address` is that of a cluster, None for one of this machine alone, started and stopped with the sweep; a Ray
    that this process has started already is used as it is. `options` are those of a Ray task: `num_cpus`, `num_gpus`,
    `resources`, … `jobs` bounds how many are handed to Ray at once. All nodes must see the sweep's folder. Ray never
    retries a job by itself: a job whose node is lost has failed.
    """

    name = "ray"

    def __init__(
        self, address: str | None = None, *, jobs: int | None = None, init: dict[str, Any] | None = None, **options: Any
    ) -> None:
        # Must be said before Ray is imported: else it sends word of its use to a server on the internet.
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        try:
            import ray
        except ImportError:
            raise MissingExtra(
                "Launching on Ray needs ray, which is not installed.", remedy="pip install 'pedigree-ml[ray]'"
            ) from None
        self._ray: Any = ray
        self.jobs = jobs
        self._init = {"address": address, "log_to_driver": False, "include_dashboard": False, **(init or {})}
        if address is not None:
            del self._init["include_dashboard"]  # the cluster has its own
        self._options = {"num_cpus": 1, **options}
        self._started = False

    def __enter__(self) -> OnRay:
        if not self._ray.is_initialized():
            self._ray.init(**self._init)
            self._started = True
        self._task = self._ray.remote(max_retries=0, **self._options)(carry_out)
        return self

    def __exit__(self, *exception: object) -> None:
        if self._started:
            self._ray.shutdown()
            self._started = False

    def submit(self, order: Order) -> RayHandle:
        return RayHandle(self._task.remote(order.text()))

    def finished(self, handles: Sequence[RayHandle], timeout_s: float) -> list[RayHandle]:
        by_reference = {handle.reference: handle for handle in handles}
        ready, _ = self._ray.wait(list(by_reference), num_returns=1, timeout=timeout_s)
        done = [by_reference[reference] for reference in ready]
        for handle in done:
            try:
                handle.problem = self._ray.get(handle.reference)
            except self._ray.exceptions.RayError as error:
                handle.problem = f"Ray: {type(error).__name__} {str(error).strip()[:200]}".strip()
        return done

    def stop(self, handles: Sequence[RayHandle], *, kill: bool = False) -> None:
        for handle in handles:
            with suppress(self._ray.exceptions.RayError):
                self._ray.cancel(handle.reference, force=kill)
