"""Families: the versions of one model, and the operations that lead from each to the next."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from pedigree.config.versions.numbering import KEY, number_of
from pedigree.errors import InvalidConfig

if TYPE_CHECKING:
    from pedigree.config.versions.operations import Operation

_M = TypeVar("_M")
_ATTRIBUTE = "__pedigree_family__"


class Family:
    """All versions of one model.

    `name` stands in messages and in the changelog. `unversioned` is the version that a file without a `version` is
    taken for; without it such a file is refused. Versions follow one another without gaps.

        resnet = Family("resnet", unversioned=1)

        @resnet.version()
        class ResNetV1(BaseModel):
            version: Literal[1] = 1
            context: int = 256

        @resnet.version(Rename("context", "new_context"))   # leads from version 1 to 2
        class ResNetV2(BaseModel):
            version: Literal[2] = 2
            new_context: int = 256

    A version whose model is deleted keeps its step: `resnet.step(2, Rename("context", "new_context"))`.
    """

    def __init__(self, name: str, *, unversioned: int | None = None) -> None:
        self.name = name
        self.unversioned = unversioned
        self.models: dict[int, Any] = {}
        self.steps: dict[int, tuple[Operation, ...]] = {}
        #: Defaults, by path, of versions whose models are gone.
        self.defaults: dict[int, Mapping[str, Any]] = {}

    def __repr__(self) -> str:
        return f"Family({self.name!r}, versions={self.numbers})"

    @property
    def numbers(self) -> list[int]:
        """Every version that is known, in order."""
        return sorted({*self.models, *self.steps, *self.defaults})

    @property
    def newest(self) -> int:
        """The largest version that has a model. Raises InvalidConfig where none has."""
        if not self.models:
            raise InvalidConfig(
                f"The family {self.name!r} has no model.", remedy="Decorate one with @family.version().", family=self
            )
        return max(self.models)

    def version(self, *operations: Operation) -> Callable[[type[_M]], type[_M]]:
        """Decorates the model of a version; the operations lead to it from the version before.

        Raises InvalidConfig for a model without `version: Literal[N]`, and for a number that is taken.
        """

        def register(model: type[_M]) -> type[_M]:
            number = number_of(model)
            if number is None:
                raise InvalidConfig(
                    f"{model.__name__} has no field `{KEY}: Literal[N]`.",
                    remedy=f"Add `{KEY}: Literal[1] = 1`, with its number.",
                    model=model,
                )
            other = self.models.get(number)
            # A notebook cell or a reload that runs again defines the same class anew.
            if other is not None and (other.__module__, other.__qualname__) != (model.__module__, model.__qualname__):
                raise InvalidConfig(
                    f"Version {number} of {self.name!r} is {other.__qualname__} already, and {model.__qualname__} "
                    "claims it too.",
                    remedy="Give one of them another number.",
                    family=self,
                )
            self.models[number] = model
            self.steps[number] = operations
            setattr(model, _ATTRIBUTE, self)
            return model

        return register

    def step(self, to: int, *operations: Operation, defaults: Mapping[str, Any] | None = None) -> None:
        """Declares what leads to version `to` from the one before, where no model of `to` exists any more.

        `defaults` are those of version `to` by path, `{"opt.lr": 0.1}`: files of that version that leave the key out
        keep them. Without it they take the defaults of the model that they are migrated to.
        """
        if to in self.models:
            raise InvalidConfig(
                f"Version {to} of {self.name!r} has a model.",
                remedy="Give the operations to its decorator.",
                family=self,
            )
        self.steps[to] = operations
        if defaults is not None:
            self.defaults[to] = dict(defaults)

    def operations(self, to: int) -> tuple[Operation, ...]:
        """What leads to version `to` from the one before. Raises InvalidConfig where nobody said."""
        if to not in self.steps:
            raise InvalidConfig(
                f"No step leads from version {to - 1} of {self.name!r} to version {to}.",
                remedy=f"Declare it with step({to}, …), also where nothing but the number changes.",
                family=self,
            )
        return self.steps[to]


def family_of(model: Any) -> Family | None:
    """The family that a model, or one that it inherits from, is registered with; None where there is none."""
    for one in getattr(model, "__mro__", ()):
        found = vars(one).get(_ATTRIBUTE)
        if isinstance(found, Family):
            return found
    return None
