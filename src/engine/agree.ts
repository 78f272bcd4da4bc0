import type { Acl } from "../domain/acl.ts";
import { type Actor, callerOf } from "../domain/actor.ts";
import type { Registry } from "../domain/agent-card.ts";
import { checkInputs, permissionProblems } from "../domain/workflow-check.ts";
import type { InputValue, WorkflowDefinition } from "../domain/workflow-types.ts";
import { type Problem, Refusal } from "../kernel/refusal.ts";
import { nearest } from "../kernel/text.ts";
import type { StartRunRequest, WorkflowEntry } from "./run-verbs.ts";

/** What a run is made of, once everything is as it must be. */
export type Agreed = {
  readonly definition: WorkflowDefinition;
  readonly nested: Readonly<Record<string, WorkflowDefinition>>;
  readonly inputs: Readonly<Record<string, InputValue>>;
};
export type Agree = (
  actor: Actor,
  request: Pick<StartRunRequest, "workflow" | "definition" | "inputs">,
) => Agreed;

/** The definition that the next run would use; an unknown name is refused with the nearest one. */
export function findWorkflow(entries: readonly WorkflowEntry[], word: string): WorkflowDefinition {
  const name = word.trim();
  const entry = entries.find((one) => one.name === name);
  if (entry?.definition) return entry.definition;
  if (entry) {
    throw new Refusal("invalid_input", `The workflow ${name} is not valid: ${entry.problems.join("; ")}`, {
      hint: "Mend the file; `hq check` names every place.",
    });
  }
  const names = entries.map((one) => one.name);
  const near = nearest(name, names);
  throw new Refusal("not_found", `There is no workflow "${name}".`, {
    hint: `${near ? `Did you mean ${near}? ` : ""}There are: ${names.join(", ") || "none"}.`,
  });
}

/** Inputs, permission of every step, agents, channels that are read: refused with every problem at once, before anything begins. */
export function createAgree(deps: {
  readonly workflows: () => readonly WorkflowEntry[];
  readonly registry: () => Registry;
  readonly acl: () => Acl;
}): Agree {
  const find = (name: string) => findWorkflow(deps.workflows(), name);
  return (actor, request) => {
    const definition = request.definition ?? find(request.workflow);
    const nested = nestedOf(definition, find);
    const checked = checkInputs(definition, request.inputs);
    const forbidden = permissionProblems(definition, nested, actor, deps.acl(), deps.registry());
    if (checked.ok && forbidden.length === 0) return { definition, nested, inputs: checked.inputs };
    const text = `${definition.name} cannot be started`;
    if (!checked.ok) throw problemsRefusal("invalid_input", text, [...checked.problems, ...forbidden]);
    const hint = `Every step is asked in the name of ${callerOf(actor)}; \`hq acl explain\` shows the rules.`;
    throw problemsRefusal("not_allowed", text, forbidden, hint);
  };
}

/** The definitions that a run needs beside its own, so that it carries them all. */
function nestedOf(
  definition: WorkflowDefinition,
  find: (name: string) => WorkflowDefinition,
): Agreed["nested"] {
  const nested: Record<string, WorkflowDefinition> = {};
  const open = [definition];
  for (let next = open.pop(); next; next = open.pop()) {
    for (const { action } of next.steps) {
      if (action.kind !== "workflow" || nested[action.workflow]) continue;
      const found = find(action.workflow);
      nested[action.workflow] = found;
      open.push(found);
    }
  }
  return nested;
}

export function problemsRefusal(
  code: "invalid_input" | "not_allowed",
  text: string,
  problems: readonly Problem[],
  hint?: string,
): Refusal {
  const said = problems.map(({ path, message }) => (path ? `${path} ${message}` : message));
  return new Refusal(code, `${text}: ${said.join("; ")}`, { problems, ...(hint ? { hint } : {}) });
}
