"""Verifying: a commit's datums are made again from what the store recorded of them, and compared bit for bit.

    verdict = verify(store, "model@master", upstream=True)
    verdict.ok, verdict.to_text()

What was recorded is the commit's provenance, spec, code, frozen configuration, seed and manifest; nothing is read
from the working tree. The cache of datums is neither asked nor added to, and no branch moves.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pedigree.pipeline.verifying.verdict import Verdict as Verdict
    from pedigree.pipeline.verifying.verification import verify as verify

#: Loaded on first use: `lineage` and `inspect` read verdicts without the engine.
_HOMES = {"Verdict": "verdict", "verify": "verification"}

__all__ = ["Verdict", "verify"]


def __getattr__(name: str) -> object:
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
