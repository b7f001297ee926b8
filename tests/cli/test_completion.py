"""Tab completion: candidates, and the scripts in the shells themselves."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from pedigree.cli.completion import SCRIPTS
from tests.cli.terminal import Project, command, environment


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["sta"], ["status"]),
        (["repo", ""], ["create", "delete", "inspect", "list"]),
        (["ls", "im"], ["images@"]),
        (["ls", "images@"], ["images@master:"]),
        (["ls", "images@master:/"], ["images@master:/cats/", "images@master:/feed.sh"]),
        (["cat", "images@master:/cats/k"], ["images@master:/cats/kit.txt"]),
        (["ls", "--lo"], ["--long"]),
        (["lineage", "--format", "j"], ["json"]),
        (["completion", "z"], ["zsh"]),
        (["repo", "delete", "im"], ["images"]),
        (["labels", "me"], ["merge"]),
        (["labels", "find", "--labels", "images@master:/cats/k"], ["images@master:/cats/kit.txt"]),
        (["labels", "find", "--rank", "thr"], ["threshold_margin"]),
        (["tag", "l"], ["list"]),
        (["tag", "images@m"], ["images@master"]),
        (["tag", "create", "images@m"], ["images@master"]),
        (["tag", "images@master", "im"], []),
        (["ls", "nothing@"], []),
        (["nonsense", ""], []),
        (["help", "ref"], ["references"]),
        (["help", "stat"], ["status"]),
        (["pachctl", "list", "pip"], ["pipeline"]),
        (["-C", "photos", "ls", "im"], ["images@"]),
    ],
)
def test_the_next_word_is_completed(project: Project, words: list[str], expected: list[str]) -> None:
    """Commands, verbs, options, choices, repositories, branches and paths. Break: complete after the first word only."""
    assert project("__complete", *words).lines == expected


def test_a_tag_is_completed_where_it_can_stand(project: Project) -> None:
    """Beside branches where a reference is read, alone where a tag goes. Break: offer tags where a branch is written."""
    project("tag", "images@master", "v1")
    assert project("__complete", "ls", "images@").lines == ["images@master:", "images@v1:"]
    assert project("__complete", "tag", "delete", "images@").lines == ["images@v1"]
    assert project("__complete", "commit", "finish", "images@").lines == ["images@master"]


def test_completion_is_silent_where_there_is_no_store(empty: Project) -> None:
    """Without a store nothing is printed and nothing fails. Break: let the error out."""
    said = empty("__complete", "ls", "")
    assert (said.out, said.err) == ("", "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_one_that_its_shell_reads(empty: Project, shell: str, tmp_path: Path) -> None:
    """Each shell that is installed parses its script. Break: an unbalanced quote."""
    script = empty("completion", shell).out
    assert script == SCRIPTS[shell]
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")
    place = tmp_path / "script"
    place.write_text(script)
    subprocess.run([shell, "-n", str(place)], check=True)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("pedigree sta", ["status"]),
        ("pedigree ls images@master:/ca", ["/cats/"]),
        ("pedigree ls im", ["images@"]),
        ("pedigree repo ", ["create", "delete", "inspect", "list"]),
        ("pedigree cat images@master:/my", ["/my\\ cat\\'s.txt"]),
        ("pedigree cat images@master:/my\\ ca", ["/my\\ cat\\'s.txt"]),
    ],
)
def test_bash_completes_words_with_colons_and_at_signs(project: Project, line: str, expected: list[str]) -> None:
    """bash splits words at : and @; what is offered begins where bash's own word begins, and is quoted for the shell.

    Break: offer whole words; or offer names as they are, so that a name with a space becomes two words.
    """
    project("put", "images:/my cat's.txt", "-", stdin=b"x")
    # What bash would pass as $2: the part after the last character of COMP_WORDBREAKS, which hold @, : and =.
    word = re.split(r"(?<!\\) ", line)[-1]
    part = word[max(word.rfind(sign) for sign in "@:=") + 1 :]
    script = (
        f"{SCRIPTS['bash']}\ncompopt() {{ :; }}\nCOMP_LINE={shlex.quote(line)}; COMP_POINT=${{#COMP_LINE}}\n"
        f"_pedigree pedigree {shlex.quote(part)} x\nprintf '%s\\n' \"${{COMPREPLY[@]}}\""
    )
    path = f"{Path(command()[0]).parent}:{environment()['PATH']}"
    done = subprocess.run(
        ["bash", "--norc", "-c", script],
        cwd=project.folder,
        capture_output=True,
        text=True,
        env={**environment(), "PATH": path},
        check=True,
    )
    assert done.stdout.splitlines() == expected, done.stderr
