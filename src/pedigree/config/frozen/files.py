"""The file of a frozen configuration: one JSON document that holds all that a rerun needs. `docs/formats/config.md`."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NoReturn

from pedigree.config.frozen import sidecar
from pedigree.config.frozen.environment import Environment, Reference
from pedigree.config.frozen.pointers import built, key_of, leaves, path, shown, spelled
from pedigree.config.frozen.record import Frozen, digests_of, lines_of
from pedigree.config.origins import Value
from pedigree.errors import InvalidConfig, NewerFormat

FORMAT = "pedigree.config"
VERSION = 1


def text(frozen: Frozen) -> str:
    """The text of the file."""
    parts: list[tuple[str, str]] = [
        ("format", _json(FORMAT)),
        ("format_version", _json(VERSION)),
        ("digest", _json(frozen.digest)),
        ("intent", _json(frozen.intent)),
        ("name", _json(frozen.name)),
        ("model", _json(frozen.model)),
        ("version", _json(frozen.version)),
        ("overrides", _json(list(frozen.overrides))),
        ("choices", _json(_plain(frozen.choices))),
        ("files", _json(dict(frozen.files))),
        ("tools", _json(dict(frozen.tools))),
        ("hydra", _json(_plain(frozen.hydra))),
        ("warnings", _json(list(frozen.warnings))),
        ("steps", _json(list(frozen.steps))),
        ("code", _json(_plain(frozen.code))),
        ("values", json.dumps(_plain(frozen.values), indent=1, ensure_ascii=False, allow_nan=False)),
        ("environment", _environment(frozen.environment)),
        ("secrets", _json(list(frozen.secrets))),
        ("moved", _json(dict(frozen.moved))),
        ("interpolations", _table(sidecar.written_interpolations(frozen.interpolations))),
        ("origins", _tight(sidecar.written(frozen.values, frozen.origins))),
    ]
    return "{\n" + ",\n".join(f'"{name}": {one}' for name, one in parts) + "\n}\n"


def data(frozen: Frozen) -> bytes:
    """The bytes of the file, UTF-8."""
    whole = text(frozen)
    try:
        return whole.encode("utf-8")
    except UnicodeEncodeError:  # half of a surrogate pair, which JSON can escape and UTF-8 cannot hold
        return "".join(f"\\u{ord(one):04x}" if "\ud800" <= one <= "\udfff" else one for one in whole).encode("utf-8")


def write(frozen: Frozen, target: str | os.PathLike[str]) -> None:
    """Writes the file whole or not at all. Raises InvalidConfig where the folder is not there or takes no file."""
    place = os.fspath(target)
    content = data(frozen)
    try:
        handle, draft = tempfile.mkstemp(dir=os.path.dirname(place) or ".", prefix=".", suffix=".draft")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(content)
            os.chmod(draft, 0o644)
            os.replace(draft, place)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(draft)
            raise
    except OSError as error:
        raise InvalidConfig(
            f"{place} cannot be written: {error.strerror}.", remedy="Name a file in a folder that is there.", path=place
        ) from error


def read(source: str | os.PathLike[str]) -> Frozen:
    """The frozen configuration in a file, whole: nothing is composed, imported or made from what it says.

    Raises InvalidConfig where there is no such file, where it is another thing or damaged, where its values are not
    those of its digest, and where one is the mask of a secret; NewerFormat where a newer Pedigree wrote it.
    """
    place = os.fspath(source)
    try:
        with open(place, "rb") as stream:
            content = stream.read()
    except OSError as error:
        raise InvalidConfig(
            f"{place} cannot be read: {error.strerror}.",
            remedy="Name the config.json of a run, or the folder that has it.",
            path=place,
        ) from error
    return parsed(content, place)


def parsed(content: bytes, place: str) -> Frozen:
    """The frozen configuration in these bytes; `place` names them in messages. Raises as `read`."""
    try:
        found = json.loads(content.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        _refuse(place, f"it is no JSON: {error}")
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        _refuse(place, f"it does not say that its format is {FORMAT}")
    version = found.get("format_version")
    if version.__class__ is int and version > VERSION:
        raise NewerFormat(
            f"{place} has format {version} of frozen configurations, and this Pedigree reads up to {VERSION}.",
            remedy="Use a newer Pedigree.",
            path=place,
        )
    if version.__class__ is not int or version < 1:
        _refuse(place, f"its format_version is {version!r}")
    try:
        frozen = _frozen(found)
        lines = lines_of(frozen.values, frozen.environment)
    except InvalidConfig as error:
        raise InvalidConfig(f"{place}: {error.message}", remedy=error.remedy, path=place) from error
    except RecursionError:
        _refuse(place, "it is nested too deeply")
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        _refuse(place, f"it lacks a part or has one of another shape ({type(error).__name__}: {error})")
    _verify(frozen, lines, place)
    return frozen


def _verify(frozen: Frozen, lines: Mapping[str, str], place: str) -> None:
    digest, intent = digests_of(lines, frozen.origins)
    if digest == frozen.digest and intent == frozen.intent:
        return
    what, now, then = (
        ("digest", digest, frozen.digest) if digest != frozen.digest else ("intent", intent, frozen.intent)
    )
    raise InvalidConfig(
        f"{place} was changed after it was frozen: its {what} should be {then}, and that of what it holds is {now}.",
        remedy="Take the file as it was written; for other values, compose with an override and freeze that.",
        path=place,
        expected=then,
        found=now,
    )


def _frozen(found: Mapping[str, Any]) -> Frozen:
    values, choices = _values(found["values"]), _values(found["choices"])
    if not isinstance(values, dict) or not isinstance(choices, dict):
        raise TypeError("values or choices are no mapping")
    environment = _read_environment(found["environment"])
    for place, one in environment.references.items():
        held: Value = values
        for step in path(place):
            held = held[step]
        if held != one.text:  # the digest counts what it stands for, and would not tell
            raise ValueError(f"{shown(place)} is not {one.text}, as its reference says")
    return Frozen(
        values,
        sidecar.read(found["origins"], values),
        _text(found["digest"]),
        _text(found["intent"]),
        _text(found["name"]),
        None if found["model"] is None else _text(found["model"]),
        found["version"],
        tuple(map(_text, found["overrides"])),
        choices,
        dict(found["files"]),
        dict(found["tools"]),
        _values(found["hydra"]),
        tuple(map(_text, found["warnings"])),
        tuple(map(_text, found["steps"])),
        _values(found["code"]),
        environment,
        sidecar.read_interpolations(found["interpolations"]),
        dict(found["moved"]),
        tuple(map(_text, found["secrets"])),
    )


def _environment(environment: Environment) -> str:
    rows = []
    for place, one in environment.references.items():
        row: dict[str, Any] = {"pointer": place, "text": one.text, "variables": list(one.variables)}
        if one.source != place:
            row["source"] = one.source
        row["digests"] = dict(one.digests)
        if one.read:
            row["read"] = dict(one.read)
        rows.append(row)
    kept = {place: _plain(value) for place, value in leaves(environment.tree).items()} if rows else {}
    return f'{{"now": {_json(environment.now)}, "tree": {_json(kept)}, "references": {_rows(rows)}}}'


def _read_environment(found: Mapping[str, Any]) -> Environment:
    references = {
        _text(one["pointer"]): Reference(
            _text(one["text"]),
            _text(one.get("source", one["pointer"])),
            tuple(map(_text, one["variables"])),
            dict(one["digests"]),
            dict(one.get("read", {})),
        )
        for one in found["references"]
    }
    if "" in references:
        raise ValueError("a reference stands for the whole")
    tree = built({place: _values(value) for place, value in found["tree"].items()})
    for one in references.values():
        _check_tree(tree, one.source)
    if found["now"] is not None:
        datetime.fromisoformat(found["now"])
    return Environment(references, tree, found["now"])


def _check_tree(tree: Value, source: str) -> None:
    """Raises KeyError, IndexError or TypeError where the tree has nothing from which the source could be read."""
    for step in path(source):
        if isinstance(tree, str):
            return  # an interpolation, which brings the rest along
        tree = tree[step]


def _plain(value: Value) -> Any:
    """What JSON can hold of a value: keys as `spelled`, and `{"!float": "NaN"}` for a number that JSON lacks."""
    if isinstance(value, Mapping):
        return {spelled(key): _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if value.__class__ is float and value - value != 0:
        return {"!float": "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"}
    return value


def _values(found: Any) -> Value:
    """What `_plain` was made of."""
    if isinstance(found, dict):
        if len(found) == 1 and "!float" in found:
            return float(found["!float"])
        return {key_of(key): _values(one) for key, one in found.items()}
    if isinstance(found, list):
        return [_values(one) for one in found]
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON")


def _rows(rows: Iterable[Any]) -> str:
    lines = [_json(row) for row in rows]
    return "[\n " + ",\n ".join(lines) + "\n]" if lines else "[]"


def _table(rows: Iterable[tuple[str, Any]]) -> str:
    lines = [f"{_json(key)}: {_json(row)}" for key, row in rows]
    return "{\n " + ",\n ".join(lines) + "\n}" if lines else "{}"


def _tight(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(", ", ": "))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} stands where a text belongs")
    return value


def _refuse(place: str, what: str) -> NoReturn:
    raise InvalidConfig(
        f"{place} is no frozen configuration: {what}.", remedy="Name a file that freezing wrote.", path=place
    )
