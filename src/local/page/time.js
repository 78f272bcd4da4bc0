import { el } from "./dom.js";

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const CLOCK_SECONDS = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
});
const SHORT_DATE = new Intl.DateTimeFormat(undefined, { dateStyle: "short" });
const LONG_DATE = new Intl.DateTimeFormat("en", { day: "numeric", month: "long", year: "numeric" });
const FULL = new Intl.DateTimeFormat("en", {
  weekday: "long",
  day: "numeric",
  month: "long",
  year: "numeric",
  hour: "2-digit",
  minute: "2-digit",
});
const RELATIVE = new Intl.RelativeTimeFormat("en", { numeric: "always" });

const STEPS = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
];

export function relative(date, now = Date.now()) {
  const seconds = Math.round((date.getTime() - now) / 1000);
  for (const [unit, size] of STEPS) {
    if (Math.abs(seconds) >= size || unit === "second")
      return RELATIVE.format(Math.round(seconds / size), unit);
  }
  return "";
}

export function dayOf(date) {
  return LONG_DATE.format(date);
}

/** `14:03`, `Yesterday 14:03`, or with the date. */
export function stamp(date, now = new Date()) {
  const yesterday = new Date(now.getFullYear(), now.getMonth(), now.getDate() - 1);
  if (date.toDateString() === now.toDateString()) return CLOCK.format(date);
  if (date.toDateString() === yesterday.toDateString()) return `Yesterday ${CLOCK.format(date)}`;
  return `${SHORT_DATE.format(date)} ${CLOCK.format(date)}`;
}

export function clock(date) {
  return CLOCK.format(date);
}

/** A `<time>` whose tooltip has the whole date. */
export function timeElement(date, text, className) {
  return el("time", { datetime: date.toISOString(), title: FULL.format(date), class: className }, text);
}

/** `<t:seconds:style>` of Discord. */
export function discordTime(seconds, style) {
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime())) return document.createTextNode(`<t:${seconds}>`);
  switch (style) {
    case "t":
      return timeElement(date, CLOCK.format(date), "stamp");
    case "T":
      return timeElement(date, CLOCK_SECONDS.format(date), "stamp");
    case "d":
      return timeElement(date, SHORT_DATE.format(date), "stamp");
    case "D":
      return timeElement(date, LONG_DATE.format(date), "stamp");
    case "F":
      return timeElement(date, FULL.format(date), "stamp");
    case "R": {
      const node = timeElement(date, relative(date), "stamp");
      node.dataset.relative = String(date.getTime());
      return node;
    }
    default:
      return timeElement(date, `${LONG_DATE.format(date)} ${CLOCK.format(date)}`, "stamp");
  }
}

/** The same as text that stays right. */
export function plainTime(seconds) {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? "" : stamp(date);
}

/** Keeps the relative times on the page right. */
export function keepTime() {
  setInterval(() => {
    if (document.hidden) return;
    for (const node of document.querySelectorAll("time[data-relative]")) {
      const text = relative(new Date(Number(node.dataset.relative)));
      if (node.textContent !== text) node.textContent = text;
    }
  }, 1000);
}
