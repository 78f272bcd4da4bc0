import { z } from "zod";
import type { AgentHistory } from "../engine/agent-history.ts";
import type { NowView } from "../engine/now.ts";
import type { SearchAnswer } from "../engine/searching.ts";
import type { Story } from "../engine/story.ts";
import { instant, shows } from "./outputs.ts";

export type PageSessionAnswer =
  | { readonly signedIn: false }
  | { readonly signedIn: true; readonly actor: string; readonly expiresAt: number };

export const pageSessionOut = shows<PageSessionAnswer>(
  z.union([
    z.object({ signedIn: z.literal(false) }),
    z.object({ signedIn: z.literal(true), actor: z.string(), expiresAt: instant }),
  ]),
);

export type PageLink = { readonly url: string; readonly code: string; readonly expiresAt: number };
export const pageLinkOut = shows<PageLink>(
  z.object({ url: z.string(), code: z.string(), expiresAt: instant }),
);

const lateness = { late: z.boolean(), lateWhy: z.string().optional() };

export const nowOut = shows<NowView>(
  z.looseObject({
    at: instant,
    position: z.int().describe("GET /events?after= from here on"),
    ready: z.boolean(),
    counts: z.record(z.string(), z.record(z.string(), z.int())),
    runs: z.array(z.looseObject({ id: z.string(), workflow: z.string(), since: instant, ...lateness })),
    delegations: z.array(
      z.looseObject({ id: z.string(), agent: z.string(), status: z.string(), since: instant, ...lateness }),
    ),
    tasks: z.array(
      z.looseObject({ id: z.string(), status: z.enum(["open", "claimed"]), since: instant, ...lateness }),
    ),
    gates: z.array(
      z.looseObject({
        run: z.string(),
        step: z.string(),
        prompt: z.string(),
        digest: z.string(),
        expiresAt: instant,
      }),
    ),
    agents: z.array(z.looseObject({ id: z.string(), state: z.string(), queued: z.int(), running: z.int() })),
    more: z.object({ runs: z.boolean(), delegations: z.boolean(), tasks: z.boolean() }),
  }),
);

const wait = z.object({
  for: z.enum(["need", "room", "agent", "gate", "time"]),
  id: z.string().optional(),
  text: z.string(),
  from: instant,
  to: instant.optional(),
  ms: z.number(),
});
const child = z.looseObject({
  id: z.string(),
  kind: z.enum(["delegation", "run"]),
  state: z.string(),
  startedAt: instant.optional(),
  dispatchedAt: instant.optional(),
  settledAt: instant.optional(),
});
const point = z.object({ x: z.number(), y: z.number() });
export const runDrawing = z.looseObject({
  id: z.string(),
  workflow: z.string(),
  status: z.string(),
  startedAt: instant,
  at: instant,
  layout: z.enum(["dagre", "waves"]),
  width: z.number(),
  height: z.number(),
  nodes: z.array(
    z.looseObject({
      id: z.string(),
      kind: z.string(),
      state: z.string(),
      needs: z.array(z.string()),
      wave: z.int(),
      waitedFor: z.array(wait),
      children: z.array(child),
      x: z.number(),
      y: z.number(),
      width: z.number(),
      height: z.number(),
    }),
  ),
  edges: z.array(z.object({ from: z.string(), to: z.string(), points: z.array(point) })),
});

export const agentHistoryOut = shows<AgentHistory>(
  z.looseObject({
    agent: z.string(),
    state: z.string(),
    since: instant,
    changes: z.array(z.looseObject({ at: instant, what: z.string() })),
    spans: z.array(z.looseObject({ from: instant, to: instant.optional(), state: z.string() })),
    latest: z.array(z.looseObject({ id: z.string(), status: z.string(), objective: z.string() })),
    hours: z.array(z.object({ at: instant, settled: z.int(), succeeded: z.int(), failed: z.int() })),
  }),
);

export const storyOut = shows<Story>(
  z.looseObject({
    delegation: z.looseObject({ id: z.string(), status: z.string(), agent: z.string() }),
    attempts: z.array(
      z.looseObject({
        attempt: z.int(),
        agent: z.string(),
        status: z.string(),
        queuedAt: instant,
        prompt: z
          .object({ text: z.string() })
          .optional()
          .describe("Composed again; tokens are placeholders, role and colleagues are those of today"),
      }),
    ),
    handoffs: z.array(z.looseObject({ at: instant, verdict: z.string(), path: z.string() })),
    receipts: z.array(
      z.looseObject({
        delivery: z.string(),
        what: z.string(),
        channel: z.string(),
        channelName: z.string().optional(),
        link: z.string().optional(),
      }),
    ),
    children: z.array(z.looseObject({ id: z.string(), agent: z.string(), status: z.string() })),
    times: z.looseObject({ waitedMs: z.number() }),
    events: z.array(z.looseObject({ at: instant, what: z.string(), text: z.string() })),
  }),
);

export const searchOut = shows<SearchAnswer>(
  z.object({
    items: z.array(
      z.looseObject({
        kind: z.string(),
        id: z.string(),
        status: z.string(),
        agent: z.string().optional(),
        title: z.string(),
        excerpt: z.string(),
        marks: z.array(z.array(z.int())).describe("Places in the excerpt that were found, from and to"),
        at: instant.describe("When it was asked for"),
        settledAt: instant.optional(),
      }),
    ),
    next: z.string().optional(),
    indexed: z
      .object({ position: z.int(), head: z.int(), isComplete: z.boolean() })
      .describe("Until it is complete, old history is still being taken in"),
  }),
);
