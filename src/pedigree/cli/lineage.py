"""`pedigree lineage`: what made a result, or what a file went into."""

from __future__ import annotations

import sys

from pedigree.cli import options
from pedigree.cli.command import Arguments, Command, Parser
from pedigree.cli.output import json_value, write_file
from pedigree.cli.terminal import is_terminal, say, width


def _declare(parser: Parser) -> None:
    options.reference(parser, "A commit, or a file or folder in one")
    parser.add_argument("--down", action="store_true", help="What was made from it, instead of what made it")
    parser.add_argument("--depth", metavar="NUMBER", type=options.positive, help="Go at most NUMBER steps")
    parser.add_argument("--commits", action="store_true", help="Show whole commits, even where a path was given")
    parser.add_argument("--format", choices=["text", "json", "dot", "html"], default="text", help="text unless given")
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="Write to FILE; the ending .html, .dot or .json names the format",
    )


def _run(arguments: Arguments) -> None:
    from pedigree.pipeline import lineage

    endings = {".json": "json", ".dot": "dot", ".gv": "dot", ".html": "html", ".htm": "html"}
    kind = "json" if arguments.json else arguments.format
    if arguments.output and kind == "text":
        kind = next((value for ending, value in endings.items() if arguments.output.endswith(ending)), "text")
    with options.store() as store:
        graph = lineage.lineage(
            store,
            arguments.place,
            "down" if arguments.down else "up",
            depth=arguments.depth,
            files=not arguments.commits,
        )
    if kind == "json" and not arguments.output:
        json_value(graph.to_json())
        return
    if kind == "json":
        import json

        text = json.dumps(graph.to_json(), indent=2, ensure_ascii=False)
    elif kind == "text":
        # A line is cut to fit a screen, never in a file or a pipe.
        cut = is_terminal(sys.stdout) and not arguments.output
        text = graph.to_text(width=width() if cut else None)
    else:
        text = graph.to_dot() if kind == "dot" else graph.to_html()
    text = text.rstrip("\n") + "\n"
    if not arguments.output:
        sys.stdout.write(text)
        return
    write_file(arguments.output, text.encode())
    say(f"Wrote {arguments.output}.")


COMMANDS = {
    "lineage": Command(
        "lineage",
        "Show what made a result, or what a file went into",
        declare=_declare,
        run=_run,
        details="""
For a commit: the commits, specs, code, environments and seeds that made it, back to what people put in. For a
path: exactly the files that the datums read which wrote it.
""",
        examples=[
            ("where a model comes from", "pedigree lineage model@master"),
            ("what one photograph went into", "pedigree lineage --down images@master:/cats/tom.jpg"),
            ("a page to keep with a report", "pedigree lineage metrics@master:/metrics.json -o lineage.html"),
        ],
    )
}
