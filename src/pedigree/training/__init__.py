"""Training that is reproducible by construction, and the means to see whether it was.

`from pedigree import training` is all that a script needs. The names are loaded on first use, so that it costs nothing.
"""

# Spelt out: `import typing` costs as much as starting Python. Type checkers know the name.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from pedigree.training.checkpoint.checkpoints import Checkpoints as Checkpoints
    from pedigree.training.checkpoint.finite import check_finite as check_finite
    from pedigree.training.checkpoint.record import Loaded as Loaded
    from pedigree.training.checkpoint.record import load_checkpoint as load_checkpoint
    from pedigree.training.checkpoint.record import save_checkpoint as save_checkpoint
    from pedigree.training.comparing.comparison import compare as compare
    from pedigree.training.comparing.result import Comparison as Comparison
    from pedigree.training.comparing.ulps import ulp_distance as ulp_distance
    from pedigree.training.environment.captured import Environment as Environment
    from pedigree.training.environment.captured import read_environment as read_environment
    from pedigree.training.environment.capturing import capture_environment as capture_environment
    from pedigree.training.environment.differences import Difference as Difference
    from pedigree.training.environment.differences import EnvironmentComparison as EnvironmentComparison
    from pedigree.training.environment.differences import compare_environments as compare_environments
    from pedigree.training.splits.assignment import assign_split as assign_split
    from pedigree.training.splits.assignment import assign_splits as assign_splits
    from pedigree.training.splits.layout import Layout as Layout
    from pedigree.training.splits.report import SplitReport as SplitReport
    from pedigree.training.splits.report import split_report as split_report

_HOMES = {
    "assign_split": "splits.assignment",
    "assign_splits": "splits.assignment",
    "capture_environment": "environment.capturing",
    "check_finite": "checkpoint.finite",
    "Checkpoints": "checkpoint.checkpoints",
    "compare": "comparing.comparison",
    "compare_environments": "environment.differences",
    "Comparison": "comparing.result",
    "Difference": "environment.differences",
    "Environment": "environment.captured",
    "EnvironmentComparison": "environment.differences",
    "Layout": "splits.layout",
    "load_checkpoint": "checkpoint.record",
    "Loaded": "checkpoint.record",
    "read_environment": "environment.captured",
    "save_checkpoint": "checkpoint.record",
    "split_report": "splits.report",
    "SplitReport": "splits.report",
    "ulp_distance": "comparing.ulps",
}

__all__ = [*_HOMES]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'pedigree.training' has no attribute {name!r}")
    from importlib import import_module

    found = getattr(import_module(f"pedigree.training.{home}"), name)
    globals()[name] = found  # a module of the same name may have been put here by importing it
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
