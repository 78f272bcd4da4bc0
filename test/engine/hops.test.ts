import assert from "node:assert/strict";
import test from "node:test";
import type { Actor } from "../../src/domain/actor.ts";
import type { QueueChannel } from "../../src/engine/ports/queue-channel.ts";
import { isRefusal } from "../../src/kernel/refusal.ts";
import { cardOf } from "../support/core.ts";
import { startQueue } from "../support/queue.ts";
import { temporaryFolder } from "../support/supervisor.ts";
import { stepOf, taskOf, workflowOf } from "../support/workflow.ts";

const BOTS = { authors: { roles: [], users: [], bots: ["77"] }, hops: 2 };
const OPERATOR = { kind: "operator" } as const;
const BOT = { id: "77", name: "relay", isBot: true };
const TECH_LEAD: Actor = { kind: "agent", id: "tech-lead" };

async function start(home: string) {
  const posted: (number | undefined)[] = [];
  const channel: Pick<QueueChannel, "post"> = {
    async post(_text, _nonce, options) {
      posted.push(options?.hops);
      const author = { id: "99", name: "hq", isBot: true };
      return { place: { channel: "5", message: `10${posted.length}`, guild: "1" }, author, postedAt: 1 };
    },
  };
  const queue = await startQueue(home, {
    cards: [cardOf("webster"), cardOf("tech-lead")],
    workflows: [workflowOf("research", [stepOf("find", taskOf("tech-lead", "Find it"))])],
    taskQueue: BOTS,
    discord: { queue: channel as QueueChannel, isConnected: () => true },
  });
  const passOn = () =>
    queue.verbs.queue.submit(TECH_LEAD, { text: "and again [agent:webster]" }).then(
      ({ task }) => task.task.hops,
      (error: unknown) => {
        if (isRefusal(error)) return error.message;
        throw error;
      },
    );
  return { queue, posted, passOn };
}

test("a task that an agent passes on has come over one bot more, until it is over the limit: circles end", async () => {
  using folder = temporaryFolder();
  const { queue, posted, passOn } = await start(folder.path);
  await using _ = queue;
  await queue.post("7", "Do it [agent:tech-lead]", { author: BOT, hops: 1 });
  await queue.until("task-7.d1", "delegation.queued");
  assert.equal(await passOn(), 2);
  assert.deepEqual(posted, [2], "and the post says so to others");
  await queue.post("8", "And that [agent:tech-lead]", { author: BOT, hops: 2 });
  await queue.until("task-8.d1", "delegation.queued");
  assert.match(String(await passOn()), /came over 3 bots, and at most 2 may pass a task on/);
  assert.equal(posted.length, 1, "what is refused is not posted");
});

test("the way is found through the steps of a workflow; without a task behind it an agent's post is the first", async () => {
  using folder = temporaryFolder();
  const { queue, passOn } = await start(folder.path);
  await using _ = queue;
  await queue.verbs.delegate(OPERATOR, { agent: "tech-lead", objective: "Look", origin: { door: "cli" } });
  assert.equal(await passOn(), 1);
  await queue.post("8", "CTE [workflow:research]", { author: BOT, hops: 1 });
  await queue.until("task-8", "task.started");
  const child = (await queue.tasks.task("8")).tries[0]?.child ?? "";
  await queue.until(`${child}.find`, "delegation.queued");
  assert.equal(await passOn(), 2);
});
