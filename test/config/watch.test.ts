import assert from "node:assert/strict";
import { renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { loadConfig } from "../../src/config/load.ts";
import { savedIn, watchConfig } from "../../src/config/watch.ts";
import type { Config } from "../../src/domain/config.ts";
import { configFolder, spoken } from "./folder.ts";

/** What the watcher tells, one after the other: `good <timeout>` or `bad <problems>`. */
async function watched(
  t: TestContext,
  files: Readonly<Record<string, string>>,
  /** What is saved when they have been read, before they are followed. */
  meanwhile?: (write: (name: string, text: string) => void) => void,
) {
  const folder = configFolder(t, files);
  const saved = savedIn(folder.place.dir);
  const first = loadConfig(folder.place);
  assert.ok(first.ok);
  meanwhile?.(folder.write);
  const told: string[] = [];
  let wake = () => {};
  let current: Config = first.config;
  const tell = (text: string) => {
    told.push(text);
    wake();
  };
  const watcher = watchConfig({
    place: folder.place,
    required: first.required,
    first: saved,
    settleMs: 30,
    onChange(config) {
      current = config;
      tell(`good ${config.settings.delegation.timeoutMs}`);
    },
    onProblems: (problems) => tell(`bad ${problems.map(spoken).join("; ")}`),
  });
  t.after(() => watcher.stop());
  await watcher.start();
  let read = 0;
  return {
    ...folder,
    watcher,
    current: () => current,
    told,
    next: async () => {
      if (read === told.length) await new Promise<void>((resolve) => (wake = resolve));
      return told[read++];
    },
  };
}

const timeout = (text: string) => `delegation:\n  timeout: ${text}\n`;

test("good, bad, good: a good change is taken, a bad one changes nothing and is told once", async (t) => {
  const { write, next, current, told } = await watched(t, { "hq.yaml": timeout("60s") });
  write("hq.yaml", timeout("90s"));
  assert.equal(await next(), "good 90000");
  write("hq.yaml", timeout("never"));
  assert.equal(
    await next(),
    "bad hq.yaml:2:12 delegation.timeout: must be a duration such as 90, 90s, 5m or 2h",
  );
  assert.equal(current().settings.delegation.timeoutMs, 90_000);
  write("hq.yaml", timeout("never"));
  write("hq.yaml", timeout("2m"));
  assert.equal(await next(), "good 120000");
  assert.equal(told.length, 3);
});

test("what is saved after it was read, and before the folder is followed, is read too; what was not is no news", async (t) => {
  const files = { "hq.yaml": timeout("60s") };
  const late = await watched(t, files, (write) => write("hq.yaml", timeout("90s")));
  assert.equal(await late.next(), "good 90000");
  const bad = await watched(t, files, (write) => write("hq.yaml", timeout("soon")));
  assert.match((await bad.next()) ?? "", /^bad /);
  const same = await watched(t, files);
  same.write("hq.yaml", timeout("5m"));
  assert.equal(await same.next(), "good 300000");
});

test("a file that is saved as it was is read again: what waits for that is tried again", async (t) => {
  const { dir, next } = await watched(t, { "hq.yaml": timeout("60s") });
  utimesSync(join(dir, "hq.yaml"), new Date(), new Date(Date.now() + 5000));
  assert.equal(await next(), "good 60000");
});

test("an editor that writes beside and renames is seen", async (t) => {
  const { dir, next } = await watched(t, { "hq.yaml": timeout("60s") });
  writeFileSync(join(dir, "hq.yaml~new"), timeout("5m"));
  renameSync(join(dir, "hq.yaml~new"), join(dir, "hq.yaml"));
  assert.equal(await next(), "good 300000");
});

test("a file that was read and vanishes is a problem, not a return to the defaults", async (t) => {
  const { dir, write, next } = await watched(t, {
    "hq.yaml": timeout("60s"),
    "acl.yaml": "preset: hooks-protocol\n",
  });
  rmSync(join(dir, "acl.yaml"));
  assert.equal(await next(), "bad acl.yaml : was read before and is gone (put it back)");
  write("acl.yaml", "preset: default\n");
  assert.equal(await next(), "good 60000");
});

test("a file that was read and is empty now, as while it is written in place, is a problem, not a return to the defaults", async (t) => {
  const { write, next } = await watched(t, { "hq.yaml": timeout("60s"), "channels.yaml": "" });
  write("hq.yaml", "\n");
  assert.equal(await next(), "bad hq.yaml : was read before and is empty (put it back)");
  write("hq.yaml", "# the defaults are meant\n");
  assert.match((await next()) ?? "", /^good /);
  write("hq.yaml", timeout("90s"));
  assert.equal(await next(), "good 90000");
});

test("a file that was missing is read as soon as it is there", async (t) => {
  const { write, next, current } = await watched(t, { "hq.yaml": timeout("60s") });
  write("agents.yaml", "agents: { solo: { port: 18800 } }\n");
  write("acl.yaml", "preset: default\n");
  await next();
  assert.deepEqual(
    current().registry.agents.map(({ id }) => id),
    ["solo"],
  );
});

test("a folder of contracts that cannot be read is told once, ends nothing, and is read when it can be", async (t) => {
  const { dir, write, next, told } = await watched(t, { "hq.yaml": timeout("60s") });
  symlinkSync("skill_contracts", join(dir, "skill_contracts"));
  write("hq.yaml", timeout("90s"));
  while (!/cannot be read: ELOOP/.test((await next()) ?? ""));
  rmSync(join(dir, "skill_contracts"));
  while ((await next()) !== "good 90000");
  assert.equal(told.filter((text) => text.includes("cannot be read")).length, 1, told.join("\n"));
});

test("a stopped watcher tells nothing, not even of a change it had seen, and stops twice", async (t) => {
  const files = { "hq.yaml": timeout("60s") };
  const first = await watched(t, files);
  const place = first.place;
  let told = 0;
  const second = watchConfig({
    place,
    required: [],
    first: savedIn(place.dir),
    settleMs: 60,
    onChange: () => told++,
    onProblems: () => told++,
  });
  await second.start();
  first.write("hq.yaml", timeout("90s"));
  assert.equal(await first.next(), "good 90000");
  await second.stop();
  await second.stop();
  first.write("hq.yaml", timeout("5m"));
  assert.equal(await first.next(), "good 300000");
  assert.equal(told, 0);
});
