"""The rules of `pedigree pachctl`: what each pachctl 2.x command takes, and what it is in our words."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from pedigree.errors import InvalidInput

#: Flags that were given, by their long name; those without a value have an empty list.
Flags = dict[str, list[str]]
Lines = list[list[str]]
Build = Callable[[list[str], Flags], Lines]

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


def place(text: str) -> str:
    """A pachctl reference in our spelling: project `default` and everything beyond it left out."""
    project, slash, rest = text.partition("/")
    if slash and "@" not in project and ":" not in project:
        if project != "default":
            raise InvalidInput(
                f"{text!r} names the project {project!r}: a store here is one project.",
                remedy=f"Write {rest!r}, in the store that is meant.",
            )
        return rest
    return text


def json(flags: Flags) -> list[str]:
    """`--json` where pachctl was asked for --raw or -o json."""
    wanted = "raw" in flags or bool({"json", "yaml"} & set(flags.get("output", [])))
    return ["--json"] if wanted else []


def last(flags: Flags, name: str) -> str:
    """The value of a flag, the last one given; empty when it was not."""
    return flags[name][-1] if flags.get(name) else ""


def option(flags: Flags, name: str, ours: str = "") -> list[str]:
    """Our option for theirs, with its value, when it was given."""
    if name not in flags:
        return []
    return [ours or f"--{name}", *flags[name][-1:]]


def same(*words: str) -> Build:
    """The same with other words: references in our spelling, --raw as --json."""
    return lambda given, flags: [[*words, *map(place, given), *json(flags)]]


def quiet(*words: str) -> Build:
    """As `same`, for commands without a result, which take no --json."""
    return lambda given, _: [[*words, *map(place, given)]]


def _put_file(given: list[str], flags: Flags) -> Lines:
    sources = [part for value in flags.get("file", []) for part in value.split(",")]
    if not sources and "input-file" not in flags:
        sources = ["-"]
    line = ["put", place(given[0])]
    line += [f"--{name}" for name in ("append", "full-path", "untar") if name in flags]
    line += option(flags, "input-file") + option(flags, "message")
    return [[*line, *sources]]


def _get_file(given: list[str], flags: Flags) -> Lines:
    target = last(flags, "output")
    if not target and "recursive" not in flags:
        return [["cat", place(given[0])]]
    return [["get", place(given[0]), "--overwrite", *(["-o", target] if target else [])]]


def _diff_file(given: list[str], flags: Flags) -> Lines:
    return [["diff", *map(place, given), *(["--name-only"] if "name-only" in flags else ["--patch"])]]


def _update_repo(given: list[str], _flags: Flags) -> Lines:
    raise InvalidInput(
        f"The description of {given[0]!r} was set when it was made and stays.",
        remedy="Make a repository with the right one: pedigree repo create REPO -d TEXT.",
    )


def _delete_repo(given: list[str], flags: Flags) -> Lines:
    return [["repo", "delete", place(given[0]), *(["--force"] if "force" in flags else [])]]


def _create_branch(given: list[str], flags: Flags) -> Lines:
    if flags.get("provenance"):
        raise InvalidInput(
            "A branch takes no provenance of its own here: a pipeline's inputs are its provenance.",
            remedy="Leave -p out, or describe the dependency as a pipeline.",
        )
    line = ["branch", "create", place(given[0]), *option(flags, "head")]
    names = {"trigger": "watch", "trigger-size": "size", "trigger-commits": "commits"}
    names |= {"trigger-rate-limit": "rate", "trigger-cron": "cron", "trigger-all": "all"}
    for theirs, ours in names.items():
        line += option(flags, theirs, f"--{ours}")
    return [line]


def _commit_list(given: list[str], flags: Flags) -> Lines:
    line = ["commit", "list"]
    if given and "@" not in given[0] and is_run(given[0]):
        line += ["--run", given[0]]
    else:
        line += map(place, given)
    return [[*line, *option(flags, "number", "-n"), *json(flags)]]


def is_run(text: str) -> bool:
    """Whether the text is a global id rather than a name."""
    return len(text) == 32 and set(text) <= set("0123456789abcdef")


def _inspect_commit(given: list[str], flags: Flags) -> Lines:
    if is_run(given[0]):
        return [["runs", "inspect", given[0], *json(flags)]]
    return [["commit", "inspect", place(given[0]), *json(flags)]]


def _wait_commit(given: list[str], flags: Flags) -> Lines:
    return [["runs" if is_run(given[0]) else "commit", "wait", place(given[0]), *json(flags)]]


def _subscribe(given: list[str], flags: Flags) -> Lines:
    return [["commit", "subscribe", place(given[0]), *(["--new"] if "new" in flags else []), *json(flags)]]


def _find_commit(given: list[str], flags: Flags) -> Lines:
    return [["find", place(given[0]), *option(flags, "limit"), *json(flags)]]


def _apply(_given: list[str], flags: Flags) -> Lines:
    files = flags.get("file", []) + flags.get("jsonnet", [])
    line = ["apply", *(files or ["-"])]
    for value in flags.get("arg", []):
        line += ["--arg", value]
    return [[*line, *(f"--{name}" for name in ("reprocess", "dry-run") if name in flags), *json(flags)]]


def _delete_pipeline(given: list[str], flags: Flags) -> Lines:
    return [["pipeline", "delete", place(given[0]), *(f"--{name}" for name in ("force", "keep-repo") if name in flags)]]


def _rerun(given: list[str], flags: Flags) -> Lines:
    return [["run", place(given[0]), *(["--reprocess"] if "reprocess" in flags else [])]]


def _list_job(given: list[str], flags: Flags) -> Lines:
    line = ["job", "list", *(place(name) for name in flags.get("pipeline", [])[-1:])]
    if given:
        line += ["--run", given[0]]
    return [[*line, *option(flags, "state"), *option(flags, "number", "-n"), *json(flags)]]


def _inspect_job(given: list[str], flags: Flags) -> Lines:
    if is_run(given[0]):
        return [["job", "list", "--run", given[0], *json(flags)]]
    return [["job", "inspect", place(given[0]), *json(flags)]]


def _wait_job(given: list[str], flags: Flags) -> Lines:
    return [["runs" if is_run(given[0]) else "job", "wait", place(given[0]), *json(flags)]]


def _list_datum(given: list[str], flags: Flags) -> Lines:
    if flags.get("file"):
        return [["datum", "list", "-f", last(flags, "file"), *json(flags)]]
    if not given:
        raise InvalidInput("list datum takes a job or -f SPEC.", remedy="For example: pachctl list datum edges@ID")
    return [["datum", "list", place(given[0]), *json(flags)]]


def _inspect_datum(given: list[str], flags: Flags) -> Lines:
    return [["datum", "inspect", given[1], "--job", place(given[0]), *json(flags)]]


def _logs(given: list[str], flags: Flags) -> Lines:
    job = last(flags, "job") or last(flags, "pipeline") or (given[0] if given else "")
    if not job:
        raise InvalidInput(
            "logs takes --pipeline NAME or --job PIPELINE@ID.", remedy="For example: logs --pipeline edges"
        )
    line = ["logs", place(job), *option(flags, "datum"), *option(flags, "tail")]
    return [[*line, *(["--follow"] if "follow" in flags else []), *json(flags)]]


def _fsck(_given: list[str], flags: Flags) -> Lines:
    return [["fsck", *(["--repair"] if "fix" in flags else []), *json(flags)]]


def _transaction(verb: str) -> Build:
    return lambda _given, flags: [["transaction", verb, *json(flags)]]


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
        lambda given, flags: [["repo", "create", place(given[0]), *option(flags, "description")]],
        1, 1, {"description": ("d", True)},
    ),
    "update repo": Rule("update repo REPO -d TEXT", _update_repo, 1, 1, {"description": ("d", True)}),
    "list repo": Rule("list repo", same("repo", "list")),
    "inspect repo": Rule("inspect repo REPO", same("repo", "inspect"), 1, 1),
    "delete repo": Rule("delete repo REPO [-f]", _delete_repo, 1, 1, _FORCE),
    "put file": Rule("put file REPO@BRANCH[:/PATH] [-r] -f SOURCE ...", _put_file, 1, 1, _COPIES, runs=True),
    "get file": Rule("get file REPO@REF:/PATH [-r] [-o OUTPUT]", _get_file, 1, 1, _GETS),
    "list file": Rule(
        "list file REPO@REF[:/PATH]",
        lambda given, flags: [["ls", "-l", place(given[0]), *json(flags)]],
        1, 1, {"history": ("", True), "recursive": ("r", False)},
    ),
    "glob file": Rule("glob file 'REPO@REF:GLOB'", same("glob", "-l"), 1, 1),
    "inspect file": Rule("inspect file REPO@REF:/PATH", same("inspect"), 1, 1),
    "copy file": Rule("copy file SOURCE TARGET", quiet("copy"), 2, 2, {"append": ("a", False)}, runs=True),
    "delete file": Rule("delete file REPO@BRANCH:/PATH", quiet("delete"), 1, 1, {"recursive": ("r", False)}, runs=True),
    "diff file": Rule(
        "diff file NEW [OLD] [--name-only]", _diff_file, 1, 2,
        {"name-only": ("", False), "shallow": ("s", False), "diff-command": ("", True)},
    ),
    "start commit": Rule(
        "start commit REPO@BRANCH [-m TEXT]",
        lambda given, flags: [["commit", "start", place(given[0]), *option(flags, "message")]],
        1, 1, {**_MESSAGE, "parent": ("p", True)},
    ),
    "finish commit": Rule(
        "finish commit REPO@BRANCH [-m TEXT]",
        lambda given, flags: [["commit", "finish", place(given[0]), *option(flags, "message")]],
        1, 1, {**_MESSAGE, **_FORCE}, runs=True,
    ),
    "list commit": Rule(
        "list commit [REPO[@BRANCH] | ID] [-n NUMBER]", _commit_list, 0, 1,
        {**_NUMBER, "from": ("f", True), "all": ("", False), "origin": ("", True)},
    ),
    "inspect commit": Rule("inspect commit REPO@REF | ID", _inspect_commit, 1, 1),
    "wait commit": Rule("wait commit REPO@REF | ID", _wait_commit, 1, 1),
    "subscribe commit": Rule(
        "subscribe commit REPO@BRANCH [--new]", _subscribe, 1, 1,
        {"new": ("", False), "from": ("", True), "pipeline": ("", True), "all": ("", False)},
    ),
    "squash commit": Rule("squash commit REPO@REF | ID", quiet("commit", "squash"), 1, 1, {"recursive": ("r", False)}),
    "delete commit": Rule("delete commit REPO@REF | ID", quiet("commit", "delete"), 1, 1, {"recursive": ("r", False)}),
    "find commit": Rule(
        "find commit REPO@REF:/PATH [--limit NUMBER]", _find_commit, 1, 1, {"limit": ("", True), "start": ("", True)}
    ),
    "create branch": Rule("create branch REPO@BRANCH [--head REF] [--trigger ...]", _create_branch, 1, 1, _BRANCH, runs=True),
    "list branch": Rule("list branch REPO", same("branch", "list"), 0, 1),
    "inspect branch": Rule("inspect branch REPO@BRANCH", same("branch", "inspect"), 1, 1),
    "delete branch": Rule("delete branch REPO@BRANCH", quiet("branch", "delete"), 1, 1, _FORCE),
    "create pipeline": Rule("create pipeline -f SPEC [--jsonnet FILE --arg K=V]", _apply, 0, 0, _SPEC, runs=True),
    "update pipeline": Rule("update pipeline -f SPEC [--reprocess]", _apply, 0, 0, _SPEC, runs=True),
    "list pipeline": Rule(
        "list pipeline [NAME]",
        lambda given, flags: [["pipeline", "inspect", place(given[0])] if given else ["pipeline", "list", *json(flags)]],
        0, 1, {"spec": ("s", False), "history": ("", True), "state": ("", True), "commit": ("c", True)},
    ),
    "inspect pipeline": Rule("inspect pipeline NAME", same("pipeline", "inspect"), 1, 1),
    "draw pipeline": Rule("draw pipeline", lambda _given, _flags: [["pipeline", "draw"]], 0, 0, {"commit": ("c", True)}),
    "start pipeline": Rule("start pipeline NAME", quiet("pipeline", "start"), 1, 1, runs=True),
    "stop pipeline": Rule("stop pipeline NAME", quiet("pipeline", "stop"), 1, 1),
    "delete pipeline": Rule(
        "delete pipeline NAME [-f] [--keep-repo]", _delete_pipeline, 1, 1, {**_FORCE, "keep-repo": ("", False)}
    ),
    "rerun pipeline": Rule("rerun pipeline NAME [--reprocess]", _rerun, 1, 1, {"reprocess": ("", False)}),
    "run pipeline": Rule("run pipeline NAME", _rerun, 1, 1, {"reprocess": ("", False)}),
    "run cron": Rule("run cron PIPELINE", quiet("pipeline", "tick"), 1, 1, runs=True),
    "list job": Rule("list job [ID] [-p PIPELINE] [--state STATE]", _list_job, 0, 1, _LISTS),
    "inspect job": Rule("inspect job PIPELINE@ID", _inspect_job, 1, 1, {"wait": ("w", False)}),
    "wait job": Rule("wait job PIPELINE@ID | ID", _wait_job, 1, 1),
    "list datum": Rule("list datum PIPELINE@ID | -f SPEC", _list_datum, 0, 1, {"file": ("f", True)}),
    "inspect datum": Rule("inspect datum PIPELINE@ID DATUM", _inspect_datum, 2, 2),
    "logs": Rule("logs --pipeline NAME | --job PIPELINE@ID [--datum ID] [-f]", _logs, 0, 1, _LOGS),
    "start transaction": Rule("start transaction", _transaction("start")),
    "finish transaction": Rule("finish transaction [ID]", _transaction("finish"), 0, 1, runs=True),
    "stop transaction": Rule("stop transaction", _transaction("stop")),
    "delete transaction": Rule("delete transaction [ID]", _transaction("stop"), 0, 1),
    "list transaction": Rule("list transaction", _transaction("inspect")),
    "inspect transaction": Rule("inspect transaction [ID]", _transaction("inspect"), 0, 1),
    "resume transaction": Rule("resume transaction ID", _transaction("inspect"), 1, 1),
    "fsck": Rule("fsck [--fix]", _fsck, 0, 0, {"fix": ("f", False), "zombie": ("", True), "zombie-all": ("", False)}),
    "version": Rule("version", lambda _given, _flags: [["--version"]], 0, 0, {"client-only": ("", False)}),
}  # fmt: skip
