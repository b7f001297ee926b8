"""A frozen configuration: final values that say where they came from, with the digests that name them."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeVar

from pedigree.config.frozen.digests import copied_and_digested, digest_of_lines, intent_of_lines, leaf_digest, text_of
from pedigree.config.frozen.environment import Environment
from pedigree.config.frozen.fitting import fitted
from pedigree.config.frozen.pointers import leaves, path, shown
from pedigree.config.origins import Origins, Value, copied
from pedigree.errors import InvalidConfig

if TYPE_CHECKING:
    from pedigree.config.interpolation import Origin as Interpolated
    from pedigree.config.interpolation import Resolvers

Model = TypeVar("Model")

#: What to do where the environment or the model's defaults are not what they were.
Changed = Literal["refuse", "accept"]


class Frozen(NamedTuple):
    """Nobody changes what is in it; `as_dict` gives a copy to change.

    `values` are final: resolved, migrated, with defaults. In place of a value that depends on the environment stands
    the text that reads it, in place of a secret its reference; `environment` says which these are. `digest` names the
    values, whatever way they were written, and `intent` those that somebody set. All else is told for people
    and is part of neither. `origins` has the shape of `values`. `interpolations` and what `why` says of them are by the
    paths of composing; `moved` has, by the pointer of a final value, that of composing where it is another.
    """

    values: dict[Any, Value]
    origins: Origins
    digest: str
    intent: str
    name: str = ""
    model: str | None = None  #: package.module:Class
    version: int | None = None
    overrides: tuple[str, ...] = ()
    choices: Mapping[str, Any] = {}
    files: Mapping[str, str] = {}
    tools: Mapping[str, str] = {}
    hydra: Mapping[Any, Value] = {}
    warnings: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()  #: of the migration, in order
    code: Any = None
    environment: Environment = Environment()
    interpolations: Mapping[tuple[Any, ...], Interpolated] = {}
    moved: Mapping[str, str] = {}
    secrets: tuple[str, ...] = ()  #: pointers; in `values` stands where each is to be had

    @property
    def varying(self) -> tuple[tuple[Any, ...], ...]:
        """Paths of composing whose values a moment gave: another run of the same has another digest for their sake."""
        return tuple(where for where, one in self.interpolations.items() if not one.deterministic)

    def as_dict(self) -> dict[Any, Value]:
        """The values as plain data for a tracker (MLflow, W&B, TensorBoard): references where they were kept."""
        found: dict[Any, Value] = copied(self.values)
        return found

    def flat(self) -> dict[str, Value]:
        """Every leaf under its keys joined by dots, `layers.0.size`; the pointer where two would share that name."""
        found: dict[str, Value] = {}
        for place, value in leaves(self.values).items():
            name = shown(place)
            found[place if name in found else name] = value
        return found

    def lines(self) -> dict[str, str]:
        """The digest of each leaf under its pointer: what `digest` is made of."""
        return lines_of(self.values, self.environment)

    def resolved(
        self,
        environment: Mapping[str, str] | None = None,
        *,
        resolvers: Resolvers | None = None,
        changed: Changed = "refuse",
    ) -> dict[Any, Value]:
        """The values that the run had, with those of the environment (of this process unless another is given).

        Raises InvalidConfig where a variable gives another value than it did, unless that is accepted. Needs no file
        that the configuration was composed from.
        """
        whole = self.as_dict()
        if self.environment.references:
            given = os.environ if environment is None else environment
            for place, value in self.environment.values(given, resolvers=resolvers, changed=changed).items():
                *above, last = path(place)
                holder: Any = whole
                for step in above:
                    holder = holder[step]
                holder[last] = value
        return whole

    def as_model(
        self,
        model: type[Model],
        environment: Mapping[str, str] | None = None,
        *,
        resolvers: Resolvers | None = None,
        changed: Changed = "refuse",
    ) -> Model:
        """An instance of the model with the values that the run had.

        Values of an older version are migrated first. Raises InvalidConfig where they do not fit, where `resolved`
        does, and where the model of the same name and version gives other values than it did, as with a new default,
        unless that is accepted.
        """
        values = self.resolved(environment, resolvers=resolvers, changed=changed)
        found = fitted(model, values, self.origins, self._read_again())
        if changed != "accept" and not found.steps and self.model == name_of(model):
            self._check_model(found.values)
        instance: Model = found.instance
        return instance

    def _read_again(self) -> dict[tuple[Any, ...], Interpolated]:
        """What messages of validation must not quote."""
        if not self.environment.references:
            return {}
        from pedigree.config.interpolation import Origin as Interpolated

        return {
            path(place): Interpolated(one.text, (), frozenset(one.variables), True)
            for place, one in self.environment.references.items()
        }

    def _check_model(self, values: Value) -> None:
        now, then = copied_and_digested(values)[1], self.lines()
        places = list(self.environment.references)
        for place in sorted(now.keys() | then.keys()):
            if any(place == one or place.startswith(one + "/") for one in places):
                continue  # a secret, or checked when it was read
            if now.get(place) != then.get(place):
                what = (
                    "has a value more" if place not in then else "has a value less" if place not in now else "differs"
                )
                raise InvalidConfig(
                    f"{self.model} gives other values than when this configuration was frozen: {shown(place)} {what}.",
                    remedy="Use the code of that time, or accept the difference, which is another run.",
                    pointer=place,
                )

    def write(self, target: str | os.PathLike[str]) -> None:
        """Writes the file whole or not at all; `read` of it gives the same again. Raises InvalidConfig."""
        from pedigree.config.frozen.files import write

        write(self, target)


def lines_of(values: Value, environment: Environment) -> dict[str, str]:
    """The digest of each leaf under its pointer; what stands for a value of the environment counts as the value."""
    lines = copied_and_digested(values)[1]
    for place, one in environment.references.items():
        if one.digests:
            del lines[place]
            lines.update((place + below, digest) for below, digest in one.digests.items())
    return lines


def recorded(values: dict[Any, Value], lines: dict[str, str], environment: Environment) -> None:
    """Puts the references in place of their values, and of the digests of those that are secrets."""
    for place, one in environment.references.items():
        *above, last = path(place)
        holder: Any = values
        for step in above:
            holder = holder[step]
        holder[last] = one.text
        if not one.digests:
            for inside in [line for line in lines if line == place or line.startswith(place + "/")]:
                del lines[inside]
            lines[place] = leaf_digest(text_of(one.text))


def digests_of(lines: Mapping[str, str], origins: Origins | None) -> tuple[str, str]:
    return digest_of_lines(lines), intent_of_lines(lines, origins)


def name_of(model: type[Any]) -> str:
    """`package.module:Class`; a class of the script that runs is in the module that the script would be."""
    return f"{_module_of(model)}:{model.__qualname__}"


def _module_of(model: type[Any]) -> str:
    if model.__module__ != "__main__":
        return model.__module__
    running = sys.modules["__main__"]
    spec = getattr(running, "__spec__", None)
    if spec is not None:  # python -m package.module
        return str(spec.name).removesuffix(".__main__")
    return os.path.splitext(os.path.basename(getattr(running, "__file__", None) or "__main__"))[0]
