"""A bill of materials of a commit, CycloneDX 1.6: its files, what it was made from, the packages installed, how, and how good.

Source: the CycloneDX 1.6 specification and its JSON schema. A commit with model weights is a `machine-learning-model` with a model card;
any other is `data`. Written as plain data: the library of CycloneDX is used by the tests, as judge.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pedigree.pipeline.exporting import naming, slsa

if TYPE_CHECKING:
    from pedigree.pipeline.exporting.gathering import Made, Provenance
    from pedigree.pipeline.exporting.metrics import Evaluation
    from pedigree.pipeline.exporting.notes import Notes

#: Files that hold weights, by their endings.
WEIGHTS = (
    ".safetensors",
    ".pt",
    ".pth",
    ".onnx",
    ".h5",
    ".keras",
    ".gguf",
    ".tflite",
    ".pb",
    ".joblib",
    ".skops",
    ".ckpt",
)


def is_model(provenance: Provenance) -> bool:
    return any(file.path.endswith(WEIGHTS) for file in provenance.files)


def bom(provenance: Provenance, evaluation: Evaluation | None, notes: Notes) -> dict[str, Any]:
    """The bill; its serial number is the UUID of the commit and the path."""
    made = provenance.made
    upstream = provenance.upstream
    libraries = [_library(name, version) for name, version in made.distributions]
    recorded = list(_recorded(made))
    found: dict[str, Any] = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{naming.identifier('bom', f'{made.id}/{provenance.path}')}",
        "version": 1,
        "metadata": {
            "timestamp": naming.seconds(made.finished),
            "tools": {"components": [{"type": "application", "name": "pedigree-ml", "purl": naming.PROGRAM}]},
            "component": _root(provenance, evaluation, notes),
        },
        "components": [*(_data(one) for one in upstream), *recorded, *libraries],
        "dependencies": list(_dependencies(provenance, [item["bom-ref"] for item in (*recorded, *libraries)])),
    }
    tasks = [_task(provenance, one) for one in provenance.commits if one.pipeline]
    if tasks:
        workflow = {"bom-ref": "workflow", "uid": made.commit.run, "taskTypes": ["build"], "tasks": tasks}
        found["formulation"] = [{"bom-ref": "formula", "workflows": [workflow]}]
    if provenance.verdict is not None:
        found["declarations"] = _declarations(provenance)
    return found


def _root(provenance: Provenance, evaluation: Evaluation | None, notes: Notes) -> dict[str, Any]:
    made = provenance.made
    found: dict[str, Any] = {
        "type": "machine-learning-model" if is_model(provenance) else "data",
        "bom-ref": made.uri,
        "name": notes.header.get("model_name") or made.commit.repo,
        "version": made.id,
        "components": [
            {
                "type": "file",
                "bom-ref": naming.uri(made.commit.repo, made.id, file.path),
                "name": file.path,
                "hashes": [{"alg": "SHA-256", "content": file.sha256}, {"alg": "BLAKE3", "content": file.blake3}],
                "properties": [_property("bytes", file.size)],
            }
            for file in provenance.files
        ],
        "properties": [_property("tree", made.commit.tree), *_settings(made)],
    }
    if made.description or made.spec:
        found["description"] = made.description or (made.spec or {}).get("description", "")
    licence = notes.header.get("license")
    if isinstance(licence, str):
        found["licenses"] = [{"license": {"name": licence}}]
    if found["type"] == "machine-learning-model":
        found["modelCard"] = _card(provenance, evaluation, notes)
    else:
        found["data"] = [{"type": "dataset", "name": made.commit.repo, "contents": {"url": made.uri}}]
    if not found["components"]:
        del found["components"]
    return found


def _card(provenance: Provenance, evaluation: Evaluation | None, notes: Notes) -> dict[str, Any]:
    parameters: dict[str, Any] = {
        "datasets": [
            {"ref": naming.uri(repo, commit)} for repo, commit in provenance.made.sources if commit in provenance.by_id
        ]
    }
    if isinstance(notes.header.get("pipeline_tag"), str):
        parameters["task"] = notes.header["pipeline_tag"]
    found: dict[str, Any] = {"bom-ref": "model-card", "modelParameters": parameters}
    if evaluation is not None and evaluation.metrics:
        found["quantitativeAnalysis"] = {
            "performanceMetrics": [
                {"type": one.name, "value": one.text} | ({"slice": one.slice} if one.slice else {})
                for one in evaluation.metrics
            ]
        }
        found["properties"] = [_property("evaluation", f"{evaluation.place} ({evaluation.where})")]
    considerations = {
        "useCases": notes.items("Intended Use"),
        "technicalLimitations": notes.items("Caveats and Recommendations"),
        "ethicalConsiderations": [{"name": item} for item in notes.items("Ethical Considerations")],
    }
    considerations = {name: value for name, value in considerations.items() if value}
    return found | ({"considerations": considerations} if considerations else {})


def _data(made: Made) -> dict[str, Any]:
    data: dict[str, Any] = {"type": "dataset", "name": made.commit.repo, "contents": {"url": made.uri}}
    if made.description:
        data["description"] = made.description
    return {
        "type": "data",
        "bom-ref": made.uri,
        "name": made.commit.repo,
        "version": made.id,
        "data": [data],
        "properties": [
            _property("tree", made.commit.tree),
            _property("files", made.files),
            _property("bytes", made.bytes),
        ],
    }


def _recorded(made: Made) -> Iterator[dict[str, Any]]:
    """Code and configuration, under the digests that the store has of them."""
    for kind, data in (("code", "source-code"), ("config", "configuration")):
        digest = made.made_by.get(kind)
        if digest:
            yield {
                "type": "data",
                "bom-ref": f"{kind}:{digest}",
                "name": kind,
                "version": digest,
                "data": [{"type": data, "name": kind}],
            }


def _library(name: str, version: str) -> dict[str, Any]:
    purl = naming.distribution(name, version)
    return {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}


def _settings(made: Made) -> Iterator[dict[str, str]]:
    for name in ("pipeline", "spec", "environment", "isolation", "seed"):
        if made.made_by.get(name) is not None:
            yield _property(name, made.made_by[name])


def _property(name: str, value: Any) -> dict[str, str]:
    return {"name": f"pedigree:{name}", "value": str(value)}


def _dependencies(provenance: Provenance, more: list[str]) -> Iterator[dict[str, Any]]:
    for made in provenance.commits:
        inputs = [one.uri for one in (provenance.by_id.get(commit) for _, commit in made.sources) if one is not None]
        yield {"ref": made.uri, "dependsOn": list(dict.fromkeys([*inputs, *(more if made is provenance.made else [])]))}


def _task(provenance: Provenance, made: Made) -> dict[str, Any]:
    inputs = [
        {"resource": {"ref": naming.uri(repo, commit)}} for repo, commit in made.sources if commit in provenance.by_id
    ]
    command = shlex.join(made.command)
    return {
        "bom-ref": f"task:{made.id}",
        "uid": naming.identifier("job", f"{made.commit.run}/{made.pipeline}"),
        "name": made.pipeline,
        "taskTypes": ["build"],
        "steps": [{"name": made.pipeline, "commands": [{"executed": command}] if command else []}],
        "inputs": inputs,
        "outputs": [{"type": "artifact", "resource": {"ref": made.uri}}],
        "timeStart": naming.seconds(made.commit.started),
        "timeEnd": naming.seconds(made.finished),
    }


def _declarations(provenance: Provenance) -> dict[str, Any]:
    """The verdict as a claim about the commit, with what was found as evidence."""
    verdict = provenance.verdict
    assert verdict is not None
    told = slsa.summary(verdict)
    numbers = f"{verdict['identical']} of {verdict['chosen']} datums identical"
    good = verdict["overall"] == "identical"
    claim: dict[str, Any] = {
        "bom-ref": "claim",
        "target": provenance.made.uri,
        "predicate": "Made again from what is recorded, every file is the same bit for bit",
        "reasoning": "; ".join([f"{told['overall']}: {numbers}", *told["reasons"], *told["notes"]]),
        "evidence" if good else "counterEvidence": ["verdict"],
    }
    evidence = {
        "bom-ref": "verdict",
        "propertyName": "pedigree:verdict",
        "description": f"pedigree verify, version {told['pedigree']}: {told['overall']}, {numbers}",
        "created": told["verifiedOn"],
    }
    return {"claims": [claim], "evidence": [evidence]}
