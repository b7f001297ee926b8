"""One file of configuration: values, places, and what is no configuration."""

from __future__ import annotations

import time
from random import Random
from typing import Any

import pytest
import yaml
from omegaconf import OmegaConf

from pedigree.config.documents import Header, read, read_value
from pedigree.config.origins import OWN, Origin, at
from pedigree.errors import InvalidConfig

TEXTS = (
    "a: 1\n",
    "",
    "# words\n",
    "--- {a: [1, {b: c}]}\n...\n",
    "\ufeffa: 1\r\nb:\r\n  - x\r\n",
    "a: |\n  one\n  two\nb: >-\n  three\n  four\n",
    "a: &a {b: 1, c: [x]}\nd: *a\ne: {<<: *a, c: 2}\nf: {<<: [*a, {c: 3, g: 4}]}\n",
    "a: !!str 5\nb: !!int '5'\nc: !!float 5\nd: !!bool yes\ne: !!null x\n",
    "1: a\n0.5: b\nfalse: c\n'': d\na.b: e\n",
    "? a\n: ? b\n  : 1\n",
    "é: 日本\nemoji: 🙂\n",
    "a: \"\\x41\\u00e9\\n\"\nb: 'it''s'\n",
    "a: ~\nb:\nc: ''\nd: '~'\n",
    "word\n",
    "- 1\n- {a: 2}\n",
)


@pytest.mark.parametrize("text", TEXTS)
def test_values_are_those_of_omegaconf(text: str) -> None:
    """Break: let a merged key win over the mapping's own."""
    expected = OmegaConf.to_container(OmegaConf.create(text.removeprefix("\ufeff")))
    assert repr(_sorted(read(text.encode(), "x").values)) == repr(_sorted(expected))


def _sorted(value: Any) -> Any:
    """Keys in one order: that of several merged mappings is nobody's promise."""
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value, key=repr)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value


def _made_up(random: Random, depth: int = 0) -> Any:
    kind = random.random()
    if depth < 4 and kind < 0.35:
        return {f"k{random.randint(0, 99)}": _made_up(random, depth + 1) for _ in range(random.randint(0, 5))}
    if depth < 4 and kind < 0.5:
        return [_made_up(random, depth + 1) for _ in range(random.randint(0, 4))]
    return random.choice(
        [None, True, 1, -2.5, "text", "two words", "1", "yes", "é 🙂", "a: b", "# no", "", "x\ny\n", 10**20]
    )


@pytest.mark.parametrize("seed", range(40))
def test_what_pyyaml_writes_is_read_back_with_its_places(seed: int) -> None:
    """In every style. Each place is that of PyYAML's own tree of nodes. Break: count columns from 0."""
    random = Random(seed)
    value = {"top": _made_up(random), "more": _made_up(random)}
    style = random.choice([None, True, False])
    text = yaml.safe_dump(value, default_flow_style=style, allow_unicode=random.random() < 0.5, sort_keys=False)
    document = read(text.encode(), "x")
    assert repr(document.values) == repr(value)

    def check(node: yaml.Node | None, path: tuple[Any, ...]) -> None:
        assert node is not None
        mark = node.start_mark
        assert at(document.origins, path) == Origin("file", "x", mark.line + 1, mark.column + 1), path
        if isinstance(node, yaml.MappingNode):
            for key, inner in node.value:
                check(inner, (*path, key.value))
        elif isinstance(node, yaml.SequenceNode):
            for index, inner in enumerate(node.value):
                check(inner, (*path, index))

    check(yaml.compose(text, Loader=yaml.SafeLoader), ())


def test_an_alias_stands_where_its_anchor_stands() -> None:
    document = read(b"a: &a {b: 1}\nc: *a\nd:\n  <<: *a\n  e: 2\n", "x")
    assert at(document.origins, ("c", "b")) == Origin("file", "x", 1, 11)
    assert at(document.origins, ("d", "b")) == Origin("file", "x", 1, 11)
    assert document.origins["d"][OWN].line == 4


@pytest.mark.parametrize(
    ("text", "headers"),
    [
        ("# @package _global_\na: 1\n", [("package", "_global_", 1)]),
        ("\n\n#@package   a.b  \na: 1\n", [("package", "a.b", 3)]),
        ("# @schema x\n# @package p\na: 1\n", [("schema", "x", 1), ("package", "p", 2)]),
        ("# words\n# @package p\na: 1\n", []),
        ("a: 1\n# @package p\n", []),
        ("---\n# @package p\na: 1\n", []),
    ],
)
def test_headers_stand_above_everything_else(text: str, headers: list[tuple[str, str, int]]) -> None:
    """As in Hydra, even a comment ends them. Break: read on below a comment."""
    assert list(read(text.encode(), "x").headers) == [Header(*one) for one in headers]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"a: 1\na: 2\n", "x:2:1: the key 'a' stands here a second time; the first is on line 1."),
        (b"1: a\ntrue: b\n", "x:2:1: the key True stands here a second time; the first is on line 1."),
        (b"a: {b: 1\n", "x:2:1: did not find expected ',' or '}'."),
        (b"a: b: c\n", "x:1:5: mapping values are not allowed in this context."),
        (b"a: *b\n", "x:1:4: *b repeats an anchor that is not there."),
        (b"a: &a [*a]\n", "x:1:8: *a repeats what it stands in."),
        (b"a: 1\n---\nb: 2\n", "x:2:1: a second document begins here."),
        (b"~: 1\n", "x:1:1: null is no key."),
        (b"{a: 1}: 2\n", "x:1:1: a mapping or a list stands where a key belongs."),
        (b"a: {<<: 1}\n", "x:1:9: `<<` takes a mapping, or a list of mappings."),
        (b"a: !!int x\n", "x:1:4: 'x' is tagged !!int and is none."),
        (b"a: !!float " + b"9" * 400, f"x:1:4: '{'9' * 400}' is tagged !!float and is none."),
        (b"a: !mine 1\n", "x:1:4: the tag !mine asks for more than plain values."),
        (b"a: !!set {b}\n", "x:1:4: the tag !!set asks for more than plain values."),
        (b"true\n", "x:1:1: a configuration is a mapping of keys to values, and this file holds the value True."),
        (b"a: \xff\n", "x:1:4: byte 0xff is not UTF-8."),
        (b"a: \x01\n", "x:1:4: YAML allows no character U+0001."),
    ],
)
def test_what_is_no_configuration_is_named_with_its_place(text: bytes, message: str) -> None:
    with pytest.raises(InvalidConfig) as caught:
        read(text, "x")
    assert str(caught.value).split("\n")[0] == message


def test_a_long_header_takes_no_long_time() -> None:
    """Far from the square of its length. Break: a pattern that looks for the end of the line at every blank."""
    start = time.process_time()
    assert read(("# @package a" + " " * 200_000 + "b\na: 1\n").encode(), "x").headers[0].value.endswith("b")
    assert time.process_time() - start < 2


def test_utf_16_with_its_mark_is_read() -> None:
    """YAML allows it."""
    assert read("a: é\n".encode("utf-16"), "x").values == {"a": "é"}


def test_bytes_of_every_kind_are_read_or_refused() -> None:
    """Never another error."""
    random = Random(11)
    refused = []
    for _ in range(1500):
        data = bytes(random.choices(b"ab:-{}[],&*!#|>'\"%@` \n\t1.~?<=\xc3\xa9\xff", k=random.randint(1, 24)))
        try:
            read(data, "x")
        except InvalidConfig as error:
            refused.append(str(error))
    assert 200 < len(refused) < 1500
    assert all(message.startswith("x:") for message in refused)


def test_a_value_alone_may_be_anything() -> None:
    assert read_value("[1, {a: 2}]", "x")[0] == [1, {"a": 2}]
    assert read_value("1e3", "x")[0] == 1000.0


@pytest.mark.parametrize("value", ["@hunter2", "%hunter2", "*hunter2", "`hunter2", "hunter2: x", "[hunter2"])
def test_a_line_of_a_secret_is_not_shown(value: str) -> None:
    """A password may begin with what YAML has another use for. Break: show every line."""
    with pytest.raises(InvalidConfig, match=r"^x:\d:\d+: ") as caught:
        read(f"db_password: {value}\n".encode(), "x")
    assert "hunter2" not in str(caught.value)
