import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { CrashPoint } from "../../src/engine/ports/log.ts";
import { type Supervisor, temporaryFolder } from "../support/supervisor.ts";
import { firstLife, liveUntil } from "./kill.ts";
import { eventsOf, read, untilPosted } from "./load.ts";
import { countOf, createFindings, type Findings } from "./verdict.ts";
import { createWorld, type World } from "./world.ts";

/** A diamond with a gate beside its right half; the wait's timer is passed as well. */
const DIAMOND = `name: diamond
description: Two halves side by side, a person's word between the left one and the end.
inputs:
  what: { type: string, required: true, max_length: 100 }
defaults: { timeout: 60s }
steps:
  top: { agent: webster, task: "Begin \${{ inputs.what }}." }
  left: { needs: [top], agent: tech-lead, task: "The left half after \${{ steps.top.result }}." }
  right: { needs: [top], agent: optimizer, task: "The right half." }
  pause: { needs: [top], wait: 1s }
  sign-off: { needs: [left], approval: { prompt: "Go on?", timeout: 1h } }
  bottom:
    needs: [right, pause, sign-off]
    agent: auditor
    task: "The end."
`;
const CHILDREN = ["top", "left", "right", "bottom"];

export type RunRound = {
  readonly runs: number;
  readonly kills: number;
  readonly notPassed: readonly CrashPoint[];
  /** How many were committed and never answered: asked again, they were there. */
  readonly repeated: number;
  readonly findings: Findings;
  readonly ambiguous: number;
};

type RunView = {
  readonly id: string;
  readonly status: string;
};

/**
 * Runs of a diamond with a gate while the supervisor is killed at each of `points` in turn. Two people answer every
 * gate, again and again, also the one that was answered just before the kill.
 */
export async function runDiamonds(plan: {
  readonly points: readonly CrashPoint[];
  readonly perKill: number;
  /** Where the ledger is; a file without it. */
  readonly database?: string;
  readonly nth: (index: number) => number;
}): Promise<RunRound> {
  const folder = temporaryFolder("hq-chaos-runs-");
  const world = await createWorld(folder.path, plan.database ? { database: plan.database } : {});
  addDiamond(world, folder.path);
  const ids = new Map<string, string>();
  const notPassed: CrashPoint[] = [];
  let living: Supervisor | undefined;
  let kills = 0;
  let repeated = 0;
  const onRepeated = () => void repeated++;
  try {
    await firstLife(world);
    for (const [index, point] of plan.points.entries()) {
      const keys = keysOf(index, plan.perKill);
      const crashAt = `${point}#${plan.nth(index)}`;
      if (!(await liveUntil(world, crashAt, (supervisor, isGone) => load(supervisor, keys, isGone)))) {
        notPassed.push(point);
        continue;
      }
      kills++;
    }
    const last = await world.start();
    living = last;
    const keys = plan.points.flatMap((_, index) => keysOf(index, plan.perKill));
    await Promise.all([
      start(last, keys, ids, onRepeated),
      answerGates(last, () => isAllOver(last, ids, keys.length)),
    ]);
    const verdict = await judgeRuns(world, last, [...ids.values()]);
    const told = new Set(ids.values());
    for (const id of await allOf(last, "/runs"))
      if (!told.has(id)) verdict.findings.doubled.push(`${id}: started, and nobody was told of it`);
    await last.stop();
    return { runs: ids.size, kills, notPassed, repeated, ...verdict };
  } finally {
    living?.child.kill("SIGKILL");
    await world.stop();
    if (!process.env.HQ_CHAOS_KEEP) folder.remove();
  }

  async function load(supervisor: Supervisor, keys: readonly string[], isGone: () => boolean) {
    await Promise.all([
      start(supervisor, keys, ids, onRepeated),
      answerGates(supervisor, async () => isGone()),
    ]);
  }
}

/** The ids of everything of a kind, whoever knows of it. */
export async function allOf(supervisor: Supervisor, path: "/runs" | "/tasks"): Promise<readonly string[]> {
  const found: string[] = [];
  for (let before = ""; ; ) {
    const { body } = await supervisor.call(
      "GET",
      `${path}?limit=100${before ? `&before=${encodeURIComponent(before)}` : ""}`,
    );
    found.push(...body.items.map(({ id }: { id: string }) => id));
    before = body.next;
    if (!before) return found;
  }
}

export const addDiamond = (world: World, folder: string) => addWorkflow(world, folder, "diamond", DIAMOND);

/** The one workflow that there is. */
export function addWorkflow(world: World, folder: string, name: string, yaml: string): void {
  const workflows = join(folder, "workflows");
  mkdirSync(workflows, { recursive: true });
  writeFileSync(join(workflows, `${name}.yaml`), yaml);
  world.configure(`workflows: { dir: "${workflows}" }\n`);
}

function keysOf(index: number, count: number): readonly string[] {
  return Array.from({ length: count }, (_, n) => `run-${index}-${n}`);
}

async function start(
  supervisor: Supervisor,
  keys: readonly string[],
  ids: Map<string, string>,
  onRepeated: () => void,
) {
  for (const key of keys) {
    if (ids.has(key)) continue;
    const answer = await supervisor.call(
      "POST",
      "/runs",
      { workflow: "diamond", inputs: { what: key } },
      { "idempotency-key": key },
    );
    if (answer.status !== 201 && answer.status !== 200)
      throw new Error(`${key}: ${answer.status} ${JSON.stringify(answer.body)}`);
    if (answer.status === 200) onRepeated();
    ids.set(key, answer.body.id);
  }
}

/** Two people at once; one is told that the other was faster. */
async function answerGates(supervisor: Supervisor, isDone: () => Promise<boolean>): Promise<void> {
  while (!(await isDone())) {
    const { body } = await supervisor.call("GET", "/runs?open=true&limit=200");
    const waiting = (body.items as { id: string; gates: string[] }[]).filter(({ gates }) =>
      gates.includes("sign-off"),
    );
    for (const { id } of waiting) {
      const answers = await Promise.all(
        [1, 2].map(() => supervisor.call("POST", `/runs/${id}/steps/sign-off/approve`, {})),
      );
      const odd = answers.find(({ status }) => status !== 200 && status !== 409);
      if (odd) throw new Error(`approving ${id}: ${odd.status} ${JSON.stringify(odd.body)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function isAllOver(supervisor: Supervisor, ids: ReadonlyMap<string, string>, count: number) {
  if (ids.size < count) return false;
  const { body } = await supervisor.call("GET", "/runs?open=true&limit=1");
  return body.items.length === 0;
}

export async function judgeRuns(world: World, supervisor: Supervisor, ids: readonly string[]) {
  const findings = createFindings();
  const sends = countOf(world.gateways.flatMap(({ posts }) => posts));
  let ambiguous = 0;
  for (const id of ids) {
    const run: RunView = await read(supervisor, `/runs/${id}`);
    const types = await eventsOf(supervisor, `/runs/${id}`);
    const times = (type: string) => types.filter((one) => one === type).length;
    if (run.status !== "succeeded") findings.lost.push(`${id}: ${run.status}`);
    findings.once(times("run.settled"), `${id} was settled`);
    findings.once(times("gate.decided"), `the gate of ${id} was decided`);
    for (const step of CHILDREN) {
      const child = `${id}.${step}`;
      const { body: view, status } = await supervisor.call("GET", `/delegations/${child}`);
      if (status !== 200) {
        findings.lost.push(`${child}: ${status}`);
        continue;
      }
      for (const { attempt, ambiguous: isAmbiguous } of view.attempts) {
        const sent = sends.get(`${child}#${attempt}`) ?? 0;
        if (isAmbiguous) ambiguous++;
        if (sent > 1 && !isAmbiguous)
          findings.doubled.push(`${child}#${attempt} was sent ${sent} times, unmarked`);
      }
      findings.once(view.attempts.length, `${child} was tried`);
    }
  }
  for (const id of ids) await untilPosted(supervisor, `/runs/${id}`, id);
  for (const [channel, what] of [
    ["results", "result"],
    ["agent-logs", "log"],
  ] as const) {
    const texts = await world.texts(channel);
    for (const id of ids) {
      const seen = texts.filter(
        (text) => text.includes(`${id}/${what}`) || text.includes(`\n${id} · `),
      ).length;
      findings.once(seen, `${id}/${what} is seen`, findings.unseen);
    }
  }
  return { findings, ambiguous };
}
