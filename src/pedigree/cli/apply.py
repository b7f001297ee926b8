"""`pedigree apply`: pipelines from spec files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pedigree.cli import options
from pedigree.cli.command import Arguments, Command, Parser
from pedigree.cli.output import count, json_items
from pedigree.cli.terminal import paint, safe, say

if TYPE_CHECKING:
    from pedigree.pipeline.pipelines import Applied
    from pedigree.store import Store


def _declare(parser: Parser) -> None:
    parser.add_argument("specs", metavar="SPEC", nargs="+", help="YAML, JSON or Jsonnet files; - for standard input")
    parser.add_argument(
        "--arg", metavar="KEY=VALUE", action="append", help="A parameter of a Jsonnet template; repeatable"
    )
    parser.add_argument("--reprocess", action="store_true", help="Let every datum run again, whatever is cached")
    options.dry_run(parser, "Show the effective specs and what would run; change nothing")


def _run(arguments: Arguments) -> None:
    from pedigree.pipeline import pipelines

    given = options.pairs(arguments.arg, "--arg")
    with options.store() as store:
        results = pipelines.apply(
            store, arguments.specs, given, dry_run=arguments.dry_run, reprocess=arguments.reprocess
        )
        if arguments.json:
            json_items(
                {
                    "pipeline": item.pipeline.name,
                    "change": item.change,
                    "version": item.version,
                    "notes": list(item.notes),
                    "spec": item.pipeline.to_json(),
                }
                for item in results
            )
        elif arguments.dry_run:
            _preview(store, results)
        else:
            report(results)


def report(results: list[Applied]) -> None:
    """Print what applying did, one pipeline a line, and its notes."""
    import sys

    styles = {"created": "green", "updated": "yellow", "unchanged": "dim"}
    for item in results:
        version = f" (version {item.version})" if item.change == "updated" else ""
        print(f"{paint(item.change, styles.get(item.change, ''), sys.stdout)} {item.pipeline.name}{version}")
        for note in item.notes:
            print(f"  {safe(note)}")
    if any(item.change != "unchanged" for item in results):
        say("`pedigree run` brings them up to date.")


def _preview(store: Store, results: list[Applied]) -> None:
    import json

    from pedigree.errors import PedigreeError
    from pedigree.pipeline import engine

    rows = []
    for item in results:
        print(json.dumps(_written(item.pipeline.to_json()), indent=2, ensure_ascii=False))
        try:
            planned = count(len(engine.plan_datums(store, item.pipeline)), "datum")
        except PedigreeError as error:
            planned = error.message
        rows.append((item.pipeline.name, item.change, planned, "; ".join(item.notes)))
    say("")
    for name, change, planned, notes in rows:
        say(f"{name}: would be {change}, {planned}" + (f" ({notes})" if notes else ""))
    say("Nothing was changed.")


def _written(value: object) -> object:
    """The spec without what is empty or not set: what a person would have to write."""
    if isinstance(value, dict):
        kept = {key: _written(item) for key, item in value.items()}
        return {key: item for key, item in kept.items() if item not in (None, "", [], {}, False)}
    if isinstance(value, list):
        return [_written(item) for item in value]
    return value


COMMANDS = {
    "apply": Command(
        "apply",
        "Create or update pipelines from spec files",
        declare=_declare,
        run=_run,
        details="""
All pipelines of all files are made or updated together, or none where one is wrong. Applying a spec again
that did not change does nothing. The specs are Pachyderm's, with `code`, `config`, `environment`, `seed` and
`network` added.
""",
        examples=[
            ("two files", "pedigree apply warehouse.yaml train.yaml"),
            ("look first", "pedigree apply --dry-run pipelines.yaml"),
            ("a template", "pedigree apply train.jsonnet --arg epochs=3 --arg name=short"),
        ],
    )
}
