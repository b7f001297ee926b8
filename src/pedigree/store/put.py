"""Put: files from disk, archives, standard input and the web become one commit.

    put(store, "images@master:/raw", ["photos/"])

Cost of a folder that was put before: one `stat` per file, and the reading of those that changed
(statcache.py). Nothing is stored, and no repository made, unless all of it could be read.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from pedigree.errors import InvalidInput, InvalidReference
from pedigree.store import references, repositories, sources
from pedigree.store.commits import Commit
from pedigree.store.destinations import destination
from pedigree.store.gathering import Gathering, Progress
from pedigree.store.statcache import now_ns

if TYPE_CHECKING:
    from pedigree.store.store import Store


class PutResult(NamedTuple):
    """What a put did. `commit` is None when nothing differed, or when a transaction will make it."""

    commit: Commit | None
    created_repository: bool
    files: int  #: written, because they were new or different
    bytes: int  #: in those files
    unchanged: int  #: found as the branch had them
    restored: int  #: objects that those unchanged files name and the store had lost
    deleted: int
    skipped: tuple[str, ...]  #: folders that belong to a tool, `.git` and `.pedigree`, which are left out


def put(
    store: Store,
    target: str,
    paths: Sequence[str | os.PathLike[str]],
    *,
    append: bool = False,
    untar: bool = False,
    full_path: bool = False,
    input_file: str | None = None,
    checksum: bool = False,
    create: bool = True,
    delete_missing: bool = False,
    message: str = "",
    author: str | None = None,
    stdin: BinaryIO | None = None,
    allow_private: bool = False,
    progress: Progress | None = None,
) -> PutResult:
    """Put files, folders, `-` (standard input) and http(s) URLs into the branch `REPO[@BRANCH][:PATH]`, as
    one commit.

    Without PATH each source keeps its base name, or with `full_path` its whole path. A PATH that ends in
    `/` is the folder for a file; otherwise one source becomes PATH itself, and several go below it. The
    files of a folder keep their paths relative to it. Files are overwritten, or lengthened with `append`.
    Every path of `input_file`, one a line (`-`: standard input), is a source too. `untar` stores the
    members of archives instead of the archives. `checksum` reads every file, even those whose stamp says
    they did not change. `delete_missing` removes from the target what a source folder does not hold.
    `allow_private` lets URLs lead into the user's own network.

    Raises InvalidReference, InvalidInput (no source, a FIFO or device), InvalidPath, PathNotFound,
    UnsafeArchive, FetchFailed, PathClash, DiskFull; then nothing is changed.
    """
    parsed = references.parse(target)
    if parsed.back or parsed.nth is not None:
        raise InvalidReference(
            f"{target!r} is a commit in the past, which never changes.",
            remedy="Put into a branch: REPO@BRANCH:/PATH.",
        )
    names = [os.fspath(path) for path in paths]
    if input_file is not None:
        names += _listed(input_file, stdin)
    if not names:
        raise InvalidInput(
            "There is nothing to put: no source was given.",
            remedy="Name files, folders or URLs; `-` is standard input.",
        )
    if delete_missing and append:
        raise InvalidInput("Lengthening files and deleting the missing do not go together.", remedy="Choose one.")
    if not create:
        repositories.get(store.database, parsed.repo)
    target_branch = f"{parsed.repo}@{parsed.branch}"
    started = now_ns()
    several = len(names) > 1
    goals = [
        (name, destination(name, parsed.path, several=several, full_path=full_path, untar=untar)) for name in names
    ]

    def gather() -> PutResult:
        with store.commit(target_branch, message, author=author, create=create) as change:
            gathering = Gathering(store, change, append, checksum, delete_missing, progress)
            for name, where in goals:
                gathering.add(name, where, untar=untar, stdin=stdin, allow_private=allow_private)
            gathering.finish()
        gathering.remember(started)
        return PutResult(
            change.commit,
            change.created_repository,
            gathering.files,
            gathering.bytes,
            gathering.unchanged,
            gathering.restored,
            gathering.deleted,
            tuple(gathering.skipped),
        )

    with _collector_paused():
        return gather()  # what it made is gone when the collector looks again


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Leave the search for reference cycles to later.

    A put makes several lasting tuples per file and no cycles; looking for some cost 70 of 420 ms of CPU for
    10,000 files. Everything that is not part of a cycle is freed as ever.
    """
    import gc

    paused = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if paused:
            gc.enable()


def _listed(input_file: str, stdin: BinaryIO | None) -> list[str]:
    """The sources that a file names, one a line; empty lines and spaces at the ends do not count."""
    try:
        if input_file == sources.STDIN:
            data = sources.standard_input(stdin).read()
        else:
            with open(input_file, "rb") as file:
                data = file.read()
    except OSError as error:
        raise sources.unreadable(input_file, error) from error
    return [line for line in (os.fsdecode(raw).strip() for raw in data.splitlines()) if line]
