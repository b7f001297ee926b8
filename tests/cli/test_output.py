"""Numbers, times and tables as people read them."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pedigree.cli import output
from pedigree.cli.command import nearest
from pedigree.cli.manual import paragraphs, wrap
from pedigree.cli.options import pairs, seconds
from pedigree.cli.terminal import safe
from pedigree.errors import InvalidInput


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (24_100_000, "24.1 MB"),
        (999_960, "1.0 MB"),
        (3 * 10**15, "3.0 PB"),
    ],
)
def test_sizes_are_decimal_and_never_show_four_digits(number: int, text: str) -> None:
    """Sizes read as disks are sold. Break: divide by 1024."""
    assert output.size(number) == text


@given(st.integers(0, 10**15 - 1))
def test_a_size_has_at_most_three_digits_before_the_point(number: int) -> None:
    """Every size fits nine columns. Break: compare with 1000 instead of 999.95."""
    assert len(output.size(number).split()[0].partition(".")[0]) <= 3


@pytest.mark.parametrize(
    ("value", "text"), [(0.04, "0.0 s"), (9.96, "10 s"), (59.6, "1 min 0 s"), (185, "3 min 5 s"), (7800, "2 h 10 min")]
)
def test_durations_round_without_sixty(value: float, text: str) -> None:
    """No duration shows 60 s or 60 min. Break: round after the comparison."""
    assert output.duration(value) == text


@pytest.mark.parametrize(("text", "value"), [("30", 30), ("30s", 30), ("5m", 300), ("1h30m", 5400), ("0.5s", 0.5)])
def test_durations_are_read_as_written(text: str, value: float) -> None:
    """Durations of options are seconds. Break: read m as months."""
    assert seconds(text) == value


@given(st.text())
def test_safe_text_steers_no_terminal(text: str) -> None:
    """Shown text holds printable characters only, and printable text is itself. Break: return the text."""
    assert safe(text).isprintable()
    if text.isprintable():
        assert safe(text) == text


@given(st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=60), st.integers(2, 40))
def test_cut_text_fits(text: str, room: int) -> None:
    """Cut text takes at most the room, wide characters counted twice. Break: count characters."""
    assert output.columns(output.cut(text, room)) <= room


@given(st.lists(st.text("abc", min_size=1, max_size=9), max_size=30), st.integers(10, 40))
def test_wrapping_keeps_every_word_and_the_width(words: list[str], columns: int) -> None:
    """Wrapped lines fit and joined again are the text. Break: drop a word at a line's end."""
    lines = wrap(" ".join(words), columns)
    assert " ".join(lines) == " ".join(words)
    assert all(len(line) <= columns for line in lines)


def test_indented_blocks_are_not_wrapped() -> None:
    """Examples in a topic keep their lines. Break: wrap every block."""
    assert paragraphs("one two\n\n  a   b\n  c", 4) == "one\ntwo\n\n  a   b\n  c"


def test_json_items_are_one_array_whatever_their_number(capsys: pytest.CaptureFixture[str]) -> None:
    """Zero, one and two items print valid JSON, an item a line. Break: print a comma after the last."""
    import json

    for items in ([], [1], [{"a": "ü"}, None]):
        assert output.json_items(iter(items)) == len(items)
        assert json.loads(capsys.readouterr().out) == items


def test_the_nearest_word_is_found_by_beginning_or_likeness() -> None:
    """`stat` is status, `comit` is commit, `xyz` is nothing. Break: cutoff 0."""
    known = ["status", "commit", "copy"]
    assert nearest("stat", known) == "status"
    assert nearest("comit", known) == "commit"
    assert nearest("xyz", known) is None


def test_pairs_need_an_equals_sign() -> None:
    """KEY=VALUE splits at the first `=`; without one the error names it. Break: split at the last."""
    assert pairs(["a=b=c"], "--arg") == {"a": "b=c"}
    with pytest.raises(InvalidInput, match="'epochs'"):
        pairs(["epochs"], "--arg")


def test_lines_are_broken_where_the_screen_ends_and_colours_take_no_room() -> None:
    """Break: count the characters of the colour codes, or one column for a wide character."""
    assert wrap("\x1b[31;1merror:\x1b[0m one two", 10) == ["\x1b[31;1merror:\x1b[0m one", "two"]
    assert wrap("猫猫 猫猫", 8) == ["猫猫", "猫猫"]


class _Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("wide", [60, 80, 120])
def test_a_long_name_does_not_push_the_other_columns_out(wide: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ends of a name stay, and the state beside it. Break: cut lines at their end only."""
    screen = _Screen()
    monkeypatch.setattr("sys.stdout", screen)
    monkeypatch.setenv("COLUMNS", str(wide))
    monkeypatch.setenv("NO_COLOR", "1")
    output.table(["JOB", "STATE", "WHY"], [["a_pipeline_" * 9 + "@eead2d516937", "failure", "input in moved " * 9]])
    header, line = screen.getvalue().splitlines()
    assert output.columns(line) <= wide
    assert line.startswith("a_pipelin")
    assert "516937  failure  input" in line
    assert header.split() == ["JOB", "STATE", "WHY"]
