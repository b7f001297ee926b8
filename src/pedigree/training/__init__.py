"""Training that is reproducible by construction, and the means to see whether it was.

`from pedigree import training` is all that a script needs. The names are loaded on first use, so that it costs nothing.
"""

from pedigree import lazy

# Spelt out: `import typing` costs as much as starting Python. Type checkers know the name.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from pedigree.training.alternatives import alternative as alternative
    from pedigree.training.checkpoint.checkpoints import Checkpoints as Checkpoints
    from pedigree.training.checkpoint.finite import check_finite as check_finite
    from pedigree.training.checkpoint.record import Loaded as Loaded
    from pedigree.training.checkpoint.record import load_checkpoint as load_checkpoint
    from pedigree.training.checkpoint.record import save_checkpoint as save_checkpoint
    from pedigree.training.comparing.comparison import compare as compare
    from pedigree.training.comparing.result import Comparison as Comparison
    from pedigree.training.comparing.ulps import ulp_distance as ulp_distance
    from pedigree.training.crossvalidation.crossvalidation import CrossValidated as CrossValidated
    from pedigree.training.crossvalidation.crossvalidation import cross_validated as cross_validated
    from pedigree.training.crossvalidation.fitting import fit_classifier as fit_classifier
    from pedigree.training.determinism import Determinism as Determinism
    from pedigree.training.determinism import deterministic as deterministic
    from pedigree.training.draws import Draw as Draw
    from pedigree.training.draws import sample_generator as sample_generator
    from pedigree.training.draws import sample_rng as sample_rng
    from pedigree.training.environment.captured import Environment as Environment
    from pedigree.training.environment.captured import read_environment as read_environment
    from pedigree.training.environment.capturing import capture_environment as capture_environment
    from pedigree.training.environment.differences import Difference as Difference
    from pedigree.training.environment.differences import EnvironmentComparison as EnvironmentComparison
    from pedigree.training.environment.differences import compare_environments as compare_environments
    from pedigree.training.lightning import LightningCheckpoints as LightningCheckpoints
    from pedigree.training.loading import Loader as Loader
    from pedigree.training.philox import sample_bits as sample_bits
    from pedigree.training.philox import sample_uniforms as sample_uniforms
    from pedigree.training.recording.callback import LightningRecorder as LightningRecorder
    from pedigree.training.recording.merging import merge_signals as merge_signals
    from pedigree.training.recording.recorder import Recorder as Recorder
    from pedigree.training.robust.cross_validation import CleanSelection as CleanSelection
    from pedigree.training.robust.cross_validation import noise_rate as noise_rate
    from pedigree.training.robust.cross_validation import select_clean as select_clean
    from pedigree.training.robust.early_learning import EarlyLearningLoss as EarlyLearningLoss
    from pedigree.training.robust.fitting import Fitted as Fitted
    from pedigree.training.robust.history import History as History
    from pedigree.training.robust.mentor import MentorWeights as MentorWeights
    from pedigree.training.robust.methods import fit_coteaching as fit_coteaching
    from pedigree.training.robust.methods import fit_early_learning as fit_early_learning
    from pedigree.training.robust.methods import fit_incv as fit_incv
    from pedigree.training.robust.methods import fit_mentor as fit_mentor
    from pedigree.training.robust.methods import fit_plain as fit_plain
    from pedigree.training.robust.methods import fit_pruned as fit_pruned
    from pedigree.training.robust.methods import fit_relabelled as fit_relabelled
    from pedigree.training.robust.recipe import Recipe as Recipe
    from pedigree.training.robust.selection import CoTeachingSelector as CoTeachingSelector
    from pedigree.training.robust.selection import keep_rate as keep_rate
    from pedigree.training.robust.weighting import importance_weights as importance_weights
    from pedigree.training.robust.weighting import rank_weights as rank_weights
    from pedigree.training.robust.weighting import recovery_weights as recovery_weights
    from pedigree.training.robust.weighting import relabelled as relabelled
    from pedigree.training.sampling import Batches as Batches
    from pedigree.training.seeds import Seeded as Seeded
    from pedigree.training.seeds import seed_everything as seed_everything
    from pedigree.training.settings import Settings as Settings
    from pedigree.training.splits.assignment import assign_split as assign_split
    from pedigree.training.splits.assignment import assign_splits as assign_splits
    from pedigree.training.splits.folds import assign_folds as assign_folds
    from pedigree.training.splits.layout import Layout as Layout
    from pedigree.training.splits.report import SplitReport as SplitReport
    from pedigree.training.splits.report import split_report as split_report
    from pedigree.training.streams import derive as derive
    from pedigree.training.streams import jax_key as jax_key
    from pedigree.training.streams import rng as rng
    from pedigree.training.streams import torch_generator as torch_generator

_HOMES = {
    "alternative": "alternatives",
    "assign_folds": "splits.folds",
    "assign_split": "splits.assignment",
    "assign_splits": "splits.assignment",
    "Batches": "sampling",
    "capture_environment": "environment.capturing",
    "check_finite": "checkpoint.finite",
    "Checkpoints": "checkpoint.checkpoints",
    "CleanSelection": "robust.cross_validation",
    "compare": "comparing.comparison",
    "compare_environments": "environment.differences",
    "Comparison": "comparing.result",
    "CoTeachingSelector": "robust.selection",
    "cross_validated": "crossvalidation.crossvalidation",
    "CrossValidated": "crossvalidation.crossvalidation",
    "derive": "streams",
    "Determinism": "determinism",
    "deterministic": "determinism",
    "Difference": "environment.differences",
    "Draw": "draws",
    "EarlyLearningLoss": "robust.early_learning",
    "Environment": "environment.captured",
    "EnvironmentComparison": "environment.differences",
    "fit_coteaching": "robust.methods",
    "fit_early_learning": "robust.methods",
    "fit_incv": "robust.methods",
    "fit_mentor": "robust.methods",
    "fit_plain": "robust.methods",
    "fit_pruned": "robust.methods",
    "fit_relabelled": "robust.methods",
    "Fitted": "robust.fitting",
    "History": "robust.history",
    "importance_weights": "robust.weighting",
    "fit_classifier": "crossvalidation.fitting",
    "jax_key": "streams",
    "keep_rate": "robust.selection",
    "Layout": "splits.layout",
    "LightningCheckpoints": "lightning",
    "LightningRecorder": "recording.callback",
    "load_checkpoint": "checkpoint.record",
    "Loaded": "checkpoint.record",
    "Loader": "loading",
    "MentorWeights": "robust.mentor",
    "merge_signals": "recording.merging",
    "noise_rate": "robust.cross_validation",
    "rank_weights": "robust.weighting",
    "read_environment": "environment.captured",
    "Recipe": "robust.recipe",
    "Recorder": "recording.recorder",
    "recovery_weights": "robust.weighting",
    "relabelled": "robust.weighting",
    "rng": "streams",
    "sample_bits": "philox",
    "sample_generator": "draws",
    "sample_rng": "draws",
    "sample_uniforms": "philox",
    "save_checkpoint": "checkpoint.record",
    "seed_everything": "seeds",
    "Seeded": "seeds",
    "select_clean": "robust.cross_validation",
    "Settings": "settings",
    "split_report": "splits.report",
    "SplitReport": "splits.report",
    "torch_generator": "streams",
    "ulp_distance": "comparing.ulps",
}

__all__ = [*_HOMES]

__getattr__, __dir__ = lazy.names(__name__, _HOMES)
