"""A lock of a recorded environment, as pip reads it: every distribution with its version."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?\Z")
_VERSION = re.compile(r"[A-Za-z0-9.!+_-]+\Z")


def lock(facts: Mapping[str, Any]) -> str:
    """The text of a requirements file; a comment names the interpreter and whatever pip could not install."""
    python = facts.get("python") or {}
    version = str(python.get("version", "")).split(" ", 1)[0]
    lines = [f"# {python.get('implementation', 'python')} {version}"]
    for name, item in sorted((facts.get("distributions") or {}).items()):
        good = _NAME.match(name) and _VERSION.match(str(item["version"]))
        lines.append(f"{name}=={item['version']}" if good else f"# {name!r} {item['version']!r}")
    lines += [f"# not a distribution: {name!r}" for name in sorted(facts.get("loose") or {})]
    return "\n".join(lines) + "\n"
