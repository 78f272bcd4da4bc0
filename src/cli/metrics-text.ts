import type { DelegationRoll, Latency, MetricsView, Roll, SeriesItem } from "../domain/metrics-types.ts";
import type { EndedView } from "../domain/metrics-view.ts";
import { counted } from "../kernel/text.ts";
import { formatDuration } from "../kernel/time.ts";
import { instant, table } from "./print.ts";

const BAR = 30;
const WIDTH = 140;
/** In the order of how it went. */
const STATUS_ORDER = ["succeeded", "done", "partial", "blocked", "failed", "timed_out", "lost", "canceled"];

/** Everything on one screen; what there is nothing of is left out. */
export function metricsText(view: MetricsView): string {
  return [
    headline(view),
    delegationLines(view.delegations),
    groups("AGENT", view.agents, ({ agent }) => agent),
    groups("WORKFLOW", view.workflows, ({ workflow }) => workflow),
    runLines(view),
    others(view),
    seriesLines(view),
    liveLines(view),
    ...(view.behind > 0
      ? [`${counted(view.behind, "event is", "events are")} not counted yet; ask again in a moment.\n`]
      : []),
  ]
    .filter((part) => part !== "")
    .join("\n");
}

/** The same of figures that come from files. */
export function endedText(view: EndedView): string {
  return [
    headline(view),
    delegationLines(view.delegations),
    groups("AGENT", view.agents, ({ agent }) => agent),
    runLines(view),
    seriesLines(view),
  ]
    .filter((part) => part !== "")
    .join("\n");
}

function headline({ since, agent, workflow, delegations }: EndedView): string {
  const of = [...(agent === undefined ? [] : [agent]), ...(workflow === undefined ? [] : [workflow])];
  const what = of.length > 0 ? ` of ${of.join(", ")}` : "";
  const when = since === undefined ? "since the beginning" : `since ${instant(since)}`;
  return `${amount(delegations.total, "delegation")}${what} settled ${when}, ${rate(delegations)} success\n`;
}

function delegationLines(roll: DelegationRoll): string {
  if (roll.total === 0) return "";
  const { confidence, tokens, usd, attempts, retries, rerouted } = roll;
  const rows: readonly (readonly [string, string])[] = [
    ["status", statuses(roll.byStatus)],
    ["waiting", latency(roll.waiting)],
    ["working", latency(roll.working)],
    ["posting", latency(roll.posting)],
    [
      "attempts",
      attempts > 0
        ? `${number(attempts)}, of which retries ${number(retries)}; rerouted ${number(rerouted)}`
        : "",
    ],
    [
      "confidence",
      `high ${number(confidence.high)}, medium ${number(confidence.medium)}, low ${number(confidence.low)}, not said ${number(confidence.unknown)}`,
    ],
    [
      "tokens",
      tokens.known > 0
        ? `${number(tokens.input)} in, ${number(tokens.output)} out; unknown of ${number(tokens.unknown)}`
        : "unknown",
    ],
    [
      "cost",
      usd.known > 0
        ? `${money(usd.total)} for ${number(usd.known)}; unknown of ${number(usd.unknown)}`
        : "unknown",
    ],
    [
      "because",
      Object.entries(roll.codes)
        .sort((a, b) => b[1] - a[1])
        .map(([code, count]) => `${code} ${number(count)}`)
        .join(", "),
    ],
  ];
  return rows
    .filter(([, text]) => text !== "")
    .map(([name, text]) => `  ${name.padEnd(11)} ${text}\n`)
    .join("");
}

function groups<R extends DelegationRoll>(
  head: string,
  rolls: readonly R[],
  nameOf: (roll: R) => string,
): string {
  if (rolls.length === 0) return "";
  const rows = rolls.map((roll) => [
    nameOf(roll),
    number(roll.total),
    rate(roll),
    both(roll.waiting),
    both(roll.working),
    both(roll.posting),
    number(roll.retries),
    roll.usd.known > 0 ? money(roll.usd.total) : "–",
    statuses(roll.byStatus),
  ]);
  const names = [
    head,
    "SETTLED",
    "SUCCESS",
    "WAITING p50/p95",
    "WORKING p50/p95",
    "POSTING p50/p95",
    "RETRIES",
    "COST",
    "STATUS",
  ];
  return table([names, ...rows], WIDTH);
}

function runLines({ runs }: EndedView): string {
  if (runs.length === 0) return "";
  const rows = runs.map((roll) => [
    roll.workflow,
    number(roll.total),
    rate(roll),
    both(roll.working),
    statuses(roll.byStatus),
  ]);
  return table([["RUNS OF", "ENDED", "SUCCESS", "TOOK p50/p95", "STATUS"], ...rows], WIDTH);
}

function others({ tasks, workers }: EndedView): string {
  const line = (name: string, roll: Roll) =>
    roll.total === 0
      ? ""
      : `${name} ${number(roll.total)}: ${statuses(roll.byStatus)}; working ${latency(roll.working)}\n`;
  return line("tasks", tasks) + line("workers", workers);
}

function seriesLines({ series }: EndedView): string {
  const begin = series.items.findIndex(({ total }) => total > 0);
  if (begin < 0) return "";
  const most = Math.max(...series.items.map(({ total }) => total));
  const rows = series.items
    .slice(begin)
    .map((item) => [
      series.every === "hour" ? `${instant(item.at).slice(0, 16)}Z` : instant(item.at).slice(0, 10),
      number(item.total),
      item.p50Ms.working === undefined ? "–" : formatDuration(item.p50Ms.working),
      bar(item, most),
    ]);
  return table([[series.every.toUpperCase(), "SETTLED", "WORKING p50", "█ done  ▒ not"], ...rows], WIDTH);
}

function bar({ total, byStatus }: SeriesItem, most: number): string {
  const made = (byStatus["succeeded"] ?? 0) + (byStatus["partial"] ?? 0);
  const length = Math.ceil((total / most) * BAR);
  const full = total === 0 ? 0 : Math.round((made / total) * length);
  return "█".repeat(full) + "▒".repeat(length - full);
}

function liveLines({ now }: MetricsView): string {
  const { delegations, runs, tasks, workers, oldestQueued, oldestTask, agents } = now;
  const lines = [
    `now: ${number(delegations.dispatched)} running, ${number(delegations.queued)} queued; runs ${number(runs.running)}; tasks ${number(tasks.open)} open, ${number(tasks.claimed)} claimed; workers ${number(workers.running)} running, ${number(workers.queued)} queued`,
    ...(oldestQueued
      ? [
          `longest queued: ${oldestQueued.id} for ${oldestQueued.agent}, ${formatDuration(oldestQueued.ageMs)}`,
        ]
      : []),
    ...(oldestTask ? [`oldest open task: ${oldestTask.id}, ${formatDuration(oldestTask.ageMs)}`] : []),
    `agents: ${agents.map(({ id, state, running, queued }) => `${id} ${state}${running + queued > 0 ? ` (${running}+${queued})` : ""}`).join(", ")}`,
  ];
  return lines.map((line) => `${line}\n`).join("");
}

function statuses(byStatus: Readonly<Record<string, number>>): string {
  const place = (status: string) => (STATUS_ORDER.indexOf(status) + 100) % 100;
  return Object.entries(byStatus)
    .sort(([a], [b]) => place(a) - place(b))
    .map(([status, count]) => `${status} ${number(count)}`)
    .join(", ");
}

function latency({ count, p50Ms, p95Ms, meanMs }: Latency): string {
  if (p50Ms === undefined || p95Ms === undefined) return "";
  const mean = meanMs === undefined ? "" : `, mean ${formatDuration(meanMs)}`;
  return `p50 ${formatDuration(p50Ms)}, p95 ${formatDuration(p95Ms)}${mean}; of ${number(count)}`;
}

function both({ p50Ms, p95Ms }: Latency): string {
  return p50Ms === undefined || p95Ms === undefined
    ? "–"
    : `${formatDuration(p50Ms)} / ${formatDuration(p95Ms)}`;
}

export function rate({ successRate }: Roll): string {
  if (successRate === undefined) return "–";
  const percent = successRate < 1 ? Math.min(99.9, successRate * 100) : 100;
  return `${Number(percent.toFixed(1))} %`;
}

const number = (value: number) => value.toLocaleString("en");
const money = (usd: number) => `${usd.toFixed(usd < 0.01 ? 6 : 2)} USD`;
const amount = (count: number, word: string) => `${number(count)} ${word}${count === 1 ? "" : "s"}`;
