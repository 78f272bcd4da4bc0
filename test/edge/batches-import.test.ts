import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type Supervisor, startSupervisor, temporaryFolder } from "../support/supervisor.ts";
import { read, shellsFor } from "./batch-shells.ts";

const folder = temporaryFolder();
let supervisor: Supervisor;
before(async () => {
  supervisor = await startSupervisor(folder.path);
});
after(async () => {
  await supervisor.stop();
  folder.remove();
});
const { hq, old } = shellsFor(folder.path);

const OLD = {
  workflows: {
    wf_5eed0001: {
      id: "wf_5eed0001",
      type: "fan_out",
      status: "completed",
      created_at: 1_707_900_000.5,
      updated_at: 1_707_900_600.5,
      subtasks: [
        {
          id: "task_1",
          label: "Subtask 1",
          status: "failed",
          session_key: null,
          result: "timed out",
          started_at: null,
          completed_at: 1_707_900_500,
          retries: 0,
        },
        {
          id: "task_2",
          label: "Subtask 2",
          status: "completed",
          session_key: "k",
          result: "fine",
          started_at: 1_707_900_100,
          completed_at: 1_707_900_500,
          retries: 0,
        },
      ],
      metadata: {},
    },
  },
};

test("an old ledger is imported once, by path, by --ledger and by ORCHESTRATION_DIR; the file stays as it is", async () => {
  const memory = join(folder.path, "memory");
  mkdirSync(memory);
  const file = join(memory, "workflows.json");
  const text = JSON.stringify(OLD);
  writeFileSync(file, text);
  const first = read(await old(["--ledger", file, "import"]));
  assert.deepEqual(first, {
    outcome: "imported",
    imported: ["wf_5eed0001"],
    already_there: [],
    corrected: [{ id: "wf_5eed0001", said: "completed", is: "partial" }],
  });
  const again = read(await hq(["import"], { env: { ORCHESTRATION_DIR: memory } }));
  assert.deepEqual([again.imported, again.already_there], [[], ["wf_5eed0001"]]);
  assert.deepEqual(read(await hq(["import", file])).imported, []);
  assert.equal(readFileSync(file, "utf8"), text);
  assert.equal(read(await hq(["aggregate", "--id", "wf_5eed0001"])).failures[0].error, "timed out");
});

test("a corrupt old ledger is refused with the place, and nothing of it is imported", async () => {
  const file = join(folder.path, "broken.json");
  writeFileSync(file, '{\n  "workflows": {\n    "wf_bad00001": {"type": \n');
  const cut = await hq(["import", file]);
  assert.equal(cut.code, 2);
  const said = JSON.parse(cut.stderr) as { code: string; message: string };
  assert.equal(said.code, "BAD_JSON");
  assert.match(said.message, /broken\.json:4:1: not JSON/);
  const good = { ...OLD.workflows.wf_5eed0001, id: "wf_bad00002" };
  writeFileSync(file, JSON.stringify({ workflows: { wf_bad00002: good, wf_bad00003: { type: "fan_out" } } }));
  const wrong = JSON.parse((await hq(["import", file])).stderr) as { problems: { path: string }[] };
  assert.ok(wrong.problems.every(({ path }) => path.startsWith("workflows.wf_bad00003.")));
  assert.equal((await supervisor.call("GET", "/batches/wf_bad00002")).status, 404);
});
