// Decisions: by id, kept by the browser, undone one by one, saved and loaded.
const byId = new Map(data.rows.map((row, at) => [row.id, at]));
let decisions = new Map();
let undone = [];
let kept = true;

// The decision in what a file or the browser holds, with what may be missing; null where it is none.
function readable(item) {
  if (item === null || typeof item !== "object") return null;
  const found = { id: "", given: "", decision: "", labels: [], who: "", when: "", why: "", suggested: "" };
  for (const key of Object.keys(found)) found[key] = item[key] ?? found[key];
  const { labels, decision, ...texts } = found;
  if (!Array.isArray(labels) || ![...labels, ...Object.values(texts)].every((text) => typeof text === "string")) return null;
  const two = new Set(labels).size === 2 && labels.length === 2 && labels.includes(found.given);
  const right = { keep: true, relabel: labels.length === 1, drop: true, both: two || !labels.length, neither: labels.length < 2 };
  if (found.id === "" || !Object.hasOwn(right, decision) || !right[decision]) return null;
  if (decision === "both") {
    const other = labels.find((label) => label !== found.given) ?? found.suggested;
    found.labels = other && other !== found.given ? [found.given, other] : [];
  }
  return found;
}
function remember() {
  try {
    localStorage.setItem(STORE, JSON.stringify({ who: $("who").value, items: [...decisions.values()] }));
  } catch {
    if (kept) say("This browser keeps nothing for this page: save the decisions before you close it.", true);
    kept = false;
  }
}
function recall() {
  try {
    const found = JSON.parse(localStorage.getItem(STORE) || "{}");
    if (typeof found.who === "string") $("who").value = found.who;
    for (const item of (found.items || []).map(readable)) if (item) decisions.set(item.id, item);
  } catch {
    kept = false;
  }
  if (decisions.size) say(many(decisions.size, "decision") + " from before, kept by this browser.");
}
function decide(kind) {
  if (current < 0) return;
  const row = data.rows[current];
  const chosen = data.names[Number($("label").value)];
  const given = data.names[row.given];
  const labels = { keep: [given], relabel: [chosen], drop: [], both: [given, chosen], neither: [] }[kind];
  if ((kind === "relabel" || kind === "both") && chosen === given) {
    say("Choose another label than the given one first.", true);
    return;
  }
  undone.push([row.id, decisions.get(row.id)]);
  decisions.set(row.id, {
    id: row.id, given, decision: kind, labels, who: $("who").value.trim(), when: new Date().toISOString(),
    why: $("why").value.trim(), suggested: data.names[row.suggested],
  });
  remember();
  say(`${row.id}: ${spoken(decisions.get(row.id))}.`);
  const place = listed.indexOf(current);
  const next = listed.slice(place + 1).find((at) => !decisions.has(data.rows[at].id));
  const before = listed.find((at) => !decisions.has(data.rows[at].id));
  current = next !== undefined ? next : before !== undefined ? before : current;
  refresh();
}
function undo() {
  const last = undone.pop();
  if (!last) {
    say("There is nothing to undo.");
    return;
  }
  const [id, before] = last;
  if (before) decisions.set(id, before); else decisions.delete(id);
  remember();
  if (byId.has(id)) current = byId.get(id);
  say(`${id}: undone.`);
  refresh();
}
function shownLabel(name) {
  const at = data.names.indexOf(name);
  return at < 0 ? name : data.titles[at];
}
function spoken(item) {
  if (!item) return "";
  if (item.decision === "relabel") return "relabel: " + shownLabel(item.labels[0]);
  if (item.decision === "both") return "both: " + item.labels.map(shownLabel).join(" and ");
  return item.decision;
}
function save() {
  const lines = [data.head, ...decisions.values()].map((line) => JSON.stringify(line) + "\n");
  const address = URL.createObjectURL(new Blob(lines, { type: "application/x-ndjson" }));
  const link = make("a", { href: address, download: "decisions.jsonl" });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 60000);
  say(`Saved ${many(decisions.size, "decision")} as decisions.jsonl. Next: pedigree labels apply decisions.jsonl REPO@BRANCH`);
}
function load(text) {
  let lines;
  try {
    lines = text.split("\n").filter((line) => line.trim()).map((line) => JSON.parse(line));
  } catch {
    say("That file holds no decisions: it is no JSON Lines.", true);
    return;
  }
  const head = lines[0];
  if (!head || head.kind !== data.head.kind || head.version !== data.head.version) {
    say("That file holds no decisions that this page can read.", true);
    return;
  }
  if (about(head) !== about(data.head)) {
    const what = head.digest === data.head.digest ? "column" : "digest";
    say(`Those decisions are about other labels: their ${what} differs.`, true);
    return;
  }
  const items = lines.slice(1).map(readable);
  if (items.includes(null)) {
    say(`Line ${items.indexOf(null) + 2} of that file is no decision; nothing was loaded.`, true);
    return;
  }
  let taken = 0;
  for (const item of items) {
    const mine = decisions.get(item.id);
    if (mine && moment(mine.when) > moment(item.when)) continue;
    undone.push([item.id, mine]);
    decisions.set(item.id, item);
    taken += 1;
  }
  remember();
  refresh();
  say(`Loaded ${many(taken, "decision")}` + (taken < items.length ? `; ${items.length - taken} are older than yours.` : "."));
}
const moment = (when) => Date.parse(when || "") || 0;
