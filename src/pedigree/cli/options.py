"""Arguments and options that several commands share, and the store they all open."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pedigree.cli.command import Parser

if TYPE_CHECKING:
    from pedigree.store import Store
    from pedigree.store.references import Parsed

REFERENCE = "REPO[@REF][:/PATH]"


@contextmanager
def store() -> Iterator[Store]:
    """The store of this folder or the nearest one above it, to read; closed afterwards."""
    import pedigree

    with pedigree.open() as opened:
        yield opened


@contextmanager
def changing() -> Iterator[Store]:
    """The store to change: what is done in the block goes into the transaction that `pedigree transaction start` began,
    if there is one.
    """
    with store() as opened, opened.joined():
        yield opened


def reference(parser: Parser, text: str, *, name: str = "place", many: bool = False, optional: bool = False) -> None:
    nargs = ("*" if optional else "+") if many else ("?" if optional else None)
    parser.add_argument(name, metavar=REFERENCE, nargs=nargs, help=text)


def commit(parser: Parser, text: str, *, name: str = "commit", optional: bool = False) -> None:
    parser.add_argument(name, metavar="REPO@REF", nargs="?" if optional else None, help=text)


def branch(parser: Parser, text: str, *, many: bool = False) -> None:
    parser.add_argument("branch", metavar="REPO@BRANCH", nargs="+" if many else None, help=text)


def message(parser: Parser) -> None:
    parser.add_argument("-m", "--message", metavar="TEXT", default="", help="Why this was done; kept with the commit")
    parser.add_argument("--author", metavar="NAME", help="Who did it, if not you")


def quiet(parser: Parser) -> None:
    parser.add_argument("-q", "--quiet", action="store_true", help="Show no progress and say only what went wrong")


def dry_run(parser: Parser, text: str = "Show what would happen and change nothing") -> None:
    parser.add_argument("-n", "--dry-run", action="store_true", help=text)


def limit(parser: Parser, what: str, default: int | None = None) -> None:
    parser.add_argument(
        "-n", "--limit", metavar="NUMBER", type=positive, default=default, help=f"Show at most NUMBER {what}"
    )


def force(parser: Parser, text: str) -> None:
    parser.add_argument("--force", action="store_true", help=text)


def positive(text: str) -> int:
    """A whole number of at least 1, for `type=`."""
    return _number(text, 1)


def non_negative(text: str) -> int:
    """A whole number of at least 0, for `type=`."""
    return _number(text, 0)


def _number(text: str, least: int) -> int:
    import argparse

    try:
        number = int(text)
    except ValueError:
        number = least - 1
    if number < least:
        raise argparse.ArgumentTypeError(f"expected a whole number of at least {least}, got {text!r}")
    return number


def seconds(text: str) -> float:
    """A duration such as 30s, 5m or 1h30m, in seconds; a bare number means seconds. For `type=`."""
    import argparse
    import re

    found = re.fullmatch(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s?)?", text.strip())
    if not text.strip() or found is None:
        raise argparse.ArgumentTypeError(f"expected a duration such as 30s, 5m or 1h30m, got {text!r}")
    hours, minutes, rest = (float(part or 0) for part in found.groups())
    return hours * 3600 + minutes * 60 + rest


def pairs(items: list[str] | None, option: str) -> dict[str, str]:
    """KEY=VALUE arguments as a mapping. Raises InvalidInput naming the one without `=`."""
    from pedigree.errors import InvalidInput

    result: dict[str, str] = {}
    for item in items or []:
        key, sign, value = item.partition("=")
        if not sign or not key:
            raise InvalidInput(f"{option} takes KEY=VALUE, got {item!r}.", remedy=f"For example: {option} epochs=3")
        result[key] = value
    return result


def writable(text: str) -> Parsed:
    """The parts of REPO[@BRANCH][:/PATH] that something is to be written to. Raises InvalidReference for the past."""
    from pedigree.errors import InvalidReference
    from pedigree.store import references

    found = references.parse(text)
    if found.back or found.nth is not None:
        raise InvalidReference(
            f"{text!r} is a commit in the past, which never changes.", remedy="Name a branch: REPO@BRANCH:/PATH."
        )
    return found


def queued(store: Store, sentence: str) -> str:
    """The sentence about a change, saying so where it waits for the end of a transaction."""
    transaction = store.active_transaction()
    if transaction is None:
        return sentence
    return f"{sentence} It waits in transaction {transaction.id[:12]}: `pedigree transaction finish` does it."
