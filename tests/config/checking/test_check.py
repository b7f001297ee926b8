"""What a check finds in a directory, where, and in whose words; and that it finds nothing else."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path

import pytest

from pedigree.config.checking import check
from pedigree.config.composing import compose
from pedigree.config.models import validate
from pedigree.errors import InvalidConfig, InvalidInput, NotFound
from tests.config.checking.lab import GOOD, Experiment, conf, lines


def test_a_directory_in_order_has_no_findings(tmp_path: Path) -> None:
    """One for the primary configuration, and one for each other option. Break: compose the product of the groups."""
    report = check(conf(tmp_path, {}), model=Experiment)
    assert lines(report, tmp_path) == []
    assert (report.ok, report.composed, report.files, report.primaries) == (True, 3, 5, ("config",))
    assert report.text == "3 configurations of 5 files checked: nothing found."


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param(
            {"model/vit.yaml": "kind: vit\nhaeds: 3\n"},
            [
                "error model/vit.yaml:1:1 model: model.heads: missing, and has no default",
                "error model/vit.yaml:2:8 model: model.haeds: unknown key",
            ],
            id="an option that no configuration chooses by itself",
        ),
        pytest.param(
            {"data/big.yaml": "classes: 2000\nroot: /big\n"},
            ["error config.yaml model: data.classes and limit do not fit: more classes than the limit"],
            id="an option that does not fit another value",
        ),
        pytest.param(
            {"data/mnist.yaml": "classes: ten\nroot: /data\n"},
            ["error data/mnist.yaml:1:10 model: data.classes: expected a whole number, got the text 'ten'"],
            id="a wrong type, said once for all configurations that have it",
        ),
        pytest.param(
            {"model/vit.yaml": "kind: vit\nheads: ${data.clases}\n", "data/cifar.yaml": "classes: 1\nroot: ${..lrr}\n"},
            [
                "error data/cifar.yaml:2:7 interpolation: data.root: the top has no key 'lrr'",
                "error model/vit.yaml:2:8 interpolation: model.heads: 'data' has no key 'clases'",
            ],
            id="interpolations that lead nowhere",
        ),
        pytest.param(
            {"config.yaml": GOOD["config.yaml"] + "limit: ${no}\nserver: {key: '${nor}'}\n"},
            [
                "error config.yaml:7:8 interpolation: limit: the top has no key 'no'",
                "error config.yaml:8:15 interpolation: server.key: the top has no key 'nor'",
            ],
            id="every interpolation of one configuration, not only the first",
        ),
        pytest.param(
            {"config.yaml": GOOD["config.yaml"] + "limit: ${lr\n"},
            ["error config.yaml:7:8 interpolation: limit: '${' is never closed"],
            id="an interpolation that does not parse",
        ),
        pytest.param(
            {"config.yaml": GOOD["config.yaml"].replace("data: mnist", "data: minst"), "more/a.yaml": "lr: 1\n"},
            ["error config.yaml:3:11 defaults: there is no option 'minst' of the group 'data' in CONF"],
            id="an option that is not there",
        ),
        pytest.param(
            {"model/vit.yaml": "kind: [vit\nheads: 3\n", "old/notes.yaml": "a: 1\na: 2\n"},
            [
                "error model/vit.yaml:2:6 yaml: did not find expected ',' or ']'",
                "error old/notes.yaml:2:1 yaml: the key 'a' stands here a second time; the first is on line 1",
            ],
            id="broken YAML anywhere, used or not",
        ),
        pytest.param(
            {"model/vit.yaml": "defaults: {a: b}\nkind: vit\nheads: 3\n"},
            ["error model/vit.yaml:1:11 defaults: `defaults` is a list, and here it is a mapping"],
            id="a defaults list that is none",
        ),
        pytest.param(
            {"config.yaml": GOOD["config.yaml"] + "server: {token: hunter2, key: hunter3}\n"},
            ["error config.yaml:7:17 secret: server.token: a secret is not written down; say where it is"],
            id="a literal in a secret field",
        ),
        pytest.param(
            {"config.yaml": GOOD["config.yaml"] + "server: {key: hunter3}\n"},
            ["error config.yaml:7:15 secret: server.key: a secret is not written down; say where it is"],
            id="a literal in a secret field of a type that takes it",
        ),
        pytest.param(
            {"modle/alex.yaml": "kind: alexnet\n"},
            [
                "warning modle/alex.yaml unused: no defaults list names the group 'modle'; this file counts only where somebody adds it",
                "error modle/alex.yaml:1:1 model: modle: unknown key",
            ],
            id="a group that nobody names",
        ),
        pytest.param(
            {"experiment/small.yaml": "# @package _global_\ndefaults:\n  - override /model: vit\nlr: small\n"},
            [
                "note experiment/small.yaml unused: no defaults list names the group 'experiment'; this file counts only where somebody adds it",
                "error experiment/small.yaml:4:5 model: lr: expected a number, got the text 'small'",
            ],
            id="a group to be added is added",
        ),
        pytest.param(
            {"model/vit.yml": "kind: vit\n"},
            ["warning model/vit.yml unused: Hydra reads files that end in .yaml, and never this one"],
            id="a suffix that Hydra does not read",
        ),
        pytest.param(
            {"model/vit.yaml": "# @package _group_\nkind: vit\nheads: 3\n"},
            [
                "warning model/vit.yaml:1:1 dialect: '_group_' is a key of this name: since Hydra 1.1 `_group_` and `_name_` mean nothing in a header",
                "error model/vit.yaml:2:1 model: _group_: unknown key",
                "error config.yaml model: model: missing, and has no default",
                "error config.yaml:6:8 interpolation: title: the top has no key 'model'",
            ],
            id="a header of Hydra 1.0",
        ),
        pytest.param(
            {"model/vit.yaml": "defaults:\n  - ../base/b\nkind: vit\nheads: 3\n", "base/b.yaml": "# @package _global_\nlr: 2\n"},
            ["warning model/vit.yaml:2:5 dialect: '../base/b' leads up with `..`, which Hydra 1.4 allows no more"],
            id="a way up, which Hydra 1.4 refuses",
        ),
        pytest.param(
            {
                "config.yaml": GOOD["config.yaml"].replace("data: mnist", "data: real/mnist"),
                "data/real/mnist.yaml": "classes: 10\nroot: /data\n",
            },
            [
                "warning config.yaml:3:11 dialect: the values of `data: real/mnist` go to 'data' in Hydra 1.3 and to 'data.real' in 1.4",
            ],
            id="an option with a slash, which Hydra 1.4 puts elsewhere",
        ),
        pytest.param(
            {"config.yaml": GOOD["config.yaml"].replace("  - _self_\n", "")},
            ["note config.yaml:2:3 dialect: this defaults list does not say where the file's own values come in; they come last"],
            id="no _self_",
        ),
    ],
)  # fmt: skip
def test_what_is_found(tmp_path: Path, files: dict[str, str], expected: list[str]) -> None:
    """Break: stop at the first error; look at primary configurations alone; go by the first interpolation that
    fails; leave a secret of pydantic's own type; say a finding once for each configuration."""
    report = check(conf(tmp_path, files), model=Experiment)
    shown = [line.replace(str(tmp_path), "CONF") for line in lines(report, tmp_path)]
    assert sorted(shown) == sorted(expected)
    assert report.ok is not any(line.startswith("error") for line in expected)


@pytest.mark.parametrize(
    "files",
    [
        pytest.param({"model/vit.yaml": "kind: vit\nheads: ???\n"}, id="a placeholder"),
        pytest.param({"config.yaml": GOOD["config.yaml"] + "limit: ${later}\nlater: ???\n"}, id="what reads one"),
        pytest.param({"model/vit.yaml": "kind: vit\nheads: ${data.classes}\n", "data/cifar.yaml": "classes: ???\nroot: x\n"}, id="in turn"),
        pytest.param({"config.yaml": GOOD["config.yaml"] + "limit: ${data.classes}\n", "data/cifar.yaml": "classes: ${model.depth}\nroot: x\n", "model/resnet.yaml": "kind: resnet\ndepth: ???\n", "model/vit.yaml": "defaults: [resnet]\n"}, id="and again"),
        pytest.param({"config.yaml": GOOD["config.yaml"].replace("  - _self_", "  - optional more: ${model}/x\n  - _self_")}, id="an option to be computed"),
        pytest.param({"config.yaml": GOOD["config.yaml"].replace("model: resnet", "model: ???")}, id="an open option"),
        pytest.param({"config.yaml": GOOD["config.yaml"] + "limit: ${hydra:job.num}\n"}, id="what Hydra knows"),
        pytest.param({"config.yaml": GOOD["config.yaml"] + "server: {token: '${oc.env:HOME}', key: '${oc.env:HOME}'}\n"}, id="secrets named"),
        pytest.param({"config.yaml": GOOD["config.yaml"] + "hydra:\n  run: {dir: x}\n"}, id="settings of Hydra's own"),
        pytest.param({"config.yaml": GOOD["config.yaml"].replace("  - _self_", "  - override hydra/launcher: ray\n  - _self_")}, id="its groups"),
        pytest.param({"hydra/launcher/mine.yaml": "_target_: x\n"}, id="options of its groups"),
        pytest.param({"data/extra/more.yaml": "", "data/cifar.yaml": "defaults:\n  - extra@_here_: more\nclasses: 3\nroot: x\n"}, id="a group that an option names"),
        pytest.param({"config.yaml": GOOD["config.yaml"].replace("defaults:\n", "defaults:\n  - base\n"), "base.yaml": "lr: 2\n"}, id="a file that another names"),
        pytest.param({f"data/{name}.yaml": "classes: 1\nroot: x\n" for name in ("01", "null", "a b", "c=d", "e,f")}, id="options with odd names"),
    ],
)  # fmt: skip
def test_what_is_no_error(tmp_path: Path, files: dict[str, str]) -> None:
    """Break: take `???` for a value; forget what depends on it; ask Hydra's settings of the model; read `01` as a
    number when it is chosen."""
    report = check(conf(tmp_path, files), model=Experiment, environment={"HOME": "/root"})
    assert [line for line in lines(report, tmp_path) if not line.startswith("note")] == []
    assert "extra" not in report.text


def test_variables_and_resolvers_that_are_not_here_are_told_and_no_errors(tmp_path: Path) -> None:
    """Break: ask the environment for more than it has and call it an error; validate what is not known."""
    text = GOOD["config.yaml"] + "limit: ${oc.decode:${oc.env:LIMIT}}\ntitle2: 1\n"
    text = text.replace("title2: 1", "server: {token: '${oc.env:TOKEN}'}").replace("1e-3", "${mine:3}")
    report = check(conf(tmp_path, {"config.yaml": text}), model=Experiment, environment={})
    assert lines(report, tmp_path) == [
        "warning config.yaml:5:5 resolver: lr: there is no resolver 'mine'",
        "note config.yaml:7:8 environment: limit: the environment variable LIMIT is not set",
        "note config.yaml:8:17 environment: server.token: the environment variable TOKEN is not set",
    ]
    assert check(tmp_path, model=Experiment, environment={"LIMIT": "x", "TOKEN": "y"}).of("error")[0].message == (
        "limit: expected a whole number, got what ${oc.decode:${oc.env:LIMIT}} gives"
    )


def test_no_message_holds_what_is_secret(tmp_path: Path) -> None:
    """Break: show the value beside the place."""
    text = GOOD["config.yaml"] + "server: {token: hunter2, key: hunter3}\nlimit: ${oc.env:LIMIT}\n"
    report = check(conf(tmp_path, {"config.yaml": text}), model=Experiment, environment={"LIMIT": "hunter4"})
    assert len(report.of("error")) == 2
    assert "hunter" not in report.text
    assert "hunter" not in json.dumps(report.as_dict())


def test_an_option_that_some_primary_configuration_takes_is_in_order(tmp_path: Path) -> None:
    """Break: hold every option that is to be added against every primary configuration."""
    files = {
        "other.yaml": "defaults:\n  - model: resnet\nlr: 1\n",
        "add/a.yaml": "# @package data\nclasses: 10\nroot: x\n",
    }
    report = check(conf(tmp_path, files), model=Experiment, primaries=["config"])
    assert [line for line in lines(report, tmp_path) if "add/" in line and "error" in line] == []
    report = check(tmp_path, model=Experiment)
    assert report.primaries == ("config", "other")
    assert [line for line in lines(report, tmp_path) if line.startswith("error")] == [
        "error other.yaml model: data: missing, and has no default"
    ]


def test_a_file_is_held_against_the_primary_configuration_that_takes_it_best(tmp_path: Path) -> None:
    """Break: tell what the last one had against it."""
    files = {
        "second.yaml": "defaults: [_self_, model: resnet]\ndata: {classes: 1}\n",
        "add/a.yaml": "# @package _global_\nlr: small\ntitle: ${data.root}\n",
    }
    found = check(conf(tmp_path, files), model=Experiment)
    assert found.primaries == ("config", "second")
    assert lines(found, tmp_path)[1:] == ["error add/a.yaml:2:5 model: lr: expected a number, got the text 'small'"]


def test_an_option_is_varied_under_the_option_that_brings_its_group(tmp_path: Path) -> None:
    """Break: look at the groups of primary configurations alone; vary Hydra's own groups; choose among the options of
    a group that is to be added as if a defaults list named it."""
    files = {
        "config.yaml": GOOD["config.yaml"].replace("  - _self_", "  - hydra/launcher: one\n  - _self_"),
        "hydra/launcher/one.yaml": "a: 1\n",
        "hydra/launcher/two.yaml": "a: ${no}\n",
        "model/vit.yaml": "defaults:\n  - heads@_here_: few\nkind: vit\n",
        "model/heads/few.yaml": "heads: 3\n",
        "model/heads/many.yaml": "heads: lots\n",
        "study/a.yaml": "# @package _global_\nlr: 1\n",
        "study/b.yaml": "# @package _global_\nlr: 2\n",
    }
    report = check(conf(tmp_path, files), model=Experiment)
    (error,) = report.of("error")
    assert error.message == "model.heads: expected a whole number, got the text 'lots'"
    assert error.asked == ("config", "model=vit", "model/heads@model=many")
    # Itself, cifar, vit, vit with many heads, and the two studies.
    assert (report.composed, len(report.findings)) == (6, 3)


def test_a_group_that_a_file_to_be_added_names_is_not_unused(tmp_path: Path) -> None:
    """Break: take the groups in the order of their names."""
    files = {
        "augment/a.yaml": "# @package data\nroot: /augmented\n",
        "study/a.yaml": "# @package _global_\ndefaults:\n  - /augment: a\n",
    }
    found = lines(check(conf(tmp_path, files), model=Experiment), tmp_path)
    assert [line.partition(":")[0] for line in found] == ["note study/a.yaml unused"]


def test_a_group_is_not_unused_where_what_names_it_is_broken(tmp_path: Path) -> None:
    """Break: go on as if the broken configuration named no group."""
    files = {"broken.yaml": "defaults:\n  - model: nope\n  - only: a\n", "only/a.yaml": "x: 1\n"}
    found = lines(check(conf(tmp_path, files), model=Experiment), tmp_path)
    assert [line.partition(": ")[0] for line in found] == ["error broken.yaml:2:12 defaults"]


def test_what_is_unused_of_a_search_path_is_nobodys_business(tmp_path: Path) -> None:
    """Break: ask of every file that is found whether it is used."""
    shared = {"model/vit.yaml": "kind: vit\nheads: few\n", "other/a.yaml": "x: 1\n", "broken/b.yaml": "a: [\n"}
    conf(tmp_path / "shared", shared, {})
    own = {name: text for name, text in GOOD.items() if name != "model/vit.yaml"}
    report = check(conf(tmp_path / "own", {}, own), model=Experiment, search=[str(tmp_path / "shared")])
    assert lines(report, tmp_path) == [
        "error shared/broken/b.yaml:2:1 yaml: did not find expected node content",
        "error shared/model/vit.yaml:2:8 model: model.heads: expected a whole number, got the text 'few'",
    ]


def test_a_mistake_that_many_read_is_one_finding(tmp_path: Path) -> None:
    """Break: keep who reads it in the message."""
    files = {
        "config.yaml": GOOD["config.yaml"] + "limit: ${no}\n",
        "data/cifar.yaml": "classes: ${limit}\nroot: x\n",
        "model/vit.yaml": "kind: vit\nheads: ${limit}\n",
    }
    (found,) = check(conf(tmp_path, files), model=Experiment).findings
    assert found.message == "limit: the top has no key 'no'\n  ${no}\n  ^"


def test_a_finding_says_what_to_do_and_which_configuration_has_it(tmp_path: Path) -> None:
    """Break: leave out the overrides that lead there."""
    report = check(conf(tmp_path, {"model/vit.yaml": "kind: vit\nhaeds: 3\nheads: 2\n"}), model=Experiment)
    (finding,) = report.findings
    assert (finding.asked, finding.remedy) == (("config", "model=vit"), "Did you mean 'heads'?")
    assert report.text == (
        f"{tmp_path}/model/vit.yaml:2:8: error: model.haeds: unknown key\n"
        "    Did you mean 'heads'?\n"
        "    Seen in: config model=vit\n"
        "3 configurations of 5 files checked: 1 error."
    )
    assert json.loads(json.dumps(report.as_dict())) == {
        "directory": str(tmp_path),
        "primaries": ["config"],
        "findings": [
            {
                "severity": "error",
                "kind": "model",
                "file": f"{tmp_path}/model/vit.yaml",
                "line": 2,
                "column": 8,
                "message": "model.haeds: unknown key",
                "remedy": "Did you mean 'heads'?",
                "asked": ["config", "model=vit"],
            }
        ],
        "files": 5,
        "composed": 3,
        "ok": False,
    }


def test_without_a_model_what_needs_none_is_found(tmp_path: Path) -> None:
    """Break: ask for a model."""
    files = {"model/vit.yaml": "kind: vit\nheads: ${no.where}\nanything: 1\n"}
    assert lines(check(conf(tmp_path, files)), tmp_path) == [
        "error model/vit.yaml:2:8 interpolation: model.heads: the top has no key 'no'"
    ]


def test_what_is_not_there_is_refused(tmp_path: Path) -> None:
    """Break: check an empty directory and find nothing."""
    with pytest.raises(InvalidConfig, match="^There is no folder .*nowhere to compose from"):
        check(tmp_path / "nowhere")
    with pytest.raises(NotFound, match="^There is no configuration 'confg' .*\nDid you mean 'config'\\?"):
        check(conf(tmp_path, {}), primaries=["confg"])
    with pytest.raises(InvalidInput, match="^There is no dialect 'hydra-2'"):
        check(tmp_path, dialect="hydra-2")  # type: ignore[arg-type]


def test_hydra_1_4_refuses_a_way_up(tmp_path: Path) -> None:
    """Break: a warning whatever the dialect."""
    files = {
        "model/vit.yaml": "defaults:\n  - ../base/b\nkind: vit\nheads: 3\n",
        "base/b.yaml": "# @package _global_\nlr: 2\n",
    }
    found = check(conf(tmp_path, files), model=Experiment, dialect="hydra-1.4").of("error")
    assert [(one.kind, one.line) for one in found] == [("dialect", 2)]


def test_a_check_finds_errors_exactly_where_composing_and_validating_fails(tmp_path: Path) -> None:
    """Random directories against one `compose` and `validate` for each option. Break: any option left out, any
    configuration composed of other files, a finding of one laid to another."""
    chance = random.Random(5)
    good = {
        "model": ["kind: resnet\n", "kind: vit\nheads: 3\n", "kind: vit\nheads: ${data.classes}\n"],
        "data": ["classes: 10\n", "classes: 3\nroot: ${title}\n", "classes: ${model.depth}\n"],
    }
    bad = {
        "model": ["kind: vit\n", "kind: resnet\ndepth: 0\n", "kind: vit\nheads: ${nothing}\n", "kind: [\n"],
        "data": ["classes: 5000\n", "clases: 3\n", "classes: true\n", "defaults: [x]\nclasses: 1\n"],
    }
    failures = 0
    for number in range(40):
        folder = tmp_path / str(number)
        wrong = chance.random() * 0.3
        files = {
            f"{group}/o{option}.yaml": chance.choice(bad[group] if chance.random() < wrong else good[group])
            for group in good
            for option in range(3)
        }
        conf(folder, {"config.yaml": "defaults:\n  - model: o0\n  - data: o1\n  - _self_\nlr: 1\n", **files}, {})

        def fails(overrides: list[str], folder: Path = folder) -> bool:
            try:
                composed = compose(folder, "config", overrides)
                validate(Experiment, composed.values, composed.origins, interpolations=composed.interpolations)
            except InvalidInput:
                return True
            return False

        points = [[], *([f"{group}=o{option}"] for group in good for option in range(3))]
        expected = [point for point in points if fails(point)]
        report = check(folder, model=Experiment)
        assert report.ok is not bool(expected), (number, report.text)
        failures += bool(expected)
        told = {one.asked[1:] for one in report.of("error")} | {()}
        assert told <= {tuple(point) for point in expected} | {()}
    assert 10 < failures < 40


def test_a_link_that_leads_up_is_not_followed(tmp_path: Path) -> None:
    """Two of them would be followed in every order, 40 deep. Break: list every folder; the test then does not end."""
    folder = conf(tmp_path, {})
    before = check(folder, model=Experiment).findings
    os.symlink("..", folder / "model/up")
    os.symlink(".", folder / "model/here")
    assert check(folder, model=Experiment).findings == before
