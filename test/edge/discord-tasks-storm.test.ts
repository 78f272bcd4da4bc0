import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { textsOf as wordsIn } from "../../src/discord/payload.ts";
import { createLocalGuild, type LocalGuild } from "../../src/local/local-guild.ts";
import { person } from "../support/guild.ts";
import { startSupervisor, temporaryFolder } from "../support/supervisor.ts";

const TOKEN = `${"M".repeat(24)}.Gabcde.${"x".repeat(38)}`;
const TASKS = 100;
const WHILE_DOWN = 40;
const LOOKS = 150;
const KILLS = 3;
const CHECK = "✅";

/** A guild that lives on while its supervisor is killed and started again. */
async function world(t: test.TestContext) {
  const guild = await createLocalGuild({ port: 0, rates: false });
  await guild.start();
  t.after(guild.stop);
  const home = temporaryFolder();
  const env = {
    DISCORD_TOKEN: TOKEN,
    GUILD_ID: guild.guildId,
    DISCORD_API: guild.restApi,
    HQ_AGENTS: "sample",
  };
  return { guild, home, start: () => startSupervisor(home.path, env), ada: person(guild, "ada") };
}

const queueOf = (guild: LocalGuild) => guild.inspect.messages("task-queue");
const cardsOf = (guild: LocalGuild) => queueOf(guild).filter(({ replyTo }) => replyTo !== undefined);
const doneIn = (guild: LocalGuild) =>
  cardsOf(guild).filter((message) => /done in/.test(wordsIn(message).join("\n"))).length;

/** Each message of #results as people read it; of a batch its file, which holds what the message names. */
async function resultsOf(guild: LocalGuild): Promise<readonly string[]> {
  const messages = await person(guild).get<{ attachments: { filename: string; url: string }[] }[]>(
    "/local/channels/results/messages?limit=100",
  );
  return Promise.all(
    messages.map(async (message) => {
      const file = message.attachments.find(({ filename }) => filename === "results.md");
      return file ? (await fetch(file.url)).text() : JSON.stringify(message);
    }),
  );
}

/** Resolves as soon as so many cards say that their task is done. */
async function untilDone(guild: LocalGuild, count: number): Promise<void> {
  if (doneIn(guild) < count)
    await guild.inspect.next(() => (doneIn(guild) >= count ? true : undefined), 240_000);
}

test("a hundred tasks, forty of them posted while nobody was there, three kills, cut connections and 429s: each done once", async (t) => {
  const { guild, home, start, ada } = await world(t);
  let supervisor = await start();
  t.after(async () => {
    supervisor.child.kill("SIGKILL");
    await supervisor.exited;
    home.remove();
  });
  const ids: string[] = [];
  const say = async (n: number) => {
    ids.push((await ada.say("task-queue", `Count to ${n} [model:cheap]`)).id);
  };
  for (let n = 0; n < TASKS - WHILE_DOWN; n++) await say(n);
  for (let kill = 1; kill <= KILLS; kill++) {
    await untilDone(guild, kill * 8);
    guild.faults.dropGateway();
    for (const path of ["/messages", "/reactions"]) {
      guild.faults.add({ kind: "rate-limit", retryAfterMs: 300, path, times: 3 });
    }
    guild.faults.add({ kind: "drop", method: "POST", path: "/messages" });
    await untilDone(guild, kill * 8 + 4);
    supervisor.child.kill("SIGKILL");
    await supervisor.exited;
    if (kill === 2) for (let n = TASKS - WHILE_DOWN; n < TASKS; n++) await say(n);
    supervisor = await start();
  }
  await untilDone(guild, TASKS);
  const shownOnce = async () => {
    const texts = await resultsOf(guild);
    const isOf = (id: string) => (text: string) =>
      text.includes(`task-${id}.w1/result`) || text.includes(`task-${id} by`);
    return ids.filter((id) => texts.filter(isOf(id)).length === 1).length;
  };
  // The last message may come while it is counted, so nobody waits long for the next one.
  for (let looks = 0; (await shownOnce()) < TASKS && looks < LOOKS; looks++) {
    const isNew = (event: { readonly kind: string }) => (event.kind === "message-create" ? true : undefined);
    await guild.inspect.next(isNew, 1000).catch(() => undefined);
  }
  await supervisor.stop();
  const checked = queueOf(guild).filter(
    ({ replyTo, reactions }) =>
      replyTo === undefined &&
      reactions.length === 1 &&
      reactions[0]?.emoji.name === CHECK &&
      reactions[0].users.length === 1,
  );
  const table = {
    "tasks posted": ids.length,
    "while nobody was there": WHILE_DOWN,
    "kill -9": KILLS,
    cards: cardsOf(guild).length,
    "tasks with our ✅": checked.length,
    "worker folders": readdirSync(join(home.path, "workers")).length,
    "results shown once": await shownOnce(),
  };
  t.diagnostic(JSON.stringify(table));
  assert.deepEqual(table, {
    ...table,
    cards: TASKS,
    "tasks with our ✅": TASKS,
    "worker folders": TASKS,
    "results shown once": TASKS,
  });
});
