"""The file: what was written is read, and what was not is refused."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from blake3 import blake3
from hypothesis import given

from pedigree.config.frozen import files, freeze, read
from pedigree.config.frozen.record import Frozen
from pedigree.errors import InvalidConfig, NewerFormat
from tests.config.frozen import making
from tests.config.frozen.strategies import configurations, raw
from tests.config.frozen.test_pointers import same

TEXT = """
data: {root: '${oc.env:DATA,/data}', classes: [cat, dog]}
model:
  lr: 0.1
  layers: ${len:${data.classes}}
at: ${now:%H}
"""


def made(*overrides: str) -> Frozen:
    return freeze(making.composed(("conf/config.yaml", TEXT), overrides=overrides), code={"commit": "abc"})


@given(configurations)
def test_what_was_written_is_read_byte_for_byte(found: dict[Any, Any]) -> None:
    """Break: NaN written as null."""
    frozen = freeze(making.of(raw(found)))
    content = files.data(frozen)
    again = files.parsed(content, "a.json")
    assert files.data(again) == content
    assert same(again.values, frozen.values)
    assert again.origins == frozen.origins


def test_all_that_was_frozen_is_read(tmp_path: Path) -> None:
    """Break: what lost is not written beside the place."""
    frozen = made("model.lr=0.5", "+data.extra={a: [1, 2]}")
    frozen.write(tmp_path / "run.json")
    assert read(tmp_path / "run.json") == frozen
    assert read(str(tmp_path / "run.json")).origins["model"]["lr"].losers()[0].text == "conf/config.yaml:4:7"
    assert [one.name for one in tmp_path.iterdir()] == ["run.json"]


def test_a_file_is_replaced_whole_or_left_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Break: written in place."""
    target = tmp_path / "run.json"
    made().write(target)
    before = target.read_bytes()

    def fails(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fails)
    with pytest.raises(InvalidConfig, match="run.json cannot be written: No space left on device"):
        made("model.lr=0.5").write(target)
    assert target.read_bytes() == before
    assert list(tmp_path.iterdir()) == [target]


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    """Break: the OSError passes."""
    with pytest.raises(InvalidConfig, match="nowhere/run.json cannot be written"):
        made().write(tmp_path / "nowhere" / "run.json")
    with pytest.raises(InvalidConfig, match="nowhere/run.json cannot be read"):
        read(tmp_path / "nowhere" / "run.json")


def edited(frozen: Frozen, **parts: Any) -> bytes:
    return json.dumps(json.loads(files.data(frozen)) | parts).encode()


def test_a_value_changed_by_hand_is_noticed() -> None:
    """Break: the digest is not computed again."""
    frozen = made()
    content = files.data(frozen).replace(b'"lr": 0.1', b'"lr": 0.2')
    with pytest.raises(InvalidConfig) as caught:
        files.parsed(content, "run.json")
    other = freeze(making.composed(("conf/config.yaml", TEXT), overrides=("model.lr=0.2",)))
    assert caught.value.message == (
        f"run.json was changed after it was frozen: its digest should be {frozen.digest}, "
        f"and that of what it holds is {other.digest}."
    )
    assert caught.value.remedy is not None
    assert "compose with an override" in caught.value.remedy


def test_a_digest_and_a_reference_changed_by_hand_are_noticed() -> None:
    """Break: a reference counts by its text."""
    frozen = made()
    with pytest.raises(InvalidConfig, match="its intent should be 0000"):
        files.parsed(edited(frozen, intent="0" * 64), "run.json")
    found = json.loads(files.data(frozen))
    found["environment"]["references"][0]["digests"] = {"": blake3(b'"/elsewhere"').hexdigest()}
    with pytest.raises(InvalidConfig, match="was changed after it was frozen"):
        files.parsed(json.dumps(found).encode(), "run.json")


def test_what_stands_where_a_reference_belongs_is_noticed() -> None:
    """The digest counts what the reference stands for, and `as_dict` gives what stands there.

    Break: believe the digest.
    """
    found = json.loads(files.data(made()))
    assert found["values"]["data"]["root"] == "${oc.env:DATA,/data}"
    found["values"]["data"]["root"] = "/elsewhere"
    with pytest.raises(InvalidConfig, match=r"data\.root is not \$\{oc\.env:DATA,/data\}, as its reference says"):
        files.parsed(json.dumps(found).encode(), "run.json")


@pytest.mark.parametrize("part", [{"now": "yesterday"}, {"now": 3}, {"tree": {}}, {"tree": {"/other": 1}}])
def test_an_environment_that_could_not_be_read_again_is_refused(part: dict[str, Any]) -> None:
    """When the file is read, not when a run is about to start. Break: take it as it is."""
    found = json.loads(files.data(made()))
    found["environment"] |= part
    with pytest.raises(InvalidConfig, match="it lacks a part or has one of another shape"):
        files.parsed(json.dumps(found).encode(), "run.json")


@pytest.mark.parametrize("depth", [100, 700, 900])
def test_what_is_nested_too_deeply_is_refused(depth: int) -> None:
    """Also between what our own functions can follow and what the parser can. Break: catch that of the parser alone."""
    deep = '{"a": ' + "[" * depth + "]" * depth + "}"
    content = files.data(made()).replace(b'"hydra": {}', f'"hydra": {deep}'.encode())
    said = ""
    try:
        files.parsed(content, "run.json")
    except InvalidConfig as error:
        said = error.message
    assert said == ("" if depth == 100 else "run.json is no frozen configuration: it is nested too deeply.")


def test_another_layout_of_the_same_json_is_the_same() -> None:
    """Break: places by the order of keys in the file."""
    frozen = made("model.lr=0.5")
    sorted_keys = json.dumps(json.loads(files.data(frozen)), sort_keys=True, indent=4).encode()
    again = files.parsed(sorted_keys, "run.json")
    assert again.origins == frozen.origins
    assert again.digest == frozen.digest


def test_a_mask_is_refused() -> None:
    """Break: a masked value is a text like others."""
    with pytest.raises(InvalidConfig, match=r"run.json: model.token: the value is \*{10}, which stands for a secret"):
        files.parsed(
            edited(
                made(),
                values={"model": {"token": "*" * 10}},
                origins={"sources": [["code", "a"]], "places": ["0*"]},
                environment={"now": None, "tree": {}, "references": []},
            ),
            "run.json",
        )


def test_a_newer_format_asks_for_a_newer_pedigree() -> None:
    """Break: any version is read."""
    with pytest.raises(
        NewerFormat, match="run.json has format 2 of frozen configurations, and this Pedigree reads up to 1"
    ):
        files.parsed(edited(made(), format_version=2), "run.json")
    for version in (True, 0, "1", None):
        with pytest.raises(InvalidConfig, match="its format_version is"):
            files.parsed(edited(made(), format_version=version), "run.json")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "it is no JSON"),
        (b"\xff\xfe", "it is no JSON"),
        (b"[" * 100_000, "it is no JSON"),
        (b'{"a": 1, "a": 2}', "a key stands twice"),
        (b'{"a": NaN}', "NaN is no JSON"),
        (b"[]", "it does not say that its format is pedigree.config"),
        (b'{"model": {"lr": 0.1}}', "it does not say that its format is pedigree.config"),
        (b'{"format": "pedigree.config", "format_version": 1}', "it lacks a part"),
    ],
)
def test_what_is_no_frozen_configuration_is_refused(content: bytes, message: str) -> None:
    """Break: the format is not looked at."""
    with pytest.raises(InvalidConfig, match=r"run\.json is no frozen configuration: ") as caught:
        files.parsed(content, "run.json")
    assert message in caught.value.message


@pytest.mark.parametrize(
    "parts",
    [
        {"values": []},
        {"values": {"!what 1": 1}},
        {"origins": {"sources": [], "places": []}},
        {
            "origins": {
                "sources": [["file", "a"]],
                "places": ["0", "0", "0", "0", "0", "0", "0", "0", "0", "0", "0", "0"],
            }
        },
        {"origins": {"sources": [["file", "a"]], "places": ["1*"]}},
        {"origins": {"sources": [["file", "a"]], "places": ["here*"]}},
        {"overrides": [1]},
        {"choices": []},
        {"interpolations": {"/a": ["${b}", "b"]}},
        {"digest": 1},
    ],
)
def test_parts_of_another_shape_are_refused(parts: dict[str, Any]) -> None:
    """Break: the table of places may be longer than the values."""
    with pytest.raises(
        InvalidConfig, match="run.json is no frozen configuration: it lacks a part or has one of another"
    ):
        files.parsed(edited(made(), **parts), "run.json")


def test_a_target_is_text_and_makes_nothing(tmp_path: Path) -> None:
    """Break: `_target_` imported when read."""
    text = f"_target_: os.mkdir\npath: {tmp_path}/made\n_args_: [1]\n"
    frozen = files.parsed(files.data(freeze(making.composed(("a.yaml", text)))), "a.json")
    assert frozen.as_dict() == frozen.resolved() == {"_target_": "os.mkdir", "path": f"{tmp_path}/made", "_args_": [1]}
    assert not (tmp_path / "made").exists()


def test_a_stranger_can_check_the_digest() -> None:
    """The recipe of docs/formats/config.md, without our code. Break: a new line at the end of the sheet."""
    found = json.loads(files.data(made()))
    references = {one["pointer"]: one["digests"] for one in found["environment"]["references"]}
    lines: list[str] = []

    def walk(value: Any, pointer: str) -> None:
        if references.get(pointer):
            lines.extend(f"{pointer}{below} {digest}" for below, digest in references[pointer].items())
        elif isinstance(value, dict) and value:
            for key, inside in value.items():
                walk(inside, f"{pointer}/{key}")  # no key here has a sign that is spelled in another way
        elif isinstance(value, list) and value:
            for index, inside in enumerate(value):
                walk(inside, f"{pointer}/!{index}")
        else:
            text = json.dumps(value, ensure_ascii=False)
            lines.append(f"{pointer} {blake3(text.encode()).hexdigest()}")

    walk(found["values"], "")
    sheet = "pedigree.config values\n" + "\n".join(sorted(lines))
    assert blake3(sheet.encode()).hexdigest() == found["digest"]


def test_the_page_of_the_format_shows_a_file_as_it_is() -> None:
    """Break: a field that the page does not have."""
    page = (Path(__file__).parents[3] / "docs" / "formats" / "config.md").read_text()
    shown = json.loads(
        "\n".join(line[4:] for line in page.split("\n") if line.startswith("    "))
        .partition("\n    place")[0]
        .partition("place  =")[0]
    )
    found = json.loads(files.data(made()))
    assert list(shown) == list(found)
    for part in ("environment", "origins"):
        assert list(shown[part]) == list(found[part])
    for name in found:
        assert f"`{name}`" in page


def test_places_cost_no_more_than_the_values() -> None:
    """Break: the name of the file at every place."""
    import yaml

    groups = {f"group{group}": {f"leaf{leaf}": leaf for leaf in range(20)} for group in range(100)}
    found = json.loads(files.data(freeze(making.composed(("conf/experiment/large.yaml", yaml.safe_dump(groups))))))
    assert len(json.dumps(found["origins"])) <= len(json.dumps(found["values"], indent=1))


def test_flat_names_are_dotted_and_never_lost() -> None:
    """Break: the later of two equal names wins."""
    frozen = freeze(making.of({"a": {"b": [1, {"c": 2}], "d": {}}, "a.b.0": 3, 1: "x", "1": "y"}))
    assert frozen.flat() == {"a.b.0": 1, "a.b.1.c": 2, "a.d": {}, "/a.b.0": 3, "1": "x", "/1": "y"}
