import type { Problem } from "../kernel/refusal.ts";
import { nearest } from "../kernel/text.ts";
import { type Acl, mayAsk } from "./acl.ts";
import type { Actor } from "./actor.ts";
import type { Registry } from "./agent-card.ts";
import { readInput } from "./input-values.ts";
import { mayDo } from "./permissions.ts";
import type { InputDefinition, InputValue, TaskAction, WorkflowDefinition } from "./workflow-types.ts";

export type CheckedInputs =
  | { readonly ok: true; readonly inputs: Readonly<Record<string, InputValue>> }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** The inputs of a run from what somebody gave: read by their types, defaults filled in; every problem at once. */
export function checkInputs(
  definition: Pick<WorkflowDefinition, "name" | "inputs">,
  given: Readonly<Record<string, InputValue>>,
): CheckedInputs {
  const named = new Map<string, InputValue>();
  const problems: Problem[] = [];
  for (const [name, value] of Object.entries(given)) {
    const input = find(definition.inputs, name);
    if (!input) problems.push({ path: `inputs.${name}`, message: unknown(definition, name) });
    else if (named.has(input.name))
      problems.push({ path: `inputs.${name}`, message: "is given twice: names match in any case" });
    else named.set(input.name, value);
  }
  const inputs: Record<string, InputValue> = {};
  for (const input of definition.inputs) {
    const value = valueFor(input, named.get(input.name));
    if (value === undefined) {
      if (input.required) problems.push({ path: `inputs.${input.name}`, message: missing(input) });
      continue;
    }
    const read = readInput(input, value);
    if (read.ok) inputs[input.name] = read.value;
    else problems.push({ path: `inputs.${input.name}`, message: read.message });
  }
  return problems.length === 0 ? { ok: true, inputs } : { ok: false, problems };
}

/** An empty field of a form is as good as none, unless empty text is what is wanted. */
function valueFor(input: InputDefinition, given: InputValue | undefined): InputValue | undefined {
  const isEmpty = typeof given === "string" && given.trim() === "";
  if (given === undefined) return input.default;
  return isEmpty && (input.type !== "string" || input.required) ? input.default : given;
}

function missing({ type, options, description }: InputDefinition): string {
  const what = type === "choice" ? `one of ${options?.join(", ")}` : `a ${type}`;
  return `is needed: ${what}${description ? ` (${description})` : ""}`;
}

function find(inputs: readonly InputDefinition[], name: string): InputDefinition | undefined {
  const wanted = name.trim().toLowerCase();
  return (
    inputs.find((input) => input.name === name) ?? inputs.find((input) => input.name.toLowerCase() === wanted)
  );
}

function unknown({ name, inputs }: Pick<WorkflowDefinition, "name" | "inputs">, given: string): string {
  const names = inputs.map((input) => input.name);
  const near = nearest(given, names);
  if (near !== undefined) return `${name} has no input "${given}"; did you mean "${near}"?`;
  return `${name} has no input "${given}"; ${names.length > 0 ? `there are: ${names.join(", ")}` : "it takes none"}`;
}

/** Whoever asks must be allowed every agent and to read every channel of every step, also of nested workflows: nothing starts that could not end. */
export function permissionProblems(
  definition: WorkflowDefinition,
  nested: Readonly<Record<string, WorkflowDefinition>>,
  actor: Actor,
  acl: Acl,
  registry: Registry,
): readonly Problem[] {
  const answers = new Map<string, string | undefined>();
  const answerFor = (word: string, ask: () => string | undefined) => {
    if (!answers.has(word)) answers.set(word, ask());
    return answers.get(word);
  };
  const agentsOf = ({ agent, capability = "", workers }: TaskAction): readonly (string | undefined)[] => {
    if (workers) return workers.map((one) => answerFor(one, () => refusalOf(registry, acl, actor, one)));
    return [
      agent === undefined
        ? answerFor(`capability ${capability}`, () => nobodyFor(registry, acl, actor, capability))
        : answerFor(agent, () => refusalOf(registry, acl, actor, agent)),
    ];
  };
  const channel = readingProblem(acl, actor);
  return [definition, ...Object.values(nested)].flatMap((workflow) => {
    const within = workflow === definition ? "" : `${workflow.name}.`;
    return workflow.steps.flatMap(({ id, action }) => {
      if (action.kind !== "task") return [];
      const path = `${within}steps.${id}`;
      const problems = agentsOf(action).flatMap((message) => (message ? [{ path, message }] : []));
      return action.channelContext && channel !== undefined
        ? [...problems, { path: `${path}.channel_context`, message: channel }]
        : problems;
    });
  });
}

function readingProblem(acl: Acl, actor: Actor): string | undefined {
  const { allowed, text, hint } = mayDo(acl, actor, "context");
  return allowed ? undefined : [text, hint].filter(Boolean).join(" ");
}

function refusalOf(registry: Registry, acl: Acl, actor: Actor, word: string): string | undefined {
  const agent = registry.find(word);
  if (!agent) return `There is no agent "${word}" any more.`;
  const { allowed, text } = mayAsk(acl, actor, agent.id);
  return allowed ? undefined : text;
}

function nobodyFor(registry: Registry, acl: Acl, actor: Actor, capability: string): string | undefined {
  const answers = registry.able(capability).map(({ id }) => mayAsk(acl, actor, id));
  if (answers.length === 0) return `No agent has the capability "${capability}".`;
  if (answers.some(({ allowed }) => allowed)) return undefined;
  return `Nobody with the capability "${capability}" may be asked: ${answers.map(({ text }) => text).join(" ")}`;
}
