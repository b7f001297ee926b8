"""What is, and what is not, in a datum's identity."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pedigree.pipeline import compat, identity
from pedigree.pipeline.datums import Datum, DatumInput, datum_id
from pedigree.pipeline.jobs import DatumRecord
from pedigree.pipeline.model import ConfigSpec, PfsInput, Pipeline, Resources, Secret, Transform

ITEM = DatumInput(
    name="images",
    repo="images",
    branch="master",
    commit="c" * 64,
    path="a.png",
    kind="file",
    files_digest="d" * 64,
    size_bytes=1,
    file_count=1,
    join_on="",
    group_by="",
    outer_join=False,
    lazy=False,
    empty_files=False,
    reference=False,
    tree="e" * 64,
)
PIPELINE = Pipeline("p", Transform(("python", "x.py"), env={"A": "1"}), PfsInput("images", "images"))
SURROUNDINGS: dict[str, Any] = {"code_digest": "1", "environment_digest": "2", "isolation": "bubblewrap"}


def of(pipeline: Pipeline = PIPELINE, item: DatumInput = ITEM, **surroundings: Any) -> str:
    datum = Datum(datum_id([item]), (item,), 0)
    return identity.identity(pipeline, datum, **{**SURROUNDINGS, **surroundings})[0]


TRANSFORM = PIPELINE.transform


@pytest.mark.parametrize(
    "changed",
    [
        lambda: of(replace(PIPELINE, transform=replace(TRANSFORM, cmd=("python", "y.py")))),
        lambda: of(replace(PIPELINE, transform=replace(TRANSFORM, stdin=("x",)))),
        lambda: of(replace(PIPELINE, transform=replace(TRANSFORM, env={"A": "2"}))),
        lambda: of(replace(PIPELINE, transform=replace(TRANSFORM, accept_return_code=(1,)))),
        lambda: of(replace(PIPELINE, transform=replace(TRANSFORM, working_dir="/x"))),
        lambda: of(replace(PIPELINE, transform=replace(TRANSFORM, user="u"))),
        lambda: of(replace(PIPELINE, transform=replace(TRANSFORM, secrets=(Secret("s", env_var="S"),)))),
        lambda: of(replace(PIPELINE, seed=1)),
        lambda: of(replace(PIPELINE, salt="x")),
        lambda: of(replace(PIPELINE, network=True)),
        lambda: of(replace(PIPELINE, resource_limits=Resources(cpu=1.0))),
        lambda: of(code_digest="x"),
        lambda: of(environment_digest="x"),
        lambda: of(isolation="rewriting"),
        lambda: of(replace(PIPELINE, config=ConfigSpec(digest="x"))),
        lambda: of(item=ITEM._replace(name="pictures")),
        lambda: of(item=ITEM._replace(path="b.png")),
        lambda: of(item=ITEM._replace(files_digest="f" * 64)),
        lambda: of(item=ITEM._replace(join_on="k")),
        lambda: of(item=ITEM._replace(group_by="k")),
        lambda: of(item=ITEM._replace(lazy=True)),
        lambda: of(item=ITEM._replace(empty_files=True)),
    ],
)
def test_what_a_result_may_depend_on_changes_the_identity(changed: Any) -> None:
    """Break: leave any one of these parts out of identity.py."""
    assert changed() != of()


@pytest.mark.parametrize(
    "changed",
    [
        lambda: of(replace(PIPELINE, name="q", description="text", parallelism=8, datum_tries=1)),
        lambda: of(replace(PIPELINE, datum_timeout_s=1.0, resource_limits=Resources(memory_bytes=1))),
        lambda: of(replace(PIPELINE, output_branch="staging", reprocess="every_job", base="elsewhere")),
        lambda: of(replace(PIPELINE, transform=replace(TRANSFORM, err_cmd=("true",)))),
        lambda: of(item=ITEM._replace(repo="copy", branch="dev", commit="9" * 64, tree="8" * 64)),
    ],
)
def test_where_it_came_from_and_who_asked_does_not_change_the_identity(changed: Any) -> None:
    """So another branch, pipeline or run reuses the result. Break: put the commit or the name in."""
    assert changed() == of()


def test_a_configuration_counts_by_its_values_not_by_how_they_were_written() -> None:
    """Break: take the whole ConfigSpec for the part."""
    one = of(replace(PIPELINE, config=ConfigSpec(digest="x")))
    assert one == of(
        replace(PIPELINE, config=ConfigSpec("elsewhere", "other", ("a=1",), "m:M", digest="x", frozen="y"))
    )
    assert one != of(replace(PIPELINE, config=ConfigSpec(digest="y")))


def test_a_reference_input_counts_by_its_path_not_its_content() -> None:
    """Break: ignore the flag, or drop the input altogether."""
    item = ITEM._replace(reference=True)
    assert of(item=item) == of(item=item._replace(files_digest="0" * 64))
    assert of(item=item) != of(item=item._replace(path="b.png"))


def test_the_parts_are_plain_json_that_give_the_digest_again() -> None:
    """`explain` compares stored parts, so they must be all there is. Break: hash something beside them."""
    from pedigree import canonical

    digest, parts = identity.identity(PIPELINE, Datum(datum_id([ITEM]), (ITEM,), 0), **SURROUNDINGS)
    assert canonical.digest_of("identity", canonical.decode(canonical.encode(parts))) == digest


def test_secrets_count_by_name_and_no_value_is_ever_known_here() -> None:
    secret = Secret("db", key="password", env_var="DB")
    pipeline = replace(PIPELINE, transform=replace(TRANSFORM, secrets=(secret,)))
    parts = identity.step_parts(pipeline, **SURROUNDINGS)
    assert parts["secrets"] == [["DB", "", "db", "password"]]


def data(files: str, path: str = "a") -> Datum:
    item = ITEM._replace(path=path, files_digest=files * 64)
    return Datum(datum_id([item]), (item,), 0)


def past(datum: Datum, state: str = "processed", files: str = "") -> DatumRecord:
    """What a job made of a datum, or of one of the same id with other files."""
    inputs = tuple({"files": files * 64 or item.files_digest} for item in datum.inputs)
    return DatumRecord(datum.id, "i" * 64, inputs, "t" * 64, state)


def test_pachyderm_skips_what_the_last_good_job_processed_with_equal_content() -> None:
    """Not what changed, failed, was recovered, or is new. Break: take failed datums over."""
    same, changed, failed, recovered, new = now = [data(str(n), f"p{n}") for n in range(5)]
    records = [past(same), past(changed, files="9"), past(failed, "failed"), past(recovered, "recovered")]
    base = {record.datum: record for record in records}
    assert compat.skipped(PIPELINE, now, base, "") == {same.id}
    assert new.id not in base


def test_pachyderm_skips_nothing_for_a_first_job_every_job_or_a_new_salt_but_ignores_code() -> None:
    """Break: look at the command, or leave the salt out."""
    datum = data("1")
    base = {datum.id: past(datum)}
    assert compat.skipped(PIPELINE, [datum], {}, "") == set()
    assert compat.skipped(replace(PIPELINE, reprocess="every_job"), [datum], base, "") == set()
    assert compat.skipped(replace(PIPELINE, salt="new"), [datum], base, "") == set()
    assert compat.skipped(PIPELINE, [datum], base, "old") == set()
    other = replace(PIPELINE, transform=replace(TRANSFORM, cmd=("other",)))
    assert compat.skipped(other, [datum], base, "") == {datum.id}
