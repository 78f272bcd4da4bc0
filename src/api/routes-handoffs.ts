import type { FastifyRequest } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { Refusal } from "../kernel/refusal.ts";
import { BASE, bearerOf } from "./auth.ts";
import { rawBodyOf } from "./body.ts";
import { artifactParams, handoffsQuery, runParams } from "./inputs.ts";
import { handedInOut, handoffsOut, uploadedOut } from "./outputs.ts";
import { type ApiApp, type Door, REFUSED } from "./parts.ts";
import { present } from "./present.ts";

export function handoffRoutes(app: ApiApp, { verbs }: Door): void {
  const tags = ["handoffs"];

  app.post(
    `${BASE}/handoffs/:runId`,
    {
      schema: {
        tags,
        summary: "Give work back; the bearer is the token in the run's prompt",
        params: runParams,
        body: z.unknown(),
        response: { 200: handedInOut, ...REFUSED },
      },
    },
    async (request) => {
      const token = tokenOf(request);
      const { runId } = request.params;
      const { delegation, repeated } = await verbs.handIn(runId, token, request.body, rawBodyOf(request));
      return { runId, status: delegation.status, repeated };
    },
  );

  app.get(
    `${BASE}/handoffs`,
    {
      schema: {
        tags,
        summary: "Handoffs that were seen and what became of them, newest first",
        querystring: handoffsQuery,
        response: { 200: handoffsOut, ...REFUSED },
      },
    },
    async (request) => ({ items: await verbs.handoffs(present(request.query)) }),
  );

  // Whatever its kind: a file is not read here, but handed on as it comes.
  app.register(async (scoped) => {
    scoped.removeAllContentTypeParsers();
    scoped.addContentTypeParser("*", (_request, body, done) => done(null, body));
    scoped.withTypeProvider<ZodTypeProvider>().route({
      method: ["PUT", "POST"],
      url: `${BASE}/handoffs/:runId/artifacts/:name`,
      schema: {
        tags,
        summary: "A file that goes with the handoff to come; the bearer is the token in the run's prompt",
        params: artifactParams,
        consumes: ["application/octet-stream"],
        body: z.unknown(),
        response: { 200: uploadedOut, 201: uploadedOut, ...REFUSED },
      },
      async handler(request, reply) {
        const token = tokenOf(request);
        const { runId, name } = request.params;
        const length = request.headers["content-length"];
        const answer = await verbs.upload(runId, token, name, {
          body: whole(request.raw),
          ...(length === undefined ? {} : { bytes: Number(length) }),
        });
        return reply.code(answer.repeated ? 200 : 201).send(answer);
      },
    });
  });
}

function tokenOf(request: FastifyRequest): string {
  const token = bearerOf(request);
  if (token !== undefined) return token;
  throw new Refusal("unauthenticated", "A handoff is handed in with its run's token.", {
    hint: "The prompt of the run names it: Authorization: Bearer <token>.",
  });
}

/** A client that goes away in the middle has sent no file, and nothing here is broken. */
async function* whole(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch (cause) {
    throw new Refusal("invalid_input", "The connection ended in the middle of the file.", {
      hint: "Send it once more; nothing was kept.",
      cause,
    });
  }
}
