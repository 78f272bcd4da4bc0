import assert from "node:assert/strict";
import test from "node:test";
import { createSchedules } from "../../src/app/schedules.ts";
import type { ScheduleDefinition } from "../../src/domain/workflow-types.ts";
import { Refusal } from "../../src/kernel/refusal.ts";
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

type Given = Partial<ScheduleDefinition>;

function hourlyOf(given: readonly Given[]) {
  const schedules = given.map((schedule) => ({
    cron: "0 * * * *",
    timezone: "UTC",
    overlap: "skip" as const,
    catchupMs: 6 * HOUR,
    inputs: {},
    ...schedule,
  }));
  const inputs = [{ name: "n", type: "string", description: "", required: false }] as const;
  return workflowOf("hourly", [stepOf("look", taskOf("webster", "Look."))], { inputs, schedules });
}

async function world(home: string, schedule: Given | readonly Given[], at = START) {
  const workflows = [hourlyOf([schedule].flat())];
  const core = await startCore(home, { workflows, at });
  const told: string[] = [];
  const scheduler = (runs: Parameters<typeof createSchedules>[0]["runs"] = core.verbs.runs) =>
    createSchedules({
      runs,
      ledger: core.ledger,
      tellPeople: async (text) => void told.push(text),
      now: core.now,
      log: silent,
    });
  return {
    ...core,
    told,
    scheduler,
    look: scheduler().look,
    /** As another process, which remembers nothing, would. */
    lookAnew: () => scheduler().look(),
    /** Another member, whose file says something else. */
    memberWith: (given: Given) =>
      scheduler({
        ...core.verbs.runs,
        workflows: () => [{ name: "hourly", definition: hourlyOf([given]), problems: [] }],
      }),
    /** The file as it is from now on; without an entry it is taken away. */
    edit: (...given: readonly Given[]) =>
      void workflows.splice(0, 1, ...(given.length > 0 ? [hourlyOf(given)] : [])),
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

/** Five o'clock passed while nobody looked, longer ago than the catch-up of an hour. */
async function missedByHours(folder: string) {
  const five = { cron: "0 5 * * *", catchupMs: HOUR };
  const before = await world(folder, five);
  await before.look();
  await before.stop();
  const after = await world(folder, five, START + 5 * HOUR);
  await after.look();
  return after;
}

test("after a clock that was far ahead has been put right, times fire again that were looked at ahead of time", async () => {
  using folder = temporaryFolder();
  const days = 400 * 24 * HOUR;
  const hq = await world(folder.path, {}, START + days);
  await hq.look();
  hq.pass(HOUR);
  await hq.look();
  assert.equal((await hq.runs()).length, 1);
  await hq.cancelAll();
  hq.pass(-days - HOUR);
  await hq.lookAnew();
  assert.equal((await hq.runs()).length, 1, "nothing is made up for");
  hq.pass(HOUR / 4);
  await hq.lookAnew();
  hq.pass(HOUR / 4);
  await hq.lookAnew();
  await hq.lookAnew();
  assert.equal((await hq.runs()).length, 2);
  await hq.stop();
});

test("what was missed longer ago than the catch-up is let go", async () => {
  using folder = temporaryFolder();
  const after = await missedByHours(folder.path);
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
  const memory = await hq.ledger.recall("schedules");
  await hq.look();
  await hq.cancelAll();
  await hq.ledger.remember("schedules", memory ?? "");
  await hq.lookAnew();
  assert.equal((await hq.runs()).length, 1);
  await hq.stop();
});

test("a firing that cannot start is told to people once", async () => {
  using folder = temporaryFolder();
  const hq = await world(folder.path, { inputs: { nothing: "such" } });
  await hq.look();
  hq.pass(HOUR / 2);
  await Promise.all([hq.look(), hq.look()]);
  await hq.look();
  assert.equal(hq.told.length, 1);
  assert.match(hq.told[0] ?? "", /scheduled run of hourly .* was not started: .*nothing/);
  await hq.stop();
});

test("a firing that was started and is found with other inputs since is neither started again nor told", async () => {
  using folder = temporaryFolder();
  const hq = await world(folder.path, {});
  await hq.look();
  const memory = await hq.ledger.recall("schedules");
  hq.pass(HOUR / 2);
  await hq.look();
  await hq.cancelAll();
  // As if it had been killed before its note.
  await hq.ledger.remember("schedules", memory ?? "");
  hq.edit({ inputs: { n: "2" } });
  await hq.lookAnew();
  assert.deepEqual([(await hq.runs()).length, hq.told], [1, []]);
  await hq.stop();
});

for (const trouble of [
  new Error("the disk is full"),
  new Refusal("ledger_trouble", "The disk is full. Writing goes on by itself."),
]) {
  test(`a firing that met ${trouble.name === "Refusal" ? "a ledger that cannot be used" : "trouble which is no refusal"} is started by a later look`, async () => {
    using folder = temporaryFolder();
    const hq = await world(folder.path, {});
    const { startRun } = hq.verbs.runs;
    let isFull = true;
    const { look } = hq.scheduler({
      ...hq.verbs.runs,
      startRun: (...asked) => (isFull ? Promise.reject(trouble) : startRun(...asked)),
    });
    await look();
    hq.pass(HOUR / 2);
    await assert.rejects(look(), /disk is full/);
    isFull = false;
    hq.pass(60_000);
    await look();
    assert.deepEqual([(await hq.runs()).length, hq.told], [1, []]);
    await hq.stop();
  });
}

test("what falls due while everything is stopped is made up for when work may begin again, and nobody is told of it", async () => {
  using folder = temporaryFolder();
  const core = await world(folder.path, {});
  await core.look();
  await core.hold.put({ kind: "operator" });
  for (let looks = 0; looks < 3; looks++) {
    core.pass(HOUR);
    await core.look();
  }
  assert.deepEqual([await core.runs(), core.told], [[], []]);
  await core.hold.clear();
  await core.look();
  await core.look();
  assert.equal((await core.runs()).length, 1);
  assert.deepEqual(core.told, []);
  await core.stop();
});

test("a run that a person began holds no firing up", async () => {
  using folder = temporaryFolder();
  const hq = await world(folder.path, {});
  await hq.look();
  await hq.verbs.runs.startRun(
    { kind: "operator" },
    { workflow: "hourly", inputs: {}, origin: { door: "rest" } },
  );
  hq.pass(HOUR / 2);
  await hq.look();
  assert.equal((await hq.runs()).length, 2);
  await hq.stop();
});

test("a run that is nested in another scheduled one holds no firing up", async () => {
  using folder = temporaryFolder();
  const hq = await world(folder.path, {});
  await hq.look();
  hq.pass(HOUR / 2);
  await hq.look();
  const [first] = await hq.runs();
  assert.ok(first);
  const parent = { run: "wf-other", step: "look", generation: 1 };
  const nested = { ...hq.verbs.runs, runs: async () => ({ items: [{ ...first, parent }] }) };
  hq.pass(HOUR);
  await hq.scheduler(nested).look();
  assert.equal((await hq.runs()).length, 2);
  await hq.stop();
});

test("while its file cannot be read a schedule keeps what was seen of it", async () => {
  using folder = temporaryFolder();
  const hq = await world(folder.path, {});
  await hq.look();
  hq.pass(60_000);
  await hq
    .scheduler({
      ...hq.verbs.runs,
      workflows: () => [{ name: "hourly", problems: ["no YAML"] }],
    })
    .look();
  hq.pass(HOUR);
  await hq.lookAnew();
  assert.equal((await hq.runs()).length, 1, "of five o'clock");
  await hq.stop();
});

test("an edited schedule begins when it is seen: a time before that was never promised", async () => {
  for (const edited of [{ cron: "0 9 * * *" }, { cron: "0 7 * * *", timezone: "Europe/Lisbon" }]) {
    using folder = temporaryFolder();
    const hq = await world(folder.path, { cron: "0 7 * * *" });
    await hq.look();
    hq.pass(2.5 * HOUR);
    await hq.look();
    await hq.cancelAll();
    hq.pass(5 * HOUR);
    hq.edit({ catchupMs: 24 * HOUR, ...edited });
    await hq.look();
    assert.equal((await hq.runs()).length, 1, "at noon");
    hq.pass(24 * HOUR);
    await hq.look();
    assert.equal((await hq.runs()).length, 2, "the day after");
    await hq.stop();
  }
});

test("an edit just before the time that it names is seen with it, and fires", async () => {
  using folder = temporaryFolder();
  const hq = await world(folder.path, { cron: "0 7 * * *" });
  hq.pass(HOUR / 2 - 60_000);
  await hq.look();
  hq.edit({ cron: "0 5 * * *" });
  hq.pass(60_000);
  await hq.look();
  assert.equal((await hq.runs()).length, 1);
  await hq.stop();
});

test("a longer catch-up brings nothing back that was looked at and let go", async () => {
  using folder = temporaryFolder();
  const after = await missedByHours(folder.path);
  after.edit({ cron: "0 5 * * *", catchupMs: 24 * HOUR });
  after.pass(60_000);
  await after.look();
  assert.equal((await after.runs()).length, 0);
  await after.stop();
});

test("entries in another order keep what was seen of them, also while nobody looked", async () => {
  using folder = temporaryFolder();
  const seven = { cron: "0 7 * * *", inputs: { n: "7" } };
  const five = { cron: "0 5 * * *", inputs: { n: "5" }, catchupMs: 20 * HOUR };
  const before = await world(folder.path, [seven, five]);
  await before.look();
  before.pass(HOUR);
  await before.look();
  await before.cancelAll();
  assert.equal((await before.runs()).length, 1, "of five");
  await before.stop();
  const after = await world(folder.path, [five, { ...seven }], START + 8 * HOUR);
  await after.look();
  assert.deepEqual(
    (await after.runs()).map(({ inputs }) => inputs["n"]),
    ["7", "5"],
    "seven was missed, five was not",
  );
  await after.cancelAll();
  after.edit(seven, five);
  after.pass(60_000);
  await after.look();
  assert.equal((await after.runs()).length, 2);
  await after.stop();
});

test("a schedule, or its whole file, that was taken away and comes back begins anew", async () => {
  for (const left of [[{ cron: "0 22 * * *" }], []]) {
    for (const isAnotherProcess of [false, true]) {
      using folder = temporaryFolder();
      const hq = await world(folder.path, {});
      const look = isAnotherProcess ? hq.lookAnew : hq.look;
      await look();
      hq.edit(...left);
      hq.pass(60_000);
      await look();
      hq.pass(3 * HOUR);
      hq.edit({}, ...left);
      await look();
      assert.equal((await hq.runs()).length, 0, "of the hours without it");
      hq.pass(HOUR);
      await look();
      assert.equal((await hq.runs()).length, 1);
      await hq.stop();
    }
  }
});

test("what an older version noted is neither started again nor lost", async () => {
  for (const [since, expected] of [
    [START - 5 * HOUR, 1],
    [START, 0],
  ] as const) {
    using folder = temporaryFolder();
    const hq = await world(folder.path, [{ cron: "0 22 * * *" }, { cron: "0 4 * * *" }]);
    await hq.ledger.remember("schedule/hourly#0", JSON.stringify({ since: START }));
    await hq.ledger.remember("schedule/hourly#1", JSON.stringify({ since }));
    await hq.look();
    await hq.look();
    await hq.cancelAll();
    await hq.lookAnew();
    assert.equal((await hq.runs()).length, expected);
    await hq.stop();
  }
});

test("an older version's firing that waits goes on waiting, and one that it started is not started again", async () => {
  using folder = temporaryFolder();
  const hq = await world(folder.path, { overlap: "queue" });
  const started = Date.UTC(2026, 10, 21, 3);
  const instant = new Date(started).toISOString();
  await hq.verbs.runs.startRun(
    { kind: "system", id: "schedule" },
    {
      workflow: "hourly",
      inputs: {},
      key: { scope: "schedule", key: `hourly#0@${instant}` },
      origin: { door: "system" },
    },
  );
  const noted = { since: START, queuedAt: started + HOUR };
  await hq.ledger.remember("schedule/hourly#0", JSON.stringify(noted));
  await hq.look();
  assert.equal((await hq.runs()).length, 1, "it still waits");
  await hq.cancelAll();
  await hq.look();
  await hq.cancelAll();
  assert.equal((await hq.runs()).length, 2);
  await hq.ledger.remember("schedules", "");
  await hq.ledger.remember("schedule/hourly#0", JSON.stringify({ since: started - 1, queuedAt: started }));
  await hq.lookAnew();
  assert.equal((await hq.runs()).length, 2, "died before its note, and was brought up to date");
  await hq.stop();
});

test("two entries of the same time both start, also when one of them is taken away later", async () => {
  using folder = temporaryFolder();
  const two = [
    { overlap: "queue", inputs: { n: "1" } },
    { overlap: "queue", inputs: { n: "2" } },
  ] as const;
  const hq = await world(folder.path, two);
  const started = async () => (await hq.runs()).map(({ inputs }) => inputs["n"]).toSorted();
  const lookTwice = async () => {
    await hq.look();
    await hq.cancelAll();
    await hq.look();
    await hq.cancelAll();
  };
  await hq.look();
  hq.pass(HOUR / 2);
  await lookTwice();
  assert.deepEqual(await started(), ["1", "2"]);
  hq.pass(HOUR);
  await lookTwice();
  assert.deepEqual(await started(), ["1", "1", "2", "2"]);
  hq.edit(two[1]);
  hq.pass(HOUR);
  await lookTwice();
  assert.deepEqual(await started(), ["1", "1", "2", "2", "2"]);
  await hq.stop();
});

test("of two members with different files each goes by its own, minute after minute", async () => {
  using folder = temporaryFolder();
  const hq = await world(folder.path, {});
  const other = hq.memberWith({ cron: "0 22 * * *" });
  for (let minute = 0; minute <= 30; minute += 10) {
    await hq.look();
    await other.look();
    hq.pass(10 * 60_000);
  }
  assert.equal((await hq.runs()).length, 1);
  await hq.stop();
});
