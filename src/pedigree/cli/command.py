"""A command: its name, its arguments, its help, and the function that does it; a noun groups commands."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from pedigree.errors import InvalidInput

Arguments = argparse.Namespace
#: Does the work and returns an exit code; None means 0.
Run = Callable[[Arguments], int | None]
Declare = Callable[["Parser"], None]


class Parser(argparse.ArgumentParser):
    """argparse, with errors as InvalidInput and without abbreviations: they make every new option a risk."""

    def __init__(self, command: Command) -> None:
        self._formatter: argparse.HelpFormatter | None = None
        super().__init__(prog=f"pedigree {command.name}", add_help=False, allow_abbrev=False)
        self.command = command

    def _get_formatter(self) -> argparse.HelpFormatter:
        # argparse makes one for every argument that is added, and asks the terminal for its width each time.
        if self._formatter is None:
            self._formatter = argparse.HelpFormatter(self.prog, width=80)
        return self._formatter

    def error(self, message: str) -> NoReturn:
        text = message[:1].upper() + message[1:]
        if message.startswith("the following arguments are required:"):
            text = f"`pedigree {self.command.name}` needs {self._needed(message.partition(': ')[2])}"
        if message.startswith("unrecognized arguments:"):
            raise self._unknown(message.partition(": ")[2].split(" "))
        raise InvalidInput(f"{text}.", remedy=self.remedy())

    def _needed(self, names: str) -> str:
        # argparse names every argument that is missing, also those that may be.
        may = {str(action.metavar) for action in self._actions if action.nargs in {"*", "?"}}
        return " and ".join(name for name in names.split(", ") if name not in may) or names

    def remedy(self) -> str:
        return f"Usage: {self.command.usage(self)}\nSee `pedigree {self.command.name} --help` for examples."

    def _unknown(self, words: list[str]) -> InvalidInput:
        options = [word for word in words if word.startswith("-") and len(word) > 1]
        if not options:
            return InvalidInput(
                f"`pedigree {self.command.name}` takes no further argument, got {' '.join(words)!r}.",
                remedy=self.remedy(),
            )
        known = [text for action in self._actions for text in action.option_strings]
        name = options[0].partition("=")[0]
        near = nearest(name, known)
        guess = f" Did you mean {near}?" if near else ""
        return InvalidInput(f"`pedigree {self.command.name}` has no option {name}.{guess}", remedy=self.remedy())


class Command:
    """One command: `declare` adds its arguments to a parser, `run` does it.

    `examples` are (what it does, command line); `exits` are codes whose meaning is special to this command.
    """

    def __init__(
        self,
        name: str,
        summary: str,
        *,
        run: Run,
        declare: Declare | None = None,
        details: str = "",
        examples: Sequence[tuple[str, str]] = (),
        exits: Sequence[tuple[int, str]] = (),
        json: bool = True,
        raw: bool = False,
    ) -> None:
        self.name = name
        self.summary = summary
        self.run = run
        self.declare = declare
        self.details = details
        self.examples = examples
        self.exits = exits
        self.json = json
        self.raw = raw  # takes its words unparsed, as `pedigree pachctl` does

    def parser(self) -> Parser:
        parser = Parser(self)
        if self.declare:
            self.declare(parser)
        if self.json:
            parser.add_argument("--json", action="store_true", help="Print the result as JSON")
        parser.add_argument("-h", "--help", action="store_true", help="Show this help")
        return parser

    def main(self, words: Sequence[str]) -> int:
        if self.raw:
            return self.run(argparse.Namespace(words=list(words))) or 0
        parser = self.parser()
        before = words[: words.index("--")] if "--" in words else words
        if "-h" in before or "--help" in before:
            print(self.help(parser))
            return 0
        arguments = parser.parse_intermixed_args(list(words))
        return self.run(arguments) or 0

    def usage(self, parser: Parser) -> str:
        from pedigree.cli.manual import usage

        return usage(self, parser)

    def help(self, parser: Parser | None = None) -> str:
        from pedigree.cli.manual import command_help

        return command_help(self, parser or self.parser())


class Noun:
    """A noun with its verbs: `pedigree repo list`."""

    def __init__(self, name: str, summary: str, commands: Sequence[Command], *, details: str = "") -> None:
        self.name = name
        self.summary = summary
        self.details = details
        self.commands = {command.name.rpartition(" ")[2]: command for command in commands}

    def main(self, words: Sequence[str]) -> int:
        if not words:
            print(self.help(), file=sys.stderr)
            return 2
        verb, *rest = words
        if verb in {"-h", "--help", "help"}:
            if rest and rest[0] in self.commands:
                print(self.commands[rest[0]].help())
            else:
                print(self.help())
            return 0
        if verb not in self.commands:
            raise unknown(f"verb of `pedigree {self.name}`", verb, self.commands, f"pedigree {self.name} --help")
        return self.commands[verb].main(rest)

    def help(self) -> str:
        from pedigree.cli.manual import noun_help

        return noun_help(self)


#: What people type who come from other tools.
SYNONYMS = {
    "add": "put",
    "checkout": "get",
    "cp": "copy",
    "create": "apply",
    "download": "get",
    "history": "log",
    "list": "ls",
    "new": "create",
    "ps": "status",
    "remove": "delete",
    "repro": "run",
    "rm": "delete",
    "show": "inspect",
    "upload": "put",
    "verify": "fsck",
}


def unknown(what: str, name: str, known: Sequence[str] | Any, help_command: str) -> InvalidInput:
    """The error for a word that is none of the known ones, with the nearest of them."""
    names = list(known)
    guess = SYNONYMS.get(name)
    near = guess if guess in names else nearest(name, names)
    hint = f" Did you mean `{near}`?" if near else ""
    return InvalidInput(f"{name!r} is no {what}.{hint}", remedy=f"`{help_command}` lists what there is.", nearest=near)


def nearest(name: str, known: Sequence[str]) -> str | None:
    """The known name most like this one, or None when none is close."""
    from pedigree import errors

    if not name.startswith("-"):
        longer = [candidate for candidate in known if name and candidate.startswith(name)]
        if len(longer) == 1:
            return longer[0]
    return errors.nearest(name, known)
