"""Pachyderm's own skip rule, for `run --compat pachyderm`: to give its counts where a case depends on them.

A datum is skipped exactly when the nearest successful ancestor job of the same output branch processed a
datum of the same id and hash. Code and environment are not in that hash, and no other job's results count
(shared pachyderm-semantics, section 4). Names inside a folder stay in ours: a stale result is not
compatibility.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from pedigree import canonical
from pedigree.pipeline.datums import Datum
from pedigree.pipeline.model import Pipeline


class Past(NamedTuple):
    """What a job did with one datum; only "processed" and "skipped" left a result to take over."""

    hash: str
    state: str


def datum_hash(datum: Datum, salt: str) -> str:
    """Digest over the datum's id, the content of its inputs (not of references) and the pipeline's salt."""
    content = [item.files_digest for item in datum.inputs if not item.reference]
    return canonical.digest_of("pachyderm datum", [datum.id, content, salt])


def skipped(pipeline: Pipeline, datums: Iterable[Datum], base: Mapping[str, Past] | None) -> set[str]:
    """Ids of the datums that Pachyderm would not run again.

    `base` maps datum ids to what the nearest successful ancestor job did with them; None when there is no
    such job.
    """
    if base is None or pipeline.reprocess == "every_job":
        return set()
    return {
        datum.id
        for datum in datums
        if (past := base.get(datum.id)) is not None
        and past.state in ("processed", "skipped")
        and past.hash == datum_hash(datum, pipeline.salt)
    }
