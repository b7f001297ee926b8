"""What migrations say of the values that they change, and never say of secrets."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any, Literal

import pytest

from pedigree.config.composing import Sources, compose
from pedigree.config.composing.sources import Files
from pedigree.config.frozen import Frozen, files, freeze
from pedigree.config.models import Config, Secret
from pedigree.config.versions import Family, Map, Split
from pedigree.errors import InvalidConfig

WORD = "hunter2-once-seen"


def frozen(text: str, *operations: Any, overrides: tuple[str, ...] = (), secret: bool = False) -> Frozen:
    family = Family("hub")

    @family.version()
    class One(Config):
        version: Literal[1] = 1
        token: Secret[str] if secret else str  # type: ignore[valid-type]
        place: str = "a"

    @family.version(*operations)
    class Two(Config):
        version: Literal[2] = 2
        token: Secret[str]
        place: str = "a"

    made = compose(
        sources=Sources([Files({"config.yaml": "version: 1\n" + text})]), overrides=overrides, environment={"U": WORD}
    )
    return freeze(made, Two)


@pytest.mark.parametrize("overrides", [(), (f"token={WORD}",)])
def test_a_secret_that_a_migration_replaces_is_in_no_file(overrides: tuple[str, ...]) -> None:
    """The token was written down in version 1. Break: `redact_origins` that looks at overrides alone; an origin that says
    what the value was."""
    found = frozen(f"token: {WORD}\n", Map("token", lambda _: "env:HF_TOKEN"), overrides=overrides)
    assert found.values["token"] == "env:HF_TOKEN"
    assert "hub v1 -> v2 changed it" in found.origins["token"].name
    assert WORD not in files.data(found).decode()
    assert WORD not in repr(found)


def test_a_value_of_the_environment_that_a_migration_leaves_is_in_no_file() -> None:
    """Whatever the key is called, and the field stays a reference.

    Break: `Map` that says every value; a result that is not marked as what the environment gave.
    """
    found = frozen(
        "token: '${oc.env:U}'\nplace: '${oc.env:U}'\n", Map("place", str.strip), Map("token", str), secret=True
    )
    assert (found.values["place"], found.values["token"]) == ("${oc.env:U}", "env:U")
    assert WORD not in files.data(found).decode()
    assert WORD not in repr(found)


def fails(value: Any) -> Any:
    raise ValueError(f"no place {value}")


@pytest.mark.parametrize("function", [fails, lambda value: {1, value}])
@pytest.mark.parametrize("text", ["token: env:T\nplace: '${oc.env:U}'\n", f"token: {WORD}\n"])
def test_a_migration_that_fails_says_no_secret(function: Callable[[Any], Any], text: str) -> None:
    """Nor does a traceback. Break: `raise … from error`, whatever the value."""
    key = "place" if "place" in text else "token"
    for operation in (
        Map(key, function),
        Split(key, (key, "more"), function),
        Split(key, (key, "more"), lambda value: [value]),
    ):
        with pytest.raises(InvalidConfig, match=f"{key}: got a value that is not shown") as caught:
            frozen(text, operation, secret=key == "place")
        assert WORD not in "".join(traceback.format_exception(caught.value))
        assert WORD not in repr(vars(caught.value))


def test_an_old_version_that_refuses_a_secret_does_not_say_it() -> None:
    """Break: `told` that quotes every value."""
    with pytest.raises(InvalidConfig, match="token: Input should be a valid string\n") as caught:
        frozen(f"token: [{WORD}]\n")
    assert WORD not in str(caught.value)
