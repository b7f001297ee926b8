"""Jsonnet templates of specs: a function at the top, whose parameters `--arg NAME=VALUE` gives as text."""

from __future__ import annotations

from collections.abc import Mapping

from pedigree.errors import InvalidSpec, MissingExtra, PathNotFound

SUFFIXES = (".jsonnet", ".libsonnet")


def render(path: str, args: Mapping[str, str]) -> str:
    """The JSON that the template at `path` gives for `args`: one spec or a list of them.

    The template may import files next to it. Raises MissingExtra without the package rjsonnet, InvalidSpec
    when the template cannot be evaluated (an argument missing or unknown included).
    """
    try:
        import rjsonnet
    except ImportError as error:
        raise MissingExtra(
            f"{path} is a Jsonnet template, and the package that reads those is not installed.",
            remedy="pip install 'pedigree-ml[jsonnet]'",
        ) from error
    try:
        text = rjsonnet.evaluate_file(path, tla_vars=dict(args))
    except (RuntimeError, ValueError) as error:
        reason = str(error).strip()
        if "No such file" in reason or ("not found" in reason.lower() and path in reason):
            raise PathNotFound(
                f"There is no template {path}.", remedy="Check the name and the folder.", path=path
            ) from error
        raise InvalidSpec(
            f"{path}: the template cannot be evaluated: {reason}",
            remedy="Give each parameter of its top function as --arg NAME=VALUE, or mend that line.",
            file=path,
            line=None,
            field="",
        ) from error
    return str(text)
