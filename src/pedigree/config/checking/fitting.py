"""A configuration held against its model: types, unknown keys, versions, and secrets written out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pedigree.config.checking.findings import Finding, at, of_error, placed
from pedigree.config.origins import at as origin_at
from pedigree.errors import InvalidConfig

if TYPE_CHECKING:
    from pedigree.config.checking.points import Point
    from pedigree.config.checking.resolving import Known
    from pedigree.config.composed import Composed
    from pedigree.config.versions import Step

Path = tuple[Any, ...]


class Fitting:
    """One model, with what about it need be found out only once."""

    def __init__(self, model: Any) -> None:
        from pedigree.config.models.prepared import prepare

        self.model = model
        self.shape = prepare(model).shape
        self.versioned = _has_versions(model, set())

    def findings(self, point: Point, composed: Composed, known: Known, fallback: str) -> Iterator[Finding]:
        """What is wrong with the values that are known; nothing is said of those that depend on what is not."""
        from pedigree.config.models import validate
        from pedigree.config.versions import migrate

        values, origins = known.values, composed.origins
        old_names: dict[Path, Path] = {}
        if self.versioned:
            yield from self._unstated(point, composed, known, fallback)
            try:
                migrated = migrate(values, origins, self.model)
            except InvalidConfig as error:
                if not known.unknown:
                    yield of_error(error, "version", fallback, point.asked)
                return
            for step in _journeys(migrated.steps):
                file, line, column = at(origin_at(origins, (*step.at, "version")), fallback)
                message = f"this is version {step.before} of {step.family}, and the code has {step.after}"
                yield Finding(
                    "note",
                    "version",
                    file,
                    line,
                    column,
                    message,
                    "It is migrated each time; rewrite the file to be done with it.",
                    point.asked,
                )
            values, origins, old_names = migrated.values, migrated.origins, migrated.old_names
        try:
            validated = validate(self.model, values, origins, old_names=old_names, interpolations=known.interpolations)
        except InvalidConfig as error:
            for problem in getattr(error, "problems", ()):
                if known.tells(problem.path) and known.tells(old_names.get(problem.path, problem.path)):
                    yield _finding(problem, point, fallback)
            return
        for path in validated.secrets:
            yield from self._literal(path, point, composed, fallback)

    def _literal(self, path: Path, point: Point, composed: Composed, fallback: str) -> Iterator[Finding]:
        """A secret whose type takes any text: that it is valid says nothing of whether it is written out."""
        if self.shape.takes_reference(path):
            return
        value: Any = composed.raw
        for key in path:
            value = value.get(key) if isinstance(value, dict) else value[key] if isinstance(value, list) else None
        if not isinstance(value, str) or "${" in value or value == "???":
            return
        file, line, column = at(origin_at(composed.origins, path), fallback)
        message = f"{'.'.join(map(str, path))}: a secret is not written down; say where it is"
        remedy = "Write ${oc.env:NAME}, and take the secret out of the history of the file; it is known now."
        yield Finding("error", "secret", file, line, column, message, remedy, point.asked)

    def _unstated(self, point: Point, composed: Composed, known: Known, fallback: str) -> Iterator[Finding]:
        from pedigree.config.versions import family_of
        from pedigree.config.versions.shapes import has_versions, versioned

        whole = [((), self.model)] if has_versions(self.model) else []
        for path, model in [*whole, *versioned(known.values, self.model)]:
            value = known.values
            for key in path:
                value = value[key]
            family = family_of(model)
            # Where nobody said which version such files are, migrating them is an error and says so.
            if "version" not in value and family is not None and family.unversioned is not None:
                file, line, column = at(origin_at(composed.origins, path), fallback)
                where = ".".join(map(str, path)) or "the whole"
                message = f"{where}: no version is stated for {model.__name__}"
                remedy = f"It is taken for version {family.unversioned}. Write `version: {family.unversioned}`, or what it was written for."
                yield Finding("warning", "version", file, line, column, message, remedy, point.asked)


def _finding(problem: Any, point: Point, fallback: str) -> Finding:
    # The top itself begins in whichever file came first, which has no part in what is missing there.
    at_top = problem.kind.startswith("missing") and len(problem.path) == 1
    file, line, column = (fallback, 0, 0) if at_top else placed(problem.place, fallback)
    between = " " if problem.kind == "mismatch" else ": "
    message = "\n".join([f"{problem.key or 'the whole'}{between}{problem.text}", *problem.details])
    kind = "secret" if problem.kind.startswith("secret_") else "model"
    remedy = problem.hint[:1].upper() + problem.hint[1:]
    return Finding(
        "error",
        kind,
        file,
        line,
        column,
        message,
        remedy if not remedy or remedy[-1] in "?." else f"{remedy}.",
        point.asked,
    )


def _journeys(steps: Iterable[Step]) -> Iterable[Step]:
    """One step for each model that was migrated, from the version of the file to that of the code."""
    found: dict[tuple[str, Path], Step] = {}
    for step in steps:
        first = found.get((step.family, step.at), step)
        found[step.family, step.at] = replace(step, before=first.before)
    return found.values()


def _has_versions(model: Any, seen: set[Any]) -> bool:
    """Whether a model, or one somewhere in it, has versions."""
    from typing import get_args

    from pedigree.config.versions.shapes import fields, has_versions, is_model

    if not is_model(model):
        return any(_has_versions(one, seen) for one in get_args(model))
    if model in seen:
        return False
    seen.add(model)
    return has_versions(model) or any(_has_versions(field.annotation, seen) for field in fields(model))
