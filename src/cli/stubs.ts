import { z } from "zod";
import type { WorkflowDefinition } from "../domain/workflow-types.ts";
import { type Problem, Refusal } from "../kernel/refusal.ts";
import { nearest } from "../kernel/text.ts";

const stub = z.strictObject({
  status: z.enum(["succeeded", "partial", "failed"]).default("succeeded"),
  result: z.string().optional(),
  output: z.unknown().optional(),
  confidence: z.enum(["high", "medium", "low"]).optional(),
  reason: z.string().optional(),
});
const stubs = z.strictObject({
  steps: z.record(z.string(), z.union([stub, z.array(stub)])).default({}),
  gates: z.record(z.string(), z.enum(["approve", "reject"])).default({}),
});

/** What a step, or an item of it, is said to have come to. */
export type Stub = z.output<typeof stub>;
/** By step; a list for the items of a fan-out, in their order. */
export type Stubs = z.output<typeof stubs>;

/** Checks the content of a --stubs file; every problem at once. */
export function readStubs(file: string, content: unknown, { steps }: WorkflowDefinition): Stubs {
  const read = stubs.safeParse(content);
  if (!read.success) {
    const problems = read.error.issues.map(({ path, message }) => ({ path: path.join("."), message }));
    throw new Refusal("invalid_input", `${file} is no file of stubs.`, {
      problems,
      hint: 'It looks like {"steps": {"research": {"result": "…"}}, "gates": {"sign-off": "approve"}}.',
    });
  }
  const idsOf = (isGate: boolean) =>
    steps.filter(({ action }) => (action.kind === "approval") === isGate).map(({ id }) => id);
  const problems = [
    ...strangers("steps", read.data.steps, idsOf(false)),
    ...strangers("gates", read.data.gates, idsOf(true)),
  ];
  if (problems.length === 0) return read.data;
  throw new Refusal("invalid_input", `${file} names what the workflow does not have.`, { problems });
}

function strangers(where: string, given: object, known: readonly string[]): readonly Problem[] {
  return Object.keys(given)
    .filter((id) => !known.includes(id))
    .map((id) => {
      const meant = nearest(id, known);
      const message = `there is no such ${where.slice(0, -1)}${meant ? `, did you mean ${meant}?` : ""}`;
      return { path: `${where}.${id}`, message };
    });
}
