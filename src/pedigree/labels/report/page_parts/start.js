// The page is filled, and what a person does is tied to what happens.
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
