"""A first line in each file that names its schema, for editors without VS Code's settings: Neovim, Zed, Emacs, Helix."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from pedigree.config.schemas.build import Schemas

_LINE = re.compile(
    rb"^(?:\xef\xbb\xbf)?(#[ \t]*yaml-language-server[ \t]*:[ \t]*\$schema[ \t]*=[ \t]*(\S+))[ \t]*\r?$", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Marked:
    changed: tuple[Path, ...]
    kept: tuple[Path, ...]  #: files whose line names a schema that is none of ours


def mark_files(schemas: Schemas, folder: str | os.PathLike[str]) -> Marked:
    """Puts `# yaml-language-server: $schema=…` on top of each file that has a schema in `folder`, or corrects it there.

    The rest of a file stays byte for byte; to Hydra and to us the line is a comment, and `# @package` below it
    counts as before. A line that leads to another folder is the user's and stays.
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
    return mark + line + newline + data[len(mark) :]


def _replace(path: Path, data: bytes) -> None:
    new = path.with_name(f".{path.name}.{os.getpid()}")
    new.write_bytes(data)
    new.chmod(path.stat().st_mode & 0o777)
    new.replace(path)
