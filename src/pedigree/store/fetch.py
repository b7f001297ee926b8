"""Fetching: the bytes behind an http or https URL, without lending the user's own network to whoever
chose the URL.

The rules (shared RELIABILITY, S4): http and https alone; the name is resolved once; every address it has
must be public; the connection goes to the address that was checked, not to the name again; each redirect
is checked the same way; bytes, time and redirects are bounded. Proxies are not used, because behind one
nobody can say which address is reached.
"""

from __future__ import annotations

import io
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

from pedigree.errors import FetchFailed, ForbiddenAddress, InvalidInput
from pedigree.store.addresses import addresses, host_header, is_public, parse, without_secrets
from pedigree.store.paths import shown

if TYPE_CHECKING:
    import socket as sockets
    from http.client import HTTPConnection, HTTPResponse

#: From a host name and a port to the addresses it has now, as text.
Resolve = Callable[[str, int], list[str]]
#: Called now and then with the bytes received and, where the server said so, the bytes there are.
Progress = Callable[[int, int | None], None]


class Limits(NamedTuple):
    """How much a fetch may take in all, redirects included; `idle_s` is the longest silence in between."""

    bytes: int = 1 << 40
    seconds: float = 24 * 3600.0
    idle_s: float = 60.0
    redirects: int = 10


class Fetched(NamedTuple):
    """An answer whose body is about to be read."""

    url: str  #: after redirects
    size: int | None  #: bytes, if the server said so
    body: io.BufferedReader[_Body]  #: raises FetchFailed where it breaks off or goes over a limit
    partial: bool  #: the body begins at the `start` that was asked for


@contextmanager
def fetch(
    url: str,
    *,
    start: int = 0,
    limits: Limits | None = None,
    allow_private: bool = False,
    resolve: Resolve | None = None,
) -> Iterator[Fetched]:
    """The answer to a GET of `url`, from byte `start` on where the server can.

    `allow_private` lifts the rule about addresses, for a user who typed the URL of their own server.
    Raises ForbiddenAddress before anything is sent to an address that is not public, FetchFailed for
    whatever the other side does wrong.
    """
    limits = limits or Limits()
    deadline = time.monotonic() + limits.seconds
    current = url
    for _ in range(limits.redirects + 1):
        connection, response = _get(current, start, deadline, limits, allow_private, resolve or addresses)
        try:
            if response.status in {301, 302, 303, 307, 308}:
                current = _redirected(current, response.getheader("Location"), url)
                continue
            partial = response.status == 206 and _begins_at(response.getheader("Content-Range"), start)
            if response.status != 200 and not partial:
                raise FetchFailed(
                    f"{without_secrets(current)} answered {response.status} {response.reason}.",
                    remedy="Check the URL in a browser; try again later if the server is at fault.",
                    url=current,
                    status=response.status,
                )
            size = response.length
            if size is not None and size > limits.bytes:
                raise _too_large(current, limits)
            body = io.BufferedReader(_Body(response, current, limits, size), 1 << 16)
            yield Fetched(current, size, body, partial)
            return
        finally:
            response.close()
            connection.close()
    raise FetchFailed(
        f"{without_secrets(url)} was redirected more than {limits.redirects} times.",
        remedy="Check the URL.",
        url=url,
    )


def download(
    url: str,
    target: str | Path,
    *,
    checksum: str | None = None,
    progress: Progress | None = None,
    limits: Limits | None = None,
    allow_private: bool = False,
    resolve: Resolve | None = None,
) -> Path:
    """Fetch `url` into the file `target`, which appears only when it is whole; its path.

    `checksum` is `sha256:HEX` or `md5:HEX`. A target that has it already is left alone. What an earlier
    attempt left in `TARGET.part` is continued, but only with a checksum: nothing else could tell that the
    file on the server is still the same. Raises FetchFailed when the checksum is another one; the part is
    then thrown away.
    """
    target = Path(target)
    part = target.with_name(target.name + ".part")
    expected = None if checksum is None else _parse_checksum(checksum)
    if expected is not None and target.is_file() and _hash_of(target, expected[0]).hexdigest() == expected[1]:
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    resumed = expected is not None and part.is_file() and part.stat().st_size > 0
    while True:
        found = _fetch_part(url, part, resumed, expected, progress, limits, allow_private, resolve)
        if expected is None or found == expected[1]:
            os.replace(part, target)
            return target
        part.unlink()
        if not resumed:
            raise FetchFailed(
                f"{without_secrets(url)} has the {expected[0]} {found}; {expected[1]} was expected.",
                remedy="The file on the server changed, or was damaged on its way. Nothing was kept.",
                url=url,
            )
        resumed = False  # what was continued may be what was wrong


def _get(
    url: str, start: int, deadline: float, limits: Limits, allow_private: bool, resolve: Resolve
) -> tuple[HTTPConnection, HTTPResponse]:
    """Connect to a checked address of the URL's host and send the request."""
    import http.client
    import socket
    import ssl

    host, port, secure, request = parse(url)
    try:
        found = resolve(host, port)
    except (OSError, UnicodeError) as error:
        raise _failed(url, f"the name {shown(host)} could not be resolved ({error})") from error
    if not allow_private and (not found or not all(is_public(address) for address in found)):
        raise ForbiddenAddress(
            f"{without_secrets(url)} leads to {', '.join(found) or 'no address'}, which is not public.",
            remedy="Fetch it yourself and put the file, or allow private addresses if this server is yours.",
            url=url,
            addresses=found,
        )
    raw: sockets.socket | None = None
    problem: OSError | None = None
    for address in found:
        patience_s = max(min(limits.idle_s, deadline - time.monotonic()), 0.001)
        try:
            raw = socket.create_connection((address, port), timeout=patience_s)
            break
        except OSError as error:
            problem = error
    if raw is None:
        raise _failed(url, f"no connection to {', '.join(found)} ({problem})") from problem
    try:
        if secure:
            raw = ssl.create_default_context().wrap_socket(raw, server_hostname=host)
        connection = http.client.HTTPConnection(host, port)
        connection.sock = cast("sockets.socket", _Deadlined(raw, deadline, limits.idle_s))
        headers = {
            "Host": host_header(host, port, secure),
            "User-Agent": "pedigree",
            "Accept-Encoding": "identity",  # the bytes as they are: a checksum is over them
        }
        if start:
            headers["Range"] = f"bytes={start}-"
        connection.putrequest("GET", request, skip_host=True, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        return connection, connection.getresponse()
    except (OSError, http.client.HTTPException) as error:
        raw.close()
        raise _failed(url, str(error) or type(error).__name__) from error
    except BaseException:
        raw.close()
        raise


class _Deadlined:
    """A connected socket whose every wait ends at the deadline: a server that sends a byte a minute gets no
    further.
    """

    def __init__(self, sock: sockets.socket, deadline: float, idle_s: float) -> None:
        self._sock = sock
        self._deadline = deadline
        self._idle_s = idle_s
        self._being_read = False

    def _wait(self) -> None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("it took longer than allowed")
        self._sock.settimeout(min(left, self._idle_s))

    def sendall(self, data: bytes) -> None:
        self._wait()
        self._sock.sendall(data)

    def recv_into(self, buffer: bytearray | memoryview) -> int:
        self._wait()
        try:
            return self._sock.recv_into(buffer)
        except TimeoutError:
            self._wait()  # says so if it was the deadline
            raise TimeoutError(f"nothing came for {self._idle_s:g} s") from None

    def makefile(self, _mode: str) -> io.BufferedReader:
        self._being_read = True
        return io.BufferedReader(_Received(self), 1 << 16)

    def close(self) -> None:
        """Close, but not under the hands of a reader: http.client closes the socket of an answer that ends with its
        connection as soon as it has the headers, and expects the file to stay open, as a real socket's does.
        """
        if not self._being_read:
            self._sock.close()

    def done_reading(self) -> None:
        self._being_read = False
        self._sock.close()


class _Received(io.RawIOBase):
    def __init__(self, sock: _Deadlined) -> None:
        self._sock = sock

    def close(self) -> None:
        if not self.closed:
            self._sock.done_reading()
        super().close()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # any writable buffer
        return self._sock.recv_into(buffer)


class _Body(io.RawIOBase):
    """A response's body, whose every failure is a FetchFailed."""

    def __init__(self, response: HTTPResponse, url: str, limits: Limits, size: int | None) -> None:
        self._response = response
        self._url = url
        self._limits = limits
        self._size = size
        self._received = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # any writable buffer
        from http.client import HTTPException

        try:
            count = self._response.readinto(buffer)
        except (OSError, HTTPException) as error:
            raise _failed(self._url, str(error) or type(error).__name__) from error
        self._received += count
        if self._received > self._limits.bytes:
            raise _too_large(self._url, self._limits)
        if count == 0 and len(buffer) and self._size is not None and self._received < self._size:
            raise _failed(self._url, f"it broke off after {self._received:,} of {self._size:,} bytes")
        return count


def _redirected(current: str, location: str | None, first: str) -> str:
    from urllib.parse import urljoin

    if not location:
        raise _failed(current, "it redirects to nowhere")
    target = urljoin(current, location)
    if current.startswith("https:") and target.startswith("http:"):
        raise ForbiddenAddress(
            f"{without_secrets(first)} was redirected from https to {without_secrets(target)}.",
            remedy="Use that URL yourself if reading it in the clear is meant.",
            url=target,
        )
    return target


def _begins_at(content_range: str | None, start: int) -> bool:
    return content_range is not None and content_range.strip().lower().startswith(f"bytes {start}-")


def _fetch_part(
    url: str,
    part: Path,
    resumed: bool,
    expected: tuple[str, str] | None,
    progress: Progress | None,
    limits: Limits | None,
    allow_private: bool,
    resolve: Resolve | None,
) -> str:
    """Bring `part` to its end; the checksum it then has, in the algorithm expected, else ""."""
    start = part.stat().st_size if resumed else 0
    try:
        with fetch(url, start=start, limits=limits, allow_private=allow_private, resolve=resolve) as answer:
            if not answer.partial:
                start = 0
            running = _hash_of(part, expected[0], start) if expected is not None else None
            total = None if answer.size is None else start + answer.size
            with open(part, "ab" if start else "wb") as file:
                received = start
                # read1: what has come is written before more is waited for, so that a cut loses nothing of it.
                while block := answer.body.read1(1 << 20):
                    file.write(block)
                    received += len(block)
                    if running is not None:
                        running.update(block)
                    if progress is not None:
                        progress(received, total)
            return "" if running is None else running.hexdigest()
    except FetchFailed as error:
        if start and error.objects.get("status") == 416:  # we have all of it, or more than there is
            return _hash_of(part, expected[0]).hexdigest() if expected is not None else ""
        raise


class _Hash:
    """The hash that a checksum names."""

    def __init__(self, algorithm: str) -> None:
        import hashlib

        self._hash = hashlib.new(algorithm, usedforsecurity=False)

    def update(self, data: bytes) -> None:
        self._hash.update(data)

    def hexdigest(self) -> str:
        return self._hash.hexdigest()


def _hash_of(path: Path, algorithm: str, size: int | None = None) -> _Hash:
    """The running hash of the file, or of its first `size` bytes."""
    running = _Hash(algorithm)
    if size != 0:
        with open(path, "rb") as file:
            while block := file.read(1 << 20):
                running.update(block)
    return running


def _parse_checksum(checksum: str) -> tuple[str, str]:
    algorithm, _, digest = checksum.partition(":")
    length = {"sha256": 64, "md5": 32}.get(algorithm)
    if length != len(digest) or not set(digest.lower()) <= set("0123456789abcdef"):
        raise InvalidInput(f"{shown(checksum)} is no checksum.", remedy="Write `sha256:` or `md5:` and its hex digits.")
    return algorithm, digest.lower()


def _failed(url: str, why: str) -> FetchFailed:
    return FetchFailed(
        f"{without_secrets(url)} could not be fetched: {why}.",
        remedy="Check the URL and the connection, then try again.",
        url=url,
    )


def _too_large(url: str, limits: Limits) -> FetchFailed:
    return FetchFailed(
        f"{without_secrets(url)} has more than {limits.bytes:,} bytes.",
        remedy="Fetch it yourself if it is meant.",
        url=url,
    )
