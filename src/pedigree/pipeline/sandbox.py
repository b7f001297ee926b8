"""The sandboxes there are, what they promise, and the choice among them.

level       files                          network  processes           needs
bubblewrap  only the view                  none     own pid namespace   bwrap
unshare     only the view                  none     own pid namespace   user namespaces
landlock    the view, at other paths       no TCP   killed as a family  Linux 5.13 with Landlock
rewriting   the whole machine              open     killed as a family  nothing

"View" is what `view.py` lays out: /pfs, /code, the interpreter and system libraries, an empty home and /tmp. The first
two show a step the same, so a datum made under one is good under the other: `sight` is what belongs in an identity.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, cast

from pedigree.errors import InvalidInput, IsolationUnavailable
from pedigree.pipeline import account

if TYPE_CHECKING:
    from pedigree.pipeline.account import Account
    from pedigree.pipeline.view import View

Level = Literal["bubblewrap", "unshare", "landlock", "rewriting"]
#: Best first.
LEVELS: tuple[Level, ...] = ("bubblewrap", "unshare", "landlock", "rewriting")
#: Levels that keep the third promise (nothing else gets in); `strict` takes no other.
SEALED: tuple[Level, ...] = ("bubblewrap", "unshare")


@dataclass(frozen=True, slots=True)
class Launch:
    """One command to start: its view, all of its variables, its working folder as the step names it.

    `terminal` leaves the command in the caller's session, so that a shell has job control. `user` is who the command is
    where the level has a user namespace; elsewhere it is whoever runs the engine.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: str
    view: View
    network: bool = False
    gpu: bool = False
    terminal: bool = False
    user: Account = account.DEFAULT


@dataclass(frozen=True, slots=True)
class Started:
    """A sandbox that waits for its orders.

    `pid` is this process's child. The command begins once `orders` were written to `gate` and `gate` was closed: time
    to set limits on `pid`, which everything in the sandbox inherits. `status` delivers lines of JSON: first
    `{"child-pid": N}` when there is a pid namespace, whose first process is N; last `{"exit-code": N}`, only if the
    command was really executed. `kill` is the signal that ends `pid` and all. The receiver closes both descriptors.
    """

    pid: int
    gate: int
    orders: bytes
    status: int
    kill: signal.Signals = signal.SIGKILL


class Isolation(Protocol):
    """One kind of sandbox. Holds no state, so threads may share it.

    Callers may rely on this: when `pid` is killed, everything in the sandbox is killed soon after, without their help.
    """

    @property
    def level(self) -> Level: ...

    def start(self, launch: Launch, stdin: int, output: int) -> Started:
        """Start with standard input from `stdin`, standard output and error to `output` (descriptors, left open)."""
        ...

    def adapt(self, text: str, view: View) -> str:
        """The text with paths of the view (/pfs/..., /code/...) as the step itself reaches them here."""
        ...


def sight(level: str) -> str:
    """What a step can tell of its level: the part of it that belongs in a datum's identity."""
    return "namespaces" if level in SEALED else level


def choose(isolation: str = "auto", *, cache: Path | None = None) -> Level:
    """The best level that works here, or the one named, tried once with a real command.

    `auto` takes the best; `strict` only bubblewrap or unshare; a level's name exactly that one. `cache` is a folder
    that remembers what worked on this kernel with this bwrap, which saves 10 ms. Raises IsolationUnavailable with the
    reason for each level tried.
    """
    if isolation not in ("auto", "strict", *LEVELS):
        raise InvalidInput(
            f"There is no isolation level {isolation!r}.",
            remedy=f"Use auto, strict, or one of {', '.join(LEVELS)}.",
        )
    wanted = LEVELS if isolation == "auto" else SEALED if isolation == "strict" else (cast(Level, isolation),)
    stamp = _stamp()
    memory = None if cache is None else cache / "isolation"
    known = _recall(memory, stamp)
    reasons: list[str] = []
    for level in wanted:
        if level in known:
            return level
        reason = _probe(level)
        if reason is None:
            _remember(memory, stamp, known | {level})
            return level
        reasons.append(f"{level}: {reason}")
    raise IsolationUnavailable(
        f"No sandbox of level {isolation} works on this machine ({'; '.join(reasons)}).",
        remedy="Install bubblewrap (apt install bubblewrap, dnf install bubblewrap) where user namespaces are "
        "allowed, or take less with --isolation auto; the level is recorded with each job.",
        reasons=reasons,
    )


def get(level: str) -> Isolation:
    """The sandbox of that level, untried."""
    if level == "bubblewrap":
        from pedigree.pipeline.isolation.bubblewrap import Bubblewrap

        return Bubblewrap()
    if level == "unshare":
        from pedigree.pipeline.isolation.unshare import Unshare

        return Unshare()
    if level == "landlock":
        from pedigree.pipeline.isolation.landlock import Landlock

        return Landlock()
    if level == "rewriting":
        from pedigree.pipeline.isolation.rewriting import Rewriting

        return Rewriting()
    raise InvalidInput(f"There is no isolation level {level!r}.", remedy=f"Use one of {', '.join(LEVELS)}.")


def _probe(level: Level) -> str | None:
    """Why the level does not work here, or None."""
    if level == "rewriting":
        return None
    if sys.platform != "linux":
        return f"needs Linux, this is {sys.platform}"
    import tempfile

    from pedigree.pipeline import process, view

    try:
        with tempfile.TemporaryDirectory(prefix="pedigree-") as folder:
            place = Path(folder)
            for name in ("pfs/out", "tmp", "home", "code"):
                (place / name).mkdir(parents=True)
            launch = Launch(("/bin/sh", "-c", "exit 42"), {}, "/", view.of(place, place / "code"))
            printed = process.Kept()
            ended = process.run(get(level), launch, stdin=b"", printed=printed)
    except OSError as error:
        return str(error)
    if ended.exit_code == 42 and ended.executed:
        return None
    return printed.data.decode("utf-8", "replace").strip().replace("\n", " ") or f"exit code {ended.exit_code}"


def _stamp() -> str:
    """Changes when a level that worked might not work any more."""
    from pedigree.pipeline.isolation.bubblewrap import program

    parts = [*os.uname(), str(os.geteuid())]
    for path in (program() or "", sys.executable):
        try:
            found = os.stat(path)
            parts.append(f"{path} {found.st_ino} {found.st_mtime_ns}")
        except OSError:
            parts.append(path)
    for name in (
        "user/max_user_namespaces",
        "kernel/unprivileged_userns_clone",
        "kernel/apparmor_restrict_unprivileged_userns",
    ):
        try:
            with open(f"/proc/sys/{name}") as file:
                parts.append(file.read().strip())
        except OSError:
            parts.append("-")
    return "\t".join(parts)


def _recall(memory: Path | None, stamp: str) -> frozenset[str]:
    if memory is None:
        return frozenset()
    try:
        first, _, rest = memory.read_text().partition("\n")
    except (OSError, ValueError):
        return frozenset()
    return frozenset(rest.split()) if first == stamp else frozenset()


def _remember(memory: Path | None, stamp: str, levels: frozenset[str]) -> None:
    if memory is None:
        return
    try:
        memory.write_text(stamp + "\n" + " ".join(sorted(levels)) + "\n")
    except OSError:
        return  # a read-only cache costs 10 ms a run, nothing else
