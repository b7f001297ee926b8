"""`pedigree labels`: which labels are wrong. One module per verb; each has its `COMMAND` and imports what is heavy where it is used."""

from __future__ import annotations

from pedigree.cli.command import Noun
from pedigree.cli.labels import annotators, apply, dynamics, find, merge, multilabel, neighbours, segmentation

COMMANDS = {
    "labels": Noun(
        "labels",
        "Labels: find wrong ones, apply decisions, ask neighbours and annotators",
        [
            find.COMMAND,
            dynamics.COMMAND,
            apply.COMMAND,
            merge.COMMAND,
            neighbours.COMMAND,
            annotators.COMMAND,
            multilabel.COMMAND,
            segmentation.COMMAND,
        ],
        details="""
Labels and probabilities are files, or places in a commit (REPO@REF:/PATH). Probabilities come from a model that was not
trained on these labels: cross-validate.
""",
    )
}
