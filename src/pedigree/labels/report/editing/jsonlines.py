"""Labels in JSON Lines: the value of one key is replaced in the line, or the line goes."""

from __future__ import annotations

import json
import re
from typing import Any

from pedigree.errors import InvalidInput
from pedigree.labels.report import files
from pedigree.labels.report.editing.table import Edits

_BOM = b"\xef\xbb\xbf"
_SPACE = re.compile(r"[ \t\r\n]*")
_decoder = json.JSONDecoder()


class JsonLines:
    """Spelling, spaces, order and other keys stay as they are; a label that was a number stays one where the new one is."""

    def __init__(self, data: bytes, label_column: str, id_column: str | None) -> None:
        self._mark = _BOM if data.startswith(_BOM) else b""
        self._lines = data[len(self._mark) :].splitlines(keepends=True)
        #: By line that holds a sample: its id, its label, and where that is written.
        self._samples: dict[int, tuple[str, Any, int, int]] = {}
        for number, line in enumerate(self._lines):
            if not line.strip():
                continue
            try:
                values = _members(line.decode())
            except (ValueError, RecursionError, IndexError) as error:
                raise InvalidInput(
                    f"Line {number + 1} is no JSON object: {error}.", remedy="Mend the table."
                ) from error
            for name in filter(None, (label_column, id_column)):
                if name not in values:
                    raise InvalidInput(f"Line {number + 1} has no {name!r}.", remedy="Find the labels anew.")
            label, start, end = values[label_column]
            name = str(len(self._samples)) if id_column is None else files.as_text(values[id_column][0])
            self._samples[number] = name, label, start, end

    @property
    def ids(self) -> list[str]:
        return [name for name, *_ in self._samples.values()]

    def labels(self) -> dict[str, str]:
        return {name: files.as_text(label) for name, label, _, _ in self._samples.values()}

    def rewritten(self, edits: Edits) -> bytes:
        parts = [self._mark]
        for number, line in enumerate(self._lines):
            name, before, start, end = self._samples.get(number, ("", None, 0, 0))
            if number not in self._samples or name not in edits:
                parts.append(line)
                continue
            label = edits[name]
            if label is not None:
                text = line.decode()
                parts.append((text[:start] + _value(label, before) + text[end:]).encode())
        return b"".join(parts)


def _members(text: str) -> dict[str, tuple[Any, int, int]]:
    """The members of the object in the text: value, where its text begins and ends. Of a key that is there twice the last."""

    def skipped(at: int) -> int:
        found = _SPACE.match(text, at)
        assert found is not None  # it matches nothing, too
        return found.end()

    at = skipped(0)
    found: dict[str, tuple[Any, int, int]] = {}
    if text[at] != "{":
        raise ValueError("it begins with no {")
    at = skipped(at + 1)
    while text[at] != "}":
        if text[at] != '"':
            raise ValueError(f"a key begins with {text[at]!r}")
        key, at = _decoder.raw_decode(text, at)
        at = skipped(at)
        if text[at] != ":":
            raise ValueError(f"no value for {key!r}")
        start = skipped(at + 1)
        value, at = _decoder.raw_decode(text, start)
        found[key] = value, start, at
        at = skipped(at)
        if text[at] == ",":
            at = skipped(at + 1)
        elif text[at] != "}":
            raise ValueError(f"{text[at]!r} after the value of {key!r}")
    if skipped(at + 1) != len(text):
        raise ValueError("something follows the object")
    return found


def _value(label: str, before: Any) -> str:
    if isinstance(before, bool) and label in {"true", "false"}:
        return label
    if isinstance(before, int | float) and not isinstance(before, bool) and _is_number(label):
        return label
    return json.dumps(label, ensure_ascii=False)


def _is_number(label: str) -> bool:
    """Whether the label, written without quotes, is a number that is read as that very label."""
    try:
        value = json.loads(label)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, int | float) and not isinstance(value, bool) and files.as_text(value) == label
