"""What the fields of one spec must be together, beyond the type of each."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from pedigree.errors import InvalidInput
from pedigree.pipeline import account, inputs, model, schema
from pedigree.pipeline.effective import build_input, egress_url
from pedigree.pipeline.spelling import Path
from pedigree.store import cron, globs, paths, quantities

#: (path of the field, what is wrong, remedy)
Finding = tuple[Path, str, str]

NAME = re.compile(r"[a-zA-Z0-9_-]+")
MODEL = re.compile(r"([^:\0]+\.py|[A-Za-z_]\w*(\.[A-Za-z_]\w*)*):[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
MAX_PIPELINE_NAME = 51
EGRESS_SCHEMES = ("file", "s3")


def check(spec: schema.PipelineSpec) -> Iterator[Finding]:
    """Everything that is wrong with a spec whose fields have the right types."""
    name = spec.pipeline.name
    if not NAME.fullmatch(name) or not name[0].isalnum() or len(name) > MAX_PIPELINE_NAME:
        yield (
            ("pipeline", "name"),
            f"the name {name!r} must be 1 to {MAX_PIPELINE_NAME} letters, digits, _ and -, no sign in front",
            "Choose another name.",
        )
    yield from _transform(spec)
    yield from _numbers(spec)
    yield from _kinds(spec)
    yield from _config(spec.config)
    if spec.input is not None:
        found = list(_input(spec.input, ("input",)))
        yield from found
        if not found:
            effective = build_input(spec.input, name, {})
            twice = inputs.name_clash(effective)
            if twice is not None:
                yield (
                    ("input",),
                    f"two inputs that can meet in one datum are both named {twice!r}",
                    "Give one of them another name.",
                )
            elif any(leaf.repo == name for leaf in model.walk(effective)):
                yield (("input",), f"the pipeline {name!r} reads its own output", "Remove that input.")


def _transform(spec: schema.PipelineSpec) -> Iterator[Finding]:
    transform = spec.transform
    if not transform.cmd or not transform.cmd[0]:
        yield ("transform", "cmd"), "transform.cmd is empty", "Name the command: [python, train.py]."
    for key, value in transform.env.items():
        if not key or "=" in key or "\0" in key or "\0" in value:
            yield ("transform", "env", key), f"{key!r} cannot be an environment variable", "Rename it."
    if transform.user and not account.SPELLING.fullmatch(transform.user):
        what = f"{transform.user!r} is no user: a name in small letters, a number, or numbers of user and group"
        yield ("transform", "user"), what, "Write for example nobody, 1000 or 1000:100."
    for place, code in enumerate(transform.accept_return_code):
        if not 0 <= code <= 255:
            path: Path = ("transform", "accept_return_code", place)
            yield path, f"an exit code is 0 to 255, got {code}", "Correct the value."
    for place, secret in enumerate(transform.secrets):
        if secret.env_var and not secret.key:
            yield (
                ("transform", "secrets", place),
                f"the secret {secret.name!r} has an env_var and no key",
                "Add key: the entry of the secret that the variable gets.",
            )
        elif not secret.env_var and not secret.mount_path:
            yield (
                ("transform", "secrets", place),
                f"the secret {secret.name!r} goes nowhere",
                "Add env_var or mount_path.",
            )


def _numbers(spec: schema.PipelineSpec) -> Iterator[Finding]:
    if spec.datum_tries < 1:
        yield ("datum_tries",), f"datum_tries must be at least 1, got {spec.datum_tries}", "Remove it for 3."
    if spec.parallelism_spec is not None and spec.parallelism_spec.constant < 1:
        value = spec.parallelism_spec.constant
        yield (
            ("parallelism_spec", "constant"),
            f"constant must be at least 1, got {value}",
            "Write 1 or more.",
        )
    for name in ("datum_timeout", "job_timeout"):
        text = getattr(spec, name)
        if text:
            yield from _try((name,), f"{name} must be ", quantities.duration_s, text)
    chunk = spec.datum_set_spec
    for name in ("number", "size_bytes", "per_worker") if chunk is not None else ():
        if getattr(chunk, name) < 0:
            yield ("datum_set_spec", name), f"{name} must not be below 0", "Remove it."
    for name in ("resource_limits", "resource_requests"):
        resources = getattr(spec, name)
        gpu = None if resources is None else resources.gpu
        number = gpu.number if isinstance(gpu, schema.Gpu) else gpu
        if number is not None and number < 0:
            yield (name, "gpu"), f"a number of GPUs is 0 or more, got {number}", "Correct the value."
    if spec.output_branch and not NAME.fullmatch(spec.output_branch):
        yield ("output_branch",), f"{spec.output_branch!r} is no branch name", "Use letters, digits, _ and -."
    if spec.tag:
        try:
            paths.store_path(spec.tag)
        except InvalidInput as error:
            yield ("tag",), f"tag must be the path of a file in the output: {error.message}", "Write for example TAG."
        if spec.spout is not None or spec.service is not None:
            what = "tag is for pipelines whose jobs make commits; this one runs for ever"
            yield ("tag",), what, "Remove tag; `pedigree tag` names a commit by hand."


def _config(config: schema.Config | None) -> Iterator[Finding]:
    if config is None:
        return
    for name in ("directory", "name"):
        if not getattr(config, name):
            yield ("config", name), f"config.{name} is empty", "Remove it for the default, or name one."
    if config.directory.startswith("/"):
        what = f"config.directory must be relative to the folder of the spec, got {config.directory!r}"
        yield ("config", "directory"), what, "Write for example conf."
    if config.model and not MODEL.fullmatch(config.model):
        what = f"config.model must be package.module:Class or path/to/file.py:Class, got {config.model!r}"
        yield ("config", "model"), what, "Write for example settings.py:Settings."


def _kinds(spec: schema.PipelineSpec) -> Iterator[Finding]:
    if spec.egress is not None:
        yield from _egress(spec.egress)
    if spec.spout is not None:
        if spec.service is not None:
            yield ("service",), "a pipeline is a spout or a service, not both", "Move service into spout."
        if spec.input is not None and spec.spout.service is None:
            yield ("input",), "a spout has no input: it makes data", "Remove input, or remove spout."
        if spec.autoscaling:
            yield ("autoscaling",), "a spout runs for ever, so it cannot scale", "Remove autoscaling."
    elif spec.input is None:
        yield (
            ("input",),
            "input is missing: what the pipeline reads",
            "Add input: {pfs: {repo: ..., glob: /*}}.",
        )
    if spec.service is not None:
        if spec.parallelism_spec is not None and spec.parallelism_spec.constant != 1:
            yield (
                ("parallelism_spec",),
                "a service runs once, so constant must be 1",
                "Remove parallelism_spec.",
            )
        for place, leaf in enumerate(_leaves(spec.input)):
            if leaf.glob.strip("/"):
                what = f"a service has one datum, so the glob of input {place + 1} must be /, got {leaf.glob!r}"
                yield ("input",), what, "Write glob: /."
    for path, service in (
        (("service",), spec.service),
        (("spout", "service"), spec.spout and spec.spout.service),
    ):
        for name in ("internal_port", "external_port") if service is not None else ():
            if not 0 <= getattr(service, name) <= 65535:
                yield (*path, name), f"{name} is a port, 0 to 65535", "Correct the value."


def _egress(egress: schema.EgressSpec) -> Iterator[Finding]:
    url = egress_url(egress)
    if bool(egress.url) == (egress.object_storage is not None):
        yield ("egress",), "egress takes either url or object_storage.url", "Write one of them."
    elif urlsplit(url).scheme not in EGRESS_SCHEMES:
        known = " or ".join(f"{scheme}://" for scheme in EGRESS_SCHEMES)
        yield ("egress",), f"egress must go to {known}, got {url!r}", f"Write a {known} URL."
    elif urlsplit(url).scheme == "file" and (urlsplit(url).netloc or not urlsplit(url).path):
        whole = "file:///" + url.removeprefix("file://").lstrip("/")
        yield ("egress",), f"egress {url!r} names no folder of this machine", f"Write three slashes: {whole}"
    elif urlsplit(url).scheme == "s3" and not urlsplit(url).netloc:
        yield ("egress",), f"egress {url!r} names no bucket", "Write s3://BUCKET/PREFIX."


def _input(node: schema.Input, path: Path) -> Iterator[Finding]:
    kinds = [name for name in ("pfs", "cron", *model.COMBINATIONS) if getattr(node, name) is not None]
    if len(kinds) != 1:
        got = ", ".join(kinds) or "none"
        expected = ", ".join(("pfs", "cron", *model.COMBINATIONS))
        yield path, f"an input is exactly one of {expected}; got {got}", "Write each as an input of its own."
        return
    kind = kinds[0]
    body = getattr(node, kind)
    if kind == "pfs":
        yield from _pfs(body, (*path, "pfs"))
    elif kind == "cron":
        yield from _cron(body, (*path, "cron"))
    else:
        if not body:
            yield (*path, kind), f"{kind} has no operands", "Write a list of inputs."
        for place, item in enumerate(body):
            yield from _input(item, (*path, kind, place))


def _pfs(pfs: schema.Pfs, path: Path) -> Iterator[Finding]:
    yield from _names(path, repo=pfs.repo, name=pfs.name or pfs.repo, branch=pfs.branch or "master")
    if (pfs.name or pfs.repo) == inputs.RESERVED:
        yield (*path, "name"), "no input may be named out: /pfs/out is where results go", "Add another name."
    if not pfs.glob:
        yield (
            path,
            "glob is missing: how files become datums",
            "Add glob: / (one datum) or /* (one per entry).",
        )
    else:
        yield from _try((*path, "glob"), "", globs.compile, pfs.glob)
    if pfs.trigger is not None:
        yield from _trigger(pfs.trigger, (*path, "trigger"))


def _trigger(trigger: schema.TriggerSpec, path: Path) -> Iterator[Finding]:
    others = bool(trigger.size or trigger.commits or trigger.rate_limit_spec)
    if not others and not trigger.cron_spec:
        yield path, "a trigger needs a condition", "Add size, commits, rate_limit_spec or cron_spec."
    if others and trigger.cron_spec:
        yield (*path, "cron_spec"), "cron_spec excludes the other conditions", "Use rate_limit_spec for both."
    if trigger.commits < 0:
        yield (*path, "commits"), f"commits must not be below 0, got {trigger.commits}", "Write 1 or more."
    for name in ("rate_limit_spec", "cron_spec"):
        if getattr(trigger, name):
            yield from _try((*path, name), "", cron.parse, getattr(trigger, name))
    if trigger.size:
        yield from _try((*path, "size"), "size must be ", quantities.size_bytes, trigger.size)


def _cron(item: schema.Cron, path: Path) -> Iterator[Finding]:
    yield from _names(path, name=item.name, repo=item.repo or "master")
    if item.name == inputs.RESERVED:
        yield (
            (*path, "name"),
            "no input may be named out: /pfs/out is where results go",
            "Choose another name.",
        )
    yield from _try((*path, "spec"), "", cron.parse, item.spec)
    if item.start:
        try:
            aware = datetime.fromisoformat(item.start).tzinfo is not None
        except ValueError:
            aware = False
        if not aware:
            what = f"start must be an RFC 3339 time such as 2026-01-31T00:00:00Z, got {item.start!r}"
            yield (*path, "start"), what, "Write date, time and zone."


def _names(path: Path, **names: str) -> Iterator[Finding]:
    for field, name in names.items():
        if not NAME.fullmatch(name):
            yield (*path, field), f"{field} {name!r} must be letters, digits, _ and -", "Choose another name."


def _try(path: Path, before: str, judge: Callable[[str], Any], text: str) -> Iterator[Finding]:
    """What a parser of another module says against a text, if anything."""
    try:
        judge(text)
    except InvalidInput as error:
        yield path, error.message.rstrip("."), error.remedy or "Correct the value."
    except ValueError as error:
        yield path, f"{before}{error}", "Correct the value."


def _leaves(node: schema.Input | None) -> Iterator[schema.Pfs]:
    if node is None:
        return
    if node.pfs is not None:
        yield node.pfs
    for kind in model.COMBINATIONS:
        for item in getattr(node, kind) or ():
            yield from _leaves(item)
