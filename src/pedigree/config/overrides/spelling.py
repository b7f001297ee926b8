"""Values as the text of an override: what a sweep passes on to each of its points."""

from __future__ import annotations

import re
from typing import Any

from pedigree.config.overrides.lexer import ESCAPABLE
from pedigree.config.overrides.values import Override, Quoted

_SPECIAL = f"([{re.escape(ESCAPABLE)}])"
_BEFORE_MARK = {"'": r"(\\*)('|\Z)", '"': r'(\\*)("|\Z)'}


def spell(value: Any) -> str:
    """The text that parses to this value: a plain one, or one with Quoted in it.

    A plain string that looks like a number or a keyword is read back as one, as with Hydra: only a Quoted
    keeps it a string.
    """
    kind = type(value)
    if kind is str:
        return re.sub(_SPECIAL, r"\\\1", value)
    if kind is bool:
        return str(value)  # `True`, as Hydra writes it
    if value is None:
        return "null"
    if kind is Quoted:
        return _in_quotes(value.text, value.mark)
    if kind is list:
        return f"[{','.join(map(spell, value))}]"
    if kind is dict:
        return "{" + ",".join(f"{spell(key)}:{spell(item)}" for key, item in value.items()) + "}"
    return str(value)


def text_of(override: Override) -> str:
    """The text of an override that is no sweep, as Hydra's sweeper passes it on: `~a` becomes `~a=null`."""
    return f"{override.target}={spell(override.written)}"


def _in_quotes(text: str, mark: str) -> str:
    def doubled(found: re.Match[str]) -> str:
        return found[1] * 2 + ("\\" + mark if found[2] else "")

    return mark + re.sub(_BEFORE_MARK[mark], doubled, text) + mark
