import assert from "node:assert/strict";
import { existsSync, mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import test, { type TestContext } from "node:test";
import { leftoversOf } from "../../src/app/audit.ts";
import { createOldFiles } from "../../src/app/old-files.ts";
import { DEFAULT_ACL } from "../../src/domain/acl.ts";
import { createRegistry } from "../../src/domain/agent-card.ts";
import type { Config } from "../../src/domain/config.ts";
import { settingsOf } from "../support/core.ts";
import { temporaryFolder } from "../support/supervisor.ts";

const BEFORE = Date.UTC(2026, 1, 17, 12);
const OLD = new Date(BEFORE - 1);
const YOUNG = new Date(BEFORE);
const DAY = "2026-01-05";

function world(t: TestContext) {
  const folder = temporaryFolder("hq-old-files-");
  t.after(folder.remove);
  const home = folder.path;
  const config: Config = {
    settings: settingsOf(home),
    registry: createRegistry([]),
    acl: DEFAULT_ACL,
    people: { roles: [], users: [] },
    contracts: [],
    files: [],
  };
  const current = () => config;
  const oldFiles = createOldFiles({ config: current, leftovers: leftoversOf(current) });
  return {
    oldFiles,
    put(name: string, at: Date): string {
      const path = join(home, name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, "{}");
      utimesSync(path, at, at);
      return path;
    },
    age: (name: string) => utimesSync(join(home, name), OLD, OLD),
    /** Each with the streams that it tells of, by its name in the home. */
    async found(): Promise<Readonly<Record<string, readonly string[]>>> {
      const all: [string, readonly string[]][] = [];
      for await (const batch of oldFiles.all(BEFORE))
        for (const { path, streams } of batch) all.push([path.slice(home.length + 1), [...streams].sort()]);
      const named = Object.fromEntries(all.sort(([a], [b]) => (a < b ? -1 : 1)));
      assert.equal(all.length, Object.keys(named).length, "each once");
      return named;
    },
  };
}

test("a handoff that nobody has taken in is never pruned, nor is anything that was written since", async (t) => {
  const { put, found, age } = world(t);
  put("handoffs/orch-1.json", OLD);
  put("handoffs/sub/orch-2.json", OLD);
  put(`handoffs/accepted/${DAY}/orch-3.json`, YOUNG);
  put(`handoffs/rejected/${DAY}/orch-4.json`, YOUNG);
  put("handoffs/rejected/odd.txt", YOUNG);
  put("handoffs/workflows/wf-1/step.json", OLD);
  put("workers/agent-1/.hq/task-1.record.json", OLD);
  put("logs/orchestration/attempts-2026-02-17.jsonl", OLD);
  put("logs/orchestration/other.jsonl", OLD);
  assert.deepEqual(await found(), {});
  age("handoffs/workflows/wf-1");
  age("workers/agent-1");
  assert.deepEqual(Object.keys(await found()), ["handoffs/workflows/wf-1", "workers/agent-1"]);
});

test("an old file names everything that it may tell of, and a notice goes with its document", async (t) => {
  const { put, found, age } = world(t);
  put(`handoffs/accepted/${DAY}/orch-1.2.json`, OLD);
  put(`handoffs/rejected/${DAY}/orch-3.json`, OLD);
  put(`handoffs/rejected/${DAY}/orch-3.json.problems.json`, OLD);
  put(`handoffs/rejected/${DAY}/orch-5.json`, OLD);
  put("workers/agent-1/.hq/task-1.record.json", OLD);
  put("workers/agent-1/.hq/task-2~3.record.json", OLD);
  age("workers/agent-1");
  put("logs/orchestration/attempts-2026-02-16.jsonl", YOUNG);
  assert.deepEqual(await found(), {
    [`handoffs/accepted/${DAY}/orch-1.2.json`]: ["orch-1", "orch-1.2"],
    [`handoffs/rejected/${DAY}/orch-3.json`]: ["orch-3"],
    [`handoffs/rejected/${DAY}/orch-3.json.problems.json`]: ["orch-3"],
    [`handoffs/rejected/${DAY}/orch-5.json`]: ["orch-5"],
    "logs/orchestration/attempts-2026-02-16.jsonl": [],
    "workers/agent-1": ["task-1.w1", "task-2.w3"],
  });
});

test("of dated folders those go that are empty then, and no other folder", async (t) => {
  const { oldFiles, put } = world(t);
  const first = put(`handoffs/accepted/${DAY}/orch-1.json`, OLD);
  const second = put(`handoffs/accepted/${DAY}/orch-2.json`, OLD);
  const odd = put("handoffs/rejected/odd.txt", OLD);
  await oldFiles.remove([first, odd, join(dirname(first), "gone.json")]);
  assert.ok(existsSync(second));
  assert.ok(existsSync(dirname(odd)));
  const worker = dirname(put("workers/agent-1/table.csv", OLD));
  await oldFiles.remove([second, worker]);
  assert.deepEqual([existsSync(worker), existsSync(dirname(worker))], [false, true], "a worker's goes whole");
  assert.deepEqual([existsSync(dirname(second)), existsSync(dirname(dirname(second)))], [false, true]);
});
