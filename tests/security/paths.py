"""The hostile corpus: names that could leave their folder, and archives made of them, for every entrance."""

from __future__ import annotations

import io
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable

#: Refused at every entrance, as the path of a file.
HOSTILE = [
    "..",
    "../escaped",
    "a/../../escaped",
    "a/..",
    "./../escaped",
    "..\\escaped",
    "a\\..\\..\\escaped",
    "..\\/escaped",
    "\u2025/escaped",  # TWO DOT LEADER, which NFKC makes `..`
    "\uff0e\uff0e/escaped",  # FULLWIDTH FULL STOP, twice
    "a\uff0f..\uff0fescaped",  # FULLWIDTH SOLIDUS
    ".\u200b./escaped",  # with a ZERO WIDTH SPACE, which some file systems skip
    "a//b",
    "a/./b",
    "C:\\escaped",
    "C:/escaped",
    "c:",
    "\\\\server\\share\\escaped",
    "\\escaped",
    "a\0b",
    "a\nb",
    "a\rb",
    "a\x1b[2Jb",
    "a\x7fb",
    "a\u0085b",
    "a\u2028b",
    "a\udcffb",  # a byte that is not UTF-8
    "x" * 300,
    "ä" * 128,  # 128 characters, 256 bytes
    "a/" * 127 + "a/b",  # 129 parts
    "/".join(["y" * 200] * 21),  # 4,220 bytes
    ".git/hooks/post-checkout",
    "a/.git/config",
    ".GIT/config",
    ".g\u200cit/config",  # HFS+ skips the ZERO WIDTH NON-JOINER
    ".git./config",
    "git~1/config",
    ".pedigree/meta.sqlite",
    "A/.Pedigree/lock",
]

#: Harmless as data, however they look: these must be stored and come back.
HARMLESS = [
    "refs.db",
    "meta.sqlite",
    "...",
    "..a",
    "a..",
    "%2e%2e/x",
    "a:b",
    "~/x",
    "$(touch x)",
    "-rf",
    " leading and trailing ",
    "tab-less but 'quoted' \"twice\"",
    "naïve/Ünïcødé/日本語/🐈.png",
    ".gitignore",
    ".hidden/.also",
    "x" * 255,
    "a\\b",
]

#: Different names that some file systems take for one.
CLASHING = [("README", "readme"), ("a/B/c", "a/b/d"), ("\u00e9", "e\u0301"), ("stra\u00dfe", "STRASSE")]

Make = Callable[[tarfile.TarFile], None]


def _tar(*members: tuple[str, str, str | bytes, int]) -> bytes:
    """A tar of (name, type, link target or data, mode)."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT, errors="surrogateescape") as tar:
        for name, kind, value, mode in members:
            info = tarfile.TarInfo(name)
            info.type = kind.encode()
            info.mode = mode
            if isinstance(value, bytes):
                info.size = len(value)
                tar.addfile(info, io.BytesIO(value))
            else:
                info.linkname = value
                tar.addfile(info)
    return out.getvalue()


def raw_tar_header(name: bytes, size: int = 0, kind: bytes = b"0", link: bytes = b"", mode: int = 0o644) -> bytes:
    """One 512-byte header, written here and not by tarfile, which would repair it."""
    head = bytearray(512)
    head[0 : len(name)] = name
    head[100:107] = b"%07o" % mode
    head[108:115] = head[116:123] = b"0000000"
    head[124:135] = b"%011o" % size
    head[136:147] = b"00000000000"
    head[156:157] = kind
    head[157 : 157 + len(link)] = link
    head[257:265] = b"ustar\x0000"
    head[148:156] = b" " * 8
    head[148:155] = b"%06o\0" % sum(head)
    return bytes(head)


def _zip_of(names: list[str], mode: int = 0o100644, data: bytes = b"x") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in names:
            info = zipfile.ZipInfo("placeholder")
            info.filename = name
            info.create_system = 3
            info.external_attr = mode << 16
            archive.writestr(info, data)
    return out.getvalue()


def hostile_archives() -> dict[str, bytes]:
    """Archives that must be refused, by what is wrong with them."""
    found: dict[str, bytes] = {}
    for name in HOSTILE:
        label = ascii(name[:40])
        if "\0" not in name:
            found[f"tar: {label}"] = _tar((name, "0", b"x", 0o644))
            found[f"tar folder: {label}"] = _tar((name + "/inside", "0", b"x", 0o644))
            found[f"tar hard link to: {label}"] = _tar(("link", "1", name, 0o644))
        if "\udcff" not in name and "\0" not in name:
            found[f"zip: {label}"] = _zip_of([name])
    found |= {
        "tar: absolute": raw_tar_header(b"/etc/escaped") + bytes(1024),
        "tar: absolute, by prefix": raw_tar_header(b"escaped")[:345] + bytes(167),  # filled in below
        "zip: absolute": _zip_of(["/escaped"]),
        "tar: file through a link": _tar(("l", "2", "/", 0o777), ("l/escaped", "0", b"x", 0o644)),
        "tar: file through a relative link": _tar(("a/l", "2", "../..", 0o777), ("a/l/escaped", "0", b"x", 0o644)),
        "zip: file through a link": _zip_link_then_file(),
        "tar: hard link to outside": _tar(("l", "1", "../../etc/passwd", 0o644)),
        "tar: hard link to an absolute path": _tar(("l", "1", "/etc/passwd", 0o644)),
        "tar: hard link to nothing before it": _tar(("l", "1", "later", 0o644), ("later", "0", b"x", 0o644)),
        "tar: character device": _tar(("d", "3", "", 0o644)),
        "tar: block device": _tar(("d", "4", "", 0o644)),
        "tar: named pipe": _tar(("p", "6", "", 0o644)),
        "tar: setuid": _tar(("s", "0", b"x", 0o4755)),
        "tar: setgid": _tar(("s", "0", b"x", 0o2755)),
        "zip: setuid": _zip_of(["s"], 0o104755),
        "zip: named pipe": _zip_of(["p"], 0o010644),
        "tar: unknown type": raw_tar_header(b"u", kind=b"Z") + bytes(1024),
        "tar: link without a target": _tar(("l", "2", "", 0o777)),
        "tar: pax path with a NUL": _pax(b"path", b"a\0b"),
        "tar: pax path upwards": _pax(b"path", b"../escaped"),
        "tar: sparse": _pax(b"GNU.sparse.major", b"1"),
        "tar: pax header that claims 8 GiB": raw_tar_header(b"h", (8 << 30) - 1, b"x"),
        "tar: pax header that is malformed": _pax_raw(b"999999 path=x\n"),
        "tar: pax size that is no number": _pax(b"size", b"-1"),
        "tar: file that claims 8 GiB": raw_tar_header(b"big", (8 << 30) - 1),
        "tar: wrong checksum": b"x" + raw_tar_header(b"name")[1:] + bytes(1024),
        "tar: cut in a header": _tar(("a", "0", b"x", 0o644))[: 1024 + 100] + b"junk",
        "zip: 100 members share one kernel of zeros": overlapping_zip(100, 512 << 20),
        "zip: cut": _zip_of(["a"])[:-30],
        "zip: directory beyond the end": _zip_of(["a"])[:-6] + struct.pack("<LH", 0xFFFFFF, 0),
        "zip: wrong checksum": _zip_wrong_crc(),
        "zip: unpacks to more than it says": _zip_says_less(),
        "nothing": b"",
        "text": b"hello, world\n" * 100,
    }
    absolute = bytearray(raw_tar_header(b"escaped"))
    absolute[345:349] = b"/etc"
    absolute[148:156] = b" " * 8
    absolute[148:155] = b"%06o\0" % sum(absolute)
    found["tar: absolute, by prefix"] = bytes(absolute) + bytes(1024)
    return found


def _pax_raw(records: bytes) -> bytes:
    padded = records + bytes(-len(records) % 512)
    return raw_tar_header(b"x", len(records), b"x") + padded + raw_tar_header(b"name") + bytes(1024)


def _pax(key: bytes, value: bytes) -> bytes:
    body = b" " + key + b"=" + value + b"\n"
    length = len(body) + 1
    while len(b"%d" % length) + len(body) != length:
        length += 1
    return _pax_raw(b"%d" % length + body)


def _zip_link_then_file() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        link = zipfile.ZipInfo("l")
        link.create_system, link.external_attr = 3, 0o120777 << 16
        archive.writestr(link, "/tmp")
        archive.writestr("l/escaped", "x")
    return out.getvalue()


def overlapping_zip(members: int, size: int) -> bytes:
    """Many directory entries that share one piece of packed data."""
    packed = zlib.compress(bytes(1 << 16), 9)[2:-4]
    local = struct.pack("<4s5HLLL2H", b"PK\x03\x04", 20, 0, 8, 0, 0, 0, len(packed), size, 1, 0) + b"a" + packed
    entries = b"".join(
        struct.pack(
            "<4s4B4HL2L5H2L",
            b"PK\x01\x02",
            20,
            3,
            20,
            0,
            0,
            8,
            0,
            0,
            0,
            len(packed),
            size,
            4,
            0,
            0,
            0,
            0,
            0,
            0,
        )
        + b"%04d" % number
        for number in range(members)
    )
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, members & 0xFFFF, members & 0xFFFF, len(entries), len(local), 0)
    return local + entries + end


def _zip_wrong_crc() -> bytes:
    data = bytearray(_zip_of(["a"], data=b"payload"))
    at = data.find(b"payload")
    data[at] ^= 1
    return bytes(data)


def _zip_says_less() -> bytes:
    packed = zlib.compress(b"x" * 1000, 9)[2:-4]
    local = struct.pack("<4s5HLLL2H", b"PK\x03\x04", 20, 0, 8, 0, 0, 0, len(packed), 10, 1, 0) + b"a" + packed
    entry = (
        struct.pack("<4s4B4HL2L5H2L", b"PK\x01\x02", 20, 3, 20, 0, 0, 8, 0, 0, 0, len(packed), 10, 1, 0, 0, 0, 0, 0, 0)
        + b"a"
    )
    return local + entry + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, len(entry), len(local), 0)


def zeros_in_gzip(size: int) -> bytes:
    """A gzipped tar of one file of `size` zero bytes; 10 GiB take 10 MiB."""
    engine = zlib.compressobj(9, wbits=31)
    head = raw_tar_header(b"zeros")
    if size >= 8 << 30:
        binary = bytearray(head)
        binary[124:136] = b"\x80" + size.to_bytes(11, "big")
        binary[148:156] = b" " * 8
        binary[148:155] = b"%06o\0" % sum(binary)
        head = bytes(binary)
    pieces = [engine.compress(head)]
    block = bytes(1 << 20)
    pieces += [engine.compress(block) for _ in range(size >> 20)]
    pieces.append(engine.flush())
    return b"".join(pieces)
