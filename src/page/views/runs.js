import { h } from "../node.js";
import { createPaged } from "../paged.js";
import { bar, button, code, empty, runFromShell, viewHead } from "../parts.js";
import { to } from "../router.js";
import { rows } from "../rows.js";
import { instant, span, ticking } from "../time.js";

const FILTERS = [
  ["", "All"],
  ["running", "Running"],
  ["succeeded", "Succeeded"],
  ["partial", "Partial"],
  ["failed", "Failed"],
  ["canceled", "Canceled"],
];

/** All runs, newest first. */
export function runsView(app, { query }) {
  let status = query.status ?? "";
  const list = createPaged(app, "/runs");

  function draw() {
    return [
      viewHead({ title: "Runs" }),
      filters("runs", FILTERS, status),
      list.items().length === 0
        ? empty(
            status ? `No run is ${status}.` : "No workflow has been run yet.",
            status
              ? h("a", { href: to("runs") }, "Show all runs")
              : h(
                  "span",
                  {},
                  "Start one in Discord with ",
                  code("/workflow run"),
                  " or from a shell: ",
                  runFromShell(app.now.agents),
                ),
          )
        : h("div", { class: "panel panel-bare", key: "list" }, rows("Runs", list.items(), line)),
      list.hasOlder() ? button("Show older ones", list.older) : undefined,
    ];
  }

  return {
    title: () => "Runs",
    load: () => list.load({ status }),
    draw,
    concerns: ({ type }) => /^(run|step|gate)\./.test(type),
    arrived: (now) => {
      status = now.status ?? "";
      list.again();
    },
  };
}

/** Links that narrow a list down. */
export function filters(place, all, chosen, more = {}) {
  return h(
    "nav",
    { class: "filters", key: "filters", "aria-label": "Filter" },
    all.map(([value, word]) =>
      h(
        "a",
        {
          key: value,
          class: "filter",
          href: to(place, undefined, { ...more, status: value }),
          "aria-current": value === chosen ? "true" : undefined,
        },
        word,
      ),
    ),
  );
}

function line(run) {
  const { id, workflow, status, waiting, progress, startedAt, settledAt, asker, reason, gates } = run;
  return {
    key: id,
    href: to("runs", id),
    state: status === "running" && waiting ? "waiting" : status,
    title: workflow,
    sub: [inputWords(run), `asked by ${asker}`].filter(Boolean).join(" · "),
    note: gates.length > 0 ? `waits for people at ${gates.join(", ")}` : reason,
    noteTone: gates.length > 0 ? "tone-wait" : "",
    end: [
      status === "running"
        ? bar(progress.settled, progress.total, `${progress.settled} of ${progress.total} steps settled`)
        : undefined,
      settledAt === undefined
        ? ticking(startedAt)
        : h(
            "span",
            {},
            instant(settledAt),
            h("span", { class: "faint" }, ` in ${span(settledAt - startedAt)}`),
          ),
    ],
  };
}

export function inputWords({ inputs }) {
  const text = Object.values(inputs).map(String).join(" · ");
  return text.length > 140 ? `${text.slice(0, 140)} …` : text;
}
