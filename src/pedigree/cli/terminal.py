"""The terminal: is it one, how wide, may it have colour, and how people are spoken to (on stderr)."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # `import typing` costs as much as starting Python
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

STYLES = {
    "bold": "1",
    "dim": "2",
    "red": "31;1",
    "green": "32",
    "yellow": "33",
    "blue": "34",
    "cyan": "36",
}


def is_terminal(stream: object) -> bool:
    """Whether the stream shows its text to a person."""
    ask = getattr(stream, "isatty", None)
    return bool(ask and ask())


def coloured(stream: object) -> bool:
    """Whether to colour: terminals, unless NO_COLOR is set or TERM is dumb; FORCE_COLOR overrules."""
    if os.environ.get("FORCE_COLOR"):
        return True
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return is_terminal(stream)


def paint(text: str, style: str, stream: object = None) -> str:
    """The text in a style of STYLES where the stream (stderr unless given) may have colour, else as it is."""
    if not style or not coloured(sys.stderr if stream is None else stream):
        return text
    return f"\x1b[{STYLES[style]}m{text}\x1b[0m"


def width(stream: TextIO | None = None) -> int:
    """Columns of the terminal, 100 where there is none; COLUMNS overrules."""
    asked = os.environ.get("COLUMNS", "")
    if asked.isdecimal() and int(asked) > 0:
        return int(asked)
    try:
        return os.get_terminal_size((stream or sys.stdout).fileno()).columns or 100
    except (OSError, ValueError):  # no terminal, or a stream that is closed or only in memory
        return 100


def say(text: str) -> None:
    """One message to the person, on stderr. Standard output stays what the command was asked for."""
    sys.stdout.flush()
    print(text, file=sys.stderr, flush=True)


def warn(text: str) -> None:
    """One warning to the person, on stderr."""
    say(f"{paint('warning:', 'yellow')} {text}")


def wrapped(text: str) -> str:
    """The text broken between words to the width of the terminal that stderr is; as it is elsewhere."""
    if not is_terminal(sys.stderr):
        return text
    from pedigree.cli.manual import wrap

    room = width(sys.stderr)
    return "\n".join("\n".join(_broken(line, room, wrap)) for line in text.split("\n"))


def _broken(line: str, room: int, wrap: Callable[[str, int], list[str]]) -> list[str]:
    if visible(line) <= room:
        return [line]
    words = line.lstrip(" ")
    indent = " " * (len(line) - len(words))
    return [indent + part for part in wrap(words, room - len(indent))]


def visible(text: str) -> int:
    """Columns that the text takes on the screen, colour codes not counted."""
    from pedigree.cli.output import columns

    if "\x1b" in text:
        import re

        text = re.sub(r"\x1b\[[0-9;]*m", "", text)
    return columns(text)


def safe(text: str) -> str:
    """The text with control characters made visible, so that a message or name cannot steer the terminal."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
