"""Recorded environments, made again: a virtual environment with the same Python and the same distributions.

    recreated = recreate(store, fingerprint)
    recreated.python, recreated.environment.fingerprint

What was recorded are names, versions and digests, not the files themselves. What the present environment has with an
equal digest is copied from it, the rest is installed by pip, and every file of the result is read and compared with
the record, so an environment is either the recorded one or says what still differs.
"""

from pedigree import lazy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pedigree.pipeline.environments.recreating import Recreated as Recreated
    from pedigree.pipeline.environments.recreating import recreate as recreate

__all__ = ["Recreated", "recreate"]

__getattr__, __dir__ = lazy.names(__name__, dict.fromkeys(__all__, "recreating"))
