"""Where distributions came from that no index gave: a folder, a repository, an archive (direct_url.json, PEP 610).

What an index gave has no such file, and its RECORD holds digests of files and not of the wheel: which wheel it was cannot be
known afterwards. It is known once pip fetched it again and its files turned out the same.

records "wheel"  NAME==VERSION/FILES -> {"file": ..., "sha256": ...}, FILES being the digest that the facts have
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pedigree.pipeline import installed

if TYPE_CHECKING:
    from pedigree.store import Store

WHEEL = "wheel"


def of_sites(sites: Sequence[str]) -> dict[str, dict[str, str]]:
    """By name: `kind` (vcs, archive or folder), `url`, and `revision` or `sha256` where known; without passwords."""
    found: dict[str, dict[str, str]] = {}
    for site in sites:
        for one in installed.found_in(site):
            if one.direct and not one.editable and one.name not in found:
                described = _described(one.direct)
                if described:
                    found[one.name] = described
    return dict(sorted(found.items()))


def _described(text: str) -> dict[str, str]:
    try:
        value: Any = json.loads(text)
        url = _public(value["url"])
        if "vcs_info" in value:
            vcs = value["vcs_info"]
            return {"kind": "vcs", "url": f"{vcs['vcs']}+{url}", "revision": str(vcs["commit_id"])}
        if "archive_info" in value:
            sha256 = str(value["archive_info"].get("hashes", {}).get("sha256", ""))
            return {"kind": "archive", "url": url, **({"sha256": sha256} if sha256 else {})}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}
    return {"kind": "folder", "url": url}


def _public(url: str) -> str:
    """Without user and password, without a query, which may hold a signature, and of a file here only its name."""
    parts = urlsplit(url)
    if parts.scheme in ("", "file"):
        return f"file:{parts.path.rstrip('/').rpartition('/')[2]}"
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}"


def wheels(store: Store, distributions: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, str]]:
    """By name: `file` and `sha256` of the wheel that is known to install these very files."""
    keys = {key(name, item): name for name, item in distributions.items()}
    return {keys[one]: value for one, value in store.records.many(WHEEL, keys).items()}


def key(name: str, distribution: Mapping[str, str]) -> str:
    return f"{name}=={distribution['version']}/{distribution['files']}"
