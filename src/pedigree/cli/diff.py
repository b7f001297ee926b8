"""`pedigree diff`: what changed between two commits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pedigree.cli import options, shapes
from pedigree.cli.command import Arguments, Command, Parser
from pedigree.cli.output import json_items, size, write_file
from pedigree.cli.terminal import paint, safe

if TYPE_CHECKING:
    from pedigree.store import Store
    from pedigree.store.trees import Entry

Changed = tuple[str, "Entry | None", "Entry | None"]

#: Larger files are compared by digest alone; nobody reads their lines.
LARGEST_TEXT = 1 << 20

LETTERS = {"added": ("A", "green"), "deleted": ("D", "red"), "changed": ("M", "yellow")}


def _declare(parser: Parser) -> None:
    options.reference(parser, "The newer side", name="new")
    parser.add_argument(
        "old", metavar="OLD", nargs="?", help="The older side; the commit before the newer one unless given"
    )
    parser.add_argument("--name-only", action="store_true", help="Print only the paths")
    parser.add_argument(
        "-s", "--shallow", action="store_true", help="One line per folder, for all that changed in it, below it too"
    )
    parser.add_argument("-p", "--patch", action="store_true", help="Show the changed lines of text files")
    parser.add_argument(
        "--why",
        action="store_true",
        help="Explain the difference of two commits of a pipeline, or of two runs: causes, numbers, curves, plots",
    )
    parser.add_argument(
        "--html", metavar="FILE", help="With --why: write a page that needs nothing else, with the plots side by side"
    )
    parser.add_argument("--all", action="store_true", help="With --why: leave no number and no line of code out")
    parser.add_argument("--exit-code", action="store_true", help="Exit with 1 when something differs")


def _run(arguments: Arguments) -> int:
    import sys

    if arguments.why or arguments.html:
        return _why(arguments)
    with options.store() as store:
        changes = store.diff(arguments.new, arguments.old)
        if arguments.shallow:
            return int(_shallow(changes, arguments) and arguments.exit_code)
        if arguments.json:
            number = json_items(_value(*change) for change in changes)
            return int(bool(number) and arguments.exit_code)
        number = 0
        for path, old, new in changes:
            number += 1
            if arguments.name_only:
                print(safe("/" + path))
                continue
            letter, style = LETTERS[_how(old, new)]
            print(f"{paint(letter, style, sys.stdout)} {safe('/' + path)}{_sizes(old, new)}")
            if arguments.patch:
                for line in _lines(store, path, old, new):
                    print(line)
    return int(bool(number) and arguments.exit_code)


def _why(arguments: Arguments) -> int:
    """Tell why the newer side is another than the older one."""
    import sys

    from pedigree.cli.output import cut, json_value
    from pedigree.cli.terminal import is_terminal, say, width
    from pedigree.pipeline.contrasting import contrasts, telling

    with options.store() as store:
        found = contrasts(store, arguments.new, arguments.old)
        if arguments.html:
            from pedigree.pipeline.contrasting import page

            write_file(arguments.html, page.render(store, found).encode(), option="--html")
    if arguments.json:
        json_value([one.to_json() for one in found])
    elif not arguments.html:
        room = width() if is_terminal(sys.stdout) else 0
        for one in found:
            for style, text in telling.told(one, every=arguments.all):
                text = safe(text)
                print(paint(cut(text, room) if room else text, style, sys.stdout))
    if arguments.html:
        say(f"Wrote {arguments.html}.")
    return int(arguments.exit_code and not all(one.identical for one in found))


def _shallow(changes: Iterator[Changed], arguments: Arguments) -> bool:
    """Print one line per name right below the path that was asked for; whether there was any."""
    import sys
    from itertools import groupby

    from pedigree.store.references import parse

    base = (parse(arguments.new).path or "").strip("/")
    lead = f"{base}/" if base else ""

    def name(change: Changed) -> str:
        inside = change[0].removeprefix(lead)
        return f"/{lead}{inside.partition('/')[0]}/" if "/" in inside else f"/{change[0]}"

    groups = []
    for path, group in groupby(changes, name):
        hows = [_how(old, new) for _, old, new in group]
        groups.append((path, hows[0] if len(set(hows)) == 1 else "changed", len(hows)))
    if arguments.json:
        json_items({"path": path, "change": how, "files": files} for path, how, files in groups)
        return bool(groups)
    for path, how, files in groups:
        if arguments.name_only:
            print(safe(path))
            continue
        letter, style = LETTERS[how]
        print(f"{paint(letter, style, sys.stdout)} {safe(path)}{f'  {files} files' if files > 1 else ''}")
    return bool(groups)


def _how(old: Entry | None, new: Entry | None) -> str:
    return "added" if old is None else "deleted" if new is None else "changed"


def _value(path: str, old: Entry | None, new: Entry | None) -> dict[str, Any]:
    return {
        "path": "/" + path,
        "change": _how(old, new),
        "old": shapes.entry(path, old) if old else None,
        "new": shapes.entry(path, new) if new else None,
    }


def _sizes(old: Entry | None, new: Entry | None) -> str:
    if old is None or new is None:
        entry = old or new
        return f"  {size(entry.size)}" if entry else ""
    if old.kind != new.kind:
        return f"  {_kind(old)} -> {_kind(new)}"
    return f"  {size(old.size)} -> {size(new.size)}" if old.size != new.size else f"  {size(new.size)}"


def _kind(entry: Entry) -> str:
    return {"f": "file", "x": "executable", "l": "link"}[entry.kind]


def _lines(store: Store, path: str, old: Entry | None, new: Entry | None) -> Iterator[str]:
    import difflib
    import sys

    before, after = _text(store, old), _text(store, new)
    if before is None or after is None:
        yield paint("  (not text, or too large to show)", "dim", sys.stdout)
        return
    for line in difflib.unified_diff(before, after, f"old/{path}", f"new/{path}", lineterm=""):
        style = {"+": "green", "-": "red", "@": "cyan"}.get(line[0], "")
        yield paint(f"  {safe(line)}", style, sys.stdout)


def _text(store: Store, entry: Entry | None) -> list[str] | None:
    if entry is None:
        return []
    if entry.size > LARGEST_TEXT:
        return None
    data = store.objects.read(entry.digest)
    try:
        return None if b"\0" in data else data.decode("utf-8").splitlines()
    except UnicodeDecodeError:
        return None


COMMANDS = {
    "diff": Command(
        "diff",
        "Show what changed between two commits",
        declare=_declare,
        run=_run,
        details="""
A is added, D deleted, M modified; with --shallow a folder is M where more than one of these happened in it. With :/PATH
only what lies there is compared.

--why explains a result: both lineages are walked from the result back and left where they are equal. What is left are
the causes, nearest first: files that people put in, configuration, code, spec, seed, threads, packages, hardware. Beside
them stand the numbers of JSON and CSV files, histories and plots. With --why, NEW and OLD may be ids of two runs.
""",
        examples=[
            ("what the newest commit changed", "pedigree diff images@master"),
            ("two branches, with the lines of text files", "pedigree diff -p config@staging config@master"),
            ("why the last evaluation is another than the one before", "pedigree diff --why evaluate@master"),
            ("two runs, as a page to send", "pedigree diff --why 4f2a91c0 77ab03de --html why.html"),
            ("one folder, over three commits", "pedigree diff images@master:/cats images@master~3:/cats"),
        ],
        exits=[(0, "done, or nothing differs"), (1, "something differs, with --exit-code")],
    )
}
