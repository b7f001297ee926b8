"""Verifying: a commit's datums are made again from what the store recorded of them, and compared bit for bit.

    verdict = verify(store, "model@master", upstream=True)
    verdict.ok, verdict.to_text()

What was recorded is the commit's provenance, spec, code, frozen configuration, seed and manifest; nothing is read
from the working tree. The cache of datums is neither asked nor added to, and no branch moves.
"""

from pedigree import lazy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pedigree.pipeline.verifying.verdict import Verdict as Verdict
    from pedigree.pipeline.verifying.verification import verify as verify

#: Loaded on first use: `lineage` and `inspect` read verdicts without the engine.
_HOMES = {"Verdict": "verdict", "verify": "verification"}

__all__ = ["Verdict", "verify"]

__getattr__, __dir__ = lazy.names(__name__, _HOMES)
