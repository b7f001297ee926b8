"""R4: the store against a dictionary (promises 1, 3, 5, 6)."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

import pedigree
from pedigree.errors import AlreadyExists, InUse, InvalidPath, PathClash, PathNotFound
from pedigree.store import fsck, gc, trees
from pedigree.store.commits import Commit
from pedigree.store.paths import file_path
from tests.reliability.subject import NIGHTLY
from tests.security.paths import HARMLESS, HOSTILE

PATHS = st.one_of(
    st.sampled_from(["a", "b", "a/b", "a/c", "d/e/f", "d/e", "d.txt", "z"]),
    st.sampled_from([path for path in HARMLESS if path.isprintable()]),
)
BRANCHES = st.sampled_from(["master", "dev"])
STEPS = st.integers(0, 3)
#: A content is drawn as (letter, length): an object of 1 MiB would drown a failure's report.
CONTENTS = st.tuples(st.sampled_from("xyz"), st.sampled_from([0, 1, 2, 3, 1 << 20]))

Content = tuple[str, int]
Files = dict[str, bytes]


def data_of(content: Content) -> bytes:
    return content[0].encode() * content[1]


class StoreAgainstDictionary(RuleBasedStateMachine):
    """One repository; the model keeps each commit's files, each branch's head and each commit's parent.

    Breaks, each of which it finds: `survey.roots` forgets the commits of one branch; `landing.land` does not
    compare the head inside its transaction, or applies the edits to the empty tree there; `removal.squash`
    leaves the child's `previous` as it was; deleting a commit leaves the branch on it; `removal` does not ask for
    tags; `tags.create` replaces the row of another commit.
    """

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="pedigree-r4-"))
        self.store = pedigree.init(self.folder)
        self.store.create_repository("r")
        self.heads: dict[str, str | None] = {}
        self.files: dict[str, Files] = {}
        self.parents: dict[str, str | None] = {}
        self.tags: dict[str, str] = {}

    def teardown(self) -> None:
        self.store.close()
        shutil.rmtree(self.folder)

    def head_files(self, branch: str) -> Files:
        head = self.heads.get(branch)
        return {} if head is None else self.files[head]

    @initialize()
    def first(self) -> None:
        self.commit_files("master", {"a": b"first"}, [], [], None, False)

    @rule(
        branch=BRANCHES,
        written=st.dictionaries(PATHS, CONTENTS, max_size=4),
        appended=st.dictionaries(PATHS, CONTENTS, max_size=2),
        deleted=st.lists(PATHS, max_size=2),
        other=st.one_of(st.none(), st.tuples(PATHS, CONTENTS)),
        late=st.booleans(),
    )
    def commit(
        self,
        branch: str,
        written: dict[str, Content],
        appended: dict[str, Content],
        deleted: list[str],
        other: tuple[str, Content] | None,
        late: bool,
    ) -> None:
        self.commit_files(
            branch,
            {path: data_of(content) for path, content in written.items()},
            deleted,
            [(path, data_of(content)) for path, content in appended.items()],
            None if other is None else (other[0], data_of(other[1])),
            late,
        )

    def commit_files(
        self,
        branch: str,
        written: Files,
        deleted: list[str],
        appended: list[tuple[str, bytes]],
        other: tuple[str, bytes] | None,
        late: bool,
    ) -> None:
        """Commit on a branch. `other` is somebody else's commit, while this one is open, or `late`,
        between the making of its tree and the transaction.
        """
        if branch in self.tags:  # a branch of that name would hide the tag
            with pytest.raises(AlreadyExists), self.store.commit(f"r@{branch}"):
                pass
            return
        wanted = dict(self.head_files(branch))
        gone: set[str] = set()
        try:
            with self.store.commit(f"r@{branch}") as change:
                for path in deleted:
                    inside = {one for one in wanted if one == path or one.startswith(path + "/")}
                    if inside:
                        assert change.delete(path) == len(inside)
                    else:
                        with pytest.raises(PathNotFound):
                            change.delete(path)
                    gone |= inside
                    wanted = {one: data for one, data in wanted.items() if one not in inside}
                for path, data in written.items():
                    change.write(path, data)
                for path, data in appended:
                    change.append(path, data)
                if other is not None and late:
                    publish = change.batch.publish

                    def interrupted() -> None:
                        change.batch.publish = publish  # type: ignore[method-assign]
                        self.somebody_else(branch, *other)
                        publish()

                    change.batch.publish = interrupted  # type: ignore[method-assign]
                elif other is not None:
                    self.somebody_else(branch, *other)
        except PathClash:
            assert self.clashes(branch, written, gone, appended)
        else:
            result = dict(self.head_files(branch))
            for path in [*gone, *written]:
                result.pop(path, None)
            result.update(written)
            for path, data in appended:
                result[path] = (result.get(path, b"") if path in written or path not in gone else b"") + data
            assert not clash(result), result
            self.landed(branch, change.commit, result)

    def clashes(self, branch: str, written: Files, gone: set[str], appended: list[tuple[str, bytes]]) -> bool:
        paths = (self.head_files(branch).keys() - gone) | written.keys() | {path for path, _ in appended}
        return clash(dict.fromkeys(paths, b""))

    def somebody_else(self, branch: str, path: str, data: bytes) -> None:
        result = {**self.head_files(branch), path: data}
        if clash(result):
            return
        with pedigree.open(self.folder) as store, store.commit(f"r@{branch}") as change:
            change.write(path, data)
        self.landed(branch, change.commit, result)

    def landed(self, branch: str, commit: Commit | None, result: Files) -> None:
        if result == self.head_files(branch):
            assert commit is None
            return
        assert commit is not None
        self.parents.setdefault(commit.id, self.heads.get(branch))
        self.heads[branch] = commit.id
        self.files[commit.id] = result

    @rule(branch=BRANCHES, steps=STEPS, source=BRANCHES)
    def move_branch(self, branch: str, source: str, steps: int) -> None:
        commit = self.back(source, steps)
        if commit is None:
            return
        if branch in self.heads:
            self.store.move_branch("r", branch, f"r@{commit}")
        elif branch in self.tags:
            with pytest.raises(AlreadyExists):
                self.store.create_branch("r", branch, head=commit)
            return
        else:
            self.store.create_branch("r", branch, head=commit)
        self.heads[branch] = commit

    @precondition(lambda self: len(self.heads) > 1)
    @rule(data=st.data())
    def delete_branch(self, data: st.DataObject) -> None:
        branch = data.draw(st.sampled_from(sorted(self.heads.keys() - {"master"})))
        self.store.delete_branch("r", branch)
        del self.heads[branch]

    @rule(branch=BRANCHES, steps=STEPS, squash=st.booleans())
    def remove_commit(self, branch: str, steps: int, squash: bool) -> None:
        commit = self.back(branch, steps)
        if commit is None:
            return
        children = [one for one, parent in self.parents.items() if parent == commit]
        remove = self.store.squash_commit if squash else self.store.delete_commit
        if bool(children) != squash or commit in self.tags.values():
            with pytest.raises(InUse):
                remove(f"r@{commit}")
            return
        assert [gone.id for gone in remove(f"r@{commit}")] == [commit]
        parent = self.parents.pop(commit)
        del self.files[commit]
        self.parents.update(dict.fromkeys(children, parent))
        self.heads = {name: parent if head == commit else head for name, head in self.heads.items()}

    @rule(branch=BRANCHES, steps=STEPS, name=st.sampled_from(["v1", "v2", "dev"]))
    def tag(self, branch: str, steps: int, name: str) -> None:
        """A name that is taken stays where it is; `dev` may be a branch."""
        commit = self.back(branch, steps)
        if commit is None:
            return
        if name in self.heads or self.tags.get(name, commit) != commit:
            with pytest.raises(AlreadyExists):
                self.store.create_tag(f"r@{commit}", name)
        else:
            assert self.store.create_tag(f"r@{commit}", name).commit == commit
            self.tags[name] = commit

    @precondition(lambda self: self.tags)
    @rule(data=st.data())
    def delete_tag(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.tags)))
        assert self.store.delete_tag("r", name).commit == self.tags.pop(name)

    def back(self, branch: str, steps: int) -> str | None:
        """The commit so many steps back from a branch; the first when there are fewer."""
        commit = self.heads.get(branch)
        while steps and commit is not None and self.parents[commit] is not None:
            commit, steps = self.parents[commit], steps - 1
        return commit

    @rule(reopen=st.booleans(), orphan=st.booleans(), collect=st.booleans())
    def maintain(self, reopen: bool, orphan: bool, collect: bool) -> None:
        """Reopen, check, collect; an orphan is what somebody published and recorded who then died."""
        if reopen:
            self.store.close()
            trees.forget()
            self.store = pedigree.open(self.folder)
        if orphan:
            with self.store.objects.batch() as batch:
                batch.add(b"an orphan that no commit names")
                batch.publish()
                with self.store.database.transaction():
                    batch.record()
        if collect:
            planned = gc.plan(self.store)
            assert gc.collect(self.store) == planned
            assert gc.plan(self.store).objects == []
        assert fsck.check(self.store) == []

    @rule(path=st.sampled_from(HOSTILE))
    def hostile_paths_are_refused(self, path: str) -> None:
        before = self.store.head("r")
        with pytest.raises(InvalidPath), self.store.commit("r") as change:
            change.write(path, b"escaped")
        assert self.store.head("r") == before

    @rule(branch=BRANCHES, steps=STEPS)
    def read_an_old_commit(self, branch: str, steps: int) -> None:
        commit = self.back(branch, steps)
        if commit is not None:
            assert self.read(commit) == self.files[commit]

    @invariant()
    def branches_agree(self) -> None:
        found = {branch.name: branch.head for branch in self.store.branches("r")}
        assert found == self.heads
        assert {tag.name: tag.commit for tag in self.store.tags("r")} == self.tags
        for name, commit in self.tags.items():
            assert self.read(name) == self.files[commit]
        for name, head in self.heads.items():
            if head is not None:
                line = []
                at: str | None = head
                while at is not None:
                    line.append(at)
                    at = self.parents[at]
                assert [commit.id for commit in self.store.log(f"r@{name}")] == line
                assert self.read(head) == self.files[head]

    def read(self, reference: str) -> Files:
        tree = self.store.resolve(f"r@{reference}").commit.tree
        read = self.store.objects.read
        return {path: read(entry.digest) for path, entry in trees.scan(tree, read)}


def clash(files: Files) -> bool:
    """Whether a path is both a file and a folder."""
    return any(other.startswith(path + "/") for path in files for other in files)


def test_the_corpus_has_paths_that_must_work() -> None:
    """Break: refuse every path with a dot in it; the model would then test nothing but plain names."""
    assert all(file_path(path) for path in HARMLESS)


TestStoreAgainstDictionary = StoreAgainstDictionary.TestCase
TestStoreAgainstDictionary.settings = settings(
    max_examples=500 if NIGHTLY else 50,
    stateful_step_count=100 if NIGHTLY else 30,
    derandomize=not NIGHTLY,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.generate, Phase.shrink) if NIGHTLY else (Phase.generate,),
)
