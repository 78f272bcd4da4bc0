import type { z } from "zod";
import type { DelegateRequest } from "../engine/verbs.ts";
import { claimed, keyHeader, keyOf, REPEATED } from "./asking.ts";
import { actorOf, BASE } from "./auth.ts";
import {
  cancelBody,
  delegateBody,
  delegationQuery,
  delegationsQuery,
  idParams,
  LONGEST_WAIT_MS,
} from "./inputs.ts";
import { delegationOut, delegationsOut, repeatedOut } from "./outputs.ts";
import { type ApiApp, type Door, REFUSED } from "./parts.ts";
import { present } from "./present.ts";
import { toldRoutes } from "./routes-told.ts";

function requestOf(body: z.output<typeof delegateBody>, key: string | undefined): DelegateRequest {
  const { caller: _, timeout, startWithin, context, channelContext, workflow, budget, ...same } = body;
  return {
    ...present(same),
    ...present({ timeoutMs: timeout, startWithinMs: startWithin, attachments: context }),
    ...(channelContext ? { channelContext: present(channelContext) } : {}),
    ...(workflow ? { workflow: present(workflow) } : {}),
    ...(budget ? { budget: present(budget) } : {}),
    ...(key === undefined ? {} : { key: { scope: "rest", key } }),
    origin: { door: "rest" },
  };
}

export function delegationRoutes(app: ApiApp, door: Door): void {
  const { verbs } = door;
  const tags = ["delegations"];
  toldRoutes(app, door, { tags, path: "delegations", find: verbs.delegation });

  app.post(
    `${BASE}/delegations`,
    {
      schema: {
        tags,
        summary: "Delegate an objective to an agent",
        headers: keyHeader,
        body: delegateBody,
        response: { 201: delegationOut, 200: repeatedOut, ...REFUSED },
      },
    },
    async (request, reply) => {
      const key = keyOf(request.headers["idempotency-key"]);
      const actor = await claimed(actorOf(request), request.body.caller, verbs);
      const { delegation, repeated } = await verbs.delegate(actor, requestOf(request.body, key));
      reply.header("location", `${BASE}/delegations/${delegation.id}`);
      if (repeated) reply.header(REPEATED, "true");
      return reply.code(repeated ? 200 : 201).send(delegation);
    },
  );

  app.get(
    `${BASE}/delegations`,
    {
      schema: {
        tags,
        summary: "Delegations, newest first",
        querystring: delegationsQuery,
        response: { 200: delegationsOut, ...REFUSED },
      },
    },
    async (request) => verbs.delegations(present(request.query)),
  );

  app.get(
    `${BASE}/delegations/:id`,
    {
      schema: {
        tags,
        summary: "One delegation, at once or when it is settled",
        params: idParams,
        querystring: delegationQuery,
        response: { 200: delegationOut, ...REFUSED },
      },
    },
    async (request) => {
      const { wait } = request.query;
      if (wait === undefined) return verbs.delegation(request.params.id);
      const leave = door.enter();
      try {
        const signal = AbortSignal.any([door.closing, request.signal]);
        return await verbs.wait(request.params.id, { timeoutMs: Math.min(wait, LONGEST_WAIT_MS), signal });
      } finally {
        leave();
      }
    },
  );

  app.post(
    `${BASE}/delegations/:id/cancel`,
    {
      schema: {
        tags,
        summary: "Stop waiting for it; what the agent hands in after that is recorded as late",
        params: idParams,
        body: cancelBody,
        response: { 200: delegationOut, ...REFUSED },
      },
    },
    async (request) => verbs.cancel(actorOf(request), request.params.id, request.body?.reason),
  );
}
