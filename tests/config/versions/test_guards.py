"""Guards, changelog and schema: what users put into their own tests and pages."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from pedigree.config.versions import (
    Default,
    Drop,
    Family,
    Map,
    Rename,
    changelog,
    check_released,
    check_steps,
    fingerprint,
    released,
    schema_of_all_versions,
)  # fmt: skip
from pedigree.errors import InvalidConfig
from tests.config.versions.models import Closed, ResNetV2, ResNetV3, experiment, resnet


def pair(*operations: Any, default: Any = 1, constraint: int = 0) -> Family:
    """A family whose second version has another default, and lacks `gone`."""
    family = Family("pair", unversioned=1)

    @family.version()
    class One(Closed):
        version: Literal[1] = 1
        kept: int = Field(1, ge=constraint)
        gone: int = 0

    @family.version(*operations)
    class Two(Closed):
        version: Literal[2] = 2
        kept: int = default

    return family


def test_families_that_say_everything_pass() -> None:
    """Break: ignoring what a Default operation states."""
    check_steps(resnet, experiment)
    check_steps(pair(Drop("gone")), pair(Drop("gone"), Default("kept", was=1, now=2), default=2))


@pytest.mark.parametrize(
    ("family", "said"),
    [
        (pair(Drop("gone"), default=2), "pair v1 -> v2: the default of 'kept' changed from 1 to 2"),
        (pair(), "pair v1 -> v2: 'gone' is in v1 and not in v2, and nothing drops it"),
        (pair(Drop("gone"), Default("kept", was=1, now=3), default=2), "says 1 became 3, and in the models 1 became 2"),
        (pair(Drop("gone"), Map("kept", lambda value: 2)), "the default of 'kept' changed from 2 to 1"),
        (pair(Drop("gone"), Map("kept", lambda value: 1 / 0)), "mapping 'kept' failed with ZeroDivisionError"),
    ],
)
def test_a_change_that_no_operation_accounts_for_is_found(family: Family, said: str) -> None:
    """Break: not comparing defaults after the step."""
    with pytest.raises(InvalidConfig) as caught:
        check_steps(family)
    assert said in str(caught.value)


def test_a_required_key_that_old_files_cannot_have_is_found() -> None:
    """Break: looking at defaults only."""
    family = Family("r")

    @family.version()
    class One(Closed):
        version: Literal[1]
        old: int

    @family.version(Rename("old", "new"))
    class Two(Closed):
        version: Literal[2]
        new: int
        more: int

    with pytest.raises(InvalidConfig) as caught:
        check_steps(family)
    assert caught.value.problems == ("r v1 -> v2: 'more' is required in v2, and no file of v1 has it",)  # type: ignore[attr-defined]


def test_a_released_version_cannot_be_edited(tmp_path: Path) -> None:
    """Break: writing a constraint out of the fingerprint."""
    record = tmp_path / "versions.json"
    assert released(record, pair(Drop("gone"))) == ["pair v1", "pair v2"]
    check_released(record, pair(Drop("gone")))
    before = record.read_bytes()
    for edited, said in (
        (pair(Drop("gone"), default=2), "pair v2: kept is `int = 2`, it was `int = 1`"),
        (pair(Drop("gone"), constraint=1), "pair v1: kept is `int Ge(ge=1) = 1`, it was `int Ge(ge=0) = 1`"),
        (pair(), "pair v2: its step is [], it was ['`gone` is gone']"),
    ):
        for guard in (check_released, released):
            with pytest.raises(InvalidConfig) as caught:
                guard(record, edited)
            assert said in str(caught.value)
    assert record.read_bytes() == before
    assert released(record, pair(Drop("gone"))) == []


def test_only_the_newest_version_may_be_without_a_record(tmp_path: Path) -> None:
    """Break: forgetting that v1 was out before v2 was written."""
    record = tmp_path / "versions.json"
    with pytest.raises(InvalidConfig, match="pair v1 is not recorded, and v2 is there already"):
        check_released(record, pair())
    released(record, pair())
    known = json.loads(record.read_text())
    del known["pair"]["2"]
    record.write_text(json.dumps(known))
    check_released(record, pair())
    assert fingerprint(ResNetV3)["new_context"] == "int Ge(ge=128) = 512"


def test_a_fingerprint_is_the_same_in_another_process() -> None:
    """Break: using repr of functions, which has addresses."""
    code = (
        "import json; from typing import Annotated; from pydantic import AfterValidator\n"
        "from tests.config.versions.models import *; from pedigree.config.versions import fingerprint\n"
        "class Checked(ExperimentV2): even: Annotated[int, AfterValidator(lambda value: value)] = 0\n"
        "print(json.dumps(fingerprint(Checked)))"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[3]
        ).stdout
        for _ in range(2)
    }
    assert len(runs) == 1
    assert '"model": "resnet v3"' in runs.pop()


def test_the_changelog_tells_operations_reasons_and_constraints() -> None:
    """Break: leaving out what only the models say."""
    text = changelog(resnet)
    assert text.index("## Version 3") < text.index("## Version 2") < text.index("## Version 1")
    for line in (
        "A file that states no version is one of version 1.",
        "- `context` is now `new_context`.",
        "- the default of `new_context` is now `512`, before `256`; older files without it keep the old one.",
        "- `new_context` is now `int >= 128`, before `int`.",
        "- `debug` is gone (use the logging settings).",
        "- `size` is split into `height`, `width`.",
        "- `context` is new: `int = 256`.",
    ):
        assert line in text.splitlines()


def test_one_schema_tells_versions_apart() -> None:
    """Break: leaving `version` optional, so that an empty file is valid under every version."""
    schema = schema_of_all_versions(resnet)
    assert schema["discriminator"]["mapping"] == {str(n): f"#/$defs/ResNetV{n}" for n in (1, 2, 3)}
    assert [part["$ref"] for part in schema["oneOf"]] == [f"#/$defs/ResNetV{n}" for n in (1, 2, 3)]
    required = {name: "version" in part.get("required", []) for name, part in schema["$defs"].items()}
    assert required == {"ResNetV1": False, "ResNetV2": True, "ResNetV3": True}
    assert schema["$defs"]["ResNetV3"]["properties"]["version"]["const"] == 3
    alone = Family("alone")
    alone.version()(type("Alone", (Closed,), {"__annotations__": {"version": Literal[1]}, "__module__": __name__}))
    assert schema_of_all_versions(alone)["required"] == ["version"]
    assert ResNetV2.model_fields["version"].default == 2


def test_importing_the_package_loads_nothing_heavy() -> None:
    """Break: importing `migrate` eagerly, which brings pydantic."""
    code = "import sys, pedigree.config.versions as v; v.Family; v.Rename; print({'pydantic', 'yaml'} & {*sys.modules})"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


def test_the_changelog_writes_bounds_as_people_do() -> None:
    """Those of Pydantic in a fingerprint are exact and ugly. Break: the text of the fingerprint as it is."""
    family = Family("bounds")

    @family.version()
    class V1(Closed):
        version: Literal[1] = 1
        rate: float
        name: str

    @family.version()
    class V2(Closed):
        version: Literal[2] = 2
        rate: Annotated[float, Field(gt=0, le=1)]
        name: Annotated[str, Field(min_length=3)]
        size: Annotated[int, Field(ge=0)] = 5

    text = changelog(family)
    assert "- `rate` is now `float > 0 <= 1`, before `float`." in text
    assert "- `name` is now `str at least 3 long`, before `str`." in text
    assert "- `size` is new: `int >= 0 = 5`." in text
