import type { Supervisor } from "../support/supervisor.ts";
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
  const posts = world.gateways.flatMap(({ posts }) => posts);
  const executions = world.gateways
    .filter(({ version }) => version === "now")
    .flatMap(({ executions }) => executions);
  for (const id of ids) {
    const { body: view } = await supervisor.call("GET", `/delegations/${id}`);
    const { body: history } = await supervisor.call("GET", `/delegations/${id}/history`);
    const settled = (history.items ?? history).filter(
      ({ type }: { type: string }) => type === "delegation.settled",
    ).length;
    if (view.status !== "succeeded" || settled !== 1)
      lost.push(`${id}: ${view.status}, settled ${settled} times`);
    for (const { attempt, ambiguous: isAmbiguous } of view.attempts as {
      attempt: number;
      ambiguous: boolean;
    }[]) {
      const sent = posts.filter((post) => post.run === id && post.attempt === attempt).length;
      const ran = executions.filter((run) => run.run === id && run.attempt === attempt).length;
      if (isAmbiguous) ambiguous++;
      if (sent > 1 && !isAmbiguous)
        doubled.push(`${id}#${attempt} was sent ${sent} times and never marked ambiguous`);
      if (ran > 1) doubled.push(`${id}#${attempt} ran ${ran} times`);
    }
  }
  const results = await world.texts("results");
  const logs = await world.texts("agent-logs");
  const unseen: string[] = [];
  const seenTwice: string[] = [];
  for (const id of ids) {
    for (const [mark, texts] of [
      [`${id}/result`, results],
      [`${id}/log`, logs],
    ] as const) {
      const times = texts.filter((text) => text.includes(mark) || text.includes(`\n${id} · asked by`)).length;
      if (times === 0) unseen.push(mark);
      if (times > 1) seenTwice.push(`${mark} ${times} times`);
    }
  }
  return { asked: ids.length, lost, doubled, unseen, seenTwice, ambiguous };
}
