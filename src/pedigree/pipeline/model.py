"""A pipeline as the engine knows it: the effective spec, frozen, with every default filled in.

`spec.py` makes these from what people write and is the only judge of it; here nothing is checked twice. This
module imports no pydantic and no YAML, because `pedigree run` loads it on every start.

Law: `Pipeline.from_json(pipeline.to_json()) == pipeline`, and `to_json` holds only what JSON can.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, TypeVar

from pedigree import canonical
from pedigree.errors import NewerFormat

DEFAULT_BRANCH = "master"

Made = TypeVar("Made")

#: Combinations of inputs; a pipeline's input is a tree of these over pfs and cron leaves.
Combination = Literal["cross", "union", "join", "group"]
COMBINATIONS: tuple[Combination, ...] = ("cross", "union", "join", "group")


@dataclass(frozen=True, slots=True)
class Trigger:
    """When the branch that carries it moves to the head of `branch`. Empty fields set no condition.

    `size` is text with decimal units ("100M"); `commits` counts since the last move; `rate` and `cron` are
    schedules. One condition suffices unless `all`.
    """

    branch: str = DEFAULT_BRANCH
    size: str = ""
    commits: int = 0
    rate: str = ""
    cron: str = ""
    all: bool = False


@dataclass(frozen=True, slots=True)
class PfsInput:
    """The files of one branch, cut into datums by `glob`; a step sees them in /pfs/`name`."""

    name: str
    repo: str
    branch: str = DEFAULT_BRANCH
    glob: str = "/"
    join_on: str = ""
    outer_join: bool = False
    group_by: str = ""
    lazy: bool = False
    empty_files: bool = False
    reference: bool = False
    propagate: bool = True
    trigger: Trigger | None = None


@dataclass(frozen=True, slots=True)
class CronInput:
    """Ticks of a schedule: each is an empty file, named by its time, in the branch master of `repo`.

    `start` is an RFC 3339 time, empty for the moment the pipeline was made.
    """

    name: str
    repo: str
    spec: str
    start: str = ""
    overwrite: bool = False

    def files(self) -> PfsInput:
        """The input that a step reads: one datum per tick that the repository holds."""
        return PfsInput(name=self.name, repo=self.repo, glob="/*")


@dataclass(frozen=True, slots=True)
class Combined:
    """Several inputs combined; their order here is that of the spec, the planner sorts them by name."""

    kind: Combination
    inputs: tuple[Input, ...]


Input: TypeAlias = PfsInput | CronInput | Combined


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret that a step is given, as the variable `env_var`, the file `mount_path`, or both."""

    name: str
    key: str = ""
    env_var: str = ""
    mount_path: str = ""


@dataclass(frozen=True, slots=True)
class Transform:
    """What runs for one datum. `cmd` is executed as it is, without a shell; `stdin` are lines given to it."""

    cmd: tuple[str, ...]
    stdin: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[Secret, ...] = ()
    err_cmd: tuple[str, ...] = ()
    err_stdin: tuple[str, ...] = ()
    accept_return_code: tuple[int, ...] = ()
    working_dir: str = ""
    user: str = ""


@dataclass(frozen=True, slots=True)
class DatumSetSpec:
    """How many datums a worker takes at once; 0 leaves it to the engine. `size_bytes` counts input bytes."""

    number: int = 0
    size_bytes: int = 0
    per_worker: int = 0


@dataclass(frozen=True, slots=True)
class Resources:
    """Resources of one running datum; None sets no limit. `cpu` counts cores and may be a fraction."""

    cpu: float | None = None
    memory_bytes: int | None = None
    disk_bytes: int | None = None
    gpu: int | None = None
    gpu_type: str = ""


@dataclass(frozen=True, slots=True)
class Egress:
    """Where the output commit's files are also written once all datums are done: a file:// or s3:// URL."""

    url: str


@dataclass(frozen=True, slots=True)
class Service:
    """A step that keeps running and answers on a port; restarted on each new input commit."""

    internal_port: int
    external_port: int
    ip: str = ""
    type: str = ""


@dataclass(frozen=True, slots=True)
class Spout:
    """A step without input that runs for ever and puts files into its own output repository."""

    service: Service | None = None


@dataclass(frozen=True, slots=True)
class CodeSpec:
    """Which files of the project exist for the step.

    `files` None means automatic: the static closure of the script's local imports. `include` adds globs to
    either. Both are relative to `root`, which is relative to the folder of the spec ("" is that folder).
    """

    files: tuple[str, ...] | None = None
    include: tuple[str, ...] = ()
    root: str = ""


@dataclass(frozen=True, slots=True)
class ConfigSpec:
    """The configuration that the step is given: where it is composed from, and what that came to when it was applied.

    `directory`, `search` and a `model` in a file are relative to the folder of the spec. `digest` is that of the frozen
    values, "" until they are frozen; `frozen` is the record that holds them with their provenance (configs.py).
    """

    directory: str = "conf"
    name: str = "config"
    overrides: tuple[str, ...] = ()
    model: str = ""
    dialect: str = "hydra-1.3"
    search: tuple[str, ...] = ()
    digest: str = ""
    frozen: str = ""


@dataclass(frozen=True, slots=True)
class Pipeline:
    """One pipeline's effective spec. Times in seconds; `base` is the spec's folder relative to the project.

    `parallelism` 0 means as many datums at once as the run has workers.
    `tag` is the path of a file of the output, "" for none (tagging.py).
    `ignored` maps the dotted name of each field that means nothing on one machine to its value (a record).
    """

    name: str
    transform: Transform
    input: Input | None = None
    description: str = ""
    metadata: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    parallelism: int = 0
    datum_set_spec: DatumSetSpec | None = None
    datum_timeout_s: float | None = None
    job_timeout_s: float | None = None
    datum_tries: int = 3
    reprocess: Literal["until_success", "every_job"] = "until_success"
    salt: str = ""
    output_branch: str = DEFAULT_BRANCH
    tag: str = ""
    egress: Egress | None = None
    service: Service | None = None
    spout: Spout | None = None
    autoscaling: bool = False
    resource_requests: Resources | None = None
    resource_limits: Resources | None = None
    code: CodeSpec = CodeSpec()
    seed: int | None = None
    network: bool = False
    checkpoints: bool = False
    environment: Any = None
    config: ConfigSpec | None = None
    base: str = ""
    ignored: Mapping[str, Any] = field(default_factory=dict)

    @property
    def kind(self) -> Literal["transform", "spout", "service"]:
        if self.spout is not None:
            return "spout"
        return "transform" if self.service is None else "service"

    @property
    def digest(self) -> str:
        """Digest of the effective spec: two pipelines with one digest do the same in every respect.

        Where the values of the configuration were written is no part of it: a comment moves lines and changes nothing.
        """
        value = self.to_json()
        if value["config"] is not None:
            del value["config"]["frozen"]
        for name in _LATER:
            if not value[name]:  # a spec that does not use what came later is the spec that it was
                del value[name]
        return canonical.digest_of("pipeline", value)

    @property
    def config_digest(self) -> str | None:
        """Digest of the frozen values of the configuration, None without one."""
        return None if self.config is None else self.config.digest

    def leaves(self) -> Iterator[PfsInput]:
        """Every pfs input, crons as the files of their ticks, in the order of the spec."""
        return (item.files() if isinstance(item, CronInput) else item for item in walk(self.input))

    def crons(self) -> Iterator[CronInput]:
        return (item for item in walk(self.input) if isinstance(item, CronInput))

    def to_json(self) -> dict[str, Any]:
        """The effective spec as JSON values, every field present."""
        value = {name: _plain(getattr(self, name)) for name in self.__slots__}
        value["input"] = None if self.input is None else input_to_json(self.input)
        return value

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Pipeline:
        """The pipeline whose `to_json` this is; fields of older versions get their defaults.

        Raises NewerFormat for a field that this version does not know.
        """
        data = dict(value)
        data["transform"] = _transform(data["transform"])
        if data.get("input") is not None:
            data["input"] = input_from_json(data["input"])
        for name, kind in _PARTS.items():
            if data.get(name) is not None:
                data[name] = _make(kind, data[name])
        if data.get("spout") is not None and data["spout"].service is not None:
            data["spout"] = Spout(service=_make(Service, data["spout"].service))
        if data.get("code") is not None:
            files, include = data["code"].files, data["code"].include
            data["code"] = CodeSpec(
                files=None if files is None else tuple(files), include=tuple(include), root=data["code"].root
            )
        if data.get("config") is not None:
            data["config"] = _config(data["config"])
        return _make(cls, data)


#: Fields that came after stores were written; each is false, empty or None where it is not used.
_LATER = ("checkpoints", "tag")

_PARTS: dict[str, type[Any]] = {
    "datum_set_spec": DatumSetSpec,
    "egress": Egress,
    "service": Service,
    "spout": Spout,
    "resource_requests": Resources,
    "resource_limits": Resources,
    "code": CodeSpec,
}


def walk(node: Input | None) -> Iterator[PfsInput | CronInput]:
    """The leaves of an input tree, left to right."""
    if isinstance(node, Combined):
        for item in node.inputs:
            yield from walk(item)
    elif node is not None:
        yield node


def input_to_json(node: Input) -> dict[str, Any]:
    """An input in the shape people write: one key, which names its kind."""
    if isinstance(node, Combined):
        return {node.kind: [input_to_json(item) for item in node.inputs]}
    return {"cron" if isinstance(node, CronInput) else "pfs": _plain(node)}


def input_from_json(value: Mapping[str, Any]) -> Input:
    """The input whose `input_to_json` this is."""
    ((kind, body),) = value.items()
    if kind == "pfs":
        trigger = body.get("trigger")
        return _make(PfsInput, {**body, "trigger": None if trigger is None else _make(Trigger, trigger)})
    if kind == "cron":
        return _make(CronInput, body)
    if kind not in COMBINATIONS:
        raise _newer("input", kind)
    return Combined(kind, tuple(input_from_json(item) for item in body))


def _transform(value: Mapping[str, Any]) -> Transform:
    data = dict(value)
    for name in ("cmd", "stdin", "err_cmd", "err_stdin", "accept_return_code"):
        data[name] = tuple(data.get(name, ()))
    data["secrets"] = tuple(_make(Secret, item) for item in data.get("secrets", ()))
    return _make(Transform, data)


def _config(value: Any) -> ConfigSpec | None:
    if not isinstance(value, Mapping) or "digest" not in value:
        return None  # before there was this layer, `config` took anything and did nothing
    return _make(
        ConfigSpec, {**value, "overrides": tuple(value.get("overrides", ())), "search": tuple(value.get("search", ()))}
    )


def _make(kind: type[Made], value: Mapping[str, Any]) -> Made:
    unknown = value.keys() - set(getattr(kind, "__slots__", ()))
    if unknown:
        raise _newer(kind.__name__, min(unknown))
    return kind(**value)


def _newer(kind: str, name: str) -> NewerFormat:
    return NewerFormat(
        f"The store holds a pipeline whose {kind} has the field {name!r}, which this version does not know.",
        remedy="Install a newer Pedigree: pip install --upgrade pedigree-ml. Nothing was changed.",
    )


def _plain(value: Any) -> Any:
    # dataclasses.asdict does this too, but copies deeply and takes 5 times as long.
    if isinstance(value, (str, int, float, bool, type(None))):
        return value
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    return {name: _plain(getattr(value, name)) for name in value.__slots__}
