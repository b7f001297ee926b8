"""Rewriting: a file of an old version becomes one of the new version, in its own layout and with its comments."""

from __future__ import annotations

import difflib
import os
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pedigree.config.documents import read
from pedigree.config.origins import Value, own, spread
from pedigree.config.versions.drafts import Draft, Edit, Path, shown
from pedigree.config.versions.migration import Migrated, Step, migrate
from pedigree.config.versions.mistakes import problems, refusal, unresolved
from pedigree.config.versions.nodes import Tree
from pedigree.config.versions.numbering import KEY
from pedigree.config.versions.operations import PathText, path_of
from pedigree.config.versions.shapes import defaults, fields, same
from pedigree.config.versions.splicing import edited, spliced
from pedigree.errors import InvalidConfig

_BOM = b"\xef\xbb\xbf"
_INTERPOLATION = re.compile(r"\$\{[^{}]*")


@dataclass(frozen=True, slots=True)
class Rewritten:
    """`notes` are what the caller should look at: interpolations that name a key by what it was called before, and values
    that the new version refuses, whose migration nobody can do but a person."""

    name: str
    before: bytes
    after: bytes
    steps: tuple[Step, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        return self.before != self.after

    @property
    def diff(self) -> str:
        """Unified; empty where nothing changed."""
        old, new = (data.decode("utf-8-sig").splitlines(keepends=True) for data in (self.before, self.after))
        lines = []
        for line in difflib.unified_diff(old, new, self.name, self.name):
            lines.append(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n")
        return "".join(lines)


def rewritten(
    data: bytes, name: str, model: Any, *, at: PathText | None = None, version: int | None = None, partial: bool = False
) -> Rewritten:
    """The bytes of a file in the terms of `model`; nothing on disk is touched.

    `at` is where in the file the model lies; the whole file is it otherwise, but for `defaults` and `hydra`. A file with a
    defaults list, and any with `partial=True`, may get from elsewhere what it leaves out: no old defaults are written
    into it then, and where one matters a file with a defaults list is refused; `partial=True` says that it does not.
    `version` is that of a file that states none; it states none afterwards either.

    Comments, order, quotes, anchors, interpolations and ends of line stay; a key that is dropped takes the comment on
    its own line along. Raises InvalidConfig for what `migrate` refuses, and where a change cannot be made in the text: at an
    alias, in a merge, inside braces that hold comments. Every change is read back and compared.
    """
    body = data.removeprefix(_BOM)
    document = read(data, name)
    base: Path = () if at is None else path_of(at)
    try:
        tree = Tree(body.decode("utf-8"), name)
    except UnicodeDecodeError:
        raise InvalidConfig(f"{name} is UTF-16, and only UTF-8 is rewritten.", remedy="Save it as UTF-8.") from None
    values: Value = document.values
    origins = document.origins
    for part in base:
        if not isinstance(values, dict) or part not in values:
            return Rewritten(name, data, data)
        values, origins = values[part], origins[part]
    if not isinstance(values, dict):
        return Rewritten(name, data, data)
    set_aside = [] if base else _set_aside(values, model)
    values = {key: item for key, item in values.items() if key not in set_aside}
    stated = version is None or KEY in values
    if not stated:
        values = {KEY: version, **values}
        origins = {**origins, KEY: spread(version, document.origins[None])}
    bare = migrate(values, origins, model, partial=True)
    if not bare.steps:
        return Rewritten(name, data, data)
    bring = document.values.get("defaults", []) if "defaults" in set_aside else []
    kept: list[Edit] = []
    if [entry for entry in bring if entry != "_self_"]:
        if not partial:
            _refuse_unsure(document.origins["defaults"], values, origins, model, name)
    elif not partial:
        kept = _kept(values, origins, bare, model, name)
    edits = [*(edit for edit in bare.edits if stated or edit.path != (KEY,)), *kept]
    expected = {**bare.values, **{key: document.values[key] for key in set_aside}}
    if not stated:
        del expected[KEY]
    for edit in edits:
        tree = spliced(tree, _under(base, edit))
    for edit in kept:
        expected = edited(expected, edit)
    if not same(_get(tree.values, base), expected):
        raise InvalidConfig(
            f"{name}: the rewritten text does not hold what the migration gives. The file is as it was.",
            remedy="This is a mistake of ours: please report it with the file.",
        )
    after = (_BOM if data.startswith(_BOM) else b"") + tree.text.encode("utf-8")
    notes = (*_stale(tree, name, bare), *_refused(bare.values, model, name))
    return Rewritten(name, data, after, bare.steps, notes)


def rewrite(
    path: str | os.PathLike[str],
    model: Any,
    *,
    check: bool = False,
    at: PathText | None = None,
    version: int | None = None,
    partial: bool = False,
) -> Rewritten:
    """Rewrites a file in place, as `rewritten`; with `check` it only says what it would do (`.changed`, `.diff`).

    The file holds the old bytes or the new ones at any time; its mode and, where it is a link, the link stay. Raises
    InvalidConfig, and leaves the file as it was, where another writer changed it meanwhile.
    """
    real = os.path.realpath(path)
    with open(real, "rb") as file:
        data = file.read()
    result = rewritten(data, os.fspath(path), model, at=at, version=version, partial=partial)
    if check or not result.changed:
        return result
    handle, temporary = tempfile.mkstemp(dir=os.path.dirname(real), prefix=".", suffix=".migrating")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(result.after)
            file.flush()
            os.fchmod(file.fileno(), os.stat(real).st_mode & 0o7777)
            os.fsync(file.fileno())
        _refuse_changed(real, data)
        os.replace(temporary, real)
    except BaseException:
        os.unlink(temporary)
        raise
    return result


def _refuse_changed(path: str, data: bytes) -> None:
    with open(path, "rb") as file:
        if file.read() == data:
            return
    raise InvalidConfig(
        f"{path} was changed by somebody else while it was migrated. It is as they left it.", remedy="Try again."
    )


def _set_aside(values: dict[Any, Value], model: Any) -> list[str]:
    """What Hydra reads and the model never sees."""
    known = {field.key for field in fields(model)}
    return [
        key
        for key, kind in (("defaults", list), ("hydra", dict))
        if isinstance(values.get(key), kind) and key not in known
    ]


def _get(values: Value, path: Path) -> Value:
    for part in path:
        values = values[part]
    return values


def _under(base: Path, edit: Edit) -> Edit:
    """The edit with its paths under `base`. A version that a file did not state goes in front."""
    to = None if edit.to is None else base + edit.to
    if edit.kind == "insert" and edit.path[-1] == KEY:
        to = ()
    return Edit(edit.kind, base + edit.path, to, edit.value)


def _kept(values: Value, origins: Any, bare: Migrated, model: Any, name: str) -> list[Edit]:
    """What puts those old defaults into a file that the new version would change.

    Raises InvalidConfig where file and old defaults, migrated apart, do not mean what they mean together.
    """
    whole = migrate(values, origins, model)
    edits = [Edit("insert", path, None, _get(whole.values, path)) for path in whole.kept]
    together = bare.values
    for edit in edits:
        together = edited(together, edit)
    if not same(_complete(together, model), _complete(whole.values, model)):
        raise InvalidConfig(
            f"{name}: what the file leaves out and what it sets cannot be migrated apart from each other. "
            "The file is as it was.",
            remedy="Write the old defaults into the file, then migrate it.",
        )
    return edits


def _complete(values: Value, model: Any) -> Value:
    draft = Draft(values, None)
    for path, value, _ in defaults(values, model):
        if not draft.has(path):
            draft.insert(path, value, spread(value, draft.origin(())))
    return _without_empty(draft.values)


def _without_empty(values: Value) -> Value:
    if not isinstance(values, dict):
        return values
    inner = {key: _without_empty(item) for key, item in values.items()}
    return {key: item for key, item in inner.items() if item != {}}


def _refuse_unsure(listed: Any, values: Value, origins: Any, model: Any, name: str) -> None:
    """A defaults list may bring what the file leaves out; then its old default must not be written into it."""
    try:
        kept = migrate(values, origins, model).kept
    except InvalidConfig:  # what is required comes from the list, so that nobody can tell
        return
    if kept:
        keys = ", ".join(repr(shown(path)) for path in kept)
        raise InvalidConfig(
            f"{name}: the file leaves out {keys}, whose default changed, and has a defaults list "
            f"({own(listed).text}) that may bring it. The file is as it was.",
            remedy="Set the key in the file if the old default is meant, or pass partial=True if it comes from the list.",
            paths=kept,
        )


def _refused(values: Value, model: Any, name: str) -> Iterator[str]:
    """A note for each value that is there, is no interpolation, and is refused by the version that the file has now."""
    try:
        error, _ = refusal(model, values)
    except Exception:  # a validator of the model that met an interpolation
        return
    if error is None:
        return
    for one in problems(values, error):
        if one.path and not one.kind.startswith("missing") and not unresolved(one.value):
            yield f"{name}: {shown(one.path)} is {one.value!r}, which {model.__name__} refuses: {one.message}"


def _stale(tree: Tree, name: str, migrated: Migrated) -> Iterator[str]:
    """A note for each interpolation that still uses the old name of a key."""
    renamed = {edit.path[-1]: edit.to for edit in migrated.edits if edit.kind == "move" and edit.to is not None}
    for index, line in enumerate(tree.text.split("\n"), 1):
        for found in _INTERPOLATION.finditer(line):
            for old, new in renamed.items():
                if re.search(rf"(?<![\w]){re.escape(str(old))}(?![\w])", found[0]):
                    yield (
                        f"{name}:{index}:{found.start() + 1}: {found[0]}}} may mean {old!r}, "
                        f"which is {shown(new)!r} now"
                    )
