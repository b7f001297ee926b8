"""docs/reference/configuration.md says what the code does: tables are run, lists compared."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Literal

import pytest
import yaml
from pydantic import Field, create_model

from pedigree import config
from pedigree.config.composing import expansion
from pedigree.config.documents import MAX_DEPTH as FILE_DEPTH
from pedigree.config.documents import MAX_VALUES, read_value
from pedigree.config.entry import arguments
from pedigree.config.interpolation import expressions, functions, grammar, resolve
from pedigree.config.overrides import ListEdit, parse, parser, sweeps
from pedigree.config.overrides.edits import EDITS
from pedigree.config.overrides.functions import FUNCTIONS
from pedigree.errors import InvalidInput
from tests.config import pages

TEXT = (pages.DOCS / "reference" / "configuration.md").read_text()


def tables(section: str) -> list[list[list[str]]]:
    """The tables of a section, each a list of rows, each a list of cells; `\\|` is a bar."""
    body = re.split(r"^#{2,3} ", TEXT.partition(f"# {section}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]
    found: list[list[list[str]]] = [[]]
    for line in body.splitlines():
        if line.startswith("|"):
            cells = re.split(r"(?<!\\)\|", line)[1:-1]
            found[-1].append([cell.strip().replace("\\|", "|") for cell in cells])
        elif found[-1]:
            found.append([])
    return [rows[2:] for rows in found if rows]


def code(cell: str) -> str:
    return re.fullmatch(r"`(.*)`", cell)[1]  # type: ignore[index]


def words(text: str) -> list[str]:
    """What stands in back-quotes."""
    return re.findall(r"`([^`]+)`", text)


VALUES = tables("Overrides")[1]
EDITED = tables("Edits of lists")[0]
READ = tables("Interpolations")[1]
TYPES = tables("Types")[0]


@pytest.mark.parametrize(("written", "value"), VALUES)
def test_values_of_overrides(written: str, value: str) -> None:
    """Break: any row."""
    assert repr(parse(f"k={code(written)}").value) == code(value)


@pytest.mark.parametrize(("edit", "value"), EDITED)
def test_edits_of_lists(edit: str, value: str) -> None:
    """Break: any row."""
    found = parse(f"k={code(edit)}").value
    assert isinstance(found, ListEdit)
    assert repr(found.apply(["a", "b"])) == code(value)


@pytest.mark.parametrize(("written", "value"), READ)
def test_interpolations(written: str, value: str) -> None:
    """Break: any row."""
    tree = {"a": {"b": 2, "c": ["x", "y"]}, "lr": 0.1, "k": code(written)}
    try:
        found = repr(resolve(tree, environment={}, load_yaml=lambda text: read_value(text, "x")[0]).tree["k"])
    except InvalidInput:
        found = "refused"
    assert found == (value if value == "refused" else code(value))


@pytest.mark.parametrize(("kind", "written", "value"), TYPES)
def test_types(kind: str, written: str, value: str) -> None:
    """Read from YAML and validated. Break: any row."""
    known = {
        **{name: getattr(config, name) for name in ("Bytes", "NumpyDtype")},
        **{one.__name__: one for one in (Path, date, datetime, time, timedelta)},
        "Annotated": Annotated,
        "Field": Field,
        "Literal": Literal,
    }
    model = create_model("Row", __base__=config.Config, k=(eval(code(kind), known), ...))  # noqa: S307  (this page)
    try:
        found = repr(config.validate(model, read_value(f"k: {code(written)}", "x")[0]).instance.k)
    except InvalidInput:
        found = "refused"
    assert found == (value if value == "refused" else code(value))


def test_secrets() -> None:
    """Each spelling means the reference beside it. Break: any row."""

    class Settings(config.Config):
        k: config.Secret[str]

    tried = 0
    for spellings, reference in tables("Secrets")[0]:
        for spelling in words(spellings):
            tried += 1
            values = yaml.safe_load(f"k: {spelling}" if spelling.startswith("{") else f"k: '{spelling}'")
            assert config.validate(Settings, values).values == {"k": code(reference)}
    assert tried == 7


def test_defaults_lists_are_as_the_table_says(tmp_path: Path) -> None:
    """One folder with every entry of the table. Break: take `optional` for nothing."""
    for name, text in {
        "config.yaml": "defaults:\n  - top\n  - db: x\n  - many: [one, two]\n  - none: null\n  - optional gone: x\n"
        "  - db@backup: y\n  - made: ${db}\n  - _self_\n  - override db: y\nself: 1\n",
        "top.yaml": "from: top\nself: 0\n",
        "db/x.yaml": "k: x\n",
        "db/y.yaml": "k: y\n",
        "many/one.yaml": "a: 1\nb: 1\n",
        "many/two.yaml": "b: 2\n",
        "none/o.yaml": "chosen: true\n",
        "made/y.yaml": "# @package _global_\nfor: y\n",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    values = config.compose(tmp_path).values
    assert values == {
        "from": "top",
        "self": 1,
        "db": {"k": "y"},
        "many": {"a": 1, "b": 2},
        "backup": {"k": "y"},
        "for": "y",
    }
    assert config.compose(tmp_path, overrides=["none=o"]).values["none"] == {"chosen": True}
    (tmp_path / "config.yaml").write_text("defaults: [{db: '???'}]\n")
    with pytest.raises(InvalidInput, match="db"):
        config.compose(tmp_path)
    assert len(tables("Defaults lists")[0]) == 10


def test_precedence(tmp_path: Path) -> None:
    """Class, file, overrides of files, of the variable, typed. Break: typed overrides first."""
    from pedigree.config.entry.given import gathered

    class Settings(config.Config):
        a: int = 0
        b: int = 0
        c: int = 0
        d: int = 0
        e: int = 0

    (tmp_path / "config.yaml").write_text("b: 1\nc: 1\nd: 1\ne: 1\n")
    (tmp_path / "overrides").write_text("# comment\n\nc=2\nd=2\ne=2\n")
    given = gathered([str(tmp_path / "overrides")], {"PEDIGREE_OVERRIDES": "d=3\ne=3"}, ["e=4"])
    frozen = config.freeze(config.compose(tmp_path, overrides=given), Settings)
    assert frozen.as_dict() == {"a": 0, "b": 1, "c": 2, "d": 3, "e": 4}


# Lists


def test_functions_of_overrides() -> None:
    """Break: add one to the code alone."""
    sweeping = [words(row[0])[-1] for row in tables("Overrides")[2]]
    usage = {word.partition("(")[0]: word for word in sweeping}
    casts = re.search(r"^Functions: (.*) cast a value", TEXT, re.MULTILINE)
    assert casts
    edits = [code(row[0]).partition("(")[0] for row in EDITED]
    assert [*usage, *words(casts[1]), *edits] == [
        *(name for name in FUNCTIONS if name not in EDITS and name not in words(casts[1])),
        *words(casts[1]),
        *EDITS,
    ]
    for name, text in usage.items():
        assert text in FUNCTIONS[name].usage


def test_resolvers_and_functions_of_expressions() -> None:
    """Break: add one to the code alone."""
    assert [words(row[0])[0].partition(":")[0] for row in tables("Resolvers")[0]] == [*config.Resolvers.standard()]
    listed = re.search(r"^Functions: (`len`.*?)\.$", TEXT, re.MULTILINE | re.DOTALL)
    assert listed
    assert words(listed[1]) == [*functions.FUNCTIONS]


def test_limits() -> None:
    """Break: another bound in the code."""
    assert [int(row[1]) for row in tables("Limits")[0]] == [
        expressions.MAX_LENGTH,
        expressions.MAX_NESTED,
        expressions.MAX_WORK,
        functions.MAX_TEXT,
        functions.MAX_ITEMS,
        functions.MAX_BITS,
        grammar.MAX_DEPTH,
        grammar.MAX_LENGTH,
        FILE_DEPTH,
        MAX_VALUES,
        parser.MAX_DEPTH,
        sweeps.MAX_VALUES,
        expansion.MAX_DEPTH,
    ]


def test_options_of_scripts() -> None:
    """Every one that is read stands on the page and in `--help`, and no other. Break: add one to the code alone."""
    on_page = {word.split()[0] for row in tables("Scripts")[0] for word in words(row[0])}
    read = {*arguments._FLAGS, *arguments._WITH_VALUE, *arguments._ALWAYS}
    short = {short for short, long in arguments._SHORT.items() if long in read}
    assert on_page == read | short
    missing = {name for name in read - arguments._ALWAYS - {"--cfg", "--json"} if name not in arguments.USAGE}
    assert missing == set()


def test_operations_verbs_and_variables() -> None:
    """Break: add one to the code alone."""
    from pedigree.cli.config import COMMANDS
    from pedigree.config.versions import operations

    named = [code(row[0]).partition("(")[0] for row in tables("Versions")[0]]
    assert {getattr(operations, name) for name in named} == set(operations.Operation.__args__)
    verbs = [code(row[0]) for row in tables("`pedigree config`")[0]]
    assert verbs == [*COMMANDS["config"].commands]
    source = Path(config.__file__).parent
    used = {name for file in source.rglob("*.py") for name in re.findall(r"\bPEDIGREE_[A-Z]+\b", file.read_text())}
    assert {code(row[0]) for row in tables("Environment variables")[0]} == used


def test_each_public_name_stands_on_a_page() -> None:
    """Break: offer another name."""
    pages_ = TEXT + "".join((pages.DOCS / "guides" / name).read_text() for name in ("configuration.md", "checking.md"))
    assert [name for name in config.__all__ if not re.search(rf"\b{name}\b", pages_)] == []
