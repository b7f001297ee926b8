"""`Mismatch`: what a validator raises when values of different places do not fit one another."""

from __future__ import annotations


class Mismatch(ValueError):
    """Names the keys that do not fit, each from the model whose validator raises it: `Mismatch("data.classes",
    "model.head.classes", reason="the head needs one output for each class")`.

    The error that reaches the user shows the value of each key and where it was set.
    """

    def __init__(self, *keys: str, reason: str) -> None:
        if not keys:
            raise TypeError("a Mismatch names the keys that do not fit one another")
        super().__init__(reason)
        self.keys = keys
        self.reason = reason

    def __str__(self) -> str:
        return f"{' and '.join(self.keys)} do not fit one another: {self.reason}"

    @property
    def paths(self) -> tuple[tuple[str | int, ...], ...]:
        return tuple(tuple(int(part) if part.isdigit() else part for part in key.split(".")) for key in self.keys)
