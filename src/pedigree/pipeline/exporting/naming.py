"""Names of things in exports: URIs, UUIDs and times, each a function of what the store holds."""

from __future__ import annotations

import time
import uuid
from urllib.parse import quote

#: This program, as a package URL. What it defines are places in it (its subpath): nobody else can mean the same.
PROGRAM = "pkg:pypi/pedigree-ml"
#: The page in this very folder that says what is in our SLSA predicates and facets.
BUILD_TYPE = f"{PROGRAM}#pedigree/pipeline/exporting/buildtype-v1.md"

#: UUIDs are version 5 of RFC 9562: SHA-1 of this name space and a text. The name space is that of the program's URI.
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, PROGRAM)


def identifier(kind: str, text: str) -> str:
    """The UUID of the thing called `text` among those of its kind: `identifier("job", "RUN/PIPELINE")`."""
    return str(uuid.uuid5(NAMESPACE, f"{kind}:{text}"))


def uri(repo: str, commit: str, path: str = "") -> str:
    """`pedigree://REPO@COMMIT/PATH`, which fsspec opens where the store is (store/filesystem.py)."""
    return f"pedigree://{repo}@{commit}" + (f"/{quote(path)}" if path else "")


def distribution(name: str, version: str) -> str:
    """The package URL of an installed distribution (the purl specification's type `pypi`: lower case, `-` for `_`)."""
    return f"pkg:pypi/{quote(name.lower().replace('_', '-'))}@{quote(version, safe='')}"


def seconds(moment: float) -> str:
    """RFC 3339 in UTC, whole seconds."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))


def milliseconds(moment: float) -> str:
    """RFC 3339 in UTC with three decimals: two events of one job can be closer than a second."""
    whole = round(moment * 1000)
    return f"{seconds(whole // 1000)[:-1]}.{whole % 1000:03d}Z"
