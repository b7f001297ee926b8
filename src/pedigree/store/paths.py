"""Store paths: the only place that turns a name from outside into a path that a commit may hold.

A store path is relative, its parts are separated by `/`, it has no leading and no trailing slash, and the
root is `""`. Whatever else a file system, an archive, a URL or a user calls a path passes through
`store_path` first, so a rule that is kept here is kept everywhere: command line, Python API, archives,
downloads, checkouts and trees received from others.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from pedigree.errors import InvalidName, InvalidPath

#: What the Linux file systems that a checkout lands on can hold, in bytes of UTF-8.
MAX_PART_BYTES = 255
MAX_PATH_BYTES = 4096
#: Every part costs whoever walks the path an open folder; real paths have a dozen.
MAX_PARTS = 128

#: Folders that belong to a tool: what lies in them is run (git hooks) or is the store itself. Compared after
#: NFKC and case folding, and without the characters that some file systems ignore.
RESERVED = frozenset({".pedigree", ".git"})

# Nearly every real path is plain ASCII; this one match spares it the careful road. A part may not begin with
# a dot here, which keeps `.`, `..` and the reserved names on that road; 180 characters keep both length rules
# out of sight.
_PLAIN = re.compile(r"(?=.{1,180}\Z)[A-Za-z0-9_][A-Za-z0-9_.,=+@ -]*(?:/[A-Za-z0-9_][A-Za-z0-9_.,=+@ -]*)*\Z")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_DRIVE = re.compile(r"[A-Za-z]:(?:[\\/]|\Z)")
# Characters that HFS+ and others skip when they compare names, or that turn the text around on a screen.
_IGNORED = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u206a-\u206f\ufeff]")
_NAME = re.compile(r"[a-zA-Z0-9_-]+\Z")


def store_path(text: str) -> str:
    """The store path that `text` means: `/a/b`, `a/b` and `a/b/` mean `a/b`; `/` or nothing means the root.

    Raises InvalidPath for what could leave its folder somewhere or could not be stored everywhere: `.`, `..`
    and look-alikes, empty parts, control characters, drive letters, parts above 255 bytes, paths above 4096,
    text that is not UTF-8, and the folders in `RESERVED`. A backslash is an ordinary character unless it
    spells one of these.
    """
    path = text[1:] if text[:1] == "/" else text
    if path[-1:] == "/":
        path = path[:-1]
    if _PLAIN.match(path) is not None:
        return path
    if path == "" and len(text) <= 1:
        return ""
    problem = _problem(path)
    if problem is not None:
        raise InvalidPath(
            f"The path {shown(text)} cannot be stored: {problem}.",
            remedy="Rename it, or leave it out. A path is parts joined by `/`, without `.` or `..`.",
            path=text,
        )
    return path


def file_path(text: str) -> str:
    """`store_path` for a file: the root is refused, because a file needs a name."""
    path = store_path(text)
    if path == "":
        raise InvalidPath(
            f"{shown(text)} is the root of the repository; a file needs a name.",
            remedy="Add a name, as in `/images/cat.jpg`.",
            path=text,
        )
    return path


def file_paths(texts: Iterable[str]) -> list[str]:
    """`file_path` for each of many, in half the time."""
    plain = _PLAIN.match
    return [text if plain(text) is not None else file_path(text) for text in texts]


def check_name(kind: str, text: str) -> str:
    """`text`, when it is a name that a `kind` (repository, branch, pipeline, input) may have."""
    if _NAME.match(text) is None or len(text) > MAX_PART_BYTES:
        raise InvalidName(
            f"{shown(text)} cannot be the name of a {kind}.",
            remedy="Use letters, digits, `_` and `-`: at least one, at most 255.",
            name=text,
        )
    return text


def clashes(paths: Iterable[str], *, fold_case: bool = True, normalise: bool = True) -> Iterator[tuple[str, str]]:
    """Pairs of spellings, among the paths and their folders, that a file system would take for one.

    `fold_case`: it does not tell `A` from `a`. `normalise`: it does not tell composed from decomposed
    letters.
    """
    import unicodedata

    seen: dict[str, str] = {}
    reported: set[tuple[str, str]] = set()
    for path in paths:
        end = 0
        while end != len(path):
            end = path.find("/", end + 1)
            end = len(path) if end < 0 else end
            spelling = path[:end]
            key = unicodedata.normalize("NFC", spelling) if normalise else spelling
            if fold_case:
                key = key.casefold()
                key = unicodedata.normalize("NFC", key) if normalise else key
            first = seen.setdefault(key, spelling)
            if first != spelling and (first, spelling) not in reported:
                reported.add((first, spelling))
                yield first, spelling


def shown(text: str) -> str:
    """`text` in quotes and short enough for a message, with everything unprintable escaped."""
    if len(text) > 120:
        return ascii(text[:80])[:200] + f"… ({len(text)} characters)"
    return repr(text)


def _problem(path: str) -> str | None:
    found = _CONTROL.search(path)
    if found is not None:
        return f"it holds the control character U+{ord(found[0]):04X}"
    if _SURROGATE.search(path) is not None:
        return "its name is not valid UTF-8"
    if _DRIVE.match(path) is not None:
        return "it begins with a drive letter"
    if path.startswith("\\"):
        return "it begins with a backslash"
    size = len(path.encode("utf-8"))
    if size > MAX_PATH_BYTES:
        return f"it has {size} bytes, and at most {MAX_PATH_BYTES} are allowed"
    if path.count("/") >= MAX_PARTS:
        return f"it has {path.count('/') + 1} parts, and at most {MAX_PARTS} are allowed"
    for part in path.split("/"):
        problem = _problem_of_part(part)
        if problem is not None:
            return problem
    return None


def _problem_of_part(part: str) -> str | None:
    if part == "":
        return "it has an empty part"
    if part[0] != "." and part.isascii() and "\\" not in part and "~" not in part and len(part) <= MAX_PART_BYTES:
        return None
    if part in {".", ".."}:
        return f"it has the part `{part}`"
    size = len(part.encode("utf-8"))
    if size > MAX_PART_BYTES:
        return f"one part has {size} bytes, and at most {MAX_PART_BYTES} are allowed"
    for piece in part.split("\\"):
        plain = _plain(piece)
        # U+FF0F and its like become a real separator wherever a program normalises names.
        for one in plain.split("/"):
            if one in {".", ".."} or (piece != part and one.rstrip(". ") == "" and one.startswith("..")):
                return f"the part {shown(part)} reads as `{one}` on some systems"
            if one.rstrip(". ") in RESERVED or one == "git~1":
                return f"{shown(part)} is a folder of the tools themselves"
    return None


def _plain(part: str) -> str:
    if part.isascii():
        return part.lower()
    import unicodedata

    return unicodedata.normalize("NFKC", _IGNORED.sub("", part)).casefold()
