"""A line in the head of each file that names its schema, for editors without VS Code's settings: Neovim, Zed, Emacs, Helix."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from pedigree.config.schemas.build import Schemas

_LINE = re.compile(
    rb"^(?:\xef\xbb\xbf)?(#[ \t]*yaml-language-server[ \t]*:[ \t]*\$schema[ \t]*=[ \t]*(\S+))[ \t]*\r?$", re.MULTILINE
)

#: What Hydra reads of a head: comments of the form `# @package x`, until another line comes, were it a comment.
_HEADERS = re.compile(rb"(?:[ \t]*\r?\n)*(?:[ \t]*#[ \t]*@\S[^\n]*(?:\n|\Z)(?:[ \t]*\r?\n)*)+")


@dataclass(frozen=True, slots=True)
class Marked:
    changed: tuple[Path, ...]
    kept: tuple[Path, ...]  #: files whose line names a schema that is none of ours


def mark_files(schemas: Schemas, folder: str | os.PathLike[str]) -> Marked:
    """Puts `# yaml-language-server: $schema=…` into the head of each file that has a schema in `folder`, or corrects it.

    The rest of a file stays byte for byte. The line goes below a `# @package`, which counts for nothing below
    another comment. A line that leads to another folder is the user's and stays.
    """
    place = Path(schemas.directory)
    changed, kept = [], []
    for one in schemas.schemas:
        for pattern in one.files:
            for path in sorted(place.glob(pattern)):
                target = os.path.relpath(Path(folder) / one.name, path.parent).replace(os.sep, "/")
                data = path.read_bytes()
                new = marked(data, target, os.path.relpath(folder, path.parent).replace(os.sep, "/"))
                if new is None:
                    kept.append(path)
                elif new != data:
                    _replace(path, new)
                    changed.append(path)
    return Marked(tuple(changed), tuple(kept))


def marked(data: bytes, target: str, folder: str) -> bytes | None:
    """The bytes of a file with the line for `target`; None where its line leads elsewhere than into `folder`."""
    line = f"# yaml-language-server: $schema={target}".encode()
    present = _LINE.search(data)
    if present is not None:
        named = present[2].decode(errors="replace")
        if named == target:
            return data
        if os.path.dirname(named) != folder:
            return None
        return data[: present.start(1)] + line + data[present.end(1) :]
    mark = b"\xef\xbb\xbf" if data.startswith(b"\xef\xbb\xbf") else b""
    newline = b"\r\n" if b"\r\n" in data else b"\n"
    headers = _HEADERS.match(data, len(mark))
    at = headers.end() if headers is not None else len(mark)
    before = data[:at] if at == len(mark) or data[:at].endswith(b"\n") else data[:at] + newline
    return before + line + newline + data[at:]


def _replace(path: Path, data: bytes) -> None:
    new = path.with_name(f".{path.name}.{os.getpid()}")
    new.write_bytes(data)
    new.chmod(path.stat().st_mode & 0o777)
    new.replace(path)
