"""What a bundle claims, parsed into values that the store may hold. What has a digest for a name must match it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from pedigree import canonical
from pedigree.errors import InvalidInput, PedigreeError
from pedigree.pipeline import configs, jobs
from pedigree.pipeline.jobs import DatumRecord, Job
from pedigree.pipeline.model import Pipeline
from pedigree.store import branches, commits, schema
from pedigree.store.nodes import EMPTY
from pedigree.store.paths import check_name, store_path
from pedigree.store.transfer import Row, RunRow

if TYPE_CHECKING:
    from pedigree.pipeline.bundling.reading import Bundle

_HEX = frozenset("0123456789abcdef")
#: Times from the epoch to the year 9999, in microseconds.
_LATEST = 253_402_300_800_000_000
_MOST_TEXT = 1 << 20
_ROW = {
    "id": str, "repo": str, "branch": str, "tree": str, "run": str, "started": int, "finished": int, "message": str,
    "author": str, "provenance": str, "made_by": str,
}  # fmt: skip
_ENDED = {jobs.SUCCESS, jobs.FAILED, jobs.KILLED, jobs.UNRUNNABLE}


class Claim:
    """Parsers of one bundle's lines; each raises InvalidBundle that says which line is wrong."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle

    def row(self, value: Any) -> Row:
        """A commit whose id is the digest of the rest."""
        with _Checked(self._bundle, "a commit"):
            row = Row(**value)
            for name, kind in _ROW.items():
                _need(type(getattr(row, name)) is kind)
            _need(row.parent is None or is_digest(row.parent))
            _need(isinstance(row.error, str | None))
            _need(is_digest(row.id) and is_digest(row.tree) and _is_run(row.run))
            _need(0 <= row.started <= _LATEST and 0 <= row.finished <= _LATEST)
            _need(max(len(row.message), len(row.author)) <= _MOST_TEXT)
            check_name("repository", row.repo)
            branches.check_name(row.branch)
            _need(schema.pack_value(commits.check_provenance(row.inputs)) == row.provenance)
            _need(all(is_digest(item["commit"]) for item in row.inputs))
            facts: Any = row.facts
            _need(isinstance(facts, dict) and schema.pack_value(facts) == row.made_by)
            for name in ("manifest", "spec", "code", "environment"):
                _need(name not in facts or facts[name] == "" or is_digest(facts[name]))
            tree = facts.get("code_tree", "")
            _need(tree is None or tree == "" or is_digest(tree))
            if facts.get("manifest"):
                _need(all(type(facts[name]) is str for name in ("spec", "code", "environment", "isolation")))
                _need("seed" in facts)
            _need(row.named_rightly)
            return row
        raise AssertionError  # the block returns or raises

    def place(self, subject: Mapping[str, str]) -> None:
        """What the bundle is about names a branch and a path."""
        with _Checked(self._bundle, "what it is about"):
            branches.check_name(subject["branch"])
            _need(store_path(subject["path"]) == subject["path"])

    def record(self, value: Any) -> tuple[str, str, Any]:
        """(kind, key, value) of a line of records.jsonl."""
        with _Checked(self._bundle, "a record"):
            _need(set(value) == {"kind", "key", "value"})
            kind, key, body = value["kind"], value["key"], value["value"]
            _need(type(kind) is str and type(key) is str and isinstance(body, dict) and kind in _CHECKS)
            with _Checked(self._bundle, f"the {kind} {key[:40]!r}"):
                _CHECKS[kind](key, body)
            return kind, key, body
        raise AssertionError

    def manifest(self, data: bytes, commit: Row) -> list[DatumRecord]:
        """The datums of a commit."""
        with _Checked(self._bundle, f"the manifest of {commit.repo}@{commit.id[:12]}"):
            found = []
            for line in data.splitlines():
                value = canonical.decode(line)
                _need(set(value) == {"datum", "identity", "inputs", "state", "tree"})
                inputs = value["inputs"]
                for item in inputs:
                    _need(all(type(text) is str for text in item.values()))
                    _need({"name", "repo", "branch", "commit", "path"} <= set(item))
                _need(is_digest(value["datum"]) and is_digest(value["identity"]))
                _need(value["tree"] == "" or is_digest(value["tree"]))
                _need(type(value["state"]) is str)
                found.append(
                    DatumRecord(value["datum"], value["identity"], tuple(inputs), value["tree"], value["state"])
                )
            return found
        raise AssertionError


class _Checked:
    """Whatever goes wrong in the block is the bundle's fault, and says of what."""

    def __init__(self, bundle: Bundle, what: str) -> None:
        self._bundle = bundle
        self._what = what

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, PedigreeError) and not isinstance(error, InvalidInput):
            return
        if isinstance(error, (ValueError, TypeError, KeyError, AttributeError, RecursionError, _Wrong)):
            from pedigree.errors import InvalidBundle

            if not isinstance(error, InvalidBundle):
                detail = f" ({error.message.rstrip('.')})" if isinstance(error, PedigreeError) else ""
                raise self._bundle.wrong(f"{self._what} in it is not what it should be{detail}") from error


class _Wrong(Exception):
    pass


def _need(condition: bool) -> None:
    if not condition:
        raise _Wrong


def is_digest(text: object) -> bool:
    return type(text) is str and len(text) == len(EMPTY) and _HEX.issuperset(text)


def _is_run(text: object) -> bool:
    return type(text) is str and len(text) == 32 and _HEX.issuperset(text)


def run(key: str, body: Mapping[str, Any]) -> RunRow:
    return RunRow(key, body["started"], body["finished"], body["state"], body["message"])


def told(verdict: Mapping[str, Any]) -> str:
    """A verdict that came with a bundle in half a line, as far as its sender can be quoted."""
    when = time.strftime("%Y-%m-%d %H:%M", time.gmtime(verdict["time"]))
    return f"{verdict['overall'][:40]} {when} (pedigree {verdict['version'][:40]})"


def _run(key: str, body: Mapping[str, Any]) -> None:
    _need(set(body) == {"started", "finished", "state", "message"} and _is_run(key))
    _need(type(body["started"]) is int and 0 <= body["started"] <= _LATEST)
    _need(body["finished"] is None or (type(body["finished"]) is int and 0 <= body["finished"] <= _LATEST))
    _need(type(body["state"]) is str and type(body["message"]) is str and len(body["message"]) <= _MOST_TEXT)


def _repository(key: str, body: Mapping[str, Any]) -> None:
    check_name("repository", key)
    _need(set(body) == {"kind", "description"} and body["kind"] in {"input", "output", "cron"})
    _need(type(body["description"]) is str and len(body["description"]) <= _MOST_TEXT)


def _spec(key: str, body: Mapping[str, Any]) -> None:
    pipeline = Pipeline.from_json(body)
    _need(pipeline.digest == key)
    check_name("pipeline", pipeline.name)
    for leaf in pipeline.leaves():
        check_name("input", leaf.name)
        check_name("repository", leaf.repo)
        branches.check_name(leaf.branch)
    transform = pipeline.transform
    _need(
        all(type(word) is str for word in (*transform.cmd, *transform.stdin, *transform.err_cmd, *transform.err_stdin))
    )
    _need(all(type(name) is str and type(text) is str for name, text in transform.env.items()))
    _need(type(transform.user) is str and type(transform.working_dir) is str)
    for item in transform.secrets:
        for text in (item.name, item.key):
            _need(".." not in text.split("/") and not text.startswith("/"))


def _config(key: str, body: Mapping[str, Any]) -> None:
    _need(canonical.digest_of(configs.CONFIG, body) == key)


def _code(key: str, body: Mapping[str, Any]) -> None:
    _need(is_digest(key) and set(body) == {"tree"} and (body["tree"] == "" or is_digest(body["tree"])))


def _environment(key: str, body: Mapping[str, Any]) -> None:
    # Where distributions came from is recorded since later than the rest.
    _need(set(body) | {"sources"} == {"facts", "hardware", "sources"} and isinstance(body["hardware"], dict))
    _need(canonical.digest_of("environment", body["facts"]) == key)


def _job(key: str, body: Mapping[str, Any]) -> None:
    job = Job.from_json(body)
    _need(key == job.key and _is_run(job.run) and job.state in _ENDED)
    check_name("pipeline", job.pipeline)
    texts = (job.spec, job.code, job.environment, job.isolation, job.manifest, job.commit, job.error, *job.reasons)
    _need(all(type(text) is str for text in texts))
    _need(all(type(number) in {int, float} for number in (job.started, job.finished)))
    counts = (job.version, job.total, job.processed, job.skipped, job.recovered, job.failed)
    _need(all(type(number) is int for number in counts))
    _need(all(type(text) is str for item in job.inputs for text in item.values()))
    _need(all({"name", "commit"} <= set(item) for item in job.inputs))
    _need(job.states is None or isinstance(job.states, dict))


def _result(key: str, body: Mapping[str, Any]) -> None:
    _need(is_digest(key) and is_digest(body["tree"]) and body["log"] == "")
    _need(type(body["job"]) is str and type(body["datum"]) is str)


def _verdict(key: str, body: Mapping[str, Any]) -> None:
    _need(is_digest(key) and set(body) == {"verdicts"} and isinstance(body["verdicts"], list))
    for item in body["verdicts"]:
        _need(type(item["overall"]) is str and type(item["time"]) in {int, float} and type(item["version"]) is str)
        _need(0 <= item["time"] * 1_000_000 <= _LATEST)


_CHECKS: dict[str, Callable[[str, Mapping[str, Any]], None]] = {
    "repository": _repository,
    "run": _run,
    "spec": _spec,
    "config": _config,
    "code": _code,
    "environment": _environment,
    "job": _job,
    "result": _result,
    "verdict": _verdict,
}
