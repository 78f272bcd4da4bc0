import { h } from "../node.js";
import { askFromShell, bar, code, empty, panel, runFromShell, viewHead } from "../parts.js";
import { to } from "../router.js";
import { lineOfDelegation, lineOfRun, lineOfTask, rows } from "../rows.js";
import { dot, lookOf } from "../states.js";
import { instant } from "../time.js";
import { gateCard } from "./gates.js";
import { membersPanel } from "./members.js";

/** Who is there changes without an event. */
const MEMBERS_EVERY_MS = 2500;

/** What runs, waits and is late; what people are asked for first. */
export function nowView(app) {
  function draw() {
    const { runs, delegations, tasks, gates, agents, more } = app.now;
    const late = [
      ...runs.filter(isLate).map(lineOfRun),
      ...delegations.filter(isLate).map(lineOfDelegation),
      ...tasks.filter(isLate).map(lineOfTask),
    ];
    const works = delegations.filter((one) => one.status === "dispatched" && !one.late);
    const waits = delegations.filter((one) => one.status === "queued" && !one.late);
    const [claimed, open] = [tasks.filter(isClaimed), tasks.filter((task) => !isClaimed(task))];
    const isQuiet = runs.length + delegations.length + tasks.length + gates.length === 0;
    return [
      viewHead({ title: "Now", beside: h("span", { class: "muted view-said" }, sentence(app.now)) }),
      tiles(app.now, { works, waits, late }),
      h(
        "div",
        { class: "now-columns", key: "columns" },
        h(
          "div",
          { class: "now-work" },
          gates.length > 0
            ? panel(
                "Waits for you",
                { key: "gates", count: gates.length },
                gates.slice(0, 3).map((gate) => gateCard(app, gate)),
                rest(gates.length - 3, to("gates"), "gate"),
              )
            : undefined,
          late.length > 0
            ? panel("Late", { key: "late", count: late.length, tone: "panel-late" }, rows("Late", late, asIs))
            : undefined,
          isQuiet ? panel("Nothing to do", { key: "quiet" }, quiet(agents)) : undefined,
          runs.some((run) => !run.late)
            ? panel(
                "Runs",
                { key: "runs", count: more.runs ? `${runs.length}+` : undefined },
                rows(
                  "Runs that are going on",
                  runs.filter((run) => !run.late),
                  lineOfRun,
                ),
              )
            : undefined,
          works.length > 0
            ? panel(
                "Working",
                { key: "works", count: counted(works, more) },
                rows("Agents at work", works, lineOfDelegation),
              )
            : undefined,
          waits.length > 0
            ? panel(
                "Waiting",
                { key: "waits", count: counted(waits, more) },
                rows("Waiting for an agent", waits, lineOfDelegation),
              )
            : undefined,
          claimed.length + open.length > 0
            ? panel(
                "Tasks",
                { key: "tasks" },
                rows(
                  "Tasks of the queue",
                  [...claimed, ...open].filter((task) => !task.late).slice(0, 8),
                  lineOfTask,
                ),
                rest(tasks.length - 8, to("queue"), "task"),
              )
            : undefined,
        ),
        h("div", { class: "now-side" }, agentsPanel(agents), membersPanel(app.now), checksPanel(app.now)),
      ),
    ];
  }
  const timer = setInterval(() => {
    if (app.now.members && !document.hidden) app.look();
  }, MEMBERS_EVERY_MS);
  const leave = () => clearInterval(timer);
  return { usesNow: true, title: () => "Now", load: async () => undefined, draw, leave };
}

const isLate = ({ late }) => late;
const isClaimed = ({ status }) => status === "claimed";
const asIs = (line) => line;
const counted = (items, more) => (more.delegations ? `${items.length}+` : items.length);

function sentence({ runs, delegations, gates }) {
  const work = runs.length + delegations.length;
  if (work + gates.length === 0) return "All is quiet.";
  return gates.length > 0 ? "People are asked for a decision." : "Work is going on.";
}

function rest(count, href, word) {
  return count > 0
    ? h("a", { class: "rest", href }, `and ${count} more ${word}${count === 1 ? "" : "s"}`)
    : undefined;
}

function quiet(agents) {
  return empty(
    "Nothing runs, nothing waits, nothing is late.",
    h(
      "span",
      {},
      "Ask an agent in Discord with ",
      code("/delegate"),
      ", or from a shell: ",
      askFromShell(agents, "Find the CTE of Zerodur"),
    ),
    h("span", {}, "Run a workflow: ", runFromShell(agents)),
  );
}

function tiles({ counts, gates, agents, runs, tasks }, { works, waits, late }) {
  const up = agents.filter(({ state }) => state !== "down" && state !== "unauthorized").length;
  const open = counts.task?.open ?? tasks.filter((task) => !isClaimed(task)).length;
  return h(
    "ul",
    { class: "tiles", key: "tiles", "aria-label": "In figures" },
    [
      ["Runs", runs.length, "run", "play", to("runs")],
      [
        "Working",
        counts.delegation?.dispatched ?? works.length,
        "run",
        "play",
        to("search", undefined, { kind: "delegation", status: "dispatched" }),
      ],
      [
        "Waiting",
        counts.delegation?.queued ?? waits.length,
        "wait",
        "pause",
        to("search", undefined, { kind: "delegation", status: "queued" }),
      ],
      ["Late", late.length, "late", "clock", to("now")],
      ["Gates", gates.length, "wait", "gates", to("gates")],
      ["Tasks open", open, "quiet", "queue", to("queue")],
      [
        "Agents up",
        `${up}/${agents.length}`,
        up < agents.length ? "bad" : "good",
        up < agents.length ? "bang" : "check",
        to("agents"),
      ],
    ].map(([word, value, tone, shape, href]) =>
      h(
        "li",
        { key: word },
        h(
          "a",
          {
            class: `tile tone-${value === 0 ? "quiet" : tone} ${value === 0 ? "tile-none" : ""}`.trim(),
            href,
          },
          h("span", { class: "tile-value" }, value),
          h("span", { class: "tile-word" }, word),
          h("span", { class: "tile-mark", data: { shape } }),
        ),
      ),
    ),
  );
}

function agentsPanel(agents) {
  return panel(
    "Agents",
    { key: "agents", beside: h("a", { href: to("agents") }, "All") },
    h(
      "ul",
      { class: "agent-strip", "aria-label": "Agents" },
      agents.map((agent) =>
        h(
          "li",
          { key: agent.id },
          h(
            "a",
            { class: "agent-line", href: to("agents", agent.id) },
            dot(agent.state),
            h("span", { class: "agent-name" }, agent.name),
            h(
              "span",
              { class: "agent-said" },
              agent.running + agent.queued > 0 ? load(agent) : lookOf(agent.state).word,
            ),
            bar(agent.running, agent.concurrency, `${agent.running} of ${agent.concurrency} places taken`),
          ),
        ),
      ),
    ),
  );
}

function load({ running, queued }) {
  return queued > 0 ? `${queued} waiting` : `${running} working`;
}

function checksPanel({ checks, version, at }) {
  return panel(
    "The supervisor",
    { key: "checks" },
    h(
      "ul",
      { class: "checks" },
      checks.map(({ name, ok, text }) =>
        h(
          "li",
          { key: name, class: "check" },
          dot(ok ? "up" : "down", 16),
          h("span", { class: "check-name" }, name),
          h("span", { class: "check-text" }, text),
        ),
      ),
    ),
    h("p", { class: "faint foot" }, `Version ${version}, as of `, instant(at)),
  );
}
