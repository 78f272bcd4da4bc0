import { z } from "zod";
import { TRACED_KINDS, type Trace } from "../domain/trace-types.ts";
import { instant, shows } from "./outputs.ts";

const span = z.number().describe("Milliseconds");
const totals = z.looseObject({
  waitingMs: span,
  workingMs: span,
  peopleMs: span,
  postingMs: span.optional(),
  attempts: z.int(),
  messages: z.int(),
});

export const traceOut = shows<Trace>(
  z.looseObject({
    id: z.string(),
    kind: z.enum(TRACED_KINDS),
    title: z.string(),
    status: z.string(),
    askedAt: instant,
    settledAt: instant.optional(),
    parent: z.string().optional(),
    lines: z.array(
      z.looseObject({
        at: instant,
        depth: z.int(),
        subject: z.string(),
        what: z.string(),
        text: z.string(),
        tookMs: span.optional(),
        message: z.object({ channel: z.string(), id: z.string() }).optional(),
      }),
    ),
    totals,
    children: z.array(
      z.looseObject({
        id: z.string(),
        kind: z.enum(TRACED_KINDS),
        depth: z.int(),
        title: z.string(),
        status: z.string(),
        totals,
      }),
    ),
    untold: z.int().describe("Children that are left out"),
    omitted: z.int().describe("Events that are left out"),
  }),
);
