"""Globs mean what they mean in Pachyderm: vectors of our own, and a second, slower matcher as the oracle."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from blake3 import blake3
from hypothesis import given, settings
from hypothesis import strategies as st

from pedigree.errors import InvalidGlob
from pedigree.store import globs, trees
from pedigree.store.trees import Entry

# glob, what it matches, what it does not
VECTORS = [
    ("/", [""], ["a", "a/b"]),
    ("", [""], ["a"]),
    ("/*", ["a", "a.b", ".hidden"], ["", "a/b"]),
    ("*", ["a"], ["", "a/b"]),
    ("/*/", ["a"], ["a/b"]),
    ("//a//*", ["a/b"], ["a", "a/b/c"]),
    ("./a/./b", ["a/b"], ["a/./b"]),
    ("/*/*", ["a/b"], ["a", "a/b/c"]),
    ("/**", ["a", "a/b", "a/b/c"], [""]),
    ("/**/c", ["a/c", "a/b/c"], ["c", "a/b"]),
    ("/a**c", ["ac", "abc", "a/b/c"], ["ab"]),
    ("/**.jpg", ["a.jpg", "a/b.jpg", ".jpg"], ["jpg", "a.jpg/b"]),
    ("/***", ["a", "a/b"], [""]),
    ("/?", ["a", "é", "🐈"], ["", "ab"]),
    ("/a?c", ["abc", "a.c"], ["ac", "a/c"]),
    ("/[abc]", ["a", "c"], ["d", "ab"]),
    ("/[a-c]x", ["ax", "bx"], ["dx", "x"]),
    ("/[!a-c]x", ["dx", "Ax"], ["ax", "x"]),
    ("/[!a]b", ["cb", "/b"], ["ab"]),
    ("/[^a]", ["^", "a"], ["b"]),
    ("/[]a]", [], []),
    ("/[a-]", ["a", "-"], ["b"]),
    ("/[[:digit:]]", ["5"], ["x", "55"]),
    ("/[![:alpha:]]", ["5", "_"], ["x"]),
    ("/[[:upper:][:digit:]_]", ["A", "1", "_"], ["a"]),
    ("/{a,b}", ["a", "b"], ["ab", "c", "{a,b}"]),
    ("/{a,b/c}", ["a", "b/c"], ["b", "c"]),
    ("/{a,}x", ["ax", "x"], ["bx"]),
    ("/{a{b,c},d}", ["ab", "ac", "d"], ["a", "ad"]),
    ("/{*.jpg,*.png}", ["a.jpg", "b.png"], ["a.gif", "a/b.jpg"]),
    (r"/\*", ["*"], ["a"]),
    (r"/a\{b", ["a{b"], ["ab"]),
    (r"/\a", ["a"], [r"\a"]),
    ("/a.b", ["a.b"], ["axb"]),
    ("/a,b|c}d)", ["a,b|c}d)"], ["a"]),
    ("/a@b!c+d", ["a@b!c+d"], ["ab"]),
    ("/(a|b)", ["a", "b"], ["ab", "(a|b)"]),
    ("/@(a|b)c", ["ac", "bc"], ["c", "abc"]),
    ("/?(a|b)c", ["c", "ac", "bc"], ["abc"]),
    ("/*(a|b)c", ["c", "ac", "abbac"], ["adc"]),
    ("/+(a|b)c", ["ac", "bac"], ["c"]),
    ("/+(a/)b", ["a/b", "a/a/b"], ["b"]),
    ("/!(a)", ["b", "ab", "aa"], ["a", "b/c"]),
    (
        "/!(a|b)",
        ["c", "ba"],
        ["a", "b", "ab"],
    ),  # only the last alternative must reach the end, as in the original
    ("/!(a)c", ["bc", "c"], ["ac", "abc"]),
    ("/!(*)", [], ["a", "ab"]),
    ("/!(**)", [], ["a", "a/b"]),
    ("/*.!(jpg)", ["a.png", "a.jpgx"], ["a.jpg", "ajpg"]),
    ("/(*).(jpg|png)", ["a.jpg", "a.b.png"], ["a.gif"]),
    ("/日*/?", ["日本/語"], ["日本", "本/語"]),
]


@pytest.mark.parametrize(("pattern", "yes", "no"), [v for v in VECTORS if v[0] != "/[]a]"], ids=lambda v: str(v)[:30])
def test_vectors(pattern: str, yes: list[str], no: list[str]) -> None:
    """Break: let `*` cross a slash, or `**` not."""
    glob = globs.compile(pattern)
    assert [path for path in yes if glob.match(path) is None] == []
    assert [path for path in no if glob.match(path) is not None] == []


@pytest.mark.parametrize(
    ("pattern", "path", "captures"),
    [
        ("/*", "a", ("/a",)),
        ("/(*)-(*)", "left-right", ("/left-right", "left", "right")),
        ("/(*)-(*)", "a-b-c", ("/a-b-c", "a-b", "c")),
        ("/*(a|b)x", "x", ("/x", "")),
        ("/*(a|b)x", "abax", ("/abax", "aba")),
        ("/?(a)b", "b", ("/b", "")),
        ("/{(a),(b)}", "b", ("/b", "", "b")),
        ("/a(/?(+(b|c)/*.go))", "a/b/x.go", ("/a/b/x.go", "/b/x.go", "b/x.go", "b")),
        ("/(**)/(*).png", "a/b/c.png", ("/a/b/c.png", "a/b", "c")),
        ("/!(a)-(*)", "b-c", ("/b-c", "b", "c")),
    ],
)
def test_captures(pattern: str, path: str, captures: tuple[str, ...]) -> None:
    """Captures count from 1 by their opening parenthesis; one that took no part is empty.

    Break: give None for a group that took no part.
    """
    assert globs.compile(pattern).match(path) == captures


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("$1", "a"),
        ("${1}$2", "ab"),
        ("$0", "/a-b"),
        ("$$1", "$1"),
        ("x$9y", "xy"),
        ("$1x", "ax"),
        ("$12", ""),
        ("${1}2", "a2"),
        ("no", "no"),
        ("$", "$"),
        ("$name", ""),
        ("", ""),
    ],
)
def test_templates(template: str, expected: str) -> None:
    """Break: read `$12` as `$1` and a 2."""
    assert globs.expand(template, ("/a-b", "a", "b")) == expected


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("/[a", "not closed"),
        ("/[]", "holds no character"),
        ("/[c-a]", "backwards"),
        ("/[[:letters:]]", "not a class"),
        ("/{a,b", "`{` is not closed"),
        ("/(a|b", r"`\(` is not closed"),
        ("/a\\", "lone"),
        ("/a/../b", "`..`"),
        ("/a\0b", "U\\+0000"),
        ("/a\nb", "U\\+000A"),
        ("/" + "(" * 60 + ")" * 60, "nested"),
        ("/" + "a" * 5000, "5001 characters"),
    ],
)
def test_a_glob_that_cannot_be_meant_is_refused(pattern: str, why: str) -> None:
    """Break: let the regular expression's own error through, which names what the user did not write."""
    with pytest.raises(InvalidGlob, match=why) as caught:
        globs.compile(pattern)
    assert caught.value.remedy


def test_a_long_run_of_stars_takes_no_longer_than_one() -> None:
    """Break: translate each `**` to `.*`; 40 of them need more steps than there are atoms."""
    assert globs.compile("/" + "**" * 40 + "x").match("a" * 4000) is None
    assert globs.compile("/" + "*" * 81 + "x").match("a/" * 2000 + "a") is None


# ------------------------------------------------------------------------------------ against a second
# matcher

Piece = str | tuple[str, ...]


def accepts(pieces: list[Piece], text: str) -> bool:
    """Whether the pieces match the text: by sets of positions, without regular expressions."""
    at = {0}
    for piece in pieces:
        if isinstance(piece, tuple):
            at = {p + len(word) for p in at for word in piece if text.startswith(word, p)}
        elif piece == "**":
            at = {q for p in at for q in range(p, len(text) + 1)}
        elif piece == "*":
            at = {q for p in at for q in range(p, len(text) + 1) if "/" not in text[p:q]}
        elif piece == "?":
            at = {p + 1 for p in at if p < len(text) and text[p] != "/"}
        else:
            at = {p + len(piece) for p in at if text.startswith(piece, p)}
    return len(text) in at


def spelled(piece: Piece) -> str:
    return "{" + ",".join(piece) + "}" if isinstance(piece, tuple) else piece


_words = st.sampled_from(["a", "b", "ab", "a/b", "/a", "b/"])
_piece = st.sampled_from(["a", "b", "/", "/a", "*", "?", "**"]) | st.tuples(_words, _words)
_text = st.text("ab/", min_size=1, max_size=8)


@settings(max_examples=500, deadline=None)
@given(st.lists(_piece, min_size=1, max_size=6), _text)
def test_globs_agree_with_a_matcher_made_otherwise(pieces: list[Piece], text: str) -> None:
    """Break: anchor only the beginning."""
    pattern = "/" + "".join(spelled(piece) for piece in pieces)
    path = re.sub("/+", "/", text).strip("/")
    cleaned = re.sub("/+", "/", pattern).rstrip("/")
    # Cleaning is done on the text, and two stars make another piece: then the pieces no longer spell it.
    stars = [isinstance(piece, str) and piece.startswith("*") for piece in pieces]
    doubled = any(first and second for first, second in pairwise(stars))
    if cleaned != pattern or doubled or path == "":
        return
    assert (globs.compile(pattern).match(path) is not None) == accepts(["/", *pieces], "/" + path)


# ----------------------------------------------------------------------------------------------- over a tree

PATHS = [
    "a",
    "b/1.jpg",
    "b/2.png",
    "b-c/x",
    "b.txt",
    "c/d/e/f",
    "c/d/e/g.jpg",
    "c/d2/e",
    "日本/猫.jpg",
]


def _tree(paths: list[str]) -> tuple[str, dict[str, bytes]]:
    held: dict[str, bytes] = {}

    def write(data: bytes) -> str:
        digest = blake3(data).hexdigest()
        held[digest] = data
        return digest

    return trees.build(((path, Entry("f", 1, "0" * 64)) for path in sorted(paths)), write), held


def everything(paths: list[str]) -> list[tuple[str, bool]]:
    """Every file, every implied folder and the root, in the order that `matches` promises."""
    found = {(path, False) for path in paths} | {("", True)}
    for path in paths:
        while "/" in path:
            path = path.rpartition("/")[0]
            found.add((path, True))
    return sorted(found, key=lambda item: item[0] + "/" if item[1] and item[0] else item[0])


@pytest.mark.parametrize(
    "pattern",
    [
        "/",
        "/*",
        "/**",
        "/*/*",
        "/b/*",
        "/b*",
        "/c/d/*",
        "/c/d",
        "/c/d/**",
        "/{a,b}",
        "/**/*.jpg",
        "/c/(d|d2)/e",
        "/日*/*",
        "/!(b)",
        "/*/*/*/*",
        "/nothing/*",
        "/c/d/e/f",
        "/[!x]/d",
        "/b-c",
        "/b/",
        "/(*)/(*).(jpg|png)",
    ],
)
def test_matching_a_tree_is_matching_everything_in_it(pattern: str) -> None:
    """What is skipped for speed is only what cannot match, and the order is that of the paths.

    Break: skip a folder at the depth of the glob before matching it.
    """
    tree, held = _tree(PATHS)
    glob = globs.compile(pattern)
    expected = [
        (path, folder, captures) for path, folder in everything(PATHS) if (captures := glob.match(path)) is not None
    ]
    assert list(globs.matches(tree, glob, held.__getitem__)) == expected
    if pattern not in {"/nothing/*", "/[!x]/d", "/b-c/"}:
        assert expected


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.sampled_from(["a", "b", "*", "?", "**", "/", "/*", "{a,b}", "(a|b)", "[!a]", "!(a)"]), max_size=6),
    st.sets(
        st.builds("/".join, st.lists(st.sampled_from(["a", "b", "ab", "a-"]), min_size=1, max_size=4)),
        max_size=30,
    ),
)
def test_matching_a_tree_is_matching_everything_for_any_glob(pieces: list[str], names: set[str]) -> None:
    """Break: begin at the literal prefix as a folder when it is only the beginning of a name."""
    paths = [name + ".f" for name in names]
    tree, held = _tree(paths)
    glob = globs.compile("/" + "".join(pieces))
    expected = [(path, folder) for path, folder in everything(paths) if glob.match(path) is not None]
    assert [found[:2] for found in globs.matches(tree, glob, held.__getitem__)] == expected


def test_a_shallow_glob_reads_little_of_a_deep_tree() -> None:
    """`/*` over folders of 10,000 files each reads the nodes where they begin.

    Break: scan every file.
    """
    tree, held = _tree([f"folder{number // 10_000}/{number % 10_000:05d}" for number in range(50_000)])
    trees.forget()
    reads: list[str] = []

    def read(digest: str) -> bytes:
        reads.append(digest)
        return held[digest]

    found = list(globs.matches(tree, globs.compile("/*"), read))
    assert [path for path, _, _ in found] == [f"folder{number}" for number in range(5)]
    assert len(reads) < 25
    assert len(held) > 300


@pytest.mark.parametrize(
    ("pattern", "prefix", "start", "depth"),
    [
        ("/a/b*", "a", "a/b", 2),
        ("/*", "", "", 1),
        ("/**", "", "", None),
        ("/a/b/", "a", "a/b", 2),
        ("/x/(a|b)/c", "x", "x/", 3),
    ],
)
def test_what_a_glob_knows_of_itself(pattern: str, prefix: str, start: str, depth: int | None) -> None:
    """Break: count the text up to the wildcard as a whole folder."""
    glob = globs.compile(pattern)
    assert (glob.prefix, glob.start, glob.depth) == (prefix, start, depth)
    assert glob.literal == (pattern == "/a/b/")
