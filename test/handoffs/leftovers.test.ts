import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readlinkSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import test, { type TestContext } from "node:test";
import { createLeftovers } from "../../src/handoffs/leftovers.ts";
import { oddRejected } from "../../src/handoffs/odd-rejected.ts";
import { UPLOADS_MARK } from "../../src/handoffs/upload-files.ts";
import { settingsOf } from "../support/core.ts";
import { temporaryFolder } from "../support/supervisor.ts";

const DAY = "2026-02-17";
const NOON = Date.parse(`${DAY}T12:00:00Z`);

/** A folder of handoffs with these files in it; a name that ends in `/` is a folder. */
function folderWith(t: TestContext, ...names: readonly string[]) {
  const home = temporaryFolder();
  t.after(home.remove);
  const dir = join(home.path, "handoffs");
  for (const name of names) {
    const path = join(dir, name);
    mkdirSync(name.endsWith("/") ? path : dirname(path), { recursive: true });
    if (!name.endsWith("/")) writeFileSync(path, "{}");
  }
  const settings = () => settingsOf(home.path).handoffs;
  return {
    dir,
    async all(since?: number, agents: readonly { handoffDir?: string }[] = []) {
      const told = [];
      for await (const batch of createLeftovers({ settings, agents: () => agents }).all(since))
        told.push(...batch);
      return told;
    },
  };
}

test("what lies in the folders of handoffs is told once, with all to whom its name may belong", async (t) => {
  const { dir, all } = folderWith(
    t,
    "orch-1.json",
    "orch-1.2.json",
    "sub/orch-2.json",
    "own/orch-3.json",
    `accepted/${DAY}/orch-4.json`,
    `accepted/${DAY}/orch-4.again-2.json`,
    "rejected/by-hand/orch-5.json",
    "workflows/wf-1/summary.json",
    // None of these is a handoff in its place.
    "notes.md",
    ".orch-6.json",
    `rejected/${DAY}/orch-7.json.problems.json`,
    "orch-8.json/",
    "accepted/orch-9.json",
  );
  utimesSync(join(dir, "orch-1.json"), NOON / 1000, NOON / 1000);
  const found = await all(undefined, [{ handoffDir: join(dir, "own") }, { handoffDir: dir }, {}]);
  const told = found.map(({ where, path, stream, orElse }) => [where, relative(dir, path), stream, orElse]);
  assert.deepEqual(told.sort(), [
    ["accepted", `accepted/${DAY}/orch-4.again-2.json`, "orch-4", "orch-4.again-2"],
    ["accepted", `accepted/${DAY}/orch-4.json`, "orch-4", undefined],
    ["inbox", "orch-1.2.json", "orch-1", "orch-1.2"],
    ["inbox", "orch-1.json", "orch-1", undefined],
    ["inbox", "own/orch-3.json", "orch-3", undefined],
    ["inbox", "sub/orch-2.json", "orch-2", undefined],
    ["rejected", "rejected/by-hand/orch-5.json", "orch-5", undefined],
    ["run", "workflows/wf-1", "wf-1", undefined],
  ]);
  assert.equal(found.find(({ path }) => path === join(dir, "orch-1.json"))?.modifiedAt, NOON);
});

test("since an instant: the inbox whole, the archive from that day on, folders of runs by their own time", async (t) => {
  const { dir, all } = folderWith(
    t,
    "orch-1.json",
    "accepted/2026-02-16/orch-2.json",
    `accepted/${DAY}/orch-3.json`,
    "rejected/0-by-hand/orch-4.json",
    "workflows/wf-old/",
    "workflows/wf-new/",
    `artifacts/orch-old/${UPLOADS_MARK}`,
    `artifacts/orch-new/${UPLOADS_MARK}`,
  );
  for (const name of ["orch-1.json", "workflows/wf-old", "artifacts/orch-old"])
    utimesSync(join(dir, name), NOON / 1000 - 1, NOON / 1000 - 1);
  for (const name of ["workflows/wf-new", "artifacts/orch-new"])
    utimesSync(join(dir, name), NOON / 1000, NOON / 1000);
  const told = async (since?: number) => (await all(since)).map(({ stream }) => stream).sort();
  assert.deepEqual(await told(NOON), ["orch-1", "orch-3", "orch-4", "orch-new", "wf-new"]);
  assert.equal((await told()).length, 8);
});

test("what lies in rejected/ and is no plain handoff of a day is told, a notice with its document and a link as itself", async (t) => {
  const names = [
    "orch-1.json",
    "orch-1.again-2.json",
    `${DAY}/report.pdf`,
    `${DAY}/report.pdf.problems.json`,
    `${DAY}/orch-2.json.problems.json`,
    `elsewhere/${DAY}/orch-3.2.json`,
    "1/2/3/4/5/6/7/8/deep.txt",
  ];
  const others = [
    `${DAY}/orch-4.json`,
    `${DAY}/orch-4.json.problems.json`,
    `${DAY}/orch-5.again-2.json`,
    "1/2/3/4/5/6/7/8/9/too-deep.txt",
  ];
  const { dir } = folderWith(t, ...[...names, ...others].map((name) => `rejected/${name}`));
  const rejected = join(dir, "rejected");
  const link = `${DAY}/orch-6.json`;
  symlinkSync(join(dir, "nowhere"), join(rejected, link));
  utimesSync(join(rejected, `${DAY}/report.pdf`), NOON / 1000, NOON / 1000);
  const odd = [];
  for await (const batch of oddRejected(dir)) odd.push(...batch);
  const told = odd.map(({ path, streams }) => [relative(rejected, path), ...streams]);
  assert.deepEqual(
    told.sort(),
    [
      ["orch-1.json", "orch-1"],
      ["orch-1.again-2.json", "orch-1", "orch-1.again-2"],
      [`${DAY}/report.pdf`],
      [`${DAY}/report.pdf.problems.json`],
      [`${DAY}/orch-2.json.problems.json`, "orch-2"],
      [`elsewhere/${DAY}/orch-3.2.json`, "orch-3", "orch-3.2"],
      ["1/2/3/4/5/6/7/8/deep.txt"],
      [link, "orch-6"],
    ].sort(),
  );
  const ofReport = odd.filter(({ path }) => path.includes("report.pdf"));
  assert.deepEqual(
    ofReport.map(({ modifiedAt }) => modifiedAt),
    [NOON, NOON],
    "a notice is as old as its document",
  );
});

test("a folder that was looked through is closed again, also when nobody wants the rest of it", async (t) => {
  const { dir, all } = folderWith(
    t,
    "orch-1.json",
    "sub/orch-2.json",
    `accepted/${DAY}/orch-3.json`,
    "rejected/a.txt",
  );
  await all();
  for await (const _ of oddRejected(dir)) break;
  const open = readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch (error) {
      // The one that was open to list them.
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
      throw error;
    }
  });
  assert.deepEqual(
    open.filter((path) => path.startsWith(dir)),
    [],
  );
});

test("many files are told five hundred at a time, and others may work in between", async (t) => {
  const { dir } = folderWith(t, ...Array.from({ length: 1001 }, (_, n) => `rejected/${n}.txt`));
  const sizes: number[] = [];
  let turns = 0;
  const count = () => void turns++;
  for await (const batch of oddRejected(dir)) {
    assert.equal(turns, sizes.length);
    sizes.push(batch.length);
    setImmediate(count);
  }
  assert.deepEqual(sizes, [500, 500, 1]);
});
