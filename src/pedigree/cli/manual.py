"""Help texts: drawn from what a command declares, the same on every Python, at any width.

argparse's own help changes between Python versions and mixes options with usage; docs/reference/cli.md is
made from these texts and must not change with the interpreter.
"""

from __future__ import annotations

import argparse

from pedigree.cli.command import Command, Noun, Parser
from pedigree.cli.terminal import paint, visible, width

#: Longer lines are hard to read, whatever the terminal offers.
WIDEST = 100


def usage(command: Command, parser: Parser) -> str:
    """One line: the command, `[OPTION...]`, its arguments."""
    words = [f"pedigree {command.name}"]
    optional = [action for action in parser._actions if action.option_strings]
    words += [f"{_flags(action)[0]}" for action in optional if action.required]
    if len(optional) > sum(action.required for action in optional):
        words.append("[OPTION...]")
    words += [_positional(action) for action in parser._actions if not action.option_strings]
    return " ".join(words)


def command_help(command: Command, parser: Parser, columns: int | None = None) -> str:
    columns = min(columns or width(), WIDEST)
    blocks = [
        "\n".join(wrap(f"{_bold('pedigree ' + command.name)}: {command.summary}.", columns)),
        f"{_bold('Usage:')} {usage(command, parser)}",
    ]
    if command.details:
        blocks.append(paragraphs(command.details, columns))
    positional = [(_name(action), action.help or "") for action in parser._actions if not action.option_strings]
    if positional:
        blocks.append(_section("Arguments", positional, columns))
    options = [
        (", ".join(_flags(action)), action.help or "")
        for action in parser._actions
        if action.option_strings and action.help != argparse.SUPPRESS
    ]
    blocks.append(_section("Options", options, columns))
    if command.examples:
        lines = [_bold("Examples")]
        for comment, line in command.examples:
            lines += [_dim(f"  # {comment}")] if comment else []
            lines += [f"  {part}" for part in line.split("\n")]
        blocks.append("\n".join(lines))
    if command.exits:
        blocks.append(_section("Exit codes", [(str(code), text) for code, text in command.exits], columns))
    else:
        blocks.append(_dim("Exit code 0 when done; `pedigree help exit-codes` lists the others."))
    return "\n\n".join(blocks)


def noun_help(noun: Noun, columns: int | None = None) -> str:
    columns = min(columns or width(), WIDEST)
    blocks = [
        f"{_bold('pedigree ' + noun.name)}: {noun.summary}.",
        f"{_bold('Usage:')} pedigree {noun.name} VERB [ARGUMENT...]",
    ]
    if noun.details:
        blocks.append(paragraphs(noun.details, columns))
    blocks.append(_section("Verbs", [(verb, command.summary) for verb, command in noun.commands.items()], columns))
    blocks.append(_dim(f"`pedigree {noun.name} VERB --help` shows its options and examples."))
    return "\n\n".join(blocks)


def paragraphs(text: str, columns: int) -> str:
    """The text wrapped; a block whose first line is indented stays as it is written."""
    return "\n\n".join(
        block if block.startswith("  ") else "\n".join(wrap(" ".join(block.split()), columns))
        for block in text.strip("\n").split("\n\n")
    )


def wrap(text: str, columns: int) -> list[str]:
    """The words of the text in lines of at most that many columns; a longer word has a line of its own."""
    lines: list[str] = []
    used = 0
    for word in text.split(" "):
        wide = visible(word)
        if lines and used + 1 + wide <= columns:
            lines[-1] += f" {word}"
            used += 1 + wide
        else:
            lines.append(word)
            used = wide
    return lines


def _section(title: str, rows: list[tuple[str, str]], columns: int) -> str:
    indent = min(max((len(name) for name, _ in rows), default=0), 30, columns // 2 - 4) + 4
    lines = [_bold(title)]
    for name, text in rows:
        wrapped = wrap(text, max(columns - indent, 20))
        head = f"  {name}"
        if len(head) > indent - 2:
            lines.append(head)
            head = ""
        lines.append(f"{head:<{indent}}{wrapped[0]}".rstrip())
        lines += [" " * indent + line for line in wrapped[1:]]
    return "\n".join(lines)


def _flags(action: argparse.Action) -> list[str]:
    flags = list(action.option_strings)
    if action.nargs != 0:
        flags[-1] += f" {_metavar(action)}"
    return flags


def _metavar(action: argparse.Action) -> str:
    if isinstance(action.metavar, str):
        return action.metavar
    if action.choices:
        return "|".join(str(choice) for choice in action.choices)
    return action.dest.upper().replace("_", "-")


def _name(action: argparse.Action) -> str:
    return _metavar(action)


def _positional(action: argparse.Action) -> str:
    name = _metavar(action)
    if action.nargs == "*":
        return f"[{name}...]"
    if action.nargs == "+":
        return f"{name}..."
    if action.nargs == "?":
        return f"[{name}]"
    return name


def _bold(text: str) -> str:
    import sys

    return paint(text, "bold", sys.stdout)


def _dim(text: str) -> str:
    import sys

    return paint(text, "dim", sys.stdout)
