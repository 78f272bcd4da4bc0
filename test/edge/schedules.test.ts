import assert from "node:assert/strict";
import test from "node:test";
import { createSchedules } from "../../src/app/schedules.ts";
import type { ScheduleDefinition } from "../../src/domain/workflow-types.ts";
import { startCore } from "../support/core.ts";
import { temporaryFolder } from "../support/supervisor.ts";
import { stepOf, taskOf, workflowOf } from "../support/workflow.ts";

const HOUR = 3_600_000;
/** 2026-11-21, a Saturday, 04:30 in UTC. */
const START = Date.UTC(2026, 10, 21, 4, 30);
const silent = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

async function world(home: string, schedule: Partial<ScheduleDefinition>, at = START) {
  const schedules = [
    {
      cron: "0 * * * *",
      timezone: "UTC",
      overlap: "skip",
      catchupMs: 6 * HOUR,
      inputs: {},
      ...schedule,
    } as const,
  ];
  const hourly = workflowOf("hourly", [stepOf("look", taskOf("webster", "Look."))], { schedules });
  const core = await startCore(home, { workflows: [hourly], at });
  const told: string[] = [];
  const scheduler = createSchedules({
    runs: core.verbs.runs,
    ledger: core.ledger,
    tellPeople: async (text) => void told.push(text),
    now: core.now,
    log: silent,
  });
  return {
    ...core,
    told,
    look: scheduler.look,
    runs: async () => (await core.verbs.runs.runs({ workflow: "hourly" })).items,
    async cancelAll() {
      for (const { id, status } of (await core.verbs.runs.runs({ workflow: "hourly" })).items) {
        if (status !== "running") continue;
        await core.verbs.runs.cancelRun({ kind: "operator" }, id);
        await core.until(id, "run.settled");
      }
    },
  };
}

test("a schedule that was never seen makes up for nothing, and fires at its next time", async () => {
  using folder = temporaryFolder();
  const hq = await world(folder.path, {});
  await hq.look();
  assert.equal((await hq.runs()).length, 0);
  hq.pass(HOUR / 2);
  await hq.look();
  await hq.look();
  const [run, ...more] = await hq.runs();
  assert.equal(run?.asker, "system schedule");
  assert.deepEqual(more, []);
  await hq.stop();
});

test("what was missed while nobody looked is started once, however many times it was missed", async () => {
  using folder = temporaryFolder();
  const before = await world(folder.path, {});
  await before.look();
  await before.stop();
  const after = await world(folder.path, {}, START + 5 * HOUR);
  await after.look();
  await after.look();
  assert.equal((await after.runs()).length, 1);
  await after.stop();
});

test("what was missed longer ago than the catch-up is let go", async () => {
  using folder = temporaryFolder();
  const before = await world(folder.path, { cron: "0 5 * * *", catchupMs: HOUR });
  await before.look();
  await before.stop();
  const after = await world(folder.path, { cron: "0 5 * * *", catchupMs: HOUR }, START + 5 * HOUR);
  await after.look();
  assert.equal((await after.runs()).length, 0);
  await after.stop();
});

test("a firing during an open run is skipped, or waits for its end, as the file says", async () => {
  for (const [overlap, expected] of [
    ["skip", 1],
    ["queue", 2],
  ] as const) {
    using folder = temporaryFolder();
    const hq = await world(folder.path, { overlap });
    await hq.look();
    hq.pass(HOUR / 2);
    await hq.look();
    hq.pass(HOUR);
    await hq.look();
    assert.equal((await hq.runs()).length, 1, overlap);
    await hq.cancelAll();
    hq.pass(60_000);
    await hq.look();
    await hq.look();
    assert.equal((await hq.runs()).length, expected, overlap);
    await hq.stop();
  }
});

test("killed between the start and its note, a firing is not started again", async () => {
  using folder = temporaryFolder();
  const hq = await world(folder.path, {});
  await hq.look();
  hq.pass(HOUR / 2);
  const memory = await hq.ledger.recall("schedule/hourly#0");
  await hq.look();
  await hq.cancelAll();
  await hq.ledger.remember("schedule/hourly#0", memory ?? "");
  await hq.look();
  assert.equal((await hq.runs()).length, 1);
  await hq.stop();
});

test("a firing that cannot start is told to people once", async () => {
  using folder = temporaryFolder();
  const hq = await world(folder.path, { inputs: { nothing: "such" } });
  await hq.look();
  hq.pass(HOUR / 2);
  await hq.look();
  await hq.look();
  assert.equal(hq.told.length, 1);
  assert.match(hq.told[0] ?? "", /scheduled run of hourly .* was not started: .*nothing/);
  await hq.stop();
});
