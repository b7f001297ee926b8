"""The operating system, its C library, the container around it if there is one, and the locale."""

from __future__ import annotations

import locale
import os
import platform
import sys
from collections.abc import Mapping
from typing import Any


def facts() -> dict[str, Any]:
    name = os.uname()
    return {
        "name": name.sysname,
        "kernel": name.release,
        "machine": name.machine,
        "distribution": _distribution(),
        "libc": " ".join(platform.libc_ver()) if sys.platform != "linux" else _libc(),
        "container": container(os.environ),
        "encoding": {"preferred": locale.getpreferredencoding(False).lower(), "files": sys.getfilesystemencoding()},
        "locale": locale.setlocale(locale.LC_ALL, None),
        "timezone": _timezone(),
    }


def container(environ: Mapping[str, str], root: str = "") -> dict[str, str]:
    """Kind and image of the container, as far as can be known inside one; empty outside.

    Docker does not tell an image its name: whoever starts the container can, in PEDIGREE_IMAGE (best with the digest). Podman
    writes /run/.containerenv with `image` and `imageid`. Apptainer and Singularity set a variable. `container` is what systemd,
    Podman and LXC set (systemd.io/CONTAINER_INTERFACE).
    """
    found: dict[str, str] = {}
    if os.path.exists(f"{root}/.dockerenv"):
        found["kind"] = "docker"
    podman = _pairs(f"{root}/run/.containerenv")
    if podman or os.path.exists(f"{root}/run/.containerenv"):
        found["kind"] = "podman"
        found |= {key: podman[name] for key, name in (("image", "image"), ("image_id", "imageid")) if podman.get(name)}
    for name in ("APPTAINER_CONTAINER", "SINGULARITY_CONTAINER"):
        if environ.get(name):
            found |= {"kind": "apptainer", "image": os.path.basename(environ[name])}
            break
    if "kind" not in found and environ.get("container"):
        found["kind"] = environ["container"]
    if "KUBERNETES_SERVICE_HOST" in environ:
        found["orchestrator"] = "kubernetes"
    if "kind" not in found:
        kind = _of_cgroup(f"{root}/proc/self/cgroup")
        if kind:
            found["kind"] = kind
    if environ.get("PEDIGREE_IMAGE"):
        found["image"] = environ["PEDIGREE_IMAGE"]
    return found


def _of_cgroup(path: str) -> str:
    """By the name of its control group; with version 2 and a namespace of its own that name is `/` and tells nothing."""
    for line in _lines(path):
        place = line.rstrip("\n").split(":", 2)[-1]
        for word, kind in (("docker", "docker"), ("kubepods", "kubernetes"), ("libpod", "podman"), ("lxc", "lxc")):
            if word in place:
                return kind
    return ""


def _distribution() -> str:
    found = _pairs("/etc/os-release")
    return " ".join(found[key] for key in ("ID", "VERSION_ID") if found.get(key)) or platform.platform(terse=True)


def _libc() -> str:
    try:
        return os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (ValueError, OSError):
        return " ".join(platform.libc_ver())  # musl, where confstr does not know the name


def _timezone() -> str:
    """TZ, or where /etc/localtime leads: names such as `Europe/Berlin`, and UTC where nothing is set."""
    named = os.environ.get("TZ")
    if named:
        return named
    try:
        target = os.path.realpath("/etc/localtime")
    except OSError:
        return "UTC"
    _, mark, zone = target.partition("zoneinfo/")
    return zone if mark else "UTC"


def _pairs(path: str) -> dict[str, str]:
    found = {}
    for line in _lines(path):
        key, mark, value = line.strip().partition("=")
        if mark:
            found[key] = value.strip('"')
    return found


def _lines(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.readlines()
    except OSError:
        return []
