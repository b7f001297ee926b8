"""A model of a disk that forgets: which bytes and names survive a power cut after each call of a trace.

A file's bytes become durable when the file is synced, a name when its folder is, both at `syncfs`. Until then any
part of them may be lost. Real file systems keep more; what survives this one survives them.
"""

from __future__ import annotations

import os
import random
import re
from collections.abc import Iterator
from pathlib import Path

from pedigree.store.alone import STAMP_NS
from tests.reliability.tracing import Call

_FOLDER = -1

#: What a state holds: path -> bytes, or None for a folder.
State = dict[str, bytes | None]


class Disk:
    """Names and bytes below one folder, as they are and as they are durable."""

    def __init__(self, root: Path) -> None:
        """Everything that lies in `root` now is durable."""
        self.root = str(root)
        self.names: dict[str, int] = {}
        self.bytes: dict[int, bytearray] = {}
        for folder, folders, files in os.walk(root):
            for name in folders:
                self.names[self._inside(f"{folder}/{name}")] = _FOLDER
            for name in files:
                self._create(self._inside(f"{folder}/{name}"), Path(folder, name).read_bytes())
        self.durable_names = dict(self.names)
        self.durable_bytes = {inode: bytes(data) for inode, data in self.bytes.items()}
        self._pending: dict[int, list[tuple[int, bytes]]] = {}
        self._positions: dict[int, int] = {}

    def _inside(self, path: str) -> str:
        return path[len(self.root) + 1 :]

    def _create(self, path: str, data: bytes = b"") -> int:
        inode = len(self.bytes)
        self.names[path] = inode
        self.bytes[inode] = bytearray(data)
        return inode

    def apply(self, call: Call) -> bool:
        """Do what the call did. True when it changed or synced something below the root."""
        if call.result < 0:
            return False
        if call.name == "openat":
            return self._open(call)
        paths = [path for path in call.paths() if path == self.root or path.startswith(self.root + "/")]
        if not paths:
            return False
        places = [self._inside(path) for path in paths]
        place = places[0]
        match call.name:
            case "write" | "pwrite64":
                self._write(call, place)
            case "copy_file_range":
                self._copy(call, place)
            case "ftruncate":
                inode = self.names[place]
                size = int(call.arguments.rsplit(", ", 1)[1])
                data = self.bytes[inode]
                del data[size:]
                data.extend(bytes(size - len(data)))
                # Cutting a file is kept simple: it is durable with the next sync, and torn states keep the old bytes.
                self._pending.setdefault(inode, []).append((-size - 1, b""))
            case "fsync" | "fdatasync":
                self._sync(place)
            case "syncfs":
                self.durable_names = dict(self.names)
                self.durable_bytes = {inode: bytes(data) for inode, data in self.bytes.items()}
                self._pending.clear()
            case "rename" | "renameat" | "renameat2":
                self.names[places[1]] = self.names.pop(place)
            case "unlink" | "unlinkat" | "rmdir":
                self.names.pop(place, None)
            case "mkdir" | "mkdirat":
                self.names[place] = _FOLDER
            case "fchmod" | "fchmodat" | "chmod" | "utimensat" | "sync_file_range":
                # The last begins to write and promises nothing.
                return False
            case _:
                raise AssertionError(f"the model does not know {call.name}({call.arguments[:200]})")
        return True

    def _open(self, call: Call) -> bool:
        paths = [path for path in call.paths() if path.startswith(self.root + "/")]
        if not paths:
            return False
        self._positions[call.result] = 0
        place = self._inside(paths[-1])
        if "O_CREAT" in call.arguments and place not in self.names:
            self._create(place)
            return True
        if "O_TRUNC" in call.arguments:
            inode = self.names[place]
            self.bytes[inode].clear()
            self._pending.setdefault(inode, []).append((-1, b""))
            return True
        return False

    def _write(self, call: Call, place: str) -> None:
        inode = self.names[place]
        data = call.strings()[0][: call.result]
        if call.name == "write":
            offset = self._positions[call.descriptor()]
            self._positions[call.descriptor()] = offset + len(data)
        else:
            offset = int(call.arguments.rsplit(", ", 1)[1])
        _put(self.bytes[inode], offset, data)
        self._pending.setdefault(inode, []).append((offset, data))

    def _copy(self, call: Call, place: str) -> None:
        # A source is read from its start, so its bytes lie where the target's will.
        source = Path(call.paths()[0])
        (offset,) = map(int, re.findall(r"\[(\d+)\]", call.arguments))
        data = source.read_bytes()[offset : offset + call.result]
        assert len(data) == call.result, call.arguments[:200]
        _put(self.bytes[self.names[place]], offset, data)
        self._pending.setdefault(self.names[place], []).append((offset, data))

    def _sync(self, place: str) -> None:
        inode = self.names.get(place, _FOLDER)
        if place and inode != _FOLDER:
            self.durable_bytes[inode] = bytes(self.bytes[inode])
            self._pending.pop(inode, None)
            return
        for path in {*self.names, *self.durable_names}:
            if os.path.dirname(path) == place:
                if path in self.names:
                    self.durable_names[path] = self.names[path]
                else:
                    del self.durable_names[path]

    def states(self, rng: random.Random) -> Iterator[tuple[str, State]]:
        """Five disks that a power cut now could leave."""
        current = {inode: bytes(data) for inode, data in self.bytes.items()}
        torn = {inode: self._torn(inode, rng) for inode in self.bytes}
        for label, names, data in (
            ("nothing unsynced survives", self.durable_names, self.durable_bytes),
            ("names only", self.names, self.durable_bytes),
            ("bytes only", self.durable_names, current),
            ("torn halves", self.names, torn),
            ("everything", self.names, current),
        ):
            state: State = {}
            for path in sorted(names):
                folder = os.path.dirname(path)
                if folder and state.get(folder, b"") is not None:
                    continue  # its folder's own name was lost
                inode = names[path]
                state[path] = None if inode == _FOLDER else data.get(inode, b"")
            yield label, state

    def _torn(self, inode: int, rng: random.Random) -> bytes:
        data = bytearray(self.durable_bytes.get(inode, b""))
        for offset, piece in self._pending.get(inode, ()):
            fate = rng.choice(("kept", "lost", "half"))
            if offset < 0:
                if fate == "kept":
                    del data[-offset - 1 :]
            elif fate != "lost":
                _put(data, offset, piece if fate == "kept" else piece[: len(piece) // 2])
        return bytes(data)


def _put(data: bytearray, offset: int, piece: bytes) -> None:
    data.extend(bytes(max(0, offset - len(data))))
    data[offset : offset + len(piece)] = piece


def materialise(state: State, project: Path) -> None:
    """Write a state as files. Large objects get the stamp that vouches for them: the worst case for a torn one."""
    project.mkdir()
    for path, data in state.items():
        target = project / path
        if data is None:
            target.mkdir()
            continue
        target.write_bytes(data)
        if "/objects/" in path:
            target.chmod(0o444)
            os.utime(target, ns=(STAMP_NS, STAMP_NS))
