import { h } from "../node.js";
import { empty, panel, viewHead } from "../parts.js";
import { to } from "../router.js";
import { span } from "../time.js";

const SPANS = [
  ["24h", "24 hours"],
  ["7d", "7 days"],
  ["30d", "30 days"],
  ["", "All time"],
];
const CHARTS = [
  ["hours", "Delegations over time"],
  ["agents", "Delegations by agent"],
  ["latency", "How long it takes"],
];
/** Pictures are drawn anew no more often than this while work goes on. */
const PICTURE_EVERY_MS = 60_000;

/** Figures and charts of what ended. */
export function metricsView(app, { query }) {
  let since = wanted(query);
  let figures;
  let error;
  let hasLeft = false;
  const pictures = createPictures(app);

  async function load() {
    try {
      figures = await app.api.get("/metrics", { since });
      error = undefined;
    } catch (refused) {
      if (refused.status === 0 || refused.status === 401) throw refused;
      error = refused;
    }
    // Figures first: pictures take longer to draw.
    void pictures.look({ since, theme: app.theme() }).then(() => !hasLeft && app.redraw(), app.refuse);
  }

  function draw() {
    return [
      viewHead({ title: "Metrics" }),
      h(
        "nav",
        { class: "filters", key: "spans", "aria-label": "Time" },
        SPANS.map(([value, word]) =>
          h(
            "a",
            {
              key: value,
              class: "filter",
              href: to("metrics", undefined, { since: value || "all" }),
              "aria-current": value === since ? "true" : undefined,
            },
            word,
          ),
        ),
      ),
      error
        ? h(
            "p",
            { class: "banner tone-wait", role: "status", key: "error" },
            `There are no figures to show: ${error.message}`,
          )
        : undefined,
      figures ? body(figures) : undefined,
      h("div", { class: "charts", key: "charts" }, CHARTS.map(chart)),
    ];
  }

  function chart([kind, title]) {
    const { address, why } = pictures.of(kind);
    return h(
      "figure",
      { class: "chart-figure", key: kind },
      address
        ? h("img", { class: "chart", src: address, alt: title })
        : [h("figcaption", {}, title), h("p", { class: "muted" }, why)],
    );
  }

  return {
    title: () => "Metrics",
    load,
    draw,
    concerns: ({ type }) => /^(delegation|run|task|worker)\.settled$/.test(type),
    arrived: (now) => {
      since = wanted(now);
      app.reload();
    },
    leave: () => {
      hasLeft = true;
      pictures.drop();
    },
  };
}

function wanted({ since = "24h" }) {
  return since === "all" ? "" : since;
}

/** The charts that the supervisor draws, or why there is none. */
function createPictures(app) {
  const held = new Map();
  let drawn = "";
  let drawnAt = 0;

  function put(kind, picture) {
    const before = held.get(kind)?.address;
    if (before) URL.revokeObjectURL(before);
    held.set(kind, picture);
  }
  return {
    of: (kind) => held.get(kind) ?? { why: "It is being drawn …" },
    async look(query) {
      const which = JSON.stringify(query);
      if (which === drawn && Date.now() - drawnAt < PICTURE_EVERY_MS) return;
      drawn = which;
      drawnAt = Date.now();
      await Promise.all(
        CHARTS.map(async ([kind]) => {
          try {
            const blob = await app.api.picture("/metrics/chart.png", { kind, ...query });
            put(kind, { address: URL.createObjectURL(blob) });
          } catch (refused) {
            const why = refused.status === 404 ? "This supervisor draws no such picture." : refused.message;
            put(kind, { why });
          }
        }),
      );
    },
    drop() {
      for (const [kind] of CHARTS) put(kind, { why: "" });
    },
  };
}

function body({ delegations: all, agents, workflows, behind }) {
  if (all.total === 0)
    return empty(
      "Nothing has ended in this time.",
      "Figures begin with the first delegation that is settled.",
    );
  return h(
    "div",
    { key: "figures", class: "figures" },
    behind > 0
      ? h("p", { class: "faint" }, `${behind} ${behind === 1 ? "event is" : "events are"} not counted yet.`)
      : undefined,
    h(
      "ul",
      { class: "tiles", "aria-label": "In figures" },
      tilesOf(all).map(([word, value, note]) => tile(word, value, note)),
    ),
    panel(
      "By agent",
      { key: "agents" },
      table("Agent", agents, "agent", (name) => to("agents", name)),
    ),
    workflows.length > 0
      ? panel("By workflow", { key: "workflows" }, table("Workflow", workflows, "workflow"))
      : undefined,
  );
}

function tilesOf({
  total,
  successRate,
  waiting,
  working,
  posting,
  retries,
  confidence,
  tokens,
  usd,
  byStatus,
}) {
  return [
    ["Delegations", total, words(byStatus)],
    ["Success", share(successRate), "partial counted, canceled not"],
    ["Waiting", time(waiting.p50Ms), `p95 ${time(waiting.p95Ms)}`],
    ["Working", time(working.p50Ms), `p95 ${time(working.p95Ms)}`],
    ["Posting", time(posting.p50Ms), `p95 ${time(posting.p95Ms)}`],
    ["Retries", retries, undefined],
    [
      "Confidence",
      `${confidence.high} / ${confidence.medium} / ${confidence.low}`,
      `high / medium / low${confidence.unknown > 0 ? `, ${confidence.unknown} unknown` : ""}`,
    ],
    [
      "Tokens",
      tokens.known > 0 ? (tokens.input + tokens.output).toLocaleString("en") : "unknown",
      tokens.unknown > 0 && tokens.known > 0 ? `of ${tokens.unknown} unknown` : undefined,
    ],
    [
      "Cost",
      usd.known > 0 ? `$${usd.total.toFixed(2)}` : "unknown",
      usd.unknown > 0 && usd.known > 0 ? `of ${usd.unknown} unknown` : undefined,
    ],
  ];
}

function tile(word, value, note) {
  return h(
    "li",
    { key: word },
    h(
      "div",
      { class: "tile tile-figure" },
      h("span", { class: "tile-value" }, String(value)),
      h("span", { class: "tile-word" }, word),
      note ? h("span", { class: "tile-note" }, note) : undefined,
    ),
  );
}

function table(head, items, by, hrefOf) {
  return h(
    "div",
    { class: "table-scroll" },
    h(
      "table",
      {},
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          [head, "Settled", "Success", "Waiting p50", "p95", "Working p50", "p95", "Retries"].map(
            (word, at) => h("th", { key: `${word} ${at}`, scope: "col" }, word),
          ),
        ),
      ),
      h(
        "tbody",
        {},
        items.map((item) =>
          h(
            "tr",
            { key: item[by] },
            h(
              "th",
              { scope: "row" },
              hrefOf ? h("a", { href: hrefOf(item[by]), data: { row: "" } }, item[by]) : item[by],
            ),
            [
              item.total,
              share(item.successRate),
              time(item.waiting.p50Ms),
              time(item.waiting.p95Ms),
              time(item.working.p50Ms),
              time(item.working.p95Ms),
              item.retries,
            ].map((cell, at) => h("td", { key: at }, String(cell))),
          ),
        ),
      ),
    ),
  );
}

const share = (rate) => (rate === undefined ? "–" : `${Math.round(rate * 1000) / 10} %`);
const time = (ms) => (ms === undefined ? "–" : span(ms));
const words = (byStatus) =>
  Object.entries(byStatus)
    .filter(([status]) => status !== "succeeded")
    .map(([status, count]) => `${count} ${status.replaceAll("_", " ")}`)
    .join(" · ") || "all succeeded";
