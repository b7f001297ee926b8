"""What `issues` and `scores` use where nothing is asked for, and the constants of our own methods, all in one place."""

from __future__ import annotations

FILTER = "union"
RANK = "blend"
#: In the union a margin over the levels of `blending` that is below this is an issue in itself.
UNION_MARGIN = -0.5
