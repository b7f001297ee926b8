"""Two writers that store the same new objects at once: run as a program, in the folder of a project.

The second looks before the first has recorded, but writes and publishes after it, so its files replace files that a
row already names. Only the first barrier keeps those whole.
"""

from __future__ import annotations

import pedigree
from pedigree.store.alone import MINIMUM_BYTES
from pedigree.store.batch import Batch


def main() -> None:
    contents = [bytes([number]) * (MINIMUM_BYTES + 1) for number in range(5)]
    with pedigree.open() as store, store.objects.batch() as first, store.objects.batch() as second:
        # The answer that the second got before the first recorded anything.
        second._in_store = lambda digest: False  # type: ignore[method-assign]
        batches: tuple[Batch, ...] = (first, second)
        for batch in batches:
            digests = [batch.add(content) for content in contents]
            batch.publish()
            with store.database.transaction():
                batch.record()
                store.pin("race", objects=digests)
            print("recorded", flush=True)


if __name__ == "__main__":
    main()
