import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import cron from "node-cron";
import { createWorld } from "../faults/world.ts";
import { movableClock } from "./discord-fixture.ts";

const MINUTE = 60_000;
const HQ = "api: { rate_per_minute: 100000 }\nworkflows: { dir: FOLDER/workflows }\n";
const EVERY_MINUTE = `name: often
on: { schedule: [{ cron: "* * * * *", timezone: UTC }] }
steps:
  look: { agent: webster, task: Look. }
`;

/** The sweep of each minute, now. */
async function ringMinute(): Promise<void> {
  const minutes = [...cron.getTasks().values()].filter(({ name }) => name === "minute");
  assert.equal(minutes.length, 1, "one supervisor has one sweep");
  await minutes[0]?.execute();
}

test("a workflow's schedule starts runs by itself: at its minute, and at a start after it; a temporary supervisor starts none", async (t) => {
  const clock = movableClock();
  const world = await createWorld(t, { guild: true, hq: HQ, overrides: { now: clock.now } });
  mkdirSync(join(world.folder, "workflows"));
  writeFileSync(join(world.folder, "workflows", "often.yaml"), EVERY_MINUTE);
  const first = await world.start();
  const runsOf = async (app: typeof first) => (await app.call("GET", "/runs?workflow=often")).body.items;
  const ended = async (app: typeof first) =>
    app.poll("/runs?workflow=often", ({ items }) => items.every((run: any) => run.status === "succeeded"));
  // The first look only notes that the schedule is there, and nobody tells when it is over.
  while ((await runsOf(first)).length === 0) {
    clock.pass(MINUTE);
    await ringMinute();
  }
  assert.equal((await ended(first)).items[0].asker, "system schedule");
  await first.stop();

  clock.pass(MINUTE);
  const temporary = await world.start({ isEmbedded: true });
  const before = (await ended(temporary)).items.length;
  await ringMinute();
  await temporary.settled(await temporary.ask());
  assert.equal((await runsOf(temporary)).length, before);
  await temporary.stop();

  const second = await world.start();
  await second.poll("/runs?workflow=often", ({ items }) => items.length === before + 1);
});
