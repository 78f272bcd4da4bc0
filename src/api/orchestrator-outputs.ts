import { z } from "zod";
import { SHARE_STATUSES, type Share } from "../domain/share.ts";
import type {
  InstanceHealth,
  Registered,
  Sent,
  SessionView,
  SkillView,
  Spawned,
} from "../engine/orchestrator-verbs.ts";
import { instant, shows } from "./outputs.ts";
import type { SeedError } from "./seed-codes.ts";
import { seedError } from "./seed-errors.ts";

const error = z.object({ code: z.string(), message: z.string() });
const share = z.looseObject({
  instance: z.string(),
  agent: z.string(),
  status: z.enum(SHARE_STATUSES),
  result: z.string().optional(),
  notes: z.string().optional(),
  error: error.optional(),
  rerouted: z.object({ from: z.string(), to: z.string(), why: z.string() }).optional(),
  durationMs: z.number(),
  delegation: z.string().optional(),
});
export const fanoutOut = shows<readonly Share[]>(z.array(share).describe("In the order asked for"));

/** What failed, under the word by which the instance was asked for. */
export type RouteError = SeedError["error"] & Omit<Share, "error" | "result" | "notes" | "instance">;
export type RouteAnswer = {
  readonly results: Readonly<Record<string, Share>>;
  readonly errors: Readonly<Record<string, RouteError>>;
};
const timed = z.looseObject({ code: z.string(), message: z.string(), timestamp: z.string() });
export const routeOut = shows<RouteAnswer>(
  z.object({ results: z.record(z.string(), share), errors: z.record(z.string(), timed) }),
);

export function routeAnswer(shares: readonly Share[], at: number): RouteAnswer {
  const results: Record<string, Share> = {};
  const errors: Record<string, RouteError> = {};
  for (const share of shares) {
    const { error: failed, instance, result: _result, notes: _notes, ...rest } = share;
    if (failed) errors[instance] = { ...seedError(failed.code, failed.message, at, instance), ...rest };
    else results[instance] = share;
  }
  return { results, errors };
}

export const spawnedOut = shows<Omit<Spawned, "repeated">>(
  z.object({ sessionId: z.string(), token: z.string(), instance: z.string(), agent: z.string() }),
);
export const sentOut = shows<Sent>(
  z.looseObject({
    ok: z.boolean(),
    sessionId: z.string(),
    turn: z.int(),
    agent: z.string(),
    reply: z.string().optional(),
    error: error.optional(),
    durationMs: z.number(),
    delegation: z.string(),
  }),
);
const session = z.looseObject({
  sessionId: z.string(),
  instance: z.string(),
  agent: z.string(),
  status: z.enum(["open", "busy", "closed"]),
  persistent: z.boolean(),
  spawnedAt: instant,
  by: z.string(),
  turns: z.array(z.looseObject({ turn: z.int(), at: instant, delegation: z.string() })),
});
export const sessionOut = shows<SessionView>(session);
export const sessionsOut = shows<{ readonly items: readonly SessionView[] }>(
  z.object({ items: z.array(session) }),
);

export type HealthWords = Readonly<Record<string, "healthy" | "down" | InstanceHealth>>;
export const instancesOut = shows<HealthWords>(
  z.record(z.string(), z.union([z.enum(["healthy", "down"]), z.looseObject({ status: z.string() })])),
);
export const coordinatorOut = shows<{ readonly status: "healthy" | "down"; readonly version: string }>(
  z.object({ status: z.enum(["healthy", "down"]), version: z.string() }),
);

const skill = z.looseObject({
  skillId: z.string(),
  at: instant,
  by: z.string(),
  agents: z.array(z.string()).describe("Who registered it"),
  cards: z.array(z.string()).describe("Who has it in config/agents.yaml"),
});
export const registeredOut = shows<Registered>(
  z.looseObject({ skill, card: z.looseObject({ agent: z.string() }).optional() }),
);
export const skillsOut = shows<{ readonly items: readonly SkillView[] }>(z.object({ items: z.array(skill) }));
