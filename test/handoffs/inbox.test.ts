import assert from "node:assert/strict";
import {
  appendFileSync,
  closeSync,
  existsSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import test from "node:test";
import {
  agentCard,
  document,
  folderIn,
  makeFolder,
  makeInbox,
  refusalOf,
  startInbox,
  until,
} from "./inbox-fixture.ts";

const order = { id: "orch-1" };

test("each attempt has its path: shared folder, sub/ for sub-delegations, an agent's own folder", (t) => {
  const { dir, inbox } = makeInbox(t);
  const parent = { id: "orch-0", chain: ["manager"], depth: 1 };
  assert.equal(inbox.pathFor(order, agentCard(), 1), join(dir, "orch-1.json"));
  assert.equal(inbox.pathFor(order, agentCard(), 2), join(dir, "orch-1.2.json"));
  assert.equal(inbox.pathFor({ ...order, parent }, agentCard(), 1), join(dir, "sub/orch-1.json"));
  const own = agentCard({ handoffDir: "/srv/webster/out" });
  assert.equal(inbox.pathFor({ ...order, parent }, own, 3), "/srv/webster/out/orch-1.3.json");
});

test("folders are made when missing, for the owner alone", async (t) => {
  const own = join(makeFolder(t), "deep/own");
  const { dir } = await startInbox(t, {
    agents: [agentCard({ handoffDir: own }), agentCard({ handoffDir: own })],
  });
  for (const path of [dir, join(dir, "sub"), own]) assert.equal(statSync(path).mode & 0o777, 0o700, path);
});

test("a renamed file is handed over with run, attempt, digest and inode", async (t) => {
  const { place, arrived } = await startInbox(t);
  const path = place("orch-1.2.json", document("orch-1"));
  const [first] = await arrived(1);
  assert.ok(first?.ok);
  assert.equal(first.runId, "orch-1");
  assert.equal((first.document as { result: string }).result, "Done.");
  assert.deepEqual(first.source, {
    path,
    attempt: 2,
    inode: String(statSync(path).ino),
    digest: first.source.digest,
  });
  assert.match(first.source.digest, /^[0-9a-f]{64}$/);
});

test("files in sub/ and in an agent's own folder are seen too", async (t) => {
  const own = makeFolder(t);
  const { dir, arrived } = await startInbox(t, { agents: [agentCard({ handoffDir: own })] });
  writeFileSync(join(own, "orch-1.json"), document("orch-1"));
  writeFileSync(join(dir, "sub/orch-2.json"), document("orch-2"));
  const runs = (await arrived(2)).map(({ runId }) => runId);
  assert.deepEqual(runs.sort(), ["orch-1", "orch-2"]);
});

test("what lay there before the start is handed over, sweeping before the start as well", async (t) => {
  const dir = makeFolder(t);
  writeFileSync(join(dir, "orch-1.json"), document("orch-1"));
  const { inbox, arrivals, arrived } = makeInbox(t, { dir });
  await inbox.sweep();
  assert.deepEqual(
    arrivals.map(({ runId }) => runId),
    ["orch-1"],
  );
  writeFileSync(join(dir, "orch-2.json"), document("orch-2"));
  await inbox.start();
  assert.equal((await arrived(2))[1]?.runId, "orch-2");
});

test("the files of one run are looked for by name, whichever attempt wrote them, and nothing else", async (t) => {
  const dir = makeFolder(t);
  const own = makeFolder(t);
  const { inbox, arrivals, setSettings } = makeInbox(t, {
    dir,
    agents: [agentCard({ handoffDir: own })],
    // It takes a while until one is recorded.
    sink: () => new Promise((resolve) => setImmediate(resolve)),
  });
  await inbox.sweep();
  writeFileSync(join(dir, "orch-1.json"), document("orch-1"));
  writeFileSync(join(own, "orch-1.4.json"), document("orch-1"));
  writeFileSync(join(dir, "sub/orch-1.2.json"), document("orch-1"));
  writeFileSync(join(dir, "orch-2.json"), document("orch-2"));
  const found = () => arrivals.map(({ runId, source }) => `${runId}#${source.attempt}`).sort();
  await inbox.lookFor("orch-1");
  assert.deepEqual(found(), ["orch-1#1", "orch-1#2", "orch-1#4"]);
  // By now the folder is watched as well, so that the other one may come beside.
  writeFileSync(join(dir, "report.2.json"), document("report.2"));
  await inbox.lookFor("report.2");
  assert.ok(found().includes("report.2#1"), `its name ends like an attempt's number: ${found().join()}`);
  const next = makeFolder(t);
  writeFileSync(join(next, "orch-3.json"), document("orch-3"));
  setSettings({ dir: next });
  await inbox.lookFor("orch-3");
  assert.ok(found().includes("orch-3#1"), `it lies where config leads by now: ${found().join()}`);
});

test("a file written in small pieces, from 0 bytes on, is handed over once, when it is whole", async (t) => {
  const { dir, arrived, arrivals, inbox } = await startInbox(t, { settings: { quietMs: 20_000 } });
  const body = document("orch-1", { notes: "ä€😀" });
  const bytes = Buffer.from(body);
  const file = openSync(join(dir, "orch-1.json"), "w");
  for (let at = 0; at < bytes.length; at += 7) {
    writeSync(file, bytes, at, Math.min(7, bytes.length - at));
    // Another turn of the loop, so that the inbox sees the half-written file.
    await new Promise((resolve) => setImmediate(resolve));
    if (at + 7 < bytes.length) assert.equal(arrivals.length, 0, "half a file was handed over");
  }
  closeSync(file);
  const [first] = await arrived(1);
  assert.ok(first?.ok);
  await inbox.sweep();
  assert.equal(arrivals.length, 1);
});

test("a truncated file that stays quiet is refused with the reason, and only once", async (t) => {
  const { write, arrived, arrivals, inbox } = await startInbox(t);
  write("orch-1.json", document("orch-1").slice(0, 40));
  const [first] = await arrived(1);
  assert.equal(first?.runId, "orch-1");
  assert.match(refusalOf(first), /not whole/);
  await inbox.sweep();
  assert.equal(arrivals.length, 1);
});

test("a file that keeps growing is not quiet, however long it takes", async (t) => {
  let at = 1000;
  t.mock.method(performance, "now", () => at);
  const { write, arrivals, arrived, inbox } = await startInbox(t, { settings: { quietMs: 120 } });
  const body = document("orch-1");
  const path = write("orch-1.json", "");
  for (const character of body.slice(0, 20)) {
    appendFileSync(path, character);
    await inbox.sweep();
    at += 119;
  }
  assert.equal(arrivals.length, 0);
  appendFileSync(path, body.slice(20));
  assert.ok((await arrived(1))[0]?.ok);
});

test("an empty file, a list and plain words are refused after the quiet time", async (t) => {
  const { write, arrived } = await startInbox(t);
  write("orch-1.json", "");
  write("orch-2.json", "[]");
  write("orch-3.json", "All done.");
  const refusals = (await arrived(3)).map((one) => `${one.runId}: ${refusalOf(one)}`).sort();
  assert.match(refusals[0] ?? "", /orch-1: the file is empty/);
  assert.match(refusals[1] ?? "", /orch-2: .*JSON object/);
  assert.match(refusals[2] ?? "", /orch-3: .*JSON object/);
});

test("a quiet text answer is handed over as text", async (t) => {
  const { write, arrived } = await startInbox(t);
  write("orch-1.json", "STATUS: complete\nRESULT: 42\n");
  write("orch-2.json", "<result>\n42\n</result>");
  for (const one of await arrived(2)) {
    assert.ok(one.ok);
    assert.match(one.text ?? "", /42/);
    assert.equal(one.document, one.text);
  }
});

test("half an object that quotes a text block is no text answer", async (t) => {
  const { write, arrived } = await startInbox(t);
  write("orch-1.json", '{"result": "<result>42</result>"');
  assert.match(refusalOf((await arrived(1))[0]), /not whole/);
});

test("a byte order mark is skipped with a remark; other encodings are refused", async (t) => {
  const { write, arrived, dir } = await startInbox(t);
  write("orch-1.json", `\ufeff${document("orch-1")}`);
  const [first] = await arrived(1);
  assert.ok(first?.ok);
  assert.match(first.remarks?.join() ?? "", /byte order mark/);
  writeFileSync(join(dir, "orch-2.json"), Buffer.from(document("orch-2"), "utf16le").fill(0xff, 0, 1));
  assert.match(refusalOf((await arrived(2))[1]), /UTF-8/);
});

test("duplicate keys are refused at once, with their path", async (t) => {
  const { place, arrived } = await startInbox(t, { settings: { quietMs: 20_000 } });
  place("orch-1.json", '{"runId":"orch-1","status":"complete","status":"failed"}');
  const [first] = await arrived(1);
  assert.ok(first && !first.ok);
  assert.deepEqual(
    first.problems.map(({ path }) => path),
    ["status"],
  );
});

test("the same content touched or written again in place is not handed over twice, other content is", async (t) => {
  const { write, place, arrived, arrivals, inbox } = await startInbox(t);
  const path = place("orch-1.json", document("orch-1"));
  await arrived(1);
  utimesSync(path, 1, 1);
  await inbox.sweep();
  write("orch-1.json", `${document("orch-1")}\n`);
  await inbox.sweep();
  assert.equal(arrivals.length, 1);
  write("orch-1.json", document("orch-1", { result: "Other." }));
  const [, second] = await arrived(2);
  assert.notEqual(second?.source.digest, arrivals[0]?.source.digest);
  assert.equal(second?.source.inode, arrivals[0]?.source.inode);
});

test("a second file of the same content at the same place is handed over: it has another inode", async (t) => {
  const { place, arrived } = await startInbox(t);
  place("orch-1.json", document("orch-1"));
  await arrived(1);
  place("orch-1.json", document("orch-1"));
  const [first, second] = await arrived(2);
  assert.equal(first?.source.digest, second?.source.digest);
  assert.notEqual(first?.source.inode, second?.source.inode);
});

test("a sink that rejects is asked again at the next scan", async (t) => {
  let calls = 0;
  const { place, arrived, logged } = await startInbox(t, {
    settings: { sweepMs: 600_000 },
    // Thrown at once or later, it is the same.
    sink: () => {
      if (++calls < 3) throw new Error("disk full");
      return calls < 5 ? Promise.reject(new Error("disk full")) : Promise.resolve();
    },
    // The folder seems long unchanged, so that it is not listed again for other reasons.
    now: () => Date.now() + 60_000,
  });
  place("orch-1.json", document("orch-1"));
  await arrived(1);
  assert.equal(calls, 5);
  assert.equal(logged.filter(({ message }) => message.includes("tried again")).length, 1, "told once");
});

test("one file is never in the sink twice at a time", async (t) => {
  let open = 0;
  let most = 0;
  const releases: (() => void)[] = [];
  const { write, place, arrived } = await startInbox(t, {
    settings: { scanMs: 600_000, sweepMs: 600_000 },
    sink: async () => {
      most = Math.max(most, ++open);
      await new Promise<void>((resolve) => releases.push(resolve));
      open--;
    },
  });
  place("orch-1.json", document("orch-1"));
  await until(() => releases.length === 1, "the first call");
  write("orch-1.json", document("orch-1", { result: "Changed meanwhile." }));
  write("orch-2.json", document("orch-2"));
  await until(() => releases.length === 2, "the other file, written later");
  releases.shift()?.();
  releases.shift()?.();
  await until(() => releases.length === 1, "the changed file, once the first call was over");
  releases.shift()?.();
  await arrived(3);
  assert.equal(most, 2);
});

test("an attempt's number is not taken from a run id that ends in one", async (t) => {
  const { inbox, place, arrived } = await startInbox(t);
  inbox.expect("trial.2");
  place("trial.2.json", document("trial.2"));
  place("orch-1.1234567890.json", document("orch-1.1234567890"));
  place("other.2.json", document("other"));
  const seen = (await arrived(3)).map(({ runId, source }) => `${runId} #${source.attempt}`);
  assert.deepEqual(seen.sort(), ["orch-1.1234567890 #1", "other #2", "trial.2 #1"]);
});

test("polling alone finds everything: new, half-written, in sub/", async (t) => {
  const { write, dir, arrived } = await startInbox(t, { settings: { polling: true, quietMs: 5000 } });
  const body = document("orch-1");
  const path = write("orch-1.json", body.slice(0, 30));
  writeFileSync(join(dir, "sub/orch-2.json"), document("orch-2"));
  assert.equal((await arrived(1))[0]?.runId, "orch-2");
  appendFileSync(path, body.slice(30));
  assert.equal((await arrived(2))[1]?.runId, "orch-1");
});

test("what is written again under a known name is seen by the sweeps when no event tells of it, each time", async (t) => {
  const { arrived, write } = await startInbox(t, { settings: { polling: true, scanMs: 10, sweepMs: 400 } });
  for (let n = 1; n <= 3; n++) {
    write("orch-1.json", document("orch-1", { result: `Done ${n} times.` }));
    const all = await arrived(n);
    assert.equal(all.length, n);
  }
});

test("a folder that is deleted and made again, renamed away or replaced is watched again", async (t) => {
  const { dir, place, arrived, inbox } = await startInbox(t);
  const isBack = () => statSync(dir, { throwIfNoEntry: false }) !== undefined;
  rmSync(dir, { recursive: true });
  await until(isBack, "the folder made again");
  place("orch-1.json", document("orch-1"));
  assert.equal((await arrived(1))[0]?.runId, "orch-1");

  renameSync(dir, `${dir}.old`);
  await until(isBack, "the folder made again");
  place("orch-2.json", document("orch-2"));
  assert.equal((await arrived(2))[1]?.runId, "orch-2");

  const other = folderIn(dir, "../other");
  writeFileSync(join(other, "orch-3.json"), document("orch-3"));
  renameSync(dir, `${dir}.older`);
  renameSync(other, dir);
  assert.equal((await arrived(3))[2]?.runId, "orch-3");
  await inbox.stop();
});

test("what is watched after a replacement is the new folder, not the old one", async (t) => {
  // No scan comes to help: only the watch can see the second file.
  const { dir, place, arrived, inbox } = await startInbox(t, {
    settings: { scanMs: 600_000, sweepMs: 600_000 },
  });
  renameSync(dir, `${dir}.old`);
  folderIn(dir, "");
  await inbox.sweep();
  writeFileSync(join(`${dir}.old`, "orch-0.json"), document("orch-0"));
  place("orch-1.json", document("orch-1"));
  assert.equal((await arrived(1))[0]?.runId, "orch-1");
});

test("a folder that cannot be used is told once and harms nothing else", async (t) => {
  const own = join(makeFolder(t), "file");
  writeFileSync(own, "");
  const { place, arrived, logged, inbox } = await startInbox(t, { agents: [agentCard({ handoffDir: own })] });
  await inbox.sweep();
  place("orch-1.json", document("orch-1"));
  await arrived(1);
  assert.equal(logged.filter(({ message }) => message.includes("cannot be used")).length, 1);
  rmSync(own);
  folderIn(own, "");
  writeFileSync(join(own, "orch-2.json"), document("orch-2"));
  assert.equal((await arrived(2))[1]?.runId, "orch-2");
});

test("a shared folder that cannot be used keeps the inbox from starting", async (t) => {
  const dir = join(makeFolder(t), "file");
  writeFileSync(dir, "");
  const { inbox } = makeInbox(t, { dir });
  await assert.rejects(inbox.start(), /handoffs cannot be kept/);
});

test("folders follow config while it runs", async (t) => {
  const agents = [agentCard()];
  const { arrived, inbox } = await startInbox(t, { agents });
  const own = makeFolder(t);
  writeFileSync(join(own, "orch-1.json"), document("orch-1"));
  agents[0] = agentCard({ handoffDir: own });
  await inbox.sweep();
  assert.equal((await arrived(1))[0]?.runId, "orch-1");
});

test("a folder that config lets go is seen as long as somebody was told to write there", async (t) => {
  const { dir, place, arrived, inbox, setSettings, logged } = await startInbox(t);
  inbox.expect("orch-1");
  inbox.expect("orch-2");
  setSettings({ dir: join(makeFolder(t), "elsewhere") });
  await inbox.sweep();
  assert.equal(inbox.pathFor({ id: "orch-3" }, agentCard(), 1).startsWith(dir), false);
  place("orch-1.json", document("orch-1"));
  const [first] = await arrived(1);
  assert.deepEqual([first?.runId, first?.source.path], ["orch-1", join(dir, "orch-1.json")]);
  inbox.forget("orch-1");
  await inbox.sweep();
  place("orch-2.json", document("orch-2"));
  assert.equal((await arrived(2))[1]?.runId, "orch-2");
  inbox.forget("orch-2");
  await inbox.sweep();
  // Nobody is owed anything there: it may be deleted, and is not made again.
  rmSync(dir, { recursive: true });
  await inbox.sweep();
  assert.equal(existsSync(dir), false);
  assert.deepEqual(
    logged.filter(({ message }) => message.includes("cannot be")),
    [],
  );
});

test("a folder that config lets go for the second time is seen for those who were told it in between", async (t) => {
  const { dir, place, arrived, inbox, setSettings } = await startInbox(t);
  const elsewhere = join(makeFolder(t), "elsewhere");
  inbox.expect("orch-1");
  setSettings({ dir: elsewhere });
  await inbox.sweep();
  setSettings({ dir });
  await inbox.sweep();
  inbox.expect("orch-2");
  inbox.forget("orch-1");
  setSettings({ dir: elsewhere });
  await inbox.sweep();
  place("orch-2.json", document("orch-2"));
  assert.equal((await arrived(1))[0]?.source.path, join(dir, "orch-2.json"));
});

test("a folder that config let go while nobody watched is seen as long as somebody is owed something", async (t) => {
  const memo = { folders: [] as readonly string[] };
  const own = makeFolder(t);
  const first = await startInbox(t, { memo, agents: [agentCard({ handoffDir: own })] });
  assert.deepEqual(memo.folders, [first.dir, join(first.dir, "sub"), own].sort());
  await first.inbox.stop();
  first.place("orch-1.json", document("orch-1"));
  writeFileSync(join(own, "orch-2.json"), document("orch-2"));

  const second = makeInbox(t, { memo });
  assert.deepEqual(second.inbox.leftFolders(), [first.dir, join(first.dir, "sub"), own].sort());
  for (const run of ["orch-1", "orch-2", "orch-3"]) second.inbox.expect(run);
  await second.inbox.sweep();
  const seen = (await second.arrived(2)).map(({ source }) => source.path).sort();
  assert.deepEqual(seen, [join(first.dir, "orch-1.json"), join(own, "orch-2.json")].sort());
  const both = [first.dir, join(first.dir, "sub"), own, second.dir, join(second.dir, "sub")].sort();
  assert.deepEqual(memo.folders, both);
  await second.inbox.start();
  first.place("sub/orch-3.json", document("orch-3"));
  assert.equal((await second.arrived(3))[2]?.runId, "orch-3");
  for (const run of ["orch-1", "orch-2", "orch-3"]) second.inbox.forget(run);
  await second.inbox.sweep();
  assert.deepEqual(memo.folders, [second.dir, join(second.dir, "sub")]);
});

test("a folder of an earlier life that nobody is to write to is neither watched nor made", async (t) => {
  const gone = join(makeFolder(t), "gone");
  const memo = { folders: [gone] as readonly string[] };
  const { dir } = await startInbox(t, { memo });
  assert.deepEqual([existsSync(gone), memo.folders], [false, [dir, join(dir, "sub")]]);
});

test("whoever is told a folder of a new configuration is told one that is remembered already", async (t) => {
  const memo = { folders: [] as readonly string[] };
  const { inbox, setSettings } = await startInbox(t, { memo, settings: { scanMs: 60_000 } });
  const moved = join(makeFolder(t), "moved");
  setSettings({ dir: moved });
  inbox.expect("orch-1");
  assert.ok(memo.folders.includes(moved), String(memo.folders));
});

test("it can be stopped twice, and before it started, and hands nothing over afterwards", async (t) => {
  const { inbox, place, arrivals } = await startInbox(t);
  await inbox.stop();
  await inbox.stop();
  place("orch-1.json", document("orch-1"));
  assert.equal(arrivals.length, 0);
  const other = makeInbox(t);
  await other.inbox.stop();
  await other.inbox.start();
  assert.equal(other.arrivals.length, 0);
});

test("stopping waits for what is being recorded", async (t) => {
  let release = () => {};
  const begun = Promise.withResolvers<void>();
  const { inbox, place, arrivals } = await startInbox(t, {
    sink: () =>
      new Promise((resolve) => {
        release = resolve;
        begun.resolve();
      }),
  });
  place("orch-1.json", document("orch-1"));
  await begun.promise;
  const stopped = inbox.stop();
  release();
  await stopped;
  assert.equal(arrivals.length, 1);
});

test("what changed while it was being recorded is not handed over any more when the supervisor stops", async (t) => {
  let calls = 0;
  let release = () => {};
  const begun = Promise.withResolvers<void>();
  const { inbox, write, place } = await startInbox(t, {
    settings: { scanMs: 600_000, sweepMs: 600_000 },
    sink: async () => {
      if (++calls > 1) return;
      begun.resolve();
      await new Promise<void>((resolve) => {
        release = resolve;
      });
    },
  });
  place("orch-1.json", document("orch-1"));
  await begun.promise;
  write("orch-1.json", document("orch-1", { result: "Changed meanwhile." }));
  const swept = inbox.sweep();
  await new Promise(setImmediate);
  const stopped = inbox.stop();
  release();
  await Promise.all([stopped, swept]);
  assert.equal(calls, 1);
});
