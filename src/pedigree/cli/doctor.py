"""`pedigree doctor`: what is here to rely on: Python, SQLite, sandbox, environment, hardware, store."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from pedigree.cli.command import Arguments, Command, Parser
from pedigree.cli.output import count, fields, json_value, size
from pedigree.cli.terminal import paint

#: Optional packages, and what each is for.
EXTRAS = {
    "rjsonnet": "Jsonnet templates (pip install pedigree-ml[jsonnet])",
    "boto3": "S3 (pip install pedigree-ml[s3])",
}


def _declare(parser: Parser) -> None:
    parser.add_argument("--packages", action="store_true", help="List every installed distribution with its version")


def _run(arguments: Arguments) -> None:
    value = examine()
    if arguments.json:
        json_value(value)
        return
    print(paint("Pedigree", "bold", sys.stdout))
    extras = (
        (name, "installed" if here else f"not installed: {EXTRAS[name]}") for name, here in value["extras"].items()
    )
    versions = [("version", value["pedigree"]), ("python", value["python"]), ("sqlite", value["sqlite"])]
    fields((f"  {name}", said) for name, said in (*versions, *extras))
    print(paint("Store", "bold", sys.stdout))
    fields((f"  {name}", item) for name, item in value["store"].items())
    print(paint("Isolation, best first", "bold", sys.stdout))
    fields((f"  {level}", said) for level, said in value["isolation"].items())
    environment = value["environment"]
    print(paint("Environment: part of every datum's identity", "bold", sys.stdout))
    fields(
        [
            ("  fingerprint", environment["fingerprint"]),
            *((f"  {name}", _said(item)) for name, item in environment["facts"].items()),
        ]
    )
    if arguments.packages:
        packages = environment["facts"].get("distributions", {})
        fields((f"    {name}", _version(item)) for name, item in packages.items())
    print(paint("Hardware: recorded, no part of any identity", "bold", sys.stdout))
    fields((f"  {name.replace('_bytes', '')}", _measure(name, item)) for name, item in environment["hardware"].items())


def examine() -> dict[str, Any]:
    """Everything that doctor says, as JSON values."""
    import platform
    import sqlite3
    from importlib.util import find_spec

    from pedigree import __version__
    from pedigree.pipeline import environment

    captured = environment.capture()
    return {
        "pedigree": __version__,
        "python": f"{platform.python_version()} ({sys.executable})",
        "sqlite": sqlite3.sqlite_version,
        "extras": {name: find_spec(name) is not None for name in EXTRAS},
        "store": _store(),
        "isolation": _isolation(),
        "environment": {
            "fingerprint": captured.fingerprint,
            "facts": captured.facts,
            "hardware": captured.hardware,
        },
    }


def _store() -> dict[str, str]:
    import pedigree
    from pedigree.errors import PedigreeError

    try:
        with pedigree.open() as store:
            (journal,) = store.database.execute("PRAGMA journal_mode").fetchone()
            (synchronous,) = store.database.execute("PRAGMA synchronous").fetchone()
            (form,) = store.database.execute("PRAGMA user_version").fetchone()
            (objects,) = store.database.execute("SELECT count(*) FROM objects").fetchone()
            return {
                "place": str(store.folder),
                "format": str(form),
                "database": f"journal_mode={journal}, synchronous={synchronous} (3 is EXTRA)",
                "holds": f"{count(objects, 'object')}, {size(_on_disk(store.folder))} on disk",
                "free": f"{size(_free(store.folder))} on that disk",
            }
    except PedigreeError as error:
        return {"place": error.message}


def _on_disk(folder: Path) -> int:
    return sum(file.lstat().st_blocks * 512 for file in folder.rglob("*"))


def _free(folder: Path) -> int:
    import shutil

    return shutil.disk_usage(folder).free


def _isolation() -> dict[str, str]:
    from pedigree.errors import IsolationUnavailable
    from pedigree.pipeline import sandbox

    said: dict[str, str] = {}
    for level in sandbox.LEVELS:
        try:
            sandbox.choose(level)
            said[level] = "works" + (": nothing but what is declared gets in" if level in sandbox.SEALED else "")
        except IsolationUnavailable as error:
            reasons: list[str] = getattr(error, "reasons", [])
            said[level] = "does not work here: " + "; ".join(reasons).removeprefix(f"{level}: ")
    return said


def _said(value: Any) -> str:
    if isinstance(value, dict):
        if len(value) > 8:
            return f"{len(value)} (see them with --packages or --json)"
        return ", ".join(f"{name} {_said(item)}" for name, item in value.items())
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def _version(value: Any) -> str:
    return str(value.get("version", value)) if isinstance(value, dict) else str(value)


def _measure(name: str, value: Any) -> str:
    if name == "flags" and isinstance(value, list):
        return f"{len(value)} (see them with --json)"
    return size(value) if name.endswith("_bytes") and isinstance(value, int) else _said(value)


COMMANDS = {
    "doctor": Command(
        "doctor",
        "Show the environment, the store and what steps may rely on",
        declare=_declare,
        run=_run,
        details="""
Tries every kind of sandbox with a real command, reads the database's settings back, and fingerprints the
environment that steps run in. Works with and without a store. Says nothing of secrets.
""",
        examples=[("", "pedigree doctor"), ("for a bug report", "pedigree doctor --json")],
    )
}
