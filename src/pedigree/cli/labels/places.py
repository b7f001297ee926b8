"""Places that the verbs of `pedigree labels` read: files and folders on disk, or in a commit as REPO@REF:/PATH."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pedigree.cli.command import Parser
    from pedigree.labels.report.samples import Samples
    from pedigree.store import Store
    from pedigree.store.references import Reference

METAVAR = "PLACE"


class Places:
    """Opens places; what it had to write to a temporary folder goes when it is closed. The store is opened when one names it."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._store: Store | None = None
        self._temporary: str | None = None
        self._number = 0

    def file(self, text: str) -> str:
        """The path of a file on disk with the bytes of that place."""
        found = self.reference(text)
        if found is None:
            return text
        if self._temporary is None:
            import tempfile

            self._temporary = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="pedigree-labels-"))
        self._number += 1
        target = os.path.join(self._temporary, str(self._number), os.path.basename(found.path))
        os.makedirs(os.path.dirname(target))
        self.store.get(found, target)
        return target

    def samples(self, text: str, **columns: Any) -> Samples:
        """The samples at a place: a table or an array, or a folder with a folder per class."""
        from pedigree.labels.report import samples

        found = self.reference(text)
        if found is None or not self.store.view(found).is_dir(found.path):
            return samples.samples(self.file(text), **columns)
        inside = f"{found.path}/" if found.path else ""
        return samples.of_folder(path[len(inside) :] for path, _ in self.store.view(found).walk(found.path))

    def reader(self, text: str) -> Callable[[str], bytes | None]:
        """A function from the name of a file below that place to its bytes, None where there is none; nothing above is reached."""
        found = self.reference(text)
        if found is None:
            return lambda name: _read_below(text, name)
        view, inside = self.store.view(found), found.path

        def read(name: str) -> bytes | None:
            from pedigree.errors import InvalidPath

            path = f"{inside}/{name}" if inside else name
            try:
                return view.read_bytes(path) if view.is_file(path) else None
            except InvalidPath:
                return None

        return read

    def described(self, text: str) -> dict[str, str]:
        """What a record says of the place: its name as it was given, and the commit that a reference meant."""
        found = self.reference(text)
        if found is None:
            return {"place": text}
        return {"place": text, "repo": found.repo, "commit": found.commit.id, "path": f"/{found.path}"}

    def reference(self, text: str) -> Reference | None:
        """The place in a commit that the text names; None for a path on disk, which goes first."""
        where, colon, _ = text.partition(":")
        if os.path.exists(text) or "@" not in where or "/" in where or not colon:
            return None
        return self.store.resolve(text)

    @property
    def store(self) -> Store:
        if self._store is None:
            from pedigree.cli import options

            self._store = self._stack.enter_context(options.store())
        return self._store


def output(parser: Parser, default: str) -> None:
    """The option that says where a verb writes."""
    parser.add_argument(
        "-o", "--output", metavar="FOLDER", default=default, help=f"Where the results are written ({default})"
    )


@contextmanager
def opened() -> Iterator[Places]:
    with ExitStack() as stack:
        yield Places(stack)


def _read_below(folder: str, name: str) -> bytes | None:
    """The bytes of a file below the folder. A table of labels is what somebody sent: its names must not lead elsewhere."""
    root = os.path.realpath(folder)
    try:
        path = os.path.realpath(os.path.join(root, name))
    except ValueError:  # a name with a NUL
        return None
    if not path.startswith(root + os.sep) or not os.path.isfile(path):
        return None
    with open(path, "rb") as file:
        return file.read()
