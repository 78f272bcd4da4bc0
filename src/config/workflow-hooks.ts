import { checkAfter, checkStep, NOTE_YOUR_WORK } from "../domain/output-check.ts";
import type { PostHook } from "../domain/pipeline-types.ts";
import type { StepAction } from "../domain/workflow-types.ts";
import { NAME } from "./workflow-schema.ts";
import type { PlacedStep, StepSurroundings } from "./workflow-steps.ts";

/** A step with what follows its end; where that checks its output, the gate behind it is a step of its own. */
export function withHooks(
  { step, ...where }: PlacedStep,
  hooks: readonly PostHook[] | undefined,
  { file, findings }: Pick<StepSurroundings, "file" | "findings">,
): readonly PlacedStep[] {
  if (hooks === undefined) return [{ step, ...where }];
  const at = [...where.path, "post_hooks"];
  const isNamed = step.action.kind === "task" && step.action.capability !== undefined;
  if (hooks.includes("skill-lifecycle") && !isNamed)
    findings.warning(
      at,
      "skill-lifecycle knows no skill here",
      "name a capability in place of an agent",
      "key",
    );
  const hooked = { ...step, postHooks: hooks, ...(hooks.length > 0 ? { action: told(step.action) } : {}) };
  if (!hooks.includes("sanity-check")) return [{ step: hooked, ...where }];
  const id = checkStep(step.id);
  const taken = `needs the name "${id}", and there is a step of that name`;
  if (!NAME.test(id)) findings.problem(at, `makes a step "${id}", whose name is too long`, undefined, "key");
  if (Object.hasOwn(file.steps, id)) {
    findings.problem(at, taken, "rename that step", "key");
    return [{ step: hooked, ...where }];
  }
  const check = checkAfter(step, step.id);
  return [
    { step: { ...hooked, isChecked: true }, ...where },
    { step: check, path: at, needsAt: at, isChecked: true, isCheck: true },
  ];
}

/** A template's prompt ends with what the answer is to look like; nothing is added to that. */
function told(action: StepAction): StepAction {
  const isOwnText = action.kind === "task" && action.template === undefined;
  return isOwnText ? { ...action, task: `${action.task}\n\n${NOTE_YOUR_WORK}` } : action;
}

/** Whoever needs a step whose output is checked waits for that check as well. */
export function heldByChecks(placed: readonly PlacedStep[]): readonly PlacedStep[] {
  const checked = new Set(placed.flatMap(({ step }) => (step.isChecked ? [step.id] : [])));
  if (checked.size === 0) return placed;
  return placed.map((one) => {
    if (one.isCheck || !one.step.needs.some((need) => checked.has(need))) return one;
    const checks = one.step.needs.filter((need) => checked.has(need)).map(checkStep);
    return { ...one, step: { ...one.step, needs: [...one.step.needs, ...checks] } };
  });
}
