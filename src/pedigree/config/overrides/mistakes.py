"""The error for a text that is no override: what is wrong, where, with a caret under the place."""

from __future__ import annotations

from pedigree.errors import InvalidInput

#: A longer text is shown around the mistake only.
_BEFORE, _AFTER = 60, 30


def invalid(text: str, at: int, problem: str, remedy: str) -> InvalidInput:
    """The error to raise for a mistake at this index of the text.

    It carries `override`, the text, and `column`, counted from 1.
    """
    return InvalidInput(
        f"Column {at + 1} of this override: {problem}.\n{underline(text, at)}",
        remedy=remedy,
        override=text,
        column=at + 1,
    )


def underline(text: str, at: int) -> str:
    """Two lines: the text, or what of it is near this index, and a caret under it."""
    start = at - _BEFORE if at > _BEFORE + 1 else 0
    end = at + _AFTER if at + _AFTER + 1 < len(text) else len(text)
    before = ("…" if start else "") + _shown(text[start:at])
    after = _shown(text[at:end]) + ("…" if end < len(text) else "")
    return f"  {before}{after}\n  {' ' * _width(before)}^"


def near(name: str, names: list[str]) -> str:
    """`" (did you mean `x`?)"` for the name most like it, else ""."""
    from difflib import get_close_matches

    found = get_close_matches(name[:100].lower(), names, n=1, cutoff=0.6)
    return f" (did you mean `{found[0]}`?)" if found else ""


def _shown(text: str) -> str:
    # A tab or a line break would move the caret away from its place.
    return "".join(character if character.isprintable() else "·" for character in text)


def _width(text: str) -> int:
    """Columns of a terminal that the text takes."""
    import unicodedata

    width = 0
    for character in text:
        if unicodedata.combining(character):
            continue
        width += 2 if unicodedata.east_asian_width(character) in "WF" else 1
    return width
