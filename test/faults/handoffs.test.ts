import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { handoffOf } from "../support/core.ts";
import type { FakeRun } from "../support/fake-gateway.ts";
import { createWorld, handBack, readPrompt } from "./world.ts";

const objectiveOf = ({ message }: FakeRun) => /^job: (.*)$/m.exec(message)?.[1] ?? "";
const filesUnder = (folder: string) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));

/** What is wrong, the words that the next prompt must hold, and what the agent writes instead of its handoff. */
const BAD = [
  ["wrong run", /runId: /, true, { runId: "orch-another" }],
  ["wrong agent", /agent: /, true, { agent: "auditor" }],
  ["wrong run, lenient", /runId: /, false, { runId: "orch-another" }],
  ["wrong agent, lenient", /agent: /, false, { agent: "auditor" }],
  ["unknown schemaVersion", /schemaVersion: /, true, { schemaVersion: "9.0" }],
  ["missing confidence", /confidence: /, true, { confidence: undefined }],
  ["missing result, lenient", /result: /, false, { result: undefined }],
] as const;

test("each bad handoff is set aside with its reason, its words go into the next prompt, and one result is posted", async (t) => {
  const world = await createWorld(t, {
    guild: true,
    onRun(run) {
      const bad = BAD.find(([name]) => name === objectiveOf(run));
      handBack(run, readPrompt(run.message).attempt === 1 ? bad?.[3] : {});
    },
  });
  const app = await world.start();
  const ids = await Promise.all(
    BAD.map(([name, , validate]) => app.ask({ objective: `job: ${name}`, validate })),
  );
  for (const [index, [name, words]] of BAD.entries()) {
    const id = ids[index] ?? "";
    const view = await app.settled(id);
    assert.deepEqual([view.status, view.attempt], ["succeeded", 2], name);
    const prompts = world.gateway.runs.filter(({ message }) => readPrompt(message).run === id);
    assert.equal(prompts.length, 2, name);
    const [, lastTime = ""] = prompts[1]?.message.split("What went wrong last time") ?? [];
    assert.match(lastTime.split("# How to work")[0] ?? "", words, name);
    const { body } = await app.call("GET", `/handoffs?run=${id}`);
    const verdicts = body.items.map(({ verdict }: { verdict: string }) => verdict).toSorted();
    assert.deepEqual(verdicts, ["accepted", "rejected"], name);
  }
  const carries = (id: string) => (text: string) => text.includes(`${id}/result`);
  const messages = await world.seen("results", (all) =>
    ids.every((id) => all.some((message) => carries(id)(JSON.stringify(message)))),
  );
  for (const id of ids)
    assert.equal(messages.filter((message) => carries(id)(JSON.stringify(message))).length, 1, id);
  await app.stop();
  const asideNow = filesUnder(join(world.home, "handoffs", "rejected"));
  for (const id of ids) {
    const own = asideNow.filter((path) => path.includes(`${id}.json`));
    assert.equal(own.length, 2, `${id}: the file, and its problems beside it`);
  }
});

test("without --validate an unknown schemaVersion and a missing field are filled in, remarked, and accepted at once", async (t) => {
  const odd = { schemaVersion: "9.0", confidence: undefined, timestamp: undefined };
  const world = await createWorld(t, { onRun: (run) => handBack(run, odd) });
  const app = await world.start();
  const view = await app.settled(await app.ask({ validate: false }));
  assert.deepEqual([view.status, view.attempt], ["succeeded", 1]);
  assert.match(view.handoff.remarks.join("\n"), /schemaVersion/);
  assert.match(view.handoff.remarks.join("\n"), /confidence/);
});

test("a handoff that is written in two parts is read when it is whole, without a failed attempt", async (t) => {
  const written = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  const world = await createWorld(t, {
    async onRun({ message }) {
      const { path, run } = readPrompt(message);
      const text = JSON.stringify(handoffOf(run));
      writeFileSync(path, text.slice(0, 60));
      written.resolve();
      await goOn.promise;
      writeFileSync(path, text.slice(60), { flag: "a" });
    },
  });
  const app = await world.start();
  const id = await app.ask();
  await written.promise;
  // Another agent's handoff that comes later is read meanwhile: the first part was seen before it.
  await app.settled(await app.ask({ agent: "tech-lead" }));
  assert.equal((await app.until(id, () => true)).status, "dispatched");
  goOn.resolve();
  const view = await app.settled(id);
  assert.deepEqual([view.status, view.attempt], ["succeeded", 1]);
});

test("a file that lay there before its run was asked for is set aside as a stray, and the run waits for its own", async (t) => {
  const run = "orch-stale";
  const goOn = Promise.withResolvers<void>();
  const world = await createWorld(t, {
    async onRun(fake) {
      await goOn.promise;
      handBack(fake, { result: "fresh" });
    },
  });
  const handoffs = join(world.home, "handoffs");
  mkdirSync(handoffs, { recursive: true });
  writeFileSync(join(handoffs, `${run}.json`), JSON.stringify(handoffOf(run, { result: "stale" })));
  const app = await world.start();
  const { items } = await app.poll("/handoffs", (body) => body.items.length === 1);
  assert.deepEqual([items[0].verdict, items[0].run], ["unknown", run]);
  assert.equal(await app.ask({ runId: run }), run);
  await app.until(run, ({ status }) => status === "dispatched");
  goOn.resolve();
  const view = await app.settled(run);
  assert.deepEqual([view.status, view.handoff.result], ["succeeded", "fresh"]);
});

test("a handoff after the timeout is recorded as late and set aside, and the outcome stays", async (t) => {
  const world = await createWorld(t, { onRun: () => undefined });
  const app = await world.start();
  const id = await app.ask({ timeout: "1s", retries: 0 });
  const before = await app.settled(id);
  assert.equal(before.status, "timed_out");
  const [run] = world.gateway.runs;
  assert.ok(run);
  handBack(run);
  const { items } = await app.poll(`/handoffs?run=${id}`, (body) => body.items.length === 1);
  assert.equal(items[0].verdict, "late");
  const after = await app.until(id, () => true);
  assert.deepEqual([after.status, after.handoff], ["timed_out", undefined]);
  await app.stop();
  const aside = filesUnder(join(world.home, "handoffs", "rejected"));
  const reason = aside.find((path) => path.includes(id) && !path.endsWith(`${id}.json`)) ?? "";
  assert.match(readFileSync(reason, "utf8"), /late/);
});
