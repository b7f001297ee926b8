"""Contrasting: two commits of one pipeline side by side, and why the newer one is another.

    for contrast in contrasting.contrasts(store, "evaluate@master", "evaluate@master^"):
        contrast.causes, contrast.numbers, contrast.to_text()

Both lineages are walked together, from the results back to what people put in, and left where they are equal.
"""

from pedigree import lazy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pedigree.pipeline.contrasting.contrast import Contrast as Contrast
    from pedigree.pipeline.contrasting.pairing import contrasts as contrasts

_HOMES = {"Contrast": "contrast", "contrasts": "pairing"}

__all__ = ["Contrast", "contrasts"]

__getattr__, __dir__ = lazy.names(__name__, _HOMES)
