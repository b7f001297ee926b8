"""Messages: old files are told what is wrong in their own words, with file, line and column."""

from __future__ import annotations

from typing import Any, Literal

import pytest

from pedigree.config.versions import Add, Family, Map, Rename, Split, load, migrate
from pedigree.errors import InvalidConfig
from tests.config.versions.models import Closed, ExperimentV2, ResNetV2, ResNetV3, given


def message(text: str, model: Any) -> str:
    with pytest.raises(InvalidConfig) as caught:
        load(*given(text, "conf/model/resnet_v2.yaml"), model)
    return str(caught.value)


def test_a_refused_value_is_named_as_the_file_names_it() -> None:
    """Scenario 3. Break: printing the path of the new model."""
    text = "version: 2\nmodel:\n  version: 2\n  context:   64\n"
    assert message(text, ExperimentV2) == (
        "The configuration cannot be migrated from resnet v2 to v3:\n"
        "  model.context: Input should be greater than or equal to 128, got 64\n"
        "      set at conf/model/resnet_v2.yaml:4:14\n"
        "      ('context' is 'new_context' since v3; fix: model.context=... or edit the file)\n"
        "Correct the value where it is set."
    )


def test_a_typo_is_reported_by_the_version_of_the_file() -> None:
    """Break: validating the migrated values only, in names that the file does not have."""
    assert message("version: 2\ncontxt: 3\n", ResNetV3) == (
        "The file is resnet v2, and that version refuses it:\n"
        "  contxt: Extra inputs are not permitted, got 3\n"
        "      set at conf/model/resnet_v2.yaml:2:9\n"
        "      (did you mean 'context'?)\n"
        "Correct the file; it is migrated after that."
    )


def test_a_typo_inside_is_reported_after_the_outer_was_migrated() -> None:
    """Break: forgetting that the outer rename moved the inner model."""
    found = message("version: 1\nnet: {version: 2,\n  contxt: 3}\n", ExperimentV2)
    assert "  net.contxt: Extra inputs" in found
    assert "resnet_v2.yaml:3:11" in found


def test_an_old_default_that_the_new_model_refuses_says_whose_it_is() -> None:
    """Break: naming no place, as no file set it."""
    family = Family("d", unversioned=1)

    @family.version()
    class DefaultV1(Closed):
        version: Literal[1] = 1
        a: int = 1

    @family.version(Rename("a", "b"))
    class DefaultV2(Closed):
        version: Literal[2] = 2
        b: Literal[2] = 2

    found = message("{}", DefaultV2)
    assert "  a: Input should be 2, got 1\n      it is the default of DefaultV1.a, and the file leaves it out" in found
    assert "('a' is 'b' since v2; fix: write the file for v2 and set 'b')" in found


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("version: 4", "version is 4, and this code knows 'resnet' up to version 3: this file is newer than this code"),
        ("version: true", "A version is a whole number such as 3, and the boolean true is none"),
        ("version: one", "and 'one' is none (set at conf/model/resnet_v2.yaml:1:10)"),
    ],
)
def test_versions_that_are_none_or_too_new(text: str, said: str) -> None:
    """Break: taking an unknown version for the newest."""
    assert said in message(text, ResNetV3)


def test_there_is_no_way_back() -> None:
    """Break: calling a known version newer than the code."""
    found = message("version: 3", ResNetV2)
    assert "version is 3, and version 2 is asked for; nothing leads back" in found


def test_a_file_without_a_version_is_refused_unless_somebody_decided() -> None:
    """Break: taking it for the newest."""
    found = message("net: {}", ExperimentV2)
    assert "the configuration states no version of 'experiment'" in found
    assert "Write `version: 2` there" in found
    assert "Family('experiment', unversioned=…)" in found


def _family(*operations: Any) -> Any:
    family = Family("f")
    family.step(1)

    @family.version(*operations)
    class Two(Closed):
        version: Literal[2]
        a: Any = None
        b: Any = None

    return Two


@pytest.mark.parametrize(
    ("operation", "text", "said"),
    [
        (
            Map("a", lambda value: 1 / value),
            "version: 1\na: 0",
            ("f v1 -> v2: mapping 'a' failed with ZeroDivisionError: division by zero.\n"
            "  a: got 0\n      set at conf/model/resnet_v2.yaml:2:4"),
        ),
        (Map("a", lambda _: {1, 2}), "version: 1\na: 0", "mapping 'a' gave {1, 2}, which is no plain value"),
        (Map("a", len), "version: 1\na: ${b}", "an interpolation stands there"),
        (Split("a", ("a", "b"), lambda _: [1]), "version: 1\na: 0", "splitting 'a' gave [1], and 2 values were expected"),
        (Rename("a", "b"), "version: 1\na: 1\nb: 2", "'b' is new in version 2, and the file, which is older, has both it and 'a'"),
        (Add("b", 1), "version: 1\nb: 2", "has it already (set at conf/model/resnet_v2.yaml:2:4)"),
        (Rename("a", "b.c"), "version: 1\na: 1\nb: 2", "b.c cannot be set: b is 2 (set at conf/model/resnet_v2.yaml:3:4)"),
    ],
)  # fmt: skip
def test_a_failing_operation_names_step_key_value_and_place(operation: Any, text: str, said: str) -> None:
    """Break: letting the function's own exception through."""
    assert said in message(text, _family(operation))


def test_a_missing_step_is_named() -> None:
    """Break: skipping versions that nobody declared."""
    family = Family("g")

    @family.version()
    class Three(Closed):
        version: Literal[3]

    assert "No step leads from version 1 of 'g' to version 2." in message("version: 1", Three)


def test_a_versioned_model_without_a_family_takes_its_own_version_only() -> None:
    """Break: ignoring the version where there is no family."""

    class Alone(Closed):
        version: Literal[2]

    assert migrate({"version": "v2"}, None, Alone).values == {"version": 2}
    assert "the model Alone is version 2, and no migration leads there" in message("version: 1", Alone)
    assert "this file is newer than this code" in message("version: 3", Alone)
