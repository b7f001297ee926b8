"""The reference page of the command line, docs/reference/cli.md, made from the help texts. A test compares the two.

`python -m pedigree.cli.reference > docs/reference/cli.md` writes it anew.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from pedigree.cli import pachctl, topics
from pedigree.cli.command import Command, Noun
from pedigree.cli.main import COMMANDS, EXIT_CODES, load, program_help
from pedigree.cli.manual import command_help, noun_help, paragraphs

#: Columns of the help texts on the page.
COLUMNS = 88

_HEAD = """# Command line

<!-- Written by `python -m pedigree.cli.reference` from the help texts in src/pedigree/cli; a test compares
them. -->

Data goes to standard output, talk to standard error. `--json` gives every result as JSON. Colours appear on
terminals only, and never with `NO_COLOR` set. Ids may be shortened to their first 4 digits or more, as long
as only one begins so.
"""


def page() -> str:
    """The whole page."""
    return "\n".join(_parts()) + "\n"


def _parts() -> Iterator[str]:
    yield _HEAD
    yield _block(program_help().rstrip("\n"))
    yield "## Exit codes\n"
    yield "| code | meaning |\n|---:|---|"
    yield "".join(f"| {code} | {meaning} |\n" for code, meaning in EXIT_CODES)
    for name, (title, text) in topics.TOPICS.items():
        if name != "exit-codes":
            yield f"## {title}\n"
            yield _block(paragraphs(text, COLUMNS))
    for heading, group in COMMANDS:
        yield f"## {heading}\n"
        for name, _, _ in group:
            yield from _command(load(name))


def _command(command: Command | Noun) -> Iterator[str]:
    yield f"### pedigree {command.name}\n"
    if isinstance(command, Command):
        yield _block(command_help(command, command.parser(), COLUMNS))
        if command.name == "pachctl":
            yield _block(pachctl.listing())
        return
    yield _block(noun_help(command, COLUMNS))
    for one in command.commands.values():
        yield f"#### pedigree {one.name}\n"
        yield _block(command_help(one, one.parser(), COLUMNS))


def _block(text: str) -> str:
    return f"```text\n{text}\n```\n"


if __name__ == "__main__":
    os.environ["NO_COLOR"] = "1"
    print(page(), end="")
