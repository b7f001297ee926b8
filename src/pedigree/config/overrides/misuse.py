"""A call that its function refuses; the parser adds the place in the text."""

from __future__ import annotations


class Misuse(Exception):
    """Never leaves this package. `argument` is the position or name of the culprit, None for the whole call."""

    def __init__(self, problem: str, remedy: str, argument: int | str | None = None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy
        self.argument = argument
