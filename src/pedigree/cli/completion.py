"""`pedigree completion`: tab completion for bash, zsh and fish; `pedigree __complete` gives the candidates."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from pedigree.cli.command import Command, Noun
from pedigree.cli.main import COMMANDS as EVERY
from pedigree.cli.main import load

if TYPE_CHECKING:
    from pedigree.cli.command import Arguments, Parser
    from pedigree.store import Store

#: A folder of a million files would fill the screen, and nobody reads it.
MOST = 200

SCRIPTS = {
    "bash": """\
# pedigree completion bash: put `eval "$(pedigree completion bash)"` into ~/.bashrc
_pedigree() {
    local line words cword IFS=$'\\n'
    # Bash splits at : and @, which are parts of our references; complete on whole words instead.
    line="${COMP_LINE:0:COMP_POINT}"
    IFS=' ' read -a words <<< "$line"  # without -r: a backslash and a space are one space of a word
    [[ "$line" == *[^\\\\]' ' ]] && words+=("")
    cword="${words[-1]}"
    local candidate prefix=""
    [[ -n "$cword" ]] && printf -v prefix %q "$cword"
    prefix="${prefix%"${2}"}"
    COMPREPLY=()
    while read -r candidate; do
        [[ -n "$candidate" ]] || continue
        printf -v candidate %q "$candidate"
        COMPREPLY+=("${candidate#"$prefix"}")
    done < <(pedigree __complete "${words[@]:1}" 2>/dev/null)
    [[ ${#COMPREPLY[@]} -eq 1 && "${COMPREPLY[0]}" == *[/:@] ]] && compopt -o nospace
    [[ ${#COMPREPLY[@]} -eq 0 ]] && compopt -o default
}
complete -F _pedigree pedigree
""",
    "zsh": """\
# pedigree completion zsh: put `eval "$(pedigree completion zsh)"` into ~/.zshrc, after compinit
_pedigree() {
    local -a candidates open closed
    candidates=(${(f)"$(pedigree __complete "${(@Q)words[2,CURRENT]}" 2>/dev/null)"})
    open=(${(M)candidates:#*[/:@]})
    closed=(${candidates:#*[/:@]})
    (( ${#open} )) && compadd -S '' -- "${open[@]}"
    (( ${#closed} )) && compadd -- "${closed[@]}"
    (( ${#open} + ${#closed} )) || _files
}
compdef _pedigree pedigree
""",
    "fish": """\
# pedigree completion fish: pedigree completion fish > ~/.config/fish/completions/pedigree.fish
function __pedigree_complete
    set -l words (commandline -opc) (commandline -ct | string unescape)
    set -l found (pedigree __complete $words[2..-1] 2>/dev/null)
    if set -q found[1]
        printf '%s\\n' $found
    else
        __fish_complete_path (commandline -ct)
    end
end
complete -c pedigree -f -a '(__pedigree_complete)'
""",
}

#: What kind of name each word of a command is, by the metavar of its argument.
NAMES = {
    "REPO": "repo",
    "REPO[@REF]": "reference",
    "REPO@REF": "reference",
    "REPO@REF|RUN": "reference",
    "REPO@BRANCH": "branch",
    "REPO@TAG": "tag",
    "REPO[@REF][:/PATH]": "place",
    "REPO[@BRANCH][:/PATH]": "place",
    "REPO[@REF]:/PATH": "place",
    "REPO[@BRANCH]:/PATH": "place",
    "REPO[@REF]:GLOB": "place",
    "REPO@BRANCH[:/PATH]": "place",
    "PLACE": "place",
    "PIPELINE": "pipeline",
    "PIPELINE[@RUN]": "job",
    "RUN": "run",
    "DATUM": "datum",
    "ENVIRONMENT": "environment",
    "OLD": "place",
}


#: Set-up for scripts with @config.main, started as `python train.py` or `./train.py`.
SCRIPTS_OF_CONFIG = {
    "bash": """\
# pedigree completion bash --scripts: overrides of scripts with @config.main
_pedigree_script() {
    local line words at=0 candidate word="${COMP_WORDS[COMP_CWORD]}" IFS=$'\\n'
    line="${COMP_LINE:0:COMP_POINT}"
    IFS=' ' read -a words <<< "$line"
    [[ "$line" == *[^\\\\]' ' ]] && words+=("")
    [[ "${words[0]}" == *.py ]] || at=1
    COMPREPLY=()
    [[ "${words[at]}" == *.py && ${#words[@]} -gt $((at + 1)) ]] || return
    local whole="${words[-1]}"
    [[ "$word" == [=:@] ]] && word=""  # bash replaces what comes after it
    while read -r candidate; do
        COMPREPLY+=("${word:+${candidate#"${whole%"$word"}"}}")
        [[ -n "$word" ]] || COMPREPLY[-1]="${candidate#"$whole"}"
    done < <(pedigree __complete_script "${words[@]:at}" 2>/dev/null)
    [[ ${#COMPREPLY[@]} -eq 1 && "${COMPREPLY[0]}" == *[=./] ]] && compopt -o nospace
}
complete -o default -o bashdefault -F _pedigree_script python python3 $(ls *.py 2>/dev/null | sed 's|^|./|')
""",
    "zsh": """\
# pedigree completion zsh --scripts: overrides of scripts with @config.main
_pedigree_script() {
    local at=1
    [[ "${words[1]}" == *.py ]] || at=2
    [[ "${words[at]}" == *.py && CURRENT -gt at ]] || { _files; return }
    local -a candidates open closed
    candidates=(${(f)"$(pedigree __complete_script "${(@Q)words[at,CURRENT]}" 2>/dev/null)"})
    open=(${(M)candidates:#*[=./]})
    closed=(${candidates:#*[=./]})
    (( ${#open} )) && compadd -S '' -- "${open[@]}"
    (( ${#closed} )) && compadd -- "${closed[@]}"
    (( ${#open} + ${#closed} )) || _files
}
compdef _pedigree_script python python3
compdef -p _pedigree_script '*.py'
""",
    "fish": """\
# pedigree completion fish --scripts: overrides of scripts with @config.main
function __pedigree_is_script
    set -l words (commandline -opc)
    string match -q '*.py' -- $words[1]; or set -e words[1]
    string match -q '*.py' -- $words[1]
end
function __pedigree_script
    set -l words (commandline -opc) (commandline -ct | string unescape)
    string match -q '*.py' -- $words[1]; or set -e words[1]
    set -q words[2]; and string match -q '*.py' -- $words[1]; and pedigree __complete_script $words 2>/dev/null
end
complete -c python -f -n __pedigree_is_script -a '(__pedigree_script)'
complete -c python3 -f -n __pedigree_is_script -a '(__pedigree_script)'
""",
}


def _declare(parser: Parser) -> None:
    parser.add_argument(
        "--scripts", action="store_true", help="For `python SCRIPT.py`, where the script uses @config.main"
    )
    parser.add_argument("shell", metavar="bash|zsh|fish", choices=list(SCRIPTS), help="Your shell")


def _run(arguments: Arguments) -> None:
    sys.stdout.write((SCRIPTS_OF_CONFIG if arguments.scripts else SCRIPTS)[arguments.shell])


def _complete(arguments: Arguments) -> None:
    words = arguments.words or [""]
    try:
        for candidate in sorted(set(candidates(words)))[:MOST]:
            print(candidate)
    except Exception:  # noqa: S110  half a word is often wrong; a shell that completes wants silence, not a traceback
        pass


def _complete_script(arguments: Arguments) -> None:
    script, *before, last = arguments.words
    try:
        from pedigree.config.entry.survey import surveyed

        where = surveyed(script)
        if where is not None and last.startswith("-"):
            from pedigree.config.entry.arguments import options

            for option in options():
                if option.startswith(last):
                    print(option)
        elif where is not None:
            for candidate in _overrides(*where, before, last):
                print(candidate)
    except Exception:  # noqa: S110  as above
        pass


def _overrides(folder: str, name: str, before: list[str], last: str) -> list[str]:
    from pedigree.config.completion import candidates as found
    from pedigree.config.composing.composition import search_path

    said = tuple(word for word in before if not word.startswith("-"))
    return found(last, search_path(folder, (), "hydra-1.3"), name, said)[:MOST]


def _option_of(rest: list[str], name: str, standard: str) -> str:
    """What an option that takes a value was given, `--dir conf` or `--dir=conf`."""
    for at, word in enumerate(rest):
        if word == name and at + 1 < len(rest):
            return rest[at + 1]
        if word.startswith(f"{name}="):
            return word.partition("=")[2]
    return standard


def candidates(words: list[str]) -> Iterator[str]:
    """Everything that the last of the words, which may be empty, could become. The first is the command."""
    *before, last = words
    while before and before[0].startswith("-C"):
        apart = before[0] == "-C"
        if apart and len(before) == 1:
            return  # the folder itself, which the shell completes
        os.chdir(before[1] if apart else before[0][2:])
        before = before[2 if apart else 1 :]
    if not before:
        yield from _starting(last, (name for _, group in EVERY for name, _, _ in group))
        return
    command = load(before[0])
    rest = before[1:]
    if isinstance(command, Noun):
        if not rest:
            yield from _starting(last, command.commands)
            if command.otherwise is None:
                return
        verb = rest[0] if rest else ""
        # The verb that may be left out: what stands there is its first argument.
        if command.otherwise is None or verb in command.commands:
            command, rest = command.commands[verb], rest[1:]
        else:
            command = command.commands[command.otherwise]
    if before[0] == "help":
        from pedigree.cli.topics import TOPICS

        known = [name for _, group in EVERY for name, _, _ in group]
        yield from _starting(last, [*known, *TOPICS] if not rest else ())
        return
    if before[0] == "pachctl":
        from pedigree.cli.pachctl_rules import RULES

        said = " ".join([*rest, last])
        yield from (rule.split(" ")[len(rest)] for rule in RULES if rule.startswith(said))
        return
    if command.raw:
        return
    parser = command.parser()
    if last.startswith("-"):
        yield from _starting(last, (text for action in parser._actions for text in action.option_strings))
        return
    yield from _argument(parser, rest, last)


def _argument(parser: Parser, rest: list[str], last: str) -> Iterator[str]:
    options = {text: action for action in parser._actions for text in action.option_strings}
    positional = [action for action in parser._actions if not action.option_strings]
    given = 0
    waiting = None
    for word in rest:
        if waiting is not None:
            waiting = None
        elif word in options:
            waiting = options[word] if options[word].nargs != 0 else None
        else:
            given += 1
    first = next((word for word in rest if not word.startswith("-")), "")
    action = waiting or (positional[min(given, len(positional) - 1)] if positional else None)
    if action is None or (action is not waiting and given >= len(positional) and action.nargs not in {"*", "+"}):
        return
    if action.choices:
        yield from _starting(last, map(str, action.choices))
    elif action.metavar in {"OVERRIDE", "KEY"}:
        folder, name = _option_of(rest, "--dir", "conf"), _option_of(rest, "--name", "config")
        found = _overrides(folder, name, rest if action.metavar == "OVERRIDE" else [], last)
        keys = {one.rstrip("=.") for one in found if "/" not in one}
        yield from found if action.metavar == "OVERRIDE" else keys
    else:
        kind = NAMES.get(str(action.metavar), "")
        if kind:
            yield from _starting(last, _names(kind, last, first))


def _names(kind: str, last: str, first: str) -> Iterator[str]:
    """Names of a kind; of datums those of the job that the command's first argument names, or of the newest jobs."""
    import pedigree

    with pedigree.open() as store:
        if kind in {"repo", "reference", "place", "branch", "tag"}:
            yield from _references(store, last, kind)
        elif kind == "datum":
            from pedigree.pipeline import jobs

            some = [jobs.get(store, first)] if first else jobs.all_jobs(store)[:5]
            yield from (item.datum[:12] for job in some for item in jobs.datums(store, job))
        elif kind == "environment":
            from pedigree.pipeline.environments import kept

            yield from (folder.name[:12] for folder, _ in kept.every(store))
        elif kind == "run":
            yield from (run.id for run in store.runs(20))
        else:
            from pedigree.pipeline import jobs, pipelines

            if "@" in last and kind == "job":
                pipeline = last.partition("@")[0]
                yield from (f"{pipeline}@{job.run}" for job in jobs.all_jobs(store, pipeline)[:20])
            else:
                yield from (item.pipeline.name for item in pipelines.registered(store))


def _references(store: Store, last: str, kind: str) -> Iterator[str]:
    where, colon, path = last.partition(":")
    if colon and kind == "place":
        yield from _paths(store, where, path)
    elif "@" in where and kind != "repo":
        repo = where.partition("@")[0]
        more = ":" if kind == "place" else ""
        if kind != "tag":
            yield from (f"{repo}@{branch.name}{more}" for branch in store.branches(repo))
        if kind != "branch":
            yield from (f"{repo}@{tag.name}{more}" for tag in store.tags(repo))
    else:
        more = "" if kind == "repo" else "@"
        yield from (f"{item.name}{more}" for item in store.repositories())


def _paths(store: Store, where: str, path: str) -> Iterator[str]:
    from pedigree.store import trees

    folder = path.rpartition("/")[0].strip("/")
    commit = store.resolve(where).commit
    for name, item in trees.children(commit.tree, folder, store.objects.read):
        full = os.path.join("/", folder, name)
        yield f"{where}:{full}" + ("" if isinstance(item, trees.Entry) else "/")


def _starting(start: str, names: Iterable[str]) -> Iterator[str]:
    return (name for name in names if name.startswith(start))


COMMANDS = {
    "completion": Command(
        "completion",
        "Print the set-up for tab completion in your shell",
        declare=_declare,
        run=_run,
        json=False,
        details="Completes commands, options, repositories, branches, tags, paths in commits, pipelines, jobs and runs.",
        examples=[
            ("bash, in ~/.bashrc", 'eval "$(pedigree completion bash)"'),
            ("zsh, in ~/.zshrc after compinit", 'eval "$(pedigree completion zsh)"'),
            ("fish", "pedigree completion fish > ~/.config/fish/completions/pedigree.fish"),
            ("for `python train.py`, too", 'eval "$(pedigree completion bash --scripts)"'),
        ],
    ),
    "__complete": Command("__complete", "Candidates for a word", run=_complete, json=False, raw=True),
    "__complete_script": Command(
        "__complete_script", "Candidates for an override of a script", run=_complete_script, json=False, raw=True
    ),
}
