"""Level bubblewrap: `bwrap` makes the namespaces and the mounts. About 6 ms a step."""

from __future__ import annotations

import os
import signal
from functools import lru_cache

from pedigree.pipeline import view as views
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
        gate_out, gate_in = os.pipe2(os.O_CLOEXEC)
        status_out, status_in = os.pipe2(os.O_CLOEXEC)
        try:
            # Everything but the command itself goes through the gate, so variables are in no process list.
            argv = [path, "--args", str(gate_out), "--json-status-fd", str(status_in), "--", *launch.argv]
            pid = os.posix_spawn(
                path,
                argv,
                {},
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, stdin, 0),
                    (os.POSIX_SPAWN_DUP2, output, 1),
                    (os.POSIX_SPAWN_DUP2, output, 2),
                    # Onto itself: clears close-on-exec.
                    (os.POSIX_SPAWN_DUP2, gate_out, gate_out),
                    (os.POSIX_SPAWN_DUP2, status_in, status_in),
                ],
                # Out of the terminal's group: Ctrl-C is the engine's to handle.
                **({} if launch.terminal else {"setpgroup": 0}),  # type: ignore[arg-type]  # mypy cannot match ** by key
                setsigmask=[],
                # Python ignores SIGPIPE; `yes | head` in a step must not inherit that.
                setsigdef=[signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM],
            )
        except BaseException:
            os.close(gate_in)
            os.close(status_out)
            raise
        finally:
            os.close(gate_out)
            os.close(status_in)
        return Started(pid, gate_in, orders(launch), status_out)

    def where(self, path: str, view: View) -> str:  # noqa: ARG002  (part of the contract)
        return path


def orders(launch: Launch) -> bytes:
    """bwrap's options, each ended by NUL, as `--args` reads them."""
    words = list(_system(launch.network))
    for mount in launch.view.mounts:
        words += ("--bind" if mount.writable else "--ro-bind", mount.source, mount.target)
    for link in launch.view.links:
        words += ("--symlink", link.target, link.path)
    if launch.gpu:
        words += _gpu()
    # Last of the mounts: until here mount points are made in it.
    words += ("--remount-ro", "/")
    if not launch.terminal:
        words.append("--new-session")
    for name, value in launch.env.items():
        words += ("--setenv", name, value)
    words += ("--chdir", launch.cwd)
    return "\0".join(words).encode("utf-8", "surrogateescape") + b"\0"


@lru_cache(maxsize=2)
def _system(network: bool) -> tuple[str, ...]:
    words = [
        "--unshare-user",
        "--uid",
        str(views.UID),
        "--gid",
        str(views.UID),
        "--unshare-pid",
        "--unshare-ipc",
    ]
    words += ("--unshare-uts", "--hostname", "pedigree", "--die-with-parent", "--clearenv")
    if not network:
        words.append("--unshare-net")
    for item in views.system(network=network):
        if isinstance(item, Mount):
            words += ("--ro-bind", item.source, item.target)
        elif isinstance(item, Link):
            words += ("--symlink", item.target, item.path)
    words += ("--proc", "/proc", "--dev", "/dev")
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
