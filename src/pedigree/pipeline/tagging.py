"""The tag that a pipeline's spec asks for: `tag: FILE`, with the name in that file of the output."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pedigree.errors import AlreadyExists, InvalidName, TagNotFound
from pedigree.store import tags, trees
from pedigree.store.paths import MAX_PART_BYTES

if TYPE_CHECKING:
    from pedigree.store import Store
    from pedigree.store.commits import Commit


def tag(store: Store, commit: Commit, file: str) -> str:
    """Give the commit the name that is the only line of its file, inside the caller's transaction.

    Returns "" when the commit has the name now, or one with the very same files had it before; otherwise why not,
    in one or two lines: the commit stays either way.
    """
    try:
        name = _read(store, commit, file)
        held = tags.find(store.database, commit.repo, name)
        if held is None or store.commit_by_id(held.commit).tree != commit.tree:
            tags.create(store.database, commit, name, store.now())
    except (AlreadyExists, InvalidName, TagNotFound) as error:
        return f"not tagged: {error}"
    return ""


def _read(store: Store, commit: Commit, file: str) -> str:
    entry = trees.get(commit.tree, file, store.objects.read)
    if entry is None or entry.kind == "l":
        raise TagNotFound(
            f"The output has no file /{file}, which `tag` in the spec names.",
            remedy="Let the step write the tag's name there, as the only line.",
        )
    text = "" if entry.size > MAX_PART_BYTES + 2 else store.objects.read(entry.digest).decode("utf-8", "replace")
    lines = text.split("\n")
    if entry.size > MAX_PART_BYTES + 2 or lines[1:] not in ([], [""]):
        raise InvalidName(
            f"The file /{file} of the output holds {entry.size} bytes that are not one line with a tag's name.",
            remedy="Let the step write one line: letters, digits, `_` and `-`, at most 255.",
        )
    return lines[0].removesuffix("\r")
