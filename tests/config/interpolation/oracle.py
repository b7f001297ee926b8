"""The same configuration resolved by OmegaConf and by us."""

from __future__ import annotations

import warnings
from typing import Any

from omegaconf import OmegaConf

from pedigree.config.interpolation import Resolvers, resolve
from pedigree.errors import InvalidInput

#: Stands for a refusal in a comparison.
REFUSED = "<refused>"

FUNCTIONS: dict[str, Any] = {
    "show": lambda *values: repr(values),
    "space.show": lambda *values: "space" + repr(values),
    "a-b": lambda *values: "dash" + repr(values),
    "same": lambda value: value,
}
OURS = Resolvers.standard()
for _name, _function in FUNCTIONS.items():
    OURS = OURS.adding(_name, _function)
    OmegaConf.register_new_resolver(_name, _function, replace=True)

#: What the texts under test find around them.
AROUND: dict[str, Any] = {
    "x": 1,
    "s": "text",
    "n": None,
    "b": True,
    "f": 1e-3,
    "d": {"k": "v", "e": {"z": 5}},
    "l": [10, 20, {"u": 7}],
    "name": "x",
    "which": "show",
    "missing": "???",
    "inner": {"y": "${x}", "up": "${..s}", "beside": "${.y}"},
    "escaped": "\\${x}",
    "alias": "${d}",
    "dotted": "d.k",
    "bracket": "l[0]",
    "empty": "",
    "odd": {"a b": 1, "a-b": 2, "a/b": 3, "é": 4, "1": 5, "True": 6, "a,b": 7},
    "partly": {"a": "???", "b": 1},
}


def load_yaml(text: str) -> Any:
    return OmegaConf.to_container(OmegaConf.create(text))


def theirs(tree: Any) -> Any:
    """What OmegaConf makes of it: REFUSED for any exception, since some of its refusals are internal errors."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return OmegaConf.to_container(OmegaConf.create(tree), resolve=True)
        except Exception:
            return REFUSED


def ours(tree: Any) -> Any:
    try:
        return resolve(tree, resolvers=OURS, environment={}, load_yaml=load_yaml).tree
    except InvalidInput:
        return REFUSED


def same(one: Any, other: Any) -> bool:
    """Equal in value, type and order; NaN equals itself, and 0.0 is not -0.0."""
    return repr(one) == repr(other)
