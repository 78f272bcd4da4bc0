/**
 * Runs at once: steps a second, and the time from a handoff that is there to the hook of the step that waited for it,
 * by the agents' clock. Beside it the same number of plain delegations, in the same run: what a step costs more than a
 * delegation.
 *
 * usage: node bench/runs.ts [--dir FOLDER] [--runs 100] [--rounds 5] [--take MS]
 * --take is how long an agent takes, half to one and a half times as long; without it each answers at once.
 */
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { AGENT_IDS } from "../test/support/core.ts";
import { stepOf, taskOf, workflowOf } from "../test/support/workflow.ts";
import type { Times } from "./gateway.ts";
import { startGateway, startProduct } from "./product.ts";
import { percentile, table } from "./report.ts";

const { values } = parseArgs({
  options: {
    dir: { type: "string", default: tmpdir() },
    runs: { type: "string", default: "100" },
    rounds: { type: "string", default: "5" },
    take: { type: "string", default: "0" },
  },
});
const STEPS = ["webster", "tech-lead", "optimizer", "auditor"];
const diamond = workflowOf("diamond", [
  stepOf("top", taskOf("webster", "Begin.")),
  stepOf("left", taskOf("tech-lead", "After ${{ steps.top.result }}."), { needs: ["top"] }),
  stepOf("right", taskOf("optimizer", "After ${{ steps.top.result }}."), { needs: ["top"] }),
  stepOf("bottom", taskOf("auditor", "${{ steps.left.result }} and ${{ steps.right.result }}."), {
    needs: ["left", "right"],
  }),
]);
const atOnce = Number(values.runs);
const base = mkdtempSync(join(values.dir, "hq-bench-"));
const gateway = await startGateway(Number(values.take));
const product = await startProduct(join(base, "runs"), gateway.url, [diamond]);
const { verbs } = product;
const OPERATOR = { kind: "operator" } as const;
const ORIGIN = { door: "rest" } as const;

async function oneRun(): Promise<{ readonly id: string; readonly ms: number }> {
  const from = performance.now();
  const { run } = await verbs.runs.startRun(OPERATOR, { workflow: "diamond", inputs: {}, origin: ORIGIN });
  const after = await verbs.runs.waitRun(run.id, { timeoutMs: 60_000 });
  if (after.status !== "succeeded") throw new Error(`${run.id}: ${after.status}`);
  return { id: run.id, ms: performance.now() - from };
}

async function oneDelegation(index: number): Promise<void> {
  const agent = AGENT_IDS[index % AGENT_IDS.length] ?? "webster";
  const { delegation } = await verbs.delegate(OPERATOR, { agent, objective: `Job ${index}`, origin: ORIGIN });
  await verbs.wait(delegation.id, { timeoutMs: 60_000 });
}

const rows: string[][] = [];
// The first round compiles; it is not counted.
for (let round = 0; round <= Number(values.rounds); round++) {
  const plainFrom = performance.now();
  await Promise.all(Array.from({ length: atOnce * STEPS.length }, (_, index) => oneDelegation(index)));
  const plainMs = performance.now() - plainFrom;
  const from = performance.now();
  const runs = await Promise.all(Array.from({ length: atOnce }, oneRun));
  const ms = performance.now() - from;
  const times = await readTimes();
  const gaps = runs.flatMap(({ id }) => [
    gapBetween(times, `${id}.top`, `${id}.left`),
    gapBetween(times, `${id}.top`, `${id}.right`),
  ]);
  if (round === 0) continue;
  const steps = atOnce * STEPS.length;
  rows.push([
    String(round),
    ((steps / ms) * 1000).toFixed(0),
    percentile(gaps, 50).toFixed(2),
    percentile(gaps, 99).toFixed(2),
    percentile(
      runs.map((run) => run.ms),
      50,
    ).toFixed(0),
    ((steps / plainMs) * 1000).toFixed(0),
    (ms / plainMs).toFixed(2),
  ]);
}
const aloneIds: string[] = [];
for (let n = 0; n < (values.take === "0" ? 50 : 5); n++) aloneIds.push((await oneRun()).id);
const aloneTimes = await readTimes();
const alone = aloneIds.map((id) => gapBetween(aloneTimes, `${id}.top`, `${id}.left`));
await product.stop();
gateway.child.disconnect();
rmSync(base, { recursive: true, force: true });
console.log(`${atOnce} runs of four steps at once`);
console.log(
  table(
    [
      "round",
      "steps/s",
      "handoff → next dispatch p50 ms",
      "p99 ms",
      "a run p50 ms",
      "plain delegations/s",
      "time ratio",
    ],
    rows,
  ),
);
console.log(
  `one run at a time: p50 ${percentile(alone, 50).toFixed(2)} ms, p99 ${percentile(alone, 99).toFixed(2)} ms`,
);

/** What the agents saw: when a hook had come and when its handoff was there, by delegation. */
async function readTimes() {
  const answer = once(gateway.child, "message");
  gateway.child.send("times");
  const [times] = (await answer) as [Times];
  return new Map(times.map(([run, came, written]) => [run, { came, written }]));
}

function gapBetween(times: Awaited<ReturnType<typeof readTimes>>, before: string, after: string): number {
  const from = times.get(before)?.written;
  const to = times.get(after)?.came;
  if (from === undefined || to === undefined) throw new Error(`${before} or ${after} was not seen`);
  return to - from;
}
