"""The configurations of pipelines: frozen when a spec is applied, kept with it, compared, and given to steps.

records "config"  DIGEST -> {"file": text of the frozen file, "values": text of /pfs/.config.yaml, "composed", "files", "code"}

`run` never composes: it takes what was applied, as with the spec itself, and says when the files are others now.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pedigree import canonical
from pedigree.errors import InvalidConfig, InvalidInput, MissingObject, PedigreeError
from pedigree.pipeline.model import ConfigSpec, Pipeline

if TYPE_CHECKING:
    from pedigree.config.frozen import Frozen
    from pedigree.pipeline.freezing import Request
    from pedigree.store import Store
    from pedigree.store.commits import Commit

CONFIG = "config"

#: The file of a step, below /pfs, and the variable that names it.
FILE = ".config.yaml"
VARIABLE = "PEDIGREE_CONFIG"

#: Fields that one change of configuration is told with.
TOLD = 20


# -------------------------------------------------------------------------------------------------- applying


def freeze(
    pipelines: Sequence[Pipeline], project: Path, places: Sequence[str]
) -> tuple[list[Pipeline], dict[str, dict[str, Any]]]:
    """The pipelines with their configurations frozen, and the records that are to be kept; `places` say where each stands.

    Imports the models that they name. Raises InvalidConfig with all that is wrong with any of them.
    """
    wanted = [number for number, item in enumerate(pipelines) if item.config is not None]
    if not wanted:
        return list(pipelines), {}
    from pedigree.pipeline import freezing

    answers = freezing.freeze([request(pipelines[number]) for number in wanted], project)
    result, records = list(pipelines), {}
    wrong: dict[tuple[str, str | None], list[str]] = {}
    for number, answer in zip(wanted, answers, strict=True):
        item = pipelines[number]
        assert item.config is not None
        if isinstance(answer, InvalidInput):
            wrong.setdefault((answer.message, answer.remedy), []).append(f"{places[number]}: the config of {item.name}")
            continue
        value = answer.to_json()
        key = canonical.digest_of(CONFIG, value)
        records[key] = value
        result[number] = replace(item, config=replace(item.config, digest=answer.digest, frozen=key))
    if wrong:
        raise _invalid(wrong)
    return result, records


def request(pipeline: Pipeline) -> Request:
    """What freezing the pipeline's configuration takes."""
    from pedigree.pipeline import environment, freezing

    assert pipeline.config is not None
    transform = pipeline.transform
    return freezing.Request(
        pipeline.config,
        pipeline.base,
        pipeline.code.root,
        {**environment.variables(pipeline), **transform.env},
        sorted(item.env_var for item in transform.secrets if item.env_var),
    )


def _invalid(wrong: Mapping[tuple[str, str | None], list[str]]) -> InvalidConfig:
    several = len(wrong) > 1
    lines = []
    for (message, remedy), places in wrong.items():
        lines.append(f"{', '.join(places)}: {message}" + (f" {remedy}" if several and remedy else ""))
    remedy = next(iter(wrong))[1]
    return InvalidConfig("\n".join(lines), remedy="Mend these; nothing was changed." if several else remedy)


# ------------------------------------------------------------------------------------------------- afterwards


def kept(store: Store, config: ConfigSpec) -> Mapping[str, Any]:
    """The record of an applied configuration. Raises MissingObject where the store has lost it."""
    value: Mapping[str, Any] | None = store.records.get(CONFIG, config.frozen)
    if value is None:
        raise MissingObject(
            f"The store holds no configuration {config.frozen}.", remedy="`pedigree apply` freezes it again."
        )
    return value


def frozen(store: Store, config: ConfigSpec) -> Frozen:
    """The configuration with the origin of every value, as it was applied."""
    from pedigree.config.frozen.files import parsed

    return parsed(str(kept(store, config)["file"]).encode(), f"config {config.digest[:12]}")


def of_commit(store: Store, commit: Commit) -> Frozen | None:
    """The configuration that a commit was made with; None where it was made without one."""
    config = _of_spec(store, commit.made_by.get("spec", ""))
    return None if config is None else frozen(store, config)


def file_of_commit(store: Store, commit: Commit) -> str | None:
    """The text of its frozen file, for whoever wants to keep it."""
    config = _of_spec(store, commit.made_by.get("spec", ""))
    return None if config is None else str(kept(store, config)["file"])


def _of_spec(store: Store, digest: str) -> ConfigSpec | None:
    from pedigree.pipeline import pipelines

    value = store.records.get(pipelines.SPEC, digest)
    return None if value is None else Pipeline.from_json(value).config


# -------------------------------------------------------------------------------------------------- comparing


@dataclass(frozen=True, slots=True)
class Changed:
    """One field of a configuration, as text: its values, "" where it was or is not there, and where each was set."""

    field: str
    before: str
    after: str
    place_before: str = ""
    place: str = ""

    @property
    def text(self) -> str:
        if not self.after:
            return f"config {self.field}: {self.before} ({self.place_before}) is gone"
        set_at = f" ({self.place})" if self.place else ""
        if not self.before:
            return f"config {self.field}: new, {self.after}{set_at}"
        moved = self.place_before not in ("", self.place)
        return f"config {self.field}: {self.before}{f' ({self.place_before})' if moved else ''} -> {self.after}{set_at}"


def between(before: Frozen, after: Frozen) -> list[Changed]:
    """The fields that differ."""
    from pedigree.config.frozen import diff
    from pedigree.config.frozen.digests import text_of
    from pedigree.config.frozen.pointers import shown

    found = []
    for one in diff(before, after).changes:
        sides = [
            ("", "") if side.origin is None else (text_of(side.value), side.place) for side in (one.before, one.after)
        ]
        (was, place_before), (is_now, place) = sides
        found.append(Changed(shown(one.pointer), was, is_now, place_before, place))
    return found


def changes(store: Store, before: str, after: str) -> list[str]:
    """What differs between the configurations of two specs, given by their digests, a line for each field."""
    return told(store, _of_spec(store, before), _of_spec(store, after))


def told(store: Store, before: ConfigSpec | None, after: ConfigSpec | None, fresh: str | None = None) -> list[str]:
    """The same of two configurations; `fresh` is the frozen file of the later one while the store does not hold it."""
    if before is None or after is None:
        return ["config: none before"] if after is not None else ["config: none any more"] if before is not None else []
    try:
        old = frozen(store, before)
        new = frozen(store, after) if fresh is None else _parsed(fresh)
    except PedigreeError:
        return ["config: changed"]
    found = [one.text for one in between(old, new)]
    more = len(found) - TOLD
    return [*found[:TOLD], *([f"config: and {more} more fields"] if more > 0 else [])] or ["config: changed"]


def _parsed(text: str) -> Frozen:
    from pedigree.config.frozen.files import parsed

    return parsed(text.encode(), "config")


# -------------------------------------------------------------------------------------------------- staleness


def drift(store: Store, pipeline: Pipeline) -> str:
    """One sentence when the files that the configuration was made from would give another now; empty otherwise.

    Reads the files, and composes them anew when one is another; imports nothing.
    """
    if pipeline.config is None:
        return ""
    value = kept(store, pipeline.config)
    edited = list(_edited(value["files"], store.project))
    code = list(_edited(value["code"], store.project))
    if not code and (not edited or _composes_alike(store, pipeline, value)):
        return ""
    names = [*edited, *code]
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    return (
        f"{shown} changed since {pipeline.name} was applied, and it has the configuration of then: "
        "`pedigree apply` takes the change over."
    )


def _edited(files: Mapping[str, str], project: Path) -> Iterable[str]:
    for name, digest in files.items():
        if "://" in name:
            continue
        try:
            with open(os.path.join(project, name), "rb") as file:
                same = canonical.digest(file.read()) == digest
        except OSError:
            same = not digest
        if not same:
            yield name


def _composes_alike(store: Store, pipeline: Pipeline, value: Mapping[str, Any]) -> bool:
    """Whether the edited files come to the same values: a comment, another order, a value that moved."""
    config = pipeline.config
    if config is None or any("://" in one for one in (*value["files"], *config.search)):
        return False  # composing would import a package
    from pedigree.pipeline import freezing

    try:
        return freezing.composed(request(pipeline), store.project) == str(value["composed"])
    except PedigreeError:
        return False
