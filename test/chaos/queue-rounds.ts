import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { textsOf } from "../../src/discord/payload.ts";
import type { CrashPoint } from "../../src/engine/ports/log.ts";
import { person } from "../support/guild.ts";
import { ROOT, type Supervisor, temporaryFolder } from "../support/supervisor.ts";
import { liveUntil } from "./kill.ts";
import { eventsOf, read } from "./load.ts";
import { allOf } from "./run-rounds.ts";
import { countOf, createFindings, type Findings } from "./verdict.ts";
import { createWorld, type World } from "./world.ts";

const CHECK = "✅";
const CHECK_POINT = "task-check:sent";
const LOOK_MS = 50;
const LONGEST_MS = 120_000;
const WORKER = join(ROOT, "src/local/worker/sample-worker.ts");

export type QueueRound = {
  readonly tasks: number;
  readonly kills: number;
  readonly notPassed: readonly CrashPoint[];
  readonly findings: Findings;
  readonly ambiguous: number;
};

type TaskView = {
  readonly id: string;
  readonly status: string;
  readonly task: { readonly place: { readonly message: string } };
  readonly tries: readonly { readonly executor: { readonly kind: string }; readonly child?: unknown }[];
};

/**
 * Tasks for agents and for fresh worker processes, posted by people and over REST, while the supervisor is killed at
 * each of `points` in turn. Each must be claimed once, done once, ticked once and seen once.
 */
export async function runQueue(plan: {
  readonly points: readonly CrashPoint[];
  readonly perKill: number;
  readonly nth: (index: number, point: CrashPoint) => number;
}): Promise<QueueRound> {
  const folder = temporaryFolder("hq-chaos-queue-");
  const world = await createWorld(folder.path);
  addQueue(world);
  const ada = person(world.guild, "you");
  const said = new Set<string>();
  const submitted = new Map<string, string>();
  const notPassed: CrashPoint[] = [];
  let living: Supervisor | undefined;
  let kills = 0;
  try {
    for (const [index, point] of plan.points.entries()) {
      const crashAt = `${point}#${plan.nth(index, point)}`;
      const died = await liveUntil(world, crashAt, async (supervisor, isGone) => {
        await sayAll(index);
        await submitAll(supervisor, index, isGone);
        if (point === CHECK_POINT) await uncheckUntil(isGone);
      });
      if (died) kills++;
      else notPassed.push(point);
    }
    const last = await world.start();
    living = last;
    for (const index of plan.points.keys()) {
      await sayAll(index);
      await submitAll(last, index, () => false);
    }
    const ids = [...said, ...submitted.values()].map((id) => (id.startsWith("task-") ? id : `task-${id}`));
    const verdict = await judgeTasks(world, last, ids, [world.home]);
    for (const id of await allOf(last, "/tasks"))
      if (!ids.includes(id)) verdict.findings.doubled.push(`${id}: posted, and nobody was told of it`);
    await last.stop();
    return { tasks: ids.length, kills, notPassed, ...verdict };
  } finally {
    living?.child.kill("SIGKILL");
    await world.stop();
    if (!process.env.HQ_CHAOS_KEEP) folder.remove();
  }

  /** People post whether anybody is there or not; once for each life. */
  async function sayAll(index: number): Promise<void> {
    if (said.size > index * plan.perKill) return;
    for (let n = 0; n < plan.perKill; n++)
      said.add((await ada.say("task-queue", `Count to ${index} ${n} ${tagOf(n)}`)).id);
  }

  async function submitAll(supervisor: Supervisor, index: number, isGone: () => boolean): Promise<void> {
    for (let n = 0; n < plan.perKill; n++) {
      const key = `task-${index}-${n}`;
      while (!submitted.has(key) && !isGone()) {
        const { status, body } = await supervisor.call(
          "POST",
          "/tasks",
          { text: `Weigh ${index} ${n} ${tagOf(n)}` },
          { "idempotency-key": key },
        );
        if (status === 201 || status === 200) submitted.set(key, body.id);
        else if (status !== 503) throw new Error(`${key}: ${status} ${JSON.stringify(body)}`);
        else await pause(LOOK_MS);
      }
    }
  }

  /** Somebody takes our ticks away, again and again: they are put back. */
  async function uncheckUntil(isGone: () => boolean): Promise<void> {
    while (!isGone()) {
      for (const { id, channelId, reactions } of world.guild.inspect.messages("task-queue")) {
        if (reactions.length === 0) continue;
        const path = `/channels/${channelId}/messages/${id}/reactions/${encodeURIComponent(CHECK)}/@me`;
        await fetch(`${world.guild.restApi}/v10${path}`, {
          method: "DELETE",
          headers: { authorization: `Bot ${world.env.DISCORD_TOKEN}` },
        });
        break;
      }
      await pause(LOOK_MS);
    }
  }
}

const tagOf = (n: number) => (n % 2 === 0 ? "[agent:webster]" : "[worker:standard] [model:cheap]");

export function addQueue(world: World): void {
  const command = [process.execPath, WORKER, "work", "{session}", "{model}", "{thinking}"];
  world.configure(
    `task_queue:\n  grace: 0s\n  authors: { roles: [Operators] }\n  worker: { enabled: true, command: ${JSON.stringify(command)} }\n`,
  );
}

async function until(isSo: () => Promise<boolean>): Promise<boolean> {
  const end = Date.now() + LONGEST_MS;
  while (!(await isSo())) {
    if (Date.now() > end) return false;
    await pause(LOOK_MS);
  }
  return true;
}

export async function judgeTasks(
  world: World,
  supervisor: Supervisor,
  ids: readonly string[],
  homes: readonly string[],
) {
  const findings = createFindings();
  const view = (id: string): Promise<TaskView> => read(supervisor, `/tasks/${id}`);
  for (const id of ids) {
    if (!(await until(async () => (await view(id)).status === "done")))
      findings.lost.push(`${id}: ${JSON.stringify(await view(id))}`);
  }
  const sends = countOf(world.gateways.flatMap(({ posts }) => posts));
  let ambiguous = 0;
  const children: string[] = [];
  const workers: string[] = [];
  for (const id of ids) {
    const { tries } = await view(id);
    findings.once(tries.length, `${id} was tried`);
    const child = `${id}.${tries[0]?.executor.kind === "worker" ? "w" : "d"}1`;
    const events = await eventsOf(supervisor, `/tasks/${id}`);
    findings.once(events.filter((type) => type === "task.settled").length, `${id} was settled`);
    children.push(child);
    if (child.endsWith("w1")) {
      workers.push(child);
      continue;
    }
    const { body: run, status } = await supervisor.call("GET", `/delegations/${child}`);
    if (status !== 200 || run.status !== "succeeded") findings.lost.push(`${child}: ${status} ${run.status}`);
    for (const { attempt, ambiguous: isAmbiguous } of run.attempts ?? []) {
      const sent = sends.get(`${child}#${attempt}`) ?? 0;
      if (isAmbiguous) ambiguous++;
      if (sent > 1 && !isAmbiguous)
        findings.doubled.push(`${child}#${attempt} was sent ${sent} times, unmarked`);
    }
  }
  // A home in which no worker ran has no such folder.
  const folders = homes
    .map((home) => join(home, "workers"))
    .filter((folder) => existsSync(folder))
    .flatMap((folder) => readdirSync(folder).filter((name) => name.startsWith("agent-")));
  if (folders.length !== workers.length)
    (folders.length < workers.length ? findings.lost : findings.doubled).push(
      `${workers.length} workers have ${folders.length} folders`,
    );
  await judgeWhatIsSeen(world, ids, children, findings);
  return { findings, ambiguous };
}

/** One card that says done, one tick of ours, one result. */
async function judgeWhatIsSeen(
  world: World,
  ids: readonly string[],
  children: readonly string[],
  findings: ReturnType<typeof createFindings>,
): Promise<void> {
  const messages = () => world.guild.inspect.messages("task-queue");
  const cardsOf = (id: string) => messages().filter(({ replyTo }) => `task-${replyTo?.messageId}` === id);
  for (const id of ids) {
    const isDone = async () =>
      cardsOf(id).length > 0 && cardsOf(id).every((card) => /done in/.test(textsOf(card).join("\n")));
    if (!(await until(isDone))) findings.unseen.push(`${id}: its card is not done`);
    findings.once(cardsOf(id).length, `the card of ${id} is there`, findings.unseen);
    const task = messages().find((message) => `task-${message.id}` === id);
    const ticks = task?.reactions.flatMap(({ emoji, users }) => (emoji.name === CHECK ? users : [])) ?? [];
    findings.once(ticks.length, `the tick of ${id} is there`, findings.unseen);
  }
  const timesSeen = async () => {
    const texts = await world.texts("results");
    return children.map((child) => {
      // In a batch's file a worker's result stands under its task, after the word for its end.
      const heads = [`${child}/result`, `\n${child} ·`, `] ${child.replace(/\.[wd]1$/, "")} by `];
      return texts.filter((text) => heads.some((head) => text.includes(head))).length;
    });
  };
  await until(async () => (await timesSeen()).every((times) => times > 0));
  for (const [n, times] of (await timesSeen()).entries())
    findings.once(times, `${children[n]}/result is seen`, findings.unseen);
}
