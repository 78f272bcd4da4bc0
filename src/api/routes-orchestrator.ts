import type { z } from "zod";
import type { CallRequest } from "../engine/orchestrator-verbs.ts";
import { claimed, keyHeader, keyOf, REPEATED } from "./asking.ts";
import { actorOf } from "./auth.ts";
import { fanoutBody, healthQuery, routeBody, USUAL_CALL_MS } from "./orchestrator-inputs.ts";
import { fanoutOut, instancesOut, routeAnswer, routeOut } from "./orchestrator-outputs.ts";
import type { ApiApp, Door } from "./parts.ts";
import { present } from "./present.ts";
import { SEED_REFUSED } from "./seed-errors.ts";

type Asked = z.output<typeof routeBody> | z.output<typeof fanoutBody>;

function callOf(asked: Asked, key: string | undefined): Omit<CallRequest, "instances" | "mode"> {
  const { payload, timeout, retries, reroute, deliver, parent } = asked;
  return {
    ...present({ payload, retries, reroute, deliver, parent }),
    timeoutMs: timeout ?? USUAL_CALL_MS,
    ...(key === undefined ? {} : { key: { scope: "rest", key } }),
    origin: { door: "rest" },
  };
}

/** The contract's routes below `base`; the alias is not documented a second time. */
export function orchestratorRoutes(app: ApiApp, door: Door, base: string, hide: boolean): void {
  const { verbs, now } = door;
  const tags = ["orchestrator"];

  /** Counts as waiting, and ends when the door closes or whoever asked has gone. */
  async function waiting<T>(gone: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const leave = door.enter();
    try {
      return await work(AbortSignal.any([door.closing, gone]));
    } finally {
      leave();
    }
  }

  app.post(
    `${base}/route`,
    {
      schema: {
        hide,
        tags,
        summary: "Give a payload to instances: to all, to the first healthy one, or turn about",
        headers: keyHeader,
        body: routeBody,
        response: { 200: routeOut, 202: routeOut, ...SEED_REFUSED },
      },
    },
    async (request, reply) => {
      const { body } = request;
      const asked = callOf(body, keyOf(request.headers["idempotency-key"]));
      const actor = await claimed(actorOf(request), body.caller, verbs);
      const call = { ...asked, instances: body.instances, mode: body.mode ?? "all" };
      const { shares, repeated } = await waiting(request.signal, (signal) =>
        verbs.orchestrator.call(actor, call, signal),
      );
      if (repeated) reply.header(REPEATED, "true");
      return reply.code(asked.timeoutMs > 0 ? 200 : 202).send(routeAnswer(shares, now()));
    },
  );

  app.post(
    `${base}/fanout`,
    {
      schema: {
        hide,
        tags,
        summary: "Ask several instances the same and put together what came back within the time limit",
        headers: keyHeader,
        body: fanoutBody,
        response: { 200: fanoutOut, 202: fanoutOut, ...SEED_REFUSED },
      },
    },
    async (request, reply) => {
      const { body } = request;
      const asked = callOf(body, keyOf(request.headers["idempotency-key"]));
      const actor = await claimed(actorOf(request), body.caller, verbs);
      const timeoutMs = body.aggregate === false ? 0 : asked.timeoutMs;
      const call = { ...asked, instances: body.targets, mode: "all", timeoutMs } as const;
      const { shares, repeated } = await waiting(request.signal, (signal) =>
        verbs.orchestrator.call(actor, call, signal),
      );
      if (repeated) reply.header(REPEATED, "true");
      return reply.code(timeoutMs > 0 ? 200 : 202).send(shares);
    },
  );

  app.get(
    `${base}/health`,
    {
      schema: {
        hide,
        tags,
        summary: "Whether instances would take work now: healthy or down",
        querystring: healthQuery,
        response: { 200: instancesOut, ...SEED_REFUSED },
      },
    },
    async (request) => {
      const { instances = [], detail = false } = request.query;
      const found = await verbs.orchestrator.instances(instances);
      return Object.fromEntries(found.map((one) => [one.instance, detail ? one : one.status]));
    },
  );
}
