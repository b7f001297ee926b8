"""OpenLineage events: START and COMPLETE of every job that a commit came from, in the order in which they ended.

Source: OpenLineage 2-0-2 and the facets named below, in the versions of their schema URLs. A run's id is the UUID
of version 5 of `job:RUN/PIPELINE` (naming.identifier), so sending the events twice says the same thing twice.
"""

from __future__ import annotations

import csv
import shlex
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pedigree.pipeline.exporting import gathering, naming, slsa
from pedigree.pipeline.verifying.verdict import DIFFERENT, IDENTICAL
from pedigree.store import trees

if TYPE_CHECKING:
    from pedigree.pipeline.exporting.gathering import Made, Provenance
    from pedigree.store import Store

_SPEC = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
_FACETS = {
    "DatasetVersionDatasetFacet": "1-0-1",
    "DocumentationDatasetFacet": "1-1-0",
    "DocumentationJobFacet": "1-1-0",
    "ExecutionParametersRunFacet": "1-0-0",
    "InputStatisticsInputDatasetFacet": "1-0-0",
    "JobTypeJobFacet": "2-0-4",
    "OutputStatisticsOutputDatasetFacet": "1-0-2",
    "SchemaDatasetFacet": "1-2-0",
    "SourceCodeJobFacet": "1-0-1",
    "TestRunFacet": "1-0-1",
}

#: So many tables of a commit are described by their columns, each of at most so many bytes.
TABLES, TABLE_BYTES = 20, 4 << 20


def events(store: Store, provenance: Provenance) -> Iterator[dict[str, Any]]:
    """Two events per job; the COMPLETE of the commit that was asked for carries the verdict as a test."""
    jobs = [one for one in provenance.commits if one.pipeline]
    for made in sorted(jobs, key=lambda one: one.finished):  # stable: inputs before what was made of them
        facets = _run(made)
        run = {"runId": naming.identifier("job", f"{made.commit.run}/{made.pipeline}"), "facets": facets}
        job = {"namespace": provenance.namespace, "name": made.pipeline, "facets": _job(made)}
        inputs = [_input(provenance, repo, commit) for repo, commit in made.sources]
        begin = {"producer": naming.PROGRAM, "schemaURL": _SPEC, "run": run, "job": job, "inputs": inputs}
        yield begin | {"eventType": "START", "eventTime": naming.milliseconds(made.commit.started), "outputs": []}
        if made is provenance.made and provenance.verdict is not None:
            run = run | {"facets": facets | {"test": _test(provenance.verdict)}}
        output = _dataset(provenance, made, tables(store, made)) | {
            "outputFacets": {
                "outputStatistics": _facet(
                    "OutputStatisticsOutputDatasetFacet", {"size": made.bytes, "fileCount": made.files}
                )
            }
        }
        yield begin | {
            "eventType": "FAIL" if made.commit.error else "COMPLETE",
            "eventTime": naming.milliseconds(made.finished),
            "run": run,
            "outputs": [output],
        }


def tables(store: Store, made: Made) -> dict[str, list[str]]:
    """Column names of the commit's CSV and TSV files, by path."""
    found: dict[str, list[str]] = {}
    for path, _ in trees.scan(made.commit.tree, store.objects.read):
        if len(found) == TABLES:
            break
        if not path.endswith((".csv", ".tsv")):
            continue
        text = gathering.text_of(store, made, path, TABLE_BYTES)
        row = next(csv.reader((text or "").splitlines(), delimiter="\t" if path.endswith(".tsv") else ","), [])
        if row:
            found[path] = row
    return found


def _facet(name: str, value: Mapping[str, Any]) -> dict[str, Any]:
    url = f"https://openlineage.io/spec/facets/{_FACETS[name]}/{name}.json#/$defs/{name}"
    return {"_producer": naming.PROGRAM, "_schemaURL": url, **value}


def _run(made: Made) -> dict[str, Any]:
    known = {"seed": made.made_by.get("seed"), "config": made.made_by.get("config")}
    if isinstance(made.config, Mapping):
        known |= {f"config.{name}": value for name, value in _flat(made.config)}
    parameters = [{"key": name, "value": str(value)} for name, value in known.items() if value is not None]
    return {
        "executionParameters": _facet("ExecutionParametersRunFacet", {"parameters": parameters}),
        "pedigree_provenance": {
            "_producer": naming.PROGRAM,
            "_schemaURL": naming.BUILD_TYPE,
            "commit": made.id,
            "run": made.commit.run,
            **{
                name: made.made_by.get(name)
                for name in ("spec", "code", "environment", "isolation", "manifest")
                if made.made_by.get(name)
            },
        },
    }


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _flat(item, f"{name}.{key}" if name else str(key))
    else:
        yield name, value


def _job(made: Made) -> dict[str, Any]:
    spec = made.spec or {}
    found = {
        "jobType": _facet("JobTypeJobFacet", {"processingType": "BATCH", "integration": "PEDIGREE", "jobType": "JOB"}),
    }
    if spec.get("description"):
        found["documentation"] = _facet("DocumentationJobFacet", {"description": spec["description"]})
    if spec.get("cmd"):
        source = "\n".join([shlex.join(spec["cmd"]), *spec.get("stdin", ())])
        found["sourceCode"] = _facet("SourceCodeJobFacet", {"language": "sh", "sourceCode": source})
    return found


def _input(provenance: Provenance, repo: str, commit: str) -> dict[str, Any]:
    made = provenance.by_id.get(commit)
    if made is None:  # deleted since: its name is all that is known
        version = _facet("DatasetVersionDatasetFacet", {"datasetVersion": commit})
        return {"namespace": provenance.namespace, "name": repo, "facets": {"version": version}}
    statistics = _facet("InputStatisticsInputDatasetFacet", {"size": made.bytes, "fileCount": made.files})
    return _dataset(provenance, made, {}) | {"inputFacets": {"inputStatistics": statistics}}


def _dataset(provenance: Provenance, made: Made, columns: Mapping[str, list[str]]) -> dict[str, Any]:
    facets = {"version": _facet("DatasetVersionDatasetFacet", {"datasetVersion": made.id})}
    if made.description:
        facets["documentation"] = _facet("DocumentationDatasetFacet", {"description": made.description})
    if columns:
        fields = [
            {"name": path, "type": "table", "fields": [{"name": name} for name in names]}
            for path, names in columns.items()
        ]
        facets["schema"] = _facet("SchemaDatasetFacet", {"fields": fields})
    return {"namespace": provenance.namespace, "name": made.commit.repo, "facets": facets}


def _test(verdict: Mapping[str, Any]) -> dict[str, Any]:
    status = {IDENTICAL: "pass", DIFFERENT: "fail"}.get(verdict["overall"], "skip")
    test = {
        "name": "pedigree verify",
        "status": status,
        "severity": "error",
        "type": "bit_for_bit_rebuild",
        "description": "The datums were made again from what is recorded, and every file compared bit for bit",
        "expected": f"{verdict['total']} datums identical",
        "actual": f"{verdict['identical']} of {verdict['chosen']} datums identical",
        "params": slsa.summary(verdict),
    }
    return _facet("TestRunFacet", {"tests": [test]})
