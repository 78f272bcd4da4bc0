import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { workflowPlaceOf } from "../../src/app/workflow-place.ts";
import { renderProblems } from "../../src/config/render-problems.ts";
import {
  type LoadedWorkflows,
  loadWorkflows,
  savedWorkflows,
  type WorkflowPlace,
  watchWorkflows,
} from "../../src/config/workflows.ts";
import { createRegistry } from "../../src/domain/agent-card.ts";
import { shippedConfig } from "./workflow-fixtures.ts";

const config = shippedConfig();

function folder(t: TestContext, files: Readonly<Record<string, string>> = {}) {
  const root = mkdtempSync(join(tmpdir(), "hq-workflows-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const dir = join(root, "workflows");
  mkdirSync(join(dir, "schemas"), { recursive: true });
  const write = (name: string, text: string) => writeFileSync(join(dir, name), text);
  for (const [name, text] of Object.entries(files)) write(name, text);
  const place: WorkflowPlace = { ...workflowPlaceOf(config), dir };
  return { dir, write, place };
}

const simple = (name: string, agent = "webster", more = "") =>
  `name: ${name}\nsteps:\n  look: { agent: ${agent}, task: x${more} }\n`;

const spoken = ({ entries }: LoadedWorkflows) =>
  entries.map(({ name, definition, problems }) => {
    const agents = definition?.steps.map(({ action }) =>
      action.kind === "task" ? action.agent : action.kind,
    );
    return `${name}: ${agents?.join(", ") ?? "none"}${problems.length > 0 ? " (bad)" : ""}`;
  });

/** What the watcher tells, one after the other. */
async function watched(
  t: TestContext,
  files: Readonly<Record<string, string>>,
  /** What is saved when they have been read, before they are followed. */
  meanwhile?: (write: (name: string, text: string) => void) => void,
) {
  const here = folder(t, files);
  const told: string[] = [];
  let wake = () => {};
  const tell = (text: string) => {
    told.push(text);
    wake();
  };
  let place = here.place;
  const saved = savedWorkflows(place.dir);
  const first = loadWorkflows(place);
  meanwhile?.(here.write);
  const watcher = watchWorkflows({
    place: () => place,
    first,
    saved,
    settleMs: 30,
    onChange: (loaded) => tell(spoken(loaded).join("; ")),
    onProblems: (problems) => tell(renderProblems(problems, here.dir)),
  });
  t.after(() => watcher.stop());
  await watcher.start();
  let read = 0;
  return {
    ...here,
    watcher,
    first,
    told,
    setPlace: (next: WorkflowPlace) => (place = next),
    next: async () => {
      if (read === told.length) await new Promise<void>((resolve) => (wake = resolve));
      return told[read++];
    },
  };
}

test("a folder that is not there has no workflows, and nothing is wrong with that", (t) => {
  const { place, dir } = folder(t);
  assert.deepEqual(loadWorkflows({ ...place, dir: join(dir, "nowhere") }), {
    entries: [],
    problems: [],
    warnings: [],
    advice: [],
  });
});

test("a valid change is used, an invalid one keeps the last good definition and is told once", async (t) => {
  const { write, next, told } = await watched(t, { "a.yaml": simple("a"), "b.yaml": simple("b") });
  write("a.yaml", simple("a", "auditor"));
  assert.equal(await next(), "a: auditor; b: webster");
  write("a.yaml", simple("a", "auditr"));
  assert.equal(await next(), "a: auditor (bad); b: webster");
  assert.equal(
    await next(),
    'a.yaml:3:18 steps.look.agent: there is no agent "auditr" (did you mean "auditor"?)',
  );
  write("b.yaml", simple("b", "optimizer"));
  assert.equal(await next(), "a: auditor (bad); b: optimizer");
  write("a.yaml", simple("a", "tech-lead"));
  assert.equal(await next(), "a: tech-lead; b: optimizer");
  assert.equal(told.length, 5, "the problem that stayed was not told again");
});

test("files that come, go and are renamed into place are seen", async (t) => {
  const { dir, write, next } = await watched(t, { "a.yaml": simple("a") });
  write("b.yaml", simple("b"));
  assert.equal(await next(), "a: webster; b: webster");
  rmSync(join(dir, "a.yaml"));
  assert.equal(await next(), "b: webster");
  write("b.yaml~", simple("b", "auditor"));
  renameSync(join(dir, "b.yaml~"), join(dir, "b.yaml"));
  let seen = await next();
  if (seen === "b: webster") seen = await next();
  assert.equal(seen, "b: auditor");
});

test("a schema that changes is read again for the workflows that expect it", async (t) => {
  const { write, next } = await watched(t, {
    "schemas/s.json": '{ "type": "object" }',
    "a.yaml": simple("a", "webster", ", expect: { schema: schemas/s.json }"),
  });
  write("schemas/s.json", "{");
  assert.equal(await next(), "a: webster (bad)");
  assert.match((await next()) ?? "", /schemas\/s\.json is not JSON/);
});

test("the last good definition of a nested workflow is good enough for those that contain it", async (t) => {
  const outer = "name: outer\nsteps:\n  go: { workflow: inner }\n";
  const { write, next, first } = await watched(t, { "inner.yaml": simple("inner"), "outer.yaml": outer });
  assert.deepEqual(spoken(first), ["inner: webster", "outer: workflow"]);
  write("inner.yaml", simple("inner", "nobody"));
  assert.equal(await next(), "inner: webster (bad); outer: workflow");
});

test("when the agents change, the workflows are checked again", async (t) => {
  const { watcher, next, place, setPlace } = await watched(t, { "a.yaml": simple("a") });
  setPlace({
    ...place,
    registry: createRegistry(config.registry.agents.filter(({ id }) => id !== "webster")),
  });
  watcher.reload();
  assert.equal(await next(), "a: webster (bad)");
  assert.match((await next()) ?? "", /there is no agent "webster"/);
});

test("a stopped watcher tells nothing and stops twice", async (t) => {
  const { watcher, write, told } = await watched(t, { "a.yaml": simple("a") });
  write("a.yaml", simple("a", "auditor"));
  await watcher.stop();
  await watcher.stop();
  const other = await watched(t, { "b.yaml": simple("b") });
  other.write("b.yaml", simple("b", "auditor"));
  assert.equal(await other.next(), "b: auditor");
  assert.deepEqual(told, []);
});

test("the digest is of the text: another comment is another workflow", (t) => {
  const { place, write } = folder(t, { "a.yaml": simple("a") });
  const digest = () => loadWorkflows(place).entries[0]?.definition?.digest;
  const before = digest();
  assert.match(before ?? "", /^[0-9a-f]{64}$/);
  write("a.yaml", `${simple("a")}# more\n`);
  assert.notEqual(digest(), before);
});

test("10,000 steps are read, one more is refused, and thousands of problems are cut", (t) => {
  const steps = (count: number, body: (index: number) => string) =>
    `name: a\nsteps:\n${Array.from({ length: count }, (_, index) => `  s${index}: { ${body(index)} }\n`).join("")}`;
  const chain = (index: number) => `wait: 1s${index > 0 ? `, needs: s${index - 1}` : ""}`;
  const { place, write } = folder(t, { "a.yaml": steps(10_000, chain) });
  assert.equal(loadWorkflows(place).entries[0]?.definition?.steps.length, 10_000);
  write("a.yaml", steps(10_001, chain));
  assert.match(
    loadWorkflows(place).entries[0]?.problems.join() ?? "",
    /there are 10001 steps; at most 10000/,
  );
  write(
    "a.yaml",
    steps(3000, () => "wait: 1s, needs: [nobody]"),
  );
  const { problems } = loadWorkflows(place);
  assert.equal(problems.length, 201);
  assert.match(problems.at(-1)?.message ?? "", /and 2800 more problems/);
});

test("what is no file, too large or not text is a problem of that workflow alone", (t) => {
  const { place, dir, write } = folder(t, {
    "good.yaml": simple("good"),
    "big.yaml": `# ${"x".repeat(4 << 20)}\n`,
  });
  mkdirSync(join(dir, "folder.yaml"));
  writeFileSync(join(dir, "bytes.yaml"), Buffer.from([0xff, 0xfe, 0x00]));
  write("deep.yaml", `name: deep\nsteps: ${"[".repeat(100)}`);
  const said = loadWorkflows(place).entries.map(({ name, problems }) => `${name}: ${problems.join()}`);
  assert.deepEqual(said, [
    "big: workflows/big.yaml is larger than 4 MiB",
    "bytes: workflows/bytes.yaml is not UTF-8 text",
    "deep: workflows/deep.yaml is nested too deeply",
    "folder: workflows/folder.yaml is not a regular file",
    "good: ",
  ]);
});

test("another folder is followed once the configuration names it, and the one before no more", async (t) => {
  const { write, next, told, watcher, setPlace } = await watched(t, { "a.yaml": simple("a") });
  const other = folder(t, { "b.yaml": simple("b") });
  setPlace(other.place);
  watcher.reload();
  assert.equal(await next(), "b: webster");
  other.write("b.yaml", simple("b", "auditor"));
  assert.equal(await next(), "b: auditor");
  write("a.yaml", simple("a", "auditor"));
  other.write("c.yaml", simple("c"));
  assert.equal(await next(), "b: auditor; c: webster");
  assert.equal(told.length, 3);
});

test("a workflow that is saved after all were read, and before the folder is followed, is read too", async (t) => {
  const { next } = await watched(t, { "one.yaml": simple("one") }, (write) =>
    write("two.yaml", simple("two")),
  );
  assert.equal(await next(), "one: webster; two: webster");
});

test("a start ends also when the configuration names another folder while the first one is looked through", async (t) => {
  const one = folder(t, { "a.yaml": simple("a") });
  const other = folder(t, { "b.yaml": simple("b") });
  let { place } = one;
  let heard: (what: string) => void = () => undefined;
  const next = () => new Promise<string>((resolve) => (heard = resolve));
  const watcher = watchWorkflows({
    place: () => place,
    first: loadWorkflows(place),
    saved: savedWorkflows(place.dir),
    settleMs: 30,
    onChange: (loaded) => heard(spoken(loaded).join("; ")),
    onProblems: () => undefined,
  });
  t.after(watcher.stop);
  const starting = watcher.start();
  ({ place } = other);
  watcher.reload();
  await starting;
  const saved = next();
  other.write("b.yaml", simple("b", "auditor"));
  assert.equal(await saved, "b: auditor");
});

test("a folder that is made later is followed too", async (t) => {
  const { next, watcher, setPlace, place } = await watched(t, {});
  const dir = join(place.dir, "..", "later");
  setPlace({ ...place, dir });
  watcher.reload();
  assert.equal(await next(), "");
  mkdirSync(dir);
  writeFileSync(join(dir, "a.yaml"), simple("a"));
  assert.equal(await next(), "a: webster");
});

test("what cannot be read beside the workflows keeps nobody from starting, and no change from being seen", async (t) => {
  const { write, dir, next } = await watched(t, { "one.yaml": simple("one") });
  symlinkSync("round", join(dir, "round"));
  write("two.yaml", simple("two"));
  while ((await next()) !== "one: webster; two: webster");
  const again = watchWorkflows({
    place: () => ({ ...workflowPlaceOf(config), dir }),
    first: loadWorkflows({ ...workflowPlaceOf(config), dir }),
    saved: savedWorkflows(dir),
    onChange: () => undefined,
    onProblems: () => undefined,
  });
  t.after(again.stop);
  await again.start();
});

test("a folder that is moved away keeps the last good definitions, is told once, and is followed when it is back", async (t) => {
  const { watcher, dir, told, next, write } = await watched(t, { "one.yaml": simple("one") });
  renameSync(dir, `${dir}-aside`);
  while (!/cannot be read: ENOENT/.test((await next()) ?? ""));
  watcher.reload();
  renameSync(`${dir}-aside`, dir);
  write("two.yaml", simple("two"));
  while ((await next()) !== "one: webster; two: webster");
  write("two.yaml", simple("two", "auditor"));
  while ((await next()) !== "one: webster; two: auditor");
  assert.equal(told.filter((text) => text.includes("cannot be read")).length, 1, told.join("\n"));
  assert.ok(!told.includes(""), "no workflow went away meanwhile");
});

test("a folder that cannot be read keeps the last good definitions, is told once, and is read when it can be", async (t) => {
  const { watcher, dir, told, next } = await watched(t, { "one.yaml": simple("one") });
  renameSync(dir, `${dir}-aside`);
  symlinkSync(dir, dir);
  watcher.reload();
  watcher.reload();
  while (!/cannot be read: ELOOP/.test((await next()) ?? ""));
  rmSync(dir);
  renameSync(`${dir}-aside`, dir);
  while ((await next()) !== "one: webster");
  assert.equal(told.filter((text) => text.includes("cannot be read")).length, 1, told.join("\n"));
  assert.deepEqual(
    told.filter((text) => text === ""),
    [],
    "no workflow went away meanwhile",
  );
});
