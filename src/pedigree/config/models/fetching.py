"""Fetching a secret from where its reference says. No error holds what was fetched."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from typing import Any

from pedigree.errors import InvalidConfig


def fetched(kind: str, source: str, environment: Mapping[str, str], timeout_s: float) -> bytes:
    """What the source gives now: a variable's text, a file's or a command's without the line break at its end."""
    if kind == "env":
        return _from_environment(source, environment)
    if kind == "file":
        return _from_file(source)
    return _from_command(source, environment, timeout_s)


def typed(text: bytes, of: Any, reference: str) -> Any:
    """What a text is as a value of the type. Raises InvalidConfig, without the text."""
    from pydantic import TypeAdapter, ValidationError

    adapter = TypeAdapter(of)
    try:
        value: Any = text if of is bytes else text.decode()
        try:
            return adapter.validate_python(value)  # Pydantic's lax rules: all that it can be here is a text
        except ValidationError:
            return adapter.validate_json(value)
    except ValueError:
        pass
    # Outside of the handler: the error of Pydantic holds the value, and would come along as the context.
    raise InvalidConfig(
        f"The secret {reference} is not of the type {getattr(of, '__name__', of)}.", remedy="Correct it where it is."
    )


def _from_environment(name: str, environment: Mapping[str, str]) -> bytes:
    if name not in environment:
        raise InvalidConfig(
            f"The environment variable {name}, which a secret is read from, is not set.", remedy=f"Set {name}."
        )
    return os.fsencode(environment[name])


def _from_file(path: str) -> bytes:
    try:
        with open(os.path.expanduser(path), "rb") as file:
            return _whole(file.read())
    except OSError as error:
        raise InvalidConfig(
            f"The file {path}, which a secret is read from, cannot be read: {error.strerror}.",
            remedy="Put the secret there, or correct the path.",
        ) from None


def _from_command(command: str, environment: Mapping[str, str], timeout_s: float) -> bytes:
    import subprocess

    why = ""
    try:
        done = subprocess.run(
            shlex.split(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            env=dict(environment),
            timeout=timeout_s,
            check=False,
        )
        if done.returncode == 0:
            return _whole(done.stdout)
        why = f"it ended with {done.returncode}"
    except subprocess.TimeoutExpired:
        why = f"it took longer than {timeout_s:g} s"
    except OSError as error:
        why = error.strerror or "it cannot be started"
    raise InvalidConfig(
        f"The command {command!r}, which a secret is read from, gave none: {why}.",
        remedy="Run it by hand; what it prints to stdout is the secret.",
    )


def _whole(data: bytes) -> bytes:
    return data.removesuffix(b"\n").removesuffix(b"\r")
