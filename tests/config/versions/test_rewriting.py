"""Rewriting files: layout and comments stay, the result is what migrating gives, and what cannot be done is refused."""

from __future__ import annotations

import os
import stat
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pedigree.config.documents import read
from pedigree.config.versions import Add, Default, Family, Map, Rename, migrate, rewrite, rewritten
from pedigree.config.versions.shapes import same
from pedigree.errors import InvalidConfig
from tests.config.versions.layouts import Layout, ThingV2
from tests.config.versions.models import Closed, ExperimentV2, ResNetV3

CASES = int(os.environ.get("PEDIGREE_SPLICES", "400"))


def check_against_oracle(text: str, *, may_refuse: bool) -> None:
    """The rewritten text, read, is the text, read and then migrated; every comment on its own line is still there."""
    data = text.encode()
    try:
        before = read(data, "f.yaml").values
        expected = {key: item for key, item in before.items() if key != "defaults"}
        expected = migrate(expected, None, ThingV2, partial=True).values
    except InvalidConfig:
        return  # what no reader takes and what the step itself refuses is not the splicer's business
    if "defaults" in before:
        expected["defaults"] = before["defaults"]
    refused: InvalidConfig | None = None
    try:
        result = rewritten(data, "f.yaml", ThingV2, partial=True)
    except InvalidConfig as error:
        refused = error
    if refused is not None:
        allowed = ("moved in other words", "alias", "shares its line")
        assert may_refuse or any(reason in refused.message for reason in allowed), f"{refused}\n{text}"
        return
    assert same(read(result.after, "f.yaml").values, expected), text
    after = result.after.decode()
    if text.endswith("\n"):
        assert after.endswith("\n")
    if "\r\n" in text and "\n" not in text.replace("\r\n", ""):
        assert "\n" not in after.replace("\r\n", "")
    if "debug" not in before and not may_refuse:
        lost = own_lines(text) - own_lines(after)
        # A dropped mapping takes along the comments in it.
        assert not lost or "old" in text, (lost, text)


@settings(max_examples=CASES, deadline=None)
@given(st.integers(0, 2**32))
def test_plain_layouts_are_rewritten_to_what_migrating_gives(seed: int) -> None:
    """Nothing is refused but what must be. Break: inserting moved lines without their indentation."""
    check_against_oracle(Layout(Random(seed), plain=True).text(), may_refuse=False)


@settings(max_examples=CASES, deadline=None)
@given(st.integers(0, 2**32))
def test_any_layout_is_rewritten_rightly_or_not_at_all(seed: int) -> None:
    """With aliases, and comments in braces. Break: taking texts, and the last one, without
    comparing what they read as."""
    check_against_oracle(Layout(Random(seed), plain=False).text(), may_refuse=True)


def own_lines(text: str) -> Counter[str]:
    return Counter(line.strip() for line in text.splitlines() if line.strip().startswith(("# note", "#note")))


def resnet(text: str, **options: Any) -> str:
    return rewritten(text.encode(), "m.yaml", ResNetV3, **options).after.decode()


def test_comments_quotes_and_order_stay() -> None:
    """Break: losing the quotes of a key that is renamed."""
    before = (
        "# @package model\n# A small one.\n\nversion: 1   # old\n\n# pixels\n'size': \"28x14\"  # h x w\n"
        "layers:    18\nlr_ms: 50 # ms\n# verbose\ndebug: true # off in CI\n"
    )
    assert resnet(before) == (
        "# @package model\n# A small one.\n\nversion: 3   # old\n\n# pixels\n'height': 28  # h x w\nwidth: 14\n"
        "layers:    18\nlr: 0.05 # ms\nnew_context: 256\n# verbose\n"
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("version: 2\ncontext: ${data.size}", "version: 3\nnew_context: ${data.size}"),
        ("version: 2\r\n", "version: 3\r\nnew_context: 256\r\n"),
        ("version: 2\r\ncontext: ???\r\n", "version: 3\r\nnew_context: ???\r\n"),
        ("\ufeffversion: 2\ncontext: 300\n", "\ufeffversion: 3\nnew_context: 300\n"),
        ("{version: 2, context: 300}\n", "{version: 3, new_context: 300}\n"),
        ("{version: v2}", "{version: 3, new_context: 256}"),
        ("version: 2", "version: 3\nnew_context: 256"),
        ("version: 2\ncontext: &c 300\nlayers: *c\n", "version: 3\nnew_context: &c 300\nlayers: *c\n"),
        ("defaults:\n- _self_\n\nversion: 2\ncontext: 300\n", "defaults:\n- _self_\n\nversion: 3\nnew_context: 300\n"),
        ("# only\ndebug: 1\n# end\n", "# only\n# end\nversion: 3\nnew_context: 256\n"),
        ("version: 3\ncontxt: 1\n", "version: 3\ncontxt: 1\n"),
    ],
)
def test_what_must_survive_survives(before: str, after: str) -> None:
    """Interpolations, `???`, CRLF, byte order mark, braces, no end of line, anchors, defaults lists, unversioned files.

    Break: taking "\\n" for the end of line everywhere.
    """
    partial = "debug: 1" in before
    if partial:
        after = after.replace("new_context: 256\n", "")
    assert resnet(before, partial=partial) == after


def test_moving_between_mappings_takes_comments_along() -> None:
    """Break: leaving the comment above a key that moves."""
    before = b"version: 1\nnet: {version: 3}\n# how long\nepochs: 5  # days\noptimizer:\n    # rate\n    lr: .3\n"
    result = rewritten(before, "e.yaml", ExperimentV2)
    assert result.after.decode() == (
        "version: 2\nmodel: {version: 3}\n\ntraining:\n  # how long\n  epochs: 5  # days\n  optimizer:\n      # rate\n"
        "      lr: .3\n"
    ).replace("\n\n", "\n")


def test_a_model_may_lie_inside_a_file() -> None:
    """`at`. Break: migrating the whole file as the model."""
    before = b"# @package _global_\nseed: 1\nmodel:\n  version: 2\n  context: 300\n"
    result = rewritten(before, "e.yaml", ResNetV3, at="model")
    assert result.after == before.replace(b"version: 2", b"version: 3").replace(b"context", b"new_context")
    assert not rewritten(b"seed: 1\n", "e.yaml", ResNetV3, at="model").changed


def test_a_file_that_states_no_version_may_be_told_one() -> None:
    """Break: writing a version into a file that only overrides some keys."""
    assert resnet("context: 300\n", version=2, partial=True) == "new_context: 300\n"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("base: &b {context: 1}\nmodel:\n  version: 2\n  <<: *b\n", "only through an alias or a merge"),
        ("base: &b {version: 2, context: 1}\nmodel: *b\n", "only through an alias or a merge"),
        ("base: &b 2\nmodel: {version: *b, context: 1}\n", "it is an alias"),
        ("model: {version: !!int 2, context: 1}\n", "it has the tag"),
    ],
)
def test_what_cannot_be_spliced_is_refused_and_says_why(tmp_path: Path, text: str, reason: str) -> None:
    """Break: splicing a value that has a tag."""
    file = tmp_path / "e.yaml"
    file.write_text(text)
    with pytest.raises(InvalidConfig, match=reason):
        rewrite(file, ResNetV3, at="model")
    assert file.read_text() == text
    assert os.listdir(tmp_path) == ["e.yaml"]


def test_a_defaults_list_may_bring_what_is_left_out() -> None:
    """Break: writing the old default over a value that comes from another file."""
    text = "defaults:\n  - base\n  - _self_\nversion: 2\nlayers: 3\n"
    with pytest.raises(InvalidConfig, match=r"leaves out 'new_context'.*defaults list \(m.yaml:2:3\)"):
        resnet(text)
    assert resnet(text, partial=True) == text.replace("version: 2", "version: 3")


def test_an_old_mistake_is_reported_and_nothing_is_written(tmp_path: Path) -> None:
    """Break: rewriting without validating against the file's own version."""
    file = tmp_path / "m.yaml"
    file.write_text("version: 2\ncontxt: 1\n")
    with pytest.raises(InvalidConfig, match="did you mean 'context'"):
        rewrite(file, ResNetV3)
    assert file.read_text() == "version: 2\ncontxt: 1\n"


def test_check_only_says_what_would_change(tmp_path: Path) -> None:
    """Break: writing with check=True."""
    file = tmp_path / "m.yaml"
    file.write_bytes(b"version: 2\ncontext: 300")
    result = rewrite(file, ResNetV3, check=True)
    assert result.changed
    assert file.read_bytes() == b"version: 2\ncontext: 300"
    assert result.diff == (
        f"--- {file}\n+++ {file}\n@@ -1,2 +1,2 @@\n-version: 2\n-context: 300\n\\ No newline at end of file\n"
        "+version: 3\n+new_context: 300\n\\ No newline at end of file\n"
    )


def test_a_file_is_replaced_whole_with_its_mode_and_behind_its_link(tmp_path: Path) -> None:
    """Break: replacing the link by a file."""
    real, link = tmp_path / "real.yaml", tmp_path / "link.yaml"
    real.write_text("version: 2\ncontext: 300\n")
    real.chmod(0o640)
    link.symlink_to(real)
    assert rewrite(link, ResNetV3).changed
    assert real.read_text() == "version: 3\nnew_context: 300\n"
    assert link.is_symlink()
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert len(os.listdir(tmp_path)) == 2
    assert not rewrite(link, ResNetV3).changed


def test_what_somebody_else_writes_meanwhile_stays(tmp_path: Path) -> None:
    """Break: replacing the file without looking at it again."""
    file = tmp_path / "c.yaml"
    file.write_text("a: 1\n")
    family = Family("c", unversioned=1)
    family.step(1)

    @family.version(Map("a", lambda value: file.write_text("a: 5\n") + value))
    class Two(Closed):
        version: Literal[2] = 2
        a: int

    with pytest.raises(InvalidConfig, match="changed by somebody else"):
        rewrite(file, Two)
    assert file.read_text() == "a: 5\n"
    assert os.listdir(tmp_path) == ["c.yaml"]


def test_stale_interpolations_are_noted() -> None:
    """Break: looking at keys only."""
    result = rewritten(b"version: 2\ncontext: 300\nlayers: ${.context}\n", "m.yaml", ResNetV3)
    assert result.notes == ("m.yaml:3:9: ${.context} may mean 'context', which is 'new_context' now",)


def test_an_interpolation_cannot_be_mapped() -> None:
    """Break: handing the text `${...}` to the function."""
    with pytest.raises(InvalidConfig, match="lr_ms' needs the value itself"):
        resnet("version: 1\nlr_ms: ${ms}\n")
    assert "lr: ???" in resnet("version: 1\nlr_ms: ???\n")


def test_values_that_need_care_are_spelled_so_that_they_come_back() -> None:
    """Break: writing text without quotes where it reads as a number."""
    family = Family("s", unversioned=1)
    odd = [
        "1",
        "true",
        "",
        " a",
        "a: b",
        "#",
        "-",
        "null",
        "1e-3",
        "é",
        "a\nb",
        "\u2028",
        "'",
        '"\\',
        "---",
        "*x",
        "v1.0",
    ]
    value = {"texts": odd, "1": [1, 1.5, float("inf"), -0.0, 1e-7, True, None, {}, []], "x": {"y z": {"on": "off"}}}

    @family.version()
    class One(Closed):
        version: Literal[1] = 1
        b: Any = None
        c: Any = None

    @family.version(Add("a", value), Map("b", lambda _: value), Rename("c", "d.e"), Default("b", None, None))
    class Two(Closed):
        version: Literal[2] = 2

    for text in ("b: 1\nc: 2\n", "{b: 1, c: x}", "b: '1'\nc:\n  - 1"):
        after = read(rewritten(text.encode(), "s.yaml", Two, partial=True).after, "s.yaml").values
        assert same(after["a"], value)
        assert same(after["b"], value)


def test_a_value_that_the_new_version_refuses_is_noted() -> None:
    """The file is rewritten all the same: its number tells which names it uses. Break: say nothing; note what is missing
    or is an interpolation."""
    done = rewritten(b"version: 2\ncontext: 100\nlr: ${x}\n", "old.yaml", ResNetV3, partial=True)
    assert b"new_context: 100" in done.after
    assert done.notes == (
        "old.yaml: new_context is 100, which ResNetV3 refuses: Input should be greater than or equal to 128",
    )
    assert rewritten(b"version: 2\ncontext: 128\n", "old.yaml", ResNetV3, partial=True).notes == ()
