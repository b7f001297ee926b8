"""`pedigree`: finds the command that was asked for, runs it, turns what goes wrong into two lines and a code.

The help of the whole program is drawn from the table below without importing anything, because `pedigree
--help` may cost at most three times `python -c pass`. A command's module is imported only when that command
is asked for.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # `import typing` costs as much as starting Python
if TYPE_CHECKING:
    from collections.abc import Sequence

    from pedigree.cli.command import Command, Noun

#: Every command, in the order that the help shows: (heading, ((name, module of pedigree.cli, summary), ...)).
COMMANDS: tuple[tuple[str, tuple[tuple[str, str, str], ...]], ...] = (
    (
        "Files",
        (
            ("init", "init", "Make a store for the project in this folder"),
            ("put", "put", "Put files, folders, archives or URLs into a repository"),
            ("get", "get", "Write files of a commit to disk"),
            ("ls", "ls", "List a folder of a commit"),
            ("cat", "get", "Print files of a commit"),
            ("glob", "ls", "List what a glob matches in a commit"),
            ("inspect", "inspect", "Show one file, folder or commit in full"),
            ("diff", "diff", "Show what changed between two commits"),
            ("log", "log", "Show the history of a branch"),
            ("find", "log", "Show the commits that touched a path"),
            ("copy", "copy", "Copy files between repositories without moving a byte"),
            ("delete", "copy", "Delete files, as a new commit"),
        ),
    ),
    (
        "History",
        (
            ("repo", "repo", "Repositories: create, list, inspect, delete"),
            ("branch", "branch", "Branches: create, move, list, inspect, delete"),
            ("tag", "tag", "Tags, fixed names for commits: create, list, delete"),
            ("commit", "commit", "Commits: start, finish, list, inspect, wait, squash, delete"),
            ("runs", "runs", "Runs, the commits that one change made: list, inspect, wait"),
            ("transaction", "transaction", "Transactions: several repositories in one run"),
            ("trigger", "trigger", "Triggers: move a branch when enough has changed"),
        ),
    ),
    (
        "Pipelines",
        (
            ("apply", "apply", "Create or update pipelines from spec files"),
            ("run", "run", "Bring every pipeline up to date"),
            ("status", "status", "Show what is out of date, and why"),
            ("explain", "explain", "Show why datums ran or were reused"),
            ("lineage", "lineage", "Show what made a result, or what a file went into"),
            ("verify", "verify", "Make a result again and compare it bit for bit"),
            ("bundle", "bundle", "Pack a result with everything that it takes to rebuild it"),
            ("replay", "replay", "Rebuild what a bundle holds and compare it bit for bit"),
            ("export", "export", "Write provenance as SLSA, OpenLineage, PROV, CycloneDX or a model card"),
            ("environment", "environment", "Environments that results were made in: lock, list, delete"),
            ("pipeline", "pipeline", "Pipelines: list, inspect, draw, stop, start, delete"),
            ("job", "job", "Jobs: list, inspect, wait"),
            ("datum", "datum", "Datums: list, inspect, shell"),
            ("logs", "logs", "Print what steps wrote"),
        ),
    ),
    (
        "Configuration",
        (("config", "config", "Configurations: show, why, check, freeze, diff, migrate"),),
    ),
    (
        "Labels",
        (("labels", "labels", "Labels: find wrong ones, apply what people decided"),),
    ),
    (
        "Care",
        (
            ("fsck", "fsck", "Check every byte of the store; change nothing"),
            ("gc", "gc", "Free the space of what no commit needs"),
            ("doctor", "doctor", "Show the environment, the store and what steps may rely on"),
        ),
    ),
    (
        "More",
        (
            ("pachctl", "pachctl", "Accept the commands of Pachyderm's documentation"),
            ("completion", "completion", "Print the set-up for tab completion in your shell"),
            ("help", "topics", "Explain a command or a topic: references, globs, exit-codes"),
        ),
    ),
)

#: Commands that the help does not show.
HIDDEN = {"__complete": "completion", "__complete_script": "completion"}

#: What each exit code tells a script. `pedigree.errors` assigns 1 to 8.
EXIT_CODES: tuple[tuple[int, str], ...] = (
    (0, "done"),
    (1, "a step or job failed, `diff --exit-code` found a difference, or `verify` or `replay` did not get the same"),
    (2, "wrong input: an argument, a name, a path, a spec"),
    (3, "not found: a store, repository, commit, path, job"),
    (4, "conflict: taken, still in use, locked, changed meanwhile"),
    (5, "damage: run `pedigree fsck`"),
    (6, "storage failed or the disk is full"),
    (7, "unsupported here: store format, file system, extra, isolation"),
    (8, "a download failed"),
    (70, "a bug in Pedigree, with its traceback"),
    (130, "interrupted by Ctrl-C"),
)

BUG, INTERRUPTED, BROKEN_PIPE = 70, 130, 141


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code; whatever goes wrong is told and becomes a code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = dispatch(words)
        sys.stdout.flush()
        if arguments is None:
            import gc

            gc.freeze()  # the process ends: let it not look through everything for cycles first (10 ms after a put)
    except KeyboardInterrupt:
        return _interrupted()
    except BrokenPipeError:
        return _broken_pipe()
    except Exception as error:
        return _failed(error)
    return code


def dispatch(words: list[str]) -> int:
    """Run the command that the words name; errors come out as exceptions."""
    words = _program_options(words)
    if not words:
        sys.stderr.write(program_help())
        return 2
    name, *rest = words
    if name in {"-h", "--help"} or (name == "help" and not rest):
        sys.stdout.write(program_help())
        return 0
    if name in {"-V", "--version"}:
        from pedigree import __version__

        print(f"pedigree {__version__}")
        return 0
    if name.startswith("-"):
        raise _no_option(name, rest)
    return load(name).main(rest)


def _no_option(name: str, rest: list[str]) -> Exception:
    from pedigree.errors import InvalidInput, meant

    known = ["-C", "--help", "--version"]
    example = f"pedigree {' '.join([*rest, name])}" if rest else "pedigree COMMAND --json"
    return InvalidInput(
        f"Before the command there is no option {name}.",
        remedy=f"{meant(name, known)}Options of a command come after it: `{example}`.",
    )


def load(name: str) -> Command | Noun:
    """The command or noun of that name, its module imported. Raises InvalidInput with the nearest name."""
    for _, commands in COMMANDS:
        for known, module, _ in commands:
            if known == name:
                return _attribute(module, name)
    if name in HIDDEN:
        return _attribute(HIDDEN[name], name)
    from pedigree.cli.command import unknown

    raise unknown("command", name, [known for _, group in COMMANDS for known, _, _ in group], "pedigree --help")


def _attribute(module: str, name: str) -> Command | Noun:
    found: Command | Noun = __import__(f"pedigree.cli.{module}", fromlist=("COMMANDS",)).COMMANDS[name]
    return found


def _program_options(words: list[str]) -> list[str]:
    # -C comes before the command, as in git and make, so that every command has it.
    while words and words[0].startswith("-C"):
        folder = words[0][2:] or (words[1] if len(words) > 1 else None)
        if not folder:
            from pedigree.errors import InvalidInput

            raise InvalidInput("-C needs a folder.", remedy="pedigree -C FOLDER COMMAND ...")
        words = words[1:] if words[0][2:] else words[2:]
        import os

        try:
            os.chdir(folder)
        except OSError as error:
            from pedigree.errors import InvalidInput

            raise InvalidInput(
                f"Cannot go to the folder {folder!r} given with -C: {error.strerror or error}.",
                remedy="-C takes a folder that exists: pedigree -C FOLDER COMMAND ...",
            ) from error
    return words


def program_help() -> str:
    """The help of the whole program, as `pedigree --help` prints it."""
    bold, dim, plain = _codes(sys.stdout)
    lines = [
        f"{bold}Pedigree{plain}: every result can name, and rebuild bit for bit, everything that made it.",
        "",
        f"{bold}Usage:{plain} pedigree [-C FOLDER] COMMAND [ARGUMENT...]",
    ]
    for heading, commands in COMMANDS:
        lines += ["", f"{bold}{heading}{plain}"]
        lines += [f"  {name:<12} {summary}" for name, _, summary in commands]
    lines += [
        "",
        f"{bold}Options{plain}",
        "  -C FOLDER    Run as if started in FOLDER",
        "  -h, --help   Show this help; after a command, show that command's help with examples",
        "  --version    Print the version",
        "",
        f"{bold}First steps{plain}",
        "  pedigree init",
        "  pedigree put images:/ photos/          # a repository `images`, one commit",
        "  pedigree apply pipelines.yaml          # tell Pedigree what to make of it",
        "  pedigree run                           # make it; again: nothing runs",
        "  pedigree lineage model@master          # what made it",
        "",
        f"{dim}REPO@REF[:/PATH] names things: `pedigree help references`. More: `pedigree help`.{plain}",
        "",
    ]
    return "\n".join(lines)


def _codes(stream: object) -> tuple[str, str, str]:
    from pedigree.cli.terminal import coloured

    return ("\x1b[1m", "\x1b[2m", "\x1b[0m") if coloured(stream) else ("", "", "")


def _failed(error: Exception) -> int:
    from pedigree.errors import PedigreeError

    if isinstance(error, PedigreeError):
        from pedigree.cli.terminal import paint, say, wrapped

        say(wrapped(f"{paint('error:', 'red')} {error.message}"))
        if error.remedy:
            say(wrapped(error.remedy))
        return error.exit_code
    import platform
    import traceback

    from pedigree import __version__
    from pedigree.cli.terminal import say

    traceback.print_exception(error)
    say(
        f"\nThis is a bug in Pedigree {__version__} (Python {platform.python_version()}, "
        f"{platform.system()}), not in what you typed.\n"
        "The store keeps every finished commit. Please report the lines above."
    )
    return BUG


def _interrupted() -> int:
    from pedigree.cli.terminal import say, wrapped

    say(wrapped("\nInterrupted. What was finished is kept; the same command goes on from there."))
    return INTERRUPTED


def _broken_pipe() -> int:
    # The reader went away (`pedigree ls ... | head`). The interpreter flushes stdout once more at its end and
    # would complain there, so the descriptor is pointed at /dev/null first.
    import os

    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return BROKEN_PIPE


if __name__ == "__main__":
    sys.exit(main())
