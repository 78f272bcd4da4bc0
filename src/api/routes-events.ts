import type { z } from "zod";
import type { StoredEvent } from "../engine/ports/ledger.ts";
import { Refusal } from "../kernel/refusal.ts";
import { BASE, sessionOf } from "./auth.ts";
import { eventStream } from "./events.ts";
import { eventsQuery } from "./inputs.ts";
import { eventStreamOut } from "./outputs.ts";
import { type ApiApp, type Door, REFUSED } from "./parts.ts";
import { present } from "./present.ts";

const HEARTBEAT_MS = 15_000;

function lastSeen(header: string | string[] | undefined, after: number | undefined): number | undefined {
  if (header === undefined || header === "") return after;
  const position = Number(header);
  if (Number.isSafeInteger(position) && position >= 0) return position;
  throw new Refusal("invalid_input", "Last-Event-ID: the id of an event of this stream, a number.");
}

function subjectOf({ delegation, run, task }: z.output<typeof eventsQuery>): string | undefined {
  const named = [delegation, run, task].filter((id) => id !== undefined);
  if (named.length <= 1) return named[0];
  throw new Refusal("invalid_input", "run: name a delegation, a run or a task, only one of them.", {
    hint: "Without any, the stream holds the events of all.",
  });
}

export function eventRoutes(app: ApiApp, door: Door): void {
  app.get(
    `${BASE}/events`,
    {
      schema: {
        tags: ["events"],
        summary: "Events as they happen (text/event-stream); Last-Event-ID or after= goes on where you were",
        querystring: eventsQuery,
        response: { 200: eventStreamOut, ...REFUSED },
      },
    },
    async (request, reply) => {
      const subject = subjectOf(request.query);
      const after = lastSeen(request.headers["last-event-id"], request.query.after);
      const told = subject === undefined ? undefined : await door.verbs.wholeHistory(subject);
      const shows = (event: StoredEvent) =>
        subject === undefined || event.stream === subject || event.stream.startsWith(`${subject}/`);
      const session = sessionOf(request);
      const stream = eventStream({
        verbs: door.verbs,
        first: after === undefined ? (told?.events ?? []) : [],
        after: after ?? told?.upTo,
        shows,
        framing: present({ as: request.query.as, brief: request.query.brief }),
        heartbeatMs: door.heartbeatMs ?? HEARTBEAT_MS,
        closing: session ? AbortSignal.any([door.closing, session.over]) : door.closing,
        onEnd: door.enter(),
      });
      return reply
        .type("text/event-stream; charset=utf-8")
        .header("cache-control", "no-store, no-transform")
        .header("x-accel-buffering", "no")
        .send(stream);
    },
  );
}
