"""Bundles made up by hand: the members of a good one, changed, with sums that are right again."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pedigree import canonical
from pedigree.pipeline.bundling import layout
from pedigree.store import packs

Members = dict[str, bytes]


def members(path: Path) -> Members:
    """Every member but the sums, as the standard library reads them."""
    with tarfile.open(path, "r:") as archive:
        found = {}
        for item in archive:
            file = archive.extractfile(item)
            assert file is not None
            found[item.name] = file.read()
    del found[layout.SUMS]
    return found


def write(path: Path, found: Members) -> Path:
    """A bundle of these members, in the order of a bundle, with right sums and counts of objects."""
    objects = {}
    for name, data in found.items():
        if name.startswith("objects/"):
            objects[name[8:]] = len(data)
        elif name.startswith("packs/"):
            entries = packs.contents(data, name[6:-5])
            objects |= {entry.digest.hex(): entry.size for entry in entries or ()}
    if layout.HEAD in found:
        head = json.loads(found[layout.HEAD])
        head |= {"objects": len(objects), "object_bytes": sum(objects.values())}
        for name, key in ((layout.COMMITS, "commits"), (layout.RECORDS, "records")):
            head[key] = len(found.get(name, b"").splitlines())
        found = {**found, layout.HEAD: canonical.encode(head) + b"\n"}
    data = b""
    sums = ""
    for name in sorted(found, key=lambda name: layout.rank(name) or (3, name)):
        body = found[name]
        data += layout.header(name, len(body)) + body + layout.padding(len(body))
        sums += f"{canonical.digest(body)}  {name}\n"
    text = sums.encode()
    path.write_bytes(data + layout.header(layout.SUMS, len(text)) + text + layout.padding(len(text)) + layout.END)
    return path


def pack(objects: dict[str, bytes]) -> tuple[str, bytes]:
    """Name and bytes of a member that packs these objects, each under the digest that it is given."""
    data = packs.MAGIC
    index = []
    for digest, body in sorted(objects.items()):
        index.append(packs.Packed(bytes.fromhex(digest), len(data), len(body)))
        data += body
    name, end = packs.ending(index, len(data))
    return f"packs/{name}.pack", data + end


def unpacked(found: Members) -> dict[str, bytes]:
    """The objects of the packs."""
    objects = {}
    for name, data in found.items():
        if name.startswith("packs/"):
            for entry in packs.contents(data, name[6:-5]) or ():
                objects[entry.digest.hex()] = data[entry.offset : entry.offset + entry.size]
    return objects


def repacked(found: Members, objects: dict[str, bytes]) -> Members:
    """The members with these objects in one pack in place of theirs."""
    name, data = pack(objects)
    return {key: value for key, value in found.items() if not key.startswith("packs/")} | {name: data}


def lines(found: Members, name: str, change: Callable[[Any], Any]) -> Members:
    """The members with each line of one changed; None drops it."""
    values = [change(json.loads(line)) for line in found[name].splitlines()]
    kept = [value for value in values if value is not None]
    return {**found, name: b"".join(canonical.encode(value) + b"\n" for value in kept)}
