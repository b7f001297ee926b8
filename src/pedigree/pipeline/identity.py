"""A datum's identity: the digest of all that its result may depend on. What has an equal one is reused.

In it: the command and its settings, environment variables, code, frozen configuration, environment
fingerprint, seed, isolation, cores, and the input files under the names that the step sees.

Not in it, on purpose: where the files came from (repository, branch, commit) and who asked (pipeline, job,
run), so that the same work is never done twice. A step is still told them: PACH_JOB_ID, PACH_DATUM_ID,
PACH_OUTPUT_COMMIT_ID, FILESET_ID, PPS_PIPELINE_NAME, PPS_POD_NAME, PPS_SPEC_COMMIT, `<input>_COMMIT`. They are provenance; a step that
writes them into its output keeps those of the run that computed it. What changes only whether a datum fails
(tries, timeouts, memory, err_cmd) is not in it either, since only good results are reused. Secrets count by
name, never by value.
"""

from __future__ import annotations

from typing import Any

from pedigree import canonical
from pedigree.pipeline.datums import Datum, DatumInput
from pedigree.pipeline.model import Pipeline

#: Part of every identity; raise it when a step is given something else for the same parts.
VERSION = 1


def identity(
    pipeline: Pipeline,
    datum: Datum,
    *,
    code_digest: str,
    environment_digest: str,
    isolation: str,
) -> tuple[str, dict[str, Any]]:
    """The digest, and the parts that it covers, which the datum's record keeps for `explain` to compare."""
    parts = step_parts(
        pipeline,
        code_digest=code_digest,
        environment_digest=environment_digest,
        isolation=isolation,
    )
    return of_datum(parts, datum)


def step_parts(
    pipeline: Pipeline,
    *,
    code_digest: str,
    environment_digest: str,
    isolation: str,
) -> dict[str, Any]:
    """The parts that all datums of a job share; make them once, then `of_datum` for each."""
    transform = pipeline.transform
    limits = pipeline.resource_limits
    return {
        "version": VERSION,
        "command": list(transform.cmd),
        "stdin": list(transform.stdin),
        "accept_return_code": sorted(set(transform.accept_return_code)),
        "working_dir": transform.working_dir,
        "user": transform.user,
        "env": dict(transform.env),
        "secrets": sorted([item.env_var, item.mount_path, item.name, item.key] for item in transform.secrets),
        "code": code_digest,
        "config": pipeline.config_digest,
        "environment": environment_digest,
        "seed": pipeline.seed,
        "network": pipeline.network,
        "isolation": isolation,
        # The number of threads changes the bits of many sums (shared determinism-notes), and cores decide
        # threads.
        "cpu": None if limits is None else limits.cpu,
        "gpu": None if limits is None else limits.gpu,
        "salt": pipeline.salt,
    }


def of_datum(parts: dict[str, Any], datum: Datum) -> tuple[str, dict[str, Any]]:
    """Identity of one datum of a job whose shared parts are `parts`."""
    whole = {**parts, "inputs": [_input(item) for item in datum.inputs]}
    return canonical.digest_of("identity", whole), whole


def _input(item: DatumInput) -> dict[str, Any]:
    seen: dict[str, Any] = {
        "name": item.name,
        "path": item.path,
        "kind": item.kind,
        # A reference input's content is looked at but does not count; its presence and its path do.
        "files": None if item.reference else item.files_digest,
    }
    # The keys are variables that the step can read; flags change what it meets at the path. Absent means the
    # default.
    if item.join_on:
        seen["join_on"] = item.join_on
    if item.group_by:
        seen["group_by"] = item.group_by
    if item.lazy:
        seen["lazy"] = True
    if item.empty_files:
        seen["empty_files"] = True
    return seen
