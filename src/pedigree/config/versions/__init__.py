"""Versions: models with a number, and declared operations that lead configurations from each version to the next.

    resnet = Family("resnet", unversioned=1)

    @resnet.version()
    class ResNetV1(BaseModel):
        version: Literal[1] = 1
        context: int = 256

    @resnet.version(Rename("context", "new_context"), Default("new_context", was=256, now=512))
    class ResNetV2(BaseModel):
        version: Literal[2] = 2
        new_context: int = 512

`migrate` does it to values, `load` validates them too, `rewrite` does it to files; `changelog` tells it to people,
`check_steps` and `check_released` watch over it in tests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pedigree import lazy

if TYPE_CHECKING:
    from pedigree.config.versions.families import Family, family_of
    from pedigree.config.versions.guards import check_steps
    from pedigree.config.versions.history import changelog
    from pedigree.config.versions.loading import load
    from pedigree.config.versions.migration import Migrated, Step, migrate
    from pedigree.config.versions.mistakes import explained
    from pedigree.config.versions.numbering import number, number_of
    from pedigree.config.versions.operations import Add, Default, Drop, Map, Operation, Rename, Split
    from pedigree.config.versions.releases import check_released, fingerprint, released
    from pedigree.config.versions.rewriting import Rewritten, rewrite, rewritten
    from pedigree.config.versions.schemas import schema_of_all_versions

_HOMES = {
    "changelog": "history",
    "Family": "families",
    "family_of": "families",
    "check_steps": "guards",
    "load": "loading",
    "Migrated": "migration",
    "Step": "migration",
    "migrate": "migration",
    "explained": "mistakes",
    "number": "numbering",
    "number_of": "numbering",
    "Add": "operations",
    "Default": "operations",
    "Drop": "operations",
    "Map": "operations",
    "Operation": "operations",
    "Rename": "operations",
    "Split": "operations",
    "check_released": "releases",
    "fingerprint": "releases",
    "released": "releases",
    "Rewritten": "rewriting",
    "rewrite": "rewriting",
    "rewritten": "rewriting",
    "schema_of_all_versions": "schemas",
}

__all__ = [
    "Add",
    "Default",
    "Drop",
    "Family",
    "Map",
    "Migrated",
    "Operation",
    "Rename",
    "Rewritten",
    "Split",
    "Step",
    "changelog",
    "check_released",
    "check_steps",
    "explained",
    "family_of",
    "fingerprint",
    "load",
    "migrate",
    "number",
    "number_of",
    "released",
    "rewrite",
    "rewritten",
    "schema_of_all_versions",
]

# Whoever only declares a family reads neither YAML nor the comparing of texts.
__getattr__, __dir__ = lazy.names(__name__, _HOMES)
