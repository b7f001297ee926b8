// Which samples are listed, and how they and the chosen one are drawn.
const wanted = { filter: data.filters.indexOf(data.filter), given: -1, suggested: -1, show: "all", search: "", cuts: data.histograms.map(() => Infinity) };
const opened = { scores: !matchMedia("(max-width: 860px)").matches };
let listed = [];
let current = -1;
let page = 0;

function fits(row) {
  if (wanted.filter >= 0 && !(row.filters >> wanted.filter & 1)) return false;
  if (wanted.given >= 0 && row.given !== wanted.given) return false;
  if (wanted.suggested >= 0 && row.suggested !== wanted.suggested) return false;
  for (let at = 0; at < wanted.cuts.length; at++) if (row.scores[at] > wanted.cuts[at]) return false;
  if (wanted.show !== "all" && decisions.has(row.id) !== (wanted.show === "done")) return false;
  return !wanted.search || (row.id + "\n" + (row.text || "") + "\n" + (row.annotator || "")).toLowerCase().includes(wanted.search);
}
function list() {
  listed = [];
  data.rows.forEach((row, at) => { if (fits(row)) listed.push(at); });
  if (!listed.includes(current)) current = listed.length ? listed[0] : -1;
  page = Math.max(0, Math.floor(listed.indexOf(current) / PAGE));
}
function refresh() {
  const before = current;
  // A sample that was just decided about stays until the list is asked for anew, so that nothing jumps.
  if (wanted.show === "all" || !listed.includes(current)) list();
  if (before >= 0 && listed.includes(before)) current = before;
  page = Math.max(0, Math.floor(listed.indexOf(current) / PAGE));
  draw();
}
function anew() {
  list();
  draw();
}

function face(row) {
  const box = make("div", { class: "face" });
  if (row.picture) {
    const image = make("img", { src: row.picture, alt: "" });
    image.addEventListener("load", () => { if (Math.max(image.naturalWidth, image.naturalHeight) <= 64) { image.classList.add("tiny"); row.tiny = true; } });
    box.append(image);
  } else if (row.text) {
    box.append(make("div", { class: "words" }, row.text));
  } else {
    box.append(make("span", { class: "soft" }, "no picture"));
  }
  return box;
}
function change(row) {
  return make("span", { class: "change" }, make("span", { class: "given" }, title(row.given)), " → ", make("span", { class: "suggested" }, title(row.suggested)));
}
// What had the focus is drawn anew: its successor gets it, or a person at the keyboard would begin at the top again.
function focused() {
  const { activeElement: had } = document;
  if (had.closest(".card")) return `.card[data-at="${current}"]`;
  if (had.dataset.decide) return `[data-decide=${had.dataset.decide}]`;
  return had.id && had.closest("#sample") ? "#" + had.id : "";
}
function draw() {
  const next = focused();
  const from = page * PAGE;
  const shown = listed.slice(from, from + PAGE);
  $("cards").replaceChildren(...shown.map((at) => {
    const row = data.rows[at];
    const button = make("button", { class: "card", type: "button", "data-at": String(at), "aria-current": at === current ? "true" : "false" },
      face(row), make("span", { class: "id", title: row.id }, row.id), change(row), make("span", { class: "said" }, spoken(decisions.get(row.id))));
    button.setAttribute("aria-label", `${row.id}: labelled ${title(row.given)}, suggested ${title(row.suggested)}. ${spoken(decisions.get(row.id)) || "not decided"}`);
    return make("li", {}, button);
  }));
  if (!shown.length) $("cards").replaceChildren(make("li", { class: "none" }, "No sample fits. Reset shows the issues again."));
  $("before").disabled = page === 0;
  $("after").disabled = from + PAGE >= listed.length;
  const decided = listed.filter((at) => decisions.has(data.rows[at].id)).length;
  $("count").textContent = listed.length
    ? `${(from + 1).toLocaleString("en")} to ${(from + shown.length).toLocaleString("en")} of ${many(listed.length, "sample")}; ${decided.toLocaleString("en")} decided`
    : "nothing";
  $("save").disabled = decisions.size === 0;
  drawSample();
  const element = next && document.querySelector(next);
  if (element) element.focus({ preventScroll: true });
}
function drawSample() {
  const box = $("sample");
  if (current < 0) {
    box.replaceChildren(make("p", { class: "soft" }, "No sample is chosen."));
    return;
  }
  const row = data.rows[current];
  const mine = decisions.get(row.id);
  const bars = make("div", { class: "bars", role: "list", "aria-label": "Probabilities" });
  for (const [number, p] of row.top) {
    const usual = data.thresholds[number];
    const fill = make("div", { class: "fill" + (number === row.given ? " of-given" : number === row.suggested ? " of-suggested" : "") });
    fill.style.width = `${Math.min(p, 1) * 100}%`;
    const bar = make("div", { class: "bar" }, fill);
    if (usual !== null) {
      const mark = make("div", { class: "usual" });
      mark.style.left = `calc(${Math.min(usual, 1) * 100}% - 1px)`;
      bar.append(mark);
    }
    const item = make("div", { role: "listitem" }, make("span", { class: "name" }, title(number)), bar, make("span", { class: "number" }, p.toPrecision(2)));
    item.style.display = "contents";
    item.setAttribute("aria-label", `${title(number)}: ${p}` + (usual === null ? "" : `, such labels usually get ${usual}`));
    bars.append(item);
  }
  const scores = make("dl", { class: "scores" });
  data.histograms.forEach((one, at) => scores.append(make("dt", {}, one.name.replaceAll("_", " ")), make("dd", {}, String(row.scores[at]))));
  const names = data.filters.filter((_, at) => row.filters >> at & 1).map((name) => name.replaceAll("_", " "));
  scores.append(make("dt", {}, "issue by"), make("dd", {}, names.join(", ") || "no filter"));
  if (row.annotator !== undefined) scores.append(make("dt", {}, "labelled by"), make("dd", {}, row.annotator));
  const buttons = Object.entries(KEYS).map(([key, kind]) => {
    const button = make("button", { type: "button", "data-decide": kind, "aria-pressed": mine && mine.decision === kind ? "true" : "false", "aria-keyshortcuts": key }, WORDS[kind] + " ", make("kbd", {}, key));
    button.addEventListener("click", () => decide(kind));
    return button;
  });
  const back = make("button", { type: "button", id: "undo", disabled: !undone.length, "aria-keyshortcuts": "u" }, "Undo ", make("kbd", {}, "u"));
  back.addEventListener("click", undo);
  const label = make("select", { id: "label" }, ...data.titles.map((name, number) => make("option", { value: String(number) }, name)));
  const known = mine && (mine.decision === "relabel" ? mine.labels[0] : mine.decision === "both" ? mine.labels[1] : undefined);
  label.value = String(data.names.includes(known) ? data.names.indexOf(known) : row.suggested);
  const why = make("input", { id: "why", maxlength: "500" });
  why.value = mine && mine.why || "";
  why.addEventListener("change", () => {
    if (!decisions.has(row.id)) return;
    decisions.set(row.id, { ...decisions.get(row.id), why: why.value.trim(), when: new Date().toISOString() });
    remember();
  });
  const near = row.neighbours && row.neighbours.length ? [make("h3", {}, "Nearest samples"), make("ul", { class: "near" }, ...row.neighbours.map((one) =>
    make("li", {}, one.picture ? make("img", { src: one.picture, alt: "", class: row.tiny ? "pixels" : "" }) : null, make("span", { class: one.given === row.given ? "given" : one.given === row.suggested ? "suggested" : "" }, title(one.given) || "no label"), make("span", { class: "id" }, " " + one.id))))] : [];
  box.replaceChildren(
    make("h2", {}, change(row)),
    make("p", { class: "id" }, row.id + (data.head.id_column || data.head.layout === "folder" ? "" : ` (row ${row.index})`)),
    face(row),
    make("div", { class: "decide", role: "group", "aria-label": "Decide" }, ...buttons, back),
    make("label", { class: "field" }, "Right label ", label),
    make("label", { class: "field" }, "Why ", why),
    make("p", { class: "said" }, mine ? `Decided: ${spoken(mine)}${mine.who ? ", by " + mine.who : ""}` : ""),
    make("h3", {}, "What the model says"), bars,
    make("p", { class: "soft" }, row.reason),
    ...near,
    make("details", { open: opened.scores }, make("summary", {}, "Scores, low is doubtful"), scores));
  const details = box.querySelector("details");
  details.addEventListener("toggle", () => { opened.scores = details.open; });
}
