"""Freezing the configurations of specs, in processes of their own: `python -m pedigree.pipeline.freezing` is one.

The class that a configuration must fit is code of the user. In another process nothing of it stays here, an edited file is
read anew, what it prints is no part of what we print, and paths are relative to the project, wherever we are.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pedigree.errors import InvalidConfig, InvalidInput, PedigreeError
from pedigree.pipeline.model import ConfigSpec

if TYPE_CHECKING:
    from pedigree.config.composing import Sources


@dataclass(frozen=True, slots=True)
class Request:
    """A configuration to freeze. `base` is the folder of the spec and `root` that of its code, as in the spec;
    `environment` are the variables that the step will have, `secrets` the names of those that hold secrets."""

    spec: ConfigSpec
    base: str = ""
    root: str = ""
    environment: Mapping[str, str] | None = None
    secrets: Sequence[str] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "directory": self.spec.directory,
            "name": self.spec.name,
            "overrides": list(self.spec.overrides),
            "model": self.spec.model,
            "dialect": self.spec.dialect,
            "search": list(self.spec.search),
            "base": self.base,
            "environment": dict(self.environment or {}),
            "secrets": list(self.secrets),
        }

    @property
    def folders(self) -> tuple[str, ...]:
        if not self.spec.model and not any(one.startswith("pkg://") for one in self.spec.search):
            return ()
        from pedigree.pipeline import modelcode

        return modelcode.folders(self.base, self.root, self.spec.model)


@dataclass(frozen=True, slots=True)
class Made:
    """`file` is the text of the frozen file, `values` that of /pfs/.config.yaml. `composed` is the digest of the values
    before the model saw them, `files` and `code` are those that were read and imported, each with its digest, and ""
    for a file that was looked for and is not there."""

    digest: str
    file: str
    values: str
    composed: str
    files: Mapping[str, str]
    code: Mapping[str, str]

    def to_json(self) -> dict[str, Any]:
        return {
            "file": self.file,
            "values": self.values,
            "composed": self.composed,
            "files": dict(self.files),
            "code": dict(self.code),
        }


def freeze(requests: Sequence[Request], project: Path) -> list[Made | InvalidInput]:
    """What each request came to, in their order: frozen, or what is wrong with it."""
    groups: dict[tuple[str, ...], list[int]] = {}
    for number, request in enumerate(requests):
        groups.setdefault(request.folders, []).append(number)
    found: dict[int, Made | InvalidInput] = {}
    for folders, numbers in groups.items():
        answers = _asked({"folders": folders, "requests": [requests[one].to_json() for one in numbers]}, project)
        found.update(zip(numbers, map(_answer, answers), strict=True))
    return [found[number] for number in range(len(requests))]


def composed(request: Request, project: Path) -> str:
    """The digest of the values that composing gives now; no code is imported. Raises InvalidConfig."""
    asked = {"folders": (), "requests": [request.to_json() | {"model": ""}], "compose": True}
    (answer,) = _asked(asked, project)
    if "error" in answer:
        raise InvalidConfig(answer["error"], remedy=answer["remedy"])
    return str(answer["composed"])


def _asked(question: Mapping[str, Any], project: Path) -> list[dict[str, Any]]:
    with tempfile.TemporaryFile() as answer:
        done = subprocess.run(
            [sys.executable, "-P", "-B", "-m", __name__, str(answer.fileno())],
            input=json.dumps(question).encode(),
            # A default that goes through a set, in the model's own code, is the same at each apply, as it is in the step.
            env={**os.environ, "PYTHONHASHSEED": "0"},
            stdout=2,
            cwd=project,
            pass_fds=(answer.fileno(),),
            check=False,
        )
        answer.seek(0)
        data = answer.read()
    if done.returncode or not data:
        raise InvalidConfig(
            f"The process that composes configurations ended with {done.returncode}.",
            remedy="See what it printed; the module of a model may have ended it.",
        )
    found: list[dict[str, Any]] = json.loads(data)
    return found


def _answer(value: Mapping[str, Any]) -> Made | InvalidInput:
    if "error" in value:
        return InvalidConfig(value["error"], remedy=value["remedy"])
    return Made(**value)


# ---------------------------------------------------------------------------------------- in the other process


def _main() -> None:
    # Before the folders of the project are on the path: a file there may have the name of something that we import.
    from pedigree.config.composing import compose  # noqa: F401

    question = json.load(sys.stdin)
    sys.path[:0] = [os.path.abspath(folder) for folder in question["folders"]]
    answers = []
    for request in question["requests"]:
        try:
            answers.append(_frozen(request, compose_only=question.get("compose", False)))
        except PedigreeError as error:
            answers.append({"error": error.message, "remedy": error.remedy})
    with open(int(sys.argv[1]), "wb") as file:
        file.write(json.dumps(answers).encode())


def _any_key(_parts: Sequence[str]) -> bool:
    return True


def _frozen(request: Mapping[str, Any], *, compose_only: bool) -> dict[str, Any]:
    from datetime import datetime

    from pedigree import canonical
    from pedigree.config.composing import compose
    from pedigree.config.composing.composition import search_path
    from pedigree.pipeline import valuefile

    base, secrets = request["base"], frozenset(request["secrets"])
    environment = {**request["environment"], **{name: f"(the secret {name})" for name in secrets}}
    directory = _in(base, request["directory"])
    model: Any = None
    has_key: Callable[[Sequence[str]], bool] | None = None
    if request["model"] and compose_only:
        has_key = _any_key  # without the model's code, which would run; `apply` has looked
    elif request["model"]:
        from pedigree.config.models import has_key as keys_of
        from pedigree.pipeline import modelcode

        model = modelcode.load(request["model"], base)
        has_key = keys_of(model)
    try:
        search = [one if "://" in one else _in(base, one) for one in request["search"]]
        sources = search_path(directory, search, request["dialect"])
        made = compose(
            directory,
            request["name"],
            request["overrides"],
            sources=sources,
            dialect=request["dialect"],
            environment=environment,
            now=datetime.now(),  # noqa: DTZ005  (as OmegaConf's)
            has_key=has_key,
        )
    except InvalidInput as error:
        raise _for_a_step(error) from error
    composed = canonical.digest_of("composed", valuefile.text(made.values))
    if compose_only:
        return {"composed": composed}
    from pedigree.config.frozen import freeze
    from pedigree.config.frozen.files import data

    frozen = freeze(made, model)
    hidden = frozenset(frozen.moved.get(place, place) for place in frozen.secrets)
    if secrets:
        _check_secrets(made, hidden, secrets)
    values = frozen.resolved(environment)  # of a secret, where it is
    code = {}
    if model is not None:
        code = modelcode.imported()
        _check_given(frozen, values, environment)
    return {
        "digest": frozen.digest,
        "file": data(frozen).decode(),
        "values": valuefile.text(values),
        "composed": composed,
        "files": _files(frozen.files, sources),
        "code": code,
    }


def _files(read: Mapping[str, str], sources: Sources) -> dict[str, str]:
    """What must be as it is for the same to be composed again; files of packages only where they are the project's."""
    from pedigree.pipeline import modelcode

    found = dict.fromkeys(sorted(sources.missed), "")
    for name, digest in read.items():
        path = modelcode.ours(sources.packaged[name]) if name in sources.packaged else None
        found[name if path is None else path] = digest
    return found


def _in(base: str, folder: str) -> str:
    return os.path.normpath(os.path.join(base, folder))


def _for_a_step(error: InvalidInput) -> InvalidInput:
    if "environment variable" in error.message:
        error.remedy = (
            "Add it to transform.env of the spec, which is all of the environment that a step and its configuration see, "
            "or give a default in the file."
        )
    return error


def _at(values: Any, place: tuple[Any, ...]) -> Any:
    for step in place:
        values = values[step]
    return values


def _check_secrets(made: Any, hidden: frozenset[str], secrets: frozenset[str]) -> None:
    """Refuses a secret of the step that would become a value of the configuration."""
    from pedigree.config.frozen.pointers import pointer, shown
    from pedigree.config.origins import at

    for where, one in made.interpolations.items():
        place = pointer(where, made.values)
        names = sorted(one.variables & secrets)
        if names and place not in hidden:
            raise InvalidConfig(
                f"{at(made.origins, where).text}: {shown(place)} is read from {names[0]}, a secret of the step, and would be "
                "stored with the configuration.",
                remedy=f"Make it a field Secret[str] of the config's model and write env:{names[0]}; it is then read where the "
                "step runs.",
            )


def _check_given(frozen: Any, values: Any, environment: Mapping[str, str]) -> None:
    """Refuses a secret that is read from a variable which the step is not given."""
    from pedigree.config.frozen.pointers import path, shown
    from pedigree.config.origins import at

    for place in frozen.secrets:
        reference = _at(values, path(place))
        name = reference.removeprefix("env:") if isinstance(reference, str) else ""
        if name != reference and name not in environment:
            raise InvalidConfig(
                f"{at(frozen.origins, path(place)).text}: {shown(place)} is a secret in the variable {name}, which the step is "
                "not given.",
                remedy=f"Add it to transform.secrets of the spec: {{name: ..., key: ..., env_var: {name}}}.",
            )


if __name__ == "__main__":
    _main()
