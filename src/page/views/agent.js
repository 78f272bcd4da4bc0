import { h } from "../node.js";
import { bar, crumb, empty, facts, panel, viewHead } from "../parts.js";
import { to } from "../router.js";
import { rows } from "../rows.js";
import { lookOf, pill } from "../states.js";
import { clock, instant, span, ticking } from "../time.js";
import { drainButton, drainWords } from "./agents.js";

const DAY_MS = 86_400_000;

/** One agent: its health over the last day, what it did lately. */
export function agentView(app, { id }) {
  let agent;
  let history;
  const path = `/agents/${encodeURIComponent(id)}`;

  async function load() {
    [agent, history] = await Promise.all([app.api.get(path), app.api.get(`${path}/history`)]);
  }

  function draw() {
    const { card, state, since, health, running, queued, draining, unsteady } = agent;
    return [
      viewHead({
        title: card.name ?? card.id,
        above: crumb(to("agents"), "Agents"),
        beside: [pill(state), h("span", { class: "muted" }, "since ", ticking(since))],
        below: [
          draining ? h("p", { class: "reason" }, drainWords(draining)) : undefined,
          facts([
            ["Health", `${health.text}${unsteady ? " (comes and goes)" : ""}`],
            [
              "Work",
              [
                bar(running, card.concurrency, "Places taken"),
                ` ${running} of ${card.concurrency} working, ${queued} waiting`,
              ],
            ],
            ["Capabilities", card.capabilities.join(", ")],
            ["Model", card.model],
            ["Address", h("span", { class: "code" }, card.url)],
            ["Note", card.note],
          ]),
        ],
        actions: [drainButton(app, { id: card.id, name: card.name ?? card.id, draining })],
      }),
      panel("The last 24 hours", { key: "strip" }, strip(history), hours(history)),
      h(
        "div",
        { class: "two-columns", key: "columns" },
        panel("Latest work", { key: "latest" }, latest(history)),
        panel("Changes", { key: "changes" }, changes(history)),
      ),
    ];
  }

  return {
    title: () => agent?.card.name ?? id,
    load,
    draw,
    concerns: ({ type, stream }) => stream === `agent-${id}` || /^(delegation|attempt)\./.test(type),
  };
}

/** Up, down and drained as one strip from a day ago until now. */
function strip({ spans }) {
  const now = Date.now();
  const from = now - DAY_MS;
  return h(
    "figure",
    { class: "strip-figure" },
    h(
      "div",
      { class: "strip", role: "img", "aria-label": spansInWords(spans, now) },
      spans.map((one, at) => {
        const begin = Math.max(one.from, from);
        const width = ((Math.max(one.to ?? now, begin) - begin) / DAY_MS) * 100;
        const { tone, word } = lookOf(one.state);
        return h("span", {
          key: at,
          class: `strip-span strip-${one.state} tone-${tone}`,
          title: `${word} from ${clock(one.from)}${one.to ? ` to ${clock(one.to)}` : ""}`,
          style: { left: `${((begin - from) / DAY_MS) * 100}%`, width: `${width}%` },
        });
      }),
    ),
    h("figcaption", { class: "strip-ends faint" }, h("span", {}, "24 hours ago"), h("span", {}, "now")),
  );
}

function spansInWords(spans, now) {
  if (spans.length === 0) return "Nothing is known of the last 24 hours";
  return spans
    .map(
      ({ from, to, state }) =>
        `${lookOf(state).word} for ${span((to ?? now) - Math.max(from, now - DAY_MS))}`,
    )
    .join(", then ");
}

/** Settled delegations by hour: what succeeded stands on what did not. */
function hours({ hours: all, hoursFrom }) {
  const most = Math.max(1, ...all.map(({ settled }) => settled));
  const total = all.reduce((sum, { settled }) => sum + settled, 0);
  if (total === 0) return h("p", { class: "muted" }, "It settled nothing in the last 24 hours.");
  const last = all.findLast(({ medianMs }) => medianMs !== undefined);
  return h(
    "figure",
    { class: "hours-figure" },
    h(
      "div",
      {
        class: "hours",
        role: "img",
        "aria-label": `${total} ${total === 1 ? "delegation" : "delegations"} settled in the last 24 hours`,
      },
      all.map((hour) =>
        h(
          "span",
          {
            key: hour.at,
            class: `hour ${hour.at < hoursFrom ? "hour-unknown" : ""}`.trim(),
            title:
              hour.at < hoursFrom
                ? `${clock(hour.at)}: not looked at`
                : `${clock(hour.at)}: ${hour.succeeded} succeeded, ${hour.failed} failed${hour.medianMs === undefined ? "" : `, median ${span(hour.medianMs)}`}`,
          },
          h("span", { class: "hour-bad", style: { height: `${(hour.failed / most) * 100}%` } }),
          h("span", { class: "hour-good", style: { height: `${(hour.succeeded / most) * 100}%` } }),
        ),
      ),
    ),
    h(
      "figcaption",
      { class: "faint" },
      `${total} settled by hour`,
      last ? ` · median ${span(last.medianMs)} lately` : "",
    ),
  );
}

function latest({ latest: all }) {
  if (all.length === 0) return empty("It has done nothing yet.", "What it is asked shows here at once.");
  return rows("Latest work", all, (one) => ({
    key: one.id,
    href: to("delegations", one.id),
    state: one.status === "queued" ? "waiting" : one.status,
    title: one.objective,
    sub: one.run ? `${one.run}${one.step ? ` / ${one.step}` : ""}` : one.id,
    note: one.reason,
    end: [
      one.settledAt === undefined
        ? ticking(one.dispatchedAt ?? one.queuedAt)
        : h(
            "span",
            {},
            instant(one.settledAt),
            h("span", { class: "faint" }, ` in ${span(one.settledAt - one.queuedAt)}`),
          ),
    ],
  }));
}

const CHANGES = {
  drained: "drained",
  resumed: "resumed",
  unsteady: "comes and goes",
  steady: "is steady again",
  told: "people were told",
  unauthorized: "refuses our token",
  forgiven: "gets another try with our token",
  well: "took work again",
};

function changes({ changes: all }) {
  if (all.length === 0) return empty("Nothing has changed since it is known.");
  return h(
    "ol",
    { class: "story" },
    all.map(({ at, what, state, by, text }, index) =>
      h(
        "li",
        { key: `${at} ${what} ${index}`, class: "story-line" },
        h("span", { class: "story-at" }, instant(at)),
        h(
          "span",
          {},
          state ? `${lookOf(state).word}` : (CHANGES[what] ?? what),
          text && text !== state ? h("span", { class: "muted" }, ` · ${text}`) : "",
          by && by !== "work" && by !== "look" ? h("span", { class: "faint" }, ` · ${by}`) : "",
        ),
      ),
    ),
  );
}
