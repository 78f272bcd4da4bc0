import { z } from "zod";
import { inWords } from "../domain/schema-words.ts";
import type { Stub, Stubs } from "../domain/simulate-run.ts";
import { parseResult } from "../domain/step-result.ts";
import type { StepDefinition, WorkflowDefinition } from "../domain/workflow-types.ts";
import { type Problem, Refusal } from "../kernel/refusal.ts";
import type { CheckSchema } from "../schemas/check-schema.ts";

const stub = z.strictObject({
  status: z.string().optional(),
  result: z.string().optional(),
  output: z.unknown().optional(),
  confidence: z.string().optional(),
  reason: z.string().optional(),
});
const stubs = z.strictObject({
  steps: z.record(z.string(), z.union([stub, z.array(stub)])).optional(),
  gates: z.record(z.string(), z.enum(["approve", "reject"])).optional(),
});

const EXAMPLE = '{"steps": {"research": {"result": "…"}}, "gates": {"sign-off": "approve"}}';

/** Checks the content of a --stubs file, results against the schemas that their steps expect; every problem at once. */
export function readStubs(
  file: string,
  content: unknown,
  { steps }: WorkflowDefinition,
  checkSchema: CheckSchema,
): Stubs {
  const read = stubs.safeParse(content, { error: inWords });
  if (!read.success) {
    const problems = read.error.issues.map(({ path, message }) => ({ path: path.join("."), message }));
    throw new Refusal("invalid_input", `${file} is no file of stubs.`, {
      problems,
      hint: `It looks like ${EXAMPLE}.`,
    });
  }
  const given = read.data as Stubs;
  const problems = steps.flatMap((step) =>
    [given.steps?.[step.id] ?? []]
      .flat()
      .flatMap((one: Stub) => misfitsOf(one, step, checkSchema))
      .map(({ path, message }) => ({ path: ["steps", step.id, path].filter(Boolean).join("."), message })),
  );
  if (problems.length === 0) return given;
  throw new Refusal("invalid_input", `${file} has results that no agent could hand in.`, { problems });
}

function misfitsOf(
  { status = "succeeded", result = "", output }: Stub,
  { action }: StepDefinition,
  checkSchema: CheckSchema,
): readonly Problem[] {
  const expect = action.kind === "task" ? action.expect : undefined;
  if (!expect || !["succeeded", "complete", "partial"].includes(status)) return [];
  const parsed = output === undefined ? parseResult(result) : { ok: true as const, value: output };
  const problems = parsed.ok
    ? checkSchema(expect.schema, parsed.value)
    : [{ path: "", message: `must be JSON: ${parsed.message}` }];
  return problems.map(({ path, message }) => ({ path, message: `${message} (${expect.file})` }));
}
