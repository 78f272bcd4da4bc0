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
  assert.deepEqual(asked, [{ olderThanMs: 90 * 86_400_000, signal }]);
  now = new Date(2026, 1, 18, 12, 0).getTime();
  await look(signal);
  assert.equal(asked.length, 2);
});

test("without an age or a size nothing is kept short, and a wrong hour is refused", () => {
  assert.deepEqual(toRetention(retentionSchema.parse({})), {});
  const { retention } = toRetention(retentionSchema.parse({ keep_size: "64MiB", at: "23:05" }));
  assert.deepEqual(retention, { keepBytes: 64 << 20, atMinute: 23 * 60 + 5 });
  assert.equal(retentionSchema.safeParse({ older_than: "90d", at: "25:00" }).success, false);
  assert.equal(retentionSchema.safeParse({ older_than: "2h" }).success, false);
});
