import { z } from "zod";
import { DELEGATION_STATUSES } from "../domain/delegation-types.ts";
import { inWords } from "../domain/schema-words.ts";
import { isRunId } from "../kernel/id.ts";
import { type Problem, Refusal } from "../kernel/refusal.ts";
import { nearest } from "../kernel/text.ts";
import { parseDuration } from "../kernel/time.ts";
import { MOST_CHANNEL_MESSAGES, MOST_RETRIES, readChannelId } from "./limits.ts";

const LONGEST_SPAN_MS = 30 * 86_400_000;

/** `90` (seconds), `"90s"`, `"5m"`, `"2h"` → milliseconds. */
export const span = (leastMs: number) =>
  z
    .union([z.string(), z.number()])
    .transform((said, context) => {
      const ms = parseDuration(said);
      if (ms !== undefined && ms >= leastMs && ms <= LONGEST_SPAN_MS) return ms;
      context.addIssue({
        code: "custom",
        message: `a span like 90 (seconds), 90s, 5m or 2h, ${leastMs > 0 ? "above 0 and " : ""}at most 30 days`,
      });
      return z.NEVER;
    })
    .describe("A span: 90 (seconds), 90s, 5m, 2h");
export const duration = span(1);

const channelId = z
  .string()
  .transform((said, context) => {
    const read = readChannelId(said);
    if ("id" in read) return read.id;
    context.addIssue({ code: "custom", message: read.wrong });
    return z.NEVER;
  })
  .describe("A Discord channel id, 17 to 20 digits");

export const word = z.string().trim().min(1).max(200);
export const runId = z
  .string()
  .refine(isRunId, "letters, digits and . _ ~ -, at most 80, beginning with a letter or digit");

export const delegateBody = z.strictObject({
  agent: word.optional().describe("Id, alias or letter; or capability instead"),
  capability: word.optional().describe("Whoever has it, may be asked and is free first"),
  fallback: z
    .union([z.boolean(), z.array(word).max(50)])
    .optional()
    .describe(
      "Others may do it when the agent cannot be given the work, or these; default only with capability",
    ),
  objective: z.string().refine((text) => text.trim() !== "", "say what is to be done"),
  model: word
    .optional()
    .describe("cheapest = by the rules of config/hq.yaml, or a model's name; default the agent's own"),
  caller: word.optional().describe("A claim of whom it is for; only the operator may make one"),
  // 0 is read, so that the engine says what the bounds are.
  timeout: span(0).optional().describe("For each attempt, from the dispatch on; 1 s to 48 h"),
  startWithin: span(0).optional().describe("How long it may wait for a free or living agent"),
  retries: z.int().min(0).max(MOST_RETRIES).optional(),
  validate: z.boolean().optional().describe("Refuse handoffs that lack any field"),
  format: z.enum(["json", "text"]).optional(),
  deliver: z.boolean().optional().describe("Whether the result is posted to #results"),
  agentPosts: z.strictObject({ channel: channelId }).optional().describe("The agent itself posts there too"),
  context: z
    .array(z.strictObject({ name: word, text: z.string() }))
    .max(20)
    .optional(),
  channelContext: z
    .strictObject({ channel: word, messages: z.int().min(1).max(MOST_CHANNEL_MESSAGES).optional() })
    .optional(),
  runId: runId.optional().describe("An id of your own; asking twice with the same content is a no-op"),
  parent: word.optional().describe("The delegation on whose behalf this one is"),
  workflow: z
    .strictObject({ run: word.optional(), step: word.optional() })
    .optional()
    .describe("For tracing"),
  budget: z
    .strictObject({ usd: z.number().positive().optional(), tokens: z.int().positive().optional() })
    .optional(),
  ifDown: z.enum(["refuse", "wait"]).optional().describe("When the agent does not answer now"),
});

export const number = (least: number, most: number) => z.coerce.number().int().min(least).max(most);
export const flag = z.enum(["true", "false"]).transform((said) => said === "true");

export const oneOrMore = <const Status extends string>(statuses: readonly Status[]) =>
  z
    .union([z.string(), z.array(z.string())])
    .transform((said) => [said].flat().flatMap((part) => part.split(",")))
    .pipe(z.array(z.enum(statuses)))
    .describe("One or more statuses, separated by commas");

export const delegationsQuery = z.strictObject({
  status: oneOrMore(DELEGATION_STATUSES).optional(),
  agent: word.optional(),
  open: flag.optional(),
  before: z.string().max(200).optional().describe("`next` of the page before"),
  limit: number(1, 200).optional(),
});

export const LONGEST_WAIT_MS = 60_000;
export const delegationQuery = z.strictObject({
  wait: duration
    .optional()
    .describe("Answer when it is settled, at the latest after this span (60s at most)"),
});
export const cancelBody = z.strictObject({ reason: z.string().max(1000).optional() }).nullish();
export const stopBody = z
  .strictObject({
    mode: z.enum(["graceful", "now"]).optional(),
    now: z
      .literal(true)
      .optional()
      .describe("End all work first, and begin none before the supervisor is started again"),
  })
  .refine((said) => said.now === undefined || said.mode !== "graceful", {
    path: ["now"],
    message: "all work at once, or gracefully: say one of the two",
  })
  .nullish();
export const handoffsQuery = z.strictObject({ run: word.optional(), limit: number(1, 1000).optional() });
export const agentQuery = z.strictObject({ probe: flag.optional() });
export const drainBody = z
  .strictObject({ reason: z.string().max(500).optional().describe("Said where people read of it") })
  .nullish();
export const aclQuery = z
  .strictObject({
    caller: word.describe("An agent, operator, role:<name> or user:<id>"),
    target: word.optional().describe("Whether the caller may delegate to this agent"),
    verb: word.optional().describe("Or whether the caller may do this"),
  })
  .refine(({ target, verb }) => (target === undefined) !== (verb === undefined), {
    path: ["target"],
    message: "name an agent, or a verb instead",
  });
export const contextQuery = z.strictObject({ messages: number(1, MOST_CHANNEL_MESSAGES).optional() });
export const eventsQuery = z.strictObject({
  after: number(0, Number.MAX_SAFE_INTEGER)
    .optional()
    .describe("The position of the last event that you have"),
  delegation: word
    .optional()
    .describe("Only this delegation, from its first event on unless `after` is given"),
  run: word.optional().describe("Only this run of a workflow, likewise"),
  task: word.optional().describe("Only this task of the queue, likewise"),
  as: z
    .enum(["event", "message"])
    .optional()
    .describe("`message`: frames without an event name, which a browser hands to `onmessage`"),
  brief: flag.optional().describe("Without bodies: `{position, stream, type, at, actor}`"),
});
export const idParams = z.strictObject({ id: z.string().max(200) });
export const nameParams = z.strictObject({ name: z.string().max(200) });
export const artifactParams = z.strictObject({ runId: z.string().max(200), name: z.string().max(300) });
export const runParams = z.strictObject({ runId: z.string().max(200) });

/** Checks one part of a request; throws `invalid_input` that names every problem with its place. */
export function readInput<Schema extends z.ZodType>(schema: Schema, input: unknown): z.output<Schema> {
  const read = schema.safeParse(input, { error: inWords });
  if (read.success) return read.data;
  const problems = read.error.issues.flatMap((issue) => problemsOf(schema, issue));
  const first = problems[0];
  throw new Refusal("invalid_input", first ? `${first.path || "input"}: ${first.message}` : "not valid", {
    problems,
  });
}

/** The schema of what is there when something is there. */
function bare(schema: z.ZodType): z.ZodType {
  return schema instanceof z.ZodOptional || schema instanceof z.ZodNullable
    ? bare(schema.unwrap() as z.ZodType)
    : schema;
}

function problemsOf(schema: z.ZodType, issue: z.core.$ZodIssue): readonly Problem[] {
  const path = issue.path.map(String).join(".");
  if (issue.code !== "unrecognized_keys") return [{ path, message: issue.message }];
  const object = bare(schema);
  const known = object instanceof z.ZodObject && path === "" ? Object.keys(object.shape) : [];
  return issue.keys.map((key) => {
    const meant = nearest(key, known);
    return {
      path: path ? `${path}.${key}` : key,
      message: meant ? `unknown key, did you mean ${meant}?` : "unknown key",
    };
  });
}
