"""Releases: fingerprints of versions that are out, so that nobody edits one by accident.

The file is JSON and belongs into the repository, next to the models:

    {"resnet": {"1": {"fields": {"context": "int = 256"}, "steps": []}, "2": …}}
"""

from __future__ import annotations

import json
import os
from typing import Any, get_args, get_origin

from pydantic import BaseModel

from pedigree.config.versions.families import Family, family_of
from pedigree.config.versions.numbering import number_of
from pedigree.config.versions.shapes import ABSENT, fields, is_model
from pedigree.errors import InvalidConfig


def fingerprint(model: Any) -> dict[str, str]:
    """Each field with its type, constraints and default, as text; fields of unversioned models inside it as `opt.lr`.

    Equal fingerprints accept and mean the same, but for what functions do: validators of the model's own are not in it.
    """
    found: dict[str, str] = {}
    _fields(model, "", found, ())
    config = getattr(model, "model_config", {})
    for name in ("extra", "strict"):
        if config.get(name) is not None:
            found[f"({name})"] = str(config[name])
    return found


def _fields(model: Any, prefix: str, found: dict[str, str], above: tuple[Any, ...]) -> None:
    infos = model.model_fields if issubclass(model, BaseModel) else {}
    by_key = {
        alias if isinstance(alias := info.validation_alias or info.alias, str) else name: info
        for name, info in infos.items()
    }
    for field in fields(model):
        info = by_key.get(field.key)
        text = spelled(field.annotation)
        if info is not None and info.metadata:
            text += " " + " ".join(sorted(map(_constraint, info.metadata)))
        if field.default is not ABSENT:
            text += f" = {json.dumps(field.default, sort_keys=True, ensure_ascii=False)}"
        elif info is not None and not info.is_required():
            text += " = (made anew)"
        found[prefix + field.key] = text
        for inner in _models(field.annotation):
            if family_of(inner) is None and number_of(inner) is None and inner not in above:
                _fields(inner, f"{prefix}{field.key}.", found, (*above, inner))


def _models(annotation: Any) -> list[Any]:
    if is_model(annotation):
        return [annotation]
    return [one for part in get_args(annotation) for one in _models(part)]


def spelled(annotation: Any) -> str:
    """A type as it is written, the same in every version of Python and pydantic; versioned models with their number."""
    if annotation is None or annotation is type(None):
        return "None"
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is not None:
        name = str(getattr(origin, "__name__", origin)).replace("UnionType", "Union")
        if name == "Annotated":
            return spelled(args[0]) + "".join(f" {_constraint(one)}" for one in args[1:])
        if name == "Literal":
            return f"Literal[{', '.join(map(repr, args))}]"
        if name == "Union":
            return " | ".join(sorted(map(spelled, args)))
        return f"{name}[{', '.join('...' if one is Ellipsis else spelled(one) for one in args)}]"
    if isinstance(annotation, type):
        family, number = family_of(annotation), number_of(annotation) if is_model(annotation) else None
        if family is not None:
            return f"{family.name} v{number}"
        members = getattr(annotation, "__members__", None)
        if members is not None:  # an Enum
            return f"{annotation.__name__}({', '.join(repr(one.value) for one in members.values())})"
        return annotation.__name__
    return str(annotation)


def _constraint(one: Any) -> str:
    """`Ge(ge=512)`; of a function its name, as its repr has an address."""
    function = getattr(one, "func", None) or (one if callable(one) else None)
    if function is not None:
        return f"{type(one).__name__}({getattr(function, '__qualname__', type(function).__name__)})"
    return repr(one)


def _entries(family: Family) -> dict[str, dict[str, Any]]:
    return {
        str(number): {
            "fields": fingerprint(family.models[number]),
            "steps": [str(operation) for operation in family.steps.get(number, ())],
        }
        for number in sorted(family.models)
    }


def released(path: str | os.PathLike[str], *families: Family) -> list[str]:
    """Records every version of the families that the file does not have yet; gives their names, `resnet v3`.

    Call it when a version is out for others to use. Raises InvalidConfig, and writes nothing, where a version that is
    recorded already was edited.
    """
    check_released(path, *families, complete=False)
    known = _known(path)
    added = []
    for family in families:
        recorded = known.setdefault(family.name, {})
        for number, entry in _entries(family).items():
            if number not in recorded:
                recorded[number] = entry
                added.append(f"{family.name} v{number}")
        known[family.name] = dict(sorted(recorded.items(), key=lambda one: int(one[0])))
    if added:
        text = json.dumps(known, indent=2, sort_keys=False, ensure_ascii=False) + "\n"
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    return added


def check_released(path: str | os.PathLike[str], *families: Family, complete: bool = True) -> None:
    """For a test: passes while no recorded version differs from its record.

    Raises InvalidConfig, which lists every field and step that differs; with `complete`, also where an older version than
    the newest is not recorded, as it must have been released before. A model that was deleted is no difference while
    its step stands.
    """
    known = _known(path)
    wrong: list[str] = []
    for family in families:
        recorded = known.get(family.name, {})
        entries = _entries(family)
        for number, entry in recorded.items():
            what = f"{family.name} v{number}"
            if number in entries:
                wrong += _differences(what, entry, entries[number])
            elif int(number) not in family.steps:
                wrong.append(f"{what}: neither its model nor its step is there any more")
            else:
                steps = [str(operation) for operation in family.steps[int(number)]]
                wrong += _differences(what, {"steps": entry["steps"]}, {"steps": steps})
        if complete:
            wrong += [
                f"{family.name} v{number} is not recorded, and v{family.newest} is there already"
                for number in entries
                if number not in recorded and int(number) < family.newest
            ]
    if wrong:
        raise InvalidConfig(
            f"{len(wrong)} differences from the released versions in {os.fspath(path)}:\n"
            + "\n".join(f"  {one}" for one in wrong),
            remedy="Files of these versions exist. Undo the change and make a new version with an operation for it; "
            "record versions with released(…). Where a change is harmless, delete the entry and record it anew.",
            differences=tuple(wrong),
        )


def _differences(what: str, before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    found = []
    old, new = before.get("fields", {}), now.get("fields", {})
    for key in {**old, **new}:
        if key not in new:
            found.append(f"{what}: {key} is gone, it was `{old[key]}`")
        elif key not in old:
            found.append(f"{what}: {key} is new, `{new[key]}`")
        elif old[key] != new[key]:
            found.append(f"{what}: {key} is `{new[key]}`, it was `{old[key]}`")
    if before["steps"] != now["steps"]:
        found.append(f"{what}: its step is {now['steps']}, it was {before['steps']}")
    return found


def _known(path: str | os.PathLike[str]) -> dict[str, Any]:
    try:
        with open(path, encoding="utf-8") as file:
            known = json.load(file)
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise InvalidConfig(
            f"{os.fspath(path)} is no record of released versions: {error}.", remedy="Restore it from version control."
        ) from None
    if not isinstance(known, dict):
        raise InvalidConfig(
            f"{os.fspath(path)} is no record of released versions.", remedy="Restore it from version control."
        )
    return known
