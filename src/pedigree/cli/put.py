"""`pedigree put`: files, folders, archives, URLs and standard input into a repository, as one commit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pedigree.cli import options, shapes
from pedigree.cli.command import Arguments, Command, Parser
from pedigree.cli.output import count, done, plain, size
from pedigree.cli.terminal import say

if TYPE_CHECKING:
    from pedigree.store import Store
    from pedigree.store.put import PutResult


def _declare(parser: Parser) -> None:
    parser.add_argument("target", metavar="REPO[@BRANCH][:/PATH]", help="Where to; the branch is master unless given")
    parser.add_argument(
        "sources", metavar="SOURCE", nargs="*", help="Files, folders, http(s) URLs, or - for standard input"
    )
    parser.add_argument(
        "-a", "--append", action="store_true", help="Append to files that exist instead of replacing them"
    )
    parser.add_argument("--untar", action="store_true", help="Put the members of tar and zip archives, streamed")
    parser.add_argument(
        "--full-path", action="store_true", help="Keep the whole path of each source, not only its name"
    )
    parser.add_argument(
        "-i", "--input-file", metavar="FILE", help="Read further sources from FILE, one a line; - for stdin"
    )
    parser.add_argument(
        "--checksum", action="store_true", help="Read every file again, even if size and times are unchanged"
    )
    parser.add_argument(
        "--no-create", action="store_true", help="Fail instead of making a repository that does not exist"
    )
    parser.add_argument(
        "--delete",
        action="store_true",
        help="Delete from the target what a source folder does not hold (any more)",
    )
    parser.add_argument(
        "--allow-private",
        action="store_true",
        help="Let URLs lead into your own network, which is refused otherwise",
    )
    options.message(parser)
    options.quiet(parser)


def _run(arguments: Arguments) -> None:
    from pedigree.cli.progress import transfer
    from pedigree.errors import InvalidInput
    from pedigree.store.put import put

    if not arguments.sources and not arguments.input_file:
        raise InvalidInput(
            f"Nothing to put into {arguments.target}: no source was given.",
            remedy="Name files, folders or URLs; or - for standard input: ... | pedigree put REPO:/PATH -",
        )
    with options.changing() as store:
        with transfer("Putting", quiet=arguments.quiet or arguments.json) as progress:
            result = put(
                store,
                arguments.target,
                arguments.sources,
                append=arguments.append,
                untar=arguments.untar,
                full_path=arguments.full_path,
                input_file=arguments.input_file,
                checksum=arguments.checksum,
                create=not arguments.no_create,
                delete_missing=arguments.delete,
                allow_private=arguments.allow_private,
                message=arguments.message,
                author=arguments.author,
                progress=progress,
            )
        _report(arguments, store, result)


def _report(arguments: Arguments, store: Store, result: PutResult) -> None:
    commit = result.commit
    value = {**plain(result), "commit": shapes.commit(commit) if commit else None}
    if not arguments.json and not arguments.quiet:
        if result.created_repository:
            say(f"Made the repository {arguments.target.partition('@')[0].partition(':')[0]}.")
        for folder in result.skipped:
            say(f"Left out {folder}: it belongs to a tool.")
    if not (result.files or result.deleted):
        if result.restored:
            text = f"Restored {count(result.restored, 'lost object')}; nothing else changed: no commit was made."
        elif result.unchanged:
            text = f"Nothing changed ({_there(result)}): no commit was made."
        else:
            text = "Nothing changed (there was no file to put): no commit was made."
        done(arguments, text, value)
        return
    told = [f"Put {count(result.files, 'file')} ({size(result.bytes)})"] if result.files else []
    told += [f"{'deleted' if told else 'Deleted'} {count(result.deleted, 'file')}"] if result.deleted else []
    text = " and ".join(told)
    if commit is not None:
        where = "the open commit " if commit.state == "open" else ""
        text += f" {'into' if result.files else 'from'} {where}{shapes.place(commit)}"
    text += f"; {_there(result)}" if result.unchanged else ""
    text += f"; restored {count(result.restored, 'lost object')}." if result.restored else "."
    done(arguments, options.queued(store, text), value)


def _there(result: PutResult) -> str:
    was = "was" if result.unchanged == 1 else "were"
    return f"{count(result.unchanged, 'file')} {was} there already"


COMMANDS = {
    "put": Command(
        "put",
        "Put files, folders, archives or URLs into a repository",
        declare=_declare,
        run=_run,
        details="""
Everything that one `put` brings becomes one commit, whole or not at all. The repository and the branch are
made if they are new. Files that exist are replaced; putting what is there already makes no commit.

Without :/PATH every source keeps its own name, folders too. One file goes to exactly :/PATH, or into it where
it ends in /. The content of one folder goes below :/PATH, so :/ means the top. Several sources go below
:/PATH, each under its own name. Executable bits and symbolic links are kept.
""",
        examples=[
            (
                "a folder's content to the top; the repository is made if it is new",
                "pedigree put images:/ photos/",
            ),
            ("the folder itself, as /photos", "pedigree put images photos"),
            ("one file, under another name", "pedigree put images:/cats/tom.jpg DSC_0042.JPG"),
            (
                "an archive from the web, unpacked while it arrives",
                "pedigree put --untar images:/ https://example.org/images.tar.gz",
            ),
            ("standard input", "date | pedigree put notes:/today.txt -"),
            ("to a branch, with a message", 'pedigree put images@staging -m "September shoot" september'),
        ],
    )
}
