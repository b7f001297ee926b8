"""What is composed has Hydra's values, keys in Hydra's order, or is refused where Hydra refuses."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from tests.config.composing import generated
from tests.config.composing.oracle import Both, Refused, write
from tests.config.composing.shapes import SHAPES

PRIMARIES = {
    "template": (("train", ()), ("eval", ())),
    "roles": (("ppo", ()), ("pipe", ())),
    "recipes": (("config", ("exp=first",)), ("cars", ())),
}

#: What begins so may be refused by Hydra and composed here, on purpose: deleting a null, naming Hydra's own groups, and
#: spelling out the package that a group has anyway. All stand in "coming from Hydra".
MEANT = ("~", "hydra=", "+hydra=", "hooks@hooks=", "algo@algo=")


def _differ(both: Both, given: list[str], name: str = "config") -> str | None:
    """A disagreement, resolved, that is not meant."""
    found = both.disagreement(given, name, resolve=True)
    if found and any(one.startswith(MEANT) for one in given):
        return None if isinstance(both.hydra(given, name, resolve=True), Refused) else found
    return found


def _asked(shape: str, both: Both) -> Iterator[tuple[str, list[str]]]:
    """Each primary as it is, with each option of each group, and with each group added."""
    for name, base in PRIMARIES[shape]:
        yield name, list(base)
        for group in (*both.sources.groups(), "actor@roles.actor", "critic@roles.critic", "algo@algo", "hooks@hooks"):
            for option in both.sources.options(group.partition("@")[0]):
                for sign in ("", "+"):
                    given = f"{sign}{group}={option}"
                    yield name, [*(one for one in base if not given.startswith(one.partition("=")[0] + "=")), given]
            yield name, [*base, f"~{group}"]


@pytest.mark.parametrize("shape", SHAPES)
def test_primaries_with_options_one_by_one_agree_with_hydra(shape: str, tmp_path: Path) -> None:
    """Each primary of three shapes of project, with a sample of options.

    Break: take the header `_global_` of a primary for a key.
    """
    both = Both(write(tmp_path, SHAPES[shape]))
    asked = list(_asked(shape, both))
    for name, base in PRIMARIES[shape]:
        assert not isinstance(both.hydra(base, name), Refused)
    sample = [*asked[:1], *Random(7).sample(asked, 8)]
    assert [found for name, given in sample if (found := _differ(both, given, name))] == []


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
def test_every_primary_with_every_option_agrees_with_hydra(shape: str, tmp_path: Path) -> None:
    """All of them, resolved."""
    both = Both(write(tmp_path, SHAPES[shape]))
    assert [found for name, given in _asked(shape, both) if (found := _differ(both, given, name))] == []


def _generated(seeds: range, tmp_path: Path) -> None:
    composed = 0
    for seed in seeds:
        random = Random(seed)
        both = Both(write(tmp_path / str(seed), generated.folder(random)))
        given = generated.overrides(random)
        found = _differ(both, given)
        assert found is None, f"seed {seed}: {found}"
        composed += not isinstance(both.ours(given, resolve=True), Refused)
    assert composed > len(seeds) // 8


@pytest.mark.slow
def test_made_up_folders_agree_with_hydra(tmp_path: Path) -> None:
    """Break: `_here_` means the group's own place."""
    _generated(range(30), tmp_path)


@pytest.mark.slow
def test_many_made_up_folders_agree_with_hydra(tmp_path: Path) -> None:
    _generated(range(1000, 1200), tmp_path)


VALUES = {
    "config.yaml": """defaults: [db: x, _self_]
i: 1
s: text
n: null
m: ???
l: [1, {u: 3}, [4, 5]]
d: {a: 1, b: {c: 2, e: []}, z: null}
ref: ${d}
empty: {}
deep: {1: x, 0.5: {y: 1}}
a/b: 4
dash-key: 5
""",
    "db/x.yaml": "k: 1\nt: {u: 2}\n",
    "db/y.yaml": "k: 2\nv: 5\n",
}
KEYS = (
    "i", "s", "n", "m", "l", "d", "d.a", "d.b", "d.b.c", "d.b.e", "d.z", "d.new", "d.a.x", "d.new.x", "l.0", "l.1.u",
    "l.2.0", "l.3", "l.-1", "l.x", "l.0.x", "empty.x", "i.x", "n.x", "m.x.y", "new", "new.x.y", "ref", "ref.a", "db.k",
    "ref.new", "db", "db.t.u", "a/b", "dash-key", "deep.2",
)  # fmt: skip
GIVEN = (
    "7", "1.5", "abc", "null", "true", "'q'", '"x y"', "[]", "[9,[1]]", "{}", "{a:9}", "{new:9}", "{b:{c:3}}", "{b:7}",
    "{b:{c:{q:1}}}", "${i}", "${d}", "[${i},2]", "{a:${i}}", "1e3", "0x10", "x",
)  # fmt: skip


def _overrides() -> list[list[str]]:
    return [[f"{sign}{key}={value}"] for key in KEYS for sign in ("", "+", "++") for value in GIVEN]


def _disagreements(both: Both, asked: list[list[str]]) -> list[str]:
    found = []
    for given in asked:
        one = both.disagreement(given, resolve=True)
        # `+a/b=1` makes a key in Hydra where no group is called so: a typing error here.
        if one and not given[0].lstrip("+").startswith("a/b="):
            found.append(one)
    return found


@pytest.mark.slow
def test_overrides_of_values_agree_with_hydra(tmp_path: Path) -> None:
    """A sample of keys with values of every kind, changed, added and forced.

    Break: refuse to add below a number.
    """
    both = Both(write(tmp_path, VALUES))
    assert _disagreements(both, Random(3).sample(_overrides(), 30)) == []


@pytest.mark.slow
def test_many_overrides_of_values_agree_with_hydra(tmp_path: Path) -> None:
    both = Both(write(tmp_path, VALUES))
    assert _disagreements(both, Random(4).sample(_overrides(), 160)) == []


#: Each with what it is about, the files, the overrides and the primary.
CORNERS: list[tuple[str, dict[str, str], list[str], str]] = [
    ("a primary in a folder", {"a/b/x.yaml": "defaults: [{c: y}]\nk: 1\n", "a/b/c/y.yaml": "u: 1\n"}, [], "a/b/x"),
    (
        "what is added stands beside the primary",
        {"a/x.yaml": "k: 1\n", "a/c/y.yaml": "u: 1\n", "c/y.yaml": "u: 2\n"},
        ["+c=y"],
        "a/x",
    ),
    ("a primary with a header", {"config.yaml": "# @package p.q\ndefaults: [o]\nk: 1\n", "o.yaml": "u: 1\n"}, [], "config"),
    (
        "an addition below a header _global_",
        {"config.yaml": "# @package _global_\nk: 1\n", "g/o.yaml": "u: 1\n"},
        ["+g=o"],
        "config",
    ),
    (
        "a header below another comment",
        {"config.yaml": "defaults: [{g: o}]\n", "g/o.yaml": "# words\n# @package p\nu: 1\n"},
        [],
        "config",
    ),
    (
        "a header counts from the top",
        {"config.yaml": "defaults: [{a@w: x}]\n", "a/x.yaml": "defaults: [{b: y}]\n", "a/b/y.yaml": "# @package p\nu: 1\n"},
        [],
        "config",
    ),
    ("a list as a file", {"config.yaml": "defaults: [{g: o}]\n", "g/o.yaml": "- 1\n- {a: 2}\n"}, [], "config"),
    ("a list at the top", {"config.yaml": "- 1\n"}, [], "config"),
    ("a mark of byte order, and CRLF", {"config.yaml": "\ufeffdefaults:\r\n  - g: o\r\nk: é\r\n", "g/o.yaml": "u: 1\r\n"}, [], "config"),
    ("an empty file", {"config.yaml": "defaults: [{g: o}]\n", "g/o.yaml": ""}, [], "config"),
    (
        "a mapping over an interpolation laid over before it",
        {"config.yaml": "defaults: [o, _self_]\nz: {q: 2}\nk: {a: 1}\n", "o.yaml": "k: ${z}\n"},
        [],
        "config",
    ),
    (
        "a mapping over an interpolation laid over after it",
        {"config.yaml": "defaults: [o, _self_]\nk: {a: 1}\nz: {q: 2}\n", "o.yaml": "k: ${z}\n"},
        [],
        "config",
    ),
    ("_group_ inside a package", {"config.yaml": "defaults: [{a/g@p._group_: o}]\n", "a/g/o.yaml": "u: 1\n"}, [], "config"),
    (
        "a group beside its own folder",
        {"config.yaml": "defaults: [{a: x}]\n", "a/x.yaml": "defaults: [{../c: u}]\n", "c/u.yaml": "k: 1\n", "c/v.yaml": "k: 2\n"},
        ["a/../c=v"],
        "config",
    ),
    ("an option that is a number", {"config.yaml": "defaults: [{g: o}]\n", "g/o.yaml": "", "g/7.yaml": ""}, ["g=7"], "config"),
    ("force for a group", {"config.yaml": "defaults: [{g: o}]\n", "g/o.yaml": ""}, ["++g=o"], "config"),
    ("a name with dots", {"config.yaml": "defaults: [{g: v1.2}]\n", "g/v1.2.yaml": "u: 1\n"}, [], "config"),
    ("names that are not ASCII", {"config.yaml": "defaults: [{größe: große}]\n", "größe/große.yaml": "ü: 1\n"}, [], "config"),
    ("a name with a suffix", {"config.yaml": "defaults: [{g: o.yaml}]\n", "g/o.yaml": "u: 1\n"}, [], "config.yaml"),
    ("an interpolated option deleted", {"config.yaml": "defaults: [{a: x}, {b: '${a}'}]\n", "a/x.yaml": "", "b/x.yaml": "u: 1\n"}, ["~b"], "config"),
    ("merge keys", {"config.yaml": "a: &a {b: 1, c: 2}\nd: {<<: *a, c: 3}\n"}, [], "config"),
    (
        "the same option twice, with a defaults list",
        {"config.yaml": "defaults: [o, {db: z}]\n", "o.yaml": "defaults: [{db: z}]\n", "db/z.yaml": "defaults: [/t]\nk: 3\n", "t.yaml": "t: 1\n"},
        [],
        "config",
    ),
    ("the same option twice, without", {"config.yaml": "defaults: [o, {db: x}]\n", "o.yaml": "defaults: [{db: x}]\n", "db/x.yaml": ""}, [], "config"),
    ("~key=null", {"config.yaml": "k: 1\nl: 2\n"}, ["~k=null"], "config"),
]  # fmt: skip


@pytest.mark.parametrize(("files", "given", "name"), [one[1:] for one in CORNERS], ids=[one[0] for one in CORNERS])
def test_corners_agree_with_hydra(files: dict[str, str], given: list[str], name: str, tmp_path: Path) -> None:
    """Each was once different.

    Break: give a primary in a folder the package ""; let any comment stand above a header.
    """
    both = Both(write(tmp_path, files))
    assert both.disagreement(given, name) is None


def test_the_search_path_is_asked_in_order(tmp_path: Path) -> None:
    """Folders of `hydra.searchpath` come after the primary's own, the first first.

    Break: ask the last first.
    """
    files = {
        "main/config.yaml": f"defaults: [db: x]\nhydra:\n  searchpath: ['file://{tmp_path}/one', 'file://{tmp_path}/two']\n",
        "main/db/x.yaml": "k: main\n",
        "one/db/y.yaml": "k: one\n",
        "two/db/y.yaml": "k: two\n",
        "two/db/x.yaml": "k: no\n",
        "two/srv/s.yaml": "defaults: [/db@p: y]\n",
    }
    write(tmp_path, files)
    for given in ([], ["db=y"], ["+srv=s"], [f"hydra.searchpath=[file://{tmp_path}/two]", "db=y"], ["db=nope"]):
        assert Both(tmp_path / "main").disagreement(given) is None
