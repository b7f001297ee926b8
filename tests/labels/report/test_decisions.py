"""Files of decisions: read strictly, written alike, merged."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from pedigree.errors import Conflict, InvalidInput, NewerFormat, NotFound
from pedigree.labels.report import decisions, merging
from pedigree.labels.report.decisions import Decision, Decisions, Subject
from pedigree.labels.report.plan import Change, Plan, described

SUBJECT = Subject("a" * 64, "table", 3, "label", "id", ("cat", "dog"), "pets@master:/labels.csv")


def decided(name: str, kind: str, *labels: str, who: str = "Ada", when: str = "2026-11-27T10:00:00Z") -> Decision:
    return Decision(name, "cat", kind, labels, who, when, "", "dog")


def test_what_is_written_is_read() -> None:
    """The round trip, with texts that JSON escapes. Break: leave `why` out of the file."""
    odd = Decision(
        's"1\n', "</script>", "relabel", ("\u2028é",), "Ada", "2026-11-27T10:00:00.123Z", "\U0001f415 it barks"
    )
    found = Decisions(SUBJECT, (odd, decided("s2", "keep")))
    data = decisions.to_bytes(found)
    assert decisions.read(data) == found
    assert data.count(b"\n") == 3
    assert decisions.to_bytes(decisions.read(data)) == data


def test_of_two_decisions_about_a_sample_the_last_by_time_counts() -> None:
    """By time and not by place, fractions of a second included; of equal times the later line. Break: take the later line."""
    late, early = decided("s1", "drop", when="2026-11-27T10:00:00.5Z"), decided("s1", "keep")
    for order in ((late, early), (early, late)):
        found = decisions.read(decisions.to_bytes(Decisions(SUBJECT, order)))
        assert (found.items, found.replaced) == ((late,), (early,))
    equal = [decided("s1", "keep"), decided("s1", "both")]
    assert decisions.last(SUBJECT, equal).items == (equal[1],)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"decision": "burn"}, "'burn' is no decision: line 2 of d.jsonl"),
        ({"id": ""}, "names no sample"),
        ({"id": 3}, "'id' is 3 in line 2"),
        ({"labels": ["a", "b"]}, "gets no new label"),
        ({"labels": "dog"}, "no list of texts"),
        ({"when": "yesterday"}, "'yesterday' is no time"),
        ({"decision": "neither", "labels": ["dog", "fox"]}, "gets 2 labels where neither"),
        ({"decision": "both", "labels": ["dog", "fox"]}, "are no two with 'cat'"),
        ({"decision": "both", "labels": ["cat"]}, "are no two with 'cat'"),
        ({"labels": ["\ud800"]}, "half a character"),
        ({"id": "\ud800"}, "half a character"),
    ],
)
def test_a_line_that_is_not_in_the_format_is_named(change: dict[str, Any], words: str) -> None:
    """Breaks: take `labels` as it comes; take any labels with `neither`, or with `both`; take half a character in a label."""
    head, line = decisions.to_bytes(Decisions(SUBJECT, (decided("s1", "relabel", "dog"),))).splitlines()
    bad = head + b"\n" + json.dumps({**json.loads(line), **change}).encode()
    with pytest.raises(InvalidInput, match=words):
        decisions.read(bad, "d.jsonl")


def test_half_a_character_in_a_reason_is_replaced() -> None:
    """A page that cut a reason in the middle of a sign still gives a commit message. Break: take texts as they come."""
    odd = Decision("s1", "cat", "drop", (), "\udfffAda", "", "it barks \ud83d")
    (found,) = decisions.read(decisions.to_bytes(Decisions(SUBJECT, (odd,)))).items
    assert (found.who, found.why) == ("\ufffdAda", "it barks \ufffd")
    described(Plan(()), Decisions(SUBJECT, (found,)), "x", "y").encode()


def test_other_files_and_later_versions_are_refused() -> None:
    """Break: take any version."""
    head = json.loads(decisions.to_bytes(Decisions(SUBJECT, ())))
    for data, words in (
        (b"", "is empty"),
        (b"id,label\n", "no JSON"),
        (b"[" * 100000, "no JSON"),
        (b"{}", "does not say 'label-decisions'"),
        (json.dumps({**head, "digest": "../x"}).encode(), "no BLAKE3"),
        (json.dumps({**head, "samples": -1}).encode(), "number of samples"),
        (json.dumps({**head, "layout": "cube"}).encode(), "'cube'"),
    ):
        with pytest.raises(InvalidInput, match=words):
            decisions.read(data)
    with pytest.raises(NewerFormat, match="version 2"):
        decisions.read(json.dumps({**head, "version": 2}).encode())


def test_reviewers_who_agree_are_one_and_those_who_do_not_are_named() -> None:
    """Break: let the last file win."""
    ada = Decisions(SUBJECT, (decided("s1", "relabel", "dog"), decided("s2", "keep"), decided("s3", "drop")))
    bob = Decisions(
        SUBJECT,
        tuple(
            decided(name, kind, *labels, who="Bob", when="2026-11-27T11:00:00Z")
            for name, kind, *labels in (("s1", "relabel", "dog"), ("s2", "drop"), ("s4", "both"))
        ),
    )
    found = merging.merged([ada, bob])
    assert found.agreed == ("s1",)
    assert [item.id for item in found.decisions.items] == ["s1", "s3", "s4"]
    with pytest.raises(Conflict, match=r"1 samples were .*s2: cat stays \(Ada\), cat goes \(Bob\)"):
        merging.settled(found)
    for prefer, kind in (("Ada", "keep"), ("Bob", "drop"), ("last", "drop")):
        items = {item.id: item for item in merging.settled(merging.merged([ada, bob], prefer)).items}
        assert items["s2"].decision == kind
    with pytest.raises(NotFound, match="'Eve'"):
        merging.merged([ada, bob], "Eve")
    with pytest.raises(InvalidInput, match="different labels"):
        merging.merged([ada, Decisions(Subject("b" * 64), ())])


@pytest.mark.parametrize(
    "change", [{"label_column": "second"}, {"id_column": None}, {"layout": "array"}, {"digest": "b" * 64}]
)
def test_decisions_about_another_column_of_the_same_table_are_about_other_labels(change: dict[str, Any]) -> None:
    """Break: compare the digest of the table alone."""
    with pytest.raises(InvalidInput, match=f"different labels: {next(iter(change))} is"):
        merging.merged([Decisions(SUBJECT, ()), Decisions(replace(SUBJECT, **change), ())])


def test_two_who_say_both_agree_only_about_the_same_two() -> None:
    """In any order, and where no labels are told they are the given and the suggested one. Break: compare the word `both` alone."""
    ada, bob = decided("s1", "both", "cat", "dog"), decided("s1", "both", "dog", "cat", who="Bob")
    for item, alike in (
        (bob, True),
        (replace(bob, labels=()), True),
        (replace(bob, labels=("cat", "fox")), False),
    ):
        found = merging.merged([Decisions(SUBJECT, (ada,)), Decisions(SUBJECT, (item,))])
        assert (bool(found.agreed), bool(found.conflicts)) == (alike, not alike)


def test_a_person_who_decided_in_two_files_is_one_whose_last_decision_counts() -> None:
    """By time and not by file, with and without --prefer; two without a name are two.

    Breaks: compare all decisions of all files; take the last file's; take those without a name for one person.
    """
    late = Decisions(SUBJECT, (decided("s1", "drop", when="2026-11-27T12:00:00Z"),))
    early = Decisions(SUBJECT, (decided("s1", "keep"),))
    bob = Decisions(SUBJECT, (decided("s1", "both", who="Bob"),))
    for files in ([late, early], [early, late]):
        found = merging.merged(files)
        assert (found.decisions.items, found.agreed, found.conflicts) == (late.items, (), ())
        assert merging.merged([*files, bob], "Ada").decisions.items == late.items
    nobody = [Decisions(SUBJECT, (replace(one.items[0], who=""),)) for one in (late, early)]
    assert len(merging.merged(nobody).conflicts) == 1


def test_all_who_agree_stay_in_the_file_and_in_the_message() -> None:
    """Merged in one step or in two, the same bytes; whoever was outvoted is in neither. Break: keep the last of those who agree."""
    times = {"Ada": "2026-11-27T10:00:00Z", "Bob": "2026-11-27T11:00:00Z", "Carl": "2026-11-27T09:00:00Z"}
    files = [
        Decisions(SUBJECT, (decided("s1", kind, who=who, when=times[who]),))
        for who, kind in (("Bob", "drop"), ("Ada", "drop"), ("Carl", "keep"))
    ]
    both = merging.merged(files[:2])
    data = decisions.to_bytes(both.decisions)
    assert [json.loads(line)["who"] for line in data.splitlines()[1:]] == ["Ada", "Bob"]
    again = decisions.read(data)
    assert (again.items, again.agreeing, again.replaced) == (files[0].items, files[1].items, ())
    assert "Decided by Ada, Bob; in full" in described(Plan(()), again, "x", "y")
    for three in (merging.merged(files, "Ada"), merging.merged([again, files[2]], "Ada")):
        assert decisions.to_bytes(three.decisions) == data


def test_a_name_cannot_write_lines_of_the_message() -> None:
    """Break: write names as they come."""
    item = decided("s1", "drop", who="Ada\n\nSigned-off-by:  Eve")
    lines = described(Plan((Change(item, None),)), Decisions(SUBJECT, (item,)), "x", "y").splitlines()
    assert lines[2:] == [
        "Decided by Ada Signed-off-by: Eve; in full: y",
        "- s1: cat goes (Ada Signed-off-by: Eve, 2026-11-27T10:00:00Z)",
    ]
