"""Pictures of a lineage graph: a tree for the terminal, Graphviz DOT, one self-contained HTML file."""

from __future__ import annotations

import html as escaping
import json
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pedigree.pipeline.lineage import Graph, Node

#: The terminal shows this many inputs of one node; the others are counted. JSON, DOT and HTML show all.
SHOWN = 12


def text(graph: Graph, *, width: int | None) -> str:
    """A tree from the root on, lines cut at the width unless it is None.

    A node that appears again is named and not unfolded a second time.
    """
    lines: list[str] = []
    unfolded: set[str] = set()

    def visit(node: Node, name: str, lead: str, branch: str, below: str) -> None:
        label = _label(node)
        prefix = f"{name}: " if name and name != node.repo else ""
        again = node.id in unfolded and any(True for _ in graph.next(node.id))
        lines.append(_cut(f"{lead}{branch}{prefix}{label}{'  (above)' if again else _facts(node)}", width))
        if again:
            return
        unfolded.add(node.id)
        following = list(graph.next(node.id))
        shown = following[:SHOWN]
        for at, (edge, other) in enumerate(shown):
            last = at == len(shown) - 1 and len(shown) == len(following)
            visit(other, edge.name, lead + below, "└── " if last else "├── ", "    " if last else "│   ")
        if len(following) > len(shown):
            lines.append(f"{lead}{below}└── … and {len(following) - len(shown)} more (--json has all)")

    visit(graph.nodes[graph.root], "", "", "", "")
    return "\n".join(lines)


def dot(graph: Graph) -> str:
    """Graphviz source: `dot -Tsvg` draws it. Arrows point from what was read to what was made."""
    lines = [
        "digraph lineage {",
        "  rankdir=LR;",
        '  node [shape=box, style=rounded, fontname="sans-serif"];',
    ]
    for node in graph.nodes.values():
        shape = "" if node.kind == "commit" else ", shape=note"
        bold = ', penwidth=2, color="#1f6feb"' if node.id == graph.root else ""
        lines.append(f"  {_quoted(node.id)} [label={_quoted(_label(node))}{shape}{bold}];")
    for edge in graph.edges:
        lines.append(f"  {_quoted(edge.source)} -> {_quoted(edge.target)} [label={_quoted(edge.name)}];")
    return "\n".join([*lines, "}", ""])


def html(graph: Graph) -> str:
    """One file that needs nothing else: a card per commit with the files that matter in it; a click shows all that it names.

    Everything from the store reaches the page as JSON text and is set with textContent, so a file name cannot become
    markup or script; the policy in its head lets nothing be loaded from anywhere. Without scripts the page is the tree.
    """
    numbers: dict[str, int] = {}
    commits: list[dict[str, Any]] = []
    for node in graph.nodes.values():  # what a commit names stands in the page once, not with each of its files
        name = f"{node.repo}@{node.commit}"
        if name not in numbers:
            numbers[name] = len(commits)
            commits.append({"id": node.commit, "repo": node.repo, "branch": node.branch, **node.facts})
    places = {identity: at for at, identity in enumerate(graph.nodes)}
    data = {
        "root": places[graph.root],
        "direction": graph.direction,
        "commits": commits,
        "nodes": [
            {"commit": numbers[f"{node.repo}@{node.commit}"], "path": node.path if node.kind == "file" else None}
            for node in graph.nodes.values()
        ],
        "edges": [[places[edge.source], places[edge.target], edge.name] for edge in graph.edges],
    }
    parts = {
        "@TITLE@": escaping.escape(f"Lineage of {_label(graph.nodes[graph.root])}"),
        "@TEXT@": escaping.escape(text(graph, width=None)),
        "@DATA@": json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c"),
    }
    page = Path(__file__).with_name("page.html").read_text(encoding="utf-8")
    # In one pass, so that a name from the store which looks like one of the marks stays a name.
    return re.sub("@TITLE@|@TEXT@|@DATA@", lambda mark: parts[mark[0]], page)


def _label(node: Node) -> str:
    name = f"{node.repo}@{node.commit[:12]}"
    return f"{name}:/{node.path}" if node.kind == "file" else name


def _facts(node: Node) -> str:
    facts = node.facts
    parts = []
    if facts.get("tags"):
        parts.append(f"tag {', '.join(facts['tags'])}")
    if facts.get("command"):
        parts.append(" ".join(facts["command"]))
    for name in ("code", "config", "environment"):
        if facts.get(name):
            parts.append(f"{name} {str(facts[name])[:8]}")
    if facts.get("verdict"):
        parts.append(str(facts["verdict"]).partition(" (")[0])
    if len(parts) == bool(facts.get("tags")):
        if facts.get("finished"):
            parts.append(time.strftime("%Y-%m-%d %H:%M", time.gmtime(facts["finished"])))
        if facts.get("message"):
            parts.append(str(facts["message"]).splitlines()[0])
    return f"  [{', '.join(parts)}]" if parts else ""


def _cut(line: str, width: int | None) -> str:
    return line if width is None or len(line) <= width else line[: width - 1] + "…"


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
