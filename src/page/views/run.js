import { ask } from "../dialog.js";
import { h } from "../node.js";
import { bar, button, crumb, facts, panel, prose, viewHead } from "../parts.js";
import { to, toSubject } from "../router.js";
import { isSettled, pill } from "../states.js";
import { instant, span, ticking } from "../time.js";
import { gateCard } from "./gates.js";
import { runGraph } from "./run-graph.js";
import { stepPanel } from "./run-step.js";
import { runTimeline } from "./run-timeline.js";

const TICK_MS = 1000;

/** One run: its graph, its steps, who waited for what. */
export function runView(app, { id, query }) {
  let run;
  let graph;
  let chosen = query.step;
  const path = `/runs/${encodeURIComponent(id)}`;
  // What still runs grows on the timeline.
  const tick = setInterval(() => run && !isSettled(run.status) && !document.hidden && app.redraw(), TICK_MS);

  async function load() {
    [run, graph] = await Promise.all([app.api.get(path), app.api.get(`${path}/graph`, { format: "json" })]);
  }

  function draw() {
    const now = isSettled(run.status) ? (run.settledAt ?? graph.at) : Date.now();
    const step = run.steps.find((one) => one.id === chosen);
    const node = graph.nodes.find((one) => one.id === chosen);
    const gates = (app.now?.gates ?? []).filter((gate) => gate.run === id && gate.step !== chosen);
    const place = {
      run,
      graph,
      chosen,
      now,
      hrefOf: (one) => to("runs", id, { step: one === chosen ? undefined : one }),
    };
    return [
      head(),
      gates.length > 0
        ? h(
            "div",
            { class: "gate-list", key: "gates" },
            gates.map((gate) => gateCard(app, gate)),
          )
        : undefined,
      h(
        "div",
        { class: `run-columns ${step ? "run-columns-two" : ""}`.trim(), key: "columns" },
        h(
          "div",
          { class: "run-pictures", key: "pictures" },
          panel("Steps", { key: "graph", beside: legend() }, runGraph(place)),
          panel("Timeline", { key: "timeline", beside: timelineLegend() }, runTimeline(place)),
        ),
        step && node
          ? h(
              "aside",
              { class: "run-aside", key: "aside", "aria-label": `Step ${step.id}` },
              stepPanel(app, { run, step, node, close: to("runs", id) }),
            )
          : undefined,
      ),
      outcome(),
    ];
  }

  function head() {
    const {
      workflow,
      status,
      waiting,
      progress,
      startedAt,
      deadlineAt,
      settledAt,
      asker,
      reason,
      round,
      parent,
      inputs,
    } = run;
    return viewHead({
      title: workflow,
      above: parent
        ? crumb(toSubject(parent.run, "run"), `step ${parent.step} of ${parent.run}`)
        : crumb(to("runs"), "Runs"),
      beside: [
        pill(status === "running" && waiting ? "waiting" : status, waitingWord(waiting, status)),
        bar(progress.settled, progress.total, `${progress.settled} of ${progress.total} steps settled`),
        h("span", { class: "muted" }, `${progress.settled} of ${progress.total} steps`),
      ],
      below: [
        reason ? h("p", { class: "reason" }, reason) : undefined,
        facts([
          ["Id", h("span", { class: "code" }, id)],
          ["Asked by", asker],
          ["Started", instant(startedAt)],
          settledAt === undefined
            ? ["Deadline", ticking(deadlineAt, "in")]
            : ["Took", span(settledAt - startedAt)],
          ["Round", round > 1 ? round : undefined],
          ...Object.entries(inputs).map(([name, value]) => [
            name,
            prose(String(value), { long: 220, label: "all" }),
          ]),
        ]),
      ],
      actions: actions(),
    });
  }

  function actions() {
    const { resumes } = run;
    const failed = run.steps.filter((step) => step.status === "failed");
    const isOver = isSettled(run.status);
    return [
      failed.length > 0
        ? button(
            "Retry what failed",
            () => app.act(() => app.api.post(`${path}/retry`, { resumes }), "What failed is done once more"),
            { tone: run.stopped ? "primary" : "" },
          )
        : undefined,
      !isOver && run.stopped
        ? button("Accept partial", () =>
            app.act(() => app.api.post(`${path}/accept-partial`), "What there is, is the result"),
          )
        : undefined,
      isOver
        ? undefined
        : button("Cancel …", cancel, { tone: "danger-quiet", label: `Cancel ${run.workflow} …` }),
    ].filter(Boolean);
  }

  function cancel() {
    return ask({
      title: `Cancel ${run.workflow}`,
      text: "Nothing more begins, and what runs is canceled. Steps marked cleanup still run.",
      fields: [{ name: "reason", label: "Reason", kind: "area" }],
      submit: "Cancel the run",
      tone: "danger",
      act: async ({ reason }) => {
        await app.api.post(`${path}/cancel`, reason.trim() ? { reason: reason.trim() } : {});
        app.tell(`${run.workflow} is being canceled`);
        app.reload();
      },
    });
  }

  function outcome() {
    const { result, missing } = run;
    if (result === undefined && missing.length === 0) return undefined;
    return panel(
      "Result",
      { key: "result" },
      missing.length > 0
        ? h(
            "ul",
            { class: "missing" },
            missing.map((text) => h("li", { key: text }, text)),
          )
        : undefined,
      result === undefined ? undefined : prose(result),
    );
  }

  return {
    usesNow: true,
    title: () => run?.workflow ?? id,
    load,
    draw,
    concerns: ({ stream }) => stream === id || stream.startsWith(`${id}.`),
    arrived: (query) => {
      chosen = query.step;
      // Where it does not fit beside the pictures it may be out of sight.
      if (chosen !== undefined) requestAnimationFrame(showStep);
    },
    escape: () => {
      if (chosen === undefined) return false;
      app.go(to("runs", id));
      return true;
    },
    leave: () => clearInterval(tick),
  };
}

function showStep() {
  document.querySelector(".run-aside")?.scrollIntoView({ block: "nearest" });
}

function waitingWord(waiting, status) {
  if (status !== "running" || waiting === undefined) return undefined;
  return { gate: "waits for people", answer: "waits for an answer", time: "waits for its time" }[waiting];
}

function legend() {
  return h("span", { class: "muted" }, "choose a step to read it");
}

function timelineLegend() {
  return h(
    "ul",
    { class: "legend", "aria-label": "Colours of the timeline" },
    [
      ["seg-need", "for steps"],
      ["seg-wait", "for room"],
      ["seg-people", "for people"],
      ["seg-work", "worked"],
    ].map(([name, word]) => h("li", { key: name }, h("span", { class: `swatch ${name}` }), word)),
  );
}
