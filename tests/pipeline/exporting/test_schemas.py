"""Every format against what its publishers ship to judge it: schemas, protocol buffers, their own readers."""

from __future__ import annotations

import json
from importlib import import_module, resources
from typing import Any

import jsonschema
import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from google.protobuf import json_format
from in_toto_attestation.predicates.provenance.v1 import provenance_pb2
from in_toto_attestation.predicates.test_result.v0 import test_result_pb2
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import Statement
from openlineage.client.generated import base
from prov.model import ProvActivity, ProvDerivation, ProvDocument, ProvEntity

from pedigree.pipeline.exporting import export
from tests.pipeline.exporting.conftest import lines
from tests.pipeline.project import Project

PREDICATES = {
    "https://slsa.dev/provenance/v1": provenance_pb2.Provenance,
    "https://in-toto.io/attestation/test-result/v0.1": test_result_pb2.TestResult,
}

pytestmark = pytest.mark.slow  # the project of conftest.py runs and verifies for some seconds


def exported(project: Project, place: str, kind: str) -> str:
    return export(project.store, place, [kind]).documents[0].data.decode()


@pytest.mark.parametrize("place", ["model@master", "evaluate@master", "parts@master"])
def test_in_toto_statements_are_messages_of_its_protocol(project: Project, place: str) -> None:
    """Each statement and predicate parses with no unknown field, and the package's own check passes.

    Break: write `buildtype` for `buildType`; leave the digests of subjects out.
    """
    found = exported(project, place, "slsa")
    for line, value in zip(found.splitlines(), lines(found), strict=True):
        statement = json_format.Parse(line, statement_pb2.Statement())
        Statement.copy_from_pb(statement).validate()
        json_format.ParseDict(value["predicate"], PREDICATES[value["predicateType"]]())


@pytest.mark.parametrize("place", ["model@master", "model@master:/model", "evaluate@master", "photos@master"])
def test_the_bill_of_materials_fits_the_strict_schema(project: Project, place: str) -> None:
    """CycloneDX's own validator, schema 1.6. Break: name one commit as often as inputs read it (items are unique)."""
    text = exported(project, place, "cyclonedx")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None


def test_references_of_the_bill_lead_somewhere(documents: dict[str, str]) -> None:
    """What the schema cannot say: each ref is that of one component. Break: leave the components of inputs out."""
    bill = json.loads(documents["cyclonedx"])
    root = bill["metadata"]["component"]
    known = [item["bom-ref"] for item in (root, *root["components"], *bill["components"])]
    assert len(known) == len(set(known))
    task = bill["formulation"][0]["workflows"][0]["tasks"][-1]
    used = [item["ref"] for item in bill["dependencies"]]
    used += [one for item in bill["dependencies"] for one in item["dependsOn"]]
    used += [item["ref"] for item in root["modelCard"]["modelParameters"]["datasets"]]
    used += [item["resource"]["ref"] for item in (*task["inputs"], *task["outputs"])]
    used += [claim["target"] for claim in bill["declarations"]["claims"]]
    assert set(used) <= set(known)


def test_prov_json_fits_the_schema_and_its_reader(project: Project, documents: dict[str, str]) -> None:
    """The schema of the W3C submission, and the package `prov`, which keeps it all through a round trip.

    Break: write `wasAssociatedWith` without its activity; give an attribute a list of lists.
    """
    schema = json.loads(resources.files("prov.tests").joinpath("schemas/prov-json.schema.json").read_text())
    for text in (documents["prov"], exported(project, "photos@master", "prov")):
        jsonschema.Draft4Validator(schema).validate(json.loads(text))
    read = ProvDocument.deserialize(content=documents["prov"], format="json")
    assert ProvDocument.deserialize(content=read.serialize(format="json"), format="json") == read
    counted = {kind: len(list(read.get_records(kind))) for kind in (ProvActivity, ProvEntity, ProvDerivation)}
    # parts and model were made, and model verified; model is of parts, parts of photos, the verdict of model
    assert (counted[ProvActivity], counted[ProvDerivation]) == (3, 3)
    assert {str(one.label) for one in read.get_records(ProvEntity)} >= {
        "history.csv",
        "model/weights.safetensors",
        "cannot be rebuilt",
    }


def _made(kind: Any, value: dict[str, Any]) -> Any:
    """The value as the class that OpenLineage generates from its schema: no field may be missing, unknown or malformed."""
    given = {name.lstrip("_"): item for name, item in value.items() if name not in ("schemaURL", "_schemaURL")}
    return kind(**given)


def _facets(found: dict[str, Any], known: dict[str, tuple[str, str]]) -> None:
    for name, facet in found.items():
        if name.startswith("pedigree_"):
            assert facet["_schemaURL"]
            assert facet["_producer"]
            continue
        module, kind = known[name]
        made = _made(getattr(import_module(f"openlineage.client.generated.{module}"), kind), facet)
        assert made._get_schema() == facet["_schemaURL"]


RUN = {
    "executionParameters": ("execution_parameters_run", "ExecutionParametersRunFacet"),
    "test": ("test_run", "TestRunFacet"),
}
JOB = {
    "jobType": ("job_type_job", "JobTypeJobFacet"),
    "documentation": ("documentation_job", "DocumentationJobFacet"),
    "sourceCode": ("source_code_job", "SourceCodeJobFacet"),
}
DATASET = {
    "version": ("dataset_version_dataset", "DatasetVersionDatasetFacet"),
    "documentation": ("documentation_dataset", "DocumentationDatasetFacet"),
    "schema": ("schema_dataset", "SchemaDatasetFacet"),
}
IN = {"inputStatistics": ("input_statistics_input_dataset", "InputStatisticsInputDatasetFacet")}
OUT = {"outputStatistics": ("output_statistics_output_dataset", "OutputStatisticsOutputDatasetFacet")}


@pytest.mark.parametrize("place", ["model@master", "evaluate@master"])
def test_events_are_those_of_open_lineage(project: Project, place: str) -> None:
    """Events and facets, as the classes that OpenLineage generates from its schemas 2-0-2, with their schema URLs.

    Its JSON schemas are in no package. Break: call the facet's field `source_code`; give another facet's schema version;
    a run id that is no UUID.
    """
    for event in lines(exported(project, place, "openlineage")):
        _facets(event["run"]["facets"], RUN)
        _facets(event["job"]["facets"], JOB)
        inputs, outputs = [], []
        for item in event["inputs"]:
            _facets(item["facets"], DATASET)
            _facets(item.get("inputFacets", {}), IN)
            inputs.append(_made(base.InputDataset, item))
        for item in event["outputs"]:
            _facets(item["facets"], DATASET)
            _facets(item["outputFacets"], OUT)
            outputs.append(_made(base.OutputDataset, item))
        whole = event | {
            "run": _made(base.Run, event["run"]),
            "job": _made(base.Job, event["job"]),
            "eventType": base.EventType(event["eventType"]),
            "inputs": inputs,
            "outputs": outputs,
        }
        assert _made(base.RunEvent, whole).schemaURL == event["schemaURL"]
