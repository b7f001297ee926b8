"""Pictures of a lineage graph: a tree for the terminal, Graphviz DOT, one self-contained HTML file."""

from __future__ import annotations

import html as escaping
import json
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pedigree.pipeline.lineage import Graph, Node

#: The terminal shows this many inputs of one node; the others are counted. JSON, DOT and HTML show all.
SHOWN = 12


def text(graph: Graph, *, width: int) -> str:
    """A tree from the root on. A node that appears again is named and not unfolded a second time."""
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
    """One file that needs nothing else: a layered picture of the graph; a click on a node shows all that it names.

    Everything from the store reaches the page as JSON text and is set with textContent, so a file name cannot become
    markup or script; the policy in its head lets nothing be loaded from anywhere.
    """
    data = json.dumps(graph.to_json() | {"labels": {node.id: _label(node) for node in graph.nodes.values()}})
    title = escaping.escape(f"Lineage of {_label(graph.nodes[graph.root])}")
    return _PAGE.replace("@TITLE@", title).replace("@DATA@", data.replace("<", "\\u003c"))


def _label(node: Node) -> str:
    name = f"{node.repo}@{node.commit[:12]}"
    return f"{name}:/{node.path}" if node.kind == "file" else name


def _facts(node: Node) -> str:
    facts = node.facts
    parts = []
    if facts.get("command"):
        parts.append(" ".join(facts["command"]))
    for name in ("code", "environment"):
        if facts.get(name):
            parts.append(f"{name} {str(facts[name])[:8]}")
    if not parts:
        if facts.get("finished"):
            parts.append(time.strftime("%Y-%m-%d %H:%M", time.gmtime(facts["finished"])))
        if facts.get("message"):
            parts.append(str(facts["message"]).splitlines()[0])
    return f"  [{', '.join(parts)}]" if parts else ""


def _cut(line: str, width: int) -> str:
    return line if len(line) <= width else line[: width - 1] + "…"


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>@TITLE@</title>
<style>
  :root { color-scheme: light dark; --line: #8c959f; --card: #f6f8fa; --ink: #1f2328; --hot: #0969da; --page: #ffffff; }
  @media (prefers-color-scheme: dark) { :root { --card: #21262d; --ink: #e6edf3; --hot: #58a6ff; --page: #0d1117; } }
  body { margin: 0; font: 14px/1.45 system-ui, sans-serif; color: var(--ink); background: var(--page); display: flex; height: 100vh; }
  main { flex: 1; overflow: auto; padding: 24px; }
  aside { width: 380px; overflow: auto; border-left: 1px solid var(--line); padding: 20px 24px; box-sizing: border-box; }
  h1 { font-size: 17px; margin: 0 0 16px; } h2 { font-size: 15px; margin: 0 0 12px; overflow-wrap: anywhere; }
  svg text { fill: var(--ink); font: 13px ui-monospace, monospace; pointer-events: none; }
  svg .edge { fill: none; stroke: var(--line); stroke-width: 1.5; } svg .edge.hot { stroke: var(--hot); stroke-width: 2.5; }
  svg .node rect { fill: var(--card); stroke: var(--line); rx: 6; } svg .node { cursor: pointer; }
  svg .node.hot rect { stroke: var(--hot); stroke-width: 2; } svg .node:focus { outline: none; } svg .node:focus rect { stroke: var(--hot); stroke-width: 3; }
  svg .sub { opacity: .7; font-size: 11px; }
  dt { font-weight: 600; margin-top: 10px; } dd { margin: 0; overflow-wrap: anywhere; font-family: ui-monospace, monospace; font-size: 12px; }
</style>
</head>
<body>
<main><h1>@TITLE@</h1><svg id="picture" role="img" aria-label="Lineage graph"></svg></main>
<aside><h2 id="name">Choose a node</h2><dl id="facts"></dl></aside>
<script id="data" type="application/json">@DATA@</script>
<script>
const graph = JSON.parse(document.getElementById("data").textContent);
const byId = new Map(graph.nodes.map(node => [node.id, node]));
const sources = new Map(graph.nodes.map(node => [node.id, []]));
for (const edge of graph.edges) sources.get(edge.target).push(edge.source);
const level = new Map();
function depth(id) {
  if (!level.has(id)) { level.set(id, 0); level.set(id, Math.max(0, ...sources.get(id).map(other => depth(other) + 1))); }
  return level.get(id);
}
graph.nodes.forEach(node => depth(node.id));
const columns = [];
for (const node of graph.nodes) (columns[level.get(node.id)] ??= []).push(node);
const text = node => graph.labels[node.id];
const short = (value, most) => value.length > most ? value.slice(0, most / 2 - 1) + "…" + value.slice(-most / 2) : value;
const place = new Map();
let x = 4, bottom = 0;
for (const column of columns) {
  const wide = Math.max(...column.map(node => short(text(node), 44).length)) * 8 + 24;
  column.forEach((node, row) => { place.set(node.id, { x, y: 4 + row * 62, w: wide }); bottom = Math.max(bottom, row * 62 + 56); });
  x += wide + 90;
}
const svg = document.getElementById("picture");
svg.setAttribute("width", x); svg.setAttribute("height", bottom + 12);
const make = (name, values, parent) => {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(values)) element.setAttribute(key, value);
  parent.append(element);
  return element;
};
const lines = graph.edges.map(edge => {
  const from = place.get(edge.source), to = place.get(edge.target);
  const x1 = from.x + from.w, y1 = from.y + 23, x2 = to.x, y2 = to.y + 23, half = (x2 - x1) / 2;
  const line = make("path", { class: "edge", d: `M${x1},${y1} C${x1 + half},${y1} ${x2 - half},${y2} ${x2},${y2}` }, svg);
  make("title", {}, line).textContent = edge.name;
  return [edge, line];
});
const boxes = new Map();
for (const node of graph.nodes) {
  const at = place.get(node.id);
  const box = make("g", { class: "node", tabindex: 0, transform: `translate(${at.x},${at.y})` }, svg);
  make("rect", { width: at.w, height: 46 }, box);
  make("text", { x: 12, y: 19 }, box).textContent = short(text(node), 44);
  make("text", { x: 12, y: 36, class: "sub" }, box).textContent =
    short((node.command && node.command.length ? node.command.join(" ") : node.message) || node.branch, 48);
  make("title", {}, box).textContent = text(node);
  box.addEventListener("click", () => choose(node.id));
  box.addEventListener("keydown", event => { if (event.key === "Enter") choose(node.id); });
  boxes.set(node.id, box);
}
function reach(id) {
  const found = new Set([id]);
  const walk = (from, to) => { const queue = [id]; while (queue.length) { const now = queue.pop();
    for (const edge of graph.edges) if (edge[from] === now && !found.has(edge[to])) { found.add(edge[to]); queue.push(edge[to]); } } };
  walk("target", "source"); walk("source", "target");
  return found;
}
function choose(id) {
  const node = byId.get(id), near = reach(id);
  for (const [other, box] of boxes) box.classList.toggle("hot", near.has(other));
  for (const [edge, line] of lines) line.classList.toggle("hot", near.has(edge.source) && near.has(edge.target));
  document.getElementById("name").textContent = text(node);
  const list = document.getElementById("facts");
  list.replaceChildren();
  for (const [key, value] of Object.entries(node)) {
    if (value === null || value === "" || (Array.isArray(value) && !value.length)) continue;
    const shown = key === "finished" ? new Date(value * 1000).toISOString() : Array.isArray(value) ? value.join(" ") :
      typeof value === "object" ? JSON.stringify(value) : String(value);
    list.append(Object.assign(document.createElement("dt"), { textContent: key }), Object.assign(document.createElement("dd"), { textContent: shown }));
  }
}
choose(graph.root);
</script>
</body>
</html>
"""
