"""Store paths: what is refused, what is not, and that accepting changes nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pedigree.errors import InvalidName, InvalidPath
from pedigree.store.paths import check_name, clashes, file_path, shown, store_path
from tests.security.paths import CLASHING, HARMLESS, HOSTILE


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text[:30]))
def test_a_hostile_path_is_refused_by_name(text: str) -> None:
    """Break: `root / name`."""
    for spelling in (text, "/" + text):
        with pytest.raises(InvalidPath) as caught:
            store_path(spelling)
        assert shown(spelling) in caught.value.message
        assert caught.value.remedy


@pytest.mark.parametrize("text", HARMLESS, ids=lambda text: ascii(text[:30]))
def test_odd_but_harmless_names_are_kept_as_they_are(text: str) -> None:
    """Break: clean names up; two files would become one."""
    assert store_path(text) == text
    assert store_path("/" + text) == text
    assert file_path(text + "/") == text


@given(st.text())
def test_what_is_accepted_is_stable_and_stays_inside(text: str) -> None:
    """An accepted path is accepted again, unchanged, and joining it to a folder cannot leave the folder.

    Break: drop every leading slash, or accept `.`.
    """
    import posixpath

    try:
        path = store_path(text)
    except InvalidPath:
        return
    assert store_path(path) == path
    assert posixpath.normpath("/root/" + path) == ("/root/" + path).rstrip("/")


def test_the_fast_road_and_the_careful_one_agree() -> None:
    """Break: let the regular expression accept `a//b` or a trailing dot-dot."""
    for text in ("a..", "a/b..", "a b/c d", "a=1,b+2@3/x.y", "0/_/-x"):
        assert store_path(text) == text


@pytest.mark.parametrize("text", ["", "/"])
def test_the_root_is_a_path_but_not_a_files(text: str) -> None:
    """Break: give a file the empty name."""
    assert store_path(text) == ""
    with pytest.raises(InvalidPath, match="root"):
        file_path(text)


@pytest.mark.parametrize("text", ["", "a b", "a/b", "a.b", "é", "a\n", "..", "x" * 256])
def test_a_name_is_letters_digits_dash_and_underscore(text: str) -> None:
    """Break: `re.match` with `$`, which lets a final newline through."""
    with pytest.raises(InvalidName, match="name of a repository"):
        check_name("repository", text)


def test_names_that_pachyderm_allows_are_allowed() -> None:
    """Break: ask for a letter first."""
    for text in ("a", "A-b_9", "9", "_", "-"):
        assert check_name("branch", text) == text


@pytest.mark.parametrize("pair", CLASHING)
def test_names_a_file_system_would_merge_are_paired(pair: tuple[str, str]) -> None:
    """Break: compare whole paths and miss folders that differ in case."""
    assert len(list(clashes(pair))) == 1
    assert list(clashes(pair, fold_case=False, normalise=False)) == []
    assert list(clashes([pair[0], pair[0], "another/one"])) == []
