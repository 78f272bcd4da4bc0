import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { after, type TestContext } from "node:test";
import { bringUploads } from "../../src/app/bring-uploads.ts";
import type { Config } from "../../src/domain/config.ts";
import type { Order } from "../../src/domain/delegation-types.ts";
import { uploadPath } from "../../src/domain/uploads.ts";
import { createEngine } from "../../src/engine/accept.ts";
import { createUpload, uploadBlob } from "../../src/engine/upload.ts";
import { createHandoffTokens } from "../../src/handoffs/token.ts";
import { createUploadFiles } from "../../src/handoffs/upload-files.ts";
import { digestOf } from "../../src/kernel/id.ts";
import { isRefusal } from "../../src/kernel/refusal.ts";
import { openPostgresLedger } from "../../src/ledger/postgres/postgres.ts";
import { settingsOf } from "../support/core.ts";
import { startPostgres } from "../support/postgres.ts";
import { temporaryFolder } from "../support/supervisor.ts";

const postgres = await startPostgres();
after(() => postgres.stop());

const AT = 1_800_000_000_000;
const RUN = "orch-1";
const TOKENS = createHandoffTokens("a secret that all members share");
/** Bytes that are no text. */
const PICTURE = Buffer.from([0, 255, 128, 10, 13, 0, 200, 1]);

const ORDER: Order = {
  id: RUN,
  agent: "webster",
  objective: "Find the CTE",
  attachments: [],
  timeoutMs: 60_000,
  startWithinMs: 60_000,
  maxAttempts: 1,
  validate: false,
  format: "json",
  deliver: true,
  actor: { kind: "operator" },
  origin: { door: "rest" },
  queuedAt: AT,
  slotGraceMs: 1000,
};

/** A coordinator with a folder of its own, as on a machine of its own. */
async function member(t: TestContext, url: string) {
  const folder = temporaryFolder();
  t.after(folder.remove);
  const ledger = await openPostgresLedger({ url });
  t.after(ledger.close);
  const none = () => undefined;
  const engine = createEngine({ ledger, now: () => AT, crash: none, onCommit: none });
  const settings = settingsOf(folder.path);
  const upload = createUpload({
    engine,
    ledger,
    uploads: createUploadFiles(() => settings.handoffs.dir),
    verifyToken: TOKENS.verify,
    settings: () => settings,
    now: () => AT,
    crash: none,
  });
  const send = (name: string, bytes: Uint8Array) =>
    upload(RUN, TOKENS.tokenFor(RUN, 1), name, { body: once(bytes) });
  const fileOf = (path: string) => join(settings.handoffs.dir, "artifacts", path);
  const bring = (...paths: readonly string[]) =>
    bringUploads({ engine, ledger, config: () => ({ settings }) as Config }, paths);
  return { ledger, engine, send, fileOf, bring };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function two(t: TestContext) {
  const url = await postgres.createDatabase();
  const [a, b] = [await member(t, url), await member(t, url)];
  const input = { type: "queue", order: ORDER } as const;
  await a.engine.accept({ kind: "delegation", stream: RUN, input, cause: "test", isNew: true });
  return { a, b };
}

test("a file that one coordinator got is on the machine of another one when that shows the result", async (t) => {
  const { a, b } = await two(t);
  const { artifact } = await a.send("picture.png", PICTURE);
  assert.deepEqual(readFileSync(a.fileOf(artifact)), PICTURE);
  await b.bring("https://example.com/x", "/etc/passwd", artifact, `${RUN}/1/unknown.png`);
  assert.deepEqual(readFileSync(b.fileOf(artifact)), PICTURE);
  // Something else under that name is not what the ledger knows.
  writeFileSync(b.fileOf(artifact), "tampered");
  await b.bring(artifact);
  assert.deepEqual(readFileSync(b.fileOf(artifact)), PICTURE);
});

test("of two files under one name, sent to two coordinators at once, one is taken and both machines have that one", async (t) => {
  const { a, b } = await two(t);
  const answers = await Promise.allSettled([
    a.send("table.csv", Buffer.from("from a")),
    b.send("table.csv", Buffer.from("from b")),
  ]);
  const refused = answers.flatMap((one) => (one.status === "rejected" ? [one.reason as unknown] : []));
  assert.equal(refused.length, 1);
  assert.ok(isRefusal(refused[0]) && refused[0].code === "handoff_changed", String(refused[0]));
  const won = answers[0]?.status === "fulfilled" ? "from a" : "from b";
  const path = uploadPath(RUN, { attempt: 1, name: "table.csv" });
  for (const { bring, fileOf } of [a, b]) {
    await bring(path);
    assert.equal(readFileSync(fileOf(path), "utf8"), won);
  }
});

test("the bytes go with the delegation when it is pruned", async (t) => {
  const { a } = await two(t);
  await a.send("picture.png", PICTURE);
  const blob = uploadBlob(RUN, { attempt: 1, digest: digestOf(PICTURE) });
  assert.equal(await a.ledger.blob(blob), PICTURE.toString("base64"));
  const input = { type: "cancel", at: AT, actor: { kind: "operator" } } as const;
  await a.engine.accept({ kind: "delegation", stream: RUN, input, cause: "test" });
  // The newest stays: another one comes after it.
  const other = { type: "queue", order: { ...ORDER, id: "orch-2" } } as const;
  await a.engine.accept({ kind: "delegation", stream: "orch-2", input: other, cause: "test", isNew: true });
  const open = await a.ledger.trail.effectsOf(RUN, 100);
  await a.ledger.settle(open.map(({ id }) => ({ id, outcome: "done" })));
  const { streams } = await a.ledger.upkeep.prune([RUN], AT + 1);
  assert.equal(streams, 1);
  assert.equal(await a.ledger.load(RUN), undefined);
  assert.equal(await a.ledger.blob(blob), undefined);
});
