"""What a step ran with, kept once each: the tree of its code, the facts of its environment.

records "code"         digest of a closure -> {"tree": ...}; the tree is pinned
records "environment"  fingerprint         -> {"facts": ..., "hardware": ..., "sources": ...}
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pedigree.pipeline.code import Code
    from pedigree.pipeline.planning import Surroundings

CODE = "code"
ENVIRONMENT = "environment"


def keep(surroundings: Surroundings, code: Code) -> str:
    """Store the code and the environment unless they are stored; the tree of the code. Durable when it returns."""
    store = surroundings.store
    environment = surroundings.environment
    known = store.records.get(CODE, code.digest)
    if known is not None and store.records.get(ENVIRONMENT, environment.fingerprint) is not None:
        return str(known["tree"])
    from pedigree.pipeline import code as codes
    from pedigree.pipeline import interpreter
    from pedigree.pipeline.environments import sources

    with store.objects.batch() as batch:
        tree = codes.snapshot(code, batch)
        batch.publish()
        with store.database.transaction():
            batch.record()
            store.records.put(CODE, code.digest, {"tree": tree})
            store.pin(f"code/{code.digest}", trees=[tree])
            store.records.put(
                ENVIRONMENT,
                environment.fingerprint,
                {
                    "facts": environment.facts,
                    "hardware": environment.hardware,
                    "sources": sources.of_sites(interpreter.running().sites),
                },
            )
    return tree
