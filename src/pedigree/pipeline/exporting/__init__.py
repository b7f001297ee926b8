"""Exporting: the provenance of a commit and the last verdict on it, in the formats that others read.

    documents = export(store, "model@master", ["cyclonedx"])

What is written follows from the commit, what it was made from, and the verdicts kept beside them; no clock, machine,
path, user or host is in it. So the same commit with the same verdicts gives the same bytes.
"""

from pedigree import lazy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pedigree.pipeline.exporting.exports import Document as Document
    from pedigree.pipeline.exporting.exports import export as export

__all__ = ["Document", "export"]

__getattr__, __dir__ = lazy.names(__name__, dict.fromkeys(__all__, "exports"))
