"""Pachyderm's own skip rule, for `run --compat pachyderm`: to give its counts where a case depends on them.

A datum is skipped exactly when the nearest successful ancestor job of the same output branch processed a
datum of the same id and hash, which covers the content of its inputs (not of references) and the pipeline's salt. Code and environment are not in that hash, and no other job's results count
(shared pachyderm-semantics, section 4). Names inside a folder stay in ours: a stale result is not
compatibility.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from pedigree.pipeline import jobs
from pedigree.pipeline.datums import Datum
from pedigree.pipeline.jobs import DatumRecord
from pedigree.pipeline.model import Pipeline


def skipped(pipeline: Pipeline, datums: Iterable[Datum], base: Mapping[str, DatumRecord], salt: str) -> set[str]:
    """Ids of the datums that Pachyderm would not run again.

    `base` maps datum ids to what the nearest successful ancestor job made of them (empty without one); `salt` is the salt that
    its pipeline had.
    """
    if pipeline.reprocess == "every_job" or pipeline.salt != salt:
        return set()
    return {
        datum.id
        for datum in datums
        if (past := base.get(datum.id)) is not None
        and past.state == jobs.PROCESSED
        and _content(past.inputs) == ["" if item.reference else item.files_digest for item in datum.inputs]
    }


def _content(inputs: Sequence[Mapping[str, str]]) -> list[str]:
    """What the inputs held. Their names, repositories, branches and paths are equal where the datum's id is."""
    return [item["files"] for item in inputs]
