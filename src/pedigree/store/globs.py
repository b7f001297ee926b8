"""Globs, with the meaning they have in Pachyderm pipelines.

A glob is matched against every file and every folder that files imply, written `/a/b`. Syntax:

    *        any characters but `/`            **       any characters, `/` too, so folders as well as files
    ?        one character but `/`             [abc] [a-c] [!a-c] [[:alpha:]]   one of, or not of, a set
    {a,b}    one of these                      \\c       the character c itself
    (a|b)    one of these, captured; so is @(a|b)
    ?(a|b)   one or none    *(a|b)  any number    +(a|b)  at least one
    !(a|b)   anything else, up to the next `/`; all of these are captured

`/` alone is the whole repository. Captures are numbered from 1 in the order of their opening parentheses; 0
is the whole path. A negated set may match `/`, and `[^a]` is the set of `^` and `a`: so it is in the
original.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from pedigree.errors import InvalidGlob
from pedigree.store.nodes import Read

#: A longer pattern is a mistake, and the pattern is the one thing here whose cost a stranger could choose.
MAX_LENGTH = 4096

_CLASSES = {
    "alnum": "a-zA-Z0-9",
    "alpha": "a-zA-Z",
    "ascii": r"\x00-\x7f",
    "blank": r" \t",
    "cntrl": r"\x00-\x1f\x7f",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": r"!-/:-@\[-`{-~",
    "space": r" \t\n\r\f\v",
    "upper": "A-Z",
    "word": "a-zA-Z0-9_",
    "xdigit": "0-9a-fA-F",
}
_TEMPLATE = re.compile(r"\$(?:(\$)|(\d+)|\{(\d+)\}|([A-Za-z_]\w*)|\{([A-Za-z_]\w*)\})")


class Glob:
    """A compiled glob.

    `pattern` is its cleaned text, which begins with `/`; `prefix` the folder that holds every match.
    """

    __slots__ = ("_regex", "depth", "literal", "pattern", "prefix", "start")

    def __init__(self, pattern: str) -> None:
        parser = _Parser(_clean(pattern))
        self.pattern = parser.text
        try:
            self._regex = re.compile(parser.regex(), re.DOTALL)
        except (re.error, OverflowError, RecursionError) as error:
            raise _invalid(pattern, f"it is too complicated ({error})") from error
        #: Store path text that every match begins with; not always a whole part.
        self.start = parser.literal[1:]
        #: Folder that holds every match; "" for the root.
        self.prefix = self.start.rpartition("/")[0]
        #: Whether the pattern has no wildcard, and so names one path.
        self.literal = parser.is_literal
        #: Number of parts that every match has, None when matches may have any number.
        self.depth = None if parser.crosses else parser.text.count("/")

    def match(self, path: str) -> tuple[str, ...] | None:
        """The captures when this store path matches, else None; `""` is the root.

        An unset capture is empty. Capture 0 is the whole path, with its leading slash.
        """
        if path == "":
            return ("/",) if self.pattern == "/" else None
        found = self._regex.match("/" + path)
        if found is None:
            return None
        return (found[0], *[group or "" for group in found.groups()])

    def __repr__(self) -> str:
        return f"Glob({self.pattern!r})"


def compile(pattern: str) -> Glob:  # noqa: A001  (as in `re`)
    """The glob that `pattern` spells; raises InvalidGlob, saying where, when it spells none."""
    return Glob(pattern)


def matches(tree: str, glob: Glob, read: Read) -> Iterator[tuple[str, bool, tuple[str, ...]]]:
    """Path, whether it is a folder, and captures, for everything in the tree that matches.

    In order of path, where a folder sorts as its path and `/`. Looks only below the literal beginning of the
    glob; a glob without `**` skips what lies below the depth it can reach.
    """
    from bisect import bisect_left

    from pedigree.store.nodes import Cursor

    if glob.pattern == "/":
        yield "", True, ("/",)
        return
    match, start, depth = glob.match, glob.start, glob.depth
    cursor = Cursor(tree, read)
    cursor.seek(start)
    index = bisect_left(cursor.node.keys, start)
    above = ""  # folder of the last path, with a slash behind it
    while True:
        keys = cursor.node.keys
        if index >= len(keys):
            if not cursor.next():
                return
            index = 0
            continue
        path = keys[index]
        if not path.startswith(start):
            return
        index += 1
        folder_end = path.rfind("/") + 1
        if not (above and path.startswith(above) and folder_end == len(above)):
            # Folders that this path is the first to imply: those that the last path was not in.
            slash = path.find("/")
            while slash >= 0:
                if not above.startswith(path[: slash + 1]):
                    folder = path[:slash]
                    if depth is None or depth == folder.count("/") + 1:
                        captures = match(folder)
                        if captures is not None:
                            yield folder, True, captures
                slash = path.find("/", slash + 1)
            above = path[:folder_end]
        parts = path.count("/") + 1
        if depth is None or parts == depth:
            captures = match(path)
            if captures is not None:
                yield path, False, captures
        elif parts > depth:
            # Nothing deeper can match: go behind the folder at that depth.
            slash = -1
            for _ in range(depth):
                slash = path.find("/", slash + 1)
            end = path[:slash] + "0"  # the character after "/"
            index = bisect_left(keys, end, index)
            if index == len(keys):
                cursor.seek(end)
                index = bisect_left(cursor.node.keys, end)


def expand(template: str, captures: Sequence[str]) -> str:
    """`template` with `$1`, `${1}`, `$0` replaced by captures and `$$` by a dollar.

    A capture that is not there is empty.
    """

    def value(found: re.Match[str]) -> str:
        if found[1]:
            return "$"
        digits = found[2] or found[3]
        if digits is None:
            return ""  # a name: our captures have none
        return captures[int(digits)] if len(digits) < 6 and int(digits) < len(captures) else ""

    return _TEMPLATE.sub(value, template)


def _clean(pattern: str) -> str:
    """One leading slash, no empty parts, no `.`, no trailing slash."""
    if len(pattern) > MAX_LENGTH:
        raise _invalid(pattern[:40] + "…", f"it has {len(pattern)} characters, and at most {MAX_LENGTH} are allowed")
    found = re.search("[\x00-\x1f\x7f\ud800-\udfff]", pattern)
    if found is not None:
        raise _invalid(pattern, f"it holds the character U+{ord(found[0]):04X}, which no path holds")
    parts = [part for part in pattern.split("/") if part not in {"", "."}]
    if ".." in parts:
        raise _invalid(pattern, "it has the part `..`, which no path holds")
    return "/" + "/".join(parts)


def _invalid(pattern: str, problem: str) -> InvalidGlob:
    return InvalidGlob(
        f"The glob {pattern!r} cannot be used: {problem}.",
        remedy="See `pedigree glob --help` for the syntax; write `\\` before a character meant as itself.",
        pattern=pattern,
    )


# Stands for "end of the path" inside the last negation, if nothing follows it; it is no character of any
# pattern.
_END = "\x00"


class _Parser:
    """Translates one cleaned pattern into a regular expression."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._at = 0
        self._depth = 0
        self.crosses = False  # something but a plain "/" can match a "/"
        self.literal = ""
        self.is_literal = True
        self._solid_after_negation = True  # text, `*` or `**` stands after the last `!(…)`

    def regex(self) -> str:
        """The whole expression; it matches the whole path."""
        body = self._sequence("")
        # A negation at the very end denies only what reaches the end of the path: `!(a)` matches `ab`. One
        # with something behind it denies every beginning. The last alone is at the end, however many there
        # are.
        head, mark, tail = body.rpartition(_END)
        body = head.replace(_END, "") + (r"\Z" if mark and not self._solid_after_negation else "") + tail
        return body + r"\Z"

    def _sequence(self, closers: str) -> str:
        """Everything up to one of the closers, which is left unread; up to the end at the top."""
        pieces: list[str] = []
        text = self.text
        while self._at < len(text):
            character = text[self._at]
            if character in closers:
                return "".join(pieces)
            piece = self._piece(character)
            # `.*.*` means `.*` and takes far longer to find that nothing matches.
            if not (pieces and piece in {".*", "[^/]*"} and pieces[-1] in {piece, ".*"}):
                pieces.append(piece)
        if closers:
            raise _invalid(text, f"a `{'{' if closers == ',}' else '('}` is not closed")
        return "".join(pieces)

    def _piece(self, character: str) -> str:
        text, at = self.text, self._at
        following = text[at + 1 : at + 2]
        if character == "\\":
            if not following:
                raise _invalid(text, "it ends in a lone `\\`")
            self._at += 2
            if following == "/":
                raise _invalid(text, "`/` cannot be escaped")
            return self._plain(following)
        if character == "*" and following == "*":
            self._at += 2
            self._wild(solid=True)
            self.crosses = True
            return ".*"
        if character == "(" or (character in "@?*+!" and following == "("):
            return self._capture("@" if character == "(" else character)
        if character == "*":
            self._at += 1
            self._wild(solid=True)
            return "[^/]*"
        if character == "?":
            self._at += 1
            self._wild(solid=False)
            return "[^/]"
        if character == "[":
            self._wild(solid=False)
            return self._set()
        if character == "{":
            return f"(?:{self._alternatives(',', '}')})"
        self._at += 1
        if character == "/" and self._depth:
            self.crosses = True
        return self._plain(character)

    def _plain(self, character: str) -> str:
        if self.is_literal:
            self.literal += character
        self._solid_after_negation = True
        return re.escape(character)

    def _wild(self, *, solid: bool) -> None:
        self.is_literal = False
        if solid:
            self._solid_after_negation = True

    def _capture(self, quantifier: str) -> str:
        if self.text[self._at] != "(":
            self._at += 1
        body = self._alternatives("|", ")")
        if quantifier == "!":
            self._solid_after_negation = False
            return f"((?:(?!(?:{body}{_END}))[^/]*))"
        if quantifier == "@":
            return f"({body})"
        return f"((?:{body}){quantifier})"

    def _alternatives(self, separator: str, closer: str) -> str:
        """The alternatives of the group that begins here, joined by `|`; reads past its end."""
        self._wild(solid=False)
        self._depth += 1
        if self._depth > 50:
            raise _invalid(self.text, "its groups are nested more than 50 deep")
        branches: list[str] = []
        while True:
            self._at += 1
            branches.append(self._sequence(separator + closer))
            if self.text[self._at] == closer:
                break
        self._at += 1
        self._depth -= 1
        return "|".join(branches)

    def _set(self) -> str:
        text = self.text
        at = self._at + 1
        negated = text[at : at + 1] == "!"
        at += negated
        items: list[str] = []
        while True:
            character = text[at : at + 1]
            if character == "":
                raise _invalid(text, "a `[` is not closed")
            if character == "]":
                break
            if text.startswith("[:", at):
                end = text.find(":]", at)
                name = text[at + 2 : end] if end > 0 else ""
                if name not in _CLASSES:
                    raise _invalid(text, f"`[:{name}:]` is not a class; there are {', '.join(_CLASSES)}")
                items.append(_CLASSES[name])
                at = end + 2
                continue
            low, at = self._set_character(at)
            if text[at : at + 1] == "-" and text[at + 1 : at + 2] not in {"]", ""}:
                high, at = self._set_character(at + 1)
                if high < low:
                    raise _invalid(text, f"the range `{low}-{high}` is backwards")
                items.append(f"{re.escape(low)}-{re.escape(high)}")
            else:
                items.append(re.escape(low))
        if not items:
            raise _invalid(text, "a `[]` holds no character")
        self._at = at + 1
        body = f"[{'^' if negated else ''}{''.join(items)}]"
        if re.match(body, "/") is not None:
            self.crosses = True
        return body

    def _set_character(self, at: int) -> tuple[str, int]:
        if self.text[at] == "\\" and at + 1 < len(self.text):
            return self.text[at + 1], at + 2
        return self.text[at], at + 1
