"""Which split of the data a sample belongs to, and how the classes fall among the splits."""

from __future__ import annotations

from pedigree.training.splits.assignment import assign_split, assign_splits
from pedigree.training.splits.layout import Layout
from pedigree.training.splits.report import SplitReport, split_report

__all__ = ["Layout", "SplitReport", "assign_split", "assign_splits", "split_report"]
