"""`pedigree config`: compose, explain, freeze and compare configurations."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pedigree.cli.command import Arguments, Command, Noun, Parser
from pedigree.cli.config_upkeep import UPKEEP
from pedigree.cli.output import done, json_value, table
from pedigree.cli.terminal import paint, safe, say, warn
from pedigree.config.variables import RUN

if TYPE_CHECKING:
    from pedigree.config.composed import Composed
    from pedigree.config.frozen import Frozen


def _declare_source(parser: Parser) -> None:
    parser.add_argument("--dir", metavar="FOLDER", default="conf", help="Where the configuration files are (conf)")
    parser.add_argument("--name", metavar="NAME", default="config", help="The primary configuration (config)")
    parser.add_argument(
        "--search", metavar="PLACE", action="append", default=[], help="More folders, pkg://a.b, file://c"
    )
    parser.add_argument("--dialect", metavar="DIALECT", default="hydra-1.3", help="hydra-1.3 or hydra-1.4")


def _declare_model(parser: Parser) -> None:
    parser.add_argument("--model", metavar="FILE.py:CLASS", help="Validate with this class; module:CLASS works too")


def _declare_overrides(parser: Parser) -> None:
    parser.add_argument("overrides", metavar="OVERRIDE", nargs="*", help="lr=0.1, model=resnet, +debug=true, ~db")


def _composed(arguments: Arguments, *, missing: Any = "refuse", resolved: bool = True) -> Composed:
    from pedigree import config
    from pedigree.config.lookup import model_named
    from pedigree.config.models import has_key

    model = getattr(arguments, "model", None)
    found = config.compose(
        arguments.dir,
        arguments.name,
        arguments.overrides,
        search=arguments.search,
        dialect=arguments.dialect,
        # A run will have a folder; none is under way here.
        environment={RUN: os.path.abspath("outputs"), **os.environ},
        hydra={"runtime": {"cwd": os.getcwd()}},
        has_key=None if model is None else has_key(model_named(model)),
        missing=missing,
        resolved=resolved,
    )
    for text in found.warnings:
        warn(text)
    return found


def _frozen(arguments: Arguments) -> Frozen:
    """The frozen form of what the arguments name: composed, and validated where a model is named."""
    from pedigree.config.frozen import freeze
    from pedigree.config.lookup import model_named

    model = None if arguments.model is None else model_named(arguments.model)
    return freeze(_composed(arguments), model)


def _yaml(value: Any) -> str:
    import yaml

    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    return str(yaml.dump(value, Dumper=dumper, sort_keys=False, allow_unicode=True))


# show


def _declare_show(parser: Parser) -> None:
    _declare_overrides(parser)
    _declare_source(parser)
    _declare_model(parser)
    parser.add_argument("--raw", action="store_true", help="Leave interpolations and ??? as they are written")
    parser.add_argument("--files", action="store_true", help="List the files, in the order in which they are merged")


def _show(arguments: Arguments) -> None:
    if arguments.files or arguments.raw:
        composed = _composed(arguments, missing="keep", resolved=False)
        if arguments.files:
            _files(composed, arguments)
            return
        value: Any = composed.raw
    else:
        value = _frozen(arguments).as_dict()
    if arguments.json:
        json_value(value)
    else:
        sys.stdout.write(_yaml(value))


def _files(composed: Composed, arguments: Arguments) -> None:
    if arguments.json:
        json_value(
            {
                "files": [{"file": file, "digest": composed.digests[file]} for file in composed.files],
                "choices": dict(composed.choices),
            }
        )
        return
    for file in composed.files:
        print(safe(file))


# why


def _declare_why(parser: Parser) -> None:
    parser.add_argument("key", metavar="KEY", help="The dotted key, model.lr; a container shows all that is in it")
    _declare_overrides(parser)
    _declare_source(parser)
    _declare_model(parser)
    parser.add_argument(
        "--frozen", metavar="FILE", help="Ask this frozen file, or the one in the folder of a run, instead of composing"
    )


def _why(arguments: Arguments) -> int:
    from pedigree.config.explanation import why
    from pedigree.config.frozen import read

    answer = why(_frozen(arguments) if arguments.frozen is None else read(_file(arguments.frozen)), arguments.key)
    if arguments.json:
        json_value(answer.as_json())
    else:
        for line in answer.lines():
            print(_coloured(safe(line)))
    return 3 if answer.kind == "nothing" else 0


def _coloured(line: str) -> str:
    """A line of an answer: values bold, places cyan, what lost dim."""
    words = line.strip()
    if words.startswith(("instead of", "|")):
        return paint(line, "dim", sys.stdout)
    if words.startswith(("set at", "set by", "made by", "depends on")):
        return paint(line, "cyan", sys.stdout)
    if " = " in line:
        key, _, value = line.partition(" = ")
        return f"{key} = {paint(value, 'bold', sys.stdout)}"
    return line


# freeze


def _declare_freeze(parser: Parser) -> None:
    _declare_overrides(parser)
    _declare_source(parser)
    _declare_model(parser)
    parser.add_argument("-o", "--output", metavar="FILE", default="config.json", help="Where to write it (config.json)")


def _freeze(arguments: Arguments) -> None:
    frozen = _frozen(arguments)
    frozen.write(arguments.output)
    done(
        arguments,
        f"Wrote {arguments.output}, digest {frozen.digest[:12]}.",
        {"file": arguments.output, "digest": frozen.digest, "intent": frozen.intent},
    )


# diff


def _declare_diff(parser: Parser) -> None:
    parser.add_argument("old", metavar="OLD.json", help="A frozen configuration, or the folder of its run")
    parser.add_argument("new", metavar="NEW.json", help="The other one")
    parser.add_argument("--exit-code", action="store_true", help="Exit with 1 where they differ")


def _diff(arguments: Arguments) -> int:
    from pedigree.config.frozen import diff, read

    found = diff(*(read(_file(one)) for one in (arguments.old, arguments.new)))
    if arguments.json:
        json_value(found.as_json())
    else:
        for line in found.lines():
            style = {"-": "red", "+": "green"}.get(line.strip()[:1], "" if line.startswith(" ") else "bold")
            print(paint(safe(line), style, sys.stdout))
        if not found:
            say("The two are the same.")
    return 1 if found and arguments.exit_code else 0


def _file(path: str) -> str:
    return os.path.join(path, "config.json") if os.path.isdir(path) else path


# groups


def _declare_groups(parser: Parser) -> None:
    parser.add_argument("overrides", metavar="OVERRIDE", nargs="*", help="Overrides that choose other options")
    _declare_source(parser)


def _groups(arguments: Arguments) -> None:
    from pedigree.config.composing.composition import search_path

    sources = search_path(arguments.dir, arguments.search, arguments.dialect)
    choices = _composed(arguments, missing="keep", resolved=False).choices
    rows = [(group, str(choices.get(group, "")), ", ".join(sources.options(group))) for group in _every(sources, "")]
    if arguments.json:
        json_value(
            [{"group": group, "option": choices.get(group), "options": sources.options(group)} for group, _, _ in rows]
        )
        return
    table(["GROUP", "CHOSEN", "OPTIONS"], rows, empty="There are no groups.")


def _every(sources: Any, inside: str) -> Iterator[str]:
    for group in sources.groups(inside):
        whole = f"{inside}/{group}" if inside else group
        if sources.options(whole):
            yield whole
        yield from _every(sources, whole)


COMMANDS = {
    "config": Noun(
        "config",
        "Configurations: compose, explain, check, freeze, compare, migrate",
        [
            Command(
                "config show",
                "Compose a configuration and print it",
                declare=_declare_show,
                run=_show,
                details="Composed as Hydra composes, interpolations resolved; with --model validated, defaults filled in.",
                examples=[
                    ("from conf/config.yaml", "pedigree config show lr=0.1 model=resnet"),
                    ("checked by its model", "pedigree config show --model train.py:Training"),
                    ("which files, in which order", "pedigree config show --files"),
                ],
            ),
            Command(
                "config why",
                "Show where a value comes from, and what lost to it",
                declare=_declare_why,
                run=_why,
                examples=[
                    ("one value", "pedigree config why model.lr"),
                    ("with an override", "pedigree config why model.lr model=resnet"),
                    ("of a run that was", "pedigree config why lr --frozen outputs/2026-11-27/09-30-00/config.json"),
                ],
                exits=[(3, "nothing sets that key")],
            ),
            Command(
                "config groups",
                "List groups with their options and what is chosen",
                declare=_declare_groups,
                run=_groups,
                examples=[("", "pedigree config groups")],
            ),
            Command(
                "config freeze",
                "Write a configuration, final and with its digest, to a file",
                declare=_declare_freeze,
                run=_freeze,
                examples=[("", "pedigree config freeze lr=0.1 --model train.py:Training -o run.json")],
            ),
            Command(
                "config diff",
                "Compare two frozen configurations, by cause",
                declare=_declare_diff,
                run=_diff,
                examples=[("two runs", "pedigree config diff outputs/2026-11-26/09-30-00 outputs/2026-11-27/09-30-00")],
                exits=[(1, "they differ, with --exit-code")],
            ),
            *UPKEEP,
        ],
    )
}
