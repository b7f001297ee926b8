"""Layouts: real-looking YAML, drawn at random, for one family whose step has every operation."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from pedigree.config.versions import Add, Drop, Family, Map, Rename, Split

thing = Family("thing", unversioned=1)


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")


@thing.version()
class ThingV1(Open):
    version: Literal[1] = 1


@thing.version(
    Rename("alpha", "beta"),
    Rename("opt.lr", "training.rate"),
    Drop("debug"),
    Add("added", ["1", {"x": None}]),
    Map("scale", lambda value: {"of": value}),
    Split("size", ("h", "opt.w"), lambda value: [value, f"{value}: #"]),
    Rename("opt.extra", "moved"),
    Rename("top", "opt.top"),
    Drop("opt.old"),
)
class ThingV2(Open):
    version: Literal[2] = 2


TOP = ["alpha", "opt", "debug", "scale", "size", "top", "other", "training", "odd key", "7", "zeta"]
INNER = ["lr", "extra", "old", "name", "betas", "x"]
PLAIN = [
    "1", "-2.5", "1e-3", "true", "off", "null", "~", "", "???", "text", "two words", "a:b", "x#y", "${data.size}", "${.lr}",
    "http://h/p?q=1", "2021-01-01", "0x1F", "é ü", "/a/b c", "v2, v3", "-x", "[1", "a 'b'",
]  # fmt: skip
FLOW_PLAIN = ["1", "-2.5", "true", "null", "text", "two words", "a:b", "é"]


class Layout:
    """Draws one text. `plain` leaves out what may be refused: aliases, merges, comments inside braces."""

    def __init__(self, random: Random, *, plain: bool) -> None:
        self.random = random
        self.plain = plain
        self.newline = "\r\n" if random.random() < 0.2 else "\n"
        self.anchors: list[str] = []
        self.comments = 0

    def maybe(self, chance: float) -> bool:
        return self.random.random() < chance

    def text(self) -> str:
        lines: list[str] = []
        if self.maybe(0.2):
            lines += ["# @package _global_"]
        if self.maybe(0.2):
            lines += [self.comment(), ""]
        if self.maybe(0.1):
            lines += ["---"]
        if self.maybe(0.2):
            lines += ["defaults:", "  - _self_", "  - /db: mysql  # which", ""]
        keys = self.random.sample(TOP, self.random.randint(1, 7))
        if self.maybe(0.6):
            keys.insert(self.random.randint(0, len(keys)), "version")
        if self.maybe(0.12):
            lines += [self.flow_mapping(keys, 0)]
        else:
            lines += self.block_mapping(keys, 0)
        if self.maybe(0.3):
            lines += [self.comment()]
        whole = self.newline.join("\n".join(lines).split("\n"))
        return whole + (self.newline if self.maybe(0.8) else "")

    def comment(self) -> str:
        self.comments += 1
        return self.random.choice([f"# note {self.comments}", f"#note: {self.comments} 'x", f"# {self.comments}: {{y"])

    def key(self, key: str) -> str:
        if key == "7":
            return f"'{key}'"
        return self.random.choice([key, key, key, f"'{key}'", f'"{key}"'])

    def block_mapping(self, keys: list[str], indent: int) -> list[str]:
        lines: list[str] = []
        for key in keys:
            if self.maybe(0.15):
                lines.append("")
            if self.maybe(0.25):
                lines.append(" " * indent + self.comment())
            lines += self.entry(key, indent)
        return lines

    def entry(self, key: str, indent: int) -> list[str]:
        head = f"{' ' * indent}{self.key(key)}{' ' if self.maybe(0.05) else ''}:"
        beside = f"  {self.comment()}" if self.maybe(0.25) else ""
        if key == "version":
            return [f"{head} {self.random.choice(['1', 'v1', '1.0', chr(34) + '1' + chr(34)])}{beside}"]
        if self.plain and key in ("scale", "size"):
            return [f"{head} {self.scalar(PLAIN) or '5'}{beside}"]
        if key in ("opt", "training") or (indent < 4 and self.maybe(0.1)):
            keys = self.random.sample(INNER, self.random.randint(1, 4))
            if self.maybe(0.2):
                return [f"{head} {self.anchor()}{self.flow_mapping(keys, indent)}{beside}"]
            anchor = f" {self.anchor()}".rstrip()
            return [f"{head}{anchor}{beside}", *self.block_mapping(keys, indent + self.random.choice([1, 2, 2, 4]))]
        if self.maybe(0.15):
            return [head + beside, *self.sequence(indent)]
        if self.maybe(0.1):
            sign = self.random.choice(["|", ">", "|-", ">-", "|+"])
            body = [
                f"{' ' * (indent + 2)}{word}" for word in self.random.sample(["one", "# no comment", "${x}", "k: v"], 2)
            ]
            return [f"{head} {sign}{beside}", *body, *([""] if self.maybe(0.3) else [])]
        if not self.plain and self.anchors and self.maybe(0.2):
            return [f"{head} *{self.random.choice(self.anchors)}{beside}"]
        value = self.scalar(PLAIN)
        anchor = self.anchor() if value else ""
        return [f"{head} {anchor}{value}".rstrip() + beside]

    def sequence(self, indent: int) -> list[str]:
        dash = " " * (indent + self.random.choice([0, 2]))
        lines = []
        for _ in range(self.random.randint(1, 3)):
            if self.maybe(0.2):
                lines.append(f"{dash}{self.comment()}")
            if self.maybe(0.3):
                lines += [f"{dash}- a: {self.scalar(PLAIN)}", f"{dash}  b: 2"]
            else:
                lines.append(f"{dash}- {self.scalar(PLAIN) or '0'}")
        return lines

    def flow_mapping(self, keys: list[str], indent: int) -> str:
        entries = []
        for key in keys:
            value = "1" if key == "version" else self.flow_value()
            entries.append(f"{self.key(key)}: {value}")
        if self.maybe(0.3):
            inner = " " * (indent + 2)
            note = "" if self.plain or not self.maybe(0.5) else f"  {self.comment()}"
            comma = "," if self.maybe(0.5) else ""
            return "{\n" + f",{note}\n".join(inner + one for one in entries) + f"{comma}\n{' ' * max(indent, 1)}}}"
        gap = self.random.choice(["", " "])
        return "{" + gap + ", ".join(entries) + gap + "}"

    def flow_value(self) -> str:
        if self.maybe(0.2):
            return "[" + ", ".join(self.scalar(FLOW_PLAIN) for _ in range(2)) + "]"
        if self.maybe(0.1):
            return "{p: 1, q: {r: 2}}"
        return self.scalar(FLOW_PLAIN)

    def scalar(self, words: list[str]) -> str:
        word = self.random.choice([one for one in words if one not in ("-x", "[1")] if words is PLAIN else words)
        quoted: list[Callable[[str], str]] = [
            lambda text: text,
            lambda text: text,
            lambda text: "'" + text.replace("'", "''") + "'",
            lambda text: '"' + text + '"',
        ]
        return self.random.choice(quoted)(word)

    def anchor(self) -> str:
        if not self.maybe(0.1):
            return ""
        self.anchors.append(f"a{len(self.anchors)}")
        return f"&{self.anchors[-1]} "


def function_safe(values: Any) -> bool:
    """Whether the step's functions can read what they are given: an interpolation they cannot."""
    return not any("${" in str(values.get(key)) for key in ("scale", "size") if isinstance(values.get(key), str))
