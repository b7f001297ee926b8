"""The constants of our own filter and rank, all in one place."""

from __future__ import annotations

#: In the union a margin over the levels of `blending` that is below this is an issue in itself.
UNION_MARGIN = -0.5
#: In the blend, parts of the rival's evidence that count where it is above its level, and below; and the part of the shortfall that counts
#: where no class reaches its level.
RIVAL_ABOVE, RIVAL_BELOW = 0.5, 0.1
UNCLAIMED = 0.15
