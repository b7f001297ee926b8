"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const PAGE = 48;
  const WORDS = { keep: "Keep", relabel: "Relabel", drop: "Drop", both: "Both", neither: "Neither" };
  const KEYS = { k: "keep", r: "relabel", d: "drop", b: "both", n: "neither" };
  const STORE = "pedigree-labels:" + data.head.digest;
  const $ = (id) => document.getElementById(id);
  const title = (number) => number < 0 ? "" : data.titles[number];
  const many = (number, noun) => number.toLocaleString("en") + " " + noun + (number === 1 ? "" : "s");

  // Everything that comes from the data is set as text, never as markup.
  function make(name, attributes, ...children) {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) {
      if (value === undefined || value === null || value === false) continue;
      if (key === "class") element.className = value;
      else if (key in element && typeof value !== "string") element[key] = value;
      else element.setAttribute(key, value === true ? "" : value);
    }
    for (const child of children) if (child !== null && child !== undefined) element.append(child);
    return element;
  }
  function svg(name, attributes) {
    const element = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    return element;
  }
  function say(text, bad) {
    $("status").textContent = text;
    $("status").className = bad ? "bad" : "";
  }

  // -- decisions: by id, kept by the browser, undone one by one

  const byId = new Map(data.rows.map((row, at) => [row.id, at]));
  let decisions = new Map();
  let undone = [];
  let kept = true;

  function valid(item) {
    return item !== null && typeof item === "object" && typeof item.id === "string" && item.id !== ""
      && typeof item.given === "string" && Object.hasOwn(WORDS, item.decision)
      && Array.isArray(item.labels) && item.labels.every((label) => typeof label === "string")
      && ["who", "when", "why", "suggested"].every((key) => item[key] === undefined || typeof item[key] === "string")
      && (item.decision !== "relabel" || item.labels.length === 1);
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
      for (const item of found.items || []) if (valid(item)) decisions.set(item.id, item);
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
    if (head.digest !== data.head.digest) {
      say("Those decisions are about other labels: their digest differs.", true);
      return;
    }
    const items = lines.slice(1);
    if (!items.every(valid)) {
      say(`Line ${items.findIndex((item) => !valid(item)) + 2} of that file is no decision; nothing was loaded.`, true);
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

  // -- which samples are listed

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

  // -- moving

  function choose(at, focus) {
    if (at === undefined || at < 0) return;
    current = at;
    const there = Math.floor(listed.indexOf(at) / PAGE);
    const turned = there !== page;
    page = Math.max(0, there);
    if (turned) draw();
    else {
      for (const card of document.querySelectorAll(".card")) card.setAttribute("aria-current", String(Number(card.dataset.at) === current));
      drawSample();
    }
    const card = document.querySelector(`.card[data-at="${at}"]`);
    if (card && focus) { card.focus({ preventScroll: true }); card.scrollIntoView({ block: "nearest" }); }
  }
  function step(by) {
    const place = listed.indexOf(current) + by;
    if (place >= 0 && place < listed.length) choose(listed[place], true);
  }
  function columns() {
    const cards = [...document.querySelectorAll(".card")];
    const first = cards.length ? cards[0].offsetTop : 0;
    return Math.max(1, cards.filter((card) => card.offsetTop === first).length);
  }
  function turn(by) {
    const at = listed[(page + by) * PAGE];
    if (at !== undefined) choose(at);
  }
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.target.closest("input, select, textarea, dialog[open]")) return;
    const moves = { ArrowLeft: () => step(-1), ArrowRight: () => step(1), ArrowUp: () => step(-columns()), ArrowDown: () => step(columns()), u: undo, "?": () => $("help").showModal() };
    const act = Object.hasOwn(moves, event.key) ? moves[event.key] : Object.hasOwn(KEYS, event.key) ? () => decide(KEYS[event.key]) : null;
    if (!act) return;
    event.preventDefault();
    act();
  });

  // -- histograms, map, tables

  function histogram(one, at) {
    const bins = one.all.length;
    const most = Math.sqrt(Math.max(1, ...one.all));
    const high = (number) => Math.sqrt(number) / most * 96;
    const picture = svg("svg", { viewBox: `0 0 ${bins} 100`, preserveAspectRatio: "none", role: "img" });
    picture.setAttribute("aria-label", `Histogram of ${one.name}, from ${one.low.toPrecision(3)} to ${one.high.toPrecision(3)}`);
    let outline = "M0 100";
    one.all.forEach((number, bin) => {
      outline += ` L${bin} ${100 - high(number)} L${bin + 1} ${100 - high(number)}`;
      if (one.issues[bin]) picture.append(svg("rect", { class: "issues", x: bin, width: 1, y: 100 - high(one.issues[bin]), height: high(one.issues[bin]) }));
    });
    picture.append(svg("path", { class: "all", d: `${outline} L${bins} 100` }));
    const line = svg("line", { class: "cut", x1: bins, x2: bins, y1: 0, y2: 100 });
    picture.append(line);
    const told = make("output", { class: "soft" }, "no cut");
    const name = one.name.replaceAll("_", " ") + (one.name === data.rank ? ", ranks" : "");
    const slider = make("input", { type: "range", min: "0", max: "400", step: "1", "aria-label": `Cut of ${name}` });
    slider.value = "400";
    slider.addEventListener("input", () => {
      const share = Number(slider.value) / 400;
      const cut = share === 1 ? Infinity : one.low + share * (one.high - one.low);
      wanted.cuts[at] = cut;
      line.setAttribute("x1", share * bins);
      line.setAttribute("x2", share * bins);
      const below = one.all.reduce((sum, number, bin) => sum + number * Math.min(1, Math.max(0, share * bins - bin)), 0);
      told.textContent = share === 1 ? "no cut" : `at most ${cut.toPrecision(3)}, about ${Math.round(below).toLocaleString("en")} of all`;
      slider.setAttribute("aria-valuetext", told.textContent);
      anew();
    });
    return make("figure", { class: "histogram" }, make("figcaption", {}, make("strong", {}, name), told), picture, slider,
      make("div", { class: "ends" }, make("span", {}, one.low.toPrecision(3)), make("span", {}, one.high.toPrecision(3))));
  }
  function drawMap() {
    if (!data.map) {
      $("map").hidden = true;
      return;
    }
    const most = Math.max(1, ...data.map.flat());
    const head = make("tr", {}, make("th", {}, "given ↓ suggested →"), ...data.titles.map((name) => make("th", { scope: "col", title: name }, name)));
    const rows = data.map.map((cells, given) => make("tr", {}, make("th", { scope: "row", title: title(given) }, title(given)), ...cells.map((number, suggested) => {
      const button = make("button", { type: "button", disabled: !number }, number ? String(number) : "·");
      button.setAttribute("aria-label", `${number} labelled ${title(given)}, suggested ${title(suggested)}`);
      if (number) button.style.background = `color-mix(in srgb, var(--suggested) ${Math.round(8 + 42 * number / most)}%, var(--card))`;
      button.addEventListener("click", () => pair(given, suggested));
      return make("td", {}, button);
    })));
    $("cells").append(make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows)));
  }
  function pair(given, suggested) {
    wanted.given = given;
    wanted.suggested = suggested;
    $("given").value = String(given);
    $("suggested").value = String(suggested);
    anew();
    say(`Listed: labelled ${title(given)}, suggested ${title(suggested)}.`);
    $("review").scrollIntoView();
  }
  function table(one) {
    const number = one.columns.map((_, at) => one.rows.every((row) => row[at] === null || typeof row[at] === "number"));
    const body = make("tbody");
    const write = (rows) => body.replaceChildren(...rows.map((row) => make("tr", {}, ...row.map((cell, at) => make("td", { class: number[at] ? "number" : "" }, cell === null ? "" : typeof cell === "number" ? cell.toLocaleString("en") : String(cell))))));
    let sorted = -1;
    const heads = one.columns.map((name, at) => {
      const button = make("button", { type: "button", title: "Sort" }, name);
      const head = make("th", { scope: "col", class: number[at] ? "number" : "" }, button);
      button.addEventListener("click", () => {
        const down = sorted === at ? -1 : 1;
        sorted = sorted === at ? -1 : at;
        const worth = (row) => row[at] === null ? -Infinity : row[at];
        write([...one.rows].sort((a, b) => (number[at] ? worth(b) - worth(a) : String(a[at]).localeCompare(String(b[at]))) * down));
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", (down === 1) === number[at] ? "descending" : "ascending");
      });
      return head;
    });
    write(one.rows);
    return make("div", {}, make("h3", {}, one.title), make("div", { class: "tall" }, make("table", {}, make("thead", {}, make("tr", {}, ...heads)), body)));
  }

  // -- the page

  function option(value, text) {
    return make("option", { value: String(value) }, text);
  }
  function reset() {
    Object.assign(wanted, { filter: data.filters.indexOf(data.filter), given: -1, suggested: -1, show: "all", search: "", cuts: wanted.cuts.map(() => Infinity) });
    for (const id of ["given", "suggested"]) $(id).value = "-1";
    $("filter").value = String(wanted.filter);
    $("show").value = "all";
    $("search").value = "";
    for (const slider of document.querySelectorAll(".histogram input")) {
      slider.value = "400";
      slider.dispatchEvent(new Event("input"));
    }
    anew();
  }
  const share = data.issues > data.rows.length ? ` The worst ${data.rows.length.toLocaleString("en")} are here.` : "";
  const crowded = data.crowded_out ? ` ${many(data.crowded_out, "picture")} found no room.` : "";
  $("summary").textContent = `${many(data.issues, "issue")} among ${many(data.samples, "label")} (${data.filter.replaceAll("_", " ")}); about ${data.errors.toLocaleString("en")} wrong by the joint.${share}${crowded}`;
  $("warnings").append(...data.warnings.map((text) => make("p", {}, text)));
  $("filter").append(option(-1, "(all on this page)"), ...data.filters.map((name, at) => option(at, name.replaceAll("_", " "))));
  $("filter").value = String(wanted.filter);
  for (const id of ["given", "suggested"]) {
    $(id).append(option(-1, "any"), ...data.titles.map((name, number) => option(number, name)));
    $(id).addEventListener("change", () => { wanted[id] = Number($(id).value); anew(); });
  }
  $("filter").addEventListener("change", () => { wanted.filter = Number($("filter").value); anew(); });
  $("show").addEventListener("change", () => { wanted.show = $("show").value; anew(); });
  $("search").addEventListener("input", () => { wanted.search = $("search").value.toLowerCase(); anew(); });
  $("choose").addEventListener("submit", (event) => event.preventDefault());
  $("reset").addEventListener("click", reset);
  $("before").addEventListener("click", () => turn(-1));
  $("after").addEventListener("click", () => turn(1));
  $("cards").addEventListener("click", (event) => {
    const card = event.target.closest(".card");
    if (card) choose(Number(card.dataset.at));
  });
  $("save").addEventListener("click", save);
  $("load").addEventListener("click", () => $("file").click());
  $("file").addEventListener("change", async () => {
    const [file] = $("file").files;
    if (file) load(await file.text());
    $("file").value = "";
  });
  $("who").addEventListener("change", remember);
  $("keys").addEventListener("click", () => $("help").showModal());
  $("histograms").append(...data.histograms.map(histogram));
  drawMap();
  $("tables").append(...data.tables.map(table));
  if (data.pictures.length) {
    $("pictures").hidden = false;
    $("drawings").append(...data.pictures.map((one) => make("figure", {}, make("figcaption", {}, one.title), make("img", { src: one.src, alt: one.words }))));
  }
  window.addEventListener("beforeunload", (event) => { if (!kept && decisions.size) event.preventDefault(); });
  recall();
  anew();
})();
