"""S4: the store fetches no address on the user's own network for somebody else. A listener on loopback counts."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

import pedigree.store.fetch as module
from pedigree.errors import FetchFailed, ForbiddenAddress, InvalidInput
from pedigree.store.addresses import addresses, is_public
from pedigree.store.fetch import Limits, fetch


class Listener:
    """A server on loopback that counts connections and answers each with `answer`."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer
        self.hits = 0
        self.endless = False
        self.drips = 0  #: so many bytes more, one every 20 ms
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.hits += 1
            with connection:
                try:
                    connection.recv(65536)
                    connection.sendall(self.answer)
                    while self.endless:
                        connection.sendall(b"x" * 65536)
                    for _ in range(self.drips):
                        time.sleep(0.02)
                        connection.sendall(b"x")
                except OSError:
                    continue

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret")
    yield made
    made.close()


HOSTS = [
    "127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "017700000001",
    "localhost", "LOCALHOST", "localhost.", "0.0.0.0",  # noqa: S104
    "0", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::127.0.0.1]",
    "[::ffff:7f00:1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[fe80::1]", "[fc00::1]", "[fec0::1]", "[ff02::1]",
    "169.254.169.254", "10.0.0.1", "172.16.0.1", "192.168.0.1", "100.64.0.1", "192.0.0.1", "198.18.0.1",
    "224.0.0.1", "255.255.255.255", "240.0.0.1", "user@127.0.0.1", "user:word@127.0.0.1", "public.example@127.0.0.1",
    "[fe80::1%25lo]", "①②⑦.0.0.1",
]  # fmt: skip


@pytest.mark.parametrize("host", HOSTS)
def test_an_address_of_ones_own_network_is_never_connected_to(listener: Listener, host: str) -> None:
    """However it is spelled. Break: compare the name with a list instead of the address with a rule."""
    with pytest.raises((ForbiddenAddress, InvalidInput, FetchFailed)), fetch(f"http://{host}:{listener.port}/"):
        pass
    assert listener.hits == 0


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "gopher://127.0.0.1:1/", "ftp://127.0.0.1/", "data:,x", "//127.0.0.1/", "http:///x"]
)
def test_only_http_and_https_are_fetched(listener: Listener, url: str) -> None:
    """Break: hand other schemes to urllib."""
    with pytest.raises((ForbiddenAddress, InvalidInput)), fetch(url):
        pass
    assert listener.hits == 0


@pytest.mark.parametrize(
    "answer", [["127.0.0.1"], ["8.8.8.8", "127.0.0.1"], ["::ffff:127.0.0.1"], ["169.254.169.254"], []]
)
def test_a_name_counts_by_every_address_it_resolves_to(listener: Listener, answer: list[str]) -> None:
    """Break: check the first address only."""
    with (
        pytest.raises(ForbiddenAddress),
        fetch(f"http://public.example:{listener.port}/", resolve=lambda _host, _port: answer),
    ):
        pass
    assert listener.hits == 0


def test_a_name_is_resolved_once_so_that_a_second_look_up_cannot_differ(listener: Listener) -> None:
    """The address that was checked is the one connected to. Break: connect by name."""
    asked = []

    def resolve(host: str, _port: int) -> list[str]:
        asked.append(host)
        # What a rebinding name server does. 127.0.0.2 stands for a public address: no test leaves this machine.
        return ["127.0.0.2"] if len(asked) == 1 else ["127.0.0.1"]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "is_public", lambda address: address == "127.0.0.2")
        with pytest.raises(FetchFailed), fetch(f"http://public.example:{listener.port}/", resolve=resolve):
            pass
    assert asked == ["public.example"]
    assert listener.hits == 0


@pytest.mark.parametrize(
    "target",
    [
        *(f"http://{host}:{{port}}/" for host in HOSTS),
        "//127.0.0.1:{port}/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:{port}/",
        "ftp://127.0.0.1:{port}/",
    ],
)
def test_a_redirect_is_checked_like_the_first_address(listener: Listener, target: str) -> None:
    """To every spelling and scheme above. The first server is on loopback too, and public for its own connection alone.
    Break: follow as it comes."""
    location = target.format(port=listener.port).encode("utf-8")
    first = Listener(b"HTTP/1.1 302 Found\r\nLocation: " + location + b"\r\nContent-Length: 0\r\n\r\n")
    real = is_public
    # Only the first connection is let through: one address that stands for a public one.
    allowed = iter([True])
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module, "is_public", lambda address: next(allowed, None) or real(address))
            with (
                pytest.raises((ForbiddenAddress, InvalidInput, FetchFailed)),
                fetch(
                    f"http://first.example:{first.port}/",
                    resolve=lambda host, port: ["127.0.0.1"] if host == "first.example" else addresses(host, port),
                ),
            ):
                pass
        assert first.hits == 1
        assert listener.hits == 0
    finally:
        first.close()


def test_an_endless_or_endlessly_redirected_answer_ends(listener: Listener) -> None:
    """Break: read until the server stops."""
    listener.answer = b"HTTP/1.1 200 OK\r\n\r\n"
    listener.endless = True
    limits = Limits(bytes=1 << 20, seconds=20.0)
    url = f"http://127.0.0.1:{listener.port}/"
    with fetch(url, allow_private=True, limits=limits) as answer, pytest.raises(FetchFailed, match="more than"):
        answer.body.read()
    listener.endless = False
    listener.answer = b"HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n"
    with pytest.raises(FetchFailed, match="redirected more than 10 times"), fetch(url, allow_private=True):
        pass


@pytest.mark.parametrize("answer", [b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: "])
def test_a_slow_answer_ends_at_the_deadline(listener: Listener, answer: bytes) -> None:
    """A byte every 20 ms is never silent, in the body or among the headers, and would go on for 20 s. Break: set a time
    limit on each read instead of on all of them."""
    listener.answer, listener.drips = answer, 1000
    started = time.monotonic()
    with (
        pytest.raises(FetchFailed, match="longer than allowed"),
        fetch(
            f"http://127.0.0.1:{listener.port}/", allow_private=True, limits=Limits(seconds=0.5, idle_s=10)
        ) as answered,
    ):
        answered.body.read()
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    ("limits", "told"),
    [
        (Limits(seconds=20, idle_s=0.3), "nothing came for 0.3 s"),
        (Limits(seconds=0.3, idle_s=20), "longer than allowed"),
    ],
)
def test_a_silent_answer_ends_at_the_nearer_limit(limits: Limits, told: str) -> None:
    """The longest silence or the deadline, and the error says which. Break: wait for one of them alone."""
    started = time.monotonic()
    with socket.create_server(("127.0.0.1", 0)) as silent:  # the kernel connects, nobody answers
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        with pytest.raises(FetchFailed, match=told), fetch(url, allow_private=True, limits=limits):
            pass
    assert time.monotonic() - started < 5


def test_an_answer_without_a_length_is_read_to_its_end(listener: Listener) -> None:
    """As HTTP/1.0 servers and streams give it. Break: close the socket when http.client says so."""
    listener.answer = b"HTTP/1.0 200 OK\r\n\r\n" + b"body" * 100_000
    with fetch(f"http://127.0.0.1:{listener.port}/", allow_private=True) as answer:
        assert answer.size is None
        assert answer.body.read() == b"body" * 100_000
