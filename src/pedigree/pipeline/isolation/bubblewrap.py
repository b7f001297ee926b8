"""Level bubblewrap: `bwrap` makes the namespaces and the mounts. About 6 ms a step."""

from __future__ import annotations

import os
from functools import lru_cache

from pedigree.pipeline import view as views
from pedigree.pipeline.interpreter import Interpreter
from pedigree.pipeline.isolation import guardian
from pedigree.pipeline.isolation.spawning import spawn
from pedigree.pipeline.sandbox import Launch, Level, Started
from pedigree.pipeline.view import Link, Mount, View


@lru_cache(maxsize=1)
def program() -> str | None:
    """Where bwrap is, or None."""
    for folder in (*os.environ.get("PATH", "").split(":"), "/usr/bin", "/usr/local/bin", "/bin"):
        path = f"{folder}/bwrap"
        if folder.startswith("/") and os.access(path, os.X_OK):
            return path
    return None


class Bubblewrap:
    level: Level = "bubblewrap"

    def start(self, launch: Launch, stdin: int, output: int) -> Started:
        path = program()
        if path is None:
            raise FileNotFoundError("bwrap is not installed")
        if not launch.terminal:
            guardian.ready()
        # Everything but the command itself goes through the gate, so variables are in no process list.
        started = spawn(
            path,
            lambda gate, status: [
                path,
                "--args",
                str(gate),
                "--json-status-fd",
                str(status),
                "--",
                *launch.argv,
            ],
            orders(launch),
            stdin,
            output,
            terminal=launch.terminal,
        )
        if not launch.terminal:
            guardian.watch(started.pid)
        return started

    def adapt(self, text: str, view: View) -> str:  # noqa: ARG002  (part of the contract)
        return text


def orders(launch: Launch) -> bytes:
    """bwrap's options, each ended by NUL, as `--args` reads them."""
    words = ["--uid", str(launch.user.uid), "--gid", str(launch.user.gid), *_system(launch.network, launch.view.python)]
    for mount in views.layers(launch.view):
        words += ("--bind" if mount.writable else "--ro-bind", mount.source, mount.target)
    for link in launch.view.links:
        words += ("--symlink", link.target, link.path)
    if launch.gpu:
        words += _gpu()
    # Last of the mounts: until here mount points are made in it.
    words += ("--remount-ro", "/")
    for name, value in launch.env.items():
        words += ("--setenv", name, value)
    words += ("--chdir", launch.cwd)
    return "\0".join(words).encode("utf-8", "surrogateescape") + b"\0"


@lru_cache(maxsize=8)
def _system(network: bool, python: Interpreter | None) -> tuple[str, ...]:
    words = [
        "--unshare-user",
        "--unshare-pid",
        "--unshare-ipc",
    ]
    words += ("--unshare-uts", "--hostname", "pedigree", "--die-with-parent", "--clearenv")
    # Without this, bwrap leaves all of them to user 0 of the sandbox when root runs it.
    words += ("--cap-drop", "ALL")
    if not network:
        words.append("--unshare-net")
    for folder in ("/etc", "/home", "/sys"):
        words += ("--perms", "0755", "--dir", folder)
    for item in views.system(network=network, python=python):
        if isinstance(item, Mount):
            words += ("--ro-bind", item.source, item.target)
        elif isinstance(item, Link):
            words += ("--symlink", item.target, item.path)
    words += ("--proc", "/proc", "--dev", "/dev")
    if os.geteuid() == 0:
        # The owner of these may write to them, and that is the step when root runs the engine. bwrap covers them only
        # when they look writable to itself, without capabilities; /proc/sys does not.
        for path in ("/proc/sys", "/proc/sysrq-trigger"):
            words += ("--ro-bind-try", path, path)
    return tuple(words)


@lru_cache(maxsize=1)
def _gpu() -> tuple[str, ...]:
    words: list[str] = []
    with os.scandir("/dev") as entries:
        names = sorted(entry.name for entry in entries)
    for name in names:
        if name.startswith("nvidia") or name in ("dri", "kfd"):
            words += ("--dev-bind", f"/dev/{name}", f"/dev/{name}")
    for path in ("/sys/class/drm", "/sys/module/nvidia", "/sys/bus/pci", "/sys/devices"):
        if os.path.isdir(path):
            words += ("--ro-bind", path, path)
    return tuple(words)
