import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  mkdirSync,
  renameSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer } from "node:net";
import { basename, dirname, join } from "node:path";
import test, { type TestContext } from "node:test";
import { checkHandoff } from "../../src/domain/handoff.ts";
import { freeze, needing, thaw } from "../support/tools.ts";
import { agentCard, document, makeFolder, makeInbox, refusalOf, startInbox, until } from "./inbox-fixture.ts";

test("a symbolic link is never followed: it is refused once and moves aside itself", async (t) => {
  const secret = join(makeFolder(t), "secret.json");
  writeFileSync(secret, document("orch-1"));
  const { dir, arrived, archiveOf, names } = await startInbox(t);
  symlinkSync(secret, join(dir, "orch-1.json"));
  const [first] = await arrived(1);
  assert.ok(first);
  assert.equal(first.runId, "orch-1");
  assert.match(refusalOf(first), /symbolic link/);
  await archiveOf(first, "rejected");
  assert.deepEqual(names(), []);
  assert.ok(existsSync(secret), "its target is where it was");
});

test("a second hard link of another file is refused without being read", async (t) => {
  const { dir, arrived } = await startInbox(t);
  const other = join(dir, "..", "other.json");
  writeFileSync(other, document("orch-1"));
  linkSync(other, join(dir, "orch-1.json"));
  assert.match(refusalOf((await arrived(1))[0]), /2 names/);
});

test("a file put there by link and unlink is taken as soon as it has one name", async (t) => {
  const { dir, arrived, write } = await startInbox(t, { settings: { quietMs: 20_000 } });
  const temporary = write(".orch-1.json.tmp", document("orch-1"));
  linkSync(temporary, join(dir, "orch-1.json"));
  await new Promise((resolve) => setImmediate(resolve));
  unlinkSync(temporary);
  assert.ok((await arrived(1))[0]?.ok);
});

test("named pipes, sockets and directories are refused, and other file work goes on", async (t) => {
  const { dir, arrived, write, archiveOf, names } = await startInbox(t);
  for (const name of ["a", "b", "c", "d", "e"]) execFileSync("mkfifo", [join(dir, `pipe-${name}.json`)]);
  mkdirSync(join(dir, "folder.json"));
  const server = createServer().listen(join(dir, "socket.json"));
  t.after(() => server.close());
  const refusals = (await arrived(7)).map((one) => `${one.runId}: ${refusalOf(one)}`).sort();
  assert.match(refusals[0] ?? "", /^folder: is a directory/);
  assert.equal(refusals.filter((text) => /^pipe-.: is a named pipe/.test(text)).length, 5);
  assert.match(refusals[6] ?? "", /^socket: is a socket/);
  // Five readers waiting on pipes would fill the thread pool, and this would never end.
  assert.equal(await readFile(write(".x.tmp", "alive"), "utf8"), "alive");
  for (const one of await arrived(7)) await archiveOf(one, "rejected");
  assert.deepEqual(
    names().filter((name) => name !== ".x.tmp"),
    [],
  );
});

test("a file of 1 GB is refused by its size, without being read", async (t) => {
  const { write, arrived } = await startInbox(t);
  truncateSync(write("orch-1.json", "{"), 1_073_741_824);
  const before = process.memoryUsage().rss;
  assert.match(refusalOf((await arrived(1))[0]), /1073741824 bytes, at most 1048576/);
  assert.ok(process.memoryUsage().rss - before < 100_000_000);
});

test("the size cap is the setting's, to the byte", async (t) => {
  const body = document("orch-1");
  const { place, arrived, inbox, setSettings } = await startInbox(t, {
    settings: { maxBytes: Buffer.byteLength(body) },
  });
  place("orch-1.json", body);
  assert.ok((await arrived(1))[0]?.ok);
  place("orch-2.json", `${body} `);
  assert.match(refusalOf((await arrived(2))[1]), /at most/);
  setSettings({ maxBytes: 10 });
  place("orch-3.json", body);
  assert.match(refusalOf((await arrived(3))[2]), /at most 10/);
  await inbox.stop();
});

test("temporary names are nobody's business, odd names are reported once without a run", async (t) => {
  const { write, arrived, arrivals, inbox, names } = await startInbox(t);
  const temporary = [
    ".orch-1.json.swp",
    "orch-1.json.tmp",
    "orch-1.json~",
    "orch-1.json.1734",
    "x.part",
    "y.tmp-7",
  ];
  for (const name of temporary) write(name, "{");
  const odd = ["notes.txt", "ORCH.JSON", "a b.json", "..x.json.bak", "-rf.json", "a..b.json", "ü.json"];
  for (const name of odd) write(name, document("orch-1"));
  const seen = await arrived(odd.length - 1);
  await inbox.sweep();
  assert.deepEqual(
    arrivals.map(({ runId }) => runId),
    seen.map(() => ""),
  );
  assert.deepEqual(
    arrivals.map(({ source }) => basename(source.path)).sort(),
    odd.filter((name) => !name.startsWith(".")).sort(),
  );
  assert.equal(names().length, temporary.length + odd.length, "nothing was moved before the commit");
});

test("a temporary name without a mark is left time to be renamed", async (t) => {
  const { dir, write, arrived, arrivals, inbox } = await startInbox(t, { settings: { quietMs: 20_000 } });
  const path = write("draft.txt", document("orch-1"));
  await inbox.sweep();
  assert.equal(arrivals.length, 0);
  renameSync(path, join(dir, "orch-1.json"));
  assert.ok((await arrived(1))[0]?.ok);
});

test("in an agent's own folder only .json files are meant for us", async (t) => {
  const own = makeFolder(t);
  writeFileSync(join(own, "AGENTS.md"), "# me");
  mkdirSync(join(own, "drafts"));
  writeFileSync(join(own, "what is this.json"), "{}");
  const { arrived, arrivals, inbox } = await startInbox(t, { agents: [agentCard({ handoffDir: own })] });
  assert.equal((await arrived(1))[0]?.runId, "");
  await inbox.sweep();
  assert.equal(arrivals.length, 1);
});

test("a name that is no UTF-8 harms nothing", async (t) => {
  const { dir, place, arrived, inbox } = await startInbox(t);
  writeFileSync(
    Buffer.concat([Buffer.from(`${dir}/`), Buffer.from([0x62, 0xff, 0x2e, 0x6a, 0x73, 0x6f, 0x6e])]),
    "{}",
  );
  place("orch-1.json", document("orch-1"));
  assert.equal((await arrived(1))[0]?.runId, "orch-1");
  await inbox.sweep();
});

test("an unreadable file is refused when it stays unreadable", async (t) => {
  const { dir, arrived } = await startInbox(t);
  // The superuser may read everything, so the fault there is a link in a place of a file.
  if (process.getuid?.() === 0) symlinkSync("orch-1.json", join(dir, "orch-1.json"));
  else writeFileSync(join(dir, "orch-1.json"), document("orch-1"), { mode: 0o000 });
  assert.match(refusalOf((await arrived(1))[0]), /readable|symbolic link/);
});

for (const [what, body, reason] of [
  [
    "an id that climbs out of the folder",
    document("../../etc/passwd"),
    /must be "orch-1", is "\.\.\/\.\.\/etc\/passwd"/,
  ],
  ["an id with NUL", document("orch-1\u0000"), /must be "orch-1"/],
  ["__proto__", document("orch-1").replace("{", '{"__proto__":{"polluted":true},'), /not allowed as a key/],
  [
    "200,000 nested lists",
    document("orch-1").replace('"Done."', `${"[".repeat(2e5)}${"]".repeat(2e5)}`),
    /deeper/,
  ],
] as const) {
  test(`a document with ${what} is handed over as data and refused by the check`, async (t) => {
    const { place, arrived } = await startInbox(t);
    place("orch-1.json", body);
    const [first] = await arrived(1);
    assert.ok(first?.ok);
    const checked = checkHandoff({
      document: first.document,
      runId: first.runId,
      agent: "webster",
      mode: "lenient",
      format: "json",
    });
    assert.ok(!checked.ok);
    assert.match(checked.problems.map(({ message }) => message).join("; "), reason);
    assert.equal(({} as { polluted?: boolean }).polluted, undefined);
  });
}

test(
  "in a folder that lets nothing go a file is handed over once, stays, and is noted once",
  needing("chattr", async (t) => {
    const own = makeFolder(t);
    const path = join(own, "orch-1.json");
    writeFileSync(path, document("orch-1"));
    const fixture = makeInbox(t, { agents: [agentCard({ handoffDir: own })] });
    freeze(own);
    try {
      await fixture.inbox.start();
      const [first] = await fixture.arrived(1);
      assert.ok(first?.ok);
      assert.equal(await fixture.archiveOf(first), path);
      await fixture.inbox.sweep();
      assert.equal(fixture.arrivals.length, 1);
      assert.ok(existsSync(path));
      const noted = fixture.logged.filter(({ message }) => message.includes("cannot be moved"));
      assert.equal(noted.length, 1);
    } finally {
      thaw(own);
    }
  }),
);

test("a folder that may not be listed is told once, until it could be in between", async (t) => {
  const dir = join(makeFolder(t), "handoffs");
  mkdirSync(dir);
  becomeNobody(t, [dirname(dir), dir]);
  const { inbox, arrivals, logged, write } = makeInbox(t, { dir });
  const told = () => logged.filter(({ message }) => message.includes("could not be listed")).length;
  const sweep = async (times: number) => {
    for (let n = 0; n < times; n++) await inbox.sweep();
  };
  chmodSync(dir, 0o300);
  write("orch-1.json", document("orch-1"));
  await sweep(3);
  assert.deepEqual([told(), arrivals.length], [1, 0]);
  chmodSync(dir, 0o700);
  await sweep(1);
  assert.deepEqual([told(), arrivals.length], [1, 1]);
  chmodSync(dir, 0o300);
  await sweep(3);
  assert.equal(told(), 2);
  chmodSync(dir, 0o700);
});

/** Modes do not bind the superuser: the folders are another user's, as whom the test goes on. */
function becomeNobody(t: TestContext, folders: readonly string[]): void {
  if (process.getuid?.() !== 0) return;
  const nobody = 65_534;
  for (const folder of folders) chownSync(folder, nobody, nobody);
  process.seteuid?.(nobody);
  t.after(() => process.seteuid?.(0));
}

test("the age of a file counts as quiet only when it is old, so that old rubbish does not wait", async (t) => {
  const dir = makeFolder(t);
  writeFileSync(join(dir, "orch-1.json"), "{");
  const day = 24 * 3_600_000;
  const { inbox, arrivals } = makeInbox(t, {
    dir,
    settings: { quietMs: 60_000 },
    now: () => Date.now() + day,
  });
  await inbox.sweep();
  assert.match(refusalOf(arrivals[0]), /not whole/);
  const young = makeInbox(t, { dir, settings: { quietMs: 60_000 } });
  await young.inbox.sweep();
  assert.equal(young.arrivals.length, 0);
});

test("a folder may vanish while it is listed", async (t) => {
  const { dir, inbox, place, arrived } = await startInbox(t);
  for (let i = 0; i < 1000; i++) place(`orch-${i}.json`, document(`orch-${i}`));
  const sweep = inbox.sweep();
  renameSync(dir, `${dir}.gone`);
  await sweep;
  await until(() => existsSync(dir), "the folder made again");
  place("orch-x.json", document("orch-x"));
  await arrived(1);
});
