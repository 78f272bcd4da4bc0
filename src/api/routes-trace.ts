import { BASE } from "./auth.ts";
import { idParams } from "./inputs.ts";
import { type ApiApp, type Door, REFUSED } from "./parts.ts";
import { traceOut } from "./trace-outputs.ts";

export function traceRoutes(app: ApiApp, { verbs }: Door): void {
  app.get(
    `${BASE}/trace/:id`,
    {
      schema: {
        tags: ["events"],
        summary:
          "The whole story of one id with the time that each part took: a delegation, run, task, worker, delivery, command or message",
        params: idParams,
        response: { 200: traceOut, ...REFUSED },
      },
    },
    async (request) => verbs.trace(request.params.id),
  );
}
