"""Plans over trees in memory: what the conformance tests say, without a store."""

from __future__ import annotations

from collections.abc import Mapping

from pedigree import canonical
from pedigree.pipeline.datums import Datum, Source, plan
from pedigree.pipeline.model import Combination, Combined, Input, PfsInput, Pipeline, Transform
from pedigree.store import trees

Files = Mapping[str, str]


class Repositories:
    """Named trees of small files; a name that is missing is a branch without a commit."""

    def __init__(self, **files: Files | list[str]) -> None:
        self.objects: dict[str, bytes] = {}
        self.trees = {
            name: self._tree(dict.fromkeys(content, "") if isinstance(content, list) else content)
            for name, content in files.items()
        }

    def _write(self, data: bytes) -> str:
        name = canonical.digest(data)
        self.objects[name] = data
        return name

    def _tree(self, files: Files) -> str:
        return trees.build(
            (
                (path, trees.Entry("f", len(text), canonical.digest(text.encode())))
                for path, text in sorted(files.items())
            ),
            self._write,
        )

    def read(self, digest: str) -> bytes:
        return b"leaf\n" if digest == trees.EMPTY else self.objects[digest]

    def source(self, item: PfsInput) -> Source | None:
        tree = self.trees.get(item.repo)
        return None if tree is None else Source(item.repo, item.branch, "c" * 64, tree)

    def plan(self, node: Input | None) -> list[Datum]:
        return plan(Pipeline("p", Transform(("true",)), node), self.source, self.read)


def pfs(
    repo: str,
    glob: str = "/*",
    *,
    name: str = "",
    branch: str = "master",
    join_on: str = "",
    outer_join: bool = False,
    group_by: str = "",
    empty_files: bool = False,
    reference: bool = False,
) -> PfsInput:
    return PfsInput(
        name=name or repo,
        repo=repo,
        branch=branch,
        glob=glob,
        join_on=join_on,
        outer_join=outer_join,
        group_by=group_by,
        empty_files=empty_files,
        reference=reference,
    )


def combine(kind: Combination, *operands: Input) -> Combined:
    return Combined(kind, operands)


def paths(datums: list[Datum]) -> list[str]:
    """Each datum as "name:path name:path", its inputs in order."""
    return [" ".join(f"{item.name}:{item.path}" for item in datum.inputs) for datum in datums]
