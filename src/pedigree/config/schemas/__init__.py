"""JSON Schemas for the files of a configuration directory, so that editors complete and check them while one types.

`generation` has pydantic describe a model, `templates` turns that into what a partial file may hold, `layout` reads which
group goes to which place of the model, `defaults` describes defaults lists, `build` puts them together; `vscode` and
`modelines` tell editors which schema is whose, `jsonc` reads VS Code's settings.
"""

from pedigree.config.schemas.build import GroupSchema, Schemas, build

__all__ = ["GroupSchema", "Schemas", "build"]
