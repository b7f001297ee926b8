"""What goes wrong when files are read and composed, by the text of the message. `…` stands for the folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pedigree.config.composing import compose
from pedigree.errors import InvalidConfig, InvalidInput
from tests.config.composing.oracle import write

FILES: dict[str, str | bytes] = {
    "config.yaml": "defaults:\n  - model: resnet\n  - _self_\nlr: 0.1\ntags: [a]\nname: run\nneeded: ok\n",
    "model/resnet.yaml": "layers: 18\nhead: {classes: 10}\n",
    "model/vit.yaml": "layers: 12\n",
    "circle.yaml": "defaults:\n  - step\n",
    "step.yaml": "defaults:\n  - circle\n",
}

#: Overrides, files beside those above, and the message.
CASES: list[tuple[str, list[str], dict[str, str | bytes], str]] = [
    (
        "typing error in a key",
        ["model.layer=3"],
        {},
        (
            "the override model.layer=3: there is no key 'layer' under 'model'.\n"
            "Did you mean 'model.layers'? Keys under 'model': layers, head."
        ),
    ),
    (
        "typing error in a group, from the command line",
        ["modle@x=vit"],
        {},
        "The override modle@x=vit: there is no group 'modle' in ….\nDid you mean 'model'? Correct the name.",
    ),
    (
        "typing error in a group",
        [],
        {"config.yaml": "defaults:\n  - modle: vit\n"},
        "…/config.yaml:2:12: there is no group 'modle' in ….\nDid you mean 'model'? Make the folder, or correct the name.",
    ),
    (
        "typing error in an option",
        ["model=resnt"],
        {},
        (
            "the override model=resnt: there is no option 'resnt' of the group 'model' in ….\n"
            "Did you mean 'resnet'? There are: resnet, vit."
        ),
    ),
    (
        "an option that is a boolean",
        [],
        {"config.yaml": "defaults:\n  - model: yes\n"},
        (
            "…/config.yaml:2:12: the option of 'model' is a name, a list of names or null, and here it is True.\n"
            "Put quotes around it if the file is called so: model: 'True'."
        ),
    ),
    (
        "an option that is a number, from the command line",
        ["model=7"],
        {},
        (
            "The override model=7: an option is the name of a file, a list of names or null.\n"
            "Put quotes around a name that reads as something else: model=\"'NAME'\"."
        ),
    ),
    (
        "no option chosen",
        [],
        {"config.yaml": "defaults:\n  - model: ???\n"},
        "…/config.yaml:2:12: no option of 'model' is chosen.\nGive model=OPTION, one of: resnet, vit.",
    ),
    (
        "an override that matches nothing",
        [],
        {"config.yaml": "defaults:\n  - override model: vit\n"},
        (
            "…/config.yaml:2:21: no defaults list chooses an option of 'model', so none can be overridden.\n"
            "Override one of: none."
        ),
    ),
    (
        "an override before an entry",
        [],
        {"config.yaml": "defaults:\n  - override model: vit\n  - model: resnet\n"},
        (
            "…/config.yaml:2:21: `override model` stands before model: resnet, which is no override.\n"
            "Move the overrides to the end of the defaults list."
        ),
    ),
    (
        "_self_ twice",
        [],
        {"config.yaml": "defaults:\n  - _self_\n  - _self_\n"},
        "…/config.yaml:3:5: `_self_` stands twice in this defaults list.\nKeep the one that belongs.",
    ),
    (
        "a circle of defaults",
        [],
        {"config.yaml": "defaults:\n  - circle\n"},
        (
            "…/step.yaml:2:5: the defaults lists lead back to where they began: circle -> step -> circle.\n"
            "Take one of these entries out."
        ),
    ),
    (
        "a key twice",
        [],
        {"config.yaml": "a: 1\nb: 2\na: 3\n"},
        "…/config.yaml:3:1: the key 'a' stands here a second time; the first is on line 1.\n  a: 3\n  ^\nKeep one of the two.",
    ),
    (
        "a tag that would make an object",
        [],
        {"config.yaml": "a: !!python/object/apply:os.system [id]\n"},
        (
            "…/config.yaml:1:4: the tag !!python/object/apply:os.system asks for more than plain values.\n"
            "  a: !!python/object/apply:os.system [id]\n     ^\n"
            "A configuration holds text, numbers, booleans, null, lists and mappings, and never makes objects."
        ),
    ),
    (
        "bytes that are not UTF-8",
        [],
        {"config.yaml": b"a: 1\nb: caf\xe9\n"},
        "…/config.yaml:2:7: byte 0xe9 is not UTF-8.\nSave the file as UTF-8.",
    ),
    (
        "a lone number",
        [],
        {"config.yaml": "5\n"},
        "…/config.yaml:1:1: a configuration is a mapping of keys to values, and this file holds the value 5.\nCorrect the file.",
    ),
    (
        "a list at the top",
        [],
        {"config.yaml": "- 1\n"},
        (
            "…/config.yaml:1:1: the file holds a list, and the top of a configuration is a mapping.\n"
            "Give the list a key, or the file a package."
        ),
    ),
    (
        "a list over a mapping",
        [],
        {"config.yaml": "defaults:\n  - model: resnet\nmodel:\n  head: [1]\n"},
        (
            "…/config.yaml:4:9: model.head is a list here, and a mapping at …/model/resnet.yaml:2:7.\n"
            "Make them alike, or give one of them another key."
        ),
    ),
    (
        "a value that is missing",
        [],
        {"config.yaml": "defaults:\n  - model: vit\nmodel:\n  width: ???\n"},
        (
            "…/config.yaml:4:10: model.width is still ???.\n"
            "Give a value: model.width=VALUE, or in a file that comes later in the defaults list."
        ),
    ),
    (
        "a key of a number",
        ["lr.x=1"],
        {},
        "the override lr.x=1: lr is 0.1 (set at …/config.yaml:4:5), and has no key 'x'.\nSet it whole: lr=VALUE.",
    ),
    (
        "adding what is there",
        ["+lr=1"],
        {},
        "the override +lr=1: lr is there already, with the value 0.1 from …/config.yaml:4:5.\nChange it: lr=1.",
    ),
    (
        "an index outside the list",
        ["tags.4=b"],
        {},
        "the override tags.4=b: tags has 1 items, and there is none at 4.\nCount from 0, or write tags=append(…).",
    ),
    (
        "deleting another value",
        ["~lr=1"],
        {},
        "the override ~lr=1: lr is 0.1, not 1.\nDelete it whatever it is: ~lr.",
    ),
    (
        "deleting a group that is not chosen",
        ["~model@x"],
        {},
        (
            "the override ~model@x: no defaults list chooses an option of 'model@x'.\n"
            "Did you mean 'model'? Delete a group that is chosen: model."
        ),
    ),
    (
        "several values",
        ["lr=1,2"],
        {},
        (
            "The override lr=1,2: it asks for several values, and one configuration is composed here.\n"
            "Sweep over it, or give one value."
        ),
    ),
    (
        "another suffix",
        [],
        {"config.yaml": "defaults:\n  - model: unet\n", "model/unet.yml": "layers: 1\n"},
        "…/config.yaml:2:12: there is …/model/unet.yml, and a configuration file ends in .yaml.\nRename the file.",
    ),
    (
        "a search path that is none",
        [],
        {"config.yaml": "hydra:\n  searchpath: conf\n"},
        (
            "…/config.yaml:2:15: hydra.searchpath is a list of folders, file://… and pkg://…, and here it is 'conf'.\n"
            "Write a list of texts."
        ),
    ),
]


@pytest.mark.parametrize(("given", "files", "message"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_mistake_is_answered_with_its_place_and_what_to_do(
    given: list[str], files: dict[str, str | bytes], message: str, tmp_path: Path
) -> None:
    write(tmp_path, FILES | files)
    with pytest.raises(InvalidConfig) as caught:
        compose(str(tmp_path), overrides=given)
    assert str(caught.value).replace(str(tmp_path), "…") == message


def test_no_message_advises_a_plus(tmp_path: Path) -> None:
    """An unknown key is a typing error until proven otherwise."""
    write(tmp_path, FILES)
    for given in ("modle.layers=1", "learning=1", "model.x.y=2", "needed.x=1"):
        with pytest.raises(InvalidConfig) as caught:
            compose(str(tmp_path), overrides=[given])
        assert "+" not in str(caught.value)


def test_a_folder_that_is_not_there_is_named_with_its_neighbour(tmp_path: Path) -> None:
    (tmp_path / "conf").mkdir()
    with pytest.raises(InvalidConfig, match=r"There is no folder .*/cnf to compose from.\nDid you mean 'conf'\?"):
        compose(str(tmp_path / "cnf"))
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidConfig, match=r"/file is no folder\."):
        compose(str(tmp_path / "file"))


def test_a_primary_that_is_not_there_lists_those_that_are(tmp_path: Path) -> None:
    write(tmp_path, FILES)
    with pytest.raises(InvalidConfig) as caught:
        compose(str(tmp_path), "confg")
    assert str(caught.value) == (
        f"there is no configuration 'confg' in {tmp_path}.\nDid you mean 'config'? There are: circle, config, step."
    )


def test_a_dialect_that_is_not_there_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"There is no dialect 'hydra-1.5'.\nDid you mean 'hydra-1\.[34]'\?"):
        compose(None, dialect="hydra-1.5")  # type: ignore[arg-type]


def test_a_file_that_multiplies_itself_is_refused_quickly(tmp_path: Path) -> None:
    """Thirty lines that would be a billion values.

    Break: count an alias as one value: the test does not end.
    """
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30)]
    write(tmp_path, {"config.yaml": "\n".join(lines)})
    with pytest.raises(InvalidConfig, match=r"config.yaml:\d+:\d+: the file holds more than 500000 values"):
        compose(str(tmp_path))
    write(tmp_path, {"config.yaml": "a: " + "[" * 200})
    with pytest.raises(InvalidConfig, match="more than 100 containers stand inside one another"):
        compose(str(tmp_path))
    write(tmp_path, {"config.yaml": "[" * 100_000})
    with pytest.raises(InvalidConfig, match="config.yaml:1:1001: exceeded maximum nesting depth"):
        compose(str(tmp_path))


def test_what_is_no_plain_file_is_not_waited_for(tmp_path: Path) -> None:
    """Break: open as `open` does: a pipe that nobody writes to is read for ever."""
    write(tmp_path, FILES)
    os.mkfifo(tmp_path / "model/pipe.yaml")
    os.symlink("/dev/zero", tmp_path / "model/device.yaml")
    os.mkdir(tmp_path / "model/folder.yaml")
    for name in ("pipe", "device"):
        with pytest.raises(InvalidConfig, match=f"/model/{name}.yaml is a pipe or a device, and no file to read."):
            compose(str(tmp_path), overrides=[f"model={name}"])
    with pytest.raises(InvalidConfig, match="there is no option 'folder' of the group 'model'"):
        compose(str(tmp_path), overrides=["model=folder"])


def test_a_name_that_no_file_has_is_not_there(tmp_path: Path) -> None:
    """Break: let the ValueError of `open` through."""
    write(tmp_path, FILES)
    for name in ("a\0b", "\ud800"):
        with pytest.raises(InvalidConfig, match="there is no configuration"):
            compose(str(tmp_path), name)
    with pytest.raises(InvalidConfig, match="there is no option"):
        compose(str(tmp_path), overrides=["model='a\0b'"])


def test_a_target_stays_text(tmp_path: Path) -> None:
    """Nothing is imported or called for a `_target_`."""
    mark = tmp_path / "made"
    write(tmp_path, {"config.yaml": f"run:\n  _target_: os.mkdir\n  _args_: ['{mark}']\n"})
    assert compose(str(tmp_path)).values == {"run": {"_target_": "os.mkdir", "_args_": [str(mark)]}}
    assert not mark.exists()
