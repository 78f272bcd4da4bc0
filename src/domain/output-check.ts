import type { StepDefinition } from "./workflow-types.ts";

/** A person has a day to let a failed check pass. */
export const OVERRIDE_WITHIN_MS = 24 * 3_600_000;

/** What an agent is told whose work is looked at afterwards. */
export const NOTE_YOUR_WORK =
  "Note what you make, test and find while you work, under your run id: `hq work note <run id> --test name=pass --artifact code=<path> --finding '…'`.";

/** The gate behind a step whose output is checked. */
export const checkStep = (step: string) => `${step}-check`;

/** It is there only when the check says fail: what needs the step waits for people then. `spoken` names the step for them. */
export function checkAfter(
  { id, cleanup, continueOnError }: Pick<StepDefinition, "id" | "cleanup" | "continueOnError">,
  spoken: string,
): StepDefinition {
  const said = `steps.${id}.verdict == 'fail'`;
  return {
    id: checkStep(id),
    needs: [id],
    // A failure that is tolerated has nothing that could be promoted.
    if: continueOnError ? `${said} && steps.${id}.status != 'failed'` : said,
    continueOnError: false,
    cleanup,
    passesWhenSkipped: true,
    action: {
      kind: "approval",
      gate: {
        prompt: `sanity-check says fail of ${spoken}: \${{ steps.${id}.issues }}. Let it pass all the same? Say why.`,
        approvers: [],
        min: 1,
        preventSelfApproval: false,
        timeoutMs: OVERRIDE_WITHIN_MS,
        onTimeout: "reject",
        escalateTo: [],
      },
    },
  };
}
