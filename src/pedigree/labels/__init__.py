"""Which labels of a data set are wrong, and why. Usable alone: `from pedigree import labels`, on plain arrays."""

from pedigree import lazy

# Spelt out: `import typing` costs as much as starting Python. Type checkers know the name.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from pedigree.labels.analysis import Analysis as Analysis
    from pedigree.labels.analysis import analyse as analyse
    from pedigree.labels.annotators.active import next_labels as next_labels
    from pedigree.labels.annotators.annotations import Annotations as Annotations
    from pedigree.labels.annotators.annotations import annotation_matrix as annotation_matrix
    from pedigree.labels.annotators.annotations import annotation_table as annotation_table
    from pedigree.labels.annotators.consensus import Consensus as Consensus
    from pedigree.labels.annotators.consensus import consensus as consensus
    from pedigree.labels.doubts import LabelWarning as LabelWarning
    from pedigree.labels.doubts import RareClass as RareClass
    from pedigree.labels.doubts import SeenLabels as SeenLabels
    from pedigree.labels.dynamics.cartography import data_map as data_map
    from pedigree.labels.dynamics.cartography import regions as regions
    from pedigree.labels.dynamics.signals import Signals as Signals
    from pedigree.labels.dynamics.signals import read_signals as read_signals
    from pedigree.labels.dynamics.thresholds import aum_issues as aum_issues
    from pedigree.labels.dynamics.thresholds import threshold_samples as threshold_samples
    from pedigree.labels.multilabel.analysis import MultiLabelAnalysis as MultiLabelAnalysis
    from pedigree.labels.multilabel.analysis import analyse_multilabel as analyse_multilabel
    from pedigree.labels.multilabel.rules import Rules as Rules
    from pedigree.labels.neighbourhood.agreement import Agreement as Agreement
    from pedigree.labels.neighbourhood.agreement import agreement as agreement
    from pedigree.labels.neighbourhood.duplicates import Duplicates as Duplicates
    from pedigree.labels.neighbourhood.duplicates import duplicates as duplicates
    from pedigree.labels.neighbourhood.duplicates import equal_contents as equal_contents
    from pedigree.labels.neighbourhood.graph import Graph as Graph
    from pedigree.labels.neighbourhood.graph import graph as graph
    from pedigree.labels.neighbourhood.graph import neighbours as neighbours
    from pedigree.labels.neighbourhood.outliers import Outliers as Outliers
    from pedigree.labels.neighbourhood.outliers import outliers as outliers
    from pedigree.labels.neighbourhood.outputs import confidence_scores as confidence_scores
    from pedigree.labels.neighbourhood.outputs import energy_scores as energy_scores
    from pedigree.labels.neighbourhood.outputs import entropy_scores as entropy_scores
    from pedigree.labels.segmentation.analysis import MaskAnalysis as MaskAnalysis
    from pedigree.labels.segmentation.analysis import analyse_masks as analyse_masks
    from pedigree.labels.segmentation.issues import read_issue_masks as read_issue_masks

_HOMES = {
    "annotation_matrix": "annotators.annotations",
    "annotation_table": "annotators.annotations",
    "Annotations": "annotators.annotations",
    "consensus": "annotators.consensus",
    "Consensus": "annotators.consensus",
    "next_labels": "annotators.active",
    "analyse": "analysis",
    "Analysis": "analysis",
    "MultiLabelAnalysis": "multilabel.analysis",
    "analyse_multilabel": "multilabel.analysis",
    "Rules": "multilabel.rules",
    "neighbours": "neighbourhood.graph",
    "Graph": "neighbourhood.graph",
    "graph": "neighbourhood.graph",
    "outliers": "neighbourhood.outliers",
    "Outliers": "neighbourhood.outliers",
    "entropy_scores": "neighbourhood.outputs",
    "confidence_scores": "neighbourhood.outputs",
    "energy_scores": "neighbourhood.outputs",
    "duplicates": "neighbourhood.duplicates",
    "Duplicates": "neighbourhood.duplicates",
    "equal_contents": "neighbourhood.duplicates",
    "agreement": "neighbourhood.agreement",
    "Agreement": "neighbourhood.agreement",
    "aum_issues": "dynamics.thresholds",
    "data_map": "dynamics.cartography",
    "read_signals": "dynamics.signals",
    "regions": "dynamics.cartography",
    "Signals": "dynamics.signals",
    "threshold_samples": "dynamics.thresholds",
    "analyse_masks": "segmentation.analysis",
    "MaskAnalysis": "segmentation.analysis",
    "read_issue_masks": "segmentation.issues",
    "LabelWarning": "doubts",
    "RareClass": "doubts",
    "SeenLabels": "doubts",
}

__all__ = [*_HOMES]

__getattr__, __dir__ = lazy.names(__name__, _HOMES)
