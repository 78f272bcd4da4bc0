import { z } from "zod";
import { Refusal } from "../kernel/refusal.ts";
import { BASE, bearerOf } from "./auth.ts";
import { rawBodyOf } from "./body.ts";
import { handoffsQuery, runParams } from "./inputs.ts";
import { handedInOut, handoffsOut } from "./outputs.ts";
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
      const token = bearerOf(request);
      if (token === undefined) {
        throw new Refusal("unauthenticated", "A handoff is handed in with its run's token.", {
          hint: "The prompt of the run names it: Authorization: Bearer <token>.",
        });
      }
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
}
