"""A mistake in an interpolation on its way up, and the message that it becomes.

A `Mistake` starts where the fault lies and knows only that. Each value that was being resolved adds itself as
it passes, so that the message names the place of the fault, the text with a caret, and who asked for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from pedigree.errors import InvalidInput

#: The steps from the top of a configuration to a value: keys of mappings, indices of lists.
Path = tuple[Any, ...]
Places = Callable[[Path], "str | None"]

#: Characters of a text that a message shows around the caret.
_SHOWN = 100


class Mistake(Exception):
    """What is wrong (`what`), at which character of the text (`at`), and what to do (`remedy`).

    `quotes` says that the message repeats a value, which is withheld where the value came from the environment.
    """

    def __init__(
        self,
        what: str,
        remedy: str,
        at: int | None = None,
        cause: BaseException | None = None,
        quotes: bool = False,
    ) -> None:
        super().__init__(what)
        self.quotes = quotes
        self.what = what
        self.remedy = remedy
        self.at = at
        self.cause = cause
        self.text: str | None = None
        self.path: Path | None = None
        self.readers: list[Path] = []

    def passes(self, path: Path, text: str) -> None:
        """Notes that the value at the path, whose text this is, was being resolved."""
        if self.path is None:
            self.path = path
            if self.text is None:
                self.text = text
        else:
            self.readers.append(path)

    def withhold(self, variables: frozenset[str], text: str) -> None:
        """Leaves out what may repeat the value of an environment variable."""
        self.what = f"this failed on a value from the environment ({', '.join(sorted(variables))}), which is not shown"
        self.remedy = "Look at the variable's value."
        self.text, self.at, self.cause, self.quotes = text, None, None, False

    def error(self, places: Places | None) -> InvalidInput:
        """The error for the caller, with `path`, `place`, `text`, `column` and `readers` as attributes."""
        place = _placed(self.path, places)
        lines = [f"{place}: {self.what}." if place else f"{self.what}."]
        if self.text is not None:
            lines += marked(self.text, self.at)
        for reader in self.readers[:_READERS]:
            lines.append(f"  read by {_placed(reader, places) or 'the top'}")
        if len(self.readers) > _READERS:
            lines.append(f"  and {len(self.readers) - _READERS} more")
        return InvalidInput(
            "\n".join(lines),
            remedy=self.remedy,
            path=self.path,
            place=None if self.path is None or places is None else places(self.path),
            text=self.text,
            column=None if self.at is None else self.at + 1,
            readers=tuple(self.readers),
        )


_READERS = 8


def marked(text: str, at: int | None) -> list[str]:
    """The text on one line, at most some 100 characters of it, and a line with a caret under the character."""
    start = 0
    if len(text) > _SHOWN:
        start = min(max(0, (at or 0) - _SHOWN // 2), len(text) - _SHOWN)
    window = "".join(character if character.isprintable() else " " for character in text[start : start + _SHOWN])
    before = "..." if start else ""
    after = "..." if start + _SHOWN < len(text) else ""
    lines = [f"  {before}{window}{after}"]
    if at is not None:
        lines.append(" " * (2 + len(before) + at - start) + "^")
    return lines


def dotted(path: Path) -> str:
    """The path as an interpolation would write it: `model.layers[0].size`."""
    shown = ""
    for key in path:
        if isinstance(key, int) and not isinstance(key, bool):
            shown += f"[{key}]"
        else:
            shown += f".{key}" if shown else str(key)
    return shown


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The name that was probably meant."""
    import difflib

    found = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return found[0] if found else None


def _placed(path: Path | None, places: Places | None) -> str:
    if path is None:
        return ""
    place = None if places is None else places(path)
    return dotted(path) if place is None else f"{place}: {dotted(path)}"
