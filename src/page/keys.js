import { to } from "./router.js";

const PLACES = { n: "now", r: "runs", g: "gates", a: "agents", q: "queue", m: "metrics", s: "search" };
const WITHIN_MS = 1200;

export const KEYS = [
  ["g n", "Now: what runs, waits, is late"],
  ["g r", "Runs"],
  ["g g", "Gates that wait for people"],
  ["g a", "Agents"],
  ["g q", "Queue of tasks"],
  ["g m", "Metrics"],
  ["/", "Search all history"],
  ["j  k", "Next and previous line"],
  ["Enter", "Open what is marked"],
  ["Escape", "Close, or one step back"],
  ["?", "These keys"],
];

/** The keys that work everywhere. What is typed into a field stays there. */
export function listenToKeys({ go, back, help, isOpen }) {
  let pressedGAt = Number.NEGATIVE_INFINITY;

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (!isOpen()) return;
    const field = event.target.closest?.("input, textarea, select");
    if (field) return inField(event, field);
    const afterG = event.timeStamp - pressedGAt < WITHIN_MS;
    pressedGAt = Number.NEGATIVE_INFINITY;
    const place = PLACES[event.key];
    if (afterG && place) return done(event, () => go(to(place)));
    if (event.key === "g") pressedGAt = event.timeStamp;
    else if (event.key === "/") done(event, () => go(to("search")));
    else if (event.key === "?") done(event, help);
    else if (event.key === "j") done(event, () => step(1));
    else if (event.key === "k") done(event, () => step(-1));
    else if (event.key === "Escape") done(event, back);
  });

  /** From a search field down into what was found. */
  function inField(event, field) {
    if (event.key === "Escape") return done(event, () => (field.value ? clear(field) : field.blur()));
    if (field.type === "search" && event.key === "ArrowDown") done(event, () => step(1));
  }
}

function done(event, act) {
  event.preventDefault();
  act();
}

function clear(field) {
  field.value = "";
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

/** Moves the focus over the lines of the view. */
function step(by) {
  const rows = [...document.querySelectorAll("#main [data-row]")].filter(
    (row) => row.offsetParent || row.getClientRects().length,
  );
  if (rows.length === 0) return;
  const at = rows.findIndex((row) => row === document.activeElement || row.contains(document.activeElement));
  const next = at < 0 ? (by > 0 ? 0 : rows.length - 1) : Math.min(rows.length - 1, Math.max(0, at + by));
  rows[next].focus();
  rows[next].scrollIntoView({ block: "nearest" });
}
