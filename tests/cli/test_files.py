"""Files at the command line: init, put, get, ls, cat, glob, inspect, diff, log, find, copy, delete."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

import pytest

from tests.cli.terminal import Project


def test_init_makes_one_store_and_refuses_a_second(empty: Project) -> None:
    """A second `init` exits with 4 and leaves the store. Break: create with exist_ok."""
    assert empty("init").err.startswith("Made an empty store")
    assert "already" in empty("init", code=4).err


def test_put_says_what_it_made_and_a_second_time_makes_nothing(empty: Project) -> None:
    """The first put names repository and commit, the same again makes no commit. Break: report `files` of the source."""
    empty("init")
    empty.write("photos/a.txt", "a")
    first = empty("put", "images:/", "photos")
    assert "Made the repository images." in first.err
    assert "Put 1 file (1 B) into images@master=" in first.err
    assert first.out == ""
    assert "Nothing changed (1 file was there already)" in empty("put", "images:/", "photos").err
    assert len(empty("log", "images", "--json").json) == 1


def test_put_json_is_the_commit(empty: Project) -> None:
    """--json gives commit, counts and nothing on stderr. Break: print the sentence too."""
    empty("init")
    empty.write("a.txt", "abc")
    said = empty("put", "images:/", "a.txt", "--json", "-m", "why")
    assert said.err == ""
    assert said.json["commit"]["message"] == "why"
    assert said.json["commit"]["author"] == "Ada"
    assert (said.json["files"], said.json["bytes"], said.json["created_repository"]) == (1, 3, True)


@pytest.mark.parametrize(
    ("target", "sources", "expected"),
    [
        ("r", ["photos"], ["/photos/a", "/photos/b/c"]),
        ("r:/", ["photos"], ["/a", "/b/c"]),
        ("r:/x", ["photos"], ["/x/a", "/x/b/c"]),
        ("r", ["photos/a"], ["/a"]),
        ("r:/x", ["photos/a"], ["/x"]),
        ("r:/x/", ["photos/a"], ["/x/a"]),
        ("r:/x", ["photos/a", "photos/b"], ["/x/a", "/x/b/c"]),
        ("r", ["photos/b/c", "--full-path"], ["/photos/b/c"]),
    ],
)
def test_put_target_rules(empty: Project, target: str, sources: list[str], expected: list[str]) -> None:
    """Where files go, as `pedigree put --help` says. Break: swap the rules for `:/` and none."""
    empty("init")
    empty.write("photos/a", "1")
    empty.write("photos/b/c", "2")
    empty("put", target, *sources)
    assert empty("ls", "-r", "r").lines == expected


def test_put_takes_stdin_lists_and_archives(empty: Project) -> None:
    """`-` is standard input, -i names a list, --untar unpacks. Break: pass `-` to the file system."""
    empty("init")
    empty("put", "r:/from-pipe", "-", stdin=b"piped\n")
    empty.write("one", "1")
    empty("put", "r", "-i", "-", stdin=b"one\n")
    with tarfile.open(empty.folder / "t.tar.gz", "w:gz") as archive:
        archive.add(empty.folder / "one", "inside/one")
    empty("put", "--untar", "r:/", "t.tar.gz")
    assert empty("ls", "-r", "r").lines == ["/from-pipe", "/inside/one", "/one"]
    assert empty("cat", "r:/from-pipe").out == "piped\n"
    empty("put", "--append", "r:/from-pipe", "-", stdin=b"more\n")
    assert empty("cat", "r:/from-pipe").out == "piped\nmore\n"


def test_put_without_a_source_explains_itself(empty: Project) -> None:
    """No source exits with 2 and shows the way for pipes. Break: read stdin silently."""
    empty("init")
    assert "standard input" in empty("put", "images", code=2).err


def test_put_no_create_refuses_a_new_repository(empty: Project) -> None:
    """--no-create exits with 3 for a repository that is not there. Break: ignore the option."""
    empty("init")
    empty.write("a", "a")
    empty("put", "--no-create", "images:/", "a", code=3)
    assert empty("repo", "list", "--json").json == []


def test_put_delete_mirrors_the_folder(project: Project) -> None:
    """--delete removes what the folder does not hold any more. Break: ignore the option."""
    (project.folder / "photos/feed.sh").unlink()
    said = project("put", "--delete", "images:/", "photos")
    assert "Deleted 1 file from images@master=" in said.err
    assert project("ls", "images").lines == ["/cats/"]


def test_what_was_put_comes_back(project: Project) -> None:
    """Round trip by `get`: bytes, executable bits and links. Break: drop the mode in checkout."""
    os.symlink("cats/tom.txt", project.folder / "photos/best")
    project("put", "images:/", "photos")
    said = project("get", "images", "-o", "back")
    assert "Wrote 3 files and 1 link" in said.err
    assert (project.folder / "back/cats/tom.txt").read_text() == "grey and white\n"
    assert os.access(project.folder / "back/feed.sh", os.X_OK)
    assert os.readlink(project.folder / "back/best") == "cats/tom.txt"


def test_get_takes_names_from_the_reference_and_spares_what_is_there(project: Project) -> None:
    """Without -o the file's own name is used; an existing file needs --overwrite. Break: always overwrite."""
    project("get", "images@master^:/cats/tom.txt")
    assert (project.folder / "tom.txt").read_text() == "grey\n"
    project("get", "images:/cats/tom.txt", code=4)
    assert (project.folder / "tom.txt").read_text() == "grey\n"
    project("get", "--overwrite", "images:/cats/tom.txt")
    assert (project.folder / "tom.txt").read_text() == "grey and white\n"
    assert project("get", "images:/cats/tom.txt", "-o", "-").out == "grey and white\n"


def test_cat_is_byte_exact_and_joins_folders_in_order(project: Project) -> None:
    """Bytes that are no text pass unchanged; a folder gives its files in path order. Break: decode and print."""
    data = bytes(range(256)) * 5
    project.write("photos/cats/a.bin", data)
    project("put", "images:/", "photos")
    project("get", "images:/cats/a.bin", "-o", "copy.bin")
    assert (project.folder / "copy.bin").read_bytes() == data
    assert (
        project("cat", "images@master:/cats/kit.txt", "images@master^:/cats/tom.txt").out == "black\ngrey and white\n"
    )
    assert project("cat", "images@master^^:/cats").out == "black\ngrey\n"


def test_ls_lists_names_and_long_shows_the_rest(project: Project) -> None:
    """Plain names one a line, folders with /; -l adds kind, size, digest; --json all of it. Break: omit the slash."""
    assert project("ls", "images").lines == ["/cats/", "/feed.sh"]
    assert project("ls", "images@master:/cats").lines == ["/cats/kit.txt", "/cats/tom.txt"]
    header, *rows = project("ls", "-l", "images").lines
    assert header.split() == ["KIND", "SIZE", "DIGEST", "PATH"]
    assert rows[0].split() == ["folder", "21", "B", "/cats/"]
    assert rows[1].split()[0] == "program"
    first, second = project("ls", "images", "--json").json
    assert first == {"path": "/cats/", "kind": "folder", "files": 2, "size": 21}
    assert (second["path"], second["executable"], second["size"]) == ("/feed.sh", True, 10)
    assert len(second["digest"]) == 64


def test_a_path_that_is_not_there_is_an_error_everywhere(project: Project) -> None:
    """ls, cat, inspect and get exit with 3 for a missing path, and ls names it. Break: print an empty listing."""
    for words in (["ls"], ["ls", "-r"], ["cat"], ["inspect"], ["get", "-o", "x"]):
        assert "/dogs" in project(*words, "images:/dogs", code=3).err


def test_glob_prints_matches_and_long_sizes(project: Project) -> None:
    """Globs match files and folders as pipeline inputs do. Break: match files only."""
    assert project("glob", "images:/*").lines == ["/cats/", "/feed.sh"]
    assert project("glob", "images@master:/**.txt").lines == ["/cats/kit.txt", "/cats/tom.txt"]
    assert [item["kind"] for item in project("glob", "images:/*", "--json").json] == ["folder", "file"]
    assert "after a colon" in project("glob", "images", code=2).err


def test_inspect_tells_files_folders_and_commits_apart(project: Project) -> None:
    """A file has a digest, a folder a count, a commit its message. Break: describe a folder as a commit."""
    assert project("inspect", "images:/cats", "--json").json["files"] == 2
    assert project("inspect", "images:/feed.sh", "--json").json["executable"] is True
    assert project("inspect", "images@master^", "--json").json["message"] == "first"
    assert "2 files, 11 B" in project("inspect", "images@master^").out


def test_a_shallow_diff_has_one_line_for_each_folder(project: Project) -> None:
    """Break: group by the first part of the path, whatever path was asked for."""
    project.write("deep/a/x", "1")
    project.write("deep/a/y", "2")
    project.write("deep/b", "3")
    project("put", "tree:/in", "deep")
    project.write("deep/a/x", "9")
    project.write("deep/a/z/w", "4")
    (project.folder / "deep/b").unlink()
    project("put", "--delete", "tree:/in", "deep")
    assert project("diff", "--shallow", "tree").lines == ["M /in/  3 files"]
    assert project("diff", "--shallow", "tree:/in").lines == ["M /in/a/  2 files", "D /in/b"]
    assert project("diff", "--shallow", "--name-only", "tree:/in/a").lines == ["/in/a/x", "/in/a/z/"]
    assert project("diff", "-s", "tree:/in", "--json").json[0] == {"path": "/in/a/", "change": "changed", "files": 2}
    project("diff", "-s", "tree", "tree", "--exit-code", code=0)


def test_diff_shows_letters_lines_and_an_exit_code(project: Project) -> None:
    """A, D and M with sizes; -p lines; --exit-code 1 where something differs. Break: return 0 always."""
    said = project("diff", "images", "--exit-code", code=1)
    assert said.lines == ["M /cats/tom.txt  5 B -> 15 B", "A /feed.sh  10 B"]
    assert "  -grey" in project("diff", "-p", "images").lines
    assert project("diff", "--name-only", "images").lines == ["/cats/tom.txt", "/feed.sh"]
    project("diff", "images", "images", "--exit-code", code=0)
    backwards = project("diff", "images@master^", "images@master", "--json").json
    assert [(item["path"], item["change"]) for item in backwards] == [
        ("/cats/tom.txt", "changed"),
        ("/feed.sh", "deleted"),
    ]
    assert project("diff", "images@master:/cats").lines == ["M /cats/tom.txt  5 B -> 15 B"]


def test_log_and_find_go_back_through_history(project: Project) -> None:
    """log has all commits newest first, find those that touched a path and how. Break: reverse one of them."""
    assert [item["message"] for item in project("log", "images", "--json").json] == ["second", "first"]
    assert len(project("log", "-n", "1", "images", "--json").json) == 1
    assert [item["change"] for item in project("find", "images:/cats/tom.txt", "--json").json] == ["changed", "added"]
    assert [item["message"] for item in project("find", "images:/feed.sh", "--json").json] == ["second"]
    assert "touched" in project("find", "images:/dogs").err


def test_copy_brings_a_file_back_and_fills_other_repositories(project: Project) -> None:
    """A file from history, a folder into a new repository; a file into a folder keeps its name.

    Break: ignore the trailing slash of the target.
    """
    project("copy", "images@master^:/cats/tom.txt", "images:/cats/tom.txt")
    assert project("cat", "images:/cats/tom.txt").out == "grey\n"
    assert "Made the repository others." in project("copy", "images:/cats", "others:/all").err
    project("copy", "images:/feed.sh", "others:/bin/")
    assert project("ls", "-r", "others").lines == ["/all/kit.txt", "/all/tom.txt", "/bin/feed.sh"]


def test_delete_is_a_commit_and_refuses_what_it_cannot_mean(project: Project) -> None:
    """Several paths go in one commit; no path and two branches are refused; a missing path changes nothing.

    Break: commit after each path.
    """
    project("delete", "images", code=2)
    project("delete", "images:/feed.sh", "images@other:/x", code=2)
    project("delete", "images:/feed.sh", "images:/nothing", code=3)
    assert "Deleted 2 files from images@master=" in project("delete", "images:/feed.sh", "images:/cats/kit.txt").err
    assert project("ls", "-r", "images").lines == ["/cats/tom.txt"]
    assert len(project("log", "images", "--json").json) == 3


def test_names_of_any_language_pass_through(empty: Project) -> None:
    """Spaces, umlauts, CJK and quotes survive put, ls, cat and get. Break: print with ascii()."""
    empty("init")
    names = ["my cat.txt", "Kätzchen.txt", "猫.txt", "it's.txt"]
    for name in names:
        empty.write(f"in/{name}", name)
    empty("put", "r:/", "in")
    assert sorted(empty("ls", "r").lines) == sorted(f"/{name}" for name in names)
    assert empty("cat", "r:/猫.txt").out == "猫.txt"
    empty("get", "r", "-o", "out")
    assert sorted(os.listdir(empty.folder / "out")) == sorted(names)


def test_hostile_and_odd_names_are_refused_by_name(empty: Project) -> None:
    """`..` in a target, a FIFO and a name that is no UTF-8 exit with 2 and say which. Break: `root / name`."""
    empty("init")
    empty.write("a", "a")
    assert ".." in empty("put", "r:/../../etc/x", "a", code=2).err
    os.mkdir(empty.folder / "odd")
    os.mkfifo(empty.folder / "odd/pipe")
    assert "pipe" in empty("put", "r:/", "odd", code=2).err
    os.unlink(empty.folder / "odd/pipe")
    Path(os.fsdecode(os.fsencode(empty.folder) + b"/odd/\xff")).write_text("x")
    assert "ff' cannot be stored: its name is not valid UTF-8" in empty("put", "r:/", "odd", code=2).err
    assert empty("repo", "list", "--json").json == []
