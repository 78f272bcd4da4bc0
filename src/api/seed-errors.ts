import type { FastifyError, FastifyInstance } from "fastify";
import { z } from "zod";
import type { Log } from "../engine/ports/log.ts";
import { newId } from "../kernel/id.ts";
import { REFUSALS, type Refusal } from "../kernel/refusal.ts";
import { oneLine } from "../kernel/text.ts";
import { shows } from "./outputs.ts";
import { refusalOf } from "./problem.ts";
import { SEED_CODES, type SeedError } from "./seed-codes.ts";

export const seedErrorOut = shows<SeedError>(
  z.object({
    error: z.object({
      code: z.string().describe("instance_down, unauthorized, bad_request, timeout, not_found, …"),
      message: z.string(),
      instance: z.string().optional(),
      timestamp: z.string(),
    }),
  }),
);
const refused = {
  description: "Refused",
  content: { "application/json": { schema: seedErrorOut } },
};
/** The documented refusals of the contract's routes. */
export const SEED_REFUSED = { "4xx": refused, "5xx": refused } as const;

/** Everything that there is to say stands in the message: the hint, and each place that is not acceptable. */
function messageOf({ message, hint, problems }: Refusal): string {
  const others = problems
    .filter(
      ({ path, message: what }) =>
        ![`${path}: ${what}`, `${path} ${what}`.trim()].some((told) => message.includes(told)),
    )
    .map(({ path, message: what }) => `${path || "body"}: ${what}`);
  const all = [message, ...others].join(message.endsWith(".") ? " " : "; ");
  return hint ? `${all} ${hint}` : all;
}

function seedErrorOf(refusal: Refusal, at: number): SeedError {
  const code = SEED_CODES[refusal.code] ?? refusal.code;
  return { error: { ...seedError(code, messageOf(refusal), at, refusal.instance) } };
}

export function seedError(code: string, message: string, at: number, instance?: string): SeedError["error"] {
  return {
    code,
    message,
    ...(instance === undefined ? {} : { instance }),
    timestamp: new Date(at).toISOString(),
  };
}

/** Every error of these routes leaves in the contract's form, and is logged with its instant and instance. */
export function answerWithSeedErrors(
  app: FastifyInstance,
  { log, now }: { readonly log: Log; readonly now: () => number },
): void {
  app.setErrorHandler((error: Partial<FastifyError>, request, reply) => {
    const at = now();
    const { method } = request;
    const route = request.routeOptions.url;
    const refusal = refusalOf(error);
    if (!refusal) {
      const bug = newId("bug", at);
      log.error({ bug, method, route, err: error }, "a request failed");
      const message = `Something broke in the supervisor; its log has the details under ${bug}.`;
      return reply.code(500).send({ error: seedError("bug", message, at) });
    }
    const body = seedErrorOf(refusal, at);
    const { code, instance, timestamp } = body.error;
    const text = oneLine(refusal.message, 500);
    log.warn({ method, route, code, timestamp, instance, text }, "an orchestrator request was refused");
    if (refusal.code === "unauthenticated") reply.header("www-authenticate", 'Bearer realm="atomizer-hq"');
    return reply.code(REFUSALS[refusal.code][0]).send(body);
  });
}
