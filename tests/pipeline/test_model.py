"""The effective spec as a value."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pedigree.errors import NewerFormat
from pedigree.pipeline import model
from pedigree.pipeline.model import Combined, CronInput, Input, PfsInput, Pipeline, Transform

TEXT = st.text(max_size=5)
LEAVES: st.SearchStrategy[Input] = st.one_of(
    st.builds(PfsInput, TEXT, TEXT, lazy=st.booleans(), trigger=st.none() | st.builds(model.Trigger, size=TEXT)),
    st.builds(CronInput, TEXT, TEXT, TEXT),
)
INPUTS = st.recursive(
    LEAVES,
    lambda inner: st.builds(Combined, st.sampled_from(model.COMBINATIONS), st.lists(inner, max_size=3).map(tuple)),
    max_leaves=6,
)
SERVICES = st.builds(model.Service, st.integers(0, 9), st.integers(0, 9))
PIPELINES = st.builds(
    Pipeline,
    name=TEXT,
    transform=st.builds(
        Transform,
        st.lists(TEXT).map(tuple),
        env=st.dictionaries(TEXT, TEXT),
        secrets=st.lists(st.builds(model.Secret, TEXT, env_var=TEXT), max_size=2).map(tuple),
        accept_return_code=st.lists(st.integers(0, 255)).map(tuple),
    ),
    input=st.none() | INPUTS,
    datum_set_spec=st.none() | st.builds(model.DatumSetSpec, st.integers(0, 9)),
    datum_timeout_s=st.none() | st.floats(0.1, 9),
    egress=st.none() | st.builds(model.Egress, TEXT),
    service=st.none() | SERVICES,
    spout=st.none() | st.builds(model.Spout, st.none() | SERVICES),
    resource_limits=st.none() | st.builds(model.Resources, st.none() | st.floats(0.1, 9)),
    code=st.builds(model.CodeSpec, st.none() | st.lists(TEXT).map(tuple), st.lists(TEXT).map(tuple)),
    config=st.none() | st.builds(model.ConfigSpec, overrides=st.lists(TEXT).map(tuple), digest=TEXT),
    ignored=st.dictionaries(TEXT, TEXT),
)


@settings(max_examples=100, deadline=None)
@given(PIPELINES)
def test_a_pipeline_is_what_its_json_says(pipeline: Pipeline) -> None:
    """Round trip through real JSON text. Break: leave out the tuple of any list in `from_json`."""
    assert Pipeline.from_json(json.loads(json.dumps(pipeline.to_json()))) == pipeline


@settings(max_examples=50, deadline=None)
@given(PIPELINES, PIPELINES)
def test_equal_digests_mean_equal_pipelines(one: Pipeline, other: Pipeline) -> None:
    """Break: leave a field out of `to_json`."""
    assert (one.digest == other.digest) == (one == other)


def test_where_a_configuration_was_written_is_no_part_of_the_digest() -> None:
    """Break: leave `frozen` in the digest; a comment in a file is then a new version of the pipeline."""
    one, other = (
        Pipeline("p", Transform(("a",)), config=model.ConfigSpec(digest="x", frozen=frozen)) for frozen in "yz"
    )
    assert one != other
    assert one.digest == other.digest


def test_what_config_was_before_it_did_anything_is_nothing() -> None:
    """Break: call it a field of a newer version; the store could then not be used any more."""
    value = Pipeline("p", Transform(("a",))).to_json()
    for old in ({"lr": 0.1}, "text", {"directory": "conf"}):
        assert Pipeline.from_json({**value, "config": old}).config is None
    with pytest.raises(NewerFormat, match="'engine'"):
        Pipeline.from_json({**value, "config": {"digest": "x", "engine": "hydra"}})


def test_a_field_of_a_newer_version_is_refused_not_dropped() -> None:
    """Break: pick the known keys only; a run would then ignore what the field asks for."""
    value = Pipeline("p", Transform(("a",))).to_json()
    with pytest.raises(NewerFormat, match="'shards'"):
        Pipeline.from_json({**value, "shards": 3})
    with pytest.raises(NewerFormat, match="'zip'"):
        Pipeline.from_json({**value, "input": {"zip": []}})


def test_a_field_that_an_older_version_did_not_write_has_its_default() -> None:
    value = Pipeline("p", Transform(("a",))).to_json()
    del value["network"], value["transform"]["user"]
    assert Pipeline.from_json(value) == Pipeline("p", Transform(("a",)))


def test_reading_a_stored_pipeline_loads_neither_pydantic_nor_yaml() -> None:
    """`pedigree run` starts with this import. Break: import spec.py in model.py or in datums.py."""
    code = (
        "import sys; import pedigree.pipeline.model, pedigree.pipeline.datums, pedigree.pipeline.identity;"
        "print(sorted({'pydantic', 'yaml', 'typing_extensions', 'asyncio'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
