import { agentView } from "./agent.js";
import { agentsView } from "./agents.js";
import { delegationView } from "./delegation.js";
import { gatesView } from "./gates.js";
import { metricsView } from "./metrics.js";
import { nowView } from "./now.js";
import { queueView } from "./queue.js";
import { runView } from "./run.js";
import { runsView } from "./runs.js";
import { searchView } from "./search.js";
import { taskView } from "./task.js";
import { workView } from "./work.js";
import { workerView } from "./worker.js";

/** What each address shows: of all, or of one by its id; `nav` = where it belongs. */
const PLACES = {
  now: { all: nowView, nav: "now" },
  runs: { all: runsView, one: runView, nav: "runs" },
  gates: { all: gatesView, nav: "gates" },
  agents: { all: agentsView, one: agentView, nav: "agents" },
  queue: { all: queueView, one: taskView, nav: "queue" },
  metrics: { all: metricsView, nav: "metrics" },
  search: { all: searchView, nav: "search" },
  workers: { all: queueView, one: workerView, nav: "queue" },
  work: { all: searchView, one: workView, nav: "search" },
  delegations: { all: searchView, one: delegationView, nav: "search" },
};

export function placeOf(place) {
  const { all, one, nav } = PLACES[place] ?? PLACES.now;
  return {
    name: place in PLACES ? place : "now",
    nav,
    make: (app, where) => (where.id !== undefined && one ? one : all)(app, where),
  };
}
