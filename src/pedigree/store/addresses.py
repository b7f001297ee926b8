"""Addresses: where a URL leads, and whether that is on the public internet."""

from __future__ import annotations

from pedigree.errors import ForbiddenAddress, InvalidInput
from pedigree.store.paths import shown

_TYPED = "Write it as http://HOST/PATH or https://HOST/PATH, other characters as %XX."


def parse(url: str) -> tuple[str, int, bool, str]:
    """Host, port, whether it is https, and what to ask for."""
    from urllib.parse import quote, urlsplit

    # What one program reads as a host and the next as a path is how such checks are got round.
    if any(character <= " " or character in "\\\x7f" for character in url):
        raise InvalidInput(
            f"{shown(url)} is no URL: it holds a space, a backslash or a control character.", remedy=_TYPED
        )
    try:
        parts = urlsplit(url)
        port = parts.port
        host = parts.hostname
    except ValueError as error:
        raise InvalidInput(f"{shown(url)} is no URL: {error}.", remedy=_TYPED) from error
    if parts.scheme not in {"http", "https"}:
        raise ForbiddenAddress(
            f"{shown(url)} is not fetched: only http and https URLs are.",
            remedy="Give the path of a file on this machine without a scheme.",
            url=url,
        )
    if not host or "@" in parts.netloc or "%" in host:
        raise ForbiddenAddress(
            f"{without_secrets(url)} is not fetched: it needs a host name, and no user name or zone.",
            remedy="Fetch it yourself and put the file.",
        )
    secure = parts.scheme == "https"
    request = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    if parts.query:
        request += "?" + quote(parts.query, safe="/%:@!$&'()*+,;=~-._?[]")
    return host, port or (443 if secure else 80), secure, request


def host_header(host: str, port: int, secure: bool) -> str:
    text = f"[{host}]" if ":" in host else host.encode("idna").decode("ascii")
    return text if port == (443 if secure else 80) else f"{text}:{port}"


def addresses(host: str, port: int) -> list[str]:
    """The addresses of a host name, by the system's resolver."""
    import socket

    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def is_public(address: str) -> bool:
    """Whether an address belongs to the public internet, and not to this machine, its network or a special
    use.
    """
    import ipaddress

    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if "%" in address:
        return False  # a zone is a network of this machine
    if isinstance(found, ipaddress.IPv6Address):
        # An IPv4 address in IPv6 clothes leads where the IPv4 address leads.
        inner = found.ipv4_mapped or found.sixtofour or (found.teredo and found.teredo[1])
        if inner is None and found in ipaddress.ip_network("64:ff9b::/96"):
            inner = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        if inner is None and int(found) >> 32 == 0:
            inner = ipaddress.IPv4Address(int(found))  # ::a.b.c.d, long deprecated
        if inner is not None:
            return is_public(str(inner))
        if found.is_site_local or found in ipaddress.ip_network("64:ff9b:1::/48"):
            return False
    return found.is_global and not found.is_multicast and not found.is_reserved and not found.is_unspecified


def without_secrets(url: str) -> str:
    """The URL without what may be secret in it: user information and the query."""
    scheme, separator, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    path = path.partition("?")[0].partition("#")[0]
    return f"{scheme}{separator}{host.rpartition('@')[2].partition('?')[0]}{slash}{path}"
