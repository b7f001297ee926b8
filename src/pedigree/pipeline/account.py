"""Who a step is inside its sandbox: a name and a number, whoever runs the engine outside."""

from __future__ import annotations

import re
from typing import NamedTuple

from pedigree.pipeline import view

#: What `transform.user` may be: a name, a number, or two numbers, the second for the group.
SPELLING = re.compile(r"[a-z_][a-z0-9_-]{0,31}|[0-9]{1,9}(?::[0-9]{1,9})?")


class Account(NamedTuple):
    name: str
    uid: int
    gid: int

    @property
    def passwd(self) -> str:
        """The only line of the sandbox's /etc/passwd."""
        return f"{self.name}:x:{self.uid}:{self.gid}:{self.name}:{view.HOME}:/bin/sh\n"

    @property
    def group(self) -> str:
        return f"{self.name}:x:{self.gid}:\n"


DEFAULT = Account("user", view.UID, view.UID)


def of(user: str) -> Account:
    """The account that a checked `transform.user` means.

    A number is that user, `root` is 0. Any other name has number 1000 on every machine: what this machine's own users are
    called and numbered must not reach a step.
    """
    if not user:
        return DEFAULT
    if user[0].isdigit():
        uid, _, gid = user.partition(":")
        return Account("root" if int(uid) == 0 else DEFAULT.name, int(uid), int(gid or uid))
    return Account(user, 0, 0) if user == "root" else Account(user, view.UID, view.UID)
