// What all parts of the page use: its data, and elements that are made without markup.
const data = JSON.parse(document.getElementById("data").textContent);
const PAGE = 48;
const WORDS = { keep: "Keep", relabel: "Relabel", drop: "Drop", both: "Both", neither: "Neither" };
const KEYS = { k: "keep", r: "relabel", d: "drop", b: "both", n: "neither" };
// Which labels decisions are about: one table can have several columns of them.
const about = (head) => JSON.stringify([head.digest, head.layout || "table", head.label_column || null, head.id_column || null]);
const STORE = "pedigree-labels:" + about(data.head);
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
