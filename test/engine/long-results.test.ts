import assert from "node:assert/strict";
import { join } from "node:path";
import test from "node:test";
import type { AgentCard } from "../../src/domain/agent-card.ts";
import type { DispatchRequest } from "../../src/engine/ports/agents.ts";
import { AGENT_IDS, cardOf, handoffOf, startCore } from "../support/core.ts";
import { temporaryFolder } from "../support/supervisor.ts";
import { stepOf, taskOf, workflowOf } from "../support/workflow.ts";

const LONG = `The answer is 0.007 ppm/K.\n\n${"Every reason in full. ".repeat(9400)}`;
const study = (more: Parameters<typeof taskOf>[2] = {}) =>
  workflowOf("study", [
    stepOf("look", taskOf("webster", "Look.")),
    stepOf("judge", taskOf("tech-lead", "Judge: ${{ steps.look.result }}", more), { needs: ["look"] }),
  ]);

function team(home: string, readers: readonly string[]): readonly AgentCard[] {
  const reads = [join(home, "handoffs")];
  return AGENT_IDS.map((id) =>
    cardOf(id, { capabilities: ["evaluation"], ...(readers.includes(id) ? { reads } : {}) }),
  );
}

/** A run whose first step handed in 200 KiB; what the second one's agent was sent, and what lay there at that moment. */
async function secondPrompt(
  home: string,
  script: Parameters<typeof startCore>[1] & { readonly readers?: readonly string[] },
) {
  let file: { result: string } | undefined;
  await using core = await startCore(home, {
    workflows: [study()],
    cards: team(home, script.readers ?? []),
    ...script,
    answer: (request: DispatchRequest) => {
      const run = request.idempotencyKey.replace(/\..*/, "");
      file = core.files.get(`${run}/look`) as typeof file;
      return { kind: "accepted" };
    },
  });
  const { run } = await core.verbs.runs.startRun(
    { kind: "operator" },
    { workflow: "study", inputs: {}, origin: { door: "cli" } },
  );
  await core.until(`${run.id}.look`, "attempt.dispatched");
  await core.hand(`${run.id}.look`, handoffOf(`${run.id}.look`, { result: LONG }));
  await core.until(`${run.id}.judge`, "attempt.dispatched");
  const message = core.sent.at(-1)?.message ?? "";
  await core.stop();
  return { message, file, path: join(home, "handoffs", "workflows", run.id, "look.json") };
}

test("200 KiB go on as a summary and a path, and the file is there before the agent is called", async () => {
  using folder = temporaryFolder();
  const { message, file, path } = await secondPrompt(folder.path, { readers: ["tech-lead"] });
  assert.ok(message.length < 8000, `${message.length} characters`);
  assert.match(message, /The answer is 0\.007 ppm\/K\./);
  assert.ok(message.includes(`\`${path}\``));
  assert.match(message, new RegExp(`\\[… cut: ${LONG.length} characters in all\\]`));
  assert.equal(file?.result, LONG);
});

test("an agent whose card does not say that it reads there gets what goes into its prompt", async () => {
  using folder = temporaryFolder();
  const { message } = await secondPrompt(folder.path, { readers: ["webster"] });
  assert.ok(message.length > 64 * 1024);
  assert.match(message, new RegExp(`\\[… cut: ${LONG.length} characters in all\\]`));
});

test("where others may do the step instead, all of them must be able to read the file", async () => {
  for (const [readers, isShort] of [
    [["tech-lead"], false],
    [AGENT_IDS, true],
  ] as const) {
    using folder = temporaryFolder();
    const workflows = [study({ fallback: true })];
    const { message } = await secondPrompt(folder.path, { readers, workflows });
    assert.equal(message.length < 8000, isShort, `${readers.length} readers`);
  }
});

test("a supervisor that dies once the file lies there, or before, writes it again and asks once", async () => {
  for (const point of ["start-child:claimed", "start-child:filed", "start-child:made"]) {
    using folder = temporaryFolder();
    let died = false;
    const crash = (at: string) => {
      if (at !== point || died) return;
      died = true;
      throw new Error(`died at ${point}`);
    };
    // The first step's own child passes the same points: only the second one's count.
    let armed = false;
    const home = folder.path;
    const core = await startCore(home, {
      workflows: [study()],
      cards: team(home, ["tech-lead"]),
      crash: (at) => {
        if (armed) crash(at);
      },
    });
    const operator = { kind: "operator" } as const;
    const request = { workflow: "study", inputs: {}, origin: { door: "cli" } } as const;
    const { run } = await core.verbs.runs.startRun(operator, request);
    await core.until(`${run.id}.look`, "attempt.dispatched");
    armed = true;
    await core.hand(`${run.id}.look`, handoffOf(`${run.id}.look`, { result: LONG }));
    while (!died) await new Promise(setImmediate);
    core.pass(60_000);
    await core.until(`${run.id}.judge`, "attempt.dispatched");
    assert.equal((core.files.get(`${run.id}/look`) as { result: string }).result, LONG);
    assert.equal(core.sent.length, 2, point);
    assert.ok((core.sent.at(-1)?.message.length ?? 0) < 8000);
    await core.stop();
  }
});
