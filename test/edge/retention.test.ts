import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { createRetention } from "../../src/app/retention.ts";
import { retentionSchema, toRetention } from "../../src/config/retention-schema.ts";
import type { Retention } from "../../src/domain/settings.ts";
import type { PruneOptions } from "../../src/engine/prune.ts";
import { openSqliteLedger } from "../../src/ledger/sqlite.ts";
import { temporaryFolder } from "../support/supervisor.ts";
import { silentLog } from "./api-scripted.ts";

const REPORT = {
  before: 0,
  dry: false,
  streams: 0,
  events: 0,
  effects: 0,
  receipts: 0,
  keys: 0,
  files: { count: 0, bytes: 0 },
  ledger: { bytes: 0, freeBytes: 0 },
};

test("what is old is taken out once a day, from its hour on, and only when the configuration says so", async (t) => {
  const folder = temporaryFolder("hq-retention-");
  t.after(folder.remove);
  const ledger = await openSqliteLedger({ path: join(folder.path, "ledger.db") });
  t.after(ledger.close);
  let now = new Date(2026, 1, 17, 3, 0).getTime();
  let retention: Retention | undefined;
  const asked: PruneOptions[] = [];
  const look = createRetention({
    holder: "us",
    retention: () => retention,
    ledger,
    prune: async (options) => {
      asked.push(options);
      return REPORT;
    },
    now: () => now,
    log: silentLog(),
  });
  const { signal } = new AbortController();
  await look(signal);
  retention = toRetention(retentionSchema.parse({ older_than: "90d" })).retention;
  await look(signal);
  assert.equal(asked.length, 0, "its hour has not come");
  now = new Date(2026, 1, 17, 3, 30).getTime();
  await look(signal);
  await look(signal);
  now += 60 * 60_000;
  await look(signal);
  assert.deepEqual(asked, [{ olderThanMs: 90 * 86_400_000, signal }]);
  now = new Date(2026, 1, 18, 12, 0).getTime();
  await look(signal);
  assert.equal(asked.length, 2);
});

test("a pruning that breaks off goes on: after a stop at the next start, after an error in a while; never two at once", async (t) => {
  const folder = temporaryFolder("hq-retention-");
  t.after(folder.remove);
  let now = new Date(2026, 1, 17, 23, 58).getTime();
  const ledger = await openSqliteLedger({ path: join(folder.path, "ledger.db"), now: () => now });
  t.after(ledger.close);
  const { retention } = toRetention(retentionSchema.parse({ older_than: "90d" }));
  const calls: { readonly by: string; readonly end: PromiseWithResolvers<typeof REPORT> }[] = [];
  let onBegin: () => void = () => undefined;
  const life = (holder: string) => {
    const stopping = new AbortController();
    const look = createRetention({
      holder,
      retention: () => retention,
      ledger,
      prune: ({ signal }) => {
        const end = Promise.withResolvers<typeof REPORT>();
        signal?.addEventListener("abort", () => end.reject(signal.reason));
        calls.push({ by: holder, end });
        onBegin();
        return end.promise;
      },
      now: () => now,
      log: silentLog(),
    });
    return { look: () => look(stopping.signal), stop: () => stopping.abort(new Error("stopped")) };
  };
  /** Until it begins, or leaves it. */
  const begin = async (one: ReturnType<typeof life>) => {
    const began = Promise.withResolvers<void>();
    onBegin = began.resolve;
    const done = one.look();
    await Promise.race([began.promise, done]);
    return { done };
  };
  const by = () => calls.map((call) => call.by).join(" ");

  const [first, other] = [life("first"), life("other")];
  const one = await begin(first);
  for (let minute = 0; minute < 20; minute++) {
    now += 60_000;
    await other.look();
    await first.look();
  }
  assert.equal(by(), "first", "however long it takes, nobody begins beside it");
  first.stop();
  await assert.rejects(one.done, /stopped/);
  assert.equal(await ledger.recall("pruned"), "2026-2-17 left", "whoever starts next need not wait");

  // It is the next day by now, and its hour has not come: what was left of the day before goes on all the same.
  now += 151_000;
  const second = life("second");
  const two = await begin(second);
  assert.equal(by(), "first second");
  calls[1]?.end.reject(new Error("the disk is full"));
  await assert.rejects(two.done, /disk is full/);
  now += 14 * 60_000;
  await second.look();
  assert.equal(by(), "first second", "not each minute");
  now += 60_000;
  const three = await begin(second);
  assert.equal(by(), "first second second");
  calls[2]?.end.resolve(REPORT);
  await three.done;
  await second.look();
  assert.equal(by(), "first second second", "it is done");
  now = new Date(2026, 1, 18, 3, 30).getTime();
  const four = await begin(second);
  calls[3]?.end.resolve(REPORT);
  await four.done;
  await second.look();
  assert.equal(by(), "first second second second", "the day after has its own, once");
});

test("what was left of the day before and goes on after today's hour is today's as well", async (t) => {
  const folder = temporaryFolder("hq-retention-");
  t.after(folder.remove);
  const ledger = await openSqliteLedger({ path: join(folder.path, "ledger.db") });
  t.after(ledger.close);
  await ledger.remember("pruned", "2026-2-17 left");
  let now = new Date(2026, 1, 18, 12, 0).getTime();
  let count = 0;
  const look = createRetention({
    holder: "us",
    retention: () => ({ olderThanMs: 90 * 86_400_000, atMinute: 210 }),
    ledger,
    prune: async () => {
      count += 1;
      return REPORT;
    },
    now: () => now,
    log: silentLog(),
  });
  const { signal } = new AbortController();
  await look(signal);
  now += 60 * 60_000;
  await look(signal);
  assert.equal(count, 1);
});

test("where several share the ledger, each takes out the files of its own home, one after the other", async (t) => {
  const folder = temporaryFolder("hq-retention-");
  t.after(folder.remove);
  let now = new Date(2026, 1, 17, 12, 0).getTime();
  const ledger = await openSqliteLedger({ path: join(folder.path, "ledger.db"), now: () => now });
  t.after(ledger.close);
  const by: string[] = [];
  const lookOf = (home: string) =>
    createRetention({
      holder: home,
      home,
      retention: () => ({ olderThanMs: 90 * 86_400_000, atMinute: 210 }),
      ledger,
      prune: async () => {
        by.push(home);
        return REPORT;
      },
      now: () => now,
      log: silentLog(),
    });
  const looks = ["left", "right"].map(lookOf);
  const { signal } = new AbortController();
  for (let minute = 0; minute < 10; minute++) {
    for (const look of looks) await look(signal);
    if (minute === 0) assert.deepEqual(by, ["left"], "not two at a time");
    now += 60_000;
  }
  assert.deepEqual(by, ["left", "right"]);
});

test("without an age or a size nothing is kept short, and a wrong hour is refused", () => {
  assert.deepEqual(toRetention(retentionSchema.parse({})), {});
  const { retention } = toRetention(retentionSchema.parse({ keep_size: "64MiB", at: "23:05" }));
  assert.deepEqual(retention, { keepBytes: 64 << 20, atMinute: 23 * 60 + 5 });
  assert.equal(retentionSchema.safeParse({ older_than: "90d", at: "25:00" }).success, false);
  assert.equal(retentionSchema.safeParse({ older_than: "2h" }).success, false);
});
