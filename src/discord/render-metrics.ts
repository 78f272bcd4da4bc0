import type { Latency, MetricsView } from "../domain/metrics-types.ts";
import { formatDuration } from "../kernel/time.ts";
import { LOOKS, STATUS_ORDER } from "./look.ts";
import { asLine } from "./sanitize.ts";

/** The figures that count most, a few lines above the picture; what nobody said is left out or told as unknown. */
export function metricsLines(view: MetricsView, span: string): readonly string[] {
  const { delegations, agent, workflow, now, behind } = view;
  const { total, successRate, retries, confidence, tokens, usd } = delegations;
  const of = [agent, workflow].filter((word) => word !== undefined).map((word) => asLine(word));
  const who = of.length > 0 ? `${of.join(", ")}: ` : "";
  if (total === 0) return [`**${who}nothing was settled** · ${span}`, standing(now)];
  const rate = successRate === undefined ? "" : ` · **${percent(successRate)}** success`;
  const unsaid = usd.unknown > 0 ? `, unknown of ${usd.unknown}` : "";
  const details = [
    ...(retries > 0 ? [`${count(retries)} ${retries === 1 ? "retry" : "retries"}`] : []),
    `confidence ${count(confidence.high)} high, ${count(confidence.medium)} medium, ${count(confidence.low)} low${confidence.unknown > 0 ? `, ${count(confidence.unknown)} unsaid` : ""}`,
    ...(tokens.known > 0 ? [`${count(tokens.input + tokens.output)} tokens of ${count(tokens.known)}`] : []),
    usd.known > 0 ? `$${usd.total.toFixed(usd.total < 0.01 ? 4 : 2)}${unsaid}` : "cost unknown",
  ];
  return [
    `**${who}${count(total)} settled**${rate} · ${span}`,
    symbols(delegations.byStatus),
    `waiting ${both(delegations.waiting)} · working ${both(delegations.working)} · posting ${both(delegations.posting)}`,
    `-# ${details.join(" · ")}`,
    standing(now),
    ...(behind > 0
      ? [`-# ${count(behind)} ${behind === 1 ? "event is" : "events are"} not counted yet`]
      : []),
  ];
}

function standing({ delegations, oldestQueued }: MetricsView["now"]): string {
  const { queued, dispatched } = delegations;
  const longest = oldestQueued
    ? `, the longest ${formatDuration(oldestQueued.ageMs)} for ${asLine(oldestQueued.agent)}`
    : "";
  return `now ${count(dispatched)} running, ${count(queued)} waiting${longest}`;
}

function symbols(byStatus: Readonly<Record<string, number>>): string {
  return STATUS_ORDER.filter((status) => (byStatus[status] ?? 0) > 0)
    .map((status) => `${LOOKS[status].symbol} ${count(byStatus[status] ?? 0)} ${LOOKS[status].word}`)
    .join(" · ");
}

/** Half of them below the first, nineteen of twenty below the second. */
function both({ p50Ms, p95Ms }: Latency): string {
  return p50Ms === undefined || p95Ms === undefined
    ? "–"
    : `${formatDuration(p50Ms)} / ${formatDuration(p95Ms)}`;
}

function percent(share: number): string {
  return `${Number((share < 1 ? Math.min(99.9, share * 100) : 100).toFixed(1))} %`;
}

const count = (value: number) => value.toLocaleString("en");
