import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Supervisor, temporaryFolder } from "../support/supervisor.ts";
import { eventsOf, read } from "./load.ts";
import { createWorld, type World } from "./world.ts";

/** Both are asked of gateways that know a key again: what is done twice was sent as something else. */
const MAP_REDUCE = `name: mapped
inputs:
  items: { type: string, required: true, max_length: 5000 }
defaults: { timeout: 60s, retry: { max_attempts: 1 } }
limits: { max_parallel: WORKERS, max_failures: 50 }
steps:
  map:
    for_each: "\${{ split(inputs.items, ',') }}"
    agent: nx-expert
    task: "Do \${{ item }}."
  reduce:
    needs: [map]
    agent: optimizer
    task: "Put together: \${{ steps.map.result }}"
`;
const LOOK_MS = 5;
const LONGEST_MS = 120_000;

export type MapReduced = {
  readonly kills: number;
  readonly wrong: readonly string[];
  /** What the run itself says is missing. */
  readonly missing: readonly string[];
};

/**
 * One run of a map-reduce while the supervisor is killed with SIGKILL whenever its workers have been asked so often.
 * Each item must be done once, the reduce once, and the report must name every item that failed.
 */
export async function killMapReduce(plan: {
  readonly items: number;
  /** Numbers of items that fail. */
  readonly bad: readonly number[];
  readonly workers: number;
  readonly killAt: readonly number[];
}): Promise<MapReduced> {
  const folder = temporaryFolder("hq-chaos-mapped-");
  const world = await createWorld(folder.path);
  addWorkflow(world, folder.path, plan.workers);
  const names = Array.from({ length: plan.items }, (_, n) => `${plan.bad.includes(n) ? "bad" : "item"}-${n}`);
  let living: Supervisor | undefined;
  let id: string | undefined;
  let kills = 0;
  try {
    for (const count of plan.killAt) {
      living = await world.start();
      id ??= await begin(living, names);
      await until(() => postsOf(world) >= count, `${count} posts`);
      living.child.kill("SIGKILL");
      await living.exited;
      kills++;
    }
    living = await world.start();
    const run = id ?? (await begin(living, names));
    const last = living;
    await until(async () => (await read(last, `/runs/${run}`)).status !== "running", "the run's end");
    const verdict = await judge(world, last, run, names);
    await last.stop();
    return { kills, ...verdict };
  } finally {
    living?.child.kill("SIGKILL");
    await world.stop();
    if (!process.env.HQ_CHAOS_KEEP) folder.remove();
  }
}

function addWorkflow(world: World, folder: string, workers: number): void {
  const workflows = join(folder, "workflows");
  mkdirSync(workflows, { recursive: true });
  writeFileSync(join(workflows, "mapped.yaml"), MAP_REDUCE.replace("WORKERS", String(workers)));
  world.configure(`workflows: { dir: "${workflows}" }\n`);
}

async function begin(supervisor: Supervisor, names: readonly string[]): Promise<string> {
  const asked = { workflow: "mapped", inputs: { items: names.join(",") } };
  const { status, body } = await supervisor.call("POST", "/runs", asked, { "idempotency-key": "mapped" });
  if (status !== 201) throw new Error(`the run was not begun: ${status} ${JSON.stringify(body)}`);
  return body.id;
}

const postsOf = ({ gateways }: World) => gateways.reduce((sum, { posts }) => sum + posts.length, 0);

async function until(isSo: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const end = Date.now() + LONGEST_MS;
  while (!(await isSo())) {
    if (Date.now() > end) throw new Error(`${what} did not come`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

async function judge(world: World, supervisor: Supervisor, id: string, names: readonly string[]) {
  const wrong: string[] = [];
  const done = world.gateways.flatMap(({ executions }) => executions.map(({ run }) => run));
  const times = (child: string) => done.filter((run) => run === child).length;
  for (const [n, name] of names.entries()) {
    const count = times(`${id}.map_${n}`);
    if (count !== 1) wrong.push(`${name} was done ${count} times`);
  }
  if (times(`${id}.reduce`) !== 1) wrong.push(`the reduce was done ${times(`${id}.reduce`)} times`);
  if (done.length !== names.length + 1) wrong.push(`${done.length} pieces of work were done in all`);
  const ends = (await eventsOf(supervisor, `/runs/${id}`)).filter((type) => type === "run.settled");
  if (ends.length !== 1) wrong.push(`the run ended ${ends.length} times`);
  const bad = names.filter((name) => name.startsWith("bad"));
  const { status, missing } = await read(supervisor, `/runs/${id}`);
  if (status !== (bad.length > 0 ? "partial" : "succeeded")) wrong.push(`the run is ${status}`);
  for (const name of bad) {
    if (!new RegExp(`\\b${name}\\b`).test(missing.join("\n"))) wrong.push(`the report does not name ${name}`);
  }
  return { wrong, missing };
}
