import assert from "node:assert/strict";
import test from "node:test";
import { adjustDeed } from "../../src/discord/adjust-run.ts";
import { refused } from "../../src/discord/answer.ts";
import type { Asked, CommandContext } from "../../src/discord/command.ts";
import { rejectDeed } from "../../src/discord/decide-gate.ts";
import { isRefusal } from "../../src/kernel/refusal.ts";
import { handoffOf, startCore } from "../support/core.ts";
import { temporaryFolder } from "../support/supervisor.ts";
import { approvalOf, stepOf, taskOf, workflowOf } from "../support/workflow.ts";

const OPERATOR = { kind: "operator" } as const;
const GATED = workflowOf("gated", [
  stepOf("look", taskOf("webster", "Look.")),
  stepOf("sign", approvalOf(), { needs: ["look"] }),
]);

test("every refusal of a change to a run says what to do next, at the command line and in Discord", async (t) => {
  using folder = temporaryFolder();
  const core = await startCore(folder.path, { workflows: [GATED] });
  t.after(() => core.stop());
  const { runs } = core.verbs;
  const run = "wf-hints";
  await runs.startRun(OPERATOR, { workflow: "gated", inputs: {}, runId: run, origin: { door: "cli" } });
  const context = { verbs: core.verbs, actor: OPERATOR } as unknown as CommandContext;
  const press = (subject: string) => ({ subject }) as unknown as Asked;
  const decide = (step?: string) =>
    runs.decideGate(OPERATOR, { run, decision: "approve", ...(step ? { step } : {}) });

  const rows: [string, () => Promise<unknown> | undefined, RegExp, RegExp][] = [
    ["no gate yet", () => decide(), /^No gate of wf-hints waits\.$/, /`hq workflow status wf-hints` shows/],
    ["a gate to come", () => decide("sign"), /^sign does not wait yet\.$/, /The gates are sign\./],
    ["no question", () => runs.acceptPartial(OPERATOR, run), /does not wait for an answer/, /after too many/],
    ["nothing to adjust", () => adjustDeed.opens?.(press(run), context), /^No failed step/, /shows how far/],
    ["the form alone", () => adjustDeed.execute(press(run), context), /nothing to adjust/, /`hq workflow s/],
  ];
  const refuseAll = async () => {
    for (const [name, act, said, hinted] of rows.splice(0)) {
      const thrown: unknown = await Promise.resolve()
        .then(act)
        .then(
          () => assert.fail(`${name}: it was not refused`),
          (error: unknown) => error,
        );
      assert.ok(isRefusal(thrown), `${name}: ${String(thrown)}`);
      assert.match(thrown.message, said, name);
      assert.match(thrown.hint ?? "", hinted, name);
      const { text } = refused(thrown);
      assert.match(text, /^⚠️ .+\n→ \S/, name);
      assert.doesNotMatch(text, /hq workflow (status|cancel|retry|approve|reject)/, name);
      assert.doesNotMatch(text, /`hq [^`]+`(?! on the command line)/, `${name}: where it is done`);
    }
  };
  await refuseAll();

  await core.until(`${run}.look`, "attempt.dispatched");
  await core.hand(`${run}.look`, handoffOf(`${run}.look`));
  await core.until(run, "gate.opened");
  const again = /`hq workflow rerun wf-hints --from (\w+|<step>)`/;
  rows.push(["already done", () => runs.skipStep(OPERATOR, run, "look"), /already succeeded/, again]);
  await refuseAll();

  await decide();
  await core.until(run, "run.settled");
  const gone = press(`${run}/sign/1/000000000000`);
  rows.push(
    ["canceled late", () => runs.cancelRun(OPERATOR, run), /already succeeded; there is nothing/, again],
    ["decided", () => decide("sign"), /^sign is already approved by operator\.$/, again],
    ["Reject… too late", () => rejectDeed.opens?.(gone, context), /already approved by operator/, again],
    ["Reject… alone", () => rejectDeed.execute(gone, context), /from another time/, /`hq workflow status`/],
    ["a settled run", () => runs.acceptPartial(OPERATOR, run), /does not wait for an answer/, /after too/],
    ["nothing failed", () => runs.retryRun(OPERATOR, run), /^Nothing of/, /`hq workflow rerun/],
  );
  await refuseAll();
});
