import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { createLocalGuild } from "../../src/local/local-guild.ts";
import { ATOMIZER_HQ } from "../../src/local/seed.ts";
import { person } from "../support/guild.ts";
import { temporaryFolder } from "../support/supervisor.ts";
import { type Message, personAt, shown, startFor as start } from "./discord-person.ts";

const CHECK = "✅";
const TOKEN = `${"M".repeat(24)}.Gabcde.${"x".repeat(38)}`;
const OTHER_TOKEN = `${"N".repeat(24)}.Gabcde.${"y".repeat(38)}`;
const QUESTION = "Find the CTE of Zerodur Class 0 between 20 and 40 °C";

test("a task with [agent:webster] is ticked, shown, answered in #results, and told in #agent-logs", async (t) => {
  using home = temporaryFolder();
  const at = personAt(await start(t, home.path));
  await at.act("messages", { channel: "task-queue", content: `${QUESTION} [agent:webster] [thinking:high]` });
  const queue = await at.until("task-queue", ([, card]) => /webster · done in/.test(shown(card)));
  assert.equal(queue.length, 2, "the task, and its card");
  assert.deepEqual(
    (queue[0] as unknown as { reactions: { emoji: { name: string }; count: number }[] }).reactions.map(
      ({ emoji, count }) => [emoji.name, count],
    ),
    [[CHECK, 1]],
  );
  const results = await at.until("results", (messages) => messages.length > 0);
  assert.match(shown(results[0]), /Zerodur/);
  const logs = await at.until("agent-logs", (messages) => messages.length > 0);
  assert.equal(logs.length, 1);
  assert.equal(results.length, 1);
});

test("a task with [model:] is done by a worker process: notices, a result with the model's real name, a line", async (t) => {
  using home = temporaryFolder();
  const at = personAt(await start(t, home.path));
  await at.act("messages", { channel: "task-queue", content: "Compare Zerodur and ULE [model:cheap]" });
  await at.until("task-queue", ([, card]) => /done in/.test(shown(card)));
  const [result] = await at.until("results", (messages) => messages.length > 0);
  assert.match(shown(result), /\[SUCCESS\][^]*openrouter\/stepfun\/step-3\.5-flash:free/);
  const pool = await at.until("worker-pool", (messages) => messages.length === 2);
  assert.match(shown(pool[0]), /AGENT SPAWNED/);
  assert.match(shown(pool[1]), /finished/);
});

test("wrong tags are answered at the message with what would do; an edit mends them", async (t) => {
  using home = temporaryFolder();
  const supervisor = await start(t, home.path);
  const at = personAt(supervisor);
  const task = await at.act("messages", { channel: "task-queue", content: `${QUESTION} [agent:webstr]` });
  const [, reply] = await at.until("task-queue", (messages) => messages.length === 2);
  assert.match(shown(reply), /webster/);
  const edited = await fetch(`${supervisor.ready.guild}/local/messages/${task.id}`, {
    method: "PATCH",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ content: `${QUESTION} [agent:webster]` }),
  });
  assert.equal(edited.status, 200);
  await at.until("task-queue", (messages) => messages.some((one) => /webster · done in/.test(shown(one))));
});

test("killed between the claim's post and its record, the next life has one card, one ✅ and one result", async (t) => {
  for (const point of ["task-claim:sent", "task-claim:won"]) {
    using home = temporaryFolder();
    const first = await start(t, home.path, { HQ_CRASH_AT: point });
    await personAt(first).act("messages", { channel: "task-queue", content: `${QUESTION} [agent:webster]` });
    assert.deepEqual(await first.exited, [null, "SIGKILL"], point);
    const at = personAt(await start(t, home.path));
    const queue = await at.until("task-queue", ([, card]) => /done in/.test(shown(card)));
    assert.equal(queue.length, 2, point);
    const results = await at.until("results", (messages) => messages.length > 0);
    assert.equal(results.length, 1, point);
  }
});

test("Show and Run again work from the card; the same card follows the second time", async (t) => {
  using home = temporaryFolder();
  const at = personAt(await start(t, home.path));
  await at.act("messages", { channel: "task-queue", content: `${QUESTION} [agent:webster]` });
  const [, card] = await at.until("task-queue", ([, one]) => /done in/.test(shown(one)));
  assert.match((await press(at, card, "queue-show")).message?.content ?? "", /time 1: agent webster/);
  await press(at, card, "queue-again");
  await at.until("results", (messages) => messages.length === 2);
  const queue = await at.until("task-queue", ([, one]) => /time 2[^]*finished/.test(shown(one)));
  assert.equal(queue.length, 2);
});

test("Cancel on the card ends a worker that runs, at once and with no result", async (t) => {
  using home = temporaryFolder();
  const at = personAt(await start(t, home.path));
  await at.act("messages", { channel: "task-queue", content: "Think long [slow 100s] [model:cheap]" });
  await at.until("worker-pool", (messages) => messages.length === 1);
  const [, card] = await at.until("task-queue", ([, one]) => /running/.test(shown(one)));
  assert.match((await press(at, card, "queue-cancel")).message?.content ?? "", /Withdrew the task/);
  const pool = await at.until("worker-pool", (messages) => messages.length === 2);
  assert.match(shown(pool[1]), /finished: canceled/);
  await at.until("task-queue", ([, one]) => /Run again/.test(JSON.stringify(one?.components)));
  assert.deepEqual(await at.messages("results"), []);
});

test("two supervisors with two folders in one guild: a hundred tasks, a hundred runs, one card and one ✅ each", (t) =>
  race(t, TOKEN, 100));

test("two supervisors with a bot each in one guild: forty tasks, forty runs, one card and one ✅ each", (t) =>
  race(t, OTHER_TOKEN, 40));

async function race(t: TestContext, secondToken: string, count: number): Promise<void> {
  const seed = { ...ATOMIZER_HQ, bots: [{ name: "second", roles: ["bot"], token: OTHER_TOKEN }] };
  const guild = await createLocalGuild({ port: 0, rates: false, seed });
  await guild.start();
  t.after(guild.stop);
  using one = temporaryFolder();
  using other = temporaryFolder();
  const envWith = (token: string) => ({
    DISCORD_TOKEN: token,
    GUILD_ID: guild.guildId,
    DISCORD_API: guild.restApi,
    HQ_AGENTS: "sample",
  });
  const supervisors = [
    await start(t, one.path, envWith(TOKEN)),
    await start(t, other.path, envWith(secondToken)),
  ];
  const ada = person(guild, "ada");
  for (let n = 0; n < count; n++) await ada.say("task-queue", `Count to ${n} [model:cheap]`);
  const queue = () => guild.inspect.messages("task-queue");
  const isCard = ({ replyTo }: { replyTo?: unknown }) => replyTo !== undefined;
  const areDone = () =>
    queue().filter((message) => isCard(message) && /done in/.test(shown(message as never)));
  const areOver = () => areDone().length === count && queue().filter(isCard).length === count;
  await guild.inspect.next(() => (areOver() ? true : undefined), 200_000);
  await Promise.all(supervisors.map(({ stop }) => stop()));
  const cards = queue().filter(isCard);
  assert.equal(cards.length, count);
  assert.equal(new Set(cards.map(({ replyTo }) => replyTo?.messageId)).size, count);
  const tasks = queue().filter((message) => !isCard(message));
  assert.equal(tasks.length, count, "neither answers the other's cards");
  assert.ok(tasks.every(({ reactions }) => reactions.length === 1 && reactions[0]?.users.length === 1));
  // Whose card it is has put the ✅: each bot did its own.
  const authors = new Set(cards.map(({ authorId }) => authorId));
  assert.equal(authors.size, secondToken === TOKEN ? 1 : 2, "both bots did some");
  for (const { authorId, replyTo } of cards) {
    const task = tasks.find(({ id }) => id === replyTo?.messageId);
    assert.deepEqual(task?.reactions[0]?.users, [authorId]);
  }
  const runs = [one, other].map(({ path }) => readdirSync(join(path, "workers")).length);
  assert.equal(
    runs.reduce((sum, each) => sum + each),
    count,
    `runs: ${runs.join(" and ")}`,
  );
  assert.ok(guild.inspect.messages("agent-logs").some(({ content }) => /Another supervisor/.test(content)));
}

function press(at: ReturnType<typeof personAt>, card: Message | undefined, action: string) {
  const id = new RegExp(`d1:${action}:[^"]+`).exec(JSON.stringify(card?.components))?.[0];
  return at.act("components", { channel: "task-queue", message: card?.id, custom_id: id, wait: true });
}
