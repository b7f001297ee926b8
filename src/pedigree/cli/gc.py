"""`pedigree gc`: space that no commit needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pedigree.cli.command import Arguments, Command, Parser
from pedigree.cli.output import count, done, plain, size, table

if TYPE_CHECKING:
    from pedigree.store.gc import Plan


def _declare(parser: Parser) -> None:
    parser.add_argument("--yes", action="store_true", help="Do it; without this, only show what would go and why")
    parser.add_argument("-v", "--verbose", action="store_true", help="List everything by name, not only the sums")


def _run(arguments: Arguments) -> None:
    import pedigree
    from pedigree.store import gc

    with pedigree.open() as store:
        plan = gc.collect(store) if arguments.yes else gc.plan(store)
    value = {**plain(plan), "freed_bytes": plan.freed_bytes, "done": arguments.yes}
    if plan.empty:
        done(arguments, "Nothing to free: every object is needed.", value)
        return
    if not arguments.json:
        _show(plan, verbose=arguments.verbose)
    said = f"{count(len(plan.objects), 'object')} that nothing needs, {size(plan.freed_bytes)} of disk"
    if arguments.yes:
        done(arguments, f"Freed {said}.", value)
    else:
        done(arguments, f"Would free {said}. `pedigree gc --yes` does it.", value)


def _show(plan: Plan, *, verbose: bool) -> None:
    parts = (("pack", plan.packs), ("rewrite", plan.rewrites), ("leftover", plan.leftovers), ("object", plan.objects))
    if verbose:
        rows = [
            (kind, size(item.size_bytes), item.what if kind == "leftover" else item.what[:12], item.why)
            for kind, items in parts
            for item in items
        ]
        table(["WHAT", "SIZE", "NAME", "WHY"], rows, right=["SIZE"])
        return
    groups: dict[tuple[str, str], list[int]] = {}
    for kind, items in parts:
        for item in items:
            groups.setdefault((kind, item.why), []).append(item.size_bytes)
    summed = [(kind, f"{len(sizes):,}", size(sum(sizes)), why) for (kind, why), sizes in groups.items()]
    table(["WHAT", "NUMBER", "SIZE", "WHY"], summed, right=["NUMBER", "SIZE"])


COMMANDS = {
    "gc": Command(
        "gc",
        "Free the space of what no commit needs",
        declare=_declare,
        run=_run,
        details="""
Without --yes nothing is removed: you see what would go, and why. Needed is whatever a commit, an open commit
or a cached result names. gc waits for running commands, and in a damaged store it removes nothing.
""",
        examples=[
            ("what could go", "pedigree gc"),
            ("let it go", "pedigree gc --yes"),
        ],
    )
}
