"""in-toto statements: how a commit was made (SLSA Provenance v1), and what verifying it found (Test Result v0.1).

Sources: in-toto attestation framework, Statement v1 (spec/v1/statement.md); SLSA v1.0, build provenance
(predicateType https://slsa.dev/provenance/v1); in-toto predicate test-result v0.1. What our fields mean is in `buildtype-v1.md`.

A verdict is a Test Result and no Verification Summary: a summary assigns SLSA levels under a policy, which rebuilding a
commit does not; a test that ran on these very files and passed, warned or failed is what a verdict is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pedigree.errors import InvalidInput
from pedigree.pipeline.exporting import naming
from pedigree.pipeline.verifying.verdict import DIFFERENT, IDENTICAL

if TYPE_CHECKING:
    from pedigree.pipeline.exporting.gathering import File, Made, Provenance

STATEMENT = "https://in-toto.io/Statement/v1"
PROVENANCE = "https://slsa.dev/provenance/v1"
TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1"


def statements(provenance: Provenance) -> Iterator[dict[str, Any]]:
    """The statement of provenance and, where there is a verdict on these files, that of the verdict."""
    if not provenance.files:
        raise InvalidInput(
            f"{provenance.reference} holds no files, and a statement must be about some.",
            remedy=f"`pedigree ls {provenance.made.name}` shows what it holds.",
        )
    yield _statement(provenance.files, PROVENANCE, _predicate(provenance))
    judged = provenance.judged()
    if provenance.verdict is not None and judged:
        yield _statement(judged, TEST_RESULT, _result(provenance, provenance.verdict))


def _statement(files: Iterable[File], kind: str, predicate: Mapping[str, Any]) -> dict[str, Any]:
    subjects = [{"name": one.path, "digest": {"sha256": one.sha256, "blake3": one.blake3}} for one in files]
    return {"_type": STATEMENT, "subject": subjects, "predicateType": kind, "predicate": dict(predicate)}


def _predicate(provenance: Provenance) -> dict[str, Any]:
    made = provenance.made
    internal = {
        "isolation": made.made_by.get("isolation", ""),
        "manifest": {"blake3": made.made_by.get("manifest", "")},
        "environment": _environment(made),
    }
    external: dict[str, Any] = {"spec": made.spec or {}, "specDigest": {"pedigree": made.made_by.get("spec", "")}}
    if made.config is not None:
        external["config"] = made.config
    if made.made_by.get("seed") is not None:
        external["seed"] = made.made_by["seed"]
    return {
        "buildDefinition": {
            "buildType": naming.BUILD_TYPE,
            "externalParameters": external,
            "internalParameters": internal,
            "resolvedDependencies": list(_dependencies(provenance)),
        },
        "runDetails": {
            "builder": {"id": naming.PROGRAM},
            "metadata": {
                "invocationId": f"{made.commit.run}/{made.pipeline}",
                "startedOn": naming.seconds(made.commit.started),
                "finishedOn": naming.seconds(made.finished),
            },
        },
    }


def _environment(made: Made) -> dict[str, Any]:
    found: dict[str, Any] = {"fingerprint": made.made_by.get("environment", "")}
    facts = made.facts or {}
    return found | {name: facts[name] for name in ("python", "platform", "variables") if name in facts}


def _dependencies(provenance: Provenance) -> Iterator[dict[str, Any]]:
    """Input commits first, then all that these were made from, code, configuration, and the distributions installed."""
    made = provenance.made
    direct = {item["commit"]: item["name"] for item in made.inputs}
    for item in made.inputs:  # one commit may be several inputs, each under its name
        yield _commit(item["repo"], item["commit"], provenance.by_id.get(item["commit"]), f"input {item['name']}")
    for one in reversed(provenance.upstream):
        if one.id not in direct:
            yield _commit(one.commit.repo, one.id, one, "upstream")
    if made.made_by.get("code"):
        yield {"name": "code", "digest": {"pedigreeCode": made.made_by["code"], "pedigreeTree": _tree(made)}}
    if made.made_by.get("config"):
        yield {"name": "config", "digest": {"pedigreeConfig": made.made_by["config"]}}
    distributions = (made.facts or {}).get("distributions", {})
    for name, version in made.distributions:
        found: dict[str, Any] = {"name": name, "uri": naming.distribution(name, version)}
        # The digest of the installed files as their RECORD lists them, not of an archive.
        files = distributions[name].get("files")
        yield found | ({"digest": {"pedigreeRecord": files}} if files else {})


def _tree(made: Made) -> str:
    return str(made.made_by.get("code_tree") or "")


def _commit(repo: str, identity: str, made: Made | None, name: str) -> dict[str, Any]:
    digest = {"pedigreeCommit": identity}
    if made is not None:
        digest["pedigreeTree"] = made.commit.tree
    return {"name": name, "uri": naming.uri(repo, identity), "digest": digest}


def _result(provenance: Provenance, verdict: Mapping[str, Any]) -> dict[str, Any]:
    """PASSED only where every datum was made again and is identical, upstream too if that was asked for."""
    name = provenance.made.name
    passed, warned, failed = [], [], []
    for one in (*verdict["upstream"], verdict):
        told = f"rebuild {one['repo']}@{one['commit'][:12]}"
        if one["state"] == DIFFERENT:
            failed.append(told)
        elif one["state"] == IDENTICAL and not verdict["sample"]:
            passed.append(told)
        else:
            warned.append(told)
    return {
        "result": "FAILED" if failed else "WARNED" if warned else "PASSED",
        "configuration": [
            {
                "name": f"pedigree verify {name}" + (f":/{verdict['path']}" if verdict["path"] else ""),
                "uri": provenance.made.uri,
                "digest": {
                    "pedigreeCommit": provenance.made.id,
                    "pedigreeSpec": provenance.made.made_by.get("spec", ""),
                },
                "annotations": summary(verdict),
            }
        ],
        "passedTests": passed,
        "warnedTests": warned,
        "failedTests": failed,
    }


def summary(verdict: Mapping[str, Any]) -> dict[str, Any]:
    """A verdict in plain data, without anything that a step printed or wrote."""
    return {
        "state": verdict["state"],
        "overall": verdict["overall"],
        "verifiedOn": naming.seconds(verdict["time"]),
        "pedigree": verdict["version"],
        "isolation": verdict["isolation"],
        "datums": {name: verdict[name] for name in ("total", "chosen", "identical", "different", "unproven")},
        "sample": verdict["sample"],
        "path": verdict["path"],
        "reasons": list(verdict["reasons"]),
        "notes": list(verdict["notes"]),
        "environment": [
            f"{one['kind']} {one['name']}: {one['recorded']} when it was made, {one['present']} when it was verified"
            for one in verdict["environment"]
            if one["kind"] == "environment"  # the hardware is that of somebody's machine
        ],
    }
