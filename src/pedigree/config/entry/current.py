"""`current`: the configuration that a program was started with, by a pipeline or by whoever froze one for it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, TypeVar, overload

from pedigree.errors import InvalidConfig

Model = TypeVar("Model")

#: The variable that names a frozen file, or a file of values; and where the step of a pipeline finds its values.
VARIABLE = "PEDIGREE_CONFIG"
STEP = "/pfs/.config.yaml"


@overload
def current(model: None = None, *, environment: Mapping[str, str] | None = None) -> dict[Any, Any]: ...
@overload
def current(model: type[Model], *, environment: Mapping[str, str] | None = None) -> Model: ...
def current(model: type[Model] | None = None, *, environment: Mapping[str, str] | None = None) -> Any:
    """The configuration of this process, as an instance of `model`, or as plain values without one.

    It is in the file that PEDIGREE_CONFIG names, frozen or of values alone, else in /pfs/.config.yaml, which the step of a
    pipeline has whose spec says `config:`. Nothing is composed. Values of an older version of the model are migrated.
    `environment` is the process's own unless one is given. Raises InvalidConfig where there is no such file, or where its
    values do not fit, each with its line.
    """
    known = os.environ if environment is None else environment
    path = known.get(VARIABLE) or STEP
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        raise _missing(path, known, error) from error
    if is_frozen(data):
        from pedigree.config.frozen.files import parsed

        frozen = parsed(data, path)
        return frozen.resolved(known) if model is None else frozen.as_model(model, known)
    from pedigree.config.documents import read
    from pedigree.config.origins import copied

    document = read(data, path)
    if model is None:
        return copied(document.values)
    from pedigree.config.frozen.fitting import fitted

    return fitted(model, copied(document.values), document.origins, {}).instance


def is_frozen(data: bytes) -> bool:
    """Whether these bytes begin as a frozen file does, and not as YAML of values alone."""
    return data.lstrip()[:1] == b"{" and b'"format"' in data[:200]


def _missing(path: str, known: Mapping[str, str], error: OSError) -> InvalidConfig:
    if known.get(VARIABLE):
        return InvalidConfig(
            f"{VARIABLE} names {path}, which cannot be read: {error.strerror}.",
            remedy="Let it name a frozen configuration, or a YAML file of values.",
            path=path,
        )
    return InvalidConfig(
        f"There is no configuration here: {VARIABLE} is not set, and {path} is not there.",
        remedy=f"A step has one when the spec of its pipeline says `config:`; elsewhere let {VARIABLE} name a frozen file or a "
        "YAML file of values.",
        path=path,
    )
