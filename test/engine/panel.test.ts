import assert from "node:assert/strict";
import test from "node:test";
import type { PanelVerdict } from "../../src/domain/panel.ts";
import { handoffOf, startCore } from "../support/core.ts";
import { temporaryFolder } from "../support/supervisor.ts";
import { writtenWorkflow } from "../support/written-workflow.ts";

const PANEL = `name: five
steps:
  draft: { agent: webster, task: "Draft." }
  verdict:
    needs: [draft]
    retry: { max_attempts: 1 }
    panel:
      proposal: "Build this: \${{ steps.draft.result }}"
      criteria: [risk, effort]
      quorum: QUORUM
      roles:
        - { role: thermal, agent: tech-lead }
        - { role: cost, agent: optimizer }
        - { role: quality, agent: auditor }
        - { role: cad, agent: nx-expert }
        - { role: planning, agent: manager }
  tell:
    needs: [verdict]
    agent: secretary
    task: "Tell the verdict \${{ steps.verdict.confidence }}: \${{ steps.verdict.output.verdict }} \${{ toJSON(steps.verdict.output.dissent) }}"
`;

const voteOf = (verdict: string, recommendation = `I say ${verdict}.`) =>
  JSON.stringify({
    expert_role: "x",
    verdict,
    confidence: "high",
    assessment: { strengths: [], concerns: [], risks: [], alternatives: [] },
    recommendation,
  });

async function panelOf(home: string, quorum: number) {
  const core = await startCore(home, {
    workflows: [writtenWorkflow(home, "five", PANEL.replace("QUORUM", String(quorum)))],
  });
  const { run } = await core.verbs.runs.startRun(
    { kind: "operator" },
    {
      workflow: "five",
      inputs: {},
      origin: { door: "cli" },
    },
  );
  async function answer(step: string, agent: string, more: object) {
    const child = `${run.id}.${step}`;
    await core.until(child, "attempt.dispatched");
    await core.hand(child, handoffOf(child, { agent, ...more }));
  }
  await answer("draft", "webster", { result: "a mirror cell" });
  await answer("verdict-thermal", "tech-lead", { result: voteOf("approve") });
  await answer("verdict-cost", "optimizer", { result: voteOf("reject", "Too dear by half.") });
  // One fails, and one hands in a value that the scale does not have.
  await answer("verdict-quality", "auditor", { status: "failed", notes: "the drawings are missing" });
  await answer("verdict-cad", "nx-expert", { result: voteOf("maybe") });
  await answer("verdict-planning", "manager", { result: voteOf("strong_approve") });
  const state = () => core.verbs.runs.run(run.id);
  const step = async (id: string) => {
    const found = (await state()).steps.find((one) => one.id === id);
    assert.ok(found);
    return found;
  };
  return { core, run, answer, state, step };
}

test("of a panel of five one fails and one answers nonsense: three votes make the verdict, and both are named", async () => {
  using folder = temporaryFolder();
  const { core, run, answer, state, step } = await panelOf(folder.path, 3);
  await using _ = core;
  await answer("tell", "secretary", { result: "told" });
  await core.until(run.id, "run.settled");
  const verdict = await step("verdict");
  const output = verdict.output as PanelVerdict;
  assert.equal(verdict.status, "partial");
  assert.deepEqual([output.verdict, output.confidence], ["approve", "low"]);
  assert.deepEqual(
    output.votes.map(({ role, agent, verdict: rating }) => `${role} ${agent} ${rating}`),
    ["thermal tech-lead approve", "cost optimizer reject", "planning manager strong_approve"],
  );
  assert.deepEqual(output.dissent, [
    { role: "cost", agent: "optimizer", verdict: "reject", quote: "Too dear by half." },
  ]);
  assert.deepEqual(
    output.missing.map(({ role, agent }) => `${role} ${agent}`),
    ["quality auditor", "cad nx-expert"],
  );
  assert.match(output.missing[0]?.why ?? "", /the drawings are missing/);
  assert.match(output.missing[1]?.why ?? "", /verdict/);
  assert.match(verdict.reason ?? "", /3 of 5 experts have voted; missing: quality/);
  // Partial work is never called a success, and the step after it is told so.
  assert.equal((await state()).status, "partial");
  const last = core.sent.at(-1)?.message ?? "";
  assert.match(last, /Tell the verdict low/);
  assert.match(last, /Too dear by half\./);
  assert.match(last, /the result of the step verdict is partial/);
});

test("each expert is asked alone, in its role, with the criteria and the whole scale", async () => {
  using folder = temporaryFolder();
  const { core } = await panelOf(folder.path, 3);
  await using _ = core;
  const asked = core.sent.find(({ message }) => message.includes("judges as cost"))?.message ?? "";
  assert.match(asked, /Judge by: risk, effort/);
  assert.match(asked, /strong_approve \/ approve \/ neutral \/ reject \/ strong_reject/);
  assert.match(asked, /<<<data-[\w-]+\na mirror cell\ndata-[\w-]+>>>/);
  assert.doesNotMatch(asked, /thermal|planning|\$\{\{/);
});

test("below the quorum the panel fails and says who is missing; a retry asks those again and concludes anew", async () => {
  using folder = temporaryFolder();
  const { core, run, answer, state, step } = await panelOf(folder.path, 4);
  await using _ = core;
  await core.until(run.id, "run.settled");
  const failed = await step("verdict");
  assert.equal(failed.status, "failed");
  assert.match(
    failed.reason ?? "",
    /3 of 5 experts have voted, and 4 are needed; missing: quality \(.*; cad \(/,
  );
  assert.equal((failed.output as PanelVerdict).verdict, undefined);
  assert.equal((await step("tell")).status, "skipped");
  assert.equal((await state()).status, "failed");

  await core.verbs.runs.retryRun({ kind: "operator" }, run.id, { step: "verdict" });
  await answer("verdict-quality~2", "auditor", { result: voteOf("approve") });
  await answer("verdict-cad~2", "nx-expert", { result: voteOf("approve") });
  await answer("tell", "secretary", { result: "told" });
  await core.until(run.id, "run.settled", 2);
  assert.equal((await step("verdict")).status, "succeeded");
  assert.equal((await state()).status, "succeeded");
});

const GATED = `name: gated
steps:
  verdict:
    approval_gate: true
    panel:
      proposal: Build this
      roles: [{ role: thermal, agent: tech-lead }, { role: cost, agent: optimizer }]
`;

for (const { decision, asked, ends } of [
  { decision: "approve", asked: 2, ends: "running" },
  { decision: "reject", asked: 0, ends: "failed" },
] as const) {
  test(`behind a gate no expert is asked before people decide: ${decision} asks ${asked}`, async () => {
    using folder = temporaryFolder();
    const core = await startCore(folder.path, {
      workflows: [writtenWorkflow(folder.path, "gated", GATED)],
    });
    const operator = { kind: "operator" } as const;
    const { run } = await core.verbs.runs.startRun(operator, {
      workflow: "gated",
      inputs: {},
      origin: { door: "cli" },
    });
    await core.settled();
    assert.equal(core.sent.length, 0);
    await core.verbs.runs.decideGate(operator, {
      run: run.id,
      step: "verdict-gate",
      decision,
      reason: "as planned",
    });
    await core.settled();
    assert.equal(core.sent.length, asked);
    assert.equal((await core.verbs.runs.run(run.id)).status, ends);
    await core.stop();
  });
}
