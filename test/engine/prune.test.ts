import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import test from "node:test";
import type { OldFile } from "../../src/engine/ports/old-files.ts";
import { createPruner } from "../../src/engine/prune.ts";
import { handoffOf, startCore } from "../support/core.ts";
import { type Core, callOf, operator, withOrchestra } from "../support/orchestra.ts";
import { temporaryFolder } from "../support/supervisor.ts";

const DAY_MS = 86_400_000;
const MUCH = 2 ** 40;

/** Nobody reads Discord here: what is to be posted counts as posted. */
async function posted({ settled, ledger, now }: Core): Promise<void> {
  await settled();
  const all = { holder: "test", epoch: 9, limit: 999, holdMs: 1, capacity: () => 999, now: now() };
  const posts = await ledger.claim({ ...all, lanes: ["discord"] });
  await ledger.settle(posts.map((post) => ({ id: post.id, outcome: "posted" })));
}

/** A ledger with delegations that ended one day after the other, their files, a log and a document of nobody's. */
async function pruned(t: test.TestContext, days: number) {
  const folder = temporaryFolder();
  const core = await startCore(folder.path);
  t.after(async () => {
    await core.stop();
    folder.remove();
    assert.deepEqual(core.broken, []);
  });
  const { ledger, now, verbs } = core;
  const there = new Map<string, OldFile>();
  const put = (path: string, streams: readonly string[]) =>
    there.set(path, { path, streams, bytes: 1, at: now() });
  put("attempts.jsonl", []);
  put("rejected/nobody.json", ["nobody"]);
  const ids: string[] = [];
  async function work(passMs: number): Promise<void> {
    const objective = `CTE of glass ${ids.length}`;
    const request = { agent: "webster", objective, origin: { door: "rest" } } as const;
    const key = { scope: "test", key: objective };
    const { delegation } = await verbs.delegate({ kind: "operator" }, { ...request, key, deliver: false });
    await core.until(delegation.id, "attempt.dispatched");
    await core.hand(delegation.id, handoffOf(delegation.id));
    await verbs.wait(delegation.id, {});
    ids.push(delegation.id);
    put(`${delegation.id}.json`, [delegation.id]);
    core.pass(passMs);
  }
  for (let day = 0; day < days; day += 1) await work(DAY_MS);
  await posted(core);
  const oldFiles = {
    async *all(before: number) {
      yield [...there.values()].filter(({ at }) => at < before);
    },
    async remove(paths: readonly string[]) {
      for (const path of paths) there.delete(path);
    },
  };
  const { prune } = createPruner({ ledger, oldFiles, countOn: verbs.metrics.countOn, now });
  return {
    prune,
    ids,
    ledger,
    put,
    pass: core.pass,
    async workToday(count: number) {
      for (let n = 0; n < count; n += 1) await work(60_000);
      await posted(core);
    },
    path: join(folder.path, "ledger.db"),
    files: () => [...there.keys()].filter((path) => !path.startsWith("orch-")).sort(),
    left: async () => {
      const known = await Promise.all(ids.map((id) => ledger.load(id)));
      const kept = ids.filter((_, day) => known[day] !== undefined);
      const filed = ids.filter((id) => there.has(`${id}.json`));
      assert.deepEqual(filed, kept, "each file stays as long as what it tells of");
      return kept.map((id) => ids.indexOf(id));
    },
    used: async () => {
      const { bytes, freeBytes } = await ledger.upkeep.size();
      return bytes - freeBytes;
    },
  };
}

test("a size that is not reached takes nothing out: no stream, no file and no log", async (t) => {
  const { prune, files, left } = await pruned(t, 4);
  const report = await prune({ keepBytes: MUCH });
  assert.deepEqual([report.streams, report.files.count], [0, 0]);
  assert.deepEqual(files(), ["attempts.jsonl", "rejected/nobody.json"]);
  assert.deepEqual(await left(), [0, 1, 2, 3]);
});

test("a size that is passed takes out the oldest with their files, and no more than it must", async (t) => {
  const { prune, files, left, used } = await pruned(t, 150);
  const before = await used();
  const report = await prune({ keepBytes: before - 16 * 1024 });
  const kept = await left();
  assert.ok((await used()) <= before - 16 * 1024);
  assert.ok(kept.length >= 50 && kept.length < 150, `${kept.length} of 150 stayed`);
  assert.equal(kept[0], 150 - kept.length, "the oldest went");
  assert.deepEqual(files(), [], "what is older than all that stayed went too");
  assert.equal(report.files.count, 2 + 150 - kept.length);
});

test("with an age and a size, both hold", async (t) => {
  const byAge = await pruned(t, 6);
  await byAge.prune({ olderThanMs: 3 * DAY_MS, keepBytes: MUCH });
  assert.deepEqual(await byAge.left(), [3, 4, 5]);
  assert.deepEqual(byAge.files(), []);
  const bySize = await pruned(t, 6);
  await bySize.prune({ olderThanMs: 90 * DAY_MS, keepBytes: 1 });
  const kept = await bySize.left();
  assert.equal(kept.at(-1), 5);
  assert.ok(kept.length <= 2, `${kept.length} stayed, and the last day alone is always kept`);
});

test("what a pruning that was killed had begun is finished by the next one, also when nothing else may go", async (t) => {
  const { prune, ids, path } = await pruned(t, 2);
  const [id = ""] = ids;
  const db = new DatabaseSync(path, { timeout: 5000 });
  t.after(() => db.close());
  const rows = () => db.prepare("select 1 from event where stream = ?").all(id).length;
  // The rows of the streams are gone, and what else is theirs is noted.
  const note = db.prepare(
    "insert into pruned (stream) select id from stream where id = ?1 or id like ?1 || '/%'",
  );
  note.run(id);
  db.exec("delete from stream where id in (select stream from pruned)");
  const before = rows();
  assert.ok(before > 0);
  const { streams } = await prune({ keepBytes: MUCH, dry: true });
  assert.deepEqual([streams, rows()], [0, before], "a dry run takes nothing");
  const report = await prune({ keepBytes: MUCH });
  assert.deepEqual([report.streams, rows()], [0, 0]);
  assert.ok(report.events >= before, "and it is said");
  assert.deepEqual(db.prepare("select stream from pruned").all(), []);
});

test("what ended within the last day stays with its files, whatever age or size is asked for", async (t) => {
  for (const options of [{ olderThanMs: 1 }, { keepBytes: 1 }]) {
    const { prune, files, left, put, workToday } = await pruned(t, 2);
    await workToday(3);
    put("today.jsonl", []);
    await prune(options);
    assert.deepEqual(await left(), [2, 3, 4]);
    assert.deepEqual(files(), ["today.jsonl"]);
  }
});

test("a dry run names all that would go, by age or by size, and takes nothing", async (t) => {
  const { prune, files, left, workToday } = await pruned(t, 60);
  await workToday(1);
  const all = Array.from({ length: 61 }, (_, day) => day);
  for (const options of [{ olderThanMs: DAY_MS }, { keepBytes: 1 }]) {
    const { streams, files: old } = await prune({ ...options, dry: true });
    assert.ok(streams >= 60);
    assert.ok(old.count >= 60, `${old.count} files`);
    assert.deepEqual(await left(), all);
    assert.deepEqual(files(), ["attempts.jsonl", "rejected/nobody.json"]);
  }
  const told = await prune({ olderThanMs: DAY_MS, dry: true });
  const both = await prune({ olderThanMs: DAY_MS, keepBytes: 1, dry: true });
  assert.equal(both.streams, told.streams, "nothing is told twice");
  const done = await prune({ olderThanMs: DAY_MS });
  assert.deepEqual([done.streams, done.files], [told.streams, told.files]);
  assert.deepEqual(await left(), [60]);
});

test("what is taken out is not found any more, and its request may be asked again", async (t) => {
  const { prune, ids, ledger, path, workToday } = await pruned(t, 2);
  await workToday(1);
  const about = { kind: "delegation", status: "succeeded", words: ["glass"] } as const;
  const entries = ids.map((stream) => ({ stream, ...about }));
  const [from, to] = [await ledger.search.position(), await ledger.search.head()];
  await ledger.search.put({ from, to, entries });
  const report = await prune({ olderThanMs: DAY_MS });
  assert.equal(report.keys, 2);
  const known = await Promise.all(ids.map((_, n) => ledger.keyOf("test", `CTE of glass ${n}`)));
  assert.deepEqual(
    known.map((key) => key?.stream),
    [undefined, undefined, ids[2]],
  );
  const db = new DatabaseSync(path, { readOnly: true });
  t.after(() => db.close());
  assert.equal(db.prepare("select rowid from search where search match 'glass'").all().length, 1);
});

test("what goes stays in the figures, also where nobody had counted it yet", async (t) => {
  const { prune, ledger, left } = await pruned(t, 3);
  assert.equal(await ledger.tallies.position(), 0);
  await prune({ olderThanMs: DAY_MS, dry: true });
  assert.equal(await ledger.tallies.position(), 0, "a dry run only looks");
  await prune({ olderThanMs: DAY_MS });
  assert.deepEqual(await left(), [2]);
  const ended = await ledger.tallies.read({ span: "all", from: 0, until: 1, kind: "delegation" });
  const count = ended.reduce((sum, { figures }) => sum + (figures.counts["n"] ?? 0), 0);
  assert.equal(count, 3);
});

test("a file that came late goes with the work it tells of, though younger than other work that stays", async (t) => {
  const { prune, files, ids, put, pass } = await pruned(t, 3);
  pass(3 * DAY_MS);
  put("rejected/late.json", [ids[0] ?? ""]);
  put("attempts-late.jsonl", []);
  pass(2 * DAY_MS);
  put("rejected/today.json", [ids[0] ?? ""]);
  pass(60_000);
  await prune({ keepBytes: 1 });
  assert.deepEqual(files(), ["attempts-late.jsonl", "rejected/today.json"], "nothing of the last day");
});

test("a stop ends a pruning before the next files go, and a second pruning waits for the first", async (t) => {
  const { prune, files, left } = await pruned(t, 2);
  const stopping = new AbortController();
  const stopped = prune({ olderThanMs: DAY_MS, signal: stopping.signal, onProgress: () => stopping.abort() });
  const second = prune({ olderThanMs: DAY_MS, dry: true });
  await assert.rejects(stopped, { name: "AbortError" });
  assert.equal((await second).streams, 0, "what the first one took is not told twice");
  assert.deepEqual(files(), ["attempts.jsonl", "rejected/nobody.json"]);
  await prune({ olderThanMs: DAY_MS });
  assert.deepEqual(await left(), [1]);
});

test("what a call or an open session still tells of stays: a repeated request is the same work, and a turn knows the earlier ones", async () => {
  using folder = temporaryFolder();
  const asked = (message: string) => [...message.matchAll(/^Asked: (.*)$/gm)].map(([, text]) => text).join();
  await withOrchestra(
    folder.path,
    async (core) => {
      const { ledger, now, verbs, sent } = core;
      const { call, sessions } = verbs.orchestrator;
      const oldFiles = { async *all() {}, remove: async () => undefined };
      const { prune } = createPruner({ ledger, oldFiles, countOn: verbs.metrics.countOn, now });
      const both = callOf({ instances: ["C", "H"], key: { scope: "test", key: "both" }, timeoutMs: 0 });
      const first = await call(operator, both);
      const [lasting = "", ended = ""] = first.shares.map(({ delegation }) => delegation);
      const { token } = await sessions.spawn(operator, { sessionId: "s1", instance: "H" });
      const send = (task: string, key: string) =>
        sessions.send(operator, {
          sessionId: "s1",
          token,
          data: { task },
          key,
          timeoutMs: 5000,
          origin: { door: "rest" },
        });
      const turn = await send("CTE?", "turn");
      await verbs.wait(ended, {});
      core.pass(2 * DAY_MS);
      await core.until(lasting, "attempt.dispatched", 2);
      await send("unheard", "second");
      await posted(core);
      const before = sent.length;
      const { streams } = await prune({ olderThanMs: DAY_MS });
      assert.equal(streams, 0);
      const again = await call(operator, both);
      assert.deepEqual(
        again.shares.map(({ delegation, status }) => [delegation, status]),
        [
          [lasting, "accepted"],
          [ended, "ok"],
        ],
      );
      assert.deepEqual(await send("CTE?", "turn"), turn);
      assert.equal(sent.length, before, "nothing is done once more");
      assert.equal((await send("And?", "third")).reply, "after CTE?,unheard");
    },
    {
      behave: (agent) => (agent === "secretary" ? "silent" : "work"),
      result: ({ message }) => `after ${asked(message)}`,
    },
  );
});
