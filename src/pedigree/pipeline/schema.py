"""The fields of a pipeline spec as people write them: type, meaning, default, and what one machine does.

`spec.py` reads these models to find misspelled fields and docs/reference/spec.md is written from them, so
what is not here is not accepted. Names are snake_case; every field may also be written in camelCase.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator

from pedigree.config import models
from pedigree.store import quantities

#: What happens to a field on one machine.
USED = "used"
RECORDED = "recorded and reported, has no effect"


def _field(default: Any, meaning: str, local: str = USED, *, aliases: tuple[str, ...] = ()) -> Any:
    return Field(default, description=meaning, json_schema_extra={"local": local, "aliases": list(aliases)})


def _needed(meaning: str, local: str = USED, *, aliases: tuple[str, ...] = ()) -> Any:
    return _field(..., meaning, local, aliases=aliases)


def _ignored(meaning: str, *, aliases: tuple[str, ...] = ()) -> Any:
    return _field(None, meaning, RECORDED, aliases=aliases)


def _refused(meaning: str, reason: str, *, aliases: tuple[str, ...] = ()) -> Any:
    return _field(None, meaning, f"refused: {reason}", aliases=aliases)


def _whole(value: Any) -> Any:
    """Pachyderm's JSON has whole numbers as texts, as protobuf writes those of 64 bits; and a template may have made 2.0."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return int(value) if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,18}", value) else value


Whole = Annotated[int, BeforeValidator(_whole)]


class Model(models.Config):
    """What every part of a spec is: unknown fields are refused, and no value is read as another type."""


class PipelineName(Model):
    name: str = _needed("name of the pipeline and of its output repository: letters, digits, _ and -, at most 51")
    project: str | None = _ignored("Pachyderm project; a store holds one project, the name alone counts")

    @field_validator("project", mode="before")
    @classmethod
    def _bare(cls, value: Any) -> Any:
        # `pachctl inspect` and Pachyderm's own parser have {name: ...}, its documentation mostly the bare name.
        return value["name"] if isinstance(value, dict) and value.keys() == {"name"} else value


class Metadata(Model):
    labels: dict[str, str] = _field({}, "free key and value pairs, kept with the pipeline")
    annotations: dict[str, str] = _field({}, "free key and value pairs, kept with the pipeline")


class Secret(Model):
    name: str = _needed("name of the secret; its value is looked up when the step starts and never stored")
    key: str = _field("", "key inside the secret; needed with env_var")
    env_var: str = _field("", "environment variable of the step that gets the value")
    mount_path: str = _field("", "file or folder inside the sandbox that gets the value")


class Transform(Model):
    cmd: list[str] = _needed("the command and its arguments, executed without a shell, once per datum")
    stdin: list[str] = _field([], "lines given to the command's standard input")
    env: dict[str, str] = _field({}, "environment variables of the step")
    secrets: list[Secret] = _field([], "secrets given to the step")
    err_cmd: list[str] = _field([], "command run after each failed try; when it succeeds the datum is `recovered`")
    err_stdin: list[str] = _field([], "lines given to the standard input of err_cmd")
    accept_return_code: list[Whole] = _field([], "exit codes that count as success besides 0")
    working_dir: str = _field("", "working directory; the folder of the step's code when empty")
    user: str = _field(
        "",
        "user name or number that the step is; any name but root has number 1000",
        "used at the levels bubblewrap and unshare",
    )
    image: str | None = _ignored("container image; the step runs in this machine's environment, which is fingerprinted")
    debug: bool | None = _ignored("more of Pachyderm's own logging")
    memory_volume: bool | None = _ignored("temporary folder in memory")
    image_pull_secrets: list[str] | None = _ignored("secrets for the container registry")
    dockerfile: str | None = _ignored("Dockerfile, never read by Pachyderm either")
    datum_batching: bool | None = _refused(
        "one process for many datums", "the step would ask Pachyderm's worker for its next datum"
    )
    build: Any = _refused("1.x build pipeline", "build the image or the environment first, then name the command")


class TriggerSpec(Model):
    branch: str = _field("", "branch that is watched; `master` when empty")
    size: str = _field("", "move when this much was added, decimal units: `100M`")
    commits: Whole = _field(0, "move after so many commits")
    rate_limit_spec: str = _field("", "cron schedule: move at most so often", aliases=("rate",))
    all: bool = _field(False, "demand every condition instead of any")
    cron_spec: str = _field("", "cron schedule: move at its ticks; excludes the other conditions")


class Propagation(Model):
    never: bool = _field(False, "a new commit in this input starts no job; the next job reads it")


class Pfs(Model):
    repo: str = _needed("repository that is read")
    name: str = _field("", "folder under /pfs that the step sees; the repository's name when empty")
    branch: str = _field("", "branch that is read; `master` when empty")
    glob: str = _field("", "pattern that cuts the files into datums: `/` one datum, `/*` one per top-level entry")
    join_on: str = _field("", "key of a join, such as `$1` for the first capture group of the glob")
    outer_join: bool = _field(False, "keep this input's matches when other operands of the join have none")
    group_by: str = _field("", "key of a group, such as `$1`")
    lazy: bool = _field(False, "give files as named pipes that are filled when opened")
    empty_files: bool = _field(False, "give names only, every file empty")
    reference: bool = _field(False, "leave this input's content out of the datum's identity: a change re-runs nothing")
    propagation_spec: Propagation | None = _field(None, "which commits start a job")
    trigger: TriggerSpec | None = _field(None, "read a branch that moves only when these conditions hold")
    project: str | None = _ignored("Pachyderm project of the repository; the repository's name alone counts")
    repo_type: str | None = _ignored("Pachyderm's kind of repository")
    commit: str | None = _refused("fixed commit", "name a branch; `pedigree branch create` points one at any commit")
    s3: bool | None = _refused("input as an S3 bucket", "there is no S3 gateway; the files are under /pfs")


class Cron(Model):
    name: str = _needed("name of the input")
    spec: str = _needed("schedule: five cron fields, `@daily` and the like, `@every 60s`, or `@never`")
    repo: str = _field("", "repository of the ticks; `<pipeline>_<name>` when empty")
    start: str = _field("", "RFC 3339 time from which ticks count; when the pipeline is made if empty")
    overwrite: bool = _field(False, "keep only the newest tick")
    project: str | None = _ignored("Pachyderm project of the repository")
    commit: str | None = _ignored("1.x field set by the server")


class Input(Model):
    """Exactly one of these."""

    pfs: Pfs | None = _field(None, "files of a repository", aliases=("atom",))
    cross: list[Input] | None = _field(None, "every combination of the operands' datums")
    union: list[Input] | None = _field(None, "the datums of all operands, one after another")
    join: list[Input] | None = _field(None, "combinations of files whose join_on keys are equal")
    group: list[Input] | None = _field(None, "one datum per group_by key, with all files of that key")
    cron: Cron | None = _field(None, "ticks of a schedule")
    git: Any = _refused("1.x git hook", "put the repository's files with `pedigree put`", aliases=("githook",))


class Parallelism(Model):
    constant: Whole = _field(1, "datums of this pipeline that run at once")
    coefficient: float | None = _ignored("1.x: workers per node of the cluster")
    strategy: str | None = _ignored("1.x: which of the two counts")


class DatumSet(Model):
    number: Whole = _field(0, "datums that a worker takes at once", "recorded")
    size_bytes: Whole = _field(0, "input bytes that a worker takes at once", "recorded")
    per_worker: Whole = _field(0, "shares that each worker's part is cut into", "recorded")


class Gpu(Model):
    type: str = _field("", "kind of GPU, kept for the record", "recorded")
    number: Whole = _needed("GPUs that the step may see")


class ResourceSpec(Model):
    cpu: float | None = _field(None, "cores: 2, 0.5 or `500m`")
    memory: Whole | None = _field(None, "memory: `512Mi`, `2G`")
    disk: Whole | None = _field(None, "temporary disk space", "recorded")
    gpu: Gpu | Whole | None = _field(None, "GPUs: a number, or type and number")

    @field_validator("cpu", mode="before")
    @classmethod
    def _cores(cls, value: Any) -> Any:
        return quantities.cores(value) if isinstance(value, (str, int, float)) else value

    @field_validator("memory", "disk", mode="before")
    @classmethod
    def _bytes(cls, value: Any) -> Any:
        return quantities.size_bytes(value) if isinstance(value, (str, int, float)) else value


class ObjectStorage(Model):
    url: str = _needed("file:// or s3:// URL")


class EgressSpec(Model):
    url: str = _field("", "file:// or s3:// URL that the output commit's files are written to", aliases=("URL",))
    object_storage: ObjectStorage | None = _field(None, "the same in 2.x spelling")
    sql_database: Any = _refused("rows into an SQL database", "write a file, and load it with a step of its own")


class ServiceSpec(Model):
    internal_port: Whole = _needed("port that the step listens on")
    external_port: Whole = _field(0, "port on this machine; internal_port when 0")
    ip: str = _field("", "recorded for the step", "recorded")
    type: str = _field("", "Kubernetes service type", "recorded")
    annotations: Any = _ignored("Kubernetes annotations")


class SpoutSpec(Model):
    service: ServiceSpec | None = _field(None, "the spout also listens on a port")
    overwrite: bool | None = _ignored("1.x: write over files instead of appending")
    marker: str | None = _ignored("1.x: file kept between restarts")


class Code(Model):
    files: list[str] | Literal["auto"] = _field("auto", "globs of the files that exist for the step, or `auto`")
    include: list[str] = _field([], "globs of files added to those")
    root: str = _field("", "folder that the globs start from, relative to the spec's")


class Config(Model):
    """Composed as Hydra does, checked by the model and frozen when the spec is applied; a mistake is told with its place, and
    nothing changes. An edited file counts from the next `pedigree apply` on; until then `run` and `status` say that it differs.

    The step finds the values in /pfs/.config.yaml, which PEDIGREE_CONFIG names, and as an instance of the model in
    `pedigree.config.current(Model)`. They are part of the identity, and how they were written is not: a comment or a moved
    key runs nothing, a value runs what holds it. `${oc.env:NAME}` reads a variable of `transform.env`. A secret is a field
    `Secret[str]` that says `env:NAME`, with NAME in `transform.secrets`: it is read in the step and stored nowhere.
    """

    directory: str = _field("conf", "folder of the configuration files, relative to the spec's")
    name: str = _field("config", "the file in it that the others are composed into, without its ending")
    overrides: list[str] = _field([], "changes in Hydra's grammar: `training.steps=10`, `model=small`")
    model: str = _field(
        "",
        "class that the values must fit: `package.module:Class`, or `path/to/file.py:Class` relative to the spec's folder",
        "imported by `pedigree apply`, and by nothing else",
    )
    dialect: Literal["hydra-1.3", "hydra-1.4"] = _field("hydra-1.3", "whose rules hold where the two differ")
    search: list[str] = _field([], "further folders, or `pkg://package.folder`, asked after `directory`")


class PipelineSpec(Model):
    pipeline: PipelineName = _needed("name and project")
    transform: Transform = _needed("what runs for each datum")
    input: Input | None = _field(None, "what is read; spouts have none")
    description: str = _field("", "free text")
    metadata: Metadata | None = _field(None, "labels and annotations")
    parallelism_spec: Parallelism | None = _field(
        None, "how many datums run at once; by default as many as the run has workers"
    )
    datum_set_spec: DatumSet | None = _field(
        None, "how datums are dealt to workers", "recorded: a worker takes one datum at a time", aliases=("chunk_spec",)
    )
    datum_timeout: str = _field("", "duration after which a try is stopped and counts as failed; none by default")
    job_timeout: str = _field("", "duration after which the job is stopped; none by default")
    datum_tries: Whole = _field(3, "tries per datum, the first included")
    reprocess_spec: Literal["until_success", "every_job"] = _field(
        "until_success", "`every_job` runs all datums in every job"
    )
    salt: str = _field("", "part of every datum's identity: change it to run everything again")
    output_branch: str = _field("", "branch of the output repository; `master` when empty")
    tag: str = _field(
        "",
        "ours: file of the output whose only line is a name; each commit of a job gets it as a tag, which never moves",
        "no part of the identity; where the name is taken or is none, the job says so and its commit stays",
    )
    egress: EgressSpec | None = _field(None, "where results are also written")
    service: ServiceSpec | None = _field(None, "the command keeps running and answers on a port")
    spout: SpoutSpec | None = _field(None, "the command runs for ever and puts files into its own repository")
    autoscaling: bool = _field(
        False, "no workers while there is no job", "always so: workers are processes", aliases=("standby",)
    )
    resource_requests: ResourceSpec | None = _field(
        None, "resources that the step needs", "recorded", aliases=("resource_spec",)
    )
    resource_limits: ResourceSpec | None = _field(None, "resources that the step may use", "memory and CPU enforced")
    code: Code = _field(
        Code(),
        "ours: which files of the project the step sees; `auto` follows imports, `none`, or a list of globs",
    )
    config: Config | None = _field(
        None,
        "ours: configuration composed and frozen by `pedigree apply`; the step reads it in /pfs/.config.yaml",
        "its values are part of the identity",
    )
    environment: Any = _field(None, "ours: environment that the step runs in", "recorded")
    seed: Whole | None = _field(None, "ours: seed given to the step as PEDIGREE_SEED, part of the identity")
    network: bool = _field(False, "ours: let the step use the network")
    checkpoints: bool = _field(
        False,
        "ours: a writable folder, PEDIGREE_CHECKPOINTS, that outlives a killed or failed try of the same datum",
    )
    s3_out: bool | None = _refused("output through S3", "there is no S3 gateway; write to /pfs/out")
    incremental: bool | None = _refused("1.x: the last output in /pfs/out", "read the last output as an input")
    sidecar_resource_limits: Any = _ignored("limits of Pachyderm's sidecar")
    sidecar_resource_requests: Any = _ignored("needs of Pachyderm's sidecar")
    tolerations: Any = _ignored("Kubernetes tolerations")
    scheduling_spec: Any = _ignored("Kubernetes node selection and priority")
    pod_spec: Any = _ignored("Kubernetes pod settings")
    pod_patch: Any = _ignored("Kubernetes pod patch")
    determined: Any = _ignored("Determined workspaces")
    tf_job: Any = _ignored("Kubeflow job")
    maximum_expected_uptime: Any = _ignored("Pachyderm alert")
    enable_stats: Any = _ignored("1.x: Pedigree always keeps them")
    cache_size: Any = _ignored("1.x: cache of the object store")
    max_queue_size: Any = _ignored("1.x: datums fetched ahead")
    scale_down_threshold: Any = _ignored("1.x: how long workers stay without a job")
    hashtree_spec: Any = _ignored("1.x: shards of the output")
    batch: Any = _ignored("1.x flag")
    spec_commit: Any = _ignored("set by Pachyderm's server")
    update: Any = _ignored("`pedigree apply` always updates")
    reprocess: Any = _ignored("`pedigree run --reprocess` does this")
    dry_run: Any = _ignored("`pedigree apply --dry-run` does this")

    @field_validator("code", mode="before")
    @classmethod
    def _short_code(cls, value: Any) -> Any:
        if value == "auto":
            return {}
        if value == "none":
            return {"files": []}
        return {"files": value} if isinstance(value, list) else value
