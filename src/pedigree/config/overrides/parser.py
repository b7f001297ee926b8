"""The parser: text in, one Override out, or an error that points at the mistake.

Hydra 1.3's grammar. What its parser takes and nothing could use afterwards is refused here: a sweep or a glob
inside a list, a dict or another choice. Time grows with the length of the text; nesting is bounded.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NoReturn

from pedigree.config.overrides import lexer
from pedigree.config.overrides.edits import ListEdit
from pedigree.config.overrides.mistakes import invalid
from pedigree.config.overrides.values import SWEEPS, Choice, Operation, Override, plain

if TYPE_CHECKING:
    from random import Random

#: Brackets and calls inside one another; Hydra gives up with a RecursionError a little above this.
MAX_DEPTH = 200

_OPERATIONS = {None: Operation.CHANGE, "+": Operation.ADD, "++": Operation.FORCE_ADD, "~": Operation.DELETE}
_SPECIAL = SWEEPS | {ListEdit}
_QUOTE = "Put the value in quotes if it is meant as text: key='a, b = c'."


def parse(text: str, *, rng: Random | None = None) -> Override:
    """The override that a text such as `+db.port=3306` spells.

    `shuffle([…])` shuffles with `rng`; without one its order depends on the text alone, so that it is the
    same in every process. Raises InvalidInput with `override` and `column`.
    """
    found = lexer.TARGET.match(text)
    assert found is not None  # it matches nothing at least
    prefix, key, package = found.groups()
    operation = _OPERATIONS[prefix]
    at = found.end()
    simple = lexer.SIMPLE.match(text, at)
    if simple is not None:
        written = simple[1]
        if written:
            try:
                written = lexer.scalar(written)
            except ValueError:
                _too_long(text, simple.start(1))
        return Override(text, operation, key, package, written, written)
    if at == len(text) and operation is Operation.DELETE:
        return Override(text, operation, key, package, None, None, bare=True)
    if not text.startswith("=", at):
        _no_equal(text, at, key, package)
    return _Parser(text, at + 1, rng).override(operation, key, package)


def parse_all(texts: Iterable[str], *, rng: Random | None = None) -> list[Override]:
    """`parse` for each text, in order; the first mistake is raised."""
    return [parse(text, rng=rng) for text in texts]


class _Parser:
    __slots__ = ("at", "depth", "quoted", "rng", "text")

    def __init__(self, text: str, at: int, rng: Random | None) -> None:
        self.text = text
        self.at = at
        self.rng = rng
        self.depth = 0
        self.quoted = False

    def override(self, operation: Operation, key: str, package: str | None) -> Override:
        self._blanks()
        start = self.at
        value = self._value()
        if type(value) is ListEdit and operation is not Operation.CHANGE:
            raise invalid(
                self.text,
                0,
                f"`{operation.value}` and {value.name}() do not go together",
                f"A list edit changes a list that is already there: {key}={value.name}(…).",
            )
        if type(value) is ListEdit and package is not None:
            raise invalid(self.text, start, f"{value.name}() edits a list, and `@` names a group", "Leave `@…` out.")
        return Override(self.text, operation, key, package, plain(value) if self.quoted else value, value)

    def _value(self) -> Any:
        text = self.text
        if self.at == len(text):
            return ""
        starts = [self.at]
        options = [self._element()]
        while (comma := lexer.COMMA.match(text, self.at)) is not None:
            self.at = comma.end()
            starts.append(self.at)
            options.append(self._element())
        if self.at < len(text):
            self._unexpected("the end, or `,` and another value")
        if len(options) == 1:
            return options[0]
        for start, option in zip(starts, options, strict=True):
            self._ordinary(option, start, "a list of choices")
        return Choice(tuple(options), simple=True)

    def _element(self) -> Any:
        text, at = self.text, self.at
        found = lexer.UNQUOTED.match(text, at)
        if found is not None:
            self.at = end = found.end()
            if text.startswith("(", end):
                return self._function(found[0].rstrip(" \t"), at)
            try:
                return lexer.scalar(found[0])
            except ValueError:
                _too_long(text, at)
        first = text[at : at + 1]
        if first in {"'", '"'}:
            found = lexer.STRING.match(text, at)
            if found is None:
                raise invalid(
                    text, at, f"this {first} is never closed", f"Close it; inside, write \\{first} for {first}."
                )
            self.at = found.end()
            self.quoted = True
            return lexer.string(found[0])
        if first == "[":
            return self._list()
        if first != "{":
            self._unexpected("a value")
        return self._dict()

    def _list(self) -> list[Any]:
        opened = self._enter()
        items: list[Any] = []
        if self._closes("]"):
            return items
        while True:
            start = self.at
            item = self._element()
            self._ordinary(item, start, "a list")
            items.append(item)
            if self._ends("]", opened):
                return items

    def _dict(self) -> dict[Any, Any]:
        opened = self._enter()
        entries: dict[Any, Any] = {}
        if self._closes("}"):
            return entries
        text = self.text
        while True:
            found = lexer.ENTRY_KEY.match(text, self.at)
            if found is None:
                if text[self.at : self.at + 1] in {"'", '"'}:
                    raise invalid(
                        text,
                        self.at,
                        "a key of `{…}` takes no quotes",
                        "Write it bare, with a backslash before special characters: {a\\:b:1}.",
                    )
                self._unexpected("a key", opened)
            try:
                key = lexer.scalar(found[0])
            except ValueError:
                _too_long(text, self.at)
            self.at = found.end()
            colon = lexer.COLON.match(text, self.at)
            if colon is None:
                self._unexpected("`:` and a value", opened)
            self.at = start = colon.end()
            entries[key] = self._element()
            self._ordinary(entries[key], start, "a dict")
            if self._ends("}", opened):
                return entries

    def _function(self, name: str, start: int) -> Any:
        text = self.text
        if lexer.IDENTIFIER.fullmatch(name) is None or not lexer.is_word(name):
            raise invalid(text, self.at, f"`(` follows {_short(name)}, which is no function", _QUOTE)
        opened = self._enter(start)
        positional: list[Any] = []
        named: dict[str, Any] = {}
        places: dict[int | str, int] = {}
        if not self._closes(")"):
            while True:
                place = self.at
                argument = lexer.ARGUMENT.match(text, place)
                if argument is not None and lexer.is_word(argument[1]):
                    self.at = argument.end()
                    places[argument[1]] = place
                    named[argument[1]] = self._element()
                elif named:
                    raise invalid(
                        text,
                        place,
                        f"a positional argument follows the named argument `{_short(next(reversed(named)))}`",
                        "Put positional arguments first.",
                    )
                else:
                    places[len(positional)] = place
                    positional.append(self._element())
                if self._ends(")", opened):
                    break
        from pedigree.config.overrides.functions import Misuse, call  # few overrides call one

        try:
            return call(name, positional, named, self._order)
        except Misuse as misuse:
            at = start if misuse.argument is None else places.get(misuse.argument, start)
            raise invalid(text, at, misuse.problem, misuse.remedy) from None

    # Small steps.

    def _order(self) -> Random:
        from random import Random

        return self.rng or Random(self.text)  # noqa: S311  (an order, no secret)

    def _enter(self, start: int | None = None) -> int:
        """Reads past an opening bracket and the blanks behind it; its index."""
        opened = self.at
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise invalid(
                self.text,
                opened if start is None else start,
                f"more than {MAX_DEPTH} brackets are open here",
                "Write a configuration file for a value like this.",
            )
        self.at += 1
        self._blanks()
        return opened

    def _closes(self, bracket: str) -> bool:
        if not self.text.startswith(bracket, self.at):
            return False
        self.at += 1
        self.depth -= 1
        return True

    def _ends(self, bracket: str, opened: int) -> bool:
        """Reads past a comma (False) or the closing bracket (True)."""
        comma = lexer.COMMA.match(self.text, self.at)
        if comma is not None:
            self.at = comma.end()
            return False
        close = lexer.CLOSE.match(self.text, self.at)
        if close is None or close[1] != bracket:
            self._unexpected(f"`,` or `{bracket}`", opened)
        self.at = close.end()
        self.depth -= 1
        return True

    def _blanks(self) -> None:
        blanks = lexer.BLANKS.match(self.text, self.at)
        assert blanks is not None
        self.at = blanks.end()

    def _ordinary(self, value: Any, start: int, place: str) -> None:
        if type(value) in _SPECIAL:
            name = value.name if type(value) is ListEdit else type(value).__name__.lower()
            what = "a list edit" if type(value) is ListEdit else "a sweep"
            raise invalid(
                self.text,
                start,
                f"{name}() is {what}, which cannot stand inside {place}",
                f"Make it the whole value of the override: key={name}(…).",
            )

    def _unexpected(self, expected: str, opened: int | None = None) -> NoReturn:
        text, at = self.text, self.at
        if at == len(text):
            if opened is not None:
                raise invalid(
                    text, opened, f"this `{text[opened]}` is never closed", f"Expected {expected} at the end."
                )
            raise invalid(text, at, f"the text ends where {expected} should be", "Complete it, or leave the `,` out.")
        found = text[at]
        if found in " \t":
            problem = f"a blank, expected {expected}"
            remedy = "Leave the blanks at the end out."
        else:
            problem, remedy = f"unexpected `{found}`, expected {expected}", _QUOTE
            if found == "{" and text[at - 1] == "$":
                problem = "`${` needs a name and a closing `}`"
            elif found == "}" and "${" in text[:at]:
                remedy = "Put a value with nested `${…}` in quotes: key='${a:${b}}'."
            elif found in {"'", '"'}:
                problem = f"a {found} in the middle of a value, expected {expected}"
                remedy = "Put quotes around the whole value, or none."
        raise invalid(text, at, problem, remedy)


def _no_equal(text: str, at: int, key: str, package: str | None) -> NoReturn:
    """Raises the error for a target that something else than `=` follows."""
    if at == len(text):
        raise invalid(text, at, "there is no `=`", f"Write {_short(text)}=VALUE, or ~{_short(key)} to delete.")
    found = text[at]
    remedy = "A key is names joined by dots, or a group a/b; then @package if need be; then =."
    if found == "[":
        remedy = f"Write a place in a list with a dot: {_short(key)}.0=…"
    elif found == ":" and package is not None:
        remedy = "Hydra 1.1 and newer name the new package only: group@package=option."
    elif found in " \t":
        remedy = "Leave out blanks before the `=`."
    raise invalid(text, at, f"unexpected `{found}` in the key, expected `=`", remedy)


def _too_long(text: str, at: int) -> NoReturn:
    raise invalid(text, at, "a whole number with more than 4300 digits", "Put it in quotes to pass it as text.")


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:39] + "…"
