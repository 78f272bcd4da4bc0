import { h } from "./node.js";

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const SECONDS = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const DAY = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const WHOLE = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });

/** A span in two units at most: `31 ms`, `4 s`, `2 m 5 s`, `3 h 12 m`, `2 d 4 h`. */
export function span(ms) {
  if (ms === undefined || Number.isNaN(ms)) return "";
  const whole = Math.round(Math.max(0, ms));
  if (whole > 0 && whole < 1000) return `${whole} ms`;
  const tenths = Math.round(whole / 100) / 10;
  if (tenths < 10) return `${tenths} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const [days, hours, minutes] = [
    Math.floor(seconds / 86_400),
    Math.floor(seconds / 3600) % 24,
    Math.floor(seconds / 60) % 60,
  ];
  if (days > 0) return hours > 0 ? `${days} d ${hours} h` : `${days} d`;
  if (hours > 0) return minutes > 0 ? `${hours} h ${minutes} m` : `${hours} h`;
  return seconds % 60 > 0 && minutes < 10 ? `${minutes} m ${seconds % 60} s` : `${minutes} m`;
}

/** `14:03:05`, on another day `12 Feb 14:03`. */
export function clock(at, now = Date.now()) {
  const date = new Date(at);
  if (date.toDateString() === new Date(now).toDateString()) return SECONDS.format(date);
  return `${DAY.format(date)} ${CLOCK.format(date)}`;
}

/** An instant, with the whole date when pointed at. */
export function instant(at) {
  if (at === undefined) return undefined;
  return h("time", { datetime: new Date(at).toISOString(), title: WHOLE.format(at) }, clock(at));
}

/** How long ago, or until when; the clock of the page keeps it right. `words`: `for`, `ago`, `in`. */
export function ticking(at, words = "for") {
  if (at === undefined) return undefined;
  return h(
    "time",
    {
      datetime: new Date(at).toISOString(),
      title: WHOLE.format(at),
      class: "ticking",
      data: { at, words },
    },
    said(at, words, Date.now()),
  );
}

export function said(at, words, now) {
  const ms = words === "in" ? at - now : now - at;
  if (words === "in") return ms < 0 ? `${coarse(-ms)} over` : `in ${coarse(ms)}`;
  return words === "ago" ? `${coarse(ms)} ago` : coarse(ms);
}

/** Whole seconds: a ticking time has no tenths. */
function coarse(ms) {
  return span(Math.floor(Math.max(0, ms) / 1000) * 1000);
}

/** Keeps what ticks right, once a second while somebody looks. */
export function keepTime() {
  setInterval(() => {
    if (document.hidden) return;
    const now = Date.now();
    for (const node of document.querySelectorAll("time.ticking")) {
      const text = said(Number(node.dataset.at), node.dataset.words, now);
      const { firstChild } = node;
      if (firstChild && firstChild.data !== text) firstChild.data = text;
    }
  }, 1000);
}
