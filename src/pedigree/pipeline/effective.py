"""The effective spec that a checked spec makes: defaults filled in, units turned into seconds and bytes."""

from __future__ import annotations

from typing import Any

from pedigree.pipeline import model, schema
from pedigree.store import quantities


def build(spec: schema.PipelineSpec, *, base: str, ignored: dict[str, Any]) -> model.Pipeline:
    """The effective spec of one that `check` found nothing against."""
    transform = spec.transform
    metadata = spec.metadata
    chunk = spec.datum_set_spec
    return model.Pipeline(
        name=spec.pipeline.name,
        transform=model.Transform(
            cmd=tuple(transform.cmd),
            stdin=tuple(transform.stdin),
            env=dict(transform.env),
            secrets=tuple(
                model.Secret(item.name, item.key, item.env_var, item.mount_path) for item in transform.secrets
            ),
            err_cmd=tuple(transform.err_cmd),
            err_stdin=tuple(transform.err_stdin),
            accept_return_code=tuple(transform.accept_return_code),
            working_dir=transform.working_dir,
            user=transform.user,
        ),
        input=None if spec.input is None else build_input(spec.input, spec.pipeline.name, {}),
        description=spec.description,
        metadata={}
        if metadata is None
        else {"labels": dict(metadata.labels), "annotations": dict(metadata.annotations)},
        parallelism=0 if spec.parallelism_spec is None else spec.parallelism_spec.constant,
        datum_set_spec=None if chunk is None else model.DatumSetSpec(chunk.number, chunk.size_bytes, chunk.per_worker),
        datum_timeout_s=quantities.duration_s(spec.datum_timeout) if spec.datum_timeout else None,
        job_timeout_s=quantities.duration_s(spec.job_timeout) if spec.job_timeout else None,
        datum_tries=spec.datum_tries,
        reprocess=spec.reprocess_spec,
        salt=spec.salt,
        output_branch=spec.output_branch or model.DEFAULT_BRANCH,
        tag=spec.tag.strip("/"),
        egress=None if spec.egress is None else model.Egress(egress_url(spec.egress)),
        service=_service(spec.service),
        spout=None if spec.spout is None else model.Spout(_service(spec.spout.service)),
        autoscaling=spec.autoscaling,
        resource_requests=_resources(spec.resource_requests),
        resource_limits=_resources(spec.resource_limits),
        code=model.CodeSpec(
            files=None if spec.code.files == "auto" else tuple(spec.code.files),
            include=tuple(spec.code.include),
            root=spec.code.root,
        ),
        seed=spec.seed,
        network=spec.network,
        checkpoints=spec.checkpoints,
        environment=spec.environment,
        config=None if spec.config is None else _config(spec.config),
        base=base,
        ignored=ignored,
    )


def egress_url(egress: schema.EgressSpec) -> str:
    return egress.url or (egress.object_storage.url if egress.object_storage is not None else "")


def _service(service: schema.ServiceSpec | None) -> model.Service | None:
    if service is None:
        return None
    external = service.external_port or service.internal_port
    return model.Service(service.internal_port, external, service.ip, service.type)


def _config(value: schema.Config) -> model.ConfigSpec:
    return model.ConfigSpec(
        value.directory, value.name, tuple(value.overrides), value.model, value.dialect, tuple(value.search)
    )


def _resources(value: schema.ResourceSpec | None) -> model.Resources | None:
    if value is None:
        return None
    gpu = value.gpu
    return model.Resources(
        cpu=value.cpu,
        memory_bytes=value.memory,
        disk_bytes=value.disk,
        gpu=gpu.number if isinstance(gpu, schema.Gpu) else gpu,
        gpu_type=gpu.type if isinstance(gpu, schema.Gpu) else "",
    )


def build_input(node: schema.Input, pipeline: str, triggers: dict[str, int]) -> model.Input:
    if node.cron is not None:
        tick = node.cron
        repo = tick.repo or f"{pipeline}_{tick.name}"
        return model.CronInput(tick.name, repo, tick.spec, tick.start, tick.overwrite)
    if node.pfs is not None:
        pfs = node.pfs
        trigger = None
        branch = pfs.branch
        if pfs.trigger is not None:
            given = pfs.trigger
            trigger = model.Trigger(
                given.branch or model.DEFAULT_BRANCH,
                given.size,
                given.commits,
                given.rate_limit_spec,
                given.cron_spec,
                given.all,
            )
            if not branch:
                # Pachyderm's name for the branch that a trigger moves, counted per repository from 1.
                triggers[pfs.repo] = triggers.get(pfs.repo, 0) + 1
                branch = f"{pipeline}-trigger-{triggers[pfs.repo]}"
        return model.PfsInput(
            name=pfs.name or pfs.repo,
            repo=pfs.repo,
            branch=branch or model.DEFAULT_BRANCH,
            glob=pfs.glob,
            join_on=pfs.join_on,
            outer_join=pfs.outer_join,
            group_by=pfs.group_by,
            lazy=pfs.lazy,
            empty_files=pfs.empty_files,
            reference=pfs.reference,
            propagate=pfs.propagation_spec is None or not pfs.propagation_spec.never,
            trigger=trigger,
        )
    for kind in model.COMBINATIONS:
        operands = getattr(node, kind)
        if operands is not None:
            return model.Combined(kind, tuple(build_input(item, pipeline, triggers) for item in operands))
    raise AssertionError("check() lets no empty input through")
