"""`pedigree config check|schema|migrate|changelog`: the upkeep of a folder of configurations."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from pedigree.cli.command import Arguments, Command, Parser
from pedigree.cli.output import count, json_value
from pedigree.cli.terminal import paint, safe, say, warn

if TYPE_CHECKING:
    from pedigree.config.checking import Finding
    from pedigree.config.versions import Family

STYLES = {"error": "red", "warning": "yellow", "note": "dim"}


def _model(arguments: Arguments) -> Any:
    from pedigree.config.lookup import model_named

    return None if arguments.model is None else model_named(arguments.model)


def _family(arguments: Arguments) -> Family:
    from pedigree.config.versions import family_of
    from pedigree.errors import InvalidInput

    found = family_of(_model(arguments))
    if found is None:
        raise InvalidInput(
            f"{arguments.model} is no versioned model.",
            remedy="Decorate it with @family.version(), then name its newest version.",
        )
    return found


# check


def _declare_check(parser: Parser) -> None:
    parser.add_argument("dir", metavar="FOLDER", nargs="?", default="conf", help="The folder to check (conf)")
    parser.add_argument("--model", metavar="FILE.py:CLASS", help="Validate every configuration with this class")
    parser.add_argument(
        "--primary", metavar="NAME", action="append", help="A primary configuration; found by themselves unless given"
    )
    parser.add_argument("--search", metavar="PLACE", action="append", default=[], help="More folders, pkg://a.b")
    parser.add_argument("--dialect", metavar="DIALECT", default="hydra-1.3", help="hydra-1.3 or hydra-1.4")
    parser.add_argument("--strict", action="store_true", help="Warnings fail the check too")


def _check(arguments: Arguments) -> int:
    from pedigree.config.checking import check

    report = check(
        arguments.dir,
        primaries=arguments.primary,
        model=_model(arguments),
        dialect=arguments.dialect,
        search=arguments.search,
    )
    if arguments.json:
        json_value(report.as_dict())
    else:
        for finding in report.findings:
            _tell(finding)
        print(safe(report.text.rpartition("\n")[2]))
    failed = not report.ok or (arguments.strict and bool(report.of("warning")))
    return 2 if failed else 0


def _tell(finding: Finding) -> None:
    first, *rest = map(safe, finding.text.split("\n"))
    said = f" {finding.severity}:"
    print(first.replace(said, paint(said, STYLES[finding.severity], sys.stdout), 1))
    for line in rest:
        print(paint(line, "dim", sys.stdout))


# schema


def _declare_schema(parser: Parser) -> None:
    parser.add_argument("dir", metavar="FOLDER", nargs="?", default="conf", help="The configuration files (conf)")
    parser.add_argument("--model", metavar="FILE.py:CLASS", required=True, help="The class of the configuration")
    parser.add_argument(
        "-o", "--output", metavar="FOLDER", help="Where to write the schemas (.schemas beside the files)"
    )
    parser.add_argument("--search", metavar="PLACE", action="append", default=[], help="More folders, pkg://a.b")
    parser.add_argument("--vscode", action="store_true", help="Map them in .vscode/settings.json of this folder")
    parser.add_argument("--modelines", action="store_true", help="Name each file's schema in its first line")
    parser.add_argument("--versions", action="store_true", help="Print one schema of all versions of the model instead")


def _schema(arguments: Arguments) -> int:
    from pedigree.config.schemas import build
    from pedigree.config.schemas.modelines import mark_files
    from pedigree.config.schemas.vscode import map_files
    from pedigree.config.versions import schema_of_all_versions

    if arguments.versions:
        json_value(schema_of_all_versions(_family(arguments)))
        return 0
    schemas = build(_model(arguments), arguments.dir, search=arguments.search)
    folder = arguments.output or os.path.join(os.path.dirname(os.path.abspath(arguments.dir)), ".schemas")
    folder = os.path.relpath(folder)
    paths = schemas.write(folder)
    result: dict[str, Any] = {"schemas": [str(path) for path in paths], "notes": list(schemas.notes)}
    for note in schemas.notes:
        warn(note)
    code = 0
    if arguments.vscode:
        mapped = map_files(schemas, folder, ".")
        result["vscode"] = {"file": str(mapped.path), "changed": mapped.changed, "problem": mapped.problem}
        if mapped.problem:
            warn(f"{mapped.problem} Add this to it:\n{mapped.wanted}")
            code = 2
    if arguments.modelines:
        marked = mark_files(schemas, folder)
        result["marked"] = [str(path) for path in marked.changed]
        for path in marked.kept:
            warn(f"{path} names another schema in its first lines and was left as it is.")
    if arguments.json:
        json_value(result)
    else:
        say(f"Wrote {count(len(paths), 'schema')} to {folder}.")
        for path in paths:
            print(path)
    return code


# migrate


def _declare_migrate(parser: Parser) -> None:
    parser.add_argument("files", metavar="FILE", nargs="+", help="YAML files to bring to the newest version")
    parser.add_argument("--model", metavar="FILE.py:CLASS", required=True, help="The newest version of their model")
    parser.add_argument("--at", metavar="KEY", help="Where in the file the model lies; the whole file unless given")
    parser.add_argument("--version", metavar="N", type=int, dest="stated", help="Of files that state no version")
    parser.add_argument("--partial", action="store_true", help="The files leave out what others set: add no defaults")
    parser.add_argument("-n", "--dry-run", action="store_true", help="Show what would change; write nothing")
    parser.add_argument(
        "--check", action="store_true", help="As --dry-run, and exit with 1 where anything would change"
    )


def _migrate(arguments: Arguments) -> int:
    from pedigree.config.versions import rewrite

    model = _model(arguments)
    only = arguments.dry_run or arguments.check
    # All are tried before the first is written, so that a file that cannot be migrated leaves the others as they are.
    options: dict[str, Any] = {"at": arguments.at, "version": arguments.stated, "partial": arguments.partial}
    found = [rewrite(file, model, check=True, **options) for file in arguments.files]
    if not only:
        found = [rewrite(file, model, **options) for file in arguments.files]
    if arguments.json:
        json_value(
            [
                {
                    "file": one.name,
                    "changed": one.changed,
                    "steps": [step.text for step in one.steps],
                    "notes": list(one.notes),
                    "diff": one.diff,
                }
                for one in found
            ]
        )
    else:
        for one in found:
            for line in one.diff.splitlines() if only else ():
                print(paint(safe(line), {"+": "green", "-": "red", "@": "cyan"}.get(line[:1], ""), sys.stdout))
            for note in one.notes:
                warn(note)
        changed = sum(one.changed for one in found)
        verb = "would change" if only else "changed"
        say(f"{count(changed, 'file')} {verb}, {count(len(found) - changed, 'file')} up to date.")
    return 1 if arguments.check and any(one.changed for one in found) else 0


# changelog


def _declare_changelog(parser: Parser) -> None:
    parser.add_argument("model", metavar="FILE.py:CLASS", help="A version of the model")


def _changelog(arguments: Arguments) -> None:
    from pedigree.config.versions import changelog

    text = changelog(_family(arguments))
    if arguments.json:
        json_value({"changelog": text})
    else:
        sys.stdout.write(text)


UPKEEP = [
    Command(
        "config check",
        "Check a whole folder: every option, unused files, interpolations, models",
        declare=_declare_check,
        run=_check,
        details=(
            "Composes each primary configuration with each option of each group, one at a time, and validates it. Meant "
            "for CI: nothing is run and nothing changed."
        ),
        examples=[
            ("", "pedigree config check"),
            ("against the model", "pedigree config check conf --model train.py:Training --strict"),
        ],
        exits=[(2, "an error was found, or with --strict a warning")],
    ),
    Command(
        "config schema",
        "Write JSON Schemas, so that editors complete and check the files",
        declare=_declare_schema,
        run=_schema,
        examples=[
            ("for VS Code", "pedigree config schema --model train.py:Training --vscode"),
            ("for other editors", "pedigree config schema --model train.py:Training --modelines"),
            ("of all versions", "pedigree config schema --model models.py:ResNetV3 --versions"),
        ],
    ),
    Command(
        "config migrate",
        "Rewrite files of old versions, comments and layout kept",
        declare=_declare_migrate,
        run=_migrate,
        examples=[
            ("look first", "pedigree config migrate conf/model/*.yaml --model models.py:ResNetV3 --dry-run"),
            ("then do it", "pedigree config migrate conf/model/*.yaml --model models.py:ResNetV3"),
        ],
        exits=[(1, "a file would change, with --check")],
    ),
    Command(
        "config changelog",
        "Print what changed from version to version of a model",
        declare=_declare_changelog,
        run=_changelog,
        examples=[("", "pedigree config changelog models.py:ResNetV3")],
    ),
]
