// Histograms with their cuts, the map of given and suggested labels, tables.
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
