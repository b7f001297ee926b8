"""Guards: whether the declared steps of a family account for everything that changed between its models."""

from __future__ import annotations

from typing import Any

from pedigree.config.origins import Value, spread
from pedigree.config.versions.drafts import Draft, Path, leaves, shown
from pedigree.config.versions.families import Family
from pedigree.config.versions.numbering import KEY
from pedigree.config.versions.operations import MISSING, Default, path_of
from pedigree.config.versions.shapes import ABSENT, Field, chosen, defaults, fields, has_versions, is_model, same
from pedigree.errors import InvalidConfig


def check_steps(*families: Family) -> None:
    """For a test: passes while every step says all that it has to.

    Raises InvalidConfig, which lists, for each two versions that follow one another and have models: a default that
    differs with no `Default` operation, a `Default` whose values are not those of the models, a key that is gone with no
    `Drop` or `Rename`, a required key that no file of the version before can have, and a step that fails on the
    defaults alone. Also a step that is not there.
    """
    wrong = [problem for family in families for problem in _problems(family)]
    if wrong:
        raise InvalidConfig(
            "The migrations do not account for every change:\n" + "\n".join(f"  {one}" for one in wrong),
            remedy="Declare an operation for each: Default, Drop, Rename, Add, Map or Split.",
            problems=tuple(wrong),
        )


def _problems(family: Family) -> list[str]:
    numbers = family.numbers
    found = []
    for number in range(numbers[0] + 1, numbers[-1] + 1) if numbers else ():
        if number not in family.steps:
            found.append(f"{family.name} v{number - 1} -> v{number}: nothing is declared")
        elif number - 1 in family.models and number in family.models:
            found += _of_step(family, number)
    return found


def _of_step(family: Family, number: int) -> list[str]:
    before, after = family.models[number - 1], family.models[number]
    step = f"{family.name} v{number - 1} -> v{number}"
    olds, news = _full(before), _full(after)
    draft = Draft(olds, spread(olds, _nowhere()))
    draft.to = number
    draft.implicit = {path for path in leaves(olds) if _at(olds, path) != MISSING}
    stated: set[Path] = set()
    found = []
    for operation in family.steps[number]:
        if isinstance(operation, Default):
            path = path_of(operation.path)
            stated.add(path)
            was = draft.get(path) if draft.has(path) else None
            now = _at(news, path)
            if not same(was, operation.was) or not same(now, operation.now):
                found.append(
                    f"{step}: Default({shown(path)!r}) says {operation.was!r} became {operation.now!r}, "
                    f"and in the models {was!r} became {now!r}"
                )
        try:
            operation.apply(draft, (), step)
        except InvalidConfig as error:
            return [*found, f"{step}: {error.message}"]
    gone = [path for path in leaves(draft.values) if not _known(after, draft.values, path)]
    found += [
        f"{step}: {shown(path)!r} is in v{number - 1} and not in v{number}, and nothing drops it" for path in gone
    ]
    for path in sorted(draft.implicit - stated - set(gone), key=repr):
        was, now = draft.get(path), _at(news, path)
        if now != MISSING and draft.has(path) and not same(was, now):
            found.append(f"{step}: the default of {shown(path)!r} changed from {was!r} to {now!r}")
    found += [
        f"{step}: {shown(path)!r} is required in v{number}, and no file of v{number - 1} has it"
        for path in leaves(news)
        if _at(news, path) == MISSING and not draft.has(path)
    ]
    return found


def _nowhere() -> Any:
    from pedigree.config.origins import Origin

    return Origin("default", "the models")


def _full(model: Any) -> Value:
    """Every key of a model: with its default, or with `???` where a file must give it."""
    values: dict[Any, Value] = {}
    _require(model, values)
    draft = Draft(values, None)
    for path, value, _ in defaults(values, model):
        if not draft.has(path):
            draft.insert(path, value, spread(value, _nowhere()))
    return draft.values


def _require(model: Any, values: dict[Any, Value], above: tuple[Any, ...] = ()) -> None:
    for field in fields(model):
        if field.default is not ABSENT or field.key == KEY:
            continue
        if is_model(field.annotation) and not has_versions(field.annotation) and field.annotation not in above:
            inner: dict[Any, Value] = {}
            _require(field.annotation, inner, (*above, field.annotation))
            values[field.key] = inner
        else:
            values[field.key] = MISSING


def _at(values: Value, path: Path) -> Value:
    for part in path:
        if not isinstance(values, dict) or part not in values:
            return None
        values = values[part]
    return values


def _known(model: Any, values: Value, path: Path) -> bool:
    """Whether a model takes a key, or takes any."""
    for part in path:
        if getattr(model, "model_config", {}).get("extra") == "allow":
            return True
        inner: Field | None = next((one for one in fields(model) if one.key == part), None)
        if inner is None:
            return False
        values = values.get(part) if isinstance(values, dict) else None
        model = chosen(inner.annotation, values)
        if model is None or has_versions(model):
            return True
    return True
