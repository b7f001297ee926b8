"""`pedigree help`: a command's help, or a page on something that many commands share."""

from __future__ import annotations

import sys

from pedigree.cli.command import Arguments, Command, Parser, unknown
from pedigree.cli.main import COMMANDS as EVERY
from pedigree.cli.main import EXIT_CODES, load, program_help
from pedigree.cli.manual import WIDEST, paragraphs
from pedigree.cli.terminal import paint, width

TOPICS: dict[str, tuple[str, str]] = {
    "references": (
        "How to name a commit, or a place in one",
        """
REPO[@REF][:/PATH] names a repository, a commit of it, and a file or folder in that commit. REF is a branch, a
tag, a commit id or its first 4 digits or more, or a run's id. Without @REF it is the branch master, without :/PATH
everything.

  images                        the newest commit of images@master
  images@staging                the newest commit of a branch
  images@v1                     the commit that a tag names, for ever
  images@4f2a91                 a commit by the beginning of its id
  images@master^                its parent; ^^ or ^2 or ~2 the one before that
  images@master.1               the first commit of the branch; .2 the second, .-1 the last but one
  images@master^:/cats/tom.jpg  a file, as it was one commit ago

Quote what your shell would change: ^ in some shells, ~ and * in most.
""",
    ),
    "globs": (
        "What globs match: in `pedigree glob` and in pipeline inputs",
        """
A glob is matched against every file and every folder of a commit, as a path from the top. In a pipeline's
input each match is one datum: the file, or the folder with all that it holds.

  /           the top: everything as one
  /*          each file and folder at the top
  /**         each file and folder anywhere
  /cats/*.jpg each JPEG directly in cats
  ?           one character, but not /
  [abc] [!a]  one of these, none of these; [[:digit:]] and its like too
  {a,b}       either
  @(a|b)      one of these, captured for joinOn and groupBy; also *( +( ?( !( as in a shell
  \\c          the character c itself

Joins and groups name captures: $1 the first, $0 the whole path.
""",
    ),
    "exit-codes": (
        "What the exit code tells a script",
        "\n".join(f"  {code:>3}  {meaning}" for code, meaning in EXIT_CODES),
    ),
    "environment": (
        "Environment variables that Pedigree reads",
        """
  PEDIGREE_AUTHOR   who commits; the user's name unless set
  NO_COLOR          no colours, whatever its value
  FORCE_COLOR       colours even where the output is no terminal
  COLUMNS           width of help and tables
""",
    ),
}


def _declare(parser: Parser) -> None:
    parser.add_argument("words", metavar="COMMAND|TOPIC", nargs="*", help="A command, or one of: " + ", ".join(TOPICS))


def _run(arguments: Arguments) -> int:
    words = arguments.words
    if not words:
        sys.stdout.write(program_help())
        for name, (title, _) in TOPICS.items():
            print(f"  pedigree help {name:<12} {title}")
        return 0
    if words[0] in TOPICS:
        print(topic(words[0]))
        return 0
    names = [name for _, group in EVERY for name, _, _ in group]
    if words[0] not in names:
        raise unknown("command or topic", words[0], [*names, *TOPICS], "pedigree help")
    return load(words[0]).main([*words[1:2], "--help"])


def topic(name: str) -> str:
    """The page of a topic, as the terminal shows it."""
    title, text = TOPICS[name]
    return f"{paint(title, 'bold', sys.stdout)}\n\n{paragraphs(text, min(width(), WIDEST))}"


COMMANDS = {
    "help": Command(
        "help",
        "Explain a command or a topic: " + ", ".join(TOPICS),
        declare=_declare,
        run=_run,
        json=False,
        examples=[("a command", "pedigree help put"), ("how to name commits", "pedigree help references")],
    )
}
