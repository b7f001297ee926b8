"""Folders of configurations for the benchmarks: as many groups and leaves as a case wants, every eighth leaf an interpolation."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def write(folder: Path, groups: int, leaves: int, options: int = 3) -> None:
    """`config.yaml` and `groups` groups of `options` options each, which hold `leaves` leaves in all."""
    each = max(1, round((leaves - 2) / groups))
    for group in range(groups):
        (folder / f"group{group}").mkdir(parents=True)
        for option in range(options):
            lines = []
            for leaf in range(each):
                if leaf % 10 == 0:
                    lines.append(f"part{leaf // 10}:")
                lines.append(f"  leaf{leaf}: {_leaf(group, leaf, option)}")
            (folder / f"group{group}" / f"option{option}.yaml").write_text("\n".join(lines) + "\n")
    chosen = "".join(f"  - group{group}: option0\n" for group in range(groups))
    (folder / "config.yaml").write_text(f"defaults:\n{chosen}  - _self_\nname: bench\nlr: 0.1\n")


def _leaf(group: int, leaf: int, option: int) -> str:
    if leaf % 8 == 3:
        return "${lr}" if group == 0 else "${group0.part0.leaf1}"
    return ("text words", str(leaf + option), "1e-3", "true", "null", "[1, 2]")[leaf % 6]


def model(groups: int, leaves: int) -> Any:
    """A model of those configurations, every leaf typed."""
    from typing import Literal

    from pydantic import create_model

    from pedigree.config import Config

    each = max(1, round((leaves - 2) / groups))
    kinds = (str, int, float, bool, None | str, list[int])
    fields: dict[str, Any] = {"name": (Literal["bench"], ...), "lr": (float, ...)}
    for group in range(groups):
        parts: dict[str, dict[str, Any]] = {}
        for leaf in range(each):
            kind = (float if group == 0 else int) if leaf % 8 == 3 else kinds[leaf % 6]
            parts.setdefault(f"part{leaf // 10}", {})[f"leaf{leaf}"] = (kind, ...)
        made = {
            part: (create_model(f"Part{group}{part}", __base__=Config, **inside), ...) for part, inside in parts.items()
        }
        fields[f"group{group}"] = (create_model(f"Group{group}", __base__=Config, **made), ...)
    return create_model("Bench", __base__=Config, **fields)
