"""Decisions on labels of a store: found where they are, applied once, and again where the labels hold them no longer."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import pedigree
from pedigree import canonical
from pedigree.errors import Conflict, InvalidInput, InvalidReference, NotFound, PathClash
from pedigree.labels.report import samples
from pedigree.labels.report.decisions import Decision, Decisions, Subject
from pedigree.pipeline import relabelling
from pedigree.store import Store

BEFORE = b"id,label\na,cat\nb,cat\nc,dog\n"
RELABEL = Decision("a", "cat", "relabel", ("dog",), "Ada")
DROP = Decision("c", "dog", "drop", (), "Ada")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with pedigree.init(tmp_path) as made:
        yield made


def put(store: Store, **files: bytes) -> None:
    """A commit of the pets with these files, `__` standing for `/` and `_` before the ending."""
    with store.commit("pets", create=True) as change:
        for name, data in files.items():
            path = name.replace("__", "/")
            change.write(".".join(path.rsplit("_", 1)), data)


def about(data: bytes, *items: Decision, place: str = "pets@master:/labels.csv", layout: str = "table") -> Decisions:
    identity = "id" if layout == "table" and data.startswith(b"id") else None
    subject = Subject(canonical.digest(data), layout, data.count(b"\n") - 1, "label", identity, ("cat", "dog"), place)
    return Decisions(subject, items)


def commits(store: Store) -> int:
    return len(list(store.log("pets@master")))


def test_decisions_are_applied_again_where_the_labels_hold_them_no_longer(store: Store) -> None:
    """Older labels with another row are put back: without --onto a conflict, with it the edit once more, then none.

    Breaks: say "applied already" because the file of decisions is there; say so only without --onto.
    """
    put(store, labels_csv=BEFORE)
    made = about(BEFORE, RELABEL, DROP)
    relabelling.apply(store, made, "pets@master")
    after = store.view("pets@master").read_bytes("labels.csv")
    assert after == b"id,label\na,dog\nb,cat\n"
    assert relabelling.apply(store, made, "pets@master", onto=True).before
    put(store, labels_csv=BEFORE + b"d,dog\n")
    with pytest.raises(Conflict, match="The samples of all 2 decisions are labelled as they were"):
        relabelling.apply(store, made, "pets@master")
    assert not relabelling.apply(store, made, "pets@master", onto=True).before
    assert store.view("pets@master").read_bytes("labels.csv") == after + b"d,dog\n"
    for onto in (False, True):
        assert relabelling.apply(store, made, "pets@master", onto=onto).before
    assert commits(store) == 4


def test_a_decision_that_did_not_fit_can_be_applied_when_it_does(store: Store) -> None:
    """Break: say "applied already" because the file of decisions is there."""
    put(store, labels_csv=BEFORE.replace(b"c,dog", b"c,cat"))
    made = about(BEFORE, RELABEL, DROP)
    assert len(relabelling.apply(store, made, "pets@master", onto=True).plan.unfit) == 1
    put(store, labels_csv=b"id,label\na,dog\nb,cat\nc,dog\n")
    relabelling.apply(store, made, "pets@master", onto=True)
    assert store.view("pets@master").read_bytes("labels.csv") == b"id,label\na,dog\nb,cat\n"


def test_rows_without_ids_are_not_edited_twice(store: Store) -> None:
    """After a drop the rows' numbers tell nothing: the decisions were applied already. Break: let that be a conflict."""
    data = b"label,x\ncat,1\ncat,2\ndog,3\n"
    put(store, labels_csv=data)
    made = about(data, Decision("0", "cat", "drop"))
    relabelling.apply(store, made, "pets@master")
    for onto in (False, True):
        assert relabelling.apply(store, made, "pets@master", onto=onto).before


def test_where_no_decision_fits_no_commit_is_made(store: Store) -> None:
    """Break: commit the decisions although none of them fits."""
    put(store, labels_csv=b"id,label\nx,cat\n")
    with pytest.raises(Conflict, match="2 of 2 decisions no longer fit"):
        relabelling.apply(store, about(BEFORE, RELABEL, DROP), "pets@master", onto=True)
    assert commits(store) == 1


@pytest.mark.parametrize("target", ["pets@master^", "pets@master~2", "pets@master.1", "pets@master.-1"])
def test_no_commit_is_made_on_a_commit_that_is_not_the_head(store: Store, target: str) -> None:
    """Break: leave the ancestry out silently."""
    put(store, labels_csv=BEFORE)
    put(store, other_csv=b"")
    with pytest.raises(InvalidReference, match="a commit is made on a branch"):
        relabelling.apply(store, about(BEFORE, RELABEL), target)
    assert commits(store) == 2


def test_a_folder_that_was_on_disk_is_found_by_its_digest(store: Store) -> None:
    """And asked for where there is none or there are two. Break: take the root for it."""
    put(store, train__cat__1_txt=b"1", train__dog__2_txt=b"2", test__cat__3_txt=b"3", readme_md=b"")
    subject = Subject(
        samples.folder_digest(["cat/1.txt", "dog/2.txt"]), "folder", 2, None, None, ("cat", "dog"), "./pets"
    )
    made = Decisions(subject, (Decision("cat/1.txt", "cat", "relabel", ("dog",)),))
    assert relabelling.apply(store, made, "pets@master", dry_run=True).moves == (
        ("train/cat/1.txt", "train/dog/1.txt"),
    )
    put(store, copy__cat__1_txt=b"1", copy__dog__2_txt=b"2")
    with pytest.raises(NotFound, match="More than one folder of pets"):
        relabelling.apply(store, made, "pets@master")
    relabelling.apply(store, made, "pets@master:/copy")
    assert store.view("pets@master").is_file("copy/dog/1.txt")
    relabelling.apply(store, made, "pets@master")
    with pytest.raises(NotFound, match="No folder of pets"):
        relabelling.apply(store, made, "pets@master", onto=True)


def test_a_sample_that_lies_in_both_folders_moves_no_more(store: Store) -> None:
    """Joined once, also under the name that tells its old class. Breaks: copy it anew each time; look under its own name alone."""
    put(store, cat__1_txt=b"1", dog__1_txt=b"other", cat__2_txt=b"2")
    paths = ["cat/1.txt", "cat/2.txt", "dog/1.txt"]
    subject = Subject(samples.folder_digest(paths), "folder", 3, None, None, ("cat", "dog"), "pets@master:/")
    made = Decisions(subject, tuple(Decision(path, "cat", "both", ("cat", "dog")) for path in paths[:2]))
    relabelling.apply(store, made, "pets@master", both="join")
    found = [path for path, _ in store.view("pets@master").walk() if not path.startswith(".")]
    assert found == ["cat/1.txt", "cat/2.txt", "dog/1-from-cat.txt", "dog/1.txt", "dog/2.txt"]
    for onto in (False, True):
        assert relabelling.apply(store, made, "pets@master", both="join", onto=onto).before


def test_a_dry_run_fails_where_the_other_would(store: Store) -> None:
    """Arrays from which none can go, classes whose folder is a file. Breaks: leave the edit out; leave the tree out."""
    buffer = io.BytesIO()
    np.save(buffer, np.array([0, 1, 1]))
    data = buffer.getvalue()
    put(store, y_npy=data, photos__cat__1_txt=b"1")
    with store.commit("pets") as change:
        change.write("photos/readme", b"")
    array = about(data, Decision("0", "0", "drop"), place="pets@master:/y.npy", layout="array")
    subject = Subject(samples.folder_digest(["cat/1.txt"]), "folder", 1, None, None, ("cat",), "pets@master:/photos")
    folder = Decisions(subject, (Decision("cat/1.txt", "cat", "relabel", ("readme",)),))
    for dry_run in (True, False):
        with pytest.raises(InvalidInput, match="cannot go from an array"):
            relabelling.apply(store, array, "pets@master", dry_run=dry_run)
        with pytest.raises(PathClash):
            relabelling.apply(store, folder, "pets@master", dry_run=dry_run, new_classes=["readme"])
    assert commits(store) == 2
