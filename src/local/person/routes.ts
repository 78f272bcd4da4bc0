import type { FastifyInstance } from "fastify";
import { allowUploads, onlyJson } from "../body.ts";
import type { Core } from "../core.ts";
import type { Guards } from "../guards.ts";
import { actRoutes } from "./acts.ts";
import { attachmentRoutes } from "./downloads.ts";
import { faultRoutes } from "./faults.ts";
import { interactRoutes } from "./interact.ts";
import { createLooks, type Looks } from "./looks.ts";
import { createFinding, type Finding } from "./person.ts";
import { addProblems } from "./problems.ts";
import { readRoutes } from "./reads.ts";
import { createStream, type Stream } from "./stream.ts";

export type PersonDeps = {
  readonly core: Core;
  readonly finding: Finding;
  readonly looks: Looks;
  readonly stream: Stream;
  readonly isBotOnline: () => boolean;
};

/** `/local/*`: what a person sees and does, as in docs/specs/local-guild.md. */
export async function personRoutes(
  app: FastifyInstance,
  {
    core,
    guards,
    isBotOnline,
    allowFaults,
  }: { core: Core; guards: Guards; isBotOnline: () => boolean; allowFaults: boolean },
): Promise<void> {
  onlyJson(app);
  addProblems(app);
  const finding = createFinding(core);
  const looks = createLooks(core);
  const stream = createStream({ core, finding, looks });
  const deps: PersonDeps = { core, finding, looks, stream, isBotOnline };
  app.addHook("preClose", async () => stream.stop());

  await app.register(async (open) => attachmentRoutes(open, deps));
  await app.register(async (guarded) => {
    guarded.addHook("onRequest", async (request) => guards.checkKey(request.headers));
    guarded.get<{ Querystring: { as?: string; after?: string } }>("/local/events", (request, reply) => {
      const person = finding.person(request.query.as);
      const after = request.headers["last-event-id"] ?? request.query.after;
      reply.hijack();
      reply.raw.writeHead(200, {
        ...(reply.getHeaders() as Record<string, string>),
        "content-type": "text/event-stream; charset=utf-8",
        "cache-control": "no-store",
        "x-accel-buffering": "no",
      });
      stream.open(reply.raw, person, typeof after === "string" && after !== "" ? after : undefined);
    });
    readRoutes(guarded, deps);
    interactRoutes(guarded, deps);
    if (allowFaults) faultRoutes(guarded, core.faults);
    await guarded.register(async (uploading) => {
      await allowUploads(uploading);
      actRoutes(uploading, deps);
    });
  });
}
