"""`pedigree verify`: a result made again, compared bit for bit."""

from __future__ import annotations

from pedigree.cli import options
from pedigree.cli.command import Arguments, Command, Parser
from pedigree.cli.output import duration, json_value
from pedigree.cli.terminal import safe, say


def _declare(parser: Parser) -> None:
    options.reference(parser, "A commit that a pipeline made, or a file or folder in one")
    parser.add_argument(
        "--upstream", action="store_true", help="Also all that it was made from, back to what people put in"
    )
    parser.add_argument(
        "--sample", metavar="SIZE", help="Only so many datums of each commit: a share (5%) or a number (20)"
    )
    parser.add_argument(
        "--seed",
        metavar="NUMBER",
        type=options.non_negative,
        default=0,
        help="Which ones --sample takes, 0 unless given",
    )
    parser.add_argument(
        "-j", "--jobs", metavar="NUMBER", type=options.positive, help="Datums at once, one per core unless given"
    )
    parser.add_argument(
        "--once",
        action="store_true",
        help="Do not make what differs a second time, which tells whether its step repeats itself",
    )
    parser.add_argument(
        "--recreate-environment",
        action="store_true",
        help="Run the steps in the environment that is recorded, made again where today's differs",
    )
    options.quiet(parser)


def _run(arguments: Arguments) -> int:
    from pedigree.pipeline import tripwire

    tripwire.begin()
    from pedigree.cli.live import listener
    from pedigree.pipeline.verifying.verification import verify

    with options.store() as store, listener(quiet=arguments.quiet or arguments.json) as listen:
        verdict = verify(
            store,
            arguments.place,
            upstream=arguments.upstream,
            sample=arguments.sample,
            seed=arguments.seed,
            workers=arguments.jobs,
            repeat=not arguments.once,
            recreate_environment=arguments.recreate_environment,
            on_event=listen,
        )
    if arguments.json:
        json_value(verdict.to_json())
    else:
        for line in verdict.to_text().splitlines():
            print(safe(line))
        if not arguments.quiet:
            say(
                f"This verdict is kept with the commit: `pedigree inspect {verdict.name}` ({duration(verdict.seconds)})."
            )
    return 0 if verdict.ok else 1


COMMANDS = {
    "verify": Command(
        "verify",
        "Make a result again and compare it bit for bit",
        declare=_declare,
        run=_run,
        details="""
Each datum runs again in a fresh sandbox, from what the store recorded of it: input files, code, configuration,
variables, seed, command. The files of the project may have changed since. No cached result is used, and nothing is
published. Exit code 0: every byte is the same. Exit code 1: something is different, or cannot be rebuilt because
what it needs was not recorded; the verdict says what, and names suspects with file and line. It is kept with the commit.

If today's environment is not the one of then, the verdict lists what differs. --recreate-environment makes the recorded
one: a virtual environment with that Python and those versions, copied from today's where the files are the same and
installed by pip otherwise. Every file of it is compared with the record. It is kept for the next time in
.pedigree/cache/environments; `pedigree environment list` shows them, `pedigree environment delete` removes them.
""",
        examples=[
            ("one model, from the stored files of its inputs", "pedigree verify model@master"),
            ("one file, with all that it was made from", "pedigree verify --upstream evaluate@master:/metrics.json"),
            ("in the environment of then", "pedigree verify model@v1 --recreate-environment"),
            ("twenty datums of a large commit, another twenty", "pedigree verify masks@master --sample 20 --seed 7"),
        ],
    )
}
