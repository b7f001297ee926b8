"""The command as a whole: help, errors, exit codes, pipes and terminals."""

from __future__ import annotations

import re
import signal
import subprocess
import sys

import pytest

from pedigree.cli.command import Command, Noun
from pedigree.cli.main import COMMANDS, EXIT_CODES, load, program_help
from pedigree.errors import InvalidInput, PedigreeError
from tests.cli.terminal import Project, at_terminal, command, environment

EVERY = [(name, summary) for _, group in COMMANDS for name, _, summary in group]


def every_command() -> list[Command]:
    found: list[Command] = []
    for name, _ in EVERY:
        loaded = load(name)
        found += loaded.commands.values() if isinstance(loaded, Noun) else [loaded]
    return found


def test_help_imports_no_heavy_module() -> None:
    """`pedigree --help` loads neither argparse nor re, typing, json or any part of the store.

    Break: `import typing` at the top of cli/main.py.
    """
    script = (
        "import sys; before = set(sys.modules); from pedigree.cli.main import main; main(['--help']);"
        "print(*sorted(set(sys.modules) - before), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert set(done.stderr.split()) <= {
        "__future__", "pedigree", "pedigree.cli", "pedigree.cli.main", "pedigree.cli.terminal",
    }  # fmt: skip


def test_every_command_in_the_table_exists_and_says_what_its_own_help_says() -> None:
    """The static table has each command's own summary. Break: change a summary in one of the two places."""
    for name, summary in EVERY:
        loaded = load(name)
        assert loaded.name == name
        if isinstance(loaded, Command) and name != "help":
            assert loaded.summary == summary


@pytest.mark.parametrize("one", every_command(), ids=lambda one: one.name)
def test_every_help_has_usage_examples_and_explained_options(one: Command) -> None:
    """Each command's help shows usage and an example of itself, and every argument has a text.

    Break: leave `help=` out of one add_argument.
    """
    parser = one.parser()
    assert one.help(parser).count("Usage:") == 1
    assert one.examples
    assert all(one.name.split()[0] in line or one.name == "pachctl" for _, line in one.examples)
    assert all(action.help for action in parser._actions)
    assert not one.summary.endswith(".")


@pytest.mark.parametrize("one", every_command(), ids=lambda one: one.name)
def test_the_examples_in_the_help_parse(one: Command) -> None:
    """Every example is a command line that its command accepts. Break: misspell an option in an example."""
    import shlex

    for _, text in one.examples:
        for line in text.split("\n"):
            words = shlex.split(re.sub(r"\$\(.*\)|[|>&].*", "", line).strip().removeprefix("eval "), comments=True)
            if words[:1] != ["pedigree"]:
                continue
            rest = words[1:]
            loaded = load(rest.pop(0))
            if isinstance(loaded, Noun):
                loaded = loaded.commands[rest.pop(0)]
            if not loaded.raw:
                loaded.parser().parse_intermixed_args(rest)


def test_the_exit_codes_in_the_help_are_those_of_the_errors() -> None:
    """Every exit code that an error class has stands in the table. Break: give an error the code 9."""

    def codes(kind: type[PedigreeError]) -> set[int]:
        return {kind.exit_code}.union(*map(codes, kind.__subclasses__()))

    assert codes(PedigreeError) <= {code for code, _ in EXIT_CODES}


def test_an_error_is_two_lines_on_stderr_and_a_code(empty: Project) -> None:
    """Without a store, `ls` says so and what to do, prints nothing on stdout and exits with 3.

    Break: print the error to stdout.
    """
    said = empty("ls", "images", code=3)
    first, second = said.err.splitlines()
    assert first.startswith("error: There is no store in ")
    assert "`pedigree init`" in second
    assert said.out == ""


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["stauts"], "Did you mean `status`?"),
        (["add", "x"], "Did you mean `put`?"),
        (["repo", "lst"], "Did you mean `list`?"),
        (["ls", "images", "--lnog"], "Did you mean --long?"),
        (["log", "-n", "0", "images"], "at least 1"),
        (["put"], "`pedigree put` needs REPO[@BRANCH][:/PATH]."),
        (["repo", "list", "surplus"], "takes no further argument"),
        (["help", "refrences"], "Did you mean `references`?"),
        (["--hepl"], "Did you mean '--help'?"),
        (["--json", "status"], "`pedigree status --json`"),
        (["-C"], "-C needs a folder."),
    ],
)
def test_wrong_words_are_answered_with_the_right_ones(empty: Project, words: list[str], hint: str) -> None:
    """A mistyped command, verb, option or value exits with 2 and says what was meant. Break: drop `nearest`."""
    assert hint in empty(*words, code=2).err


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ("ls imagse", "'images'"),
        ("ls images@mastr", "'master'"),
        ("cat images:/cats/tmo.txt", "'/cats/tom.txt'"),
        ("ls images:/Cats", "'/cats'"),
        ("inspect images:/cast/tom.txt", "'/cats/tom.txt'"),
        ("get images:/feed", "'/feed.sh'"),
        ("copy images:/cast images:/dogs", "'/cats'"),
        ("delete images:/cast", "'/cats'"),
        ("lineage images:/cats/tmo.txt", "'/cats/tom.txt'"),
        ("pipeline inspect cuont", "'count'"),
        ("run cuont", "'count'"),
        ("explain cuont", "'count'"),
        ("logs cuont", "'count'"),
        ("job inspect cuont", "'count'"),
        ("datum list cuont", "'count'"),
    ],
)
def test_every_mistyped_name_is_answered_with_the_nearest(project: Project, words: str, hint: str) -> None:
    """Repository, branch, folder, file, pipeline, job: exit code 3, and the name that was meant.

    Break: return "" from `errors.meant`; return "" from `missing.hint`.
    """
    project.write(
        "p.yaml", "pipeline: {name: count}\ninput: {pfs: {repo: images, glob: /}}\ntransform: {cmd: ['true']}\n"
    )
    project("apply", "p.yaml")
    assert f"Did you mean {hint}?" in project(*words.split(), code=3).err


def test_a_path_behind_a_slash_alone_is_told_how_to_be_written(project: Project) -> None:
    """Break: say only that the reference is wrong."""
    assert "Did you mean 'images@master:/cats'?" in project("ls", "images@master/cats", code=2).err


def test_a_pipeline_that_never_ran_is_told_apart_from_one_that_is_not_there(project: Project) -> None:
    """Break: answer both with the list of jobs."""
    project.write(
        "p.yaml", "pipeline: {name: count}\ninput: {pfs: {repo: images, glob: /}}\ntransform: {cmd: ['true']}\n"
    )
    project("apply", "p.yaml")
    assert "count has not run yet: `pedigree run` runs it." in project("explain", "count", code=3).err


def test_options_are_never_abbreviated(project: Project) -> None:
    """`--js` is no option, so that adding one never changes what a script means. Break: allow_abbrev=True."""
    project("ls", "images", "--js", code=2)


def test_no_command_prints_the_help_and_fails(empty: Project) -> None:
    """A script whose variable is empty does not succeed. Break: return 0."""
    assert empty(code=2).err == empty("--help").out == program_help()


def test_c_changes_the_folder_first(project: Project, empty: Project) -> None:
    """-C FOLDER runs as if started there, joined or apart. Break: ignore -C."""
    assert project("-C", "photos/cats", "ls", "images").lines == ["/cats/", "/feed.sh"]
    assert project("-Cphotos", "ls", "images").lines == ["/cats/", "/feed.sh"]
    assert "FOLDER" in empty("-C", "nowhere", "ls", "x", code=2).err


def test_a_closed_pipe_is_quiet(project: Project) -> None:
    """`pedigree ... | head -1` ends without a word on stderr. Break: let BrokenPipeError out."""
    for index in range(3000):
        project.write(f"many/{index:04}-{'x' * 60}", "")
    project("put", "many:/", "many")
    with subprocess.Popen(
        command("ls", "-r", "many"),
        cwd=project.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141


def test_ctrl_c_is_told_in_a_line_and_gives_130(project: Project) -> None:
    """SIGINT while a command waits ends it with 130 and no traceback. Break: let KeyboardInterrupt out."""
    with subprocess.Popen(
        command("commit", "subscribe", "images@master"),
        cwd=project.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.readline()  # both commits came: from now on it waits for the next
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Interrupted" in err.decode()
    assert "Traceback" not in err.decode()


def test_a_bug_shows_its_traceback_and_its_own_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is no PedigreeError is shown as our bug, with 70. Break: catch Exception like PedigreeError."""
    from pedigree.cli import main as module

    def broken(words: list[str]) -> int:
        raise ZeroDivisionError(str(words))

    monkeypatch.setattr(module, "dispatch", broken)
    assert module.main(["ls"]) == 70
    err = capsys.readouterr().err
    assert "ZeroDivisionError" in err
    assert "bug in Pedigree" in err


def test_colour_is_for_terminals_and_obeys_no_color(project: Project) -> None:
    """Escape codes appear on a terminal, and neither in a pipe nor with NO_COLOR nor TERM=dumb.

    Break: test `"NO_COLOR" in os.environ` last.
    """
    assert "\x1b[" in at_terminal(project.folder, "log", "images")[1]
    assert "\x1b[" not in at_terminal(project.folder, "log", "images", env={"NO_COLOR": "1"})[1]
    assert "\x1b[" not in at_terminal(project.folder, "log", "images", env={"TERM": "dumb"})[1]
    assert "\x1b[" not in project("log", "images").out
    assert "\x1b[" in project("log", "images", env={"FORCE_COLOR": "1"}).out


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_tables_and_help_fit_the_terminal(project: Project, columns: int) -> None:
    """No line of a table or of a wrapped help text is wider than the terminal. Break: `room = 0` in output.table."""
    project("put", "images:/long.txt", "-", "-m", "long " * 60, stdin=b"x")
    for words in (["log", "images"], ["commit", "list"], ["runs", "list"]):
        screen = at_terminal(project.folder, *words, columns=columns, env={"NO_COLOR": "1"})[1]
        assert all(len(line) <= columns for line in screen.splitlines()), screen


def test_nothing_that_people_wrote_can_steer_the_terminal(project: Project) -> None:
    """Escape sequences in messages are shown, not obeyed. Break: print cells without `safe`."""
    project("put", "images:/x.txt", "-", "-m", "evil \x1b[2J\x07 text", stdin=b"x")
    shown = project("log", "images").out + project("inspect", "images").out
    assert "\x1b" not in shown
    assert "\\x1b[2J" in shown


def test_unknown_explains_itself_in_one_error() -> None:
    """The error for an unknown word carries the nearest known one. Break: forget `nearest=`."""
    with pytest.raises(InvalidInput) as caught:
        load("doctr")
    assert caught.value.objects["nearest"] == "doctor"
