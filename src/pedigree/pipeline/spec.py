"""Pipeline specs: from what people write to effective specs, every mistake named by file, line and field.

The YAML and JSON of Pachyderm 1.x and 2.x and our additions (schema.py has the fields). What only means
something on Kubernetes is kept in `ignored` and told by `notes`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from pedigree.errors import InvalidInput, InvalidSpec, PedigreeError
from pedigree.pipeline import documents, jsonnet
from pedigree.pipeline.effective import build
from pedigree.pipeline.graph import check_graph
from pedigree.pipeline.model import Pipeline
from pedigree.pipeline.rules import check
from pedigree.pipeline.schema import RECORDED, Model, PipelineSpec
from pedigree.pipeline.spelling import Path, Problem, Spelled, dotted, parts, spell

__all__ = ["Written", "check_graph", "load", "notes", "parse", "placed", "written"]


def load(
    source: str | os.PathLike[str],
    args: Mapping[str, str] | None = None,
    *,
    project: str | os.PathLike[str] | None = None,
) -> list[Pipeline]:
    """The pipelines of `written`."""
    return [item.pipeline for item in written(source, args, project=project)]


def written(
    source: str | os.PathLike[str],
    args: Mapping[str, str] | None = None,
    *,
    project: str | os.PathLike[str] | None = None,
) -> list[Written]:
    """The pipelines in a file (.yaml, .json, .jsonnet) or in standard input ("-"), in order, with their places.

    `args` are the parameters of a Jsonnet template. `project` is the folder that `Pipeline.base` is relative
    to; the current one if None. Raises InvalidSpec (with `file`, `line`, `field` and all `problems`),
    PathNotFound, MissingExtra.
    """
    path = os.fspath(source)
    root = os.fspath(project) if project is not None else os.curdir
    base = os.path.relpath(
        os.path.realpath(os.path.dirname(path) if path != "-" else os.curdir), os.path.realpath(root)
    )
    base = "" if base == os.curdir else base.replace(os.sep, "/")
    if path.endswith(jsonnet.SUFFIXES):
        return _pipelines(documents.parse(jsonnet.render(path, args or {}), path), path, base)
    if args:
        raise InvalidInput(
            f"--arg was given ({', '.join(sorted(args))}), but {path} is not a Jsonnet template.",
            remedy="Give the template's name the ending .jsonnet, or leave --arg out.",
        )
    return _pipelines(documents.read(path), "standard input" if path == "-" else path, base)


def parse(text: str, file: str = "spec", base: str = "") -> list[Pipeline]:
    """The pipelines in a YAML or JSON text; `file` is what errors call it."""
    return [item.pipeline for item in _pipelines(documents.parse(text, file), file, base)]


@dataclass(frozen=True, slots=True)
class Written:
    """A pipeline with the place where it was written."""

    pipeline: Pipeline
    file: str
    spelled: Spelled

    def line(self, repo: str | None = None) -> int:
        """The line of the pipeline's name, or of the input that reads `repo`."""
        if repo is not None:
            for path in self.spelled.lines:
                if path[-1:] == ("repo",) and self._value(path) == repo:
                    return self.spelled.line(path)
        return self.spelled.line(("pipeline", "name"))

    def _value(self, path: Path) -> Any:
        value = self.spelled.value
        for part in path:
            value = value[part]
        return value


def placed(error: PedigreeError, written: Sequence[Written]) -> None:
    """Put file and line in front of an error about the `pipeline` and the `repo` that it names, the last of that name."""
    for item in reversed(written):
        if item.pipeline.name == error.objects.get("pipeline"):
            line = item.line(error.objects.get("repo"))
            for name, value in (("file", item.file), ("line", line)):
                error.objects[name] = value
                setattr(error, name, value)
            error.message = f"{item.file}:{line}: {error.message}"
            return


def notes(pipeline: Pipeline) -> list[str]:
    """What a person should know of the fields that have no effect here: one sentence for each."""
    return [f"{name} has no effect here: {_meaning(name)}." for name in sorted(pipeline.ignored)]


def _pipelines(nodes: Iterable[documents.Node], file: str, base: str) -> list[Written]:
    found = []
    for node in nodes:
        if not isinstance(node.value, dict):
            what = f"a pipeline spec is a mapping, got {_shown(node.plain())}"
            raise _invalid(file, [Problem(node.line, "", what, "Begin with pipeline: {name: ...}.")])
        spelled = spell(node, PipelineSpec)
        if not spelled.value and node.value:
            what = f"this is no pipeline spec: it has none of its fields, but {', '.join(list(node.value)[:3])}"
            raise _invalid(file, [Problem(node.line, "", what, "Begin with pipeline: {name: ...}.")])
        found.append(Written(_pipeline(spelled, file, base), file, spelled))
    if not found:
        what = "the file holds no pipeline spec"
        raise _invalid(file, [Problem(1, "", what, "Begin with pipeline: {name: ...}.")])
    return found


def _pipeline(spelled: Spelled, file: str, base: str) -> Pipeline:
    problems = list(spelled.problems)
    problems += _refused(spelled)
    spec = None
    try:
        spec = PipelineSpec.model_validate(spelled.value)
    except ValidationError as error:
        wrong = [_problem(item, spelled) for item in error.errors(include_url=False)]
        # A union tells one mistake once per branch; the first branch is the one with most to say.
        problems += {item.field: item for item in reversed(wrong)}.values()
    if spec is not None and not problems:
        problems += [Problem(spelled.line(path), dotted(path), what, remedy) for path, what, remedy in check(spec)]
    if problems or spec is None:
        raise _invalid(file, problems)
    return build(spec, base=base, ignored=dict(_ignored(spec, ())))


def _refused(spelled: Spelled) -> list[Problem]:
    """Fields that ask for what we cannot give, and that would change the result if they were passed over."""
    found = []
    for path, local in _local(spelled.value, PipelineSpec, ()):
        if local.startswith("refused: "):
            reason = local.removeprefix("refused: ")
            what = f"{dotted(path)} is not supported: {reason}"
            found.append(Problem(spelled.line(path), dotted(path), what, f"Remove {path[-1]}."))
    return found


def _local(value: Any, model: type[Model], path: Path) -> Iterable[tuple[Path, str]]:
    """The path of every field that was written and is not false, with what happens to it here."""
    for name, item in value.items() if isinstance(value, dict) else ():
        info = model.model_fields.get(name)
        if info is None or item is False:
            continue
        extra = info.json_schema_extra
        yield (*path, name), str(extra.get("local", "")) if isinstance(extra, dict) else ""
        inner, items = parts(info.annotation)
        if inner is not None:
            yield from _local(item, inner, (*path, name))
        elif isinstance(item, list) and isinstance(items, type) and issubclass(items, Model):
            for place, child in enumerate(item):
                yield from _local(child, items, (*path, name, place))


def _ignored(value: Any, path: Path) -> Iterable[tuple[str, Any]]:
    if isinstance(value, list):
        for place, item in enumerate(value):
            yield from _ignored(item, (*path, place))
    elif isinstance(value, Model):
        for name in sorted(value.model_fields_set):
            extra = type(value).model_fields[name].json_schema_extra
            item = getattr(value, name)
            if isinstance(extra, dict) and extra.get("local") == RECORDED:
                yield dotted((*path, name)), item
            else:
                yield from _ignored(item, (*path, name))


def _meaning(name: str) -> str:
    """What the schema says of a dotted field name."""
    import re

    model: type[Model] = PipelineSpec
    meaning = ""
    for part in re.sub(r"\[\d+\]", "", name).split("."):
        info = model.model_fields[part]
        meaning = info.description or ""
        inner, items = parts(info.annotation)
        model = inner or (items if isinstance(items, type) and issubclass(items, Model) else model)
    return meaning


#: Pydantic's names of what went wrong, in our words.
_EXPECTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}


def _problem(error: Any, spelled: Spelled) -> Problem:
    # Branches of a union add parts that nobody wrote ("Gpu", "list[str]"): what was written is what has a
    # line.
    kind: str = error["type"]
    path: Path = ()
    for place, part in enumerate(error["loc"]):
        if (*path, part) in spelled.lines or (kind == "missing" and place == len(error["loc"]) - 1):
            path = (*path, part)
    name, line, given = dotted(path), spelled.line(path), _shown(error["input"])
    if kind == "missing":
        return Problem(line, name, f"{name} is missing: {_meaning(name)}", f"Add {name}.")
    if kind == "value_error":
        return Problem(line, name, f"{name} must be {error['ctx']['error']}", "Correct the value.")
    if kind == "literal_error":
        expected = str(error["ctx"]["expected"]).replace("'", "")
        return Problem(line, name, f"{name} must be {expected}, got {given}", f"Write {expected}.")
    expected = _EXPECTED.get(kind, "")
    if not expected:
        return Problem(line, name, f"{name}: {error['msg']}, got {given}", f"Meaning: {_meaning(name)}.")
    remedy = f"Meaning: {_meaning(name)}." if _known(name) else "Correct the value."
    if expected == "text" and isinstance(error["input"], (int, float, bool)):
        remedy = f'Put it in quotes: "{given}".'
    elif expected == "a list" and isinstance(error["input"], str):
        remedy = f"Write a list of words: [{', '.join(error['input'].split())}]."
    return Problem(line, name, f"{name} must be {expected}, got {given}", remedy)


def _known(name: str) -> bool:
    try:
        return bool(_meaning(name))
    except KeyError:
        return False


def _shown(value: Any) -> str:
    import json

    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else text[:57] + "..."


def _invalid(file: str, problems: list[Problem]) -> InvalidSpec:
    problems = sorted(set(problems))
    first = problems[0]
    several = len(problems) > 1
    lines = [
        f"{file}:{item.line}: {item.what}." + (f" {item.remedy}" if several and item.remedy else "")
        for item in problems[:10]
    ]
    if len(problems) > 10:
        lines.append(f"{file}: and {len(problems) - 10} more.")
    return InvalidSpec(
        "\n".join(lines),
        remedy="Mend these lines; nothing was changed." if several else first.remedy,
        file=file,
        line=first.line,
        field=first.field,
        problems=problems,
    )
