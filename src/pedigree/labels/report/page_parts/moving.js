// Moving from sample to sample, by key and by mouse.
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
