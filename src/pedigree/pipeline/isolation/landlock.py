"""Level landlock: the kernel refuses a step every file outside its view, and TCP; paths are rewritten.

For machines that forbid user namespaces (Docker's default, Ubuntu's AppArmor). Landlock cannot move files to other
paths, so those of the view are rewritten as at level rewriting.
"""

from __future__ import annotations

from pedigree.pipeline import view as views
from pedigree.pipeline.isolation.rewriting import adapt, begin
from pedigree.pipeline.sandbox import Launch, Level, Started
from pedigree.pipeline.view import Link, Mount, View


class Landlock:
    level: Level = "landlock"

    def start(self, launch: Launch, stdin: int, output: int) -> Started:
        readable: list[str] = []
        for item in (*views.system(network=launch.network), *launch.view.mounts):
            if isinstance(item, Mount) and not (item.writable and item in launch.view.mounts):
                readable.append(item.source)
            elif isinstance(item, Link):
                readable.append(item.path)
        # The dynamic loader and name look-ups read these by their real names here.
        readable += ["/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/passwd", "/etc/group", "/etc/nsswitch.conf"]
        writable = [mount.source for mount in launch.view.mounts if mount.writable]
        return begin(launch, stdin, output, {"mode": "landlock", "readable": readable, "writable": writable})

    def adapt(self, text: str, view: View) -> str:
        return adapt(text, view)
