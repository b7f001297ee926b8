"""A command: its name, its arguments, its help, and the function that does it; a noun groups commands."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from pedigree.errors import InvalidInput

if TYPE_CHECKING:
    import argparse

    from pedigree.cli.parser import Parser as Parser

    Arguments = argparse.Namespace
#: Does the work and returns an exit code; None means 0.
Run: TypeAlias = "Callable[[Arguments], int | None]"
Declare: TypeAlias = "Callable[[Parser], None]"


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
        from pedigree.cli.parser import Parser

        parser = Parser(self)
        if self.declare:
            self.declare(parser)
        if self.json:
            parser.add_argument("--json", action="store_true", help="Print the result as JSON")
        parser.add_argument("-h", "--help", action="store_true", help="Show this help")
        return parser

    def main(self, words: Sequence[str]) -> int:
        if self.raw:
            return self.run(cast("Arguments", SimpleNamespace(words=list(words)))) or 0
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
    """A noun with its verbs: `pedigree repo list`.

    `otherwise` is the verb that may be left out: `pedigree tag release@master v1` is `tag create`.
    """

    def __init__(
        self, name: str, summary: str, commands: Sequence[Command], *, details: str = "", otherwise: str | None = None
    ) -> None:
        self.name = name
        self.summary = summary
        self.details = details
        self.otherwise = otherwise
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
            if self.otherwise is not None and "@" in verb:
                return self.commands[self.otherwise].main(words)
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


def __getattr__(name: str) -> Any:
    # Tab completion parses nothing, and argparse with what it imports is a tenth of the time that it may take.
    if name == "Parser":
        from pedigree.cli.parser import Parser

        return Parser
    if name == "Arguments":
        from argparse import Namespace

        return Namespace
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
