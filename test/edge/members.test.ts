import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test, { after } from "node:test";
import { untilQuiet } from "../chaos/load.ts";
import { countOf, judge } from "../chaos/verdict.ts";
import { query } from "../ledger/postgres-query.ts";
import { createCuttable } from "../support/cuttable.ts";
import { startFakeGateway } from "../support/fake-gateway.ts";
import { startPostgres } from "../support/postgres.ts";
import { ask, createMembersWorld, hear, type Member, settled } from "./members-fixture.ts";

const postgres = await startPostgres();
after(() => postgres.stop());

/** What a member that is gone may cost, and what the work of these tests takes by itself on a busy machine. */
const DELAY_MS = 15_000;
const WORK_MS = 5000;
const AGENTS = ["webster", "auditor", "optimizer"];
const keyOf = ({ home }: Member) => readFileSync(join(home, "api.key"), "utf8").trim();

test("three supervisors on one database share the work, keep each agent's limit, and hear of everything in order", async (t) => {
  const running = new Map<string, number[]>();
  let most = 0;
  const {
    world,
    database,
    join: joinAs,
  } = await createMembersWorld(t, postgres, {
    concurrency: 2,
    behaviour: {
      answer: () => ({ kind: "ok" }),
      handIn: () => "good",
      worksMs: ({ run }) => {
        const agent = objectives.get(run) ?? "";
        const at = Date.now();
        const ends = [...(running.get(agent) ?? []).filter((end) => end > at), at + 60];
        running.set(agent, ends);
        if (agent) most = Math.max(most, ends.length);
        return 60;
      },
    },
  });
  const objectives = new Map<string, string>();
  const members = [await joinAs("a"), await joinAs("b"), await joinAs("c")];
  const [a, b, c] = members as [Member, Member, Member];
  const { body: health } = await b.supervisor.call("GET", "/health/ready");
  assert.equal(health.members.length, 3, JSON.stringify(health));
  assert.equal(health.members.filter(({ leads }: { leads: boolean }) => leads).length, 1);
  assert.deepEqual(
    health.members.map(({ isUs }: { isUs: boolean }) => isUs),
    [false, true, false],
  );

  const asked: string[] = [];
  const heard = await hear(c, keyOf(c), (events) => {
    const ends = new Set(
      events.flatMap(({ type, stream }) => (type === "delegation.settled" ? [stream] : [])),
    );
    return asked.length === 30 && asked.every((id) => ends.has(id));
  });
  await heard.begun;
  await Promise.all(
    Array.from({ length: 30 }, async (_, n) => {
      const agent = AGENTS[n % 3] ?? "";
      const runId = `job-${String(n).padStart(4, "0")}`;
      objectives.set(runId, agent);
      const id = await ask(members[n % 3] as Member, runId, { agent, objective: `job ${n}`, runId });
      asked.push(id);
    }),
  );
  // Each is waited for at another one than where it was asked.
  for (const [n, id] of asked.entries()) {
    const view = await settled(members[(n + 1) % 3] as Member, id);
    assert.equal(view.status, "succeeded", JSON.stringify(view));
    assert.equal(view.attempts.length, 1);
  }
  const events = await heard.all;
  const positions = events.map(({ position }) => position);
  assert.deepEqual(
    positions,
    [...new Set(positions)].sort((x, y) => x - y),
    "each once, in order",
  );
  const first = positions[0] ?? 0;
  assert.equal(positions.length, (positions.at(-1) ?? 0) - first + 1, "none is missing");
  assert.ok(most <= 2, `at most two at once, and there were ${most}`);
  assert.ok(most === 2);
  await untilQuiet(a.supervisor, asked);
  const verdict = await judge(world, a.supervisor, asked);
  assert.deepEqual(
    { ...verdict, ambiguous: 0 },
    { asked: 30, lost: [], doubled: [], unseen: [], seenTwice: [], ambiguous: 0 },
  );
  const documents = await query(database, "select 1 from hq.event where type = 'handoff.seen'");
  assert.equal(documents.length, 30, "all watch one folder, and each file is taken by one");
  const actors = await query(database, "select distinct epoch from hq.outbox where type = 'dispatch'");
  assert.equal(actors.length, 3, "each did some");
  // With the next beat each says that it has heard all.
  for (;;) {
    const { body: later } = await a.supervisor.call("GET", "/health/ready");
    if (later.members.every(({ behind }: { behind: number }) => behind === 0)) break;
  }
  for (const { supervisor } of members) await supervisor.stop();
  assert.deepEqual(await query(database, "select 1 from hq.member"), []);
});

test("whichever of three supervisors is killed in the middle of work, all is done once and nothing is delayed by more than 15 seconds", {
  timeout: 240_000,
}, async (t) => {
  const { world, join: joinAs } = await createMembersWorld(t, postgres, {
    concurrency: 4,
    behaviour: { answer: () => ({ kind: "ok" }), handIn: () => "good", worksMs: () => 100 },
  });
  const members = new Map<string, Member>();
  for (const name of ["a", "b", "c"]) members.set(name, await joinAs(name));
  const all: string[] = [];
  for (const [round, victim] of ["a", "b", "c"].entries()) {
    const others = [...members.values()].filter(({ name }) => name !== victim);
    const dying = members.get(victim) as Member;
    const asking = Array.from({ length: 24 }, async (_, n) => {
      const key = `round-${round}-${n}`;
      const body = { agent: AGENTS[n % 3], objective: `job ${key}`, runId: key };
      const first = n % 2 === 0 ? dying : (others[n % others.length] as Member);
      // Where the answer did not come, another one is asked the same.
      return ask(first, key, body).catch(() => ask(others[0] as Member, key, body));
    });
    await Promise.race(asking);
    const killedAt = Date.now();
    dying.supervisor.child.kill("SIGKILL");
    await dying.supervisor.exited;
    const ids = await Promise.all(asking);
    all.push(...ids);
    await Promise.all(ids.map((id, n) => settled(others[n % others.length] as Member, id)));
    await untilQuiet((others[0] as Member).supervisor, ids);
    const tookMs = Date.now() - killedAt;
    t.diagnostic(`${victim} killed: all 24 done and posted after ${(tookMs / 1000).toFixed(1)} s`);
    assert.ok(tookMs < DELAY_MS + WORK_MS);
    members.set(victim, await joinAs(victim));
  }
  const verdict = await judge(world, (members.get("a") as Member).supervisor, all);
  assert.deepEqual(
    { ...verdict, ambiguous: 0 },
    { asked: 72, lost: [], doubled: [], unseen: [], seenTwice: [], ambiguous: 0 },
  );
  t.diagnostic(`marked ambiguous: ${verdict.ambiguous}`);
  assert.ok([...countOf(world.gateways.flatMap(({ posts }) => posts)).values()].length >= 72);
});

test("a handoff that is posted to another member than the one that sent the work is taken, and so is the run's token", async (t) => {
  const prompts: string[] = [];
  const gateway = await startFakeGateway({ onRun: ({ message }) => void prompts.push(message) });
  t.after(gateway.close);
  const { join: joinAs } = await createMembersWorld(t, postgres, {});
  const config = { HQ_CONFIG: await configWith(gateway.url) };
  const a = await joinAs("a", config);
  const b = await joinAs("b", config);
  const id = await ask(a, "one", { agent: "remote", objective: "Find the CTE of Zerodur" });
  await gateway.runsReach(1);
  const prompt = prompts[0] ?? "";
  const url = /https?:\/\/\S+\/api\/v1\/handoffs\/[\w.-]+/.exec(prompt)?.[0] ?? "";
  const token = /\bhqh\.\S+|Bearer (\S+)/.exec(prompt);
  assert.ok(url && token, prompt);
  const elsewhere = url.replace(/^https?:\/\/[^/]+/, b.supervisor.ready.api);
  const document = {
    schemaVersion: "1.0",
    runId: id,
    agent: "remote",
    status: "complete",
    result: "0.02 ppm/K",
    artifacts: [],
    confidence: "high",
    notes: "",
    timestamp: new Date().toISOString(),
  };
  const answer = await fetch(elsewhere, {
    method: "POST",
    headers: {
      authorization: `Bearer ${(token[1] ?? token[0]).replace(/["'`\\]+$/, "")}`,
      "content-type": "application/json",
    },
    body: JSON.stringify(document),
  });
  assert.ok(answer.ok, await answer.text());
  assert.equal((await settled(a, id)).status, "succeeded");

  // What is stopped or drained at one is so at all.
  await a.supervisor.call("POST", "/agents/remote/drain", {});
  const { body: drained } = await b.supervisor.call("GET", "/agents/remote");
  assert.equal(drained.state, "draining", JSON.stringify(drained));
  await ask(b, "two", { agent: "remote", objective: "waits" });
  await b.supervisor.call("POST", "/agents/remote/resume", {});
  await gateway.runsReach(2);
});

test("cut off from the database one member says so and goes on by itself; what it held is done by the other one meanwhile", {
  timeout: 120_000,
}, async (t) => {
  const way = await createCuttable();
  t.after(way.stop);
  const {
    world,
    database,
    join: joinAs,
  } = await createMembersWorld(t, postgres, {
    concurrency: 4,
    behaviour: { answer: () => ({ kind: "ok" }), handIn: () => "good", worksMs: () => 1500 },
  });
  const url = new URL(database);
  way.leadTo(Number(url.port));
  url.port = `${way.port}`;
  const a = await joinAs("a", { DATABASE_URL: url.href });
  const b = await joinAs("b");
  const ids = await Promise.all(
    Array.from({ length: 8 }, (_, n) => ask(a, `cut-${n}`, { agent: AGENTS[n % 3], objective: `cut ${n}` })),
  );
  way.cut();
  const cutAt = Date.now();
  const refused = await a.supervisor.call(
    "POST",
    "/delegations",
    { agent: AGENTS[0], objective: "refused" },
    { "idempotency-key": "refused" },
  );
  assert.equal(refused.status, 503);
  assert.equal(refused.body.code, "ledger_trouble");
  assert.match(refused.body.detail, /does not answer/);
  await Promise.all(ids.map((id) => settled(b, id)));
  t.diagnostic(`all settled by the other one after ${((Date.now() - cutAt) / 1000).toFixed(1)} s`);
  assert.ok(Date.now() - cutAt < DELAY_MS + WORK_MS);
  way.mend();
  const again = await askUntilAnswered(a, "back", { agent: AGENTS[0], objective: "it is back" });
  assert.equal((await settled(b, again)).status, "succeeded");
  await untilQuiet(b.supervisor, [...ids, again]);
  const verdict = await judge(world, b.supervisor, [...ids, again]);
  assert.deepEqual(
    { ...verdict, ambiguous: 0 },
    { asked: 9, lost: [], doubled: [], unseen: [], seenTwice: [], ambiguous: 0 },
  );
});

test("a member that stands still in the middle of work and wakes up doubles nothing, and works on", {
  timeout: 120_000,
}, async (t) => {
  const { world, join: joinAs } = await createMembersWorld(t, postgres, {
    concurrency: 2,
    behaviour: { answer: () => ({ kind: "ok" }), handIn: () => "good", worksMs: () => 200 },
  });
  const a = await joinAs("a");
  const b = await joinAs("b");
  const asking = Array.from({ length: 24 }, (_, n) =>
    askUntilAnswered(b, `still-${n}`, { agent: AGENTS[n % 3], objective: `still ${n}` }),
  );
  await Promise.race(asking);
  b.supervisor.child.kill("SIGSTOP");
  const stoppedAt = Date.now();
  // Whose answer does not come, asks another one.
  const ids = await Promise.all(
    Array.from({ length: 24 }, (_, n) =>
      ask(a, `still-${n}`, { agent: AGENTS[n % 3], objective: `still ${n}` }),
    ),
  );
  await Promise.all(ids.map((id) => settled(a, id)));
  t.diagnostic(`all settled ${((Date.now() - stoppedAt) / 1000).toFixed(1)} s after one stood still`);
  assert.ok(Date.now() - stoppedAt < DELAY_MS + WORK_MS);
  b.supervisor.child.kill("SIGCONT");
  assert.deepEqual(await Promise.all(asking), ids, "and it answers the same");
  const later = await askUntilAnswered(b, "later", { agent: AGENTS[0], objective: "later" });
  await settled(b, later);
  await untilQuiet(a.supervisor, [...ids, later]);
  const verdict = await judge(world, a.supervisor, [...ids, later]);
  assert.deepEqual(
    { ...verdict, ambiguous: 0 },
    { asked: 25, lost: [], doubled: [], unseen: [], seenTwice: [], ambiguous: 0 },
  );
});

/** Asked again under the same key until it is answered: by one that was cut off or stood still, without a restart. */
async function askUntilAnswered(member: Member, key: string, body: Record<string, unknown>): Promise<string> {
  for (;;) {
    const id = await ask(member, key, body).catch(() => undefined);
    if (id) return id;
  }
}

async function configWith(url: string): Promise<string> {
  const { mkdtempSync, writeFileSync } = await import("node:fs");
  const dir = mkdtempSync("/tmp/hq-members-config-");
  writeFileSync(
    join(dir, "agents.yaml"),
    `agents:\n  remote: { url: "${url}", concurrency: 1, browser_ports: false, handoff_via: rest }\n`,
  );
  writeFileSync(join(dir, "hq.yaml"), "api: { rate_per_minute: 100000 }\n");
  return dir;
}
