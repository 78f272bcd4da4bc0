import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Core } from "../core.ts";
import { DiscordError, discordErrorBody } from "../errors.ts";
import type { Fault } from "../faults.ts";

type Later = { readonly fault?: Fault; readonly open?: Promise<void>; readonly arrive?: () => void };

const OF_THE_GUILD = /\/(?:channels|guilds)\//;

const pause = (ms: number) =>
  new Promise<void>((resolve) => {
    setTimeout(resolve, ms);
  });

/** Brings the faults that tests ask for into the REST side: before a request is carried out, or after. */
export function addTrouble(app: FastifyInstance, { faults }: Core): void {
  const later = new WeakMap<FastifyRequest, Later>();

  app.addHook("onRequest", async (request, reply) => {
    const path = request.url;
    if (faults.isOut()) return reply.code(503).send({ code: 0, message: "503: Service Unavailable" });
    if (faults.away() === "removed" && OF_THE_GUILD.test(path)) {
      const refusal = new DiscordError(path.includes("/guilds/") ? 10004 : 50001);
      return reply.code(refusal.status).send(discordErrorBody(refusal));
    }
    const hold = faults.takeHold(request.method, path);
    if (hold?.after) later.set(request, hold);
    else if (hold) {
      hold.arrive();
      await hold.open;
    }
    const fault = faults.takeFor(request.method, path);
    if (!fault) return;
    if (isAfter(fault)) later.set(request, { ...later.get(request), fault });
    else return strike(fault, request, reply);
    return;
  });

  app.addHook("onSend", async (request, reply, payload) => {
    const waiting = later.get(request);
    if (!waiting) return payload;
    later.delete(request);
    waiting.arrive?.();
    await waiting.open;
    const { fault } = waiting;
    if (fault?.kind === "delay") await pause(fault.delayMs);
    if (fault?.kind === "drop") cutOff(request, fault.clean ?? false);
    if (fault?.kind !== "status") return payload;
    reply.code(fault.status).type("application/json");
    return JSON.stringify(bodyOf(fault));
  });
}

const isAfter = (fault: Fault) =>
  fault.kind === "drop" ? fault.after !== false : fault.kind !== "rate-limit" && fault.after === true;

const bodyOf = (fault: Extract<Fault, { kind: "status" }>) =>
  fault.body ?? { code: 0, message: `${fault.status}: a fault` };

async function strike(fault: Fault, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  switch (fault.kind) {
    case "delay":
      return pause(fault.delayMs).then(() => undefined);
    case "drop":
      cutOff(request, fault.clean ?? false);
      return reply.hijack();
    case "status":
      return reply.code(fault.status).send(bodyOf(fault));
    case "rate-limit": {
      const seconds = fault.retryAfterMs / 1000;
      return reply
        .code(429)
        .headers({
          "retry-after": String(seconds),
          "x-ratelimit-scope": fault.global ? "global" : "user",
          ...(fault.global ? { "x-ratelimit-global": "true" } : {}),
        })
        .send({
          message: "You are being rate limited.",
          retry_after: seconds,
          global: fault.global ?? false,
        });
    }
  }
}

function cutOff(request: FastifyRequest, clean: boolean): void {
  if (clean) request.raw.socket.destroy();
  else request.raw.socket.resetAndDestroy();
}
