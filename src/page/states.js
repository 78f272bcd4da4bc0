import { icon } from "./icons.js";
import { h } from "./node.js";

/** How each state looks: its word, its colour and its shape, so that colour is never the only sign. */
const STATES = {
  queued: ["queued", "quiet", "dots"],
  pending: ["pending", "quiet", "dots"],
  open: ["open", "wait", "dots"],
  dispatched: ["working", "run", "play"],
  claimed: ["working", "run", "play"],
  running: ["running", "run", "play"],
  begun: ["working", "run", "play"],
  canceling: ["canceling", "quiet", "slash"],
  waiting: ["waiting", "wait", "pause"],
  late: ["late", "late", "clock"],
  succeeded: ["succeeded", "good", "check"],
  done: ["done", "good", "check"],
  approved: ["approved", "good", "check"],
  partial: ["partial", "part", "half"],
  failed: ["failed", "bad", "cross"],
  rejected: ["rejected", "bad", "cross"],
  blocked: ["blocked", "bad", "square"],
  timed_out: ["timed out", "bad", "clock"],
  lost: ["lost", "bad", "bang"],
  expired: ["expired", "bad", "clock"],
  canceled: ["canceled", "quiet", "slash"],
  withdrawn: ["withdrawn", "quiet", "slash"],
  skipped: ["skipped", "quiet", "skip"],
  up: ["up", "good", "check"],
  busy: ["busy", "run", "play"],
  draining: ["draining", "wait", "pause"],
  down: ["down", "bad", "down"],
  unauthorized: ["refuses our token", "bad", "key"],
  unknown: ["not asked yet", "quiet", "help"],
};

const SETTLED = new Set([
  "succeeded",
  "partial",
  "failed",
  "blocked",
  "timed_out",
  "canceled",
  "skipped",
  "done",
  "withdrawn",
  "approved",
  "rejected",
  "expired",
]);

export const isSettled = (state) => SETTLED.has(state);

export function lookOf(state) {
  const [word = String(state).replaceAll("_", " "), tone = "quiet", shape = "dots"] = STATES[state] ?? [];
  return { word, tone, shape };
}

/** A state as a pill: shape and word. */
export function pill(state, word) {
  const look = lookOf(state);
  return h(
    "span",
    { class: `pill tone-${look.tone}`, data: { state } },
    icon(look.shape, 14),
    word ?? look.word,
  );
}

/** A state as its shape alone; the word is there for who cannot see it. */
export function dot(state, size = 18) {
  const { word, tone, shape } = lookOf(state);
  return h(
    "span",
    { class: `dot tone-${tone}`, title: word, data: { state } },
    icon(shape, size),
    h("span", { class: "hidden-text" }, word),
  );
}
