"""Editors told which schema is whose: VS Code's settings and lines in the files, with what the user has kept."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from typing import Any

import pytest

from pedigree.config.documents import read
from pedigree.config.schemas import build, jsonc
from pedigree.config.schemas.modelines import mark_files, marked
from pedigree.config.schemas.vscode import edited, map_files, mapping
from tests.config.schemas.lab import Experiment, conf

OURS = "./.schemas/"
WANTED = {"./.schemas/a.json": ["conf/*.yaml"]}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", '{\n    "yaml.schemas": {\n        "./.schemas/a.json": [\n            "conf/*.yaml"\n        ]\n    }\n}\n'),
        ("{}", '{\n    "yaml.schemas": {\n        "./.schemas/a.json": [\n            "conf/*.yaml"\n        ]\n    }\n}'),
        (
            '{\n  // mine\n  "a": 1, // one\n}\n',
            '{\n  // mine\n  "a": 1, // one\n  "yaml.schemas": {\n    "./.schemas/a.json": [\n      "conf/*.yaml"\n    ]\n  }\n}\n',
        ),
        (
            '{\r\n\t"yaml.schemas": {\r\n\t\t"u": "v" // mine, too\r\n\t}\r\n}\r\n',
            '{\r\n\t"yaml.schemas": {\r\n\t\t"u": "v", // mine, too\r\n\t\t"./.schemas/a.json": ["conf/*.yaml"]\r\n\t}\r\n}\r\n',
        ),
        (
            '{"yaml.schemas": {"u": "v"}, "z": [1]}',
            '{"yaml.schemas": {"u": "v",\n        "./.schemas/a.json": ["conf/*.yaml"]\n    }, "z": [1]}',
        ),
        (
            '{\n  "yaml.schemas": {\n    "./.schemas/a.json": "old" /* why */,\n    "u": ["v"]\n  }\n}',
            '{\n  "yaml.schemas": {\n    "./.schemas/a.json": ["conf/*.yaml"] /* why */,\n    "u": ["v"]\n  }\n}',
        ),
        (
            '{\n  "yaml.schemas": {\n    "./.schemas/gone.json": "x",\n    "u": "v", // mine\n    "./.schemas/b.json": "y"\n  }\n}',
            '{\n  "yaml.schemas": {\n    "u": "v", // mine\n    "./.schemas/a.json": ["conf/*.yaml"]\n  }\n}',
        ),
    ],
)  # fmt: skip
def test_settings_keep_what_is_not_ours(before: str, after: str) -> None:
    """Break: write the settings as JSON anew; put the comma behind the comment; leave members of schemas that went."""
    made = edited(before, WANTED, OURS)
    assert made == after
    assert edited(made, WANTED, OURS) == made


def test_nothing_wanted_takes_ours_away(tmp_path: Path) -> None:
    """Break: leave the comma of the member before."""
    before = '{\n  "yaml.schemas": {\n    "u": "v", // kept\n    "./.schemas/a.json": "x"\n  }\n}'
    assert edited(before, {}, OURS) == '{\n  "yaml.schemas": {\n    "u": "v" // kept\n  }\n}'
    assert edited('{"a": 1}', {}, OURS) == '{"a": 1}'


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"a": 1', "line 1: a comma is missing"),
        ('{"a": 1}\n}', "line 2: something stands behind the end"),
        ('{\n"a": 1,\n"a": 2}', "line 3: the key 'a' stands here a second time"),
        ("[]", "the settings are no object"),
        ('{"yaml.schemas": "x"}', "'yaml.schemas' is no object"),
        ("{'a': 1}", "line 1: a key in double quotes is missing"),
        ('{"a": wrong}', "line 1: 'w' begins no value"),
        ('{"a": 01}', "line 1: 01 is no value"),
        ('{"a" 1}', "line 1: a colon is missing"),
        ('{"a":', "line 1: the text ends too early"),
        ('{"a": "b\n"}', "line 1: '\"' begins no value"),
        (
            '{"yaml.schemas": {"./.schemas/old.json": [/* why */]}}',
            "a comment stands where a member has to go",
        ),
        ('{"a": ' + "[" * 300, "line 1: too many brackets inside one another"),
    ],
)
def test_settings_that_cannot_be_kept_are_not_touched(tmp_path: Path, text: str, problem: str) -> None:
    """Break: write in spite of Broken; let the parser take what VS Code does not."""
    path = tmp_path / ".vscode" / "settings.json"
    path.parent.mkdir()
    path.write_text(text)
    schemas = build(Experiment, conf(tmp_path, {"config.yaml": ""}))
    done = map_files(schemas, tmp_path / ".schemas", tmp_path)
    assert (done.changed, done.problem) == (False, f"{path}, {problem}; it is left as it is.")
    assert path.read_text() == text
    assert json.loads(done.wanted) == {"yaml.schemas": {"./.schemas/_primary_.json": ["conf/*.yaml"]}}


def test_settings_are_made_where_there_are_none_and_then_left_alone(tmp_path: Path) -> None:
    """Break: say `changed` whenever they are written."""
    schemas = build(
        Experiment,
        conf(tmp_path, {"config.yaml": "", "model/a.yaml": "", "data/b.yml": ""}),
        suffixes=(".yaml", ".yml"),
    )
    first = map_files(schemas, tmp_path / "tools" / "schemas", tmp_path)
    assert (first.changed, first.problem) == (True, "")
    assert json.loads(first.path.read_text()) == {
        "yaml.schemas": {
            "./tools/schemas/_primary_.json": ["conf/*.yaml", "conf/*.yml"],
            "./tools/schemas/data.json": ["conf/data/*.yaml", "conf/data/*.yml"],
            "./tools/schemas/model.json": ["conf/model/*.yaml", "conf/model/*.yml"],
        }
    }
    first.path.chmod(0o640)
    assert map_files(schemas, tmp_path / "tools" / "schemas", tmp_path).changed is False
    map_files(schemas, tmp_path / "other", tmp_path)
    assert first.path.stat().st_mode & 0o777 == 0o640
    assert [entry.name for entry in first.path.parent.iterdir()] == ["settings.json"]


def test_a_directory_that_is_the_workspace_itself_has_no_prefix(tmp_path: Path) -> None:
    """Break: prefix `./`, which VS Code's globs do not match."""
    folder = conf(tmp_path, {"config.yaml": ""})
    schemas = build(Experiment, folder)
    assert mapping(schemas, folder / ".schemas", folder) == {"./.schemas/_primary_.json": ["*.yaml"]}


def test_any_settings_stay_as_they_are_but_for_ours() -> None:
    """Whatever a user wrote, comments and all. Break: any of the positions that the splice takes off by one."""
    chance = random.Random(11)

    def blank() -> str:
        return "".join(
            chance.choice([" ", "\n  ", '// " { } note\n', "/* , } */", ""]) for _ in range(chance.randrange(3))
        )

    def value(depth: int) -> str:
        kind = chance.randrange(4 if depth < 3 else 2)
        if kind == 0:
            return chance.choice(["1", "true", "null", "-1.5e3"])
        if kind == 1:
            return json.dumps(chance.choice(["x", "// no comment", '}\\"', "é"]))
        if kind == 2:
            return "[" + ",".join(blank() + value(depth + 1) + blank() for _ in range(chance.randrange(3))) + "]"
        return obj({f"k{chance.randrange(99)}": value(depth + 1) for _ in range(chance.randrange(3))})

    def member(key: str, text: str) -> str:
        # Inside of what goes a comment would be lost, and then nothing is written; that is another test's.
        mid = ":" if key.startswith(OURS) else f"{blank()}:{blank()}"
        return f"{blank()}{json.dumps(key)}{mid}{text}{blank()}"

    def obj(members: dict[str, str]) -> str:
        inside = ",".join(member(key, text) for key, text in members.items())
        comma = "," if members and chance.random() < 0.3 else ""
        return "{" + inside + comma + blank() + "}"

    def stripped(text: str) -> Any:
        """A second reader: comments out, trailing commas out, then the standard library."""
        bare = re.sub(r'("(?:[^"\\]|\\.)*")|//[^\n]*|/\*[\s\S]*?\*/', lambda match: match[1] or " ", text)
        bare = re.sub(r'("(?:[^"\\]|\\.)*")|,(?=\s*[}\]])', lambda match: match[1] or "", bare)
        return json.loads(bare)

    for _ in range(400):
        members = {f"s{index}": value(0) for index in range(chance.randrange(4))}
        if chance.random() < 0.7:
            keys = chance.sample(
                ["./.schemas/a.json", "./.schemas/old.json", "./.schemas/older.json", "u", "w"], chance.randrange(6)
            )
            members["yaml.schemas"] = obj({key: '["x", 1]' if key.startswith(OURS) else value(2) for key in keys})
        names = list(members)
        chance.shuffle(names)
        text = blank() + obj({name: members[name] for name in names}) + blank()
        before = stripped(text)
        made = edited(text, WANTED, OURS)
        user = {key: item for key, item in before.get("yaml.schemas", {}).items() if not key.startswith(OURS)}
        assert stripped(made) == {**before, "yaml.schemas": {**user, **WANTED}}
        assert re.findall("note|, } ", made) == re.findall("note|, } ", text)
        assert jsonc.comments(made) == jsonc.comments(text)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"", b"# yaml-language-server: $schema=../.schemas/m.json\n"),
        (b"# @package x\na: 1\n", b"# @package x\n# yaml-language-server: $schema=../.schemas/m.json\na: 1\n"),
        (b"\r\n# @package x\r\n", b"\r\n# @package x\r\n# yaml-language-server: $schema=../.schemas/m.json\r\n"),
        (b"# @package x", b"# @package x\n# yaml-language-server: $schema=../.schemas/m.json\n"),
        (b"# @package x\n\n# note\na: 1\n", b"# @package x\n\n# yaml-language-server: $schema=../.schemas/m.json\n# note\na: 1\n"),
        (b"a: 1\r\nb: 2", b"# yaml-language-server: $schema=../.schemas/m.json\r\na: 1\r\nb: 2"),
        (b"\xef\xbb\xbfa: 1\n", b"\xef\xbb\xbf# yaml-language-server: $schema=../.schemas/m.json\na: 1\n"),
        (b"# note\n#yaml-language-server:$schema=../.schemas/old.json\na: 1\n", b"# note\n# yaml-language-server: $schema=../.schemas/m.json\na: 1\n"),
        (b"# yaml-language-server: $schema=https://else.where/s.json\na: 1\n", None),
        (b"# yaml-language-server: $schema=../mine/s.json\na: 1\n", None),
    ],
)  # fmt: skip
def test_a_line_in_the_head_names_the_schema(before: bytes, after: bytes | None) -> None:
    """Break: add a second line; overwrite the user's own; put it before the byte order mark, or before a
    `# @package`, which then counts for nothing."""
    made = marked(before, "../.schemas/m.json", "../.schemas")
    assert made == after
    if made is not None:
        assert marked(made, "../.schemas/m.json", "../.schemas") == made
        assert (read(made, "f").values, [header[:2] for header in read(made, "f").headers]) == (
            read(before, "f").values,
            [header[:2] for header in read(before, "f").headers],
        )


def test_every_file_with_a_schema_gets_its_line(tmp_path: Path) -> None:
    """Break: name the schema from the directory and not from the file."""
    folder = conf(
        tmp_path,
        {
            "config.yaml": "title: x\n",
            "model/a.yaml": "depth: 1\n",
            "model/b.yaml": "# yaml-language-server: $schema=x.json\n",
        },
    )
    schemas = build(Experiment, folder)
    schemas.write(tmp_path / ".schemas")
    done = mark_files(schemas, tmp_path / ".schemas")
    assert (done.changed, done.kept) == ((folder / "config.yaml", folder / "model/a.yaml"), (folder / "model/b.yaml",))
    for path in done.changed:
        named = path.read_text().partition("=")[2].partition("\n")[0]
        assert (path.parent / named).resolve().is_file()
    assert mark_files(schemas, tmp_path / ".schemas").changed == ()
