import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import type { Receipt } from "../../src/domain/delivery-types.ts";
import type { AuditReport } from "../../src/engine/audit.ts";
import { createWorld } from "../chaos/world.ts";
import { temporaryFolder } from "../support/supervisor.ts";
import { hq } from "./cli-harness.ts";

const folder = temporaryFolder("hq-audit-lines-");
const world = await createWorld(folder.path);
const supervisor = await world.start();
after(async () => {
  await supervisor.stop();
  await world.stop();
  folder.remove();
});

const BOT = { authorization: `Bot ${world.env.DISCORD_TOKEN}` };
const discord = (method: string, path: string, body?: object | FormData) =>
  fetch(`${world.guild.restApi}/v10${path}`, {
    method,
    headers: body instanceof FormData || !body ? BOT : { ...BOT, "content-type": "application/json" },
    ...(body ? { body: body instanceof FormData ? body : JSON.stringify(body) } : {}),
  });
type Message = { id: string; content: string; attachments: { url: string }[] };
const messageAt = async ({ channel, message }: Receipt): Promise<Message> =>
  (await discord("GET", `/channels/${channel}/messages/${message}`)).json() as Promise<Message>;

/** So many that end while the channels answer nothing: what they say becomes messages for many. */
async function busy(count: number): Promise<readonly string[]> {
  const post = { method: "POST", path: /\/messages$/ };
  const holds = [world.guild.faults.hold(post), world.guild.faults.hold(post)];
  const ids = await Promise.all(
    Array.from({ length: count }, async (_, n) => {
      const agent = ["webster", "tech-lead"][n % 2];
      const { body } = await supervisor.call("POST", "/delegations", { agent, objective: "The same words" });
      await supervisor.call("GET", `/delegations/${body.id}?wait=60s`);
      return body.id as string;
    }),
  );
  for (const { arrived, release } of holds) {
    await arrived;
    release();
  }
  return ids;
}

async function prove(): Promise<AuditReport> {
  const { out } = await hq(["audit", "--json"], { env: { HQ_HOME: world.home } });
  const report = JSON.parse(out) as AuditReport;
  assert.equal(report.notLooked, undefined);
  return report;
}

/** Until the audit finds no more than this. */
async function proved(count: number): Promise<AuditReport> {
  for (let looks = 0; ; looks++) {
    const report = await prove();
    if (report.findings.length <= count || looks === 100) return report;
    await pause(100);
  }
}

async function receiptOf(id: string, kind: "log" | "result"): Promise<Receipt> {
  for (;;) {
    const { body } = await supervisor.call("GET", `/delegations/${id}/receipts`);
    const found = (body.items as Receipt[]).find(({ delivery }) => delivery === `${id}/${kind}`);
    if (found) return found;
    await pause(50);
  }
}

const told = ({ findings }: AuditReport) => findings.map(({ fault, id }) => `${fault} ${id}`).sort();

/** Those that share a message. */
async function batchesOf(ids: readonly string[], kind: "log" | "result"): Promise<readonly Receipt[][]> {
  const receipts = await Promise.all(ids.map((id) => receiptOf(id, kind)));
  return [...Map.groupBy(receipts, ({ message }) => message).values()].filter(({ length }) => length > 1);
}

test("a line that stands in two messages for many, and one that is missing where its receipt says, are named and mended", async () => {
  const first = await busy(40);
  const [many = []] = await batchesOf(first, "log");
  await batchesOf(first, "result");
  const second = await busy(14);
  const [few = []] = await batchesOf(second, "log");
  await batchesOf(second, "result");
  assert.deepEqual((await prove()).findings, [], "nothing is found in a busy history that is whole");
  const [foreign, gone] = [many[0], few[1]];
  const place = few[0];
  assert.ok(many.length > 20 && few.length > 8 && foreign && gone && place);
  const whole = await messageAt(foreign);
  assert.equal(whole.attachments.length, 1, "many lines are in a file");
  const line = (await (await fetch(whole.attachments[0]?.url ?? "")).text())
    .split("\n")
    .find((one) => one.endsWith(`\`${foreign.delivery}\``));
  const { content } = await messageAt(place);
  const kept = content.split("\n").filter((one) => !one.includes(gone.delivery));
  const path = `/channels/${place.channel}/messages/${place.message}`;
  assert.equal((await discord("PATCH", path, { content: [line, ...kept].join("\n") })).status, 200);

  const found = await prove();
  assert.deepEqual(told(found), [`doubled ${foreign.delivery}`, `unseen ${gone.delivery}`]);
  const doubled = found.findings.find(({ fault }) => fault === "doubled");
  assert.match(doubled?.reason ?? "", new RegExp(`${foreign.message}.*${place.message}`));
  const others = few.length - 1;
  assert.match(
    doubled?.mend ?? "",
    new RegExp(`delete the message ${place.message} .* the ${others} lines again`),
  );

  const mended = await hq(["audit", "--mend"], { env: { HQ_HOME: world.home } });
  assert.match(mended.out, /posted again/);
  assert.equal(mended.code, 1, "the doubled line is for a person");
  const left = await proved(1);
  assert.deepEqual(told(left), [`doubled ${foreign.delivery}`]);
  assert.equal((await discord("DELETE", path)).status, 204);
  assert.equal((await prove()).counts.unseen, others);
  await hq(["audit", "--mend"], { env: { HQ_HOME: world.home } });
  assert.deepEqual((await proved(0)).findings, []);
  const texts = (await world.texts("agent-logs")).map((text) => text.replaceAll("~again", ""));
  for (const id of [...first, ...second]) {
    assert.equal(texts.filter((text) => text.includes(`${id}/log`)).length, 1, id);
  }
});

test("lines of a message for many that the ledger does not know are named as long as they stand elsewhere too", async () => {
  const ids = await busy(14);
  const [results = []] = await batchesOf(ids, "result");
  const [log = []] = await batchesOf(ids, "log");
  const [one] = log;
  assert.ok(one && results[0]);
  const { content } = await messageAt(one);
  const again = await discord("POST", `/channels/${one.channel}/messages`, {
    content: content.replace(/batch-\S+$/, "batch-1m7yxymh41bjhnq9tf3"),
  });
  assert.equal(again.status, 200);
  const { id: copy } = (await again.json()) as Message;
  const found = await prove();
  assert.deepEqual(told(found), log.map(({ delivery }) => `doubled ${delivery}`).sort());
  assert.ok(found.findings.every(({ mend }) => mend.startsWith(`delete the message ${copy} `)));
  assert.ok(found.findings.every(({ mend }) => mend.endsWith("by hand")));

  // The receipts' own message goes: the lines stand once, in the copy.
  assert.equal((await discord("DELETE", `/channels/${one.channel}/messages/${one.message}`)).status, 204);
  assert.deepEqual((await prove()).findings, []);

  const [report] = results;
  assert.ok(report);
  const path = `/channels/${report.channel}/messages/${report.message}`;
  const file = await (await fetch((await messageAt(report)).attachments[0]?.url ?? "")).text();
  const subject = report.delivery.slice(0, report.delivery.indexOf("/"));
  const withFile = (text: string, more: object = {}) => {
    const form = new FormData();
    form.set("payload_json", JSON.stringify({ ...more, attachments: [{ id: 0, filename: "results.md" }] }));
    form.set("files[0]", new Blob([text]), "results.md");
    return form;
  };
  const title = `### ${results.length} results\n-# batch-1m7yxymh41bjhnq9tf4`;
  const posts = `/channels/${report.channel}/messages`;
  const strange = (await (
    await discord("POST", posts, withFile(file, { content: title }))
  ).json()) as Message;
  assert.deepEqual(told(await prove()), results.map(({ delivery }) => `doubled ${delivery}`).sort());
  assert.equal((await discord("DELETE", `${posts}/${strange.id}`)).status, 204);

  assert.equal((await discord("PATCH", path, withFile(file.replace(subject, "gone")))).status, 200);
  assert.deepEqual(told(await prove()), [`unseen ${report.delivery}`]);
  await hq(["audit", "--mend"], { env: { HQ_HOME: world.home } });
  assert.deepEqual((await proved(0)).findings, []);
});

test("a line of which the receipt is not there gets it back and is not posted again", async () => {
  const ids = await busy(14);
  await batchesOf(ids, "result");
  const [[one, ...rest] = []] = await batchesOf(ids, "log");
  assert.ok(one && rest.length > 8);
  const db = new DatabaseSync(join(world.home, "ledger.db"), { timeout: 5000 });
  db.prepare("delete from delivery_part where delivery = ?").run(one.delivery);
  db.close();
  const { findings } = await prove();
  assert.deepEqual(
    findings.map(({ fault, id, act }) => [fault, id, act?.type]),
    [["unseen", one.delivery, "receipt"]],
  );
  const posted = (await world.texts("agent-logs")).length;
  await hq(["audit", "--mend"], { env: { HQ_HOME: world.home } });
  assert.deepEqual(await receiptOf(one.delivery.slice(0, -"/log".length), "log"), one);
  assert.equal((await proved(0)).counts.doubled, 0);
  assert.equal((await world.texts("agent-logs")).length, posted);
});
