import type { StepDefinition } from "../../src/domain/workflow-types.ts";
import { stepOf, taskOf } from "./workflow.ts";

/** The panel `v` whose consensus an agent writes, as the loader makes it. `more` is of its experts. */
export function writtenPanel(
  roles: readonly string[],
  quorum: number,
  more: Partial<StepDefinition> = {},
): readonly StepDefinition[] {
  const experts = roles.map((role) => ({ role, step: `v-${role}` }));
  const asked = experts.map(({ step }) => step);
  return [
    ...asked.map((id) => stepOf(id, taskOf("webster", "Judge."), { continueOnError: true, ...more })),
    stepOf(
      "v-votes",
      { kind: "conclusion", of: { kind: "votes", experts, quorum } },
      { needs: asked, continueOnError: true },
    ),
    stepOf("v-consensus", taskOf("auditor", "Write."), {
      needs: ["v-votes"],
      if: "steps.v-votes.output.verdict",
      continueOnError: true,
      passesWhenSkipped: true,
    }),
    stepOf(
      "v",
      { kind: "conclusion", of: { kind: "panel", experts, quorum, consensus: "v-consensus" } },
      { needs: [...asked, "v-votes", "v-consensus"] },
    ),
  ];
}
