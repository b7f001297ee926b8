"""Taking distributions over from an environment that has them with the same bytes.

What RECORD lists is copied, byte code included. So an environment in which one package was upgraded is made without fetching
the others, and one of what no index has (a local build, a deleted release) can be made at all.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator

from pedigree.errors import StorageFailure
from pedigree.pipeline import installed
from pedigree.pipeline.interpreter import Interpreter


def distributions(names: Iterable[str], source: Interpreter, target: Interpreter) -> set[str]:
    """Copy those distributions (normalised names) of `source` into `target`; the names of those that could be."""
    wanted = set(names)
    done: set[str] = set()
    for site in source.sites:
        for found in installed.found_in(site):
            if found.name in wanted and found.name not in done and not found.editable:
                lines = list(installed.recorded(f"{site}/{found.entry}"))
                if lines and _copy(site, lines, source, target):
                    done.add(found.name)
    return done


def loose(names: Iterable[str], source: Interpreter, target: Interpreter) -> set[str]:
    """Copy files and folders of site-packages that belong to no distribution; the names of those that were there."""
    done = set()
    for name in names:
        for site in source.sites:
            path = f"{site}/{name}"
            if os.path.lexists(path):
                files = [os.path.join(place, file) for place, _, some in os.walk(path) for file in some]
                for file in files or [path]:
                    _file(file, target.sites[0] + file[len(site) :], source, target)
                done.add(name)
                break
    return done


def _copy(site: str, lines: list[str], source: Interpreter, target: Interpreter) -> bool:
    pairs = list(_pairs(site, lines, source, target))
    if any(where is None for _, where in pairs):
        return False  # it has files outside of both prefixes, and nobody knows where they belong here
    for path, where in pairs:
        assert where is not None
        _file(path, where, source, target)
    return True


def _pairs(site: str, lines: list[str], source: Interpreter, target: Interpreter) -> Iterator[tuple[str, str | None]]:
    for line in lines:
        path = os.path.normpath(os.path.join(site, line))
        if path.startswith(site + "/"):
            yield path, target.sites[0] + path[len(site) :]
        elif path.startswith(source.prefix + "/"):
            yield path, target.prefix + path[len(source.prefix) :]
        elif os.path.lexists(path):
            yield path, None


def _file(path: str, where: str, source: Interpreter, target: Interpreter) -> None:
    try:
        os.makedirs(os.path.dirname(where), exist_ok=True)
        # With its time, which byte code names.
        shutil.copy2(path, where, follow_symlinks=False)
        if where.startswith(f"{target.prefix}/bin/") and not os.path.islink(where):
            _aim(where, source, target)
    except FileNotFoundError:
        return  # RECORD names it, and it is gone; the digest knows
    except OSError as error:
        raise StorageFailure(
            f"Cannot copy {path} to {where}: {error.strerror}.", remedy="Free space or mend the disk, then try again."
        ) from error


def _aim(script: str, source: Interpreter, target: Interpreter) -> None:
    """Let a script begin with the interpreter of its new environment: in its first line, or, where that got too long for the
    kernel, in the second, which pip then has /bin/sh read."""
    with open(script, "rb") as file:
        data = file.read()
    if not data.startswith(b"#!"):
        return
    head, rest = data[:1024], data[1024:]
    lines = head.split(b"\n")
    old, new = os.fsencode(f"{source.prefix}/bin/"), os.fsencode(f"{target.prefix}/bin/")
    lines[:2] = [line.replace(old, new) for line in lines[:2]]
    with open(script, "wb") as file:
        file.write(b"\n".join(lines) + rest)
