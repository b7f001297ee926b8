"""The resolvers that every configuration has: OmegaConf's, Hydra's, and our `len` and `expr`.

Each is handed the resolution in progress, the container that the text stands in, and its arguments, of which
containers of the tree are frames, still unresolved. What OmegaConf reads from the process comes from
`Circumstances` here: what was not passed is a mistake that says so.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from pedigree.config.interpolation.absent import Absent, explain
from pedigree.config.interpolation.grammar import parse_element
from pedigree.config.interpolation.mistakes import Mistake, dotted, nearest
from pedigree.config.interpolation.resolution import kind_of, split
from pedigree.config.interpolation.resolvers import Resolver, Resolvers
from pedigree.config.interpolation.tree import Frame
from pedigree.config.variables import RUN

if TYPE_CHECKING:
    from pedigree.config.interpolation.resolution import Resolution


def _count(name: str, arguments: list[Any], least: int, most: int) -> None:
    if not least <= len(arguments) <= most:
        expected = str(least) if least == most else f"{least} to {most}"
        raise Mistake(
            f"{name} takes {expected} argument{'' if most == 1 else 's'}, not {len(arguments)}",
            "Put an argument that holds a comma in quotes.",
        )


def _text(name: str, value: Any, what: str) -> str:
    if not isinstance(value, str):
        raise Mistake(f"{name} takes {what}, and this is {kind_of(value)}", "Put it in quotes if it is a text.")
    return value


def _env(resolution: Resolution, _: Frame, arguments: list[Any]) -> Any:
    """The variable's text; without it the default as text (null stays null)."""
    _count("oc.env", arguments, 1, 2)
    name = _text("oc.env", arguments[0], "the name of an environment variable")
    environment = resolution.circumstances.environment
    if environment is None:
        raise Mistake(
            "environment variables were not given to this configuration", "Pass environment=os.environ to resolve."
        )
    leaf = resolution.current
    value = environment.get(name)
    # A default stands only as long as the variable is not set, so that the value depends on it all the same.
    if value is None and len(arguments) == 1:
        near = nearest(name, environment)
        raise Mistake(
            f"the environment variable {name} is not set",
            f"Set it, or give a default: ${{oc.env:{name},DEFAULT}}." + (f" Did you mean {near}?" if near else ""),
            quotes=bool(leaf.variables),
        )
    leaf.variables |= {name}
    if value is not None:
        return value
    default = resolution.plain(arguments[1])
    return None if default is None else str(default)


def _decode(resolution: Resolution, frame: Frame, arguments: list[Any]) -> Any:
    """The value that the text would be as an argument."""
    _count("oc.decode", arguments, 1, 1)
    if arguments[0] is None:
        return None
    text = _text("oc.decode", arguments[0], "text or null")
    try:
        return resolution.value(parse_element(text), frame)
    except Mistake as mistake:
        if mistake.path is None:
            mistake.text, mistake.quotes = text, True
        raise


def _create(resolution: Resolution, frame: Frame, arguments: list[Any]) -> Any:
    """A container whose texts may hold interpolations of their own."""
    _count("oc.create", arguments, 1, 1)
    value = arguments[0]
    if value is None:
        return None
    if isinstance(value, str):
        load = resolution.circumstances.load_yaml
        if load is None:
            raise Mistake(
                "oc.create was given text, and nothing that reads YAML",
                "Pass load_yaml to resolve, give it a container, or use oc.decode.",
            )
        try:
            value = load(value)
        except Exception as error:
            raise Mistake(
                f"oc.create cannot read the text: {error}", "Write YAML.", cause=error, quotes=True
            ) from error
        if isinstance(value, str):
            value = {value: None}
        elif value is None:
            value = {}
    raw = value.raw if isinstance(value, Frame) else value
    if not isinstance(raw, (dict, list)):
        raise Mistake(f"oc.create takes a container or YAML text, and this is {kind_of(raw)}", "Use oc.decode.")
    return Frame(raw, frame, resolution.stack[-1][1])


def _found(resolution: Resolution, frame: Frame, name: str, value: Any) -> Any:
    ups, keys = split(_text(name, value, "the path of a value as text"))
    if keys == ("",):
        raise Mistake(f"{name} was given a path without a key", "Name a value: a.b, or .b for one beside this.")
    return resolution.walk(resolution.start_of(frame, ups), keys)


def _select(resolution: Resolution, frame: Frame, arguments: list[Any]) -> Any:
    """The value at a path; the default, or null, where there is none or it is still to be given."""
    _count("oc.select", arguments, 1, 2)
    found = _found(resolution, frame, "oc.select", arguments[0])
    if isinstance(found, Absent):
        if found.reason == "word":
            raise explain(found, resolution.root)
        return arguments[1] if len(arguments) == 2 else None
    return found


def _deprecated(resolution: Resolution, frame: Frame, arguments: list[Any]) -> Any:
    """The value at the path that replaces this one; the warning is kept in `Resolved.warnings`."""
    _count("oc.deprecated", arguments, 1, 2)
    found = _found(resolution, frame, "oc.deprecated", arguments[0])
    if isinstance(found, Absent):
        raise explain(found, resolution.root)
    message = "'$OLD_KEY' is deprecated: use '$NEW_KEY'" if len(arguments) == 1 else arguments[1]
    holder, key = resolution.stack[-1]
    path = (*holder.path, key)
    warning = string.Template(_text("oc.deprecated", message, "its message as text"))
    resolution.warnings.append((path, warning.safe_substitute(OLD_KEY=dotted(path), NEW_KEY=arguments[0])))
    return found


def _mapping(resolution: Resolution, frame: Frame, name: str, arguments: list[Any]) -> Any:
    _count(name, arguments, 1, 1)
    found = _found(resolution, frame, name, arguments[0])
    if isinstance(found, Absent):
        raise explain(found, resolution.root)
    if not isinstance(found.raw if isinstance(found, Frame) else found, dict):
        raise Mistake(f"{name} takes the path of a mapping, and there is {kind_of(found)}", "Name a mapping.")
    return found


def _keys(resolution: Resolution, frame: Frame, arguments: list[Any]) -> Any:
    found = _mapping(resolution, frame, "oc.dict.keys", arguments)
    return list(found.raw if isinstance(found, Frame) else found)


def _values(resolution: Resolution, frame: Frame, arguments: list[Any]) -> Any:
    """The values as a list of references, so that a reader of one item resolves no other."""
    found = _mapping(resolution, frame, "oc.dict.values", arguments)
    if not isinstance(found, Frame):
        return list(found.values())
    gathered = []
    for key, value in found.raw.items():
        if isinstance(value, str) and value == "???":
            raise explain(Absent("???", found, (key,), 0), resolution.root)
        gathered.append(resolution.plain(resolution.read(found, key)))
    return gathered


def _now(resolution: Resolution, _: Frame, arguments: list[Any]) -> str:
    """The moment of the configuration, formatted by strftime."""
    _count("now", arguments, 1, 1)
    pattern = _text("now", arguments[0], "a pattern such as %Y-%m-%d")
    moment = resolution.circumstances.now
    if moment is None:
        raise Mistake("the time was not given to this configuration", "Pass now=datetime.now() to resolve.")
    if len(pattern) > 1_000:
        raise Mistake("a pattern for now has at most 1000 characters", "Write one such as %Y-%m-%d.")
    return moment.strftime(pattern)


def _hydra(resolution: Resolution, _: Frame, arguments: list[Any]) -> Any:
    """A value of Hydra's own settings, such as `job.name`; of `runtime.output_dir` the folder of the run."""
    _count("hydra", arguments, 1, 1)
    path = _text("hydra", arguments[0], "the path of a setting of Hydra")
    value: Any = resolution.circumstances.hydra
    if path == "runtime.output_dir" and not (value and "output_dir" in value.get("runtime", {})):
        return _folder(resolution)
    if value is None:
        raise Mistake(
            f"the settings of Hydra were not given to this configuration, so there is no '{path}'",
            "Pass hydra={...} to resolve, or write the value into the configuration.",
        )
    for key in split(path)[1]:
        if isinstance(value, Mapping) and key in value:
            value = value[key]
        elif isinstance(value, (list, tuple)) and key.isascii() and key.isdigit() and int(key) < len(value):
            value = value[int(key)]
        else:
            near = nearest(key, map(str, value)) if isinstance(value, Mapping) else None
            raise Mistake(
                f"the settings of Hydra that were given have no '{path}'",
                f"Did you mean '{near}' for '{key}'?"
                if near
                else f"Give it: hydra.{path}=VALUE, in a `hydra:` block, or in hydra={{...}} of compose.",
            )
    return resolution.checked(value)


def _folder(resolution: Resolution) -> str:
    """The folder of the run, read as a variable, so that frozen files hold the text that asks for it."""
    folder = (resolution.circumstances.environment or {}).get(RUN)
    if folder is None:
        raise Mistake(
            f"no run is under way, so there is no folder of its output ({RUN} is not set)",
            f"Let {RUN} name a folder, or write one into the configuration.",
        )
    resolution.current.variables |= {RUN}
    return folder


def _len(_: Resolution, __: Frame, arguments: list[Any]) -> int:
    """Items of a list, keys of a mapping, characters of a text; no item is resolved."""
    _count("len", arguments, 1, 1)
    value = arguments[0].raw if isinstance(arguments[0], Frame) else arguments[0]
    if not isinstance(value, (str, list, dict)):
        raise Mistake(f"{kind_of(value)} has no length", "Name a list, a mapping or a text.")
    return len(value)


def _expr(resolution: Resolution, frame: Frame, arguments: list[Any]) -> Any:
    """The value of an expression, see `expressions`."""
    _count("expr", arguments, 1, 1)
    text = arguments[0]
    if not isinstance(text, str):
        return resolution.plain(text)  # a number or a reference alone is what it says
    from pedigree.config.interpolation.expressions import evaluate  # ast is loaded only where it is needed

    def name(key: str) -> Any:
        return resolution.select(frame, 0, (key,))

    def child(holder: Any, key: Any) -> Any:
        if holder is None:
            found = resolution.walk(resolution.start_of(frame, split(key)[0]), split(key)[1])
            return None if isinstance(found, Absent) else found
        if not isinstance(holder, (Frame, dict, list)):
            raise Mistake(f"{kind_of(holder)} has no key {key!r}", "End the path there, or name a container.")
        if isinstance(key, int):
            raw = holder.raw if isinstance(holder, Frame) else holder
            if not isinstance(raw, list):
                raise Mistake(f"{kind_of(holder)} has no index {key}", "Write a['key'] for a key.")
            key = key + len(raw) if key < 0 else key
        found = resolution.walk(holder, (str(key),))
        if isinstance(found, Absent):
            raise explain(found, resolution.root)
        if isinstance(found, Frame) and found.holds(frame):
            return resolution.select(frame, 0, tuple(map(str, found.path)))
        return found

    return evaluate(text, name, resolution.plain, child)


def _native(name: str, function: Callable[..., Any], *, deterministic: bool = True) -> Resolver:
    return Resolver(name, function, deterministic, cache=False, native=True)


STANDARD = Resolvers(
    {
        resolver.name: resolver
        for resolver in (
            _native("oc.env", _env),
            _native("oc.decode", _decode),
            _native("oc.create", _create),
            _native("oc.select", _select),
            _native("oc.deprecated", _deprecated),
            _native("oc.dict.keys", _keys),
            _native("oc.dict.values", _values),
            _native("now", _now, deterministic=False),
            _native("hydra", _hydra, deterministic=False),
            _native("len", _len),
            _native("expr", _expr),
        )
    }
)
