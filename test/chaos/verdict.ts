import type { Supervisor } from "../support/supervisor.ts";
import { eventsOf, read } from "./load.ts";
import type { World } from "./world.ts";

export type Verdict = {
  readonly asked: number;
  readonly lost: string[];
  readonly doubled: string[];
  readonly unseen: string[];
  readonly seenTwice: string[];
  readonly ambiguous: number;
};

/** Compares what was asked with what the gateways ran, what the ledger settled and what people can read. */
export async function judge(world: World, supervisor: Supervisor, ids: readonly string[]): Promise<Verdict> {
  const lost: string[] = [];
  const doubled: string[] = [];
  let ambiguous = 0;
  const sends = countOf(world.gateways.flatMap(({ posts }) => posts));
  const executions = countOf(
    world.gateways.filter(({ version }) => version === "now").flatMap(({ executions }) => executions),
  );
  for (const id of ids) {
    const view = await read(supervisor, `/delegations/${id}`);
    const events = await eventsOf(supervisor, `/delegations/${id}`);
    const settled = events.filter((type) => type === "delegation.settled").length;
    if (view.status !== "succeeded" || settled !== 1)
      lost.push(`${id}: ${view.status}, settled ${settled} times`);
    for (const { attempt, ambiguous: isAmbiguous } of view.attempts as {
      attempt: number;
      ambiguous: boolean;
    }[]) {
      const sent = sends.get(`${id}#${attempt}`) ?? 0;
      const ran = executions.get(`${id}#${attempt}`) ?? 0;
      if (isAmbiguous) ambiguous++;
      if (sent > 1 && !isAmbiguous)
        doubled.push(`${id}#${attempt} was sent ${sent} times and never marked ambiguous`);
      if (ran > 1) doubled.push(`${id}#${attempt} ran ${ran} times`);
    }
  }
  const results = seenIn(await world.texts("results"), "result");
  const logs = seenIn(await world.texts("agent-logs"), "log");
  const unseen: string[] = [];
  const seenTwice: string[] = [];
  for (const id of ids) {
    for (const [mark, seen] of [
      [`${id}/result`, results],
      [`${id}/log`, logs],
    ] as const) {
      const times = seen.get(id) ?? 0;
      if (times === 0) unseen.push(mark);
      if (times > 1) seenTwice.push(`${mark} ${times} times`);
    }
  }
  return { asked: ids.length, lost, doubled, unseen, seenTwice, ambiguous };
}

/** How often each attempt of a run is there. */
export function countOf(runs: readonly { readonly run: string; readonly attempt: number }[]) {
  const counts = new Map<string, number>();
  for (const { run, attempt } of runs) {
    const key = `${run}#${attempt}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}

/**
 * In how many messages each run's result or log line can be read: alone by its mark, or in a batch by its head.
 * A message is JSON, where a line's end before a mark is the two characters of an escape.
 */
function seenIn(texts: readonly string[], kind: "result" | "log"): ReadonlyMap<string, number> {
  const pattern = new RegExp(`(?:\\\\n)?([\\w.-]+)/${kind}\\b|\\n([\\w.-]+) · asked by`, "g");
  const counts = new Map<string, number>();
  for (const text of texts) {
    const ids = new Set([...text.matchAll(pattern)].map(([, alone, batched]) => alone ?? batched ?? ""));
    for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  return counts;
}

/** What is wrong, by kind; each a sentence with the id. */
export type Findings = {
  readonly lost: readonly string[];
  readonly doubled: readonly string[];
  readonly unseen: readonly string[];
};

/** Collects findings: what should be there exactly once and is not is missing, or doubled. */
export function createFindings() {
  const lost: string[] = [];
  const doubled: string[] = [];
  const unseen: string[] = [];
  return {
    lost,
    doubled,
    unseen,
    once(times: number, what: string, missing: readonly string[] = lost): void {
      if (times !== 1) ((times === 0 ? missing : doubled) as string[]).push(`${what} ${times} times`);
    },
  };
}
