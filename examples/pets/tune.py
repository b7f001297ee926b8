"""tune: searches for better values than today's, by short trainings; the same trials and the same best each time.

    python tune.py

Space, trials and comparisons come from conf/tune.yaml, seed and cores from pets.yaml. Killed and run again with the same
PEDIGREE_CHECKPOINTS it goes on where it was, and ends with the same bytes.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path
from typing import Any

from settings_tune import RULED, Tune

from pedigree import config
from pedigree.errors import NonFinite, PedigreeError

PFS = Path("/pfs")


def tune(settings: Tune, training: Path, validation: Path, out: Path, kept: Path, seed: int, cores: int) -> None:
    """Search, and write what was found into `out`; `kept` is a folder that outlives a killed search.

    As many trials run at once as the cores allow, which changes no byte. Raises as `Study` and `lockstep.search` do;
    NonFinite when no trial came to its end.
    """
    # Here and not above: every process of a trial imports this file first, and needs none of it.
    import tuned
    from lockstep import search
    from space import distributions
    from study import Study
    from trial import Trials

    today = {name: getattr(settings.training, name) for name in settings.search.space}
    recipe = recipe_of(settings, digest_of(training, validation), seed)
    kept.mkdir(parents=True, exist_ok=True)
    study = Study(kept / "study.sqlite", settings.search, distributions(settings.search.space), today, recipe, seed)
    work = Trials(training, validation, settings, seed)
    search(study, work, kept, max(1, cores // settings.search.threads))
    best = study.best
    if best is None:
        raise NonFinite(
            f"None of {len(study.trials)} trials came to its end: the loss of all that were not pruned became NaN or infinite.",
            remedy="Lower learning_rate in conf/training, or its `high` in conf/search.",
        )
    tuned.write(out, study, best)
    print(f"best: trial {best.number}, {settings.search.metric} {best.value}", flush=True)


def recipe_of(settings: Tune, data: str, seed: int) -> dict[str, Any]:
    """All that the result of a search follows from: a study is gone on with where these are the same."""
    values = settings.model_dump(mode="json")
    for name in RULED[1:]:
        del values["training"][name]  # the search's, or of no effect
    versions = {name: version(name) for name in ("numpy", "optuna", "torch")}
    return {**values, "seed": seed, "data": data, "versions": versions}


def digest_of(*folders: Path) -> str:
    """Of the names and bytes of all files below the folders."""
    digest = hashlib.blake2b(digest_size=16)
    for folder in folders:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            digest.update(f"{path.relative_to(folder)}\0{path.stat().st_size}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def main() -> None:
    settings = config.current(Tune)
    seed, cores = int(os.environ["PEDIGREE_SEED"]), int(os.environ["OMP_NUM_THREADS"])
    with ExitStack() as stack:
        kept = os.environ.get("PEDIGREE_CHECKPOINTS") or stack.enter_context(tempfile.TemporaryDirectory())
        try:
            tune(
                settings, PFS / "training/training", PFS / "validation/validation", PFS / "out", Path(kept), seed, cores
            )
        except PedigreeError as error:
            sys.exit(f"{error.message} {error.remedy or ''}")


if __name__ == "__main__":
    main()
