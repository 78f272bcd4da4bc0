import type { Acl } from "../domain/acl.ts";
import type { Registry } from "../domain/agent-card.ts";
import type { ConfigProblem } from "../domain/config.ts";
import { delegateOnBy } from "../domain/delegate-on.ts";
import { adviceOn } from "../domain/pattern-advice.ts";
import type { WorkflowDefinition } from "../domain/workflow-types.ts";
import { problemAt } from "./problems.ts";
import type { PlacedStep } from "./workflow-steps.ts";
import type { YamlSource } from "./yaml-source.ts";

/** The anti-patterns of a valid workflow, each at its place. */
export function adviceFor(
  definition: WorkflowDefinition,
  placed: readonly PlacedStep[],
  source: YamlSource,
  { acl, registry }: { readonly acl?: Acl | undefined; readonly registry: Registry },
): readonly ConfigProblem[] {
  const places = new Map(placed.map(({ step, path }) => [step.id, path]));
  const mayDelegateOn = acl && delegateOnBy(acl, registry);
  return adviceOn(definition, mayDelegateOn).map(({ name, isNote, step, keys, message, fix }) => {
    const path = [...(step === undefined ? [] : (places.get(step) ?? ["steps", step])), ...keys];
    const told = problemAt(source, path, `${name}: ${message}`, { suggestion: fix, part: "key" });
    return isNote ? { ...told, isNote } : told;
  });
}
