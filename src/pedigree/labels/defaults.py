"""What `issues` and `scores` use where nothing is asked for, and the constants of our own methods, all in one place."""

from __future__ import annotations

FILTER = "union"
RANK = "blend"
#: In the union a threshold-ratio margin below this is an issue in itself.
UNION_MARGIN = -0.5
#: The part of the threshold-ratio margin in the blend; the rest is the evidence for the given label.
BLEND_MARGIN = 0.5
