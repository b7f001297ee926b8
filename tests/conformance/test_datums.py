"""Which files make which datums, their ids and their order (shared pachyderm-semantics, 2 to 4)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pedigree.pipeline import datums as planner
from pedigree.pipeline.datums import DatumInput
from tests.conformance.plans import Repositories, combine, paths, pfs

FILES = {"a.txt": "1", "b/1": "22", "b/2": "333", "b/deep/3": "4444", "b-c": "5", "z/9": "6"}
REPOS = Repositories(r=FILES, empty=[])


def only(node: object, repos: Repositories = REPOS) -> DatumInput:
    (datum,) = repos.plan(node)  # type: ignore[arg-type]  # tests pass inputs only
    (item,) = datum.inputs
    return item


@pytest.mark.parametrize(
    ("glob", "expected"),
    [
        ("/", [""]),
        ("/*", ["a.txt", "b-c", "b", "z"]),
        ("/*/*", ["b/1", "b/2", "b/deep", "z/9"]),
        ("/b/**", ["b/1", "b/2", "b/deep", "b/deep/3"]),
        ("/b", ["b"]),
        ("b/", ["b"]),
        ("/b/{1,2}", ["b/1", "b/2"]),
        ("/*.txt", ["a.txt"]),
        ("/nothing*", []),
    ],
)
def test_a_glob_makes_a_datum_of_every_file_and_folder_that_it_matches(glob: str, expected: list[str]) -> None:
    """Folders count, and `**` matches both. Break: match files only."""
    assert sorted(item.path for datum in REPOS.plan(pfs("r", glob)) for item in datum.inputs) == sorted(expected)


def test_an_empty_repository_has_no_datums_whatever_the_glob() -> None:
    """A folder is there because a file implies it, the root too. Break: yield the root unconditionally."""
    assert REPOS.plan(pfs("empty", "/")) == []
    assert REPOS.plan(pfs("empty", "/*")) == []


def test_a_folder_is_one_datum_of_everything_below_it() -> None:
    """Counts and bytes, and nothing of a neighbour whose name only begins the same ("b-c").

    Break: scan for the text "b" instead of the folder "b/".
    """
    item = only(pfs("r", "/b"))
    assert (item.kind, item.file_count, item.size_bytes) == ("folder", 3, 9)
    assert only(pfs("r", "/a.txt")).kind == "file"
    whole = only(pfs("r", "/"))
    assert (whole.file_count, whole.size_bytes) == (6, 12)


def test_pfs_and_cross_datums_run_in_glob_order() -> None:
    """In the order of paths. Break: sort by id."""
    repos = Repositories(r=[f"{n:03d}" for n in range(50)])
    assert paths(repos.plan(pfs("r"))) == [f"r:{n:03d}" for n in range(50)]
    assert [datum.index for datum in repos.plan(pfs("r"))] == list(range(50))


@pytest.mark.parametrize("kind", ["join", "group"])
def test_join_and_group_datums_run_in_the_order_of_their_ids(kind: str) -> None:
    """Break: keep the order in which keys were met."""
    repos = Repositories(r=[f"{n:03d}" for n in range(50)])
    node = combine(kind, pfs("r", "/(*)", join_on="$1", group_by="$1"))  # type: ignore[arg-type]
    found = [datum.id for datum in repos.plan(node)]
    assert found == sorted(found)
    assert len(found) == 50


def test_the_id_is_made_of_name_repository_branch_and_path_alone() -> None:
    """Content does not change it, each of the four does. Break: hash the commit or leave the branch out."""
    one = Repositories(r={"f": "x"}, q={"f": "x"})
    two = Repositories(r={"f": "changed", "g": "more"})
    first = one.plan(pfs("r"))[0].id
    assert two.plan(pfs("r"))[0].id == first
    others = [
        one.plan(pfs("r", name="n"))[0].id,
        one.plan(pfs("q", name="r"))[0].id,
        one.plan(pfs("r", branch="b"))[0].id,
        two.plan(pfs("r"))[1].id,
    ]
    assert len({first, *others}) == 5


def test_ids_do_not_run_fields_together() -> None:
    """Name "a" in repository "bc" is not name "ab" in repository "c". Break: no separator."""
    repos = Repositories(bc=["f"], c=["f"])
    assert repos.plan(pfs("bc", name="a"))[0].id != repos.plan(pfs("c", name="ab"))[0].id


def test_a_rename_inside_a_folder_datum_is_noticed() -> None:
    """Pachyderm's folder hash leaves names out and serves stale output. Break: hash contents alone."""
    before = only(pfs("r", "/d"), Repositories(r={"d/a": "1", "d/b": "2"}))
    after = only(pfs("r", "/d"), Repositories(r={"d/a": "1", "d/c": "2"}))
    assert before.files_digest != after.files_digest


def test_empty_files_count_with_their_content_and_bring_no_bytes() -> None:
    """A link to one in the output is the file itself. Break: hash names alone: the output is then stale."""

    def digest(files: dict[str, str]) -> str:
        item = only(pfs("r", "/", empty_files=True), Repositories(r=files))
        assert item.size_bytes == 0
        return item.files_digest

    assert digest({"a": "1"}) != digest({"a": "changed"})
    assert digest({"a": "1"}) != digest({"b": "1"})


PATHS = st.lists(
    st.lists(st.sampled_from(["a", "b", "a-", "b.txt"]), min_size=1, max_size=4).map("/".join),
    unique=True,
    max_size=25,
).map(lambda found: [path for path in found if not any(other.startswith(path + "/") for other in found)])


@settings(max_examples=60, deadline=None)
@given(PATHS, st.sampled_from(["/", "/*", "/**", "/*/*", "/a/**", "/a", "/a/b*"]))
def test_one_scan_and_many_look_ups_find_the_same(found: list[str], glob: str) -> None:
    """Both ways of collecting files agree with a plain loop over the files.

    Break: in the scan, stop at the first folder above a file, which loses nested datums.
    """
    repos = Repositories(r={path: path for path in found})
    kept = planner.FILES_PER_LOOKUP
    results = []
    try:
        for planner.FILES_PER_LOOKUP in (0, 10**9):
            results.append([item for datum in repos.plan(pfs("r", glob)) for item in datum.inputs])
    finally:
        planner.FILES_PER_LOOKUP = kept
    assert results[0] == results[1]
    for item in results[0]:
        below = [path for path in found if not item.path or path == item.path or path.startswith(item.path + "/")]
        assert item.file_count == len(below)
        assert item.size_bytes == sum(len(path) for path in below)
