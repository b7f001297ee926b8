"""The same folder composed by Hydra and by us."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import OmegaConf

from pedigree.config.composing import Sources, compose
from pedigree.config.composing.sources import Folder
from pedigree.errors import PedigreeError


class Refused(str):
    """The message of a refusal, in the place of values."""


def write(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    """Writes files, by name, into a folder."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


def exactly(value: Any) -> Any:
    """A value that two trees share only when they are equal with their types and the order of their keys."""
    if isinstance(value, dict):
        return "mapping", [(repr(key), exactly(item)) for key, item in value.items()]
    if isinstance(value, list):
        return "list", [exactly(item) for item in value]
    return repr(value)


class Both:
    """One folder, both engines. Files are read once by ours, each time by Hydra."""

    def __init__(self, folder: Path) -> None:
        self.folder = str(folder)
        self.sources = Sources([Folder(self.folder)])

    def hydra(self, overrides: Iterable[str] = (), name: str = "config", *, resolve: bool = False) -> Any:
        GlobalHydra.instance().clear()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                with initialize_config_dir(self.folder, version_base="1.3"):
                    found = hydra_compose(name, overrides=list(overrides))
                    return OmegaConf.to_container(found, resolve=resolve)
            except Exception as error:  # it raises whatever its libraries raise
                return Refused(error)

    def ours(self, overrides: Iterable[str] = (), name: str = "config", *, resolve: bool = False) -> Any:
        try:
            composed = compose(self.folder, name, overrides, sources=self.sources, missing="keep")
        except PedigreeError as error:  # anything else is a bug and passes through
            return Refused(error)
        return composed.values if resolve else composed.raw

    def disagreement(self, overrides: Iterable[str] = (), name: str = "config", *, resolve: bool = False) -> str | None:
        """How we differ from Hydra; None when we agree, in values or in refusing."""
        overrides = list(overrides)
        theirs, mine = (engine(overrides, name, resolve=resolve) for engine in (self.hydra, self.ours))
        if isinstance(theirs, Refused) and isinstance(mine, Refused):
            return None
        if exactly(theirs) == exactly(mine):
            return None
        return f"{name} {overrides}:\n  Hydra {theirs}\n  we    {mine}"
