"""The rules of `pedigree pachctl`: what each pachctl 2.x command takes, and what it is in our words."""

from __future__ import annotations

from typing import NamedTuple

from pedigree.cli import pachctl_lines as lines
from pedigree.cli.pachctl_lines import Build, Lines

#: Long name: (short name, whether it takes a value).
Known = dict[str, tuple[str, bool]]


class Translated(NamedTuple):
    """Our command lines, one after another; and whether a cluster would start jobs then."""

    lines: Lines
    runs: bool


class Rule(NamedTuple):
    """One pachctl command. `least` and `most` count its arguments; flags without meaning here are ignored."""

    usage: str
    build: Build
    least: int = 0
    most: int = 0
    flags: Known = {}  # noqa: RUF012  never changed
    runs: bool = False

    @property
    def takes(self) -> str:
        return str(self.least) if self.least == self.most else f"{self.least} to {self.most}"


#: Accepted by every command.
EVERYWHERE: Known = {
    "raw": ("", False),
    "output": ("o", True),
    "full-timestamps": ("", False),
    "no-pager": ("", False),
    "no-color": ("", False),
    "no-port-forwarding": ("", False),
    "verbose": ("v", False),
    "project": ("", True),
    "all-projects": ("A", False),
    "expand": ("x", False),
    "no-run": ("", False),
}

CLUSTER = "it is about a cluster, its users or its licence, and a store here is a folder"
ELSEWHERE = "a run is stopped where it runs, with Ctrl-C; the next one continues"

#: Commands and first words that mean nothing on one machine, and why.
NOT_HERE = {
    "auth": CLUSTER,
    "config": CLUSTER,
    "connect": CLUSTER,
    "deploy": CLUSTER,
    "enterprise": CLUSTER,
    "idp": CLUSTER,
    "kube-events": CLUSTER,
    "license": CLUSTER,
    "loki": CLUSTER,
    "port-forward": "nothing has to be reached; every command opens the store itself",
    "undeploy": CLUSTER,
    "mount": "use `pedigree get`, or fsspec from Python: pedigree://REPO@REF/PATH",
    "unmount": "nothing is mounted",
    "create project": "a store is one project; make another with `pedigree init FOLDER`",
    "create secret": "put the value into a file of the folder .pedigree/secrets",
    "delete all": "remove the folder .pedigree yourself, if you mean it",
    "delete job": "jobs are part of the history; `pedigree commit delete` removes what one made",
    "delete project": "a store is one project; it is the folder .pedigree",
    "edit pipeline": "edit the spec's file and `pedigree apply` it; `pedigree pipeline inspect NAME --json` shows what holds",
    "restart datum": "failed datums run again with the next `pedigree run`, and only running ones could be restarted",
    "stop job": ELSEWHERE,
    "update project": "a store is one project",
}


_FORCE: Known = {"force": ("f", False)}
_MESSAGE: Known = {"message": ("m", True), "description": ("", True)}
_NUMBER: Known = {"number": ("n", True)}
_SPEC: Known = {
    "file": ("f", True),
    "jsonnet": ("", True),
    "arg": ("", True),
    "push-images": ("p", False),
    "registry": ("r", True),
    "username": ("u", True),
    "reprocess": ("", False),
    "dry-run": ("", False),
    "update": ("", False),
}
_COPIES: Known = {
    "file": ("f", True),
    "input-file": ("i", True),
    "recursive": ("r", False),
    "append": ("a", False),
    "full-path": ("", False),
    "untar": ("", False),
    "compress": ("", False),
    "parallelism": ("p", True),
    "progress": ("", False),
    "message": ("m", True),
    "commit": ("c", False),
}
_GETS: Known = {"recursive": ("r", False), "progress": ("", False), "parallelism": ("p", True), "offset": ("", True)}
_BRANCH: Known = {
    "head": ("", True),
    "provenance": ("p", True),
    "trigger": ("t", True),
    "trigger-size": ("", True),
    "trigger-commits": ("", True),
    "trigger-cron": ("", True),
    "trigger-rate-limit": ("", True),
    "trigger-all": ("", False),
}
_LISTS: Known = {
    "pipeline": ("p", True),
    "state": ("", True),
    "number": ("n", True),
    "history": ("", True),
    "input": ("i", True),
}
_LOGS: Known = {
    "pipeline": ("p", True),
    "job": ("j", True),
    "datum": ("", True),
    "follow": ("f", False),
    "tail": ("t", True),
    "worker": ("", False),
    "since": ("", True),
    "master": ("", False),
}

RULES: dict[str, Rule] = {
    "create repo": Rule(
        "create repo REPO [-d TEXT]",
        lambda given, flags: [["repo", "create", lines.place(given[0]), *lines.option(flags, "description")]],
        1, 1, {"description": ("d", True)},
    ),
    "update repo": Rule("update repo REPO -d TEXT", lines.update_repo, 1, 1, {"description": ("d", True)}),
    "list repo": Rule("list repo", lines.same("repo", "list")),
    "inspect repo": Rule("inspect repo REPO", lines.same("repo", "inspect"), 1, 1),
    "delete repo": Rule("delete repo REPO [-f]", lines.delete_repo, 1, 1, _FORCE),
    "put file": Rule("put file REPO@BRANCH[:/PATH] [-r] -f SOURCE ...", lines.put_file, 1, 1, _COPIES, runs=True),
    "get file": Rule("get file REPO@REF:/PATH [-r] [-o OUTPUT]", lines.get_file, 1, 1, _GETS),
    "list file": Rule(
        "list file REPO@REF[:/PATH]",
        lambda given, flags: [["ls", "-l", lines.place(given[0]), *lines.json(flags)]],
        1, 1, {"history": ("", True), "recursive": ("r", False)},
    ),
    "glob file": Rule("glob file 'REPO@REF:GLOB'", lines.same("glob", "-l"), 1, 1),
    "inspect file": Rule("inspect file REPO@REF:/PATH", lines.same("inspect"), 1, 1),
    "copy file": Rule("copy file SOURCE TARGET", lines.quiet("copy"), 2, 2, {"append": ("a", False)}, runs=True),
    "delete file": Rule("delete file REPO@BRANCH:/PATH", lines.quiet("delete"), 1, 1, {"recursive": ("r", False)}, runs=True),
    "diff file": Rule(
        "diff file NEW [OLD] [--name-only]", lines.diff_file, 1, 2,
        {"name-only": ("", False), "shallow": ("s", False), "diff-command": ("", True)},
    ),
    "start commit": Rule(
        "start commit REPO@BRANCH [-m TEXT]",
        lambda given, flags: [["commit", "start", lines.place(given[0]), *lines.option(flags, "message")]],
        1, 1, {**_MESSAGE, "parent": ("p", True)},
    ),
    "finish commit": Rule(
        "finish commit REPO@BRANCH [-m TEXT]",
        lambda given, flags: [["commit", "finish", lines.place(given[0]), *lines.option(flags, "message")]],
        1, 1, {**_MESSAGE, **_FORCE}, runs=True,
    ),
    "list commit": Rule(
        "list commit [REPO[@BRANCH] | ID] [-n NUMBER]", lines.commit_list, 0, 1,
        {**_NUMBER, "from": ("f", True), "all": ("", False), "origin": ("", True)},
    ),
    "inspect commit": Rule("inspect commit REPO@REF | ID", lines.inspect_commit, 1, 1),
    "wait commit": Rule("wait commit REPO@REF | ID", lines.wait_commit, 1, 1),
    "subscribe commit": Rule(
        "subscribe commit REPO@BRANCH [--new]", lines.subscribe, 1, 1,
        {"new": ("", False), "from": ("", True), "pipeline": ("", True), "all": ("", False)},
    ),
    "squash commit": Rule("squash commit REPO@REF | ID", lines.quiet("commit", "squash"), 1, 1, {"recursive": ("r", False)}),
    "delete commit": Rule("delete commit REPO@REF | ID", lines.quiet("commit", "delete"), 1, 1, {"recursive": ("r", False)}),
    "find commit": Rule(
        "find commit REPO@REF:/PATH [--limit NUMBER]", lines.find_commit, 1, 1, {"limit": ("", True), "start": ("", True)}
    ),
    "create branch": Rule("create branch REPO@BRANCH [--head REF] [--trigger ...]", lines.create_branch, 1, 1, _BRANCH, runs=True),
    "list branch": Rule("list branch REPO", lines.same("branch", "list"), 0, 1),
    "inspect branch": Rule("inspect branch REPO@BRANCH", lines.same("branch", "inspect"), 1, 1),
    "delete branch": Rule("delete branch REPO@BRANCH", lines.quiet("branch", "delete"), 1, 1, _FORCE),
    "create pipeline": Rule("create pipeline -f SPEC [--jsonnet FILE --arg K=V]", lines.apply, 0, 0, _SPEC, runs=True),
    "update pipeline": Rule("update pipeline -f SPEC [--reprocess]", lines.apply, 0, 0, _SPEC, runs=True),
    "list pipeline": Rule(
        "list pipeline [NAME]",
        lambda given, flags: [["pipeline", "inspect", lines.place(given[0])] if given else ["pipeline", "list", *lines.json(flags)]],
        0, 1, {"spec": ("s", False), "history": ("", True), "state": ("", True), "commit": ("c", True)},
    ),
    "inspect pipeline": Rule("inspect pipeline NAME", lines.same("pipeline", "inspect"), 1, 1),
    "draw pipeline": Rule("draw pipeline", lambda _given, _flags: [["pipeline", "draw"]], 0, 0, {"commit": ("c", True)}),
    "start pipeline": Rule("start pipeline NAME", lines.quiet("pipeline", "start"), 1, 1, runs=True),
    "stop pipeline": Rule("stop pipeline NAME", lines.quiet("pipeline", "stop"), 1, 1),
    "delete pipeline": Rule(
        "delete pipeline NAME [-f] [--keep-repo]", lines.delete_pipeline, 1, 1, {**_FORCE, "keep-repo": ("", False)}
    ),
    "rerun pipeline": Rule("rerun pipeline NAME [--reprocess]", lines.rerun, 1, 1, {"reprocess": ("", False)}),
    "run pipeline": Rule("run pipeline NAME", lines.rerun, 1, 1, {"reprocess": ("", False)}),
    "run cron": Rule("run cron PIPELINE", lines.quiet("pipeline", "tick"), 1, 1, runs=True),
    "list job": Rule("list job [ID] [-p PIPELINE] [--state STATE]", lines.list_job, 0, 1, _LISTS),
    "inspect job": Rule("inspect job PIPELINE@ID", lines.inspect_job, 1, 1, {"wait": ("w", False)}),
    "wait job": Rule("wait job PIPELINE@ID | ID", lines.wait_job, 1, 1),
    "list datum": Rule("list datum PIPELINE@ID | -f SPEC", lines.list_datum, 0, 1, {"file": ("f", True)}),
    "inspect datum": Rule("inspect datum PIPELINE@ID DATUM", lines.inspect_datum, 2, 2),
    "logs": Rule("logs --pipeline NAME | --job PIPELINE@ID [--datum ID] [-f]", lines.logs, 0, 1, _LOGS),
    "start transaction": Rule("start transaction", lines.transaction("start")),
    "finish transaction": Rule("finish transaction [ID]", lines.transaction("finish"), 0, 1, runs=True),
    "stop transaction": Rule("stop transaction", lines.transaction("stop")),
    "delete transaction": Rule("delete transaction [ID]", lines.transaction("stop"), 0, 1),
    "list transaction": Rule("list transaction", lines.transaction("inspect")),
    "inspect transaction": Rule("inspect transaction [ID]", lines.transaction("inspect"), 0, 1),
    "resume transaction": Rule("resume transaction ID", lines.transaction("inspect"), 1, 1),
    "fsck": Rule("fsck [--fix]", lines.fsck, 0, 0, {"fix": ("f", False), "zombie": ("", True), "zombie-all": ("", False)}),
    "version": Rule("version", lambda _given, _flags: [["--version"]], 0, 0, {"client-only": ("", False)}),
}  # fmt: skip
