"""Level rewriting: nothing is kept from the step; it is led to its files by rewriting the paths of the view.

Where no kernel feature is to be had (macOS, locked-down containers) a step runs as an ordinary process. Wherever /pfs,
/code, HOME and /tmp stand in its command, standard input, variables and code, the folders of its workplace are put
in their place. An undeclared read succeeds at this level, which is why it is recorded with each job.
"""

from __future__ import annotations

import json
import os
import re
import signal
import sys

from pedigree.pipeline import view as views
from pedigree.pipeline.isolation.spawning import spawn
from pedigree.pipeline.isolation.unshare import INSIDE
from pedigree.pipeline.sandbox import Launch, Level, Started
from pedigree.pipeline.view import View


class Rewriting:
    level: Level = "rewriting"

    def start(self, launch: Launch, stdin: int, output: int) -> Started:
        return begin(launch, stdin, output, {"mode": "rewriting"})

    def adapt(self, text: str, view: View) -> str:
        return adapt(text, view)


def begin(launch: Launch, stdin: int, output: int, orders: dict[str, object]) -> Started:
    """Start `inside.py` for a step that stays in the machine's own file system."""
    orders |= {
        "engine": os.getpid(),
        "argv": [adapt(word, launch.view) for word in launch.argv],
        "env": {name: adapt(value, launch.view) for name, value in launch.env.items()},
        "cwd": adapt(launch.cwd, launch.view),
        "terminal": launch.terminal,
        "network": launch.network,
        "gpu": launch.gpu,
    }
    return spawn(
        sys.executable,
        lambda gate, status: [sys.executable, "-I", "-S", "-B", INSIDE, str(gate), str(status)],
        json.dumps(orders).encode(),
        stdin,
        output,
        terminal=launch.terminal,
        # It kills the step's whole family before it ends; SIGKILL would leave them behind.
        kill=signal.SIGTERM,
    )


def adapt(text: str, view: View) -> str:
    """The text with every path of the view replaced by the path on this machine.

    Only whole paths at the start of a word count: "/pfs/a" and "x=/pfs/a" do, "data/pfs/a" does not. Secrets' targets
    and links to code count too.
    """
    if "/" not in text:
        return text
    places = {mount.target: mount.source for mount in view.mounts if not mount.target.startswith("/etc/")}
    for link in view.links:
        places[link.path] = places.get(views.CODE, "") + link.target[len(views.CODE) :]
    names = "|".join(re.escape(name) for name in sorted(places, key=len, reverse=True))
    # An environment below /tmp stays where it is.
    kept = "|".join(re.escape(home) for home in views.hidden(view.mounts, view.python)) or "(?!)"
    end = r"(?=[/\s'\":;,|&<>()=\\]|$)"
    return re.sub(rf"(?<![\w/.~-])(?!(?:{kept}){end})(?:{names}){end}", lambda found: places[found[0]], text)
