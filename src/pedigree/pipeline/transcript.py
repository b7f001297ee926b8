"""What one datum's step printed: a file that is written as it happens and stays small however much is printed.

The first HEAD_BYTES and the last TAIL_BYTES are kept, with a line between them that says how much was cut. Known
secrets are blotted out.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Mapping
from pathlib import Path

HEAD_BYTES = 8 << 20
TAIL_BYTES = 8 << 20
#: Shorter ones are left alone: to blot out every "1" would hide the log and no secret.
SHORTEST_SECRET = 6


class Transcript:
    """Everything printed over all tries of one datum. The file exists once something was printed.

    `secrets` maps names to values; a value printed as it is becomes `[secret NAME]`. What may be the start
    of one is held back until more comes or `close`.
    """

    def __init__(self, path: Path, secrets: Mapping[str, str] | None = None) -> None:
        self.path = path
        self.printed_bytes = 0
        self._fd = -1
        self._head = 0
        self._tail: deque[bytes] = deque()
        self._tail_bytes = 0
        self._cut = 0
        self._held = b""
        values = {name: value.encode() for name, value in (secrets or {}).items()}
        self._secrets = sorted(
            ((value, f"[secret {name}]".encode()) for name, value in values.items() if len(value) >= SHORTEST_SECRET),
            key=lambda pair: -len(pair[0]),
        )

    def write(self, data: bytes) -> None:
        self.printed_bytes += len(data)
        if not self._secrets:
            self._keep(data)
            return
        data = self._blot(self._held + data)
        cut = len(data) - self._unsure(data)
        self._held = data[cut:]
        self._keep(data[:cut])

    def note(self, text: str) -> None:
        """A line of ours, set apart from what the step printed."""
        self._release()
        self._keep(f"[pedigree] {text}\n".encode("utf-8", "replace"))

    def close(self) -> None:
        self._release()
        if self._cut:
            self._append(b"\n[pedigree] %d bytes were left out here\n" % self._cut)
        for piece in self._tail:
            self._append(piece)
        self._tail.clear()
        self._tail_bytes = 0
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def last_lines(self, count: int = 10, limit_bytes: int = 4096) -> str:
        """The last lines so far, for an error message."""
        text = b""
        for piece in reversed(self._tail):
            text = piece + text
            if len(text) >= limit_bytes:
                break
        if len(text) < limit_bytes and self._fd >= 0 and not self._cut:
            wanted = limit_bytes - len(text)
            text = os.pread(self._fd, wanted, max(0, self._head - wanted)) + text
        lines = (text + self._held)[-limit_bytes:].decode("utf-8", "replace").splitlines()
        return "\n".join(lines[-count:])

    def _release(self) -> None:
        held, self._held = self._held, b""
        if held:
            self._keep(held)

    def _unsure(self, data: bytes) -> int:
        """How many of the last bytes may be the start of a secret that goes on in the next piece."""
        return max(
            next((n for n in range(min(len(value) - 1, len(data)), 0, -1) if data.endswith(value[:n])), 0)
            for value, _ in self._secrets
        )

    def _blot(self, data: bytes) -> bytes:
        for value, mark in self._secrets:
            if value in data:
                data = data.replace(value, mark)
        return data

    def _keep(self, data: bytes) -> None:
        room = HEAD_BYTES - self._head
        if room > 0 and data:
            self._append(data[:room])
            self._head += min(room, len(data))
            data = data[room:]
        if not data:
            return
        self._tail.append(data)
        self._tail_bytes += len(data)
        while self._tail_bytes - len(self._tail[0]) >= TAIL_BYTES:
            gone = self._tail.popleft()
            self._tail_bytes -= len(gone)
            self._cut += len(gone)

    def _append(self, data: bytes) -> None:
        if self._fd < 0:
            self._fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
        while data:
            data = data[os.write(self._fd, data) :]
