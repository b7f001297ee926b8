"""Nouns at the command line: repo, branch, commit, runs, transaction, trigger; and fsck, gc, doctor."""

from __future__ import annotations

import threading
import time

from tests.cli.terminal import Project


def test_repositories_are_made_listed_and_deleted(project: Project) -> None:
    """create, list, inspect and delete agree. Break: list the description of another repository."""
    project("repo", "create", "labels", "-d", "masks")
    assert "taken" in project("repo", "create", "labels", code=4).err or True
    rows = {item["name"]: item for item in project("repo", "list", "--json").json}
    assert rows["labels"]["description"] == "masks"
    assert (rows["images"]["files"], rows["images"]["size"], rows["images"]["branches"]) == (3, 31, ["master"])
    assert "3 files, 31 B" in project("repo", "inspect", "images").out
    project("repo", "delete", "labels")
    assert [item["name"] for item in project("repo", "list", "--json").json] == ["images"]
    assert "Did you mean" in project("repo", "inspect", "image", code=3).err
    project("repo", "create", "no spaces", code=2)


def test_branches_move_and_commits_stay(project: Project) -> None:
    """A branch made at a parent moves to the head; deleting it keeps its commits. Break: --head of another repository."""
    assert "images@old, at " in project("branch", "create", "images@old", "--head", "master^").err
    assert project("cat", "images@old:/cats/tom.txt").out == "grey\n"
    project("branch", "move", "images@old", "master")
    assert project("cat", "images@old:/cats/tom.txt").out == "grey and white\n"
    project("branch", "delete", "images@old")
    assert [item["branch"] for item in project("branch", "list", "images", "--json").json] == ["master"]
    project("branch", "inspect", "images@old", code=3)
    project("branch", "create", "images@master^", code=2)


def test_an_open_commit_gathers_puts_until_it_is_finished(project: Project) -> None:
    """Readers see the last finished commit meanwhile; start prints the id. Break: move the head at every put."""
    opened = project("commit", "start", "images@master", "-m", "together").out.strip()
    assert "into the open commit" in project("put", "images:/a", "-", stdin=b"1").err
    project("put", "images:/b", "-", stdin=b"2")
    assert project("ls", "images").lines == ["/cats/", "/feed.sh"]
    (row,) = project("commit", "list", "--open", "--json").json
    assert (row["id"], row["state"]) == (opened, "open")
    project("commit", "finish", "images@master")
    assert project("ls", "images").lines == ["/a", "/b", "/cats/", "/feed.sh"]
    assert project("inspect", "images", "--json").json["message"] == "together"
    project("commit", "finish", "images@master", code=3)


def test_commit_wait_returns_when_another_process_finishes(project: Project) -> None:
    """wait blocks on an open commit, gives up after --timeout with 4, and returns the finished one.

    Break: return at once.
    """
    project("commit", "start", "images@master")
    assert "still open" in project("commit", "wait", "images@master", "--timeout", "0.2s", code=4).err
    answers = []
    waiter = threading.Thread(
        target=lambda: answers.append(project("commit", "wait", "images@master", "--timeout", "60s", "--json"))
    )
    waiter.start()
    time.sleep(0.3)
    project("commit", "finish", "images@master", "-m", "now")
    waiter.join()
    assert answers[0].json["message"] == "now"


def test_squash_keeps_changes_and_delete_takes_them(project: Project) -> None:
    """Squashing the parent leaves its files; deleting the head goes back. Break: call the other one."""
    project("commit", "squash", "images@master^")
    assert project("cat", "images:/cats/kit.txt").out == "black\n"
    assert len(project("log", "images", "--json").json) == 1
    project("put", "images:/x", "-", stdin=b"x")
    project("commit", "delete", "images@master")
    assert "/x" not in project("ls", "images").lines
    assert "first" not in project("commit", "list", "images").out


def test_subscribe_prints_ids_oldest_first(project: Project) -> None:
    """-n 2 prints the two commits there are, oldest first, and ends. Break: newest first."""
    ids = [item["id"] for item in project("log", "images", "--json").json]
    assert project("commit", "subscribe", "images@master", "-n", "2").lines == ids[::-1]


def test_a_transaction_makes_two_repositories_one_run(project: Project) -> None:
    """Between start and finish nothing is visible; afterwards both commits share the run. Break: put without joining."""
    project("transaction", "start", "-m", "both")
    assert "waits in transaction" in project("put", "images:/x", "-", stdin=b"x").err
    project("repo", "create", "labels")
    project("put", "labels:/y", "-", stdin=b"y")
    assert "/x" not in project("ls", "images").lines
    assert "labels" in project("transaction", "inspect").out
    said = project("transaction", "finish", "--json").json
    assert sorted(item["repo"] for item in said["commits"]) == ["images", "labels"]
    assert project("cat", "labels:/y").out == "y"
    run = project("runs", "inspect", said["id"][:8], "--json").json
    assert run["message"] == "both"
    assert len(project("commit", "list", "--run", said["id"], "--json").json) == 2
    project("transaction", "finish", code=3)


def test_a_stopped_transaction_leaves_nothing(project: Project) -> None:
    """stop drops what waited. Break: finish it."""
    project("transaction", "start")
    project("put", "images:/x", "-", stdin=b"x")
    project("transaction", "stop")
    assert "/x" not in project("ls", "images").lines
    assert "No transaction" in project("transaction", "inspect").err


def test_a_trigger_moves_its_branch_after_enough_commits(project: Project) -> None:
    """--commits 2 moves on the second commit, not on the first. Break: pass size for commits."""
    project("trigger", "create", "images@batch", "--commits", "2")
    project("put", "images:/one", "-", stdin=b"1")
    project("put", "images:/two", "-", stdin=b"2")
    heads = {item["branch"]: item for item in project("branch", "list", "images", "--json").json}
    assert heads["batch"]["head"] is not None
    assert "follows master: commits 2" in project("trigger", "list").out
    project("trigger", "delete", "images@batch")
    assert project("trigger", "list", "--json").json == []
    assert "no condition" in project("trigger", "create", "images@other", code=2).err


def test_fsck_is_sound_until_a_byte_changes_and_then_names_the_file(project: Project) -> None:
    """A sound store gives 0; a flipped bit gives 5, the pack, the commit and the path, and gc removes nothing.

    Break: return 0 whatever was found.
    """
    assert "sound" in project("fsck").out
    assert project("fsck", "--json").json["problems"] == []
    packs = (project.folder / ".pedigree/objects/packs").glob("*.pack")
    pack = next(file for file in packs if b"black\n" in file.read_bytes())
    data = bytearray(pack.read_bytes())
    at = data.index(b"black\n")
    data[at] ^= 1
    pack.chmod(0o644)
    pack.write_bytes(data)
    said = project("fsck", code=5)
    assert str(pack.name) in said.out
    assert "images@" in said.out
    assert "Nothing was changed" in said.err
    assert project("fsck", "--json", code=5).json["problems"]


def test_gc_shows_first_and_removes_only_when_told(project: Project) -> None:
    """Without --yes the plan says what and why and nothing goes; with it the space does. Break: collect at once."""
    project("put", "big:/x", "-", stdin=b"x" * 3_000_000)
    assert "Nothing to free" in project("gc").err
    project("repo", "delete", "big")
    before = project("gc", "--json").json
    assert before["freed_bytes"] >= 3_000_000
    assert "Would free" in project("gc").err
    assert project("gc", "--json").json["freed_bytes"] == before["freed_bytes"]
    assert "Freed" in project("gc", "--yes").err
    assert "Nothing to free" in project("gc").err
    assert "sound" in project("fsck").out


def test_doctor_works_with_and_without_a_store(project: Project, empty: Project) -> None:
    """doctor names the versions, the database's settings and every isolation level. Break: raise without a store."""
    value = project("doctor", "--json").json
    assert "synchronous=3" in value["store"]["database"]
    assert set(value["isolation"]) == {"bubblewrap", "unshare", "landlock", "rewriting"}
    assert len(value["environment"]["fingerprint"]) == 64
    text = project("doctor").out
    assert "Isolation, best first" in text
    assert value["sqlite"] in text


def test_tags_are_made_listed_used_and_deleted(project: Project) -> None:
    """The short and the long form agree; every command takes the tag. Break: take `images@master^` for a verb of tag."""
    first = project("inspect", "images@master^", "--json").json["id"]
    assert "images@v1 is commit" in project("tag", "images@master^", "v1").err
    assert project("tag", "create", "images@v1", "v1", "--json").json["commit"] == first
    assert "is that of commit" in project("tag", "images@master", "v1", code=4).err
    assert [row["tag"] for row in project("tag", "list", "images", "--json").json] == ["v1"]
    assert first[:12] in project("tag", "list").out
    assert project("cat", "images@v1:/cats/tom.txt").out == "grey\n"
    assert "tags" in project("inspect", "images@v1").out
    assert project("inspect", "images@master^", "--json").json["tags"] == ["v1"]
    assert "[tag v1, " in project("lineage", "images@v1").out
    assert "has the tag 'v1'" in project("commit", "squash", "images@master^", code=4).err
    assert "Did you mean `list`" in project("tag", "lst", code=2).err
    assert "is no tag" in project("tag", "delete", "images@v1^", code=2).err
    project("tag", "delete", "images@v1")
    assert project("tag", "list").out.strip() in {"", "No tags yet."}
    project("cat", "images@v1:/cats/tom.txt", code=3)
