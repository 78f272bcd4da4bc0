import assert from "node:assert/strict";
import test from "node:test";
import { handIn, type Job, startTeam } from "./team.ts";

const call = async ({ address, token }: Job, path: string, body?: object) => {
  const response = await fetch(`${new URL(address).origin}/api/v1${path}`, {
    ...(body ? { method: "POST", body: JSON.stringify(body) } : {}),
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
  });
  return { status: response.status, body: (await response.json()) as any };
};

test("an agent notes at the item of its own run with that run's token, and the note holds the next stage", async (t) => {
  const seen: Record<string, unknown> = {};
  const test = { type: "test", name: "refresh", status: "fail", evidence: "ci/1" };
  const team = await startTeam(t, {
    more: () => ({ "tech-lead": { skills: ["python-backend"] }, auditor: { skills: ["sanity-check"] } }),
    parts: {
      "tech-lead": async (job) => {
        const item = `/work/items/${job.run}`;
        seen.noted = (await call(job, `${item}/notes`, { notes: [test] })).status;
        seen.read = (await call(job, item)).body.telemetry.tests.length;
        const other = job.run.replace("stage-0", "stage-1");
        seen.other = (await call(job, `/work/items/${other}/notes`, { notes: [test] })).status;
        seen.list = (await call(job, "/work")).status;
        seen.made = (await call(job, "/work", { title: "x" })).status;
        handIn(job);
      },
    },
  });
  const stages = [
    { capability: "implement", goal: "Build" },
    { capability: "verification", goal: "Verify" },
  ];
  const made = await team.call("POST", "/pipelines", { name: "build", stages });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  const { id } = made.body;
  await team.call("GET", `/runs/${id}?wait=30s&untilGate=true`);
  assert.deepEqual(seen, { noted: 200, read: 1, other: 404, list: 403, made: 403 });
  const held = await team.call("POST", `/pipelines/${id}/advance`);
  assert.deepEqual([held.body.outcome, held.body.stage], ["blocked", 0]);
  const passed = await team.call("POST", `/pipelines/${id}/stages/0/override`, { reason: "flaky" });
  assert.equal(passed.body.stages[0].override.reason, "flaky");
  const { body: run } = await team.call("GET", `/runs/${id}?wait=30s&untilGate=true`);
  assert.equal(run.status, "succeeded", run.reason);
});

test("the same key asks for the same pipeline once, also by hand; other content is refused", async (t) => {
  const team = await startTeam(t, { more: () => ({ auditor: { skills: ["sanity-check"] } }) });
  const send = (body: object, key: string) =>
    team.call("POST", "/pipelines", body, { "idempotency-key": key });
  for (const manual of [false, true]) {
    const body = { name: "check", stages: [{ capability: "verification", goal: "Look" }], manual };
    const key = `night-${manual}`;
    const [one, two] = [await send(body, key), await send(body, key)];
    assert.equal(one.status, 201, JSON.stringify(one.body));
    assert.equal(one.body.id, two.body.id);
    const other = await send({ ...body, stages: [{ capability: "gating", goal: "Look" }] }, key);
    assert.deepEqual([other.status, other.body.code], [409, "key_reused"]);
  }
});
