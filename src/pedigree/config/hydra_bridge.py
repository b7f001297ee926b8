"""A bridge to Hydra, which is an extra: its composing, its ConfigStore, its `@hydra.main` with launchers and sweepers.

    @hydra_main(Training, config_path="conf", config_name="config")
    def train(settings: Training): ...

is a Hydra application like any other, whose function gets a validated model and whose output folder a frozen file.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pedigree.config.composed import Composed
from pedigree.config.origins import OWN, Origin, Origins, Value, own, spread
from pedigree.errors import InvalidConfig, MissingExtra

#: Hydra keeps its search path in globals; two threads that compose with it at once would share one.
_ONE_AT_A_TIME = threading.Lock()


def compose(
    directory: str | os.PathLike[str],
    name: str = "config",
    overrides: Sequence[str] = (),
    *,
    version_base: str | None = "1.3",
) -> Composed:
    """The configuration composed by Hydra itself, for folders that ours composes otherwise.

    Values are Hydra's. Origins are those of our own composing wherever it gives the same value, else they name Hydra.
    Raises InvalidConfig with Hydra's message, and MissingExtra without Hydra.
    """
    hydra, _ = _hydra()
    folder = os.path.abspath(os.fspath(directory))
    with _ONE_AT_A_TIME:
        try:
            with hydra.initialize_config_dir(folder, version_base=version_base):
                found = hydra.compose(name, overrides=list(overrides))
        except Exception as error:
            raise InvalidConfig(
                f"Hydra does not compose {name} of {os.fspath(directory)}: {error}",
                remedy="Correct what Hydra names, or compose without engine='hydra'.",
            ) from error
    composed = from_hydra(found, name=name, overrides=overrides, directory=os.fspath(directory))
    return _with_origins(composed, os.fspath(directory), name, overrides)


def from_hydra(
    settings: Any, *, name: str = "", overrides: Sequence[str] | None = None, directory: str | None = None
) -> Composed:
    """What Hydra composed, a DictConfig, as a `Composed` to validate and freeze.

    Inside of `@hydra.main`, overrides and choices are those of the run. Raises InvalidConfig where a value is
    missing (`???`), or does not resolve.
    """
    hydra, omegaconf = _hydra()
    running = hydra.core.hydra_config.HydraConfig
    task: list[str] = []
    choices: Mapping[str, Any] = {}
    if running.initialized():
        task = list(running.get().overrides.task)
        choices = dict(running.get().runtime.choices)
        name = name or str(running.get().job.config_name)
    container = omegaconf.OmegaConf.to_container
    try:
        raw = container(settings, resolve=False)
        values = container(settings, resolve=True, throw_on_missing=True)
    except omegaconf.errors.OmegaConfBaseException as error:
        raise InvalidConfig(
            f"The configuration from Hydra does not resolve: {error}", remedy="Set the value."
        ) from error
    origin = Origin("code", "Hydra")
    return Composed(
        values,
        raw,
        spread(raw, origin),
        name,
        directory,
        tuple(task if overrides is None else overrides),
        {key: option for key, option in choices.items() if not key.startswith("hydra")},
    )


def to_hydra(values: Mapping[Any, Any]) -> Any:
    """A read-only DictConfig of plain values, as of `Frozen.as_dict()`, for code that expects one."""
    _, omegaconf = _hydra()
    made = omegaconf.OmegaConf.create(dict(values))
    omegaconf.OmegaConf.set_readonly(made, True)
    omegaconf.OmegaConf.set_struct(made, True)
    return made


def hydra_main(
    model: type[Any] | None = None,
    *,
    config_path: str | None = "conf",
    config_name: str = "config",
    version_base: str | None = "1.3",
) -> Callable[[Callable[[Any], Any]], Callable[..., Any]]:
    """`@hydra.main` whose function gets an instance of the model, or plain values without one.

    Hydra composes, launches and sweeps, with all its plugins; before the function is called the configuration is
    validated, and written, frozen, to `config.json` in the output folder. Raises MissingExtra without Hydra.
    """
    hydra, _ = _hydra()

    def decorate(function: Callable[[Any], Any]) -> Callable[..., Any]:
        import functools

        @functools.wraps(function)
        def task(settings: Any) -> Any:
            from pedigree.config.frozen import freeze
            from pedigree.config.launching import DistEnv

            frozen = freeze(from_hydra(settings), model)
            folder = hydra.core.hydra_config.HydraConfig.get().runtime.output_dir
            if DistEnv.from_env().is_main:
                frozen.write(os.path.join(folder, "config.json"))
            return function(frozen.resolved() if model is None else frozen.as_model(model))

        made: Callable[..., Any] = hydra.main(
            version_base=version_base, config_path=config_path, config_name=config_name
        )(task)
        return made

    return decorate


class ConfigStore:
    """What was put into Hydra's ConfigStore, as a source to compose from: `search=[ConfigStore()]`.

    Structured configs are taken as the values that they have; their types are the business of the model.
    """

    shown = "the ConfigStore"

    def __init__(self) -> None:
        hydra, _ = _hydra()
        self._top = hydra.core.config_store.ConfigStore.instance().repo

    def read(self, name: str) -> tuple[bytes, str] | None:
        """The node as YAML, with its package at the head."""
        found = self._at(name)
        if found is None or isinstance(found, dict):
            return None
        _, omegaconf = _hydra()
        text = omegaconf.OmegaConf.to_yaml(found.node)
        package = found.package
        head = f"# @package {package}\n" if package else ""
        return (head + text).encode(), f"structured://{name.removesuffix('.yaml')}"

    def entries(self, group: str) -> list[tuple[str, bool]] | None:
        found = self._at(group) if group else self._top
        if not isinstance(found, dict):
            return None
        return [(name, isinstance(node, dict)) for name, node in found.items()]

    def _at(self, name: str) -> Any:
        here: Any = self._top
        for part in name.split("/"):
            here = here.get(part) if isinstance(here, dict) else None
        return here


def _hydra() -> tuple[Any, Any]:
    try:
        import hydra
        import hydra.core.config_store
        import hydra.core.hydra_config
        import omegaconf
    except ImportError as error:
        raise MissingExtra(
            "The bridge to Hydra needs hydra-core, which is not installed.",
            remedy='pip install "pedigree-ml[hydra]"',
        ) from error
    return hydra, omegaconf


def _with_origins(composed: Composed, directory: str, name: str, overrides: Sequence[str]) -> Composed:
    """The same with the places that our own composing knows for equal values."""
    from pedigree.config.composing import compose as ours
    from pedigree.errors import PedigreeError

    try:
        known = ours(directory, name, overrides, missing="keep", resolved=False)
    except PedigreeError:
        return composed
    return composed._replace(
        origins=_taken(composed.raw, composed.origins, known.raw, known.origins),
        choices=known.choices,
        files=known.files,
        digests=known.digests,
        hydra=known.hydra,
    )


def _taken(values: Value, origins: Origins, known: Value, places: Origins) -> Origins:
    if isinstance(values, dict) and isinstance(known, dict):
        return {
            OWN: own(places),
            **{
                key: _taken(item, origins[key], known[key], places[key]) if key in known else origins[key]
                for key, item in values.items()
            },
        }
    return places if type(values) is type(known) and values == known else origins
