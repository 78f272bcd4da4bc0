import assert from "node:assert/strict";
import test from "node:test";
import { createRegistry } from "../../src/domain/agent-card.ts";
import type { DelegationInput, DelegationState, Order } from "../../src/domain/delegation-types.ts";
import type { Engine } from "../../src/engine/accept.ts";
import type { ArrivedHandoff } from "../../src/engine/ports/handoffs.ts";
import { createReceive } from "../../src/engine/receive.ts";
import { createCheckSchema } from "../../src/schemas/check-schema.ts";
import { cardOf, handoffOf } from "../support/core.ts";

const SOURCE = { path: "/in/one.json", digest: "d1", attempt: 1 } as const;
const PROBLEMS = [{ path: "", message: "is not UTF-8" }] as const;

/** What the engine is told of one arrival. */
async function told(
  arrived: Partial<ArrivedHandoff>,
  order: Partial<Order> | undefined,
  more: { reroutes?: DelegationState["reroutes"] } = {},
) {
  const streams: string[] = [];
  const inputs: (DelegationInput | { type: "stray"; run: string; problems: unknown })[] = [];
  const whole = { id: "one", agent: "webster", validate: true, format: "json", ...order };
  const state = order && ({ order: whole, reroutes: more.reroutes } as DelegationState);
  const engine = {
    read: async () => state,
    accept: async ({ stream, input }: { stream: string; input: (typeof inputs)[number] }) => {
      streams.push(stream);
      inputs.push(input);
      return { state, events: [{ type: "attempt.failed" }] };
    },
  } as unknown as Engine;
  const receive = createReceive({
    engine,
    registry: () => createRegistry([cardOf("webster"), cardOf("tech-lead", { aliases: ["technical-lead"] })]),
    checkSchema: createCheckSchema(),
    now: () => 7,
    crash: () => undefined,
  });
  await receive({ runId: "one", source: SOURCE, ...arrived } as ArrivedHandoff);
  const [input] = inputs;
  assert.ok(input && inputs.length === 1);
  return {
    input,
    stream: streams[0],
    problems: "problems" in input ? (input.problems as { path: string; message: string }[]) : [],
    handoff: input.type === "handoff" ? input.handoff : undefined,
  };
}
const good = (more: object = {}) => ({ ok: true as const, document: handoffOf("one", more) });

test("a file that is none is a bad handoff with the problems of reading it, known work or not", async () => {
  const bad = { ok: false as const, problems: PROBLEMS };
  const known = await told(bad, {});
  assert.deepEqual([known.input.type, known.problems], ["bad-handoff", PROBLEMS]);
  const stray = await told(bad, undefined);
  assert.deepEqual([stray.input.type, stray.problems], ["stray", PROBLEMS]);
  assert.deepEqual((await told(good(), undefined)).problems, []);
});

test("a stray is recorded once for its place and its bytes, and anew when either is another", async () => {
  const streamOf = async (more: object) =>
    (await told({ ...good(), source: { ...SOURCE, ...more } }, undefined)).stream;
  const first = await streamOf({});
  assert.equal(await streamOf({}), first);
  assert.notEqual(await streamOf({ digest: "d2" }), first);
  assert.notEqual(await streamOf({ path: "/in/two.json" }), first);
});

test("validation is as strict as was asked for, and what reading repaired is kept", async () => {
  const loose = { ...good({ status: "Complete" }), remarks: ["a mark was skipped"] };
  assert.equal((await told(loose, { validate: true })).input.type, "bad-handoff");
  const { handoff } = await told(loose, { validate: false });
  assert.equal(handoff?.status, "complete");
  assert.ok(handoff?.remarks?.includes("a mark was skipped"));
});

test("whoever had the work before may hand it in, nobody else", async () => {
  const theirs = good({ agent: "tech-lead" });
  const reroutes = [{ from: "tech-lead", to: "webster", at: 1, attempt: 1, why: "down" }];
  assert.equal((await told(theirs, {}, { reroutes })).input.type, "handoff");
  assert.equal((await told(theirs, {})).input.type, "bad-handoff");
  assert.equal((await told(good(), {}, { reroutes })).input.type, "handoff");
  const byAlias = good({ agent: "technical-lead" });
  assert.equal((await told(byAlias, { agent: "tech-lead" })).input.type, "handoff");
});

test("a result that another step computes with fits its schema, or says where it does not", async () => {
  const schema = { type: "object", properties: { parts: { type: "array" } }, required: ["parts"] };
  const expect = { file: "plan.json", schema };
  const handIn = (result: string, more: object = {}) => told(good({ result, ...more }), { expect });
  assert.equal((await handIn('Done.\n<result>\n{"parts": []}\n</result>')).handoff?.result, '{"parts": []}');
  for (const status of ["complete", "partial"]) {
    const wrong = await handIn('{"parts": 3}', { status });
    assert.deepEqual(
      wrong.problems.map(({ path }) => path),
      ["result.parts"],
      status,
    );
    assert.match(wrong.problems[0]?.message ?? "", /\(plan\.json\)$/);
  }
  const [missing] = (await handIn("{}")).problems;
  assert.equal(missing?.path.startsWith("result"), true);
  const [text] = (await handIn("it went well")).problems;
  assert.deepEqual(
    [text?.path, /must be JSON that fits plan\.json/.test(text?.message ?? "")],
    ["result", true],
  );
  for (const status of ["failed", "blocked"])
    assert.equal((await handIn("no licence", { status })).input.type, "handoff", status);
  const unable = await handIn('{"status":"error","reason":"no licence"}', { notes: "asked twice" });
  assert.deepEqual(
    [unable.handoff?.status, unable.handoff?.result, unable.handoff?.notes],
    ["failed", "no licence", "no licence\nasked twice"],
  );
});
