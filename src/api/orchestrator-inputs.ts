import { z } from "zod";
import { flag, number, span, word } from "./inputs.ts";
import { MOST_RETRIES } from "./limits.ts";

/** How long one request waits at most; the same Idempotency-Key goes on waiting. */
const LONGEST_CALL_MS = 600_000;
export const USUAL_CALL_MS = 60_000;

const limit = span(0)
  .refine((ms) => ms <= LONGEST_CALL_MS, "at most 10 minutes; the same Idempotency-Key goes on waiting")
  .optional()
  .describe("How long results are waited for (60s); 0 = not at all. What is late goes on");
const words = z
  .union([word, z.array(word).min(1).max(100)])
  .transform((said) => [said].flat())
  .describe("Ids, aliases, letters or ranges of letters: A-H");
const payload = z
  .record(z.string(), z.unknown())
  .describe("What is to be done: the text of task, objective or message, else the JSON itself");
const common = {
  timeout: limit,
  retries: z
    .int()
    .min(0)
    .max(MOST_RETRIES)
    .optional()
    .describe("Further attempts after a failed one, and further looks at an instance that is down"),
  reroute: z.boolean().optional().describe("A healthy instance may do it for one that is down"),
  deliver: z.boolean().optional().describe("Whether results are posted to #results (false)"),
  parent: word.optional().describe("The delegation on whose behalf this is"),
  caller: word.optional().describe("A claim of whom it is for; only the operator may make one"),
};

export const routeBody = z.strictObject({
  instances: words,
  payload,
  mode: z
    .enum(["all", "one", "balance"])
    .optional()
    .describe("All of them (the default), the first healthy one, or the least busy one, turn about"),
  ...common,
});

export const fanoutBody = z.strictObject({
  targets: words,
  payload: payload.optional().describe("Without one it is a roll call"),
  aggregate: z
    .boolean()
    .optional()
    .describe("Wait and put the results together (true), or only hand over (false)"),
  ...common,
});

const sessionId = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9_-]{0,59}$/,
    "letters, digits, dash and underscore, at most 60, beginning with a letter or digit",
  );
export const spawnBody = z.strictObject({
  sessionId,
  instance: word.optional().describe("The agent that it is with; without one the first healthy one"),
  caller: word.optional().describe("A claim of whom it is for; only the operator may make one"),
});
export const sendBody = z.strictObject({
  sessionId,
  token: z.string().max(512).optional().describe("What the spawn answered"),
  data: payload,
  timeout: limit.describe("How long the reply is waited for (60s), and the turn before it"),
  retries: common.retries,
  caller: common.caller,
});
export const closeBody = z.strictObject({ token: z.string().max(512).optional() }).nullish();
export const sessionsQuery = z.strictObject({ open: flag.optional(), limit: number(1, 200).optional() });

export const healthQuery = z.strictObject({
  instances: z
    .union([z.string().max(2000), z.array(word)])
    .transform((said) => [said].flat())
    .optional()
    .describe("A-H, or ids with commas; all when absent"),
  detail: flag.optional().describe("Objects with the state and its reason in place of words"),
});

export const registerBody = z.strictObject({
  skillId: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$/, "one word of letters, digits, dots, dashes and underscores"),
  instance: word.optional().describe("The agent that has it; it must stand in the registry"),
  version: z.string().max(80).optional(),
  description: z.string().max(1000).optional(),
});
