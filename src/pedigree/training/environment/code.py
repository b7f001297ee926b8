"""The code in git: which commit, and what is not committed."""

from __future__ import annotations

import os
import subprocess
from typing import Any

from pedigree import canonical

_SECONDS = 60
_LISTED = 1000
#: Larger untracked files are data; they are named with their size and not read.
_READ_BYTES = 1 << 20


def facts(folder: str, *, diff_bytes: int) -> dict[str, Any]:
    """`commit`, `diff` (digest, size_bytes, and `text` where it is short enough), `untracked` name -> digest or size.

    The diff is of all tracked files against the commit, staged or not. Without a work tree, or without git: `commit` is None and
    `why` says so. Ignored files are not looked at. Remotes and branches are not kept: addresses may hold a password.
    """
    top = _git(folder, "rev-parse", "--show-toplevel")
    if isinstance(top, str):
        return {"commit": None, "why": top}
    root = os.fsdecode(top).rstrip("\n")
    commit = _git(root, "rev-parse", "--verify", "HEAD")
    if isinstance(commit, str):
        return {"commit": None, "why": "the work tree has no commit yet"}
    # Spelt out, so that the user's settings of diff do not change its digest; and no program that they name is run.
    diff = _git(
        root, "diff", "HEAD", "--binary", "--full-index", "--no-color", "--no-ext-diff", "--no-textconv", "--no-renames",
        "--unified=3", "--src-prefix=a/", "--dst-prefix=b/", "--diff-algorithm=myers", "--ignore-submodules=none",
        "--submodule=short",
    )  # fmt: skip
    listed = _git(root, "ls-files", "--others", "--exclude-standard", "-z")
    if isinstance(diff, str) or isinstance(listed, str):
        return {"commit": commit.decode().strip(), "why": diff if isinstance(diff, str) else str(listed)}
    found: dict[str, Any] = {"commit": commit.decode().strip(), "diff": None}
    if diff:
        found["diff"] = {"digest": canonical.digest(diff), "size_bytes": len(diff)}
        if len(diff) <= diff_bytes:
            found["diff"]["text"] = diff.decode("utf-8", "backslashreplace")
    names = sorted(os.fsdecode(name) for name in listed.split(b"\0") if name)
    found["untracked"] = {_shown(name): _contents(f"{root}/{name}") for name in names[:_LISTED]}
    if len(names) > _LISTED:
        found["untracked_more"] = len(names) - _LISTED
    return found


def _git(folder: str, *arguments: str) -> bytes | str:
    """What git printed; or, as text, why it could not."""
    # Hooks for file systems are programs, and a lock would disturb the user's own git in the same moment.
    command = ["git", "--no-optional-locks", "-c", "core.fsmonitor=false", "-c", "core.quotePath=true", *arguments]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, timeout=_SECONDS, check=False)
    except FileNotFoundError:
        return "git is not installed" if os.path.isdir(folder) else "there is no such folder"
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"git did not answer: {type(error).__name__}"
    if done.returncode:
        words = done.stderr.decode("utf-8", "replace").strip().splitlines()
        text = words[0] if words else f"exit code {done.returncode}"
        return "not a git work tree" if "not a git repository" in text else text.replace(folder, ".")
    return done.stdout


def _contents(path: str) -> str:
    try:
        if os.path.islink(path):
            return f"link to {_shown(os.readlink(path))}"
        if not os.path.isfile(path):
            return "special file"
        size = os.path.getsize(path)
        if size > _READ_BYTES:
            return f"{size} bytes"
        with open(path, "rb") as file:
            return canonical.digest(file.read())
    except OSError as error:
        return f"unreadable: {error.strerror}"


def _shown(name: str) -> str:
    """As text that is UTF-8 whatever the bytes are."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")
