import { z } from "zod";
import type { AclAnswer } from "../domain/acl.ts";
import { DELEGATION_STATUSES } from "../domain/delegation-types.ts";
import type { Receipt } from "../domain/delivery-types.ts";
import { CONFIDENCES, HANDOFF_STATUSES } from "../domain/handoff-types.ts";
import { VERBS, type VerbAnswer } from "../domain/permissions.ts";
import type { DelegationView } from "../domain/view.ts";
import type { ChannelHistory } from "../engine/ports/channels.ts";
import type { Page, StoredEvent } from "../engine/ports/ledger.ts";
import type { UploadAnswer } from "../engine/upload.ts";
import type { AgentStatus, HandoffRecord, Health, StoppedNow } from "../engine/verbs.ts";
import type { ProblemDocument } from "./problem.ts";

/**
 * What the routes answer, for the OpenAPI document. Answers are the inside's own types and are not checked again
 * on the way out: a newer field is shown, not dropped. A test holds both together.
 */
export function shows<T>(schema: z.ZodType): z.ZodType<T> {
  return schema as z.ZodType<T>;
}

export const instant = z.number().describe("Epoch milliseconds");
const problem = z.object({ path: z.string(), message: z.string() });

export const problemOut = shows<ProblemDocument>(
  z.looseObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.string(),
    hint: z.string().optional(),
    problems: z.array(problem).optional(),
  }),
);

const handoff = z.looseObject({
  schemaVersion: z.string(),
  runId: z.string(),
  agent: z.string(),
  status: z.enum(HANDOFF_STATUSES),
  result: z.string(),
  artifacts: z.array(z.string()),
  confidence: z.enum(CONFIDENCES).optional(),
  notes: z.string(),
  timestamp: z.string().optional(),
});

const delegation = z.looseObject({
  id: z.string(),
  status: z.enum(DELEGATION_STATUSES),
  agent: z.string(),
  model: z
    .looseObject({
      wanted: z.string(),
      model: z.string().optional(),
      why: z.string(),
      usd: z.number().optional(),
    })
    .optional()
    .describe("The model that was asked for or chosen, and why; without a name it is the agent's own"),
  warnings: z.array(z.string()).optional().describe("What is not as whoever asked would think"),
  caller: z.string(),
  asker: z.string(),
  objective: z.string(),
  attempt: z.int(),
  maxAttempts: z.int(),
  timeoutMs: z.number(),
  queuedAt: instant,
  dispatchedAt: instant.optional(),
  deadlineAt: instant.optional(),
  settledAt: instant.optional(),
  waiting: z.looseObject({ reason: z.string(), text: z.string(), untilAt: instant }).optional(),
  code: z.string().optional(),
  reason: z.string().optional(),
  problems: z.array(problem),
  handoff: handoff.optional(),
});
export const delegationOut = shows<DelegationView>(delegation);
export const delegationsOut = shows<Page<DelegationView>>(
  z.object({ items: z.array(delegation), next: z.string().optional() }),
);
export const repeatedOut = shows<DelegationView>(
  delegation.describe("The delegation that the same key or run id began before"),
);

export const eventsOut = shows<{ readonly items: readonly StoredEvent[] }>(
  z.object({
    items: z.array(
      z.looseObject({
        position: z.int(),
        stream: z.string(),
        version: z.int(),
        at: instant,
        type: z.string(),
        body: z.unknown(),
        cause: z.string(),
        actor: z.string(),
      }),
    ),
  }),
);

export const receiptsOut = shows<{ readonly items: readonly Receipt[] }>(
  z.object({
    items: z.array(
      z.looseObject({
        delivery: z.string(),
        part: z.int(),
        channel: z.string(),
        message: z.string(),
        postedAt: instant,
      }),
    ),
  }),
);

export const handedInOut = shows<{
  readonly runId: string;
  readonly status: string;
  readonly repeated: boolean;
}>(z.object({ runId: z.string(), status: z.enum(DELEGATION_STATUSES), repeated: z.boolean() }));

export const uploadedOut = shows<UploadAnswer>(
  z.object({
    runId: z.string(),
    name: z.string(),
    digest: z.string(),
    bytes: z.number(),
    artifact: z.string(),
    repeated: z.boolean(),
  }),
);

export const handoffsOut = shows<{ readonly items: readonly HandoffRecord[] }>(
  z.object({
    items: z.array(
      z.looseObject({
        at: instant,
        run: z.string(),
        agent: z.string().optional(),
        verdict: z.string(),
        path: z.string(),
        attempt: z.int(),
        digest: z.string(),
        problems: z.array(problem),
      }),
    ),
  }),
);

const agent = z.looseObject({
  card: z.looseObject({
    id: z.string(),
    name: z.string(),
    url: z.string(),
    capabilities: z.array(z.string()),
  }),
  state: z
    .enum(["up", "down", "busy", "draining", "unauthorized", "unknown"])
    .describe("What counts first: answers and takes our token, gets new work, has room"),
  since: instant,
  draining: z.looseObject({ at: instant, by: z.string(), reason: z.string().optional() }).optional(),
  unsteady: z.literal(true).optional().describe("It comes and goes"),
  health: z
    .looseObject({ state: z.enum(["up", "down", "unauthorized", "unknown"]), text: z.string() })
    .describe("How it was when it was last asked, or given work"),
  queued: z.int(),
  running: z.int(),
  lastHandoffAt: instant.optional(),
});
export const agentOut = shows<AgentStatus>(agent);
export const agentsOut = shows<{ readonly items: readonly AgentStatus[] }>(
  z.object({ items: z.array(agent) }),
);
export const agentKeyOut = shows<{ readonly agent: string; readonly token: string }>(
  z.object({ agent: z.string(), token: z.string() }),
);

const acl = z.object({
  allowed: z.boolean(),
  caller: z.string(),
  target: z.string(),
  rule: z.string(),
  text: z.string(),
});
export const aclOut = shows<AclAnswer | VerbAnswer>(
  z.union([
    acl,
    z.object({
      allowed: z.boolean(),
      who: z.string(),
      verb: z.enum(VERBS),
      rule: z.string(),
      text: z.string(),
      hint: z.string().optional(),
    }),
  ]),
);
export const aclTableOut = shows<{ readonly items: readonly AclAnswer[] }>(z.object({ items: z.array(acl) }));

export const contextOut = shows<ChannelHistory>(
  z.object({ channel: z.string(), channelId: z.string(), messages: z.int(), text: z.string() }),
);

export const liveOut = shows<{ readonly status: "live"; readonly pid: number; readonly version: string }>(
  z.object({ status: z.literal("live"), pid: z.int(), version: z.string() }),
);
export const healthOut = shows<Health>(
  z.looseObject({
    ready: z.boolean(),
    version: z.string(),
    mode: z.enum(["local", "discord", "embedded"]),
    startedAt: instant,
    checks: z.array(z.object({ name: z.string(), ok: z.boolean(), text: z.string() })),
    members: z
      .array(
        z.looseObject({
          home: z.string(),
          version: z.string(),
          startedAt: instant,
          seenAt: instant,
          isUs: z.boolean(),
          leads: z.boolean().describe("Connected to Discord for all"),
          host: z.string().optional(),
          pid: z.int().optional(),
          isTemporary: z.literal(true).optional().describe("Here for one question of the command line"),
          api: z.string().optional(),
          behind: z.int().optional().describe("Events it had not heard of when it was last heard"),
          clockAheadMs: z
            .number()
            .optional()
            .describe("By how much the database's clock is ahead of its own"),
          config: z.record(z.string(), z.string()).optional().describe("Digests of what all must have alike"),
          differs: z
            .array(z.string())
            .optional()
            .describe(
              "In what it is not like the one that leads: version, agents, rights, channels, tasks, workflows",
            ),
          standsBack: z
            .object({ since: instant, until: instant, why: z.string() })
            .optional()
            .describe("It led and did not reach Discord; until then it leaves the lead to others"),
        }),
      )
      .optional()
      .describe("Who works on the ledger, where several supervisors share it"),
  }),
);
export const stoppingOut = shows<{
  readonly stopping: true;
  readonly mode: "graceful" | "now";
  readonly ended?: StoppedNow;
}>(
  z.object({
    stopping: z.literal(true),
    mode: z.enum(["graceful", "now"]),
    ended: z
      .looseObject({
        canceled: z.array(z.string()),
        notCancelable: z.array(z.object({ id: z.string(), agent: z.string(), reason: z.string() })),
        killed: z.array(z.string()),
        held: z.int(),
      })
      .optional()
      .describe("With `now`: the work that was ended"),
  }),
);

export const eventStreamOut = {
  description: "One event a frame: id = position, event = type, data = the event as JSON",
  content: { "text/event-stream": { schema: shows<ReadableStream<Uint8Array>>(z.string()) } },
} as const;
