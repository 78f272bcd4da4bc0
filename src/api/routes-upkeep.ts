import type { FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import type { Actor } from "../domain/actor.ts";
import type { UpkeepVerbs } from "../engine/upkeep-verbs.ts";
import { Refusal } from "../kernel/refusal.ts";
import { actorOf, BASE, requireOperator } from "./auth.ts";
import { shows } from "./outputs.ts";
import { type ApiApp, type Door, REFUSED } from "./parts.ts";
import { present } from "./present.ts";
import { acceptBody, auditBody, exportQuery, pruneBody } from "./upkeep-inputs.ts";

const NDJSON = "application/x-ndjson; charset=utf-8";
/** Not more often than this, so that a long look is seen to go on. */
const PROGRESS_MS = 500;

const streamed = (type: string, description: string) => ({
  description,
  content: { [type]: { schema: shows<ReadableStream<Uint8Array>>(z.string()) } },
});
const lines = streamed("application/x-ndjson", "One JSON document a line; the last one is the answer");
const exported = streamed("application/x-ndjson", "A line for each, oldest first");

/** Who asked for a long job: is told of it, and ends it by leaving. */
type Watching = { readonly onProgress: (text: string) => void; readonly signal: AbortSignal };

/** Looking after the ledger as a whole; for the operator. */
export function upkeepRoutes(app: ApiApp, door: Door): void {
  const tags = ["upkeep"];
  const upkeep = () => {
    if (door.upkeep) return door.upkeep;
    throw new Refusal("not_found", "This supervisor has nobody who looks after its ledger.");
  };

  /** A long job of the operator's. */
  function tell(
    request: FastifyRequest,
    reply: FastifyReply,
    job: (work: UpkeepVerbs, actor: Actor, watching: Watching) => Promise<unknown>,
  ) {
    requireOperator(request);
    const work = upkeep();
    return reply.type(NDJSON).send(told(door, (watching) => job(work, actorOf(request), watching)));
  }

  app.post(
    `${BASE}/audit`,
    {
      schema: {
        tags,
        summary: "Compare ledger, outbox, folders and Discord, and mend what is missing; operator only",
        body: auditBody,
        response: { 200: lines, ...REFUSED },
      },
    },
    async (request, reply) => {
      const options = present(request.body ?? {});
      return tell(request, reply, (work, actor, watching) => work.audit(actor, { ...options, ...watching }));
    },
  );

  app.post(
    `${BASE}/audit/accept`,
    {
      schema: {
        tags,
        summary: "Say that messages which were deleted are not missed; operator only",
        body: acceptBody,
        response: { 200: lines, ...REFUSED },
      },
    },
    async (request, reply) => {
      const options = present(request.body);
      return tell(request, reply, (work, actor, watching) => work.accept(actor, { ...options, ...watching }));
    },
  );

  app.get(
    `${BASE}/export`,
    {
      schema: {
        tags,
        summary: "All events or delegations, oldest first, as JSON lines or CSV; operator only",
        querystring: exportQuery,
        response: { 200: exported, ...REFUSED },
      },
    },
    async (request, reply) => {
      requireOperator(request);
      const query = present(request.query);
      const type = query.format === "csv" ? "text/csv; charset=utf-8" : NDJSON;
      return reply.type(type).send(piped(door, upkeep().export(query)));
    },
  );

  app.post(
    `${BASE}/prune`,
    {
      schema: {
        tags,
        summary: "Take out what ended long ago, with its files; operator only",
        body: pruneBody,
        response: { 200: lines, ...REFUSED },
      },
    },
    async (request, reply) => {
      const options = present(request.body);
      return tell(request, reply, (work, actor, watching) => work.prune(actor, { ...options, ...watching }));
    },
  );
}

/** How far a long job is, line by line, and at the end what it came to; the job ends with whoever asked. */
function told(
  { closing, enter, log }: Door,
  job: (watching: Watching) => Promise<unknown>,
): ReadableStream<Uint8Array> {
  const gone = new AbortController();
  const encoder = new TextEncoder();
  const leave = enter();
  return new ReadableStream<Uint8Array>({
    start(controller) {
      const say = (line: object) => controller.enqueue(encoder.encode(`${JSON.stringify(line)}\n`));
      let toldAt = 0;
      const onProgress = (progress: string) => {
        if (gone.signal.aborted || performance.now() - toldAt < PROGRESS_MS) return;
        toldAt = performance.now();
        say({ progress });
      };
      void job({ onProgress, signal: AbortSignal.any([closing, gone.signal]) })
        .then(
          (report) => ({ report }),
          (error: unknown) => {
            const isOurs = error instanceof Refusal;
            if (!isOurs && !gone.signal.aborted)
              log.error({ err: error }, "a look at the whole ledger failed");
            const {
              code = "internal",
              message,
              hint,
            } = isOurs ? error : ({ message: "It failed; the log says why." } as Partial<Refusal>);
            return { error: { code, message, ...(hint ? { hint } : {}) } };
          },
        )
        .then((last) => {
          leave();
          if (gone.signal.aborted) return;
          say(last);
          controller.close();
        });
    },
    cancel() {
      gone.abort();
      leave();
    },
  });
}

/** Text as it is asked for: a slow reader is waited for. */
function piped({ closing, enter }: Door, texts: AsyncGenerator<string>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const leave = enter();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const next = closing.aborted ? undefined : await texts.next();
      if (next && !next.done) return controller.enqueue(encoder.encode(next.value));
      leave();
      if (closing.aborted) controller.error(new Error("the supervisor is stopping"));
      else controller.close();
    },
    async cancel() {
      leave();
      await texts.return(undefined);
    },
  });
}
