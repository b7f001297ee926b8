"""Level landlock: the kernel refuses a step every file outside its view, and TCP; paths are rewritten.

For machines that forbid user namespaces (Docker's default, Ubuntu's AppArmor). Landlock cannot move files to other
paths, so those of the view are rewritten as at level rewriting.
"""

from __future__ import annotations

import os

from pedigree.pipeline import view as views
from pedigree.pipeline.isolation.rewriting import adapt, begin
from pedigree.pipeline.sandbox import Launch, Level, Started
from pedigree.pipeline.view import Mount, View


class Landlock:
    level: Level = "landlock"

    def start(self, launch: Launch, stdin: int, output: int) -> Started:
        masked = tuple(mount.target for mount in launch.view.masks)
        readable: list[str] = []
        system = views.system(network=launch.network, python=launch.view.python)
        for item in (*system, *views.layers(launch.view)):
            if not isinstance(item, Mount):
                readable.append(item.path)
            elif not item.writable:
                readable += around(item.source, masked)
        # The dynamic loader and name look-ups read these by their real names here.
        readable += ["/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/passwd", "/etc/group", "/etc/nsswitch.conf"]
        writable = [mount.source for mount in launch.view.mounts if mount.writable]
        return begin(launch, stdin, output, {"mode": "landlock", "readable": readable, "writable": writable})

    def adapt(self, text: str, view: View) -> str:
        return adapt(text, view)


def around(folder: str, masked: tuple[str, ...]) -> list[str]:
    """The folder, or, where something masked lies in it, all else that it holds: what is allowed cannot be taken back."""
    if folder in masked:
        return []
    if not any(path.startswith(folder + "/") for path in masked):
        return [folder]
    return [found for name in sorted(os.listdir(folder)) for found in around(f"{folder}/{name}", masked)]
