import assert from "node:assert/strict";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { readOldFolder, readOldLogs } from "../../src/handoffs/old-folder.ts";
import { temporaryFolder } from "../support/supervisor.ts";

test("a folder of handoffs is read with those below it; links, other files and what was rejected are not", () => {
  using folder = temporaryFolder();
  const put = (path: string, text: string) => {
    mkdirSync(join(folder.path, path, ".."), { recursive: true });
    writeFileSync(join(folder.path, path), text);
  };
  put("orch-1.json", "{}");
  put("sub/orch-2.json", "{}");
  put("workflows/wf-a/summary.json", "{}");
  put("rejected/orch-3.json", "{}");
  put("artifacts/data.json", "{}");
  put("orch-4.json.tmp", "{}");
  put("notes.md", "#");
  symlinkSync("/etc/hostname", join(folder.path, "link.json"));
  const { files, unread } = readOldFolder(folder.path);
  const all = [...files];
  assert.deepEqual(
    all.map(({ path, text }) => [path, text]),
    [
      ["link.json", undefined],
      ["orch-1.json", "{}"],
      ["sub/orch-2.json", "{}"],
      ["workflows/wf-a/summary.json", "{}"],
    ],
  );
  assert.ok(all[0]?.why, "a link is named, not followed");
  assert.deepEqual(unread, []);
});

test("a folder that is not there is an error, logs that are not there are none", () => {
  using folder = temporaryFolder();
  assert.throws(() => [...readOldFolder(join(folder.path, "nothing")).files], /ENOENT/);
  assert.deepEqual([...readOldLogs(join(folder.path, "nothing"))], []);
  writeFileSync(join(folder.path, "attempts.jsonl"), "a\nb\n");
  writeFileSync(join(folder.path, "readme.txt"), "c\n");
  assert.deepEqual([...readOldLogs(folder.path)], ["a", "b", ""]);
});
