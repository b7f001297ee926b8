"""The lines of `pedigree pachctl`: our words for the arguments and flags of a pachctl command."""

from __future__ import annotations

from collections.abc import Callable

from pedigree.errors import InvalidInput

#: Flags that were given, by their long name; those without a value have an empty list.
Flags = dict[str, list[str]]
Lines = list[list[str]]
Build = Callable[[list[str], Flags], Lines]


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


def put_file(given: list[str], flags: Flags) -> Lines:
    sources = [part for value in flags.get("file", []) for part in value.split(",")]
    if not sources and "input-file" not in flags:
        sources = ["-"]
    line = ["put", place(given[0])]
    line += [f"--{name}" for name in ("append", "full-path", "untar") if name in flags]
    line += option(flags, "input-file") + option(flags, "message")
    return [[*line, *sources]]


def get_file(given: list[str], flags: Flags) -> Lines:
    target = last(flags, "output")
    if not target and "recursive" not in flags:
        return [["cat", place(given[0])]]
    return [["get", place(given[0]), "--overwrite", *(["-o", target] if target else [])]]


def diff_file(given: list[str], flags: Flags) -> Lines:
    how = [f"--{name}" for name in ("name-only", "shallow") if name in flags]
    return [["diff", *map(place, given), *(how or ["--patch"])]]


def update_repo(given: list[str], _flags: Flags) -> Lines:
    raise InvalidInput(
        f"The description of {given[0]!r} was set when it was made and stays.",
        remedy="Make a repository with the right one: pedigree repo create REPO -d TEXT.",
    )


def delete_repo(given: list[str], flags: Flags) -> Lines:
    return [["repo", "delete", place(given[0]), *(["--force"] if "force" in flags else [])]]


def create_branch(given: list[str], flags: Flags) -> Lines:
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


def commit_list(given: list[str], flags: Flags) -> Lines:
    line = ["commit", "list"]
    if given and "@" not in given[0] and is_run(given[0]):
        line += ["--run", given[0]]
    else:
        line += map(place, given)
    return [[*line, *option(flags, "number", "-n"), *json(flags)]]


def is_run(text: str) -> bool:
    """Whether the text is a global id rather than a name."""
    return len(text) == 32 and set(text) <= set("0123456789abcdef")


def inspect_commit(given: list[str], flags: Flags) -> Lines:
    if is_run(given[0]):
        return [["runs", "inspect", given[0], *json(flags)]]
    return [["commit", "inspect", place(given[0]), *json(flags)]]


def wait_commit(given: list[str], flags: Flags) -> Lines:
    return [["runs" if is_run(given[0]) else "commit", "wait", place(given[0]), *json(flags)]]


def subscribe(given: list[str], flags: Flags) -> Lines:
    return [["commit", "subscribe", place(given[0]), *(["--new"] if "new" in flags else []), *json(flags)]]


def find_commit(given: list[str], flags: Flags) -> Lines:
    return [["find", place(given[0]), *option(flags, "limit"), *json(flags)]]


def apply(_given: list[str], flags: Flags) -> Lines:
    files = flags.get("file", []) + flags.get("jsonnet", [])
    line = ["apply", *(files or ["-"])]
    for value in flags.get("arg", []):
        line += ["--arg", value]
    return [[*line, *(f"--{name}" for name in ("reprocess", "dry-run") if name in flags), *json(flags)]]


def delete_pipeline(given: list[str], flags: Flags) -> Lines:
    return [["pipeline", "delete", place(given[0]), *(f"--{name}" for name in ("force", "keep-repo") if name in flags)]]


def rerun(given: list[str], flags: Flags) -> Lines:
    return [["run", place(given[0]), *(["--reprocess"] if "reprocess" in flags else [])]]


def list_job(given: list[str], flags: Flags) -> Lines:
    line = ["job", "list", *(place(name) for name in flags.get("pipeline", [])[-1:])]
    if given:
        line += ["--run", given[0]]
    return [[*line, *option(flags, "state"), *option(flags, "number", "-n"), *json(flags)]]


def inspect_job(given: list[str], flags: Flags) -> Lines:
    if is_run(given[0]):
        return [["job", "list", "--run", given[0], *json(flags)]]
    return [["job", "inspect", place(given[0]), *json(flags)]]


def wait_job(given: list[str], flags: Flags) -> Lines:
    return [["runs" if is_run(given[0]) else "job", "wait", place(given[0]), *json(flags)]]


def list_datum(given: list[str], flags: Flags) -> Lines:
    if flags.get("file"):
        return [["datum", "list", "-f", last(flags, "file"), *json(flags)]]
    if not given:
        raise InvalidInput("list datum takes a job or -f SPEC.", remedy="For example: pachctl list datum edges@ID")
    return [["datum", "list", place(given[0]), *json(flags)]]


def inspect_datum(given: list[str], flags: Flags) -> Lines:
    return [["datum", "inspect", given[1], "--job", place(given[0]), *json(flags)]]


def logs(given: list[str], flags: Flags) -> Lines:
    job = last(flags, "job") or last(flags, "pipeline") or (given[0] if given else "")
    if not job:
        raise InvalidInput(
            "logs takes --pipeline NAME or --job PIPELINE@ID.", remedy="For example: logs --pipeline edges"
        )
    line = ["logs", place(job), *option(flags, "datum"), *option(flags, "tail")]
    return [[*line, *(["--follow"] if "follow" in flags else []), *json(flags)]]


def fsck(_given: list[str], flags: Flags) -> Lines:
    return [["fsck", *(["--repair"] if "fix" in flags else []), *json(flags)]]


def transaction(verb: str) -> Build:
    return lambda _given, flags: [["transaction", verb, *json(flags)]]
