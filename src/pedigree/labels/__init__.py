"""Which labels of a data set are wrong, and why. Usable alone: `from pedigree import labels`, on plain arrays."""

from pedigree import lazy

# Spelt out: `import typing` costs as much as starting Python. Type checkers know the name.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from pedigree.labels.analysis import Analysis as Analysis
    from pedigree.labels.analysis import analyse as analyse
    from pedigree.labels.multilabel.analysis import MultiLabelAnalysis as MultiLabelAnalysis
    from pedigree.labels.multilabel.analysis import analyse_multilabel as analyse_multilabel

_HOMES = {
    "analyse": "analysis",
    "Analysis": "analysis",
    "MultiLabelAnalysis": "multilabel.analysis",
    "analyse_multilabel": "multilabel.analysis",
}

__all__ = [*_HOMES]

__getattr__, __dir__ = lazy.names(__name__, _HOMES)
