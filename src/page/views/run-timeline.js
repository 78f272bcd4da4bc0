import { h } from "../node.js";
import { dot } from "../states.js";
import { span } from "../time.js";

const TICKS = 4;
/** How what is waited for is drawn. */
const WAITS = { gate: "seg-people", need: "seg-need" };
/** A bar that took no time is still to be seen. */
const LEAST_SHARE = 0.35;
const NICE_MS = [
  100, 250, 500, 1000, 2000, 5000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 900_000,
  1_800_000, 3_600_000, 7_200_000, 14_400_000, 28_800_000, 86_400_000, 172_800_000, 604_800_000,
];

/** When each step waited, for what, and when it worked. */
export function runTimeline(place) {
  const { run, graph, chosen, now } = place;
  const from = graph.startedAt;
  const to = Math.max(run.settledAt ?? now, from + 1);
  const scale = {
    from,
    to,
    at: (instant) => ((Math.min(Math.max(instant, from), to) - from) / (to - from)) * 100,
  };
  const begun = graph.nodes.filter((node) => node.startedAt !== undefined || node.waitedFor.length > 0);
  if (begun.length === 0) return h("p", { class: "muted" }, "No step has begun yet.");
  return h(
    "div",
    { class: "gantt" },
    axis(scale),
    h(
      "ul",
      { class: "gantt-rows", "aria-label": "Timeline of the steps" },
      begun
        .toSorted(byBegin)
        .flatMap((node) => [
          line(node, place, scale),
          ...(node.id === chosen ? childLines(node, place, scale) : []),
        ]),
    ),
  );
}

function byBegin(a, b) {
  return firstOf(a) - firstOf(b) || a.wave - b.wave;
}

function firstOf({ waitedFor, startedAt = Number.POSITIVE_INFINITY }) {
  return Math.min(startedAt, ...waitedFor.filter((wait) => wait.for !== "need").map((wait) => wait.from));
}

function axis(scale) {
  const stepMs = NICE_MS.find((ms) => ms * TICKS >= scale.to - scale.from) ?? (scale.to - scale.from) / TICKS;
  const marks = [];
  // The words of a mark at the very end have no room.
  for (let ms = 0; ms <= (scale.to - scale.from) * 0.92; ms += stepMs) marks.push(ms);
  return h(
    "div",
    { class: "gantt-axis", "aria-hidden": "true" },
    h(
      "div",
      { class: "gantt-track" },
      marks.map((ms) =>
        h(
          "span",
          { key: ms, class: "gantt-mark", style: { left: `${scale.at(scale.from + ms)}%` } },
          ms === 0 ? "0" : span(ms),
        ),
      ),
    ),
  );
}

function line(node, { chosen, hrefOf, now }, scale) {
  const said = sentence(node, now);
  return h(
    "li",
    { key: node.id },
    h(
      "a",
      {
        class: `gantt-row ${node.id === chosen ? "gantt-chosen" : ""}`.trim(),
        href: hrefOf(node.id),
        data: { row: "" },
        "aria-label": `${node.id}: ${said}`,
      },
      h(
        "span",
        { class: "gantt-name" },
        dot(node.gate?.status === "open" ? "waiting" : node.state, 16),
        h("span", {}, node.id),
      ),
      h("span", { class: "gantt-track" }, segments(node, scale, now)),
      h("span", { class: "gantt-time" }, total(node, now)),
    ),
  );
}

/** What a fan-out or a nested run is made of. */
function childLines({ children, items }, { now }, scale) {
  if (children.length < 2) return [];
  const lines = children.map((child) =>
    h(
      "li",
      { key: child.id, class: "gantt-child" },
      h(
        "a",
        {
          class: "gantt-row",
          href: `#/${child.kind === "run" ? "runs" : "delegations"}/${encodeURIComponent(child.id)}`,
          data: { row: "" },
        },
        h(
          "span",
          { class: "gantt-name" },
          dot(child.state, 14),
          h(
            "span",
            {},
            child.item === undefined ? child.id : `item ${child.item + 1}`,
            child.agent ? ` · ${child.agent}` : "",
          ),
        ),
        h("span", { class: "gantt-track" }, segments({ ...child, waitedFor: [] }, scale, now)),
        h("span", { class: "gantt-time" }, total(child, now)),
      ),
    ),
  );
  const hidden = (items?.total ?? children.length) - children.length;
  return hidden > 0
    ? [...lines, h("li", { key: "hidden", class: "faint gantt-child" }, `and ${hidden} more`)]
    : lines;
}

function segments({ waitedFor, startedAt, dispatchedAt, settledAt, gate }, scale, now) {
  const end = settledAt ?? now;
  const bars = waitedFor.map((wait) => ({
    name: WAITS[wait.for] ?? "seg-wait",
    from: wait.from,
    to: wait.to ?? now,
    text: wait.text,
  }));
  const hasWaited = bars.some(({ name }) => name !== "seg-need");
  const worksFrom = dispatchedAt ?? (gate || hasWaited ? undefined : startedAt);
  if (startedAt !== undefined && dispatchedAt !== undefined && !hasWaited && dispatchedAt - startedAt > 50)
    bars.push({ name: "seg-wait", from: startedAt, to: dispatchedAt, text: "waited" });
  if (worksFrom !== undefined && end >= worksFrom)
    bars.push({
      name: settledAt === undefined ? "seg-work seg-live" : "seg-work",
      from: worksFrom,
      to: end,
      text: `worked ${span(end - worksFrom)}`,
    });
  return bars.map(({ name, from, to, text }, at) => {
    const left = scale.at(from);
    const width = Math.max(LEAST_SHARE, scale.at(to) - left);
    return h("span", {
      key: `${name} ${at}`,
      class: `seg ${name}`,
      title: text,
      style: { left: `${Math.min(left, 100 - LEAST_SHARE)}%`, width: `${width}%` },
    });
  });
}

function total({ startedAt, settledAt, waitedFor = [] }, now) {
  const from = startedAt ?? waitedFor.find((wait) => wait.for !== "need")?.from;
  if (from === undefined) return "";
  return settledAt === undefined ? span(Math.floor((now - from) / 1000) * 1000) : span(settledAt - from);
}

/** The same in words, for who cannot see the bars. */
function sentence({ waitedFor, dispatchedAt, settledAt, state }, now) {
  const waits = waitedFor.map((wait) => `waited ${span(wait.ms)} for ${wait.id ?? wait.for}`);
  const work = dispatchedAt === undefined ? [] : [`worked ${span((settledAt ?? now) - dispatchedAt)}`];
  return [...waits, ...work, state].join(", ");
}
