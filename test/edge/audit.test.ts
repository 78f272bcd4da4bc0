import assert from "node:assert/strict";
import { cpSync, mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, describe, type TestContext, test } from "node:test";
import type { AuditReport } from "../../src/engine/audit.ts";
import { type Supervisor, startSupervisor, temporaryFolder } from "../support/supervisor.ts";
import { hq } from "./cli-harness.ts";
import { startFor } from "./discord-person.ts";

const OLD = new Date(Date.now() - 3_600_000);

/** A real run in the local guild: what was done, what is open, and the folder that it left. */
async function realState(home: string) {
  const supervisor = await startSupervisor(home);
  try {
    return { supervisor, ...(await realWork(supervisor)) };
  } catch (error) {
    await supervisor.stop();
    throw error;
  }
}

async function realWork(supervisor: Supervisor) {
  const { call } = supervisor;
  const done = async (path: string, body: object): Promise<string> => {
    const begun = await call("POST", path, body, { "idempotency-key": `first-of-${path}` });
    assert.equal(begun.status, 201, JSON.stringify(begun.body));
    const { body: view } = await call("GET", `${path}/${begun.body.id}?wait=60s`);
    assert.equal(view.status, "succeeded");
    return begun.body.id;
  };
  const delegation = await done("/delegations", { agent: "webster", objective: "Find the CTE of Zerodur" });
  const run = await done("/runs", { workflow: "quick-research", inputs: { query: "CTE of ULE" } });
  await call("POST", "/agents/webster/drain", {});
  const waiting = await call("POST", "/delegations", { agent: "webster", objective: "Find the CTE of BK7" });
  const open = await call("POST", "/runs", { workflow: "quick-research", inputs: { query: "Wait" } });
  const child = `${open.body.id}.research`;
  await atEachEvent(supervisor, async () => {
    const { status } = await call("GET", `/delegations/${child}`);
    return status === 200 ? undefined : `${child}: ${status}`;
  });
  await seenAll(supervisor);
  const { body: told1 } = await call("GET", `/delegations/${delegation}/receipts`);
  const { body: told2 } = await call("GET", `/runs/${run}/receipts`);
  return {
    told1,
    told2,
    delegation,
    run,
    waiting: waiting.body.id as string,
    open: open.body.id as string,
    child,
  };
}

/** Until nothing is on its way to people any more. */
async function seenAll(supervisor: Supervisor): Promise<void> {
  await atEachEvent(supervisor, async () => {
    const { findings, notLooked } = await prove(supervisor);
    return findings.length > 0 || notLooked
      ? JSON.stringify({ findings, notLooked }, undefined, 1)
      : undefined;
  });
}

/** Looks now and again with each event of the ledger, until nothing is missing. */
async function atEachEvent({ ready }: Supervisor, missing: () => Promise<string | undefined>): Promise<void> {
  const events = await fetch(`${ready.api}/api/v1/events`, { headers: keyOf(ready) });
  assert.ok(events.status === 200 && events.body);
  let still = await missing();
  if (still === undefined) return events.body.cancel();
  for await (const _ of events.body) {
    still = await missing();
    if (still === undefined) return;
  }
  assert.fail(`the supervisor has left: ${still}`);
}

const keyOf = ({ home }: Supervisor["ready"]) => ({
  authorization: `Bearer ${readFileSync(join(home, "api.key"), "utf8").trim()}`,
});

async function prove({ ready }: Supervisor, body: object = {}): Promise<Answer> {
  const answer = await fetch(`${ready.api}/api/v1/audit`, {
    method: "POST",
    headers: { ...keyOf(ready), "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const text = await answer.text();
  assert.equal(answer.status, 200, text);
  return (JSON.parse(text.trim().split("\n").at(-1) ?? "{}") as { report: Answer }).report;
}
type Answer = AuditReport & { mended?: { done: string; isMended: boolean }[] };

const told = ({ findings }: Pick<AuditReport, "findings">) =>
  findings.map(({ fault, id }) => `${fault} ${id}`).sort();

const folder = temporaryFolder("hq-audit-");
let state: Awaited<ReturnType<typeof realState>>;
before(async () => {
  state = await realState(join(folder.path, "home"));
  await state.supervisor.stop();
});
after(folder.remove);

function copyOfHome(t: TestContext): string {
  const home = join(folder.path, `copy-${Math.random().toString(36).slice(2)}`);
  cpSync(join(folder.path, "home"), home, { recursive: true });
  t.after(() => rmSync(home, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }));
  return home;
}

describe("faults seeded into a copy of a real state", () => {
  async function seeded(
    t: TestContext,
    seed: (db: DatabaseSync, home: string) => void,
  ): Promise<AuditReport> {
    const home = copyOfHome(t);
    const db = new DatabaseSync(join(home, "ledger.db"), { timeout: 5000 });
    seed(db, home);
    db.close();
    const { out, code, err } = await hq(["audit", "--prove", "--json"], { env: { HQ_HOME: home } });
    const report = JSON.parse(out) as AuditReport;
    assert.equal(code, report.findings.length > 0 ? 1 : 0, err);
    assert.match(report.notLooked ?? "", /no supervisor runs/);
    return report;
  }

  test("nothing is found in the state as it was left", async (t) => {
    const report = await seeded(t, () => undefined);
    assert.deepEqual(report.findings, []);
    assert.ok(report.looked.rows > 20 && report.looked.files > 2, JSON.stringify(report.looked));
  });

  test("a receipt that was dropped is unseen", async (t) => {
    const delivery = `${state.delegation}/result`;
    const report = await seeded(t, (db) => {
      db.prepare("delete from delivery_part where delivery = ?").run(delivery);
    });
    assert.deepEqual(told(report), [`unseen ${delivery}`]);
    assert.equal(report.findings[0]?.mend, "hq audit --mend");
  });

  test("an open delegation that nothing will send is lost", async (t) => {
    const report = await seeded(t, (db) => {
      db.prepare("delete from outbox where stream = ? and type = 'dispatch'").run(state.waiting);
    });
    assert.deepEqual(told(report), [`lost ${state.waiting}`]);
  });

  test("two settlements, and an attempt that was sent twice, are doubled", async (t) => {
    const { delegation } = state;
    const report = await seeded(t, (db) => {
      const again = db.prepare(
        "insert into event (stream, version, at, type, schema, body, cause, actor) select stream, (select max(version) + 1 from event where stream = ?1), at, type, schema, body, cause, actor from event where stream = ?1 and type = ?2",
      );
      again.run(delegation, "delegation.settled");
      again.run(delegation, "attempt.dispatched");
      db.prepare(
        "update stream set version = version + 2, state_version = state_version + 2 where id = ?",
      ).run(delegation);
    });
    assert.deepEqual(told(report), [`doubled ${delegation}`, `doubled ${delegation}#1`].sort());
  });

  test("a delivery that was to be posted twice is doubled", async (t) => {
    const { delegation } = state;
    const report = await seeded(t, (db) => {
      db.prepare(
        "insert into outbox (id, stream, type, body, lane, created_at, due_at, ready_at, settled_at, outcome) select id || 'x', stream, type, body, lane, created_at, due_at, ready_at, settled_at, outcome from outbox where stream = ? and type = 'post' and body like '%/log%'",
      ).run(delegation);
    });
    assert.deepEqual(told(report), [`doubled ${delegation}/log`]);
  });

  test("a run that waits for a child that is not there, and one that was never told, are lost", async (t) => {
    const { child, open } = state;
    const gone = await seeded(t, (db) => {
      for (const table of ["event", "outbox"]) db.prepare(`delete from ${table} where stream = ?`).run(child);
      db.prepare("delete from stream where id = ?").run(child);
      db.prepare("delete from key where stream = ?").run(child);
    });
    assert.deepEqual(told(gone), [`lost ${child}`]);
    assert.equal(gone.findings[0]?.of, open);
    const untold = await seeded(t, (db) => {
      db.prepare("update stream set open = 0, status = 'canceled' where id = ?").run(child);
      db.prepare("delete from outbox where stream = ? and settled_at is null").run(child);
      db.prepare("insert into delivery_part values (?, 0, 'n', '1', '1', 1)").run(`${child}/log`);
    });
    assert.deepEqual(told(untold), [`lost ${child}`]);
    assert.match(untold.findings[0]?.reason ?? "", /never told/);
  });

  test("missing events and keys without a stream are lost, things of nobody are orphaned", async (t) => {
    const { delegation, run } = state;
    const report = await seeded(t, (db) => {
      db.prepare("delete from event where stream = ? and version = 2").run(run);
      db.exec("insert into key values ('operator', 'a wish', 'd', 'orch-gone', 1)");
      db.prepare("update stream set parent = 'orch-nobody' where id = ?").run(delegation);
      db.exec(
        "insert into outbox (id, stream, type, body, lane, created_at, due_at, ready_at) values ('orch-gone@1#0', 'orch-gone', 'filing', '{}', 'host', 1, 1, 1)",
      );
    });
    assert.deepEqual(
      told(report),
      [`lost ${run}`, "lost operator a wish", `orphaned ${delegation}`, "orphaned orch-gone@1#0"].sort(),
    );
  });

  test("handoffs in the inbox of settled or unknown work, and folders of nobody, are orphaned", async (t) => {
    const { delegation, waiting } = state;
    const names = [delegation, waiting, "orch-unknown"];
    let home = "";
    const report = await seeded(t, (_, copy) => {
      home = copy;
      for (const name of names) {
        const path = join(home, "handoffs", `${name}.json`);
        writeFileSync(path, "{}");
        utimesSync(path, OLD, OLD);
      }
      mkdirSync(join(home, "handoffs", "workflows", "wf-gone"), { recursive: true });
      mkdirSync(join(home, "workers", "agent-1", ".hq"), { recursive: true });
      writeFileSync(join(home, "workers", "agent-1", ".hq", "task-77~2.record.json"), "{}");
      mkdirSync(join(home, "handoffs", "accepted", "2026-01-01"), { recursive: true });
      writeFileSync(join(home, "handoffs", "accepted", "2026-01-01", "orch-gone.json"), "{}");
    });
    const handoffs = join(home, "handoffs");
    assert.deepEqual(
      told(report),
      [
        `orphaned ${join(handoffs, `${delegation}.json`)}`,
        `orphaned ${join(handoffs, "orch-unknown.json")}`,
        `orphaned ${join(handoffs, "accepted", "2026-01-01", "orch-gone.json")}`,
        `orphaned ${join(handoffs, "workflows", "wf-gone")}`,
        `orphaned ${join(home, "workers", "agent-1")}`,
      ].sort(),
    );
  });

  test("what was not written to since is passed over", async (t) => {
    const report = await seeded(t, (db) => {
      db.prepare("delete from delivery_part where delivery = ?").run(`${state.delegation}/result`);
      db.prepare("update event set at = 1 where stream = ?").run(state.delegation);
    });
    assert.deepEqual(told(report), [`unseen ${state.delegation}/result`]);
  });
});

describe("faults seeded under a supervisor that runs", () => {
  const bot = (guild: string, method: string, path: string, body?: object) =>
    fetch(`${guild}/api/v10${path}`, {
      method,
      headers: { authorization: "Bot local-guild-bot", "content-type": "application/json" },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });

  test("a dropped receipt is put in, a deleted message posted again, an unsent attempt sent, a handoff put away; a doubled message is named", async (t) => {
    const home = copyOfHome(t);
    const { delegation, run, waiting } = state;
    const { told1, told2 } = state;
    const db = new DatabaseSync(join(home, "ledger.db"), { timeout: 5000 });
    db.prepare("delete from delivery_part where delivery = ?").run(`${delegation}/log`);
    db.prepare("delete from outbox where stream = ? and type = 'dispatch'").run(waiting);
    db.close();
    const supervisor = await startFor(t, home);
    const guild = supervisor.ready.guild ?? "";
    type Told = { delivery: string; channel: string; message: string };
    const receiptOf = ({ items }: { items: readonly Told[] }, name: string): Told => {
      const found = items.find(({ delivery }) => delivery.endsWith(name));
      assert.ok(found, name);
      return found;
    };
    const result = receiptOf(told1, "/result");
    const original = await (
      await bot(guild, "GET", `/channels/${result.channel}/messages/${result.message}`)
    ).json();
    const { components, flags } = original as { components: object[]; flags: number };
    const copy = await bot(guild, "POST", `/channels/${result.channel}/messages`, { components, flags });
    const { id: second } = (await copy.json()) as { id: string };
    assert.ok(second);
    const gone = receiptOf(told2, "/result");
    assert.equal(
      (await bot(guild, "DELETE", `/channels/${gone.channel}/messages/${gone.message}`)).status,
      204,
    );

    const found = await prove(supervisor);
    assert.deepEqual(
      told(found),
      [
        `doubled ${delegation}/result`,
        `lost ${waiting}`,
        `unseen ${delegation}/log`,
        `unseen ${run}/result`,
      ].sort(),
      JSON.stringify(found.findings, undefined, 1),
    );
    assert.equal(found.notLooked, undefined);
    const dry = await prove(supervisor, { mend: true, dry: true });
    assert.ok(dry.mended?.every(({ isMended }) => !isMended));
    assert.deepEqual(told(await prove(supervisor)), told(found), "a dry run changes nothing");

    const mended = await hq(["audit", "--mend"], { env: { HQ_HOME: home } });
    assert.match(mended.out, /posted again/);
    assert.equal(mended.code, 1, "the doubled message is for a person to delete");
    assert.equal((await bot(guild, "DELETE", `/channels/${result.channel}/messages/${second}`)).status, 204);
    await seenAll(supervisor);
    const { body: after } = await supervisor.call("GET", `/runs/${run}/receipts`);
    assert.ok(after.items.some(({ delivery }: Told) => delivery === `${run}/result~again`));
    const { body: log } = await supervisor.call("GET", `/delegations/${delegation}/receipts`);
    assert.deepEqual(
      receiptOf(log, "/log"),
      receiptOf(told1, "/log"),
      "the message that was there has its receipt back",
    );
    const cleared = await hq(["queue", "clear", "--channel", "results", "--yes"], { env: { HQ_HOME: home } });
    assert.equal(cleared.code, 0, cleared.err);
    await seenAll(supervisor);
    await supervisor.call("POST", "/agents/webster/resume", {});
    const { body: done } = await supervisor.call("GET", `/delegations/${waiting}?wait=60s`);
    assert.equal(done.status, "succeeded");
    assert.equal(done.attempts[0].sends, 1);
  });
});
