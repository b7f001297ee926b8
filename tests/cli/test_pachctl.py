"""pachctl's grammar: what Pachyderm's documentation writes, and what it becomes."""

from __future__ import annotations

import json

import pytest

from pedigree.cli.command import Noun
from pedigree.cli.main import load
from pedigree.cli.pachctl import translate
from pedigree.errors import InvalidInput, Unsupported
from tests.cli.terminal import Project

RUN = "0123456789abcdef" * 2

#: pachctl as its documentation writes it, and our words.
WRITTEN = [
    ("create repo images", "repo create images"),
    ("create repo images -d 'my images'", "repo create images --description 'my images'"),
    ("delete repo images --force", "repo delete images --force"),
    (
        "put file images@master:liberty.png -f http://imgur.com/46Q8nDz.png",
        "put images@master:liberty.png http://imgur.com/46Q8nDz.png",
    ),
    ("put file images@master -i images.txt", "put images@master --input-file images.txt"),
    ("put file data@master -r -f dir", "put data@master dir"),
    ("put file data@master -rf dir", "put data@master dir"),
    ("put file -r -p 10 data@master:/x -f a -f b", "put data@master:/x a b"),
    ("put file data@master:/x", "put data@master:/x -"),
    ("put file data@master -f a,b --append", "put data@master --append a b"),
    ("get file images@master:/liberty.png", "cat images@master:/liberty.png"),
    ("get file images@master:/ -r -o out", "get images@master:/ --overwrite -o out"),
    ("list file default/images@master", "ls -l images@master"),
    ("list files images@master^:/x", "ls -l images@master^:/x"),
    ("glob file 'images@master:/*'", "glob -l 'images@master:/*'"),
    ("inspect file images@master:/a --raw", "inspect images@master:/a --json"),
    ("copy file a@master:/x b@master:/y", "copy a@master:/x b@master:/y"),
    ("diff file a@master:/x a@master^:/x", "diff a@master:/x a@master^:/x --patch"),
    ("start commit images@master", "commit start images@master"),
    ("finish commit images@master -m done", "commit finish images@master --message done"),
    ("list commit images@master -n 3", "commit list images@master -n 3"),
    (f"list commit {RUN}", f"commit list --run {RUN}"),
    (f"inspect commit {RUN} --raw", f"runs inspect {RUN} --json"),
    (f"wait commit {RUN}", f"runs wait {RUN}"),
    ("wait commit images@master", "commit wait images@master"),
    ("squash commit images@master^", "commit squash images@master^"),
    ("find commit data@master:/foo --limit 1", "find data@master:/foo --limit 1"),
    ("create branch images@master --head staging", "branch create images@master --head staging"),
    (
        "create branch images@batch --trigger staging --trigger-size 100M --trigger-all",
        "branch create images@batch --watch staging --size 100M --all",
    ),
    ("list branch images", "branch list images"),
    ("create pipeline -f edges.json", "apply edges.json"),
    (
        "create pipeline --jsonnet edges.jsonnet --arg suffix=1 --arg src=images",
        "apply edges.jsonnet --arg suffix=1 --arg src=images",
    ),
    ("update pipeline -f edges.json --reprocess", "apply edges.json --reprocess"),
    ("create pipeline --file=edges.json --dry-run", "apply edges.json --dry-run"),
    ("list pipeline --raw", "pipeline list --json"),
    ("list pipelines", "pipeline list"),
    ("inspect pipeline edges -o json", "pipeline inspect edges --json"),
    ("delete pipeline edges --keep-repo", "pipeline delete edges --keep-repo"),
    ("rerun pipeline edges --reprocess", "run edges --reprocess"),
    ("run cron tick", "pipeline tick tick"),
    ("list job", "job list"),
    ("list job -p edges --state failure", "job list edges --state failure"),
    (f"list job {RUN}", f"job list --run {RUN}"),
    (f"inspect job edges@{RUN}", f"job inspect edges@{RUN}"),
    (f"list datum edges@{RUN}", f"datum list edges@{RUN}"),
    ("list datum -f edges.json", "datum list -f edges.json"),
    (f"inspect datum edges@{RUN} abcd", f"datum inspect abcd --job edges@{RUN}"),
    ("logs --pipeline=edges", "logs edges"),
    (f"logs --job edges@{RUN} --datum abcd -f", f"logs edges@{RUN} --datum abcd --follow"),
    ("start transaction", "transaction start"),
    ("finish transaction", "transaction finish"),
    ("fsck --fix", "fsck --repair"),
    ("create-repo images", "repo create images"),
    ("version", "--version"),
]


@pytest.mark.parametrize(("theirs", "ours"), WRITTEN, ids=[theirs for theirs, _ in WRITTEN])
def test_what_the_documentation_writes_becomes_ours(theirs: str, ours: str) -> None:
    """Each line translates to exactly these words, and our command takes them. Break: forget one flag in the rules."""
    import shlex

    (line,) = translate(shlex.split(theirs)).lines
    assert line == shlex.split(ours)
    if line[0] != "--version":
        loaded = load(line[0])
        words = line[1:]
        if isinstance(loaded, Noun):
            loaded = loaded.commands[words.pop(0)]
        loaded.parser().parse_intermixed_args(words)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("list pipline", "Did you mean `list pipeline`"),
        ("put file images@master --apend -f x", "Did you mean --append"),
        ("get file", "takes 1"),
        ("frobnicate", "no command 'frobnicate'"),
        ("list repo --project other", "project 'other'"),
        ("list file other/images@master", "project 'other'"),
    ],
)
def test_wrong_pachctl_says_what_is_right(words: str, expected: str) -> None:
    """Mistakes name the nearest command or flag. Break: drop the remedy."""
    with pytest.raises((InvalidInput, Unsupported)) as caught:
        translate(words.split())
    assert expected in str(caught.value)


@pytest.mark.parametrize("words", ["auth login", "stop job edges@1", "create project x", "port-forward"])
def test_what_needs_a_cluster_is_refused_with_the_reason(words: str) -> None:
    """Commands without meaning here exit with 7 and say why. Break: pass them on."""
    with pytest.raises(Unsupported, match="is not possible here"):
        translate(words.split())


def test_the_beginner_tutorial_runs_unchanged(empty: Project) -> None:
    """Repository, file, pipeline, job, output: each command of the documentation does what it says there, and jobs run
    without being asked for. Break: leave out `runs=True` for create pipeline.
    """
    empty("init")
    empty.write(
        "upper.py",
        "import os\nfor n in os.listdir('/pfs/words'):\n    t = open('/pfs/words/' + n).read().upper()\n    open('/pfs/out/' + n, 'w').write(t)\n",
    )
    spec = {
        "pipeline": {"name": "upper"},
        "description": "Makes words large.",
        "transform": {"cmd": ["python", "upper.py"], "image": "python:3.11"},
        "input": {"pfs": {"repo": "words", "glob": "/*"}},
    }
    empty.write("upper.json", json.dumps(spec))

    def pachctl(line: str, stdin: bytes = b"") -> str:
        return empty("pachctl", *line.split(), stdin=stdin).out

    pachctl("create repo words")
    pachctl("put file words@master:a.txt", stdin=b"hello")
    assert "words" in pachctl("list repo")
    pachctl("create pipeline -f upper.json")
    assert "success" in pachctl("list job")
    assert pachctl("get file upper@master:/a.txt") == "HELLO"
    pachctl("put file words@master:b.txt", stdin=b"again")
    jobs = json.loads(pachctl("list job -p upper --raw"))
    assert [(job["processed"], job["skipped"]) for job in jobs] == [(1, 1), (1, 0)]
    assert pachctl("get file upper@master:b.txt") == "AGAIN"
    pachctl("start transaction")
    pachctl("put file words@master:c.txt", stdin=b"c")
    assert len(json.loads(pachctl("list job --raw"))) == 2
    pachctl("finish transaction")
    assert pachctl("get file upper@master:c.txt") == "C"
    assert "pedigree ls -l words@master" in empty("pachctl", "list", "file", "words@master", "--help").err
