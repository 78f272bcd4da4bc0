import { actorOf, BASE } from "./auth.ts";
import { stopBody } from "./inputs.ts";
import { healthOut, liveOut, stoppingOut } from "./outputs.ts";
import { type ApiApp, type Door, REFUSED } from "./parts.ts";

export function systemRoutes(app: ApiApp, { verbs, version, onStop }: Door): void {
  const tags = ["system"];

  app.get(
    `${BASE}/health/live`,
    {
      exposeHeadRoute: true,
      schema: {
        tags,
        summary: "Whether this process answers; needs no key",
        security: [],
        response: { 200: liveOut },
      },
    },
    async () => ({ status: "live" as const, pid: process.pid, version }),
  );

  app.get(
    `${BASE}/health/ready`,
    {
      schema: {
        tags,
        summary: "Whether it does its work, and what is wrong (503 until ready)",
        response: { 200: healthOut, 503: healthOut, "4xx": REFUSED["4xx"] },
      },
    },
    async (_, reply) => {
      const health = await verbs.health();
      return reply.code(health.ready ? 200 : 503).send(health);
    },
  );

  app.post(
    `${BASE}/stop`,
    {
      schema: {
        tags,
        summary:
          "Stop the supervisor; open work goes on at the next start, unless `now` ends it; operator only",
        body: stopBody,
        response: { 202: stoppingOut, ...REFUSED },
      },
    },
    async (request, reply) => {
      verbs.acl.permit(actorOf(request), "stop");
      const isEmergency = request.body?.now === true;
      const ended = isEmergency ? await verbs.stopNow(actorOf(request)) : undefined;
      const mode = isEmergency ? "now" : (request.body?.mode ?? "graceful");
      reply.raw.once("close", () => onStop?.(mode));
      return reply
        .code(202)
        .header("connection", "close")
        .send({ stopping: true as const, mode, ...(ended ? { ended } : {}) });
    },
  );
}
