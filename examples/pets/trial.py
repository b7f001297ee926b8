"""A trial: one training with the parameters that the study asks for, in a worker's process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from settings_tune import Tune
from workers import Look, Run


@dataclass(frozen=True)
class Trials:
    """What every trial of a search shares; the seed too, so that they differ by their parameters and by nothing else."""

    training: Path
    validation: Path
    settings: Tune
    seed: int

    def prepare(self) -> Run:
        """Load torch and the pairs once for all trials of this process."""
        # Here and not above: the process that asks trains nothing, and torch is 300 MB.
        from devices import chosen
        from fitting import fit
        from models import build_seeded
        from pairs import read_pairs
        from torch import channels_last
        from weights import load_pretrained

        from pedigree import training

        device = chosen(self.settings.device, "conf/tune.yaml")
        training.deterministic("full", threads=self.settings.search.threads)
        pets, watched = read_pairs(self.training), read_pairs(self.validation)
        search, card = self.settings.search, {"model": self.settings.model.model_dump()}

        def run(params: Mapping[str, Any], folder: Path, look: Look) -> None:
            # No processes for batches: a worker is one itself, and may have none of its own.
            ruled = {"steps": search.steps, "watch_every": search.min_steps, "workers": 0}
            model = build_seeded(card, self.seed)
            if self.settings.model.pretrained:
                load_pretrained(model.encoder, self.settings.model.pretrained)
            fit(
                model.to(device, memory_format=channels_last),
                pets,
                watched,
                self.settings.training.model_copy(update={**params, **ruled}),
                seed=self.seed,
                checkpoints=folder,
                on_watch=look,
            )

        return run
