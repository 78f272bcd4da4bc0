import { h } from "./node.js";
import { bar } from "./parts.js";
import { to } from "./router.js";
import { dot } from "./states.js";
import { ticking } from "./time.js";

/** Lines that open what they name. */
export function rows(label, items, line) {
  return h(
    "ul",
    { class: "rows", "aria-label": label },
    items.map((item) => {
      const { key, ...described } = line(item);
      return h("li", { key, class: "rows-item" }, row(described));
    }),
  );
}

/** One line: its state, what it is, what is said of it, and times at its end. */
export function row({ href, state, title, sub, note, noteTone = "", end = [], beside, onOpen, isMarked }) {
  return h(
    "div",
    { class: `row ${isMarked ? "row-marked" : ""}`.trim() },
    h(
      "a",
      { class: "row-link", href, data: { row: "" }, on: onOpen ? { click: onOpen } : undefined },
      dot(state),
      h(
        "span",
        { class: "row-main" },
        h("span", { class: "row-title" }, title),
        sub ? h("span", { class: "row-sub" }, sub) : undefined,
        note ? h("span", { class: `row-note ${noteTone}`.trim() }, note) : undefined,
      ),
      h("span", { class: "row-end" }, end),
    ),
    beside ? h("div", { class: "row-beside actions" }, beside) : undefined,
  );
}

/** Lines for what is open now, as `/page/now` tells of it. */
export const lineOfRun = (run) => ({
  key: run.id,
  href: to("runs", run.id),
  state: run.late ? "late" : run.waiting ? "waiting" : "running",
  title: run.workflow,
  sub: [`${run.progress.settled} of ${run.progress.total} steps`, waitWords(run), `asked by ${run.asker}`]
    .filter(Boolean)
    .join(" · "),
  note: run.late ? run.lateWhy : undefined,
  noteTone: "tone-late",
  end: [
    bar(
      run.progress.settled,
      run.progress.total,
      `${run.progress.settled} of ${run.progress.total} steps settled`,
    ),
    ticking(run.since),
  ],
});

function waitWords({ waiting, stopped }) {
  if (stopped) return `stopped after ${stopped.failures} failures: it waits for your answer`;
  if (waiting === "gate") return "waits for people at a gate";
  if (waiting === "answer") return "waits for an answer";
  return waiting === "time" ? "waits for its time" : undefined;
}

export const lineOfDelegation = (one) => ({
  key: one.id,
  href: to("delegations", one.id),
  state: one.late ? "late" : one.status === "queued" ? "waiting" : "dispatched",
  title: one.objective,
  sub: [
    one.agent,
    one.maxAttempts > 1 && one.attempt > 1 ? `attempt ${one.attempt} of ${one.maxAttempts}` : undefined,
    one.run ? `${one.run}${one.step ? ` / ${one.step}` : ""}` : `asked by ${one.asker}`,
  ]
    .filter(Boolean)
    .join(" · "),
  note: (one.late ? one.lateWhy : undefined) ?? one.waiting?.text,
  noteTone: one.late ? "tone-late" : "tone-wait",
  end: [ticking(one.since)],
});

export const lineOfTask = (task) => ({
  key: task.id,
  href: to("queue", task.id),
  state: task.late ? "late" : task.status,
  title: task.objective,
  sub: [`posted by ${task.author}`, task.executor].filter(Boolean).join(" · "),
  note: (task.late ? task.lateWhy : undefined) ?? task.waiting?.text,
  noteTone: task.late ? "tone-late" : "tone-wait",
  end: [ticking(task.since)],
});
