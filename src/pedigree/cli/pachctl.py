"""`pedigree pachctl`: the commands of Pachyderm's documentation, translated to ours and run.

pachctl_rules.py says what each becomes. A Pachyderm cluster starts jobs by itself; here the pipelines that a
command put out of date are run at its end, in the foreground.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from pedigree.cli.command import Arguments, Command, nearest
from pedigree.cli.pachctl_lines import Flags
from pedigree.cli.pachctl_rules import EVERYWHERE, NOT_HERE, RULES, Rule, Translated
from pedigree.cli.terminal import paint, say
from pedigree.errors import InvalidInput, Unsupported

#: States of pipelines for which a cluster would start a job.
DUE = ("out of date", "never run")


def translate(words: Sequence[str]) -> Translated:
    """Our command lines for a pachctl command line.

    Raises InvalidInput for what is no pachctl command, Unsupported for what needs a cluster.
    """
    rule, rest = find(list(words))
    if isinstance(rule, str):
        raise Unsupported(
            f"`pachctl {' '.join(words)}` is not possible here: {rule}.", remedy="`pedigree --help` lists ours."
        )
    given, flags = parse(rest, rule, " ".join(words))
    _check_project(flags)
    return Translated(rule.build(given, flags), runs=rule.runs and "no-run" not in flags)


def find(words: list[str]) -> tuple[Rule | str, list[str]]:
    """The rule of `VERB NOUN`, or of a single word, or why it is not possible here; and the words after it."""
    verb = words[0]
    if verb in NOT_HERE:
        return NOT_HERE[verb], words[1:]
    if verb in RULES:
        return RULES[verb], words[1:]
    if "-" in verb and verb.replace("-", " ", 1) in RULES:  # create-repo, the spelling of 1.x
        return RULES[verb.replace("-", " ", 1)], words[1:]
    noun = words[1] if len(words) > 1 else ""
    for candidate in (noun, noun.removesuffix("s"), noun.removesuffix("es")):
        for table in (NOT_HERE, RULES):
            found = table.get(f"{verb} {candidate}")
            if found is not None:
                return found, words[2:]
    known = [name for name in RULES if name.partition(" ")[0] == verb]
    if known:
        near = nearest(f"{verb} {noun}", known)
        raise InvalidInput(
            f"pachctl has no command {f'{verb} {noun}'.strip()!r}.",
            remedy=f"Did you mean `{near}`?" if near else f"There are {', '.join(known)}.",
        )
    raise InvalidInput(
        f"pachctl has no command {verb!r}.", remedy="`pedigree pachctl --help` lists what is translated."
    )


def parse(words: list[str], rule: Rule, line: str) -> tuple[list[str], Flags]:
    """Arguments and flags as cobra, pachctl's parser, reads them: mixed, `--flag=value`, `-rf FILE`, `--` ends them."""
    known = {**EVERYWHERE, **rule.flags}
    names = {name: long for long, (short, _) in known.items() for name in (f"--{long}", f"-{short}" if short else "")}
    given: list[str] = []
    flags: Flags = {}
    left = list(words)
    while left:
        word = left.pop(0)
        if word == "--":
            given += left
            break
        if not word.startswith("-") or word == "-":
            given.append(word)
            continue
        name, equals, value = word.partition("=")
        if not word.startswith("--") and len(name) > 2:
            takes = known[names[name[:2]]][1] if name[:2] in names else False
            name, rest = word[:2], word[2:]
            if takes:
                equals, value = "=", rest.removeprefix("=")
            else:
                left.insert(0, f"-{rest}")
        if name not in names:
            near = nearest(name, [known_name for known_name in names if known_name])
            raise InvalidInput(
                f"`pachctl {line}` has the flag {name}, which is not known here.",
                remedy=f"Did you mean {near}?" if near else f"Known are {', '.join(sorted(filter(None, names)))}.",
            )
        long = names[name]
        if not known[long][1]:
            if value != "false":
                flags[long] = []
        elif not equals and not left:
            raise InvalidInput(f"The flag {name} needs a value.", remedy=f"Write {name} VALUE.")
        else:
            flags.setdefault(long, []).append(value if equals else left.pop(0))
    if not rule.least <= len(given) <= rule.most:
        raise InvalidInput(
            f"`pachctl {line}` has {len(given)} arguments; it takes {rule.takes}.",
            remedy=f"Usage: pachctl {rule.usage}",
        )
    return given, flags


def _check_project(flags: Flags) -> None:
    for project in flags.get("project", []):
        if project != "default":
            raise Unsupported(
                f"There is no project {project!r}: a store here is one project.",
                remedy="Leave --project out, or make a store in a folder of its own: pedigree init FOLDER.",
            )


def _run(arguments: Arguments) -> int:
    words = arguments.words
    if not words or words[0] in {"-h", "--help", "help"}:
        print(COMMANDS["pachctl"].help())
        print("\n" + listing())
        return 0
    from pedigree.cli.main import dispatch

    translated = translate([word for word in words if word not in {"-h", "--help"}] if len(words) > 2 else words)
    show = "--help" in words or "-h" in words
    for line in translated.lines:
        if show:
            say(f"{paint('pedigree', 'dim')} {' '.join(line)}")
            continue
        code = dispatch(list(line))
        if code:
            return code
    if translated.runs and not show:
        _bring_up_to_date()
    return 0


def _bring_up_to_date() -> None:
    """Run what is out of date now, as a cluster would by itself. A failing job does not fail the command before it."""
    import pedigree
    from pedigree.cli import run
    from pedigree.cli.live import listener
    from pedigree.errors import Busy, PedigreeError
    from pedigree.pipeline import engine, pipelines, status

    with pedigree.open() as store:
        if store.active_transaction() is not None or not pipelines.registered(store):
            return
        try:
            states = status.status(store)
            # What failed on exactly what is there now would only fail again, after every command.
            failed = {item.name for item in states if item.state == status.FAILED}
            due = [item.name for item in states if item.state in DUE and not failed.intersection(item.upstream)]
            if not due:
                return
            with listener(quiet=False) as listen:
                report = engine.run(store, targets=due, wait=False, on_event=listen)
        except Busy:
            say("Another run is going; it or the next `pedigree run` takes this up.")
            return
        except PedigreeError as error:
            say(f"The pipelines did not run: {error}")
            return
    if report.run is not None:
        run.finish(report)


def listing() -> str:
    """Every pachctl command that is translated, and those that need a cluster."""
    lines = [paint("Translated", "bold", sys.stdout)]
    lines += [f"  {rule.usage}" for rule in RULES.values()]
    lines += ["", paint("Not possible on one machine", "bold", sys.stdout)]
    lines += [f"  {name}: {why}" for name, why in NOT_HERE.items()]
    return "\n".join(lines)


COMMANDS = {
    "pachctl": Command(
        "pachctl",
        "Accept the commands of Pachyderm's documentation",
        run=_run,
        json=False,
        raw=True,
        details="""
Takes pachctl 2.x commands, translates them and runs them, so that Pachyderm's documentation can be followed
with `alias pachctl='pedigree pachctl'`. A cluster starts jobs by itself: here, pipelines that a command put
out of date are run at its end; --no-run leaves them. --help after a command shows what it is translated to.
""",
        examples=[
            ("", "pedigree pachctl create repo images"),
            ("", "pedigree pachctl put file images@master:liberty.png -f liberty.png"),
            ("", "pedigree pachctl create pipeline -f edges.json"),
            ("what does it become?", "pedigree pachctl list file images@master --help"),
        ],
    )
}
