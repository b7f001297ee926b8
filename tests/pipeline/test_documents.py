"""YAML and JSON with positions; hostile documents."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pedigree.errors import InvalidSpec, PathNotFound
from pedigree.pipeline import documents
from pedigree.pipeline.documents import parse


def plain(text: str | bytes) -> list[object]:
    return [node.plain() for node in parse(text, "f")]


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    # Characters outside the basic plane are written as two escapes in JSON, which YAML does not join.
    | st.text(st.characters(max_codepoint=0xFFFD, exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc", max_size=3), inner, max_size=4),
    max_leaves=10,
)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.text("abc", max_size=3), JSON), st.sampled_from([None, 1]))
def test_json_means_what_json_says(value: dict[str, object], indent: int | None) -> None:
    """Break: resolve words by YAML 1.1, or quoted scalars at all."""
    assert plain(json.dumps(value, indent=indent)) == [value]


def test_words_that_are_no_number_and_no_truth_value_stay_text() -> None:
    """YAML 1.1 makes False of `no`, a date of 2024-01-01 and 493 of 0755. Break: yaml.SafeLoader."""
    text = "[no, yes, on, 2024-01-01, 0755, 1:30:30, 1e3, .5, 0x1f, ~, 'true', true, 1.10]"
    assert plain(f"a: {text}") == [
        {"a": ["no", "yes", "on", "2024-01-01", "0755", "1:30:30", 1000.0, 0.5, 31, None, "true", True, 1.1]}
    ]


def test_several_documents_lists_and_json_values_in_a_row_are_read_in_order() -> None:
    """Break: hand concatenated JSON to the YAML parser, which stops at the second value."""
    assert plain("a: 1\n---\n- b: 2\n- c: 3\n---\n---\nd: 4\n") == [{"a": 1}, {"b": 2}, {"c": 3}, {"d": 4}]
    assert plain('{"a": 1}{"b": 2}\n\n[{"c": 3}]') == [{"a": 1}, {"b": 2}, {"c": 3}]


def test_lines_are_those_of_the_file_even_in_the_second_json_value() -> None:
    """Break: count lines from the beginning of each value."""
    first, second = parse('{"a": 1}\n  {"b":\n 2}', "f")
    assert first.line == 1
    assert (second.line, second.column) == (2, 3)
    assert isinstance(second.value, dict)
    assert second.value["b"].line == 3
    assert second.keys["b"].line == 2


def test_a_key_written_twice_is_refused_with_both_lines() -> None:
    """Break: let the later one win, as PyYAML does."""
    with pytest.raises(InvalidSpec, match=r"f:3: the key 'a' stands here and in line 1") as caught:
        parse("a: 1\nb: 2\na: 3\n", "f")
    assert caught.value.objects["line"] == 3


def test_merge_keys_fill_in_what_the_mapping_does_not_say() -> None:
    assert plain("x: &d {a: 1, b: 2}\ny: {<<: *d, b: 3}") == [{"x": {"a": 1, "b": 2}, "y": {"a": 1, "b": 3}}]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "not YAML or JSON"),
        ("a:\n\tb: 1", "not YAML or JSON"),
        ("? [a]\n: b", "a key must be text"),
        ("a: *x", "the alias"),
        ("a: &a [*a]", "the alias"),
        ("a: !!python/object/apply:os.system [ls]", "the tag"),
        ("a: !!python/name:os.system ''", "the tag"),
        ("a: !env X", "the tag"),
        ("<<: 3", "takes a mapping"),
        (b"a: \xff", "not UTF-8"),
        ("[" * 100_000, "nested more than|maximum nesting depth"),
        ("[" * 100_000 + "]" * 100_000, "nested more than|maximum nesting depth"),
        ('{"a":' * 100_000, "nested more than|maximum nesting depth"),
        ("- " * 50_000, "nested more than|maximum nesting depth"),
        ("a: " + "x" * documents.MAX_BYTES, "larger than"),
    ],
    ids=lambda value: value[:12] if isinstance(value, str) else None,
)
def test_what_is_not_plain_data_is_refused_in_words(text: str | bytes, message: str) -> None:
    """Break: build values by a recursive constructor (depth), or by yaml.Loader (tags)."""
    with pytest.raises(InvalidSpec, match=message) as caught:
        parse(text, "f")
    assert caught.value.remedy


def test_a_bomb_of_aliases_is_refused_before_it_is_written_out() -> None:
    """Ten to the eleventh values in 600 bytes. Break: count an alias as one value."""
    text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 11)
    )
    before = time.process_time()
    with pytest.raises(InvalidSpec, match="once its aliases are written out"):
        parse(text, "f")
    assert time.process_time() - before < 5


def test_a_file_that_is_not_there_or_is_a_folder_is_said_so(tmp_path: object) -> None:
    with pytest.raises(PathNotFound, match="no spec file"):
        documents.read(f"{tmp_path}/nothing.yaml")
    with pytest.raises(PathNotFound, match="is a folder"):
        documents.read(str(tmp_path))
