import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { CrashPoint } from "../../src/engine/ports/log.ts";
import { type Supervisor, temporaryFolder } from "../support/supervisor.ts";
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
/** How long a supervisor may go on without passing the point it is to die at. */
const GIVE_UP_MS = 12_000;

export type RunRound = {
  readonly runs: number;
  readonly kills: number;
  readonly notPassed: readonly CrashPoint[];
  readonly wrong: readonly string[];
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
  readonly nth: (index: number) => number;
}): Promise<RunRound> {
  const folder = temporaryFolder("hq-chaos-runs-");
  const world = await createWorld(folder.path);
  addDiamond(world, folder.path);
  const ids = new Map<string, string>();
  const notPassed: CrashPoint[] = [];
  let living: Supervisor | undefined;
  let kills = 0;
  try {
    for (const [index, point] of plan.points.entries()) {
      const supervisor = await world
        .start(`${point}#${plan.nth(index)}`)
        .catch((error: { exit?: unknown }) => {
          if (Array.isArray(error.exit) && error.exit[1] === "SIGKILL") return undefined;
          throw error;
        });
      living = supervisor;
      if (supervisor && !(await load(supervisor, keysOf(index, plan.perKill)))) {
        notPassed.push(point);
        await supervisor.stop();
        continue;
      }
      kills++;
    }
    const last = await world.start();
    living = last;
    const keys = plan.points.flatMap((_, index) => keysOf(index, plan.perKill));
    await Promise.all([start(last, keys, ids), answerGates(last, () => isAllOver(last, ids, keys.length))]);
    const verdict = await judgeRuns(world, last, [...ids.values()]);
    await last.stop();
    return { runs: ids.size, kills, notPassed, ...verdict };
  } finally {
    living?.child.kill("SIGKILL");
    await world.stop();
    if (!process.env.HQ_CHAOS_KEEP) folder.remove();
  }

  /** True when the supervisor died of its crash point. */
  async function load(supervisor: Supervisor, keys: readonly string[]): Promise<boolean> {
    let isGone = false;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<"late">((resolve) => {
      timer = setTimeout(() => resolve("late"), GIVE_UP_MS);
    });
    const working = Promise.all([
      start(supervisor, keys, ids),
      answerGates(supervisor, async () => isGone),
    ]).catch((error: unknown) => {
      // The connection broke: the supervisor died.
      if (!(error instanceof TypeError)) throw error;
    });
    const end = await Promise.race([supervisor.exited, late]);
    isGone = true;
    clearTimeout(timer);
    await working;
    if (end !== "late" && end[1] !== "SIGKILL")
      throw new Error(`the supervisor left with ${String(end)}:\n${supervisor.stderr()}`);
    return end !== "late";
  }
}

function addDiamond(world: World, folder: string): void {
  const workflows = join(folder, "workflows");
  mkdirSync(workflows, { recursive: true });
  writeFileSync(join(workflows, "diamond.yaml"), DIAMOND);
  writeFileSync(
    join(world.env.HQ_CONFIG, "hq.yaml"),
    `delegation: { ambiguous_grace: 1s }\napi: { rate_per_minute: 100000 }\nworkflows: { dir: "${workflows}" }\n`,
  );
}

function keysOf(index: number, count: number): readonly string[] {
  return Array.from({ length: count }, (_, n) => `run-${index}-${n}`);
}

async function start(supervisor: Supervisor, keys: readonly string[], ids: Map<string, string>) {
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

async function judgeRuns(world: World, supervisor: Supervisor, ids: readonly string[]) {
  const wrong: string[] = [];
  let ambiguous = 0;
  for (const id of ids) {
    const { body: run } = (await supervisor.call("GET", `/runs/${id}`)) as { body: RunView };
    const { body: history } = await supervisor.call("GET", `/runs/${id}/history`);
    const types: string[] = (history.items ?? history).map(({ type }: { type: string }) => type);
    const times = (type: string) => types.filter((one) => one === type).length;
    if (run.status !== "succeeded") wrong.push(`${id}: ${run.status}`);
    if (times("run.settled") !== 1) wrong.push(`${id}: settled ${times("run.settled")} times`);
    if (times("gate.decided") !== 1) wrong.push(`${id}: its gate was decided ${times("gate.decided")} times`);
    for (const step of CHILDREN) {
      const child = `${id}.${step}`;
      const { body: view, status } = await supervisor.call("GET", `/delegations/${child}`);
      if (status !== 200) {
        wrong.push(`${child}: ${status}`);
        continue;
      }
      for (const { attempt, ambiguous: isAmbiguous } of view.attempts) {
        const posts = world.gateways.flatMap((gateway) => gateway.posts);
        const sent = posts.filter((post) => post.run === child && post.attempt === attempt).length;
        if (isAmbiguous) ambiguous++;
        if (sent > 1 && !isAmbiguous) wrong.push(`${child}#${attempt} was sent ${sent} times, unmarked`);
      }
      if (view.attempts.length !== 1) wrong.push(`${child} has ${view.attempts.length} attempts`);
    }
  }
  await untilPosted(supervisor, ids);
  for (const [channel, what] of [
    ["results", "result"],
    ["agent-logs", "log"],
  ] as const) {
    const texts = await world.texts(channel);
    for (const id of ids) {
      const seen = texts.filter(
        (text) => text.includes(`${id}/${what}`) || text.includes(`\n${id} · `),
      ).length;
      if (seen !== 1) wrong.push(`${id}/${what} is seen ${seen} times`);
    }
  }
  return { wrong, ambiguous };
}

async function untilPosted(supervisor: Supervisor, ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    for (let tries = 0; ; tries++) {
      const { body } = await supervisor.call("GET", `/runs/${id}/receipts`);
      const seen = new Set((body.items ?? body).map((receipt: { delivery: string }) => receipt.delivery));
      if (seen.has(`${id}/result`) && seen.has(`${id}/log`)) break;
      if (tries > 600) throw new Error(`${id} was never posted: ${JSON.stringify(body)}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
