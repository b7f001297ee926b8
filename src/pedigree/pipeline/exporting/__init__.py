"""Exporting: the provenance of a commit and the last verdict on it, in the formats that others read.

    documents = export(store, "model@master", ["cyclonedx"])

What is written follows from the commit, what it was made from, and the verdicts kept beside them; no clock, machine,
path, user or host is in it. So the same commit with the same verdicts gives the same bytes.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pedigree.pipeline.exporting.exports import Document as Document
    from pedigree.pipeline.exporting.exports import export as export

__all__ = ["Document", "export"]


def __getattr__(name: str) -> object:
    if name in __all__:
        from importlib import import_module

        return getattr(import_module(f"{__name__}.exports"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
