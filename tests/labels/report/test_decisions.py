"""Files of decisions: read strictly, written alike, merged."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pedigree.errors import Conflict, InvalidInput, NewerFormat, NotFound
from pedigree.labels.report import decisions, merging
from pedigree.labels.report.decisions import Decision, Decisions, Subject

SUBJECT = Subject("a" * 64, "table", 3, "label", "id", ("cat", "dog"), "pets@master:/labels.csv")


def decided(name: str, kind: str, *labels: str, who: str = "Ada", when: str = "2026-11-27T10:00:00Z") -> Decision:
    return Decision(name, "cat", kind, labels, who, when, "", "dog")


def test_what_is_written_is_read() -> None:
    """The round trip, with texts that JSON escapes. Break: leave `why` out of the file."""
    odd = Decision('s"1\n', "</script>", "relabel", ("\u2028é",), "Ada", "2026-11-27T10:00:00.123Z", "\ud800 it barks")
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
        ({"decision": "neither", "labels": ["x"] * 65}, "65 labels"),
    ],
)
def test_a_line_that_is_not_in_the_format_is_named(change: dict[str, Any], words: str) -> None:
    """Break: take `labels` as it comes."""
    head, line = decisions.to_bytes(Decisions(SUBJECT, (decided("s1", "relabel", "dog"),))).splitlines()
    bad = head + b"\n" + json.dumps({**json.loads(line), **change}).encode()
    with pytest.raises(InvalidInput, match=words):
        decisions.read(bad, "d.jsonl")


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
