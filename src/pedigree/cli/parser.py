"""The parser of a command's arguments."""

from __future__ import annotations

import argparse
from typing import NoReturn

from pedigree.cli.command import Command, nearest
from pedigree.errors import InvalidInput


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
