"""VS Code's YAML extension told which schema is whose, in the workspace's settings."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pedigree.config.schemas import jsonc
from pedigree.config.schemas.build import Schemas

KEY = "yaml.schemas"


@dataclass(frozen=True, slots=True)
class Mapped:
    """What became of the settings. Where `changed` is false and `problem` not empty, `wanted` is for a person to add."""

    path: Path
    changed: bool
    wanted: str  #: the members that belong into the settings, as JSON
    problem: str = ""


def mapping(
    schemas: Schemas, folder: str | os.PathLike[str], workspace: str | os.PathLike[str]
) -> dict[str, list[str]]:
    """`yaml.schemas` for schemas written to `folder`: which schema goes with which files, relative to the workspace."""
    base = os.path.relpath(folder, workspace).replace(os.sep, "/")
    conf = os.path.relpath(schemas.directory, workspace).replace(os.sep, "/")
    prefix = "" if conf == "." else f"{conf}/"
    return {f"./{base}/{one.name}": [f"{prefix}{name}" for name in one.files] for one in schemas.schemas}


def map_files(schemas: Schemas, folder: str | os.PathLike[str], workspace: str | os.PathLike[str]) -> Mapped:
    """Writes the mapping into the workspace's `.vscode/settings.json`, which is made if it is not there.

    What the user has stays, comments and layout included; only members for schemas in `folder` are set, and those
    of schemas that are no more are taken out. Where that cannot be done to the letter nothing is written.
    """
    path = Path(workspace) / ".vscode" / "settings.json"
    wanted = mapping(schemas, folder, workspace)
    shown = json.dumps({KEY: wanted}, indent=4, ensure_ascii=False)
    base = os.path.relpath(folder, workspace).replace(os.sep, "/")
    try:
        text = path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        text = ""
    except (OSError, UnicodeDecodeError) as error:
        return Mapped(path, False, shown, f"{path} cannot be read: {error}.")
    try:
        changed = edited(text, wanted, f"./{base}/")
    except jsonc.Broken as error:
        return Mapped(path, False, shown, f"{path}, {error}; it is left as it is.")
    if changed == text:
        return Mapped(path, False, shown)
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.{os.getpid()}")
    new.write_bytes(changed.encode())
    if path.exists():
        new.chmod(path.stat().st_mode & 0o777)
    new.replace(path)
    return Mapped(path, True, shown)


def edited(text: str, wanted: Mapping[str, list[str]], ours: str) -> str:
    """The settings with `wanted` under `yaml.schemas`; keys there that begin with `ours` and are not wanted go.

    Raises jsonc.Broken where the text is no settings, or a comment would be lost.
    """
    if not text.strip(" \t\r\n\ufeff"):
        return json.dumps({KEY: dict(wanted)}, indent=4, ensure_ascii=False) + "\n"
    root = jsonc.parse(text)
    if not isinstance(root.value, dict):
        raise jsonc.Broken("the settings are no object")
    present = next((member for member in root.members if member.key == KEY), None)
    unit = _unit(text, root)
    if present is None:
        if not wanted:
            return text
        changed = _splice(text, _added(text, root, {KEY: dict(wanted)}, unit, "", root.members))
        expected = {**root.value, KEY: dict(wanted)}
    else:
        if not isinstance(present.node.value, dict):
            raise jsonc.Broken(f"{KEY!r} is no object")
        changed, kept = _merged(text, present.node, wanted, ours, unit)
        expected = {**root.value, KEY: kept}
    # The proof of the splice: the same comments, and every value as it was or as it is wanted.
    if jsonc.parse(changed).value != expected or jsonc.comments(changed) != jsonc.comments(text):
        raise jsonc.Broken("a comment stands where a member has to go")
    return changed


_Edit = tuple[int, int, str]


def _merged(
    text: str, node: jsonc.Node, wanted: Mapping[str, list[str]], ours: str, unit: str
) -> tuple[str, dict[str, object]]:
    """The text with the members of one object as they are wanted, and the value that this gives it."""
    stale = {member.key for member in node.members if member.key.startswith(ours)} - set(wanted)
    edits: list[_Edit] = []
    for member in node.members:
        if member.key in stale:
            edits.append((member.start, member.node.end, ""))
            if member.comma >= 0:
                edits.append((member.comma, member.comma + 1, ""))
        elif member.key in wanted and member.node.value != wanted[member.key]:
            edits.append((member.node.start, member.node.end, json.dumps(wanted[member.key], ensure_ascii=False)))
    left = [member for member in node.members if member.key not in stale]
    missing = {key: list(value) for key, value in wanted.items() if key not in node.value}
    if missing:
        edits += _added(text, node, missing, unit, unit, left)
    elif stale and left and left[-1].comma >= 0 and node.members[-1].comma < 0:
        edits.append((left[-1].comma, left[-1].comma + 1, ""))
    kept = {key: value for key, value in node.value.items() if key not in stale}
    return _splice(text, edits), {**kept, **wanted}


def _added(
    text: str, node: jsonc.Node, members: Mapping[str, object], unit: str, outer: str, left: Sequence[jsonc.Member]
) -> list[_Edit]:
    """The edits that put members behind the last that is left of an object: a comma at that one, lines before the bracket."""
    newline = "\r\n" if "\r\n" in text else "\n"
    inner = outer + unit
    lines = []
    for key, value in members.items():
        shown = (
            json.dumps(value, indent=unit, ensure_ascii=False)
            if isinstance(value, dict)
            else json.dumps(value, ensure_ascii=False)
        )
        lines.append(f"{inner}{json.dumps(key, ensure_ascii=False)}: " + shown.replace("\n", newline + inner))
    edits: list[_Edit] = []
    if left and left[-1].comma < 0:
        edits.append((left[-1].node.end, left[-1].node.end, ","))
    bracket = node.end - 1
    line = text.rfind("\n", 0, bracket) + 1
    text_of_members = f",{newline}".join(lines) + newline
    if line > node.start and not text[line:bracket].strip():
        edits.append((line, line, text_of_members))
    else:
        edits.append((bracket, bracket, newline + text_of_members + outer))
    return edits


def _splice(text: str, edits: list[_Edit]) -> str:
    """Those at one place are made in the order given. A line that nothing but blanks is left of goes."""
    for start, end, new in sorted(edits, key=lambda edit: edit[0])[::-1]:
        text = text[:start] + new + text[end:]
        first = text.rfind("\n", 0, start) + 1
        last = text.find("\n", start)
        if not new and last >= 0 and first > 0 and not text[first:last].strip():
            text = text[:first] + text[last + 1 :]
    return text


def _unit(text: str, root: jsonc.Node) -> str:
    """What the settings are indented by."""
    for member in root.members:
        line = text[text.rfind("\n", 0, member.start) + 1 : member.start]
        if line and not line.strip(" \t"):
            return line
    return "    "
