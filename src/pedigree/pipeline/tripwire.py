"""Whether anything below some folders changed since a moment, however it was changed.

Names and modification times do not tell: an edit in place leaves every folder's time alone, and a file's own time can be
put back. The time of the last change of the inode (ctime) cannot, so every file is asked for it. `find` does that for the
28,000 files of a torch environment in 0.1 s, on another core while this process goes on.
"""

from __future__ import annotations

import json
import os

TYPE_CHECKING = False  # typing takes 8 ms to import, and `begin` is there to be early
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

#: The file that remembers an environment, in a cache folder; and that folder's place in a project.
MEMORY = "environment.json"
PLACE = ".pedigree/cache"
#: Byte code is made again from its source.
SKIPPED = "__pycache__"


class Tripwire:
    """Begins to look when it is made; `tripped` waits for the answer.

    `moment_ns` is on the clock of the file system, `time.time_ns()`. What is in `without` (paths) is not looked at.
    """

    def __init__(self, folders: Sequence[str], moment_ns: int, *, without: Sequence[str] = ()) -> None:
        self._folders = list(folders)
        self._moment_ns = moment_ns
        self._without = frozenset(without)
        self._answer: bool | None = None
        self._pid, self._out = self._start()

    def tripped(self) -> bool:
        """Whether a file or a folder was changed, added or removed after the moment."""
        if self._answer is None:
            self._answer = self._find()
            if self._answer is None:
                self._answer = any(self._changed(folder) for folder in self._folders)
        return self._answer

    def _start(self) -> tuple[int, int]:
        """The process of `find`, which names the first change it meets, and the end of its pipe; zeros where there is none."""
        program = next((path for path in ("/usr/bin/find", "/bin/find") if os.access(path, os.X_OK)), None)
        if program is None or not self._folders or not hasattr(os, "posix_spawn"):
            return 0, 0
        pruned = [word for path in sorted(self._without) for word in ("-o", "-path", path)]
        seconds, rest = divmod(max(0, self._moment_ns), 10**9)
        words = ["find", *self._folders, "(", "-name", SKIPPED, *pruned, ")", "-prune"]
        words += ["-o", "-newerct", f"@{seconds}.{rest:09}", "-print", "-quit"]
        out, into = os.pipe2(os.O_CLOEXEC) if hasattr(os, "pipe2") else os.pipe()
        null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        try:
            actions = [(os.POSIX_SPAWN_DUP2, null, 0), (os.POSIX_SPAWN_DUP2, into, 1), (os.POSIX_SPAWN_DUP2, null, 2)]
            return os.posix_spawn(program, words, {"LC_ALL": "C"}, file_actions=actions), out
        except OSError:
            os.close(out)
            return 0, 0
        finally:
            os.close(into)
            os.close(null)

    def _find(self) -> bool | None:
        """What `find` said; None when it does not know these options or could not read everything."""
        if not self._pid:
            return None
        try:
            said = os.read(self._out, 1)
        finally:
            os.close(self._out)
            _, status = os.waitpid(self._pid, 0)
        return True if said else False if status == 0 else None

    def _changed(self, folder: str) -> bool:
        if folder in self._without:
            return False
        try:
            if os.stat(folder).st_ctime_ns > self._moment_ns:
                return True
            with os.scandir(folder) as found:
                for entry in found:
                    if entry.is_dir(follow_symlinks=False):
                        if entry.name != SKIPPED and self._changed(entry.path):
                            return True
                    elif entry.stat(follow_symlinks=False).st_ctime_ns > self._moment_ns:
                        return True
        except OSError:
            return True  # it was there when its contents were taken down
        return False


_begun: dict[str, tuple[dict[str, Any], Tripwire]] = {}


def begin() -> None:
    """Begin to look for changes of the environment that the store of this folder remembers; `recall` takes the answer.

    To be called before the store's own modules are loaded, which takes as long as `find` does.
    """
    above = os.getcwd()
    while not os.path.exists(memory := os.path.join(above, PLACE, MEMORY)):
        if above == (above := os.path.dirname(above)):
            return
    value = _read(memory)
    if value is not None:
        _begun[memory] = value, _wire(value)


def recall(memory: str, stamp: object) -> object:
    """The `value` that was remembered with an equal stamp, if nothing below its folders changed since; else None."""
    value, wire = _begun.pop(memory, None) or (_read(memory), None)
    if value is None or value["stamp"] != stamp or (wire or _wire(value)).tripped():
        return None
    return value["value"]


def remember(
    memory: str, stamp: object, value: object, *, moment_ns: int, folders: Sequence[str], without: Sequence[str]
) -> None:
    """Keep a JSON value that was true at the moment, and as long as nothing below the folders changes."""
    kept = {"stamp": stamp, "moment_ns": moment_ns, "folders": [*folders], "without": [*without], "value": value}
    temporary = f"{memory}.{os.getpid()}"
    try:
        with open(temporary, "w") as file:
            json.dump(kept, file)
        os.replace(temporary, memory)
    except OSError:
        return  # a cache that cannot be written costs time, nothing else


def _wire(value: dict[str, Any]) -> Tripwire:
    return Tripwire(value["folders"], value["moment_ns"], without=value["without"])


def _read(memory: str) -> dict[str, Any] | None:
    """What `remember` wrote; None when it is absent, torn or foreign."""
    try:
        with open(memory) as file:
            value = json.load(file)
        whole = isinstance(value["stamp"], list) and isinstance(value["value"], dict)
        whole = whole and isinstance(value["moment_ns"], int)
        whole = whole and all(isinstance(path, str) for path in (*value["folders"], *value["without"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return value if whole else None
