"""Where a script's configuration is, found by reading the script: completion must not wait for its imports."""

from __future__ import annotations

import ast
import os


def surveyed(script: str) -> tuple[str, str] | None:
    """Folder and name in the script's `@config.main(…)`; None where there is none that can be read."""
    with open(script, encoding="utf-8") as file:
        text = file.read()
    if "main" not in text:
        return None
    for node in ast.walk(ast.parse(text)):
        for decorator in getattr(node, "decorator_list", ()):
            if isinstance(decorator, ast.Call) and _is_main(decorator.func):
                given = {
                    keyword.arg: keyword.value.value
                    for keyword in decorator.keywords
                    if isinstance(keyword.value, ast.Constant) and isinstance(keyword.value.value, str)
                }
                folder = given.get("directory", "conf")
                return os.path.join(os.path.dirname(script), folder), given.get("name", "config")
    return None


def _is_main(function: ast.expr) -> bool:
    if isinstance(function, ast.Attribute):
        return function.attr == "main" and isinstance(function.value, ast.Name) and function.value.id == "config"
    return isinstance(function, ast.Name) and function.id == "main"
