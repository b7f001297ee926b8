"""Bundles: a result in one file, with everything that it takes to make it again; and making it again from that file.

    bundle(store, "model@master", "model.bundle")
    replay(store, "model.bundle").verdict

docs/formats/bundle.md describes the file for a reader without this code.
"""

from pedigree import lazy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pedigree.pipeline.bundling.packing import bundle as bundle
    from pedigree.pipeline.bundling.replaying import replay as replay

_HOMES = {"bundle": "packing", "replay": "replaying"}

__all__ = ["bundle", "replay"]

__getattr__, __dir__ = lazy.names(__name__, _HOMES)
