import { setTimeout as pause } from "node:timers/promises";
import { AGENT_IDS } from "../support/core.ts";
import { person } from "../support/guild.ts";
import type { Answer, Cluster } from "./cluster-members.ts";

const ROUND_MS = 1000;
const GATES_MS = 500;
const PROBE_MS = 100;
/** Nobody asks more while so many results are not to be seen yet: a cluster that is behind shall catch up. */
const MOST_UNSEEN = 40;
const LOOKED_AT = 10;
/** In every so many rounds. */
const EACH = { run: 3, said: 4, submitted: 6 } as const;
const WORKER_EACH = 4;

export type Asked = {
  readonly delegations: ReadonlyMap<string, string>;
  readonly runs: ReadonlyMap<string, string>;
  readonly tasks: ReadonlySet<string>;
};
export type Load = ReturnType<typeof createLoad>;

/**
 * Delegations, runs with a gate and tasks, asked of whichever member answers, each under its key until it was answered;
 * people post tasks in the guild whether anybody is there or not.
 */
export function createLoad(cluster: Cluster) {
  const { world } = cluster;
  const you = person(world.guild, "you");
  const delegations = new Map<string, string>();
  const runs = new Map<string, string>();
  const tasks = new Set<string>();
  const unseen = new Set<string>();
  const asking = new Set<Promise<unknown>>();
  const broken: unknown[] = [];
  let isOver = false;
  let isAnswered = false;

  function track(job: Promise<unknown>): void {
    asking.add(job);
    job.catch((error: unknown) => broken.push(error)).finally(() => asking.delete(job));
  }

  async function post(path: string, body: object, key: string): Promise<string> {
    const answer = await cluster.ask("POST", path, body, { "idempotency-key": key });
    return idOf(answer, key);
  }

  async function delegate(key: string, n: number): Promise<string> {
    const agent = AGENT_IDS[1 + (n % (AGENT_IDS.length - 1))];
    const id = await post("/delegations", { agent, objective: `job ${key}`, timeout: "60s" }, key);
    delegations.set(key, id);
    unseen.add(id);
    return id;
  }

  async function run(key: string): Promise<void> {
    runs.set(key, await post("/runs", { workflow: "diamond", inputs: { what: key } }, key));
  }

  const tagOf = (n: number) =>
    n % WORKER_EACH === 0 ? "[worker:standard] [model:cheap]" : "[agent:webster]";

  async function say(n: number): Promise<void> {
    tasks.add(`task-${(await you.say("task-queue", `Count to ${n} ${tagOf(n)}`)).id}`);
  }

  async function submit(n: number): Promise<void> {
    const id = await post("/tasks", { text: `Weigh ${n} ${tagOf(n)}` }, `task-${n}`);
    tasks.add(id.startsWith("task-") ? id : `task-${id}`);
  }

  async function isSeen(id: string): Promise<boolean> {
    const answer = await cluster.ask("GET", `/delegations/${id}/receipts`);
    const receipts = (answer?.body.items ?? []) as { delivery: string }[];
    const isThere = receipts.some(({ delivery }) => delivery === `${id}/result`);
    if (isThere) unseen.delete(id);
    return isThere;
  }

  async function askOn(): Promise<void> {
    for (let n = 0; !isOver; n++) {
      while (unseen.size > MOST_UNSEEN && !isOver) {
        await Promise.all([...unseen].slice(0, LOOKED_AT).map(isSeen));
        await pause(PROBE_MS);
      }
      for (const half of ["x", "y"]) track(delegate(`d${n}${half}`, n));
      if (n % EACH.run === 0) track(run(`run-${n}`));
      if (n % EACH.said === 0) track(say(n));
      if (n % EACH.submitted === 0) track(submit(n));
      await pause(ROUND_MS);
    }
  }

  /** Two people at once, at any member: one of them is told that the other was faster. */
  async function answerGates(): Promise<void> {
    while (!isAnswered) {
      const open = await cluster.ask("GET", "/runs?open=true&limit=200", undefined, {}, () => isAnswered);
      const items = (open?.body.items ?? []) as { id: string; gates: string[] }[];
      for (const { id } of items.filter(({ gates }) => gates.includes("sign-off"))) {
        const path = `/runs/${id}/steps/sign-off/approve`;
        const answers = await Promise.all([1, 2].map(() => cluster.ask("POST", path, {})));
        const odd = answers.find((answer) => answer && answer.status !== 200 && answer.status !== 409);
        if (odd) throw new Error(`approving ${id}: ${odd.status} ${JSON.stringify(odd.body)}`);
      }
      await pause(GATES_MS);
    }
  }

  async function untilSettled(): Promise<void> {
    for (;;) {
      const answer = await cluster.ask("GET", "/runs?open=true&limit=1");
      if (answer?.body.items.length === 0) return;
      await pause(GATES_MS);
    }
  }

  return {
    asked: { delegations, runs, tasks } satisfies Asked as Asked,
    begin() {
      track(askOn());
      track(answerGates());
    },
    /** A delegation that is asked right now; resolves with how long it took until its result was in its channel. */
    async probe(key: string): Promise<number> {
      const at = Date.now();
      const id = await delegate(key, 0);
      while (!(await isSeen(id))) await pause(PROBE_MS);
      return Date.now() - at;
    },
    /** No more is asked; resolves when all was answered and no run is open. */
    async end(): Promise<void> {
      isOver = true;
      while (asking.size > 1) await pause(PROBE_MS);
      await untilSettled();
      isAnswered = true;
      await Promise.all(asking);
      if (broken.length > 0)
        throw new AggregateError(broken, "what was asked was not answered as it should be");
    },
  };
}

function idOf(answer: Answer | undefined, key: string): string {
  if (answer && (answer.status === 200 || answer.status === 201)) return answer.body.id;
  throw new Error(`${key}: ${answer?.status} ${JSON.stringify(answer?.body)}`);
}
