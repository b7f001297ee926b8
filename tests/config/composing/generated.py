"""Folders with defaults lists of every kind, and overrides for them, made from a seed."""

from __future__ import annotations

from random import Random

GROUPS = ("db", "srv", "db/eng", "a/b")
OPTIONS = ("x", "y", "z")
_PACKAGES = ("",) * 5 + ("@p", "@_global_", "@_here_", "@p.q", "@_group_", "@p._group_")
_HEADERS = ("",) * 4 + (
    "# @package _global_\n",
    "# @package foo\n",
    "# @package _global_.bar\n",
    "# words\n# @package q\n",
)
_VALUES = ("{u: %s}", "%s", "{w: {v: 1}}", "[1]", "'???'", "null", "1", "${k3}", "{u: '${..k1}'}")


def folder(random: Random) -> dict[str, str]:
    files = {"config.yaml": _body(random, 0, "c")}
    for name in ("other", "other2"):
        files[f"{name}.yaml"] = random.choice(_HEADERS) + _body(random, 3 if name == "other2" else 1, name)
    for group in GROUPS:
        for option in OPTIONS:
            depth = 1 if random.random() < 0.3 else 3
            files[f"{group}/{option}.yaml"] = random.choice(_HEADERS) + _body(random, depth, f"{group}_{option}")
    return files


def overrides(random: Random) -> list[str]:
    def one() -> str:
        group, option = random.choice(GROUPS), random.choice(OPTIONS)
        value = random.choice(("1", "{u: 2}", "{t: 1}", "[2]", "null", "'a b'", "${k1}"))
        key = random.choice(("k1", "k2", "db.k1", "k1.u", "p.k1", "db.eng.k2", "k1.w.v"))
        return random.choice(
            (
                f"{group}={option}",
                f"+{group}={option}",
                f"+{group}@n={option}",
                f"{group}@p={option}",
                f"{group}=[x,z]",
                f"{key}={value}",
                f"+{key}={value}",
                f"++{key}={value}",
                f"~{key}",
            )
        )

    return [one() for _ in range(random.choice((0, 0, 1, 2)))]


def _body(random: Random, depth: int, me: str) -> str:
    text = ""
    if random.random() < (0.95, 0.3, 0.2, 0.1)[depth]:
        listed = _listed(random, random.choice((2, 3, 4)) if depth == 0 else random.choice((1, 1, 2)))
        text += "defaults:\n" + "".join(f"  - {entry}\n" for entry in listed)
    for key in random.sample(("k1", "k2", "k3"), random.choice((0, 1, 2, 2))):
        value = random.choice(_VALUES)
        text += f"{key}: {value % me if '%s' in value else value}\n"
    return text or "{}\n"


def _listed(random: Random, count: int) -> list[str]:
    found = []
    for group in random.sample(GROUPS, min(count, len(GROUPS))):
        kind = random.random()
        slash, package = random.choice(("", "", "/")), random.choice(_PACKAGES)
        if kind < 0.55:
            option = random.choice((*OPTIONS, *OPTIONS, "null", "[x, y]", "x.yaml"))
            found.append(f"{slash}{group}{package}: {option}")
        elif kind < 0.68:
            found.append(f"{slash}{group}/{random.choice(OPTIONS)}{package}")
        elif kind < 0.78:
            found.append(f"optional {group}{package}: {random.choice((*OPTIONS, 'nope'))}")
        elif kind < 0.84:
            found.append(random.choice(("other", "other2")))
        elif kind < 0.88:
            found.append(f"{group}: ${{{random.choice(GROUPS)}}}")
    if random.random() < 0.6:
        found.insert(random.randint(0, len(found)), "_self_")
    if random.random() < 0.2:
        found.append(f"override {random.choice(('', '/'))}{random.choice(GROUPS)}: {random.choice(OPTIONS)}")
    return found
